//! Invariant P4: the provider's book and our journals agree on every reported payment.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::operations::auditor::{Finding, Snapshot};
use crate::payment::model::payment::Payment;
use kernel::ledger::{JournalEntry, Operator, PlatformAccount};
use kernel::money::{MoneyError, PayMoney};
use kernel::provider::Provider;

/// A payment in the provider's book, after all its events were delivered or recovered.
#[derive(Debug, Clone, PartialEq)]
pub struct BookedPayment {
    pub provider: Provider,
    /// The provider's payment id.
    pub id: String,
    /// Amount taken.
    pub captured: PayMoney,
    /// Amount returned by refunds and disputes.
    pub refunded: PayMoney,
}

/// Compares the providers' books with a snapshot (P4).
///
/// For each payment, captured − refunded must equal the amount that its journals took from the provider's account, for sales or
/// on `suspense`. `all` lists the providers whose book is complete: a captured payment of such a provider that its book lacks
/// is a finding.
pub fn told(book: &[BookedPayment], all: &[Provider], snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    for held in book {
        let subject = format!("{}:{}", held.provider.as_str(), held.id);
        let known = snapshot.payments.iter().find(|payment| payment.provider == held.provider && payment.id == held.id);
        let Some(payment) = known else {
            findings.push(Finding::new("P4", subject, format!("took {} and is not known", held.captured)));
            continue;
        };
        match difference(held, payment, snapshot) {
            Ok(None) => {}
            Ok(Some(why)) => findings.push(Finding::new("P4", subject, why)),
            Err(error) => findings.push(Finding::new("P4", subject, error.to_string())),
        }
    }
    let named: BTreeSet<(Provider, &str)> = book.iter().map(|held| (held.provider, held.id.as_str())).collect();
    for payment in snapshot.payments.iter().filter(|payment| all.contains(&payment.provider)) {
        let invented = payment.captured.is_some() && !named.contains(&(payment.provider, payment.id.as_str()));
        if invented && !postings(payment, snapshot).any(|posting| posting.header.operator == Operator::Admin) {
            let subject = format!("{}:{}", payment.provider.as_str(), payment.id);
            findings.push(Finding::new("P4", subject, "is captured, and the provider knows nothing of it"));
        }
    }
    findings
}

fn difference(held: &BookedPayment, payment: &Payment, all: &Snapshot) -> Result<Option<String>, MoneyError> {
    if payment.captured.map(|capture| capture.amount) != Some(held.captured) {
        return Ok(Some(format!("took {}, not {:?}", held.captured, payment.captured)));
    }
    let net = held.captured.minus(held.refunded)?;
    let believed = net.as_ledger();
    let mut sums: BTreeMap<&'static str, Decimal> = BTreeMap::new();
    sums.insert(believed.currency().code(), Decimal::ZERO);
    for line in postings(payment, all).flat_map(|posting| &posting.house) {
        if line.account == PlatformAccount::Provider(payment.provider) {
            let sum = sums.entry(line.amount.currency().code()).or_default();
            *sum = sum.checked_sub(line.amount.amount()).ok_or(MoneyError::Overflow)?;
        }
    }
    let wanted = |code: &str| if code == believed.currency().code() { believed.amount() } else { Decimal::ZERO };
    let off = sums.iter().find(|(code, sum)| **sum != wanted(code));
    Ok(off.map(|(code, sum)| format!("holds {believed}, the journals say {sum} {code}")))
}

/// Journals of a payment, of its reviews, and of its order if that was completed by hand.
pub(super) fn postings<'a>(payment: &Payment, all: &'a Snapshot) -> impl Iterator<Item = &'a JournalEntry> + use<'a> {
    let own = format!("payment:{}:{}", payment.provider.as_str(), payment.id);
    let reviews = all.reviews.iter().filter(|r| r.provider == payment.provider && r.payment_id == payment.id);
    let by_hand = payment.order.map(|order| format!("order:{order}"));
    let causes: BTreeSet<String> =
        reviews.map(|review| format!("review:{}", review.id)).chain([own]).chain(by_hand).collect();
    all.postings.iter().filter(move |posting| causes.contains(&posting.header.cause))
}
