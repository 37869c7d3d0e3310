//! L1–L6: every movement is a journal that sums to zero, and every account is the end of its chain.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::{Finding, Snapshot};
use crate::domain::id::UserId;
use crate::domain::ledger::{AccountKind, Posting};
use crate::domain::user::User;

/// Checks the ledger.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut causes = BTreeMap::new();
    let mut by_user: BTreeMap<UserId, Vec<&Posting>> = BTreeMap::new();
    for posting in &snapshot.postings {
        let header = &posting.header;
        if let Err(error) = posting.check() {
            findings.push(Finding::new("L1", header.journal, error.to_string()));
        }
        // A journal that moves both accounts of a user has a posting for each.
        let (step, share) = ((header.cause.as_str(), header.step), (header.journal, posting.is_of_commission()));
        let shares = causes.entry(step).or_insert_with(BTreeSet::new);
        if shares.iter().any(|(journal, _)| *journal != header.journal) || !shares.insert(share) {
            findings.push(Finding::new("L6", header.journal, format!("{} has this step already", header.cause)));
        }
        if let Some(user) = posting.user.filter(|_| !posting.is_of_commission()) {
            by_user.entry(user).or_default().push(posting);
        }
    }
    for user in snapshot.users.values() {
        check_user(user, by_user.remove(&user.id).unwrap_or_default(), &mut findings);
    }
    for user in by_user.keys() {
        findings.push(Finding::new("L2", user, "has postings and no account"));
    }
    findings
}

fn check_user(user: &User, mut postings: Vec<&Posting>, findings: &mut Vec<Finding>) {
    postings.sort_by_key(|posting| posting.number);
    let numbers: Vec<u64> = postings.iter().map(|posting| posting.number).collect();
    let expected: Vec<u64> = (1..=user.accounts.postings).collect();
    if numbers != expected {
        findings.push(Finding::new("L3", user.id, format!("postings {numbers:?}, but {} are counted", expected.len())));
    }
    for (kind, account) in [(AccountKind::Balance, user.accounts.balance), (AccountKind::Debt, user.accounts.debt)] {
        let (mut seq, mut amount) = (0_u64, Decimal::ZERO);
        for entry in postings.iter().flat_map(|posting| &posting.entries).filter(|entry| entry.account == kind) {
            seq = seq.saturating_add(1);
            let after = entry.before.checked_add(entry.amount.amount()).unwrap_or(Decimal::MAX);
            if entry.seq != seq || entry.before != amount || entry.after != after {
                let detail =
                    format!("{kind:?} entry {}: {} to {}, after {amount}", entry.seq, entry.before, entry.after);
                findings.push(Finding::new("L3", user.id, detail));
            }
            if kind == AccountKind::Balance && entry.after < Decimal::ZERO {
                findings.push(Finding::new("L4", user.id, format!("entry {seq} leaves {}", entry.after)));
            }
            amount = entry.after;
        }
        if (account.seq, account.amount.amount()) != (seq, amount) {
            let detail =
                format!("{kind:?} is {} at {}, its entries say {amount} at {seq}", account.amount, account.seq);
            findings.push(Finding::new("L2", user.id, detail));
        }
    }
    if user.accounts.balance().is_negative() {
        findings.push(Finding::new("L4", user.id, format!("balance {}", user.accounts.balance())));
    }
}
