//! L5, A1, P6 over time: compares a scan with an earlier one.

use std::collections::BTreeMap;

use crate::account::model::user::User;
use crate::operations::auditor::{Finding, Snapshot};
use crate::payment::model::order::Order;
use crate::referral::model::referral::{Referral, Trigger};
use kernel::ledger::JournalEntry;
use table::item::Entity as _;
use table::item::Item;
use table::key::Key;

/// Reports forbidden changes between two scans.
///
/// Journal entries never change or disappear (L5), nor does a referral's inviter with its terms, though one may be made late (A1), nor an order's snapshot,
/// and its states change only in legal directions (P6). Undecodable items are left to [`super::audit`].
pub fn unchanged(before: &[Item], after: &[Item]) -> Vec<Finding> {
    let (before, after) = (Snapshot::read(before).0, Snapshot::read(after).0);
    let mut findings = Vec::new();
    let now: BTreeMap<Key<JournalEntry>, &JournalEntry> =
        after.postings.iter().map(|posting| (posting.own_key(), posting)).collect();
    for posting in &before.postings {
        match now.get(&posting.own_key()) {
            // Personal texts may be erased; their hashes stay (R11.1).
            Some(same) if *same == posting || **same == posting.without_remarks() => {}
            Some(_) => findings.push(Finding::new("L5", posting.header.journal, "was changed")),
            None => findings.push(Finding::new("L5", posting.header.journal, "went away")),
        }
    }
    for user in before.users.values() {
        if !after.users.get(&user.id).is_some_and(|now| same_bond(user, now)) {
            findings.push(Finding::new("A1", user.id, "is gone, or bound otherwise than before"));
        }
    }
    for order in before.orders.values() {
        match after.orders.get(&order.id) {
            None => findings.push(Finding::new("P6", order.id, "went away")),
            Some(now) => findings.extend(moved(order, now).map(|why| Finding::new("P6", order.id, why))),
        }
    }
    findings
}

/// Compares the fixed part of a referral: inviter, code, time and terms.
///
/// Online total and time of qualification may change.
fn same_bond(before: &User, after: &User) -> bool {
    // An admin may give another inviter; the first one stays known.
    let first = |b: &Referral| b.inviter_for(Trigger::Registration);
    let bond = |user: &User| user.attribution.as_ref().map(|b| (first(b), b.code.clone(), b.bound_at, b.terms));
    let is_late = before.attribution.is_none() && after.attribution.as_ref().is_some_and(|bond| bond.late);
    is_late || bond(before) == bond(after)
}

fn moved(before: &Order, after: &Order) -> Option<String> {
    let price = |order: &Order| (order.user, order.provider, order.amount, order.charge, order.credit_as_made());
    if price(before) != price(after) {
        return Some("has another price than before".to_owned());
    }
    let (from, to) = (before.status, after.status);
    (from != to && !from.may_become(to)).then(|| format!("went from {} to {}", from.as_str(), to.as_str()))
}
