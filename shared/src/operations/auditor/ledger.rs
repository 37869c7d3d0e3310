//! L1–L4, L6, L7: every journal sums to zero, every account equals the end of its lines, and its entries are a hash chain.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::operations::auditor::{Finding, Snapshot};
use kernel::content_hash::ContentHash;
use kernel::id::JournalId;
use kernel::ledger::chain::{chain_name, check_chain};
use kernel::ledger::{AccountKind, AccountOwner, Accounts, JournalEntry};

/// Checks the ledger of a whole scan.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    check_those(snapshot, |_| true)
}

/// Checks the ledger of one partition. A shop's wallet stands in another one than its entries: those are checked by themselves.
pub fn check_partition(snapshot: &Snapshot) -> Vec<Finding> {
    check_those(snapshot, |holder| match holder {
        AccountOwner::User(_) | AccountOwner::Asset(_) => true,
        AccountOwner::Main(_) | AccountOwner::Commission(_) | AccountOwner::Held(_) => false,
    })
}

/// Checks the ledger, and compares those accounts with their entries that are `at_hand`.
fn check_those(snapshot: &Snapshot, at_hand: fn(&AccountOwner) -> bool) -> Vec<Finding> {
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
    let accounts: Vec<_> = held(snapshot).into_iter().filter(|(holder, _)| at_hand(holder)).collect();
    for (holder, accounts) in accounts.iter().copied() {
        check_accounts(holder, &accounts, by_holder.remove(&holder).unwrap_or_default(), &mut findings);
    }
    for holder in by_holder.keys().filter(|holder| at_hand(holder)) {
        findings.push(Finding::new("L2", holder, "has postings and no account"));
    }
    check_chains(snapshot, &accounts, &mut findings);
    findings
}

/// L7: each entry has the hash over itself and the one before, and the account has the hash of its last one (R11.1).
fn check_chains(snapshot: &Snapshot, accounts: &[(AccountOwner, Accounts)], findings: &mut Vec<Finding>) {
    let mut chains: BTreeMap<String, Vec<&JournalEntry>> = BTreeMap::new();
    for posting in &snapshot.postings {
        if let Some(chain) = posting.chain() {
            chains.entry(chain).or_default().push(posting);
        }
    }
    let mut heads: BTreeMap<String, Option<ContentHash>> =
        accounts.iter().map(|(holder, accounts)| (chain_name(*holder, false), accounts.head)).collect();
    heads.extend(snapshot.affiliates.values().map(|account| (chain_name(account.user.into(), true), account.head)));
    for (chain, mut postings) in chains {
        postings.sort_by_key(|posting| posting.number);
        let (last, broken) = check_chain(postings);
        for number in &broken {
            findings.push(Finding::new(
                "L7",
                &chain,
                format!("entry {number} is not what its hash and the one before say"),
            ));
        }
        if heads.remove(&chain).is_some_and(|head| head != last) && broken.is_empty() {
            findings.push(Finding::new("L7", &chain, "the account has another hash than its last entry"));
        }
    }
    for (chain, _) in heads.into_iter().filter(|(_, head)| head.is_some()) {
        findings.push(Finding::new("L7", chain, "the account has a hash, and no entry"));
    }
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
