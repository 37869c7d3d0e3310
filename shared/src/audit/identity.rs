//! I1, I2: one account per e-mail, one owner per invite code.

use std::collections::BTreeMap;

use super::{Finding, Snapshot};
use crate::domain::id::UserId;

/// Checks claims and codes.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut claims: BTreeMap<UserId, u32> = BTreeMap::new();
    for claim in &snapshot.claims {
        let count = claims.entry(claim.user).or_default();
        *count = count.saturating_add(1);
    }
    for user in snapshot.users.values() {
        let count = claims.remove(&user.id).unwrap_or_default();
        if count != u32::from(user.email.is_some()) {
            findings.push(Finding::new("I1", user.id, format!("has {count} claims on e-mails")));
        }
        let owns = |code: &_| snapshot.invites.iter().any(|invite| invite.code == *code && invite.owner == user.id);
        if !user.invite_code.as_ref().is_none_or(owns) {
            findings.push(Finding::new("I2", user.id, "has a primary code that is not theirs"));
        }
    }
    for user in claims.keys() {
        findings.push(Finding::new("I1", user, "is claimed and does not exist"));
    }
    for invite in snapshot.invites.iter().filter(|invite| invite.primary && invite.active) {
        let primary = snapshot.users.get(&invite.owner).and_then(|user| user.invite_code.as_ref());
        if primary != Some(&invite.code) {
            findings.push(Finding::new("I2", invite.code.as_str(), "is primary and its owner has another"));
        }
    }
    findings
}
