//! Invariants P1–P7: each payment is credited once, in proportion to its net (R4.11), or is in review; P11 in [`coupons`], P12 in [`receipts`].

pub mod book;
pub mod coupons;
pub mod facts;
pub mod receipts;
pub mod refunds;

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;

use crate::account::model::credit_lot::EXPIRIES;
use crate::operations::auditor::{Finding, Snapshot};
use crate::payment::model::event::EventOutcome;
use crate::payment::model::order::{Order, OrderStatus};
use crate::payment::model::payment::{Payment, target};
use kernel::id::{OrderId, UserId};
use kernel::ledger::{AccountKind, JournalEntry, Line, Operator, PlatformAccount};
use kernel::money::LedgerMoney;

/// Checks payments, orders, promotions and coupons against P1–P7, P11 and P12.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    let posted = posted(snapshot);
    for order in snapshot.orders.values() {
        check_order(order, &posted, &mut findings);
    }
    check_payments(snapshot, &mut findings);
    check_events(snapshot, &mut findings);
    check_promotions(snapshot, &mut findings);
    findings.extend(facts::check(snapshot));
    findings.extend(coupons::check(snapshot));
    findings.extend(receipts::check(snapshot));
    findings
}

/// Sums over an order's journals: all user lines, and the part that `promotion` paid.
#[derive(Default, Clone, Copy)]
struct Posted {
    given: Decimal,
    promotion: Decimal,
}

/// Sums posted per order.
///
/// Lines on the receivable account count: taking back spent credit posts there (R1.7).
fn posted(snapshot: &Snapshot) -> HashMap<OrderId, Posted> {
    let mut all: HashMap<OrderId, Posted> = HashMap::new();
    // Adjustments by the operator's backend may name an order but do not belong to its payment, nor do expiries of its bonus.
    let own = |posting: &&JournalEntry| {
        !matches!(posting.header.operator, Operator::Service(_)) && !posting.header.cause.starts_with(EXPIRIES)
    };
    for posting in snapshot.postings.iter().filter(own) {
        let mut about = None;
        let own = |entry: &&Line| matches!(entry.account, AccountKind::Balance | AccountKind::Receivable);
        for entry in posting.entries.iter().filter(own) {
            if let Some(order) = entry.related_id.as_deref().and_then(OrderId::parse) {
                let sum = &mut all.entry(order).or_default().given;
                *sum = sum.checked_add(entry.amount.amount()).unwrap_or(Decimal::MAX);
                about = Some(order);
            }
        }
        let lines = posting.house.iter().filter(|line| line.account == PlatformAccount::Promotion);
        for (line, order) in lines.filter_map(|line| Some((line, about?))) {
            let sum = &mut all.entry(order).or_default().promotion;
            *sum = sum.checked_sub(line.amount.amount()).unwrap_or(Decimal::MAX);
        }
    }
    all
}

fn check_order(order: &Order, posted: &HashMap<OrderId, Posted>, findings: &mut Vec<Finding>) {
    let Posted { given, promotion } = posted.get(&order.id).copied().unwrap_or_default();
    if !order.status.is_captured() {
        let invariant = if order.status == OrderStatus::Expired { "P5" } else { "P1" };
        if !given.is_zero() || !promotion.is_zero() {
            let detail = format!("{} and credited {given}", order.status.as_str());
            findings.push(Finding::new(invariant, order.id, detail));
        }
        return;
    }
    let share = |whole: LedgerMoney| target(whole, order.net(), order.charge).map(LedgerMoney::amount);
    let [credit, bonuses @ ..] = order.parts().map(share);
    let bonus = bonuses.into_iter().try_fold(Decimal::ZERO, |sum, bonus| sum.checked_add(bonus.ok()?));
    let wanted = credit.ok().zip(bonus).and_then(|(credit, bonus)| Some((credit.checked_add(bonus)?, bonus)));
    if wanted != Some((given, promotion)) {
        let detail = format!("credited {given}, {promotion} of it bonus; {} left demand {wanted:?}", order.net());
        findings.push(Finding::new("P1", order.id, detail));
    }
    if order.under_way.is_some() {
        findings.push(Finding::new("P6", order.id, "is captured, and its payment still under way"));
    }
    if order.paid_at.is_none() {
        findings.push(Finding::new("P6", order.id, "is captured without a time"));
    }
}

fn check_payments(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let mut paying: BTreeMap<OrderId, &Payment> = BTreeMap::new();
    for payment in &snapshot.payments {
        let subject = format!("{}:{}", payment.provider.as_str(), payment.id);
        let Some(order) = payment.order else {
            let reviewed = payment.review.is_some_and(|id| snapshot.reviews.iter().any(|review| review.id == id));
            if payment.captured.is_some() && !reviewed {
                findings.push(Finding::new("P2", subject, "was captured, pays nothing and is not in review"));
            }
            continue;
        };
        if paying.insert(order, payment).is_some() {
            findings.push(Finding::new("P2", order, "is paid by two payments"));
        }
        let names_it = snapshot.orders.get(&order).is_some_and(|order| order.payment_id.as_ref() == Some(&payment.id));
        if !names_it {
            findings.push(Finding::new("P2", subject, format!("pays {order}, which names another payment")));
        }
    }
    for order in snapshot.orders.values() {
        if let Some(payment) = &order.payment_id
            && paying.get(&order.id).is_none_or(|paying| paying.id != *payment)
        {
            findings.push(Finding::new("P2", order.id, format!("names {payment}, which does not pay it")));
        }
    }
}

fn check_events(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let mut credited: BTreeMap<OrderId, u32> = BTreeMap::new();
    for event in snapshot.events.iter().filter(|event| event.outcome == EventOutcome::Credited) {
        let Some(order) = event.order.and_then(|order| snapshot.orders.get(&order)) else {
            findings.push(Finding::new("P3", &event.id, "credited no order"));
            continue;
        };
        if !order.status.is_captured() {
            findings.push(Finding::new("P3", &event.id, format!("credited {}, which is not paid", order.id)));
        }
        let times = credited.entry(order.id).or_default();
        *times = times.saturating_add(1);
        if *times > 1 {
            findings.push(Finding::new("P3", order.id, "was credited by two events"));
        }
    }
}

fn check_promotions(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let mut bonuses: BTreeMap<UserId, Vec<&Order>> = BTreeMap::new();
    for order in snapshot.orders.values().filter(|order| order.bonus.is_some()) {
        bonuses.entry(order.user).or_default().push(order);
    }
    for user in snapshot.users.values() {
        let used = user.promotion.as_ref().and_then(|promotion| promotion.used);
        let orders = bonuses.remove(&user.id).unwrap_or_default();
        let fits = match (used, orders.as_slice()) {
            (None, []) => true,
            (Some(used), [order]) => used.order_id == order.id && Some(used.bonus) == order.bonus,
            _ => false,
        };
        if !fits {
            let detail = format!("promotion used: {}, orders with a bonus: {}", used.is_some(), orders.len());
            findings.push(Finding::new("P7", user.id, detail));
        }
    }
}
