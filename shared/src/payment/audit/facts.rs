//! Invariants P9 and P10: facts, orders and ledger agree on every payment, and no fact is without a place.
//!
//! P4 compares the providers' own books with the ledger. P9 compares what we keep of a payment with its order or review and with
//! the ledger, `suspense` included. P10 finds a fact that neither an order nor a review item shows.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::operations::auditor::{Finding, Snapshot};
use crate::payment::audit::book::postings;
use crate::payment::model::event::{EventOutcome, ProviderEventRecord};
use crate::payment::model::payment::Payment;
use crate::payment::model::review::{Review, ReviewReason};
use kernel::id::ReviewId;
use kernel::ledger::PlatformAccount;
use kernel::money::{MoneyError, PayMoney};

/// Checks payments and events against P9 and P10.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let reviews: BTreeMap<ReviewId, &Review> = snapshot.reviews.iter().map(|review| (review.id, review)).collect();
    let mut findings = Vec::new();
    for payment in &snapshot.payments {
        let subject = || format!("{}:{}", payment.provider.as_str(), payment.id);
        match sides(payment, &reviews, snapshot) {
            Ok(None) => {}
            Ok(Some(why)) => findings.push(Finding::new("P9", subject(), why)),
            Err(error) => findings.push(Finding::new("P9", subject(), error.to_string())),
        }
        if let Some(why) = unplaced(payment, &reviews, snapshot) {
            findings.push(Finding::new("P10", subject(), why));
        }
    }
    let known: BTreeSet<ReviewId> = reviews.keys().copied().collect();
    let lost = snapshot.events.iter().filter(|event| is_lost(event, &known, snapshot));
    findings.extend(lost.map(|event| {
        let detail = format!("is {}, and nothing shows it", event.outcome.as_str());
        Finding::new("P10", &event.id, detail)
    }));
    let mut seen = BTreeSet::new();
    let again = snapshot.events.iter().filter(|event| !seen.insert((event.provider, &event.id)));
    findings.extend(again.map(|event| Finding::new("P10", &event.id, "was applied twice")));
    findings
}

/// Disagreement between a payment's facts, its order or review, and the ledger, if any (P9).
fn sides(
    payment: &Payment,
    reviews: &BTreeMap<ReviewId, &Review>,
    all: &Snapshot,
) -> Result<Option<String>, MoneyError> {
    let Some(net) = payment.net()? else { return Ok(None) };
    let order = payment.order.and_then(|order| all.orders.get(&order)).filter(|order| order.status.is_captured());
    let review = payment.review.and_then(|review| reviews.get(&review)).filter(|review| review.reason.holds_money());
    let Some(kept) = order.map(|order| order.net()).or(review.map(|review| review.held())) else { return Ok(None) };
    let mut ledger: BTreeMap<&str, Decimal> = BTreeMap::from([(net.currency().code(), Decimal::ZERO)]);
    let lines = postings(payment, all).flat_map(|posting| &posting.house);
    for line in lines.filter(|line| line.account == PlatformAccount::Provider(payment.provider)) {
        let sum = ledger.entry(line.amount.currency().code()).or_default();
        *sum = sum.checked_sub(line.amount.amount()).ok_or(MoneyError::Overflow)?;
    }
    let holds = |(code, sum): (&&str, &Decimal)| {
        *sum == if *code == net.currency().code() { net.amount() } else { Decimal::ZERO }
    };
    let agree = kept == net && ledger.iter().all(holds);
    Ok((!agree).then(|| format!("its facts leave {net}, its order or review has {kept}, the ledger {ledger:?}")))
}

/// Fact of a payment that has no place, if any (P10).
fn unplaced(payment: &Payment, reviews: &BTreeMap<ReviewId, &Review>, all: &Snapshot) -> Option<String> {
    let is_of = |review: &&&Review| review.payment_id == payment.id && review.provider == payment.provider;
    let misfit = payment.misfit.and_then(|id| reviews.get(&id)).filter(is_of);
    let odd: Vec<(String, PayMoney)> = payment.misfits();
    if let Some((place, amount)) = odd.first()
        && misfit.is_none_or(|review| review.reason != ReviewReason::PaymentDiffers)
    {
        return Some(format!("{place} says {amount}, which does not fit and is not in review"));
    }
    let order = payment.order?;
    let paid = all.orders.get(&order).is_some_and(|order| order.status.is_captured());
    (!paid).then(|| format!("pays {order}, which is not paid"))
}

/// True if an event's outcome names an effect that is not there (P10).
fn is_lost(event: &ProviderEventRecord, reviews: &BTreeSet<ReviewId>, all: &Snapshot) -> bool {
    match event.outcome {
        EventOutcome::Review => event.review.is_none_or(|review| !reviews.contains(&review)),
        EventOutcome::AlreadyCredited | EventOutcome::Reversed => {
            event.order.is_some_and(|order| !all.orders.get(&order).is_some_and(|order| order.status.is_captured()))
        }
        _ => false,
    }
}
