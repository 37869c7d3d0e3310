//! Invariant P8: a captured order matches its payment's net, between zero and the charge.
//!
//! Money in review matches its journals in the same way. P1 checks that the posted amounts are in proportion to that net. A
//! provider may report more than it captured, such as a dispute after a refund. So P8 checks the net, which never falls below
//! zero, and not the single facts.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::operations::auditor::{Finding, Snapshot};
use crate::payment::model::order::{Order, OrderStatus};
use crate::payment::model::payment::Payment;
use kernel::id::OrderId;
use kernel::ledger::PlatformAccount;
use kernel::money::MoneyError;

/// Checks refunds, disputes and review money against P8.
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

/// Reason why an order does not match its payment, if any.
fn disagreement(order: &Order, payment: Option<&Payment>) -> Result<Option<String>, MoneyError> {
    let net = order.net();
    if net.is_negative() || net.compare(order.charge)?.is_gt() {
        return Ok(Some(format!("has {net} left of {}", order.charge)));
    }
    // An order completed by hand without a payment id has no provider report to compare with.
    let disputed = payment.map_or(order.status == OrderStatus::Disputed, Payment::open_dispute);
    let status = OrderStatus::by_net(net, order.charge, disputed)?;
    if status != order.status {
        return Ok(Some(format!("is {} with {net} left of {}", order.status.as_str(), order.charge)));
    }
    let Some(left) = payment.map(Payment::net).transpose()?.flatten() else { return Ok(None) };
    Ok((left != net).then(|| format!("has {net} left, its payment says {left}")))
}

/// Checks that the `suspense` lines of each review's journals sum to the amount it holds.
///
/// Crediting a review takes the rest by a journal of the payment, which is not counted here.
fn check_reviews(all: &Snapshot, findings: &mut Vec<Finding>) {
    for review in all.reviews.iter().filter(|review| review.reason.holds_money()) {
        let cause = format!("review:{}", review.id);
        let own = all.postings.iter().filter(|posting| posting.header.cause == cause);
        let lines = own.flat_map(|posting| &posting.house).filter(|line| line.account == PlatformAccount::Suspense);
        let mut lines = lines.filter(|line| line.amount.currency() == review.held().currency());
        let sum = lines.try_fold(Decimal::ZERO, |sum, line| sum.checked_add(line.amount.amount()));
        if sum != Some(review.held().amount()) {
            findings.push(Finding::new("P8", review.id, format!("holds {}, its journals say {sum:?}", review.held())));
        }
    }
}
