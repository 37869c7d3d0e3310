//! L1–L4, L6: every journal sums to zero, and every account equals the end of its lines.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::operations::auditor::{Finding, Snapshot};
use kernel::id::JournalId;
use kernel::ledger::{AccountKind, AccountOwner, Accounts, JournalEntry};

/// Checks the ledger.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut causes = BTreeMap::new();
    let mut by_holder: BTreeMap<AccountOwner, Vec<&JournalEntry>> = BTreeMap::new();
    for posting in &snapshot.postings {
        let header = &posting.header;
        if let Err(error) = posting.check() {
            findings.push(Finding::new("L1", header.journal, error.to_string()));
        }
        // A journal that changes several accounts has one journal entry for each.
        let step = (header.cause.as_str(), header.step);
        let share = (header.journal, posting.holder, posting.is_of_commission());
        let shares = causes.entry(step).or_insert_with(BTreeSet::new);
        if shares.iter().any(|(journal, ..): &(JournalId, _, _)| *journal != header.journal) || !shares.insert(share) {
            findings.push(Finding::new("L6", header.journal, format!("{} has this step already", header.cause)));
        }
        if let Some(holder) = posting.holder.filter(|_| !posting.is_of_commission()) {
            by_holder.entry(holder).or_default().push(posting);
        }
    }
    for (holder, accounts) in held(snapshot) {
        check_accounts(holder, &accounts, by_holder.remove(&holder).unwrap_or_default(), &mut findings);
    }
    for holder in by_holder.keys() {
        findings.push(Finding::new("L2", holder, "has postings and no account"));
    }
    findings
}

/// Accounts of all owners, without users' commission accounts.
pub(super) fn held(snapshot: &Snapshot) -> Vec<(AccountOwner, Accounts)> {
    let users = snapshot.users.values().map(|user| (AccountOwner::User(user.id), user.accounts));
    let assets = snapshot.agency.assets.values().map(|asset| (AccountOwner::Asset(asset.id), asset.accounts));
    let wallets = snapshot.agency.wallets.values().flat_map(|wallet| {
        let held = wallet.held.map(|held| (AccountOwner::Held(wallet.shop), held));
        let owns = [
            (AccountOwner::Main(wallet.shop), wallet.main),
            (AccountOwner::Commission(wallet.shop), wallet.commission),
        ];
        owns.into_iter().chain(held)
    });
    users.chain(assets).chain(wallets).collect()
}

fn check_accounts(
    holder: AccountOwner,
    accounts: &Accounts,
    mut postings: Vec<&JournalEntry>,
    findings: &mut Vec<Finding>,
) {
    postings.sort_by_key(|posting| posting.number);
    let numbers: Vec<u64> = postings.iter().map(|posting| posting.number).collect();
    let expected: Vec<u64> = (1..=accounts.postings).collect();
    if numbers != expected {
        findings.push(Finding::new("L3", holder, format!("postings {numbers:?}, but {} are counted", expected.len())));
    }
    for (kind, account) in [(AccountKind::Balance, accounts.balance), (AccountKind::Receivable, accounts.debt)] {
        let (mut seq, mut amount) = (0_u64, Decimal::ZERO);
        for entry in postings.iter().flat_map(|posting| &posting.entries).filter(|entry| entry.account == kind) {
            seq = seq.saturating_add(1);
            let after = entry.before.checked_add(entry.amount.amount()).unwrap_or(Decimal::MAX);
            if entry.seq != seq || entry.before != amount || entry.after != after {
                let detail =
                    format!("{kind:?} entry {}: {} to {}, after {amount}", entry.seq, entry.before, entry.after);
                findings.push(Finding::new("L3", holder, detail));
            }
            if kind == AccountKind::Balance && entry.after < Decimal::ZERO {
                findings.push(Finding::new("L4", holder, format!("entry {seq} leaves {}", entry.after)));
            }
            amount = entry.after;
        }
        if (account.seq, account.amount.amount()) != (seq, amount) {
            let detail =
                format!("{kind:?} is {} at {}, its entries say {amount} at {seq}", account.amount, account.seq);
            findings.push(Finding::new("L2", holder, detail));
        }
    }
    if accounts.balance().is_negative() {
        findings.push(Finding::new("L4", holder, format!("balance {}", accounts.balance())));
    }
}
