//! L9: the granted part of a balance is what its credit lots hold, less what was spent of them (R12.3).

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::account::model::credit_lot::EXPIRIES;
use crate::operations::auditor::{Finding, Snapshot};
use kernel::id::UserId;
use kernel::ledger::{PlatformAccount, RecordType};

/// Amounts by user, source and platform account.
type Sums<'a> = BTreeMap<(UserId, &'a str, PlatformAccount), Decimal>;

/// Checks users' lots against their accounts, and each lot against the journals of its source.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (granted, expired) = (granted(snapshot), expired(snapshot));
    let mut held: BTreeMap<UserId, Decimal> = BTreeMap::new();
    for lot in snapshot.lots.values().flatten() {
        let sum = held.entry(lot.user).or_default();
        *sum = sum.checked_add(lot.held.amount()).unwrap_or(Decimal::MAX);
        let journals = (lot.user, lot.source.as_str(), lot.kind.account());
        let granted = granted.get(&journals).copied().unwrap_or_default();
        let gone = expired.get(&journals).copied().unwrap_or_default();
        if lot.expired.amount() != gone || lot.expired.is_negative() {
            let detail = format!("{} of it expired, its journals say {gone}", lot.expired);
            findings.push(Finding::new("L9", &lot.source, detail));
        }
        let whole = lot.held.amount().checked_add(gone);
        if lot.held.is_negative() || whole.is_none_or(|whole| whole > granted) {
            let detail = format!("holds {} and {gone} of it expired, of {granted} granted", lot.held);
            findings.push(Finding::new("L9", &lot.source, detail));
        }
    }
    for user in snapshot.users.values() {
        let held = held.remove(&user.id).unwrap_or_default();
        let (balance, left) = (user.accounts.balance().amount(), user.accounts.granted().amount());
        let spent = user.accounts.lots.map_or(Decimal::ZERO, |lots| lots.spent.amount());
        let is_sound = left >= Decimal::ZERO && spent >= Decimal::ZERO && left <= balance;
        if !is_sound || left.checked_add(spent) != Some(held) {
            let detail = format!("{left} of {balance} is granted and {spent} was spent of lots that hold {held}");
            findings.push(Finding::new("L9", user.id, detail));
        }
    }
    for user in held.keys() {
        findings.push(Finding::new("L9", user, "has credit lots and does not exist"));
    }
    findings
}

/// Granted by each source, less what was taken back.
fn granted(snapshot: &Snapshot) -> Sums<'_> {
    let mut all = Sums::new();
    let own = snapshot.postings.iter().filter(|posting| !posting.header.cause.starts_with(EXPIRIES));
    for posting in own {
        let source = posting.entries.iter().find_map(|line| line.related_id.as_deref());
        let Some((user, source)) = posting.user().zip(source) else { continue };
        for line in &posting.house {
            let sum = all.entry((user, source, line.account)).or_default();
            *sum = sum.checked_sub(line.amount.amount()).unwrap_or(Decimal::MAX);
        }
    }
    all
}

/// Expired of each source, less what a take-back corrected.
fn expired(snapshot: &Snapshot) -> Sums<'_> {
    let mut all = Sums::new();
    for posting in snapshot.postings.iter().filter(|posting| posting.header.cause.starts_with(EXPIRIES)) {
        let of_expiry = posting.entries.iter().find(|line| line.kind == RecordType::Expiry);
        let source = of_expiry.and_then(|line| line.related_id.as_deref());
        let Some((user, source)) = posting.user().zip(source) else { continue };
        for line in &posting.house {
            let sum = all.entry((user, source, line.account)).or_default();
            *sum = sum.checked_add(line.amount.amount()).unwrap_or(Decimal::MAX);
        }
    }
    all
}
