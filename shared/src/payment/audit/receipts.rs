//! Invariant P12: the receipts of a year are numbered from 1 without a gap, each of one paid order, and the counter agrees (R4.12).

use std::collections::BTreeMap;

use kernel::year::Year;

use crate::operations::auditor::{Finding, Snapshot};
use crate::payment::model::receipt::{Receipt, ReceiptCounter};

/// Checks receipts against their orders and the counters of their years.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut years: BTreeMap<Year, Vec<u64>> = BTreeMap::new();
    for receipt in snapshot.all::<Receipt>() {
        years.entry(receipt.year).or_default().push(receipt.number);
        let order = snapshot.orders.get(&receipt.order);
        if !order.is_some_and(|order| order.status.is_captured() && order.user == receipt.user) {
            let detail = format!("{} is no receipt of a paid order of {}", receipt.reference(), receipt.user);
            findings.push(Finding::new("P12", receipt.order, detail));
        }
        if Year::of(receipt.issued_at) != receipt.year {
            let detail = format!("{} was issued at {}", receipt.reference(), receipt.issued_at);
            findings.push(Finding::new("P12", receipt.order, detail));
        }
    }
    for counter in snapshot.all::<ReceiptCounter>() {
        let mut numbers = years.remove(&counter.year).unwrap_or_default();
        numbers.sort_unstable();
        if !numbers.iter().copied().eq(1..=counter.last) {
            let detail = format!("counts {} receipts, which have the numbers {numbers:?}", counter.last);
            findings.push(Finding::new("P12", counter.year, detail));
        }
    }
    findings.extend(years.keys().map(|year| Finding::new("P12", year, "has receipts and no counter")));
    findings
}
