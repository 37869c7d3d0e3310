//! Risk invariants R1–R2.
//!
//! R1: a case has evidence, holds or was decided as its state says. R2: what is held or rejected for risk rests on a case that says
//! so, and a held commission is listed under its invitee.

use std::collections::{BTreeMap, BTreeSet};

use crate::operations::auditor::{Finding, Snapshot};
use crate::operations::model::budget::HoldReason;
use crate::referral::model::referral::RewardState;
use crate::risk::model::case::{CaseState, HeldCommission, RiskCase};
use crate::risk::model::settings::SignalAction;
use kernel::id::{OrderId, UserId};

/// Checks cases and what rests on them.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    let cases: BTreeMap<UserId, &RiskCase> = snapshot.all::<RiskCase>().map(|case| (case.invitee, case)).collect();
    let state = |invitee: UserId| cases.get(&invitee).map(|case| case.state);
    for case in cases.values() {
        let is_bound = snapshot.users.get(&case.invitee).is_some_and(|user| user.attribution.is_some());
        let holds = case.evidence.iter().any(|one| one.action == SignalAction::Hold);
        let decided = matches!(case.state, CaseState::Released | CaseState::Rejected);
        let fits = !case.evidence.is_empty() && holds == (case.state != CaseState::Flagged);
        if !is_bound || !fits || decided != case.decision.is_some() {
            let detail = format!("is {} on {:?}, decided: {decided}", case.state, case.evidence);
            findings.push(Finding::new("R1", case.invitee, detail));
        }
    }
    for reward in snapshot.rewards.values() {
        let rests_on = match reward.state {
            RewardState::Held if reward.hold == Some(HoldReason::Risk) => CaseState::Held,
            RewardState::Rejected => CaseState::Rejected,
            _ => continue,
        };
        if state(reward.invitee) != Some(rests_on) {
            let detail = format!("is {}, its case is {:?}", reward.state, state(reward.invitee));
            findings.push(Finding::new("R2", reward.id, detail));
        }
    }
    let listed: BTreeSet<(UserId, OrderId)> =
        snapshot.all::<HeldCommission>().map(|held| (held.invitee, held.order)).collect();
    for commission in snapshot.commissions.values() {
        let held = commission.under_review && commission.denied.is_none();
        let rests = !held || state(commission.invitee) == Some(CaseState::Held);
        if held != listed.contains(&(commission.invitee, commission.order)) || !rests {
            let detail = format!("is held: {held}, its case is {:?}", state(commission.invitee));
            findings.push(Finding::new("R2", commission.id, detail));
        }
    }
    for (invitee, order) in listed.iter().filter(|(_, order)| !snapshot.commissions.contains_key(order)) {
        findings.push(Finding::new("R2", invitee, format!("holds {order}, which earned nothing")));
    }
    findings
}
