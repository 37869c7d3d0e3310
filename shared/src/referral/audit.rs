//! Referral invariants A1–A4.
//!
//! A1: at most one inviter, no cycles. A2: a reward is as promised. A3: it is posted exactly while its cause holds. A4: counts
//! match the entities.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use rust_decimal::Decimal;

use crate::account::model::user::User;
use crate::operations::auditor::{Finding, Snapshot};
use crate::payment::model::order::Order;
use crate::referral::model::counts::ReferralCounts;
use crate::referral::model::reconcile::{fired, holds, waits};
use crate::referral::model::referral::{Reward, RewardState, Side, Trigger};
use kernel::id::UserId;
use kernel::ledger::PlatformAccount;
use kernel::money::PayMoney;

/// Maximum clock difference between two functions.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(10);

/// Checks referrals, rewards and counts.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    let charges = charges(snapshot);
    for user in snapshot.users.values() {
        check_attribution(snapshot, &charges, user, &mut findings);
    }
    for reward in snapshot.rewards.values() {
        check_reward(snapshot, reward, &mut findings);
    }
    check_counts(snapshot, &mut findings);
    findings
}

fn check_attribution(snapshot: &Snapshot, charges: &Charges, user: &User, findings: &mut Vec<Finding>) {
    let Some(attribution) = &user.attribution else { return };
    let since = attribution.reparented.map_or(attribution.bound_at, |earlier| earlier.at);
    match snapshot.users.get(&attribution.inviter) {
        None => findings.push(Finding::new("A1", user.id, "was invited by nobody")),
        Some(inviter) if inviter.created_at.duration_since(since) > CLOCKS_DIFFER => {
            findings.push(Finding::new("A1", user.id, "was invited by somebody who came later"));
        }
        Some(_) if is_own_ancestor(snapshot, user) => {
            findings.push(Finding::new("A1", user.id, "was invited by themselves, along some chain"));
        }
        Some(_) => {}
    }
    let zero = PayMoney::zero(attribution.online_total.currency());
    let counted =
        || charges.get(&user.id).into_iter().flatten().filter(|(charge, _)| charge.currency() == zero.currency());
    let total = counted().try_fold(zero, |sum, (_, net)| sum.plus(*net));
    if total != Ok(attribution.online_total) {
        let detail = format!("counts {} of online payments, the orders say {total:?}", attribution.online_total);
        findings.push(Finding::new("A4", user.id, detail));
    }
    let captured = attribution.captured();
    let charged = counted().try_fold(zero, |sum, (charge, _)| sum.plus(*charge));
    if charged != captured {
        findings.push(Finding::new("A4", user.id, format!("counts {captured:?} taken, the orders say {charged:?}")));
    }
    let reached =
        captured.and_then(|taken| taken.compare(attribution.terms.threshold)).is_ok_and(std::cmp::Ordering::is_ge);
    if attribution.qualified_at.is_some() && !reached {
        findings.push(Finding::new("A4", user.id, "is qualified below the threshold"));
    }
}

/// Online charges per user: the captured amount and the net of each.
pub(crate) type Charges = BTreeMap<UserId, Vec<(PayMoney, PayMoney)>>;

/// Collects each user's online charges with their nets.
///
/// They come from captured orders, of those who named their inviter late the ones made since, and from purchases that the operator's
/// backend reported (R2.6) and that were paid since the user has an inviter.
pub(crate) fn charges(snapshot: &Snapshot) -> Charges {
    let mut charges = Charges::new();
    let counts = |order: &&Order| {
        let user = snapshot.users.get(&order.user);
        let bond = user.and_then(|user| user.attribution.as_ref());
        order.agency.is_none() && order.status.is_captured() && bond.is_none_or(|bond| bond.counts(order))
    };
    for order in snapshot.orders.values().filter(counts) {
        charges.entry(order.user).or_default().push((order.charge, order.net()));
    }
    for purchase in snapshot.purchases.values() {
        if let Some(bought) = purchase.bought.as_ref().filter(|bought| bought.inviter.is_some())
            && let Ok(net) = purchase.net_of(bought.amount)
        {
            charges.entry(bought.user).or_default().push((bought.amount, net));
        }
    }
    charges
}

/// Tests whether the chain of inviters leads back to its start.
fn is_own_ancestor(snapshot: &Snapshot, user: &User) -> bool {
    let inviter = |user: &User| snapshot.users.get(&user.attribution.as_ref()?.inviter);
    let mut ancestors = std::iter::successors(inviter(user), |user| inviter(user)).take(snapshot.users.len());
    ancestors.any(|ancestor| ancestor.id == user.id)
}

fn check_reward(snapshot: &Snapshot, reward: &Reward, findings: &mut Vec<Finding>) {
    let invitee = snapshot.users.get(&reward.invitee);
    let promised = invitee.and_then(|user| user.attribution.as_ref());
    let amount = promised.and_then(|bound| bound.terms.amount(reward.trigger, reward.side).ok());
    let to = promised.map(|bond| match reward.side {
        Side::Inviter => bond.inviter_for(reward.trigger),
        Side::Invitee => reward.invitee,
    });
    let id = Reward::id_of(reward.invitee, reward.trigger, reward.side);
    if amount != Some(reward.amount) || to != Some(reward.beneficiary) || id != reward.id {
        let (is, whose) = (reward.amount, reward.beneficiary);
        findings.push(Finding::new("A2", reward.id, format!("is {is} to {whose}, promised was {amount:?} to {to:?}")));
    }
    let fired = promised.and_then(|bound| fired(bound, reward.trigger)).is_some();
    let holds = promised.is_some_and(|bound| holds(bound, reward.trigger));
    if !fired || holds == (reward.state == RewardState::Reversed) {
        let detail = format!("is {}; reached: {fired}, held: {holds}", reward.state.as_str());
        findings.push(Finding::new("A3", reward.id, detail));
    }
    let cause = format!("reward:{}", reward.id);
    let own = snapshot.postings.iter().filter(|posting| posting.header.cause == cause);
    let mut lines = own.flat_map(|posting| &posting.house).filter(|line| line.account == PlatformAccount::Rewards);
    let posted = lines.try_fold(Decimal::ZERO, |sum, line| sum.checked_sub(line.amount.amount()));
    let granted = reward.state == RewardState::Granted;
    if posted != Some(if granted { reward.amount.amount() } else { Decimal::ZERO }) {
        let detail = format!("is {} with {posted:?} posted of {}", reward.state.as_str(), reward.amount);
        findings.push(Finding::new("A3", reward.id, detail));
    }
}

/// A4: every invitee is counted once per milestone.
///
/// Counting is asynchronous, so this holds only when all messages are processed.
fn check_counts(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let mut expected: BTreeMap<UserId, (u64, u64)> = BTreeMap::new();
    for (user, bond) in snapshot.users.values().filter_map(|user| Some((user, user.attribution.as_ref()?))) {
        let (invitees, _) = expected.entry(bond.inviter_for(Trigger::Registration)).or_default();
        *invitees = invitees.saturating_add(1);
        let (_, qualified) = expected.entry(bond.inviter_for(Trigger::Qualified)).or_default();
        *qualified = qualified.saturating_add(u64::from(bond.qualifies()));
        check_marker(snapshot, user.id, Trigger::Registration, true, findings);
        check_marker(snapshot, user.id, Trigger::Qualified, bond.qualifies(), findings);
    }
    for user in snapshot.counts.keys() {
        expected.entry(*user).or_default();
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

/// A4: the guard of a counted milestone is either the inviter's reward or a `Milestone`, never both.
fn check_marker(snapshot: &Snapshot, invitee: UserId, trigger: Trigger, fired: bool, findings: &mut Vec<Finding>) {
    let reward = snapshot.rewards.get(&Reward::id_of(invitee, trigger, Side::Inviter));
    let rewarded = reward.is_some_and(|reward| reward.state != RewardState::Reversed);
    let marked = snapshot.milestones.contains(&(invitee, trigger));
    if fired != (rewarded || marked) || (rewarded && marked) {
        let detail = format!("{}: reward {rewarded}, milestone {marked}, fired {fired}", trigger.as_str());
        findings.push(Finding::new("A4", invitee, detail));
    }
}

fn check_earned(snapshot: &Snapshot, counts: &ReferralCounts, findings: &mut Vec<Finding>) {
    let own = |reward: &&Reward| reward.side == Side::Inviter && reward.beneficiary == counts.user;
    let of = |wanted: fn(RewardState) -> bool| -> Vec<&Reward> {
        snapshot.rewards.values().filter(own).filter(|reward| wanted(reward.state)).collect()
    };
    let sum = |rewards: &[&Reward]| -> Decimal { rewards.iter().map(|reward| reward.amount.amount()).sum() };
    let (granted, pending) = (of(|state| state == RewardState::Granted), of(waits));
    let rewarded: BTreeSet<UserId> = granted.iter().map(|reward| reward.invitee).collect();
    let is = (counts.earned.amount(), counts.pending.amount(), counts.rewarded);
    let expected = (sum(&granted), sum(&pending), u64::try_from(rewarded.len()).unwrap_or(u64::MAX));
    if is != expected {
        let detail = format!("counts {is:?} earned, pending and rewarded, the rewards say {expected:?}");
        findings.push(Finding::new("A4", counts.user, detail));
    }
}
