//! Purchase invariant B1: the inviter is the one whom the user had when it was paid, and the base follows from the amount (R2.6).

use crate::operations::auditor::{Finding, Snapshot};

/// Checks purchases; A4 and C4 check their rewards and commissions.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    for purchase in snapshot.purchases.values() {
        let Some(bought) = &purchase.bought else {
            if purchase.refunds.is_empty() {
                findings.push(Finding::new("B1", purchase.id, "nothing is known of it"));
            }
            continue;
        };
        let known = bought.paid_at.min(bought.reported_at);
        let bond = snapshot.users.get(&bought.user).map(|user| user.attribution.as_ref());
        let bond = bond.map(|bond| bond.filter(|bond| bond.bound_at <= known));
        // After an admin changed it, the inviter at that time is not known any more.
        let is_kept = bond.flatten().is_some_and(|bond| bond.reparented.is_some()) && bought.inviter.is_some();
        let inviter = bond.map(|bond| bond.map(|bond| bond.inviter));
        if !is_kept && inviter != Some(bought.inviter) {
            let detail = format!("{} bought, invited by {:?}; it is {inviter:?}", bought.user, bought.inviter);
            findings.push(Finding::new("B1", purchase.id, detail));
        }
        if bought.amount.bought_at(bought.exchange_rate, bought.base.currency()) != Ok(bought.base) {
            let detail = format!("{} at {} is not {}", bought.amount, bought.exchange_rate, bought.base);
            findings.push(Finding::new("B1", purchase.id, detail));
        }
        if purchase.net().is_err() {
            findings.push(Finding::new("B1", purchase.id, "what went back is no part of it"));
        }
    }
    findings
}
