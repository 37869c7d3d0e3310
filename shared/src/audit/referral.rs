//! A1–A4: at most one inviter, rewards once and as promised, counts as the items say.

use std::collections::BTreeMap;

use super::{Finding, Snapshot};
use crate::domain::id::UserId;
use crate::domain::money::PayMoney;
use crate::domain::referral::{Reward, RewardState, Side, Trigger};
use crate::domain::tally::ReferralCounts;
use crate::domain::user::User;

/// Checks referrals.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    for user in snapshot.users.values() {
        check_attribution(snapshot, user, &mut findings);
    }
    for reward in snapshot.rewards.values() {
        check_reward(snapshot, reward, &mut findings);
    }
    check_counts(snapshot, &mut findings);
    findings
}

fn check_attribution(snapshot: &Snapshot, user: &User, findings: &mut Vec<Finding>) {
    let Some(attribution) = &user.attribution else { return };
    match snapshot.users.get(&attribution.inviter) {
        None => findings.push(Finding::new("A1", user.id, "was invited by nobody")),
        Some(inviter) if inviter.created_at > user.created_at => {
            findings.push(Finding::new("A1", user.id, "was invited by somebody who came later"));
        }
        Some(_) => {}
    }
    let zero = PayMoney::zero(attribution.online_total.currency());
    let paid = snapshot.orders.values().filter(|order| order.user == user.id && order.status.is_captured());
    let total =
        paid.filter(|order| order.charge.currency() == zero.currency()).try_fold(zero, |sum, o| sum.plus(o.net()));
    if total != Ok(attribution.online_total) {
        let detail = format!("counts {} of online payments, the orders say {total:?}", attribution.online_total);
        findings.push(Finding::new("A4", user.id, detail));
    }
    let reached = attribution.online_total.compare(attribution.terms.threshold).is_ok_and(std::cmp::Ordering::is_ge);
    if attribution.qualified_at.is_some() && !reached {
        findings.push(Finding::new("A4", user.id, "is qualified below the threshold"));
    }
}

fn check_reward(snapshot: &Snapshot, reward: &Reward, findings: &mut Vec<Finding>) {
    let invitee = snapshot.users.get(&reward.invitee);
    let promised = invitee.and_then(|user| user.attribution.as_ref());
    let amount = promised.and_then(|bound| bound.terms.amount(reward.trigger, reward.side).ok());
    let to = promised.map(|bound| if reward.side == Side::Inviter { bound.inviter } else { reward.invitee });
    let id = Reward::id_of(reward.invitee, reward.trigger, reward.side);
    if amount != Some(reward.amount) || to != Some(reward.beneficiary) || id != reward.id {
        findings.push(Finding::new("A2", reward.id, format!("is {} where {amount:?} was promised", reward.amount)));
    }
    let qualified = promised.is_some_and(|bound| bound.qualified_at.is_some());
    if reward.trigger == Trigger::Qualified && !qualified {
        findings.push(Finding::new("A3", reward.id, "is for reaching a threshold that was not reached"));
    }
    let cause = format!("reward:{}", reward.id);
    let posted = snapshot.postings.iter().filter(|posting| posting.header.cause == cause).count();
    let expected = usize::from(reward.state == RewardState::Granted);
    if posted != expected && reward.state != RewardState::Reversed {
        let detail = format!("is {} and was posted {posted} times", reward.state.as_str());
        findings.push(Finding::new("A3", reward.id, detail));
    }
}

/// Counts are told by messages: at rest, every invitee was counted.
fn check_counts(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let mut expected: BTreeMap<UserId, (u64, u64)> = BTreeMap::new();
    for attribution in snapshot.users.values().filter_map(|user| user.attribution.as_ref()) {
        let (invitees, qualified) = expected.entry(attribution.inviter).or_default();
        *invitees = invitees.saturating_add(1);
        *qualified = qualified.saturating_add(u64::from(attribution.qualified_at.is_some()));
    }
    for (inviter, (invitees, qualified)) in expected {
        let counts = snapshot.counts.get(&inviter);
        let is = counts.map_or((0, 0), |counts| (counts.invitees, counts.qualified));
        if is != (invitees, qualified) {
            let detail = format!("counts {is:?} invitees and qualified, the items say {:?}", (invitees, qualified));
            findings.push(Finding::new("A4", inviter, detail));
        }
        if let Some(counts) = counts {
            check_earned(snapshot, counts, findings);
        }
    }
}

fn check_earned(snapshot: &Snapshot, counts: &ReferralCounts, findings: &mut Vec<Finding>) {
    let own =
        snapshot.rewards.values().filter(|reward| reward.side == Side::Inviter && reward.beneficiary == counts.user);
    let granted = own.filter(|reward| reward.state == RewardState::Granted).map(|reward| reward.amount.amount());
    let earned: rust_decimal::Decimal = granted.sum();
    if earned != counts.earned.amount() {
        let detail = format!("counts {} earned, the rewards say {earned}", counts.earned);
        findings.push(Finding::new("A4", counts.user, detail));
    }
}
