//! Replay of a referral's rewards under other terms (R12.5).

use std::collections::BTreeMap;

use crate::referral::model::reconcile::holds;
use crate::referral::model::referral::{Referral, Reward, RewardState, RewardTerms, Side, Trigger};
use kernel::id::{RewardId, UserId};
use kernel::money::{LedgerMoney, MoneyError};

/// Reward of one beneficiary for an invitee: as it was, and under the draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayedReward {
    pub beneficiary: UserId,
    pub real: LedgerMoney,
    pub simulated: LedgerMoney,
}

/// Ids of all rewards that an invitee can make.
pub fn reward_ids(invitee: UserId) -> impl Iterator<Item = RewardId> {
    Trigger::ALL
        .into_iter()
        .flat_map(move |trigger| Side::ALL.into_iter().map(move |side| Reward::id_of(invitee, trigger, side)))
}

impl Referral {
    /// The referral under the terms of a draft, as the current settings are to the terms that it has.
    ///
    /// It keeps its own where the settings have changed since, and where it moved in from another system.
    pub fn drafted(&self, current: RewardTerms, draft: RewardTerms) -> Self {
        let bound = |terms: RewardTerms| if self.late { terms.after_registration() } else { terms };
        let follows = !self.imported && self.terms == bound(current);
        Self { terms: if follows { bound(draft) } else { self.terms }, ..self.clone() }
    }

    /// Rewards of the invitee as they are, beside those under the terms of `drafted`, the same referral.
    ///
    /// A reward that its own terms promise and that is not there was withheld for another reason, and is withheld under the draft.
    ///
    /// # Rejects
    /// An amount with more digits than the ledger has.
    pub fn replay(
        &self,
        drafted: &Self,
        invitee: UserId,
        rewards: &BTreeMap<RewardId, Reward>,
    ) -> Result<Vec<ReplayedReward>, MoneyError> {
        let none = LedgerMoney::zero(self.terms.currency);
        let is_gone = |reward: &&Reward| matches!(reward.state, RewardState::Reversed | RewardState::Rejected);
        // A rejection is about all rewards of the referral, those to come too (R10.2).
        let mut own = reward_ids(invitee).filter_map(|id| rewards.get(&id));
        let is_rejected = own.any(|reward| reward.state == RewardState::Rejected);
        let mut all = Vec::new();
        for (trigger, side) in Trigger::ALL.into_iter().flat_map(|trigger| Side::ALL.map(|side| (trigger, side))) {
            let reward = rewards.get(&Reward::id_of(invitee, trigger, side));
            let real = reward.filter(|reward| !is_gone(reward)).map(|reward| reward.amount);
            let is_promised = holds(self, trigger) && self.terms.amount(trigger, side)?.is_positive();
            let is_due = !is_rejected && drafted.would_hold(self, trigger) && (real.is_some() || !is_promised);
            let simulated = if is_due { drafted.terms.amount(trigger, side)? } else { none };
            let real = real.unwrap_or(none);
            if real.is_positive() || simulated.is_positive() {
                let beneficiary = if side == Side::Inviter { self.inviter_for(trigger) } else { invitee };
                all.push(ReplayedReward { beneficiary, real, simulated });
            }
        }
        Ok(all)
    }

    /// Tests whether a trigger holds under this threshold; under an equal one it does where it does in `own`.
    fn would_hold(&self, own: &Self, trigger: Trigger) -> bool {
        match trigger {
            Trigger::Qualified if self.terms.threshold != own.terms.threshold => {
                own.online_total.compare(self.terms.threshold).is_ok_and(std::cmp::Ordering::is_ge)
            }
            Trigger::Qualified | Trigger::Registration => holds(own, trigger),
        }
    }
}
