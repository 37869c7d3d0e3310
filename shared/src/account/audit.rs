//! Account invariants I1–I6.
//!
//! I1: one account per e-mail and per external id. I2: one owner per invite code. I3: an active code states its owner's current
//! state. I4: an erased user leaves no personal data. I5: who moved in did so once, and an opening balance is one journal (R13.1).
//! I6: a second factor is on where its account says so, with ten recovery codes at most.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::account::model::identity::Status;
use crate::account::model::import::{ImportedEmail, OpeningBalance};
use crate::account::model::second_factor::{RECOVERY_CODES, SecondFactor};
use crate::operations::auditor::{Finding, Snapshot};
use kernel::id::UserId;
use kernel::ledger::{JournalEntry, PlatformAccount};

/// Checks e-mail claims, external claims and invite codes.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut claims: BTreeMap<UserId, u32> = BTreeMap::new();
    for claim in &snapshot.claims {
        let count = claims.entry(claim.user).or_default();
        *count = count.saturating_add(1);
    }
    let mut external: BTreeMap<UserId, u32> = BTreeMap::new();
    for claim in &snapshot.external {
        let count = external.entry(claim.user).or_default();
        *count = count.saturating_add(1);
    }
    for user in snapshot.users.values() {
        let count = claims.remove(&user.id).unwrap_or_default();
        if count != u32::from(user.email.is_some()) {
            findings.push(Finding::new("I1", user.id, format!("has {count} claims on e-mails")));
        }
        let named = external.remove(&user.id).unwrap_or_default();
        if named != u32::from(user.external_id.is_some()) {
            findings.push(Finding::new("I1", user.id, format!("has {named} claims on ids of the backend's")));
        }
        let owns = |code: &_| snapshot.invites.iter().any(|invite| invite.code == *code && invite.owner == user.id);
        if !user.invite_code.as_ref().is_none_or(owns) {
            findings.push(Finding::new("I2", user.id, "has a primary code that is not theirs"));
        }
    }
    for user in claims.keys().chain(external.keys()) {
        findings.push(Finding::new("I1", user, "is claimed and does not exist"));
    }
    for invite in snapshot.invites.iter().filter(|invite| invite.primary && invite.active) {
        let primary = snapshot.users.get(&invite.owner).and_then(|user| user.invite_code.as_ref());
        if primary != Some(&invite.code) {
            findings.push(Finding::new("I2", invite.code.as_str(), "is primary and its owner has another"));
        }
    }
    check_codes(snapshot, &mut findings);
    check_erased(snapshot, &mut findings);
    check_imported(snapshot, &mut findings);
    check_second_factors(snapshot, &mut findings);
    findings
}

/// I5: an address moved in with an account that moved in; an opening balance is on `adjustment`, with one journal, and no other is.
fn check_imported(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    for moved in snapshot.all::<ImportedEmail>() {
        if snapshot.users.get(&moved.user).is_none_or(|user| user.imported.is_none()) {
            findings.push(Finding::new("I5", moved.user, "has an address that moved in, and did not"));
        }
    }
    let is_opening = |posting: &&JournalEntry| posting.header.cause.starts_with("opening:");
    let mut journals: BTreeMap<&str, Vec<&JournalEntry>> = BTreeMap::new();
    for posting in snapshot.postings.iter().filter(is_opening) {
        journals.entry(&posting.header.cause).or_default().push(posting);
    }
    for opening in snapshot.all::<OpeningBalance>() {
        let posted = journals.remove(OpeningBalance::cause(opening.user, &opening.source).as_str()).unwrap_or_default();
        let taken = |posting: &JournalEntry| match posting.house.as_slice() {
            [line] => line.account == PlatformAccount::Adjustment && line.amount == opening.amount.negated(),
            _ => false,
        };
        let is_whole = match posted.as_slice() {
            [one] => one.user() == Some(opening.user) && one.header.journal == opening.journal && taken(one),
            _ => false,
        };
        if !is_whole {
            findings.push(Finding::new("I5", opening.user, "has an opening balance that is not one journal"));
        }
    }
    for posting in journals.into_values().flatten() {
        findings.push(Finding::new("I5", posting.header.journal, "is no opening balance that is known"));
    }
}

/// I6: account and second factor say the same; recovery codes are ten at most, each once.
fn check_second_factors(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let mut on: BTreeMap<UserId, Timestamp> = BTreeMap::new();
    for factor in snapshot.all::<SecondFactor>() {
        on.extend(factor.since.map(|since| (factor.user, since)));
        let codes: BTreeSet<&String> = factor.recovery.iter().collect();
        if codes.len() != factor.recovery.len() || codes.len() > usize::from(RECOVERY_CODES) {
            findings.push(Finding::new("I6", factor.user, "has a recovery code twice, or too many"));
        }
        if factor.since.is_none() && !factor.recovery.is_empty() {
            findings.push(Finding::new("I6", factor.user, "has recovery codes without a second factor"));
        }
    }
    for user in snapshot.users.values() {
        if user.second_factor_since != on.remove(&user.id) {
            findings.push(Finding::new("I6", user.id, "says another second factor than there is"));
        }
    }
    for user in on.keys() {
        findings.push(Finding::new("I6", user, "has a second factor and does not exist"));
    }
}

/// I4: an erased user's account, orders and withdrawals hold no personal data.
fn check_erased(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let erased = |user: &UserId| snapshot.users.get(user).is_some_and(|user| user.status == Status::Erased);
    for user in
        snapshot.users.values().filter(|user| erased(&user.id) && (user.email.is_some() || user.locale.is_some()))
    {
        findings.push(Finding::new("I4", user.id, "was erased and has an e-mail or a language"));
    }
    for order in snapshot.orders.values().filter(|order| erased(&order.user)) {
        if order.client_ip.is_some() || order.user_agent.is_some() {
            findings.push(Finding::new("I4", order.id, "says where an erased user's order came from"));
        }
    }
    for withdrawal in snapshot.withdrawals.values().filter(|withdrawal| erased(&withdrawal.user)) {
        if withdrawal.payout.is_some() {
            findings.push(Finding::new("I4", withdrawal.id, "says where an erased user's money went"));
        }
    }
}

/// I2, I3: a user's active codes are the listed ones, and each states whether its owner may invite.
fn check_codes(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let listed: BTreeSet<(UserId, &str)> =
        snapshot.active_codes.iter().flat_map(|own| own.all().map(|code| (own.user, code.as_str()))).collect();
    let active = snapshot.invites.iter().filter(|invite| invite.active);
    let beside: BTreeSet<(UserId, &str)> =
        active.clone().filter(|invite| !invite.primary).map(|invite| (invite.owner, invite.code.as_str())).collect();
    for (user, code) in listed.symmetric_difference(&beside) {
        findings.push(Finding::new("I2", code, format!("is active or listed for {user}, but not both")));
    }
    for invite in active {
        let Some(owner) = snapshot.users.get(&invite.owner) else { continue };
        if *invite != invite.clone().told(owner) {
            findings.push(Finding::new("I3", invite.code.as_str(), "does not say what its owner's state is"));
        }
    }
}
