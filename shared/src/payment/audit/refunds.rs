//! P8: an order stands as the net of its payment does, and never below nothing or above its charge; so does money in review.
//!
//! That what was posted is the share of that net is P1. A provider's word may go beyond what it captured (a dispute after a
//! refund does), so the payment's facts are not judged; their net, which stops at nothing, is.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::operations::auditor::{Finding, Snapshot};
use crate::payment::model::order::{Order, OrderStatus};
use crate::payment::model::payment::Payment;
use kernel::id::OrderId;
use kernel::ledger::PlatformAccount;
use kernel::money::MoneyError;

/// Checks what was given back.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let paying: BTreeMap<OrderId, &Payment> =
        snapshot.payments.iter().filter_map(|payment| Some((payment.order?, payment))).collect();
    let mut findings = Vec::new();
    for order in snapshot.orders.values().filter(|order| order.status.is_captured()) {
        match disagreement(order, paying.get(&order.id).copied()) {
            Ok(None) => {}
            Ok(Some(why)) => findings.push(Finding::new("P8", order.id, why)),
            Err(error) => findings.push(Finding::new("P8", order.id, error.to_string())),
        }
    }
    check_reviews(snapshot, &mut findings);
    findings
}

/// Why an order does not stand as its payment says.
fn disagreement(order: &Order, payment: Option<&Payment>) -> Result<Option<String>, MoneyError> {
    let net = order.net();
    if net.is_negative() || net.compare(order.charge)?.is_gt() {
        return Ok(Some(format!("has {net} left of {}", order.charge)));
    }
    // Completed by hand without a payment id: there is no provider's word to differ from.
    let disputed = payment.map_or(order.status == OrderStatus::Disputed, Payment::open_dispute);
    let status = OrderStatus::by_net(net, order.charge, disputed)?;
    if status != order.status {
        return Ok(Some(format!("is {} with {net} left of {}", order.status.as_str(), order.charge)));
    }
    let Some(left) = payment.map(Payment::net).transpose()?.flatten() else { return Ok(None) };
    Ok((left != net).then(|| format!("has {net} left, its payment says {left}")))
}

/// What a review's journals put on `suspense` and took from it is what the item says is left there; a credit takes the rest by a
/// journal of the payment.
fn check_reviews(all: &Snapshot, findings: &mut Vec<Finding>) {
    for review in all.reviews.iter().filter(|review| review.reason.holds_money()) {
        let cause = format!("review:{}", review.id);
        let own = all.postings.iter().filter(|posting| posting.header.cause == cause);
        let mut lines = own.flat_map(|posting| &posting.house).filter(|line| line.account == PlatformAccount::Suspense);
        let sum = lines.try_fold(Decimal::ZERO, |sum, line| sum.checked_add(line.amount.amount()));
        if sum != Some(review.held().amount()) {
            findings.push(Finding::new("P8", review.id, format!("holds {}, its journals say {sum:?}", review.held())));
        }
    }
}
