//! P8: an order stands as the net of its payment does, and never below nothing or above its charge.
//!
//! That what was posted is the share of that net is P1. A provider's word may go beyond what it captured (a dispute after a
//! refund does), so the payment's facts are not judged; their net, which stops at nothing, is.

use std::collections::BTreeMap;

use super::{Finding, Snapshot};
use crate::domain::id::OrderId;
use crate::domain::money::{MoneyError, PayMoney};
use crate::domain::order::{Order, OrderStatus};
use crate::domain::payment::Payment;
use crate::domain::review::{ReviewReason, ReviewState};

/// Checks what was given back.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let paying: BTreeMap<OrderId, &Payment> =
        snapshot.payments.iter().filter_map(|payment| Some((payment.order?, payment))).collect();
    let mut findings = Vec::new();
    for order in snapshot.orders.values().filter(|order| order.status.is_captured()) {
        match disagreement(order, paying.get(&order.id).copied(), snapshot) {
            Ok(None) => {}
            Ok(Some(why)) => findings.push(Finding::new("P8", order.id, why)),
            Err(error) => findings.push(Finding::new("P8", order.id, error.to_string())),
        }
    }
    findings
}

/// Why an order does not stand as its payment says.
fn disagreement(order: &Order, payment: Option<&Payment>, all: &Snapshot) -> Result<Option<String>, MoneyError> {
    let net = order.net();
    if net.is_negative() || net.compare(order.charge)?.is_gt() {
        return Ok(Some(format!("has {net} left of {}", order.charge)));
    }
    // Completed by hand without a payment id: there is no provider's word to differ from.
    let disputed = payment.map_or(order.status == OrderStatus::Disputed, Payment::open_dispute);
    let waits = payment.is_some_and(|payment| waits_for_a_person(payment, all));
    let status = OrderStatus::by_net(net, order.charge, disputed && !waits)?;
    if status != order.status {
        return Ok(Some(format!("is {} with {net} left of {}", order.status.as_str(), order.charge)));
    }
    let Some(left) = payment.filter(|_| !waits).map(Payment::net).transpose()?.flatten() else { return Ok(None) };
    Ok((left != net).then(|| format!("has {net} left, its payment says {left}")))
}

/// Whether an open review holds back what the payment says since it was credited.
pub(super) fn waits_for_a_person(payment: &Payment, all: &Snapshot) -> bool {
    all.reviews.iter().any(|review| {
        Some(review.id) == payment.review
            && review.reason == ReviewReason::RefundAfterPayment
            && review.state == ReviewState::Open
    })
}

/// What the payment says is left of it, for the order: all of it while a person has not looked at what went back.
pub(super) fn believed(payment: &Payment, net: PayMoney, all: &Snapshot) -> PayMoney {
    match payment.captured {
        Some(capture) if waits_for_a_person(payment, all) => capture.amount,
        _ => net,
    }
}
