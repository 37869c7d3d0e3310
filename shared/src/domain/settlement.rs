//! A settlement: the difference between the rewards that the facts demand and those that are posted (R3.6–R3.8).
//!
//! It is given what was read of everybody concerned, takes one fact after the other, and holds what is to be written:
//! rewards, postings, accounts, an inviter's counts, and milestones. A fact that was settled before changes nothing, so
//! facts may come twice and in any order. Whether an invitee was counted for a milestone is told by the inviter's reward of
//! that trigger or, where the terms promise none, by a [`Milestone`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::id::{JournalId, RewardId, UserId};
use super::ledger::{Header, House, HouseEntry, LedgerError, Movement, Operator, Posting, RecordType};
use super::money::{Currency, LedgerMoney, MoneyError};
use super::referral::{Attribution, Reward, RewardState, Side, Trigger};
use super::tally::{Milestone, ReferralCounts};
use super::user::User;

/// Something that may make rewards due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// Somebody registered.
    Registered {
        /// Who.
        invitee: UserId,
    },
    /// Somebody's payment was captured.
    Paid {
        /// Whose.
        invitee: UserId,
    },
    /// A reward is to be tried again.
    Retried {
        /// Which.
        reward: RewardId,
    },
}

/// What is to become of a reward that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// It is granted, or held while its beneficiary is not active.
    Grant,
    /// Its message was dead-lettered: it becomes visible as failed, unless it stands somewhere already (R3.7).
    Fail,
}

/// Why a fact could not be settled.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SettlementError {
    /// Something that the fact names is not there.
    #[error("{0} is not there")]
    Missing(String),
    /// A count ran out.
    #[error("a count is out of range")]
    Exhausted,
    /// An amount does not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A posting could not be made.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// When and on whose behalf a fact is settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Settling {
    /// What is to become of what is due.
    pub aim: Aim,
    /// When.
    pub at: Timestamp,
    /// The message that told the fact.
    pub request_id: String,
}

/// Everybody concerned, as read and then as they will be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settlement {
    /// Invitees and beneficiaries.
    pub users: BTreeMap<UserId, User>,
    /// Inviters' counts.
    pub counts: BTreeMap<UserId, ReferralCounts>,
    /// Rewards by id.
    pub rewards: BTreeMap<RewardId, Reward>,
    /// Milestones counted without a reward.
    pub milestones: BTreeMap<(UserId, Trigger), Milestone>,
    /// New postings, in their order.
    pub postings: Vec<Posting>,
    /// What differs from what was read.
    pub changed: Changed,
}

/// What a settlement has to write, besides its postings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// Whose accounts moved.
    pub users: BTreeSet<UserId>,
    /// Whose state a decision rests on though nothing of theirs moved.
    pub relied_on: BTreeSet<UserId>,
    /// Whose counts moved.
    pub counts: BTreeSet<UserId>,
    /// Which rewards came to be or moved.
    pub rewards: BTreeSet<RewardId>,
    /// Which milestones came to be.
    pub milestones: BTreeSet<(UserId, Trigger)>,
}

impl Settlement {
    /// Settles one fact; `journal` makes fresh ids.
    ///
    /// # Refuses
    /// A fact about somebody who was not read; amounts and counts out of range. The settlement is then not to be written.
    pub fn settle(
        &mut self,
        fact: Fact,
        how: &Settling,
        journal: &mut dyn FnMut() -> JournalId,
    ) -> Result<(), SettlementError> {
        match fact {
            Fact::Registered { invitee } => self.milestone(invitee, Trigger::Registration, how, journal),
            Fact::Paid { invitee } => self.milestone(invitee, Trigger::Qualified, how, journal),
            Fact::Retried { reward } => {
                let reward = self.rewards.get(&reward).ok_or_else(|| missing(reward))?.clone();
                self.bring(reward, how, journal)
            }
        }
    }

    /// Settles a trigger of an invitee, if it fired. The invitee's own registration reward is part of sign-up (R2.2).
    fn milestone(
        &mut self,
        invitee: UserId,
        trigger: Trigger,
        how: &Settling,
        journal: &mut dyn FnMut() -> JournalId,
    ) -> Result<(), SettlementError> {
        let user = self.users.get(&invitee).ok_or_else(|| missing(invitee))?;
        let Some(attribution) = user.attribution.clone() else { return Ok(()) };
        let Some(fired_at) = fired(&attribution, trigger) else { return Ok(()) };
        let mut due = attribution.rewards_due(invitee, trigger, fired_at)?;
        due.retain(|reward| trigger == Trigger::Qualified || reward.side == Side::Inviter);
        self.count_once(invitee, trigger, &attribution, &due, how.at)?;
        for reward in due {
            self.bring(reward, how, journal)?;
        }
        Ok(())
    }

    fn count_once(
        &mut self,
        invitee: UserId,
        trigger: Trigger,
        attribution: &Attribution,
        due: &[Reward],
        at: Timestamp,
    ) -> Result<(), SettlementError> {
        let marker = Reward::id_of(invitee, trigger, Side::Inviter);
        if self.rewards.contains_key(&marker) || self.milestones.contains_key(&(invitee, trigger)) {
            return Ok(());
        }
        let counts = self.counts_of(attribution.inviter, attribution.terms.currency);
        let count = match trigger {
            Trigger::Registration => &mut counts.invitees,
            Trigger::Qualified => &mut counts.qualified,
        };
        *count = count.checked_add(1).ok_or(SettlementError::Exhausted)?;
        if !due.iter().any(|reward| reward.id == marker) {
            self.milestones.insert((invitee, trigger), Milestone { invitee, trigger, at });
            self.changed.milestones.insert((invitee, trigger));
        }
        Ok(())
    }

    /// Brings a reward that is due to where it should be.
    fn bring(
        &mut self,
        due: Reward,
        how: &Settling,
        journal: &mut dyn FnMut() -> JournalId,
    ) -> Result<(), SettlementError> {
        let before = self.rewards.get(&due.id).map(|reward| reward.state);
        let reward = self.rewards.get(&due.id).cloned().unwrap_or(due);
        let next = self.next_state(&reward, before, how.aim)?;
        if before == Some(next) {
            return Ok(());
        }
        let after = match next {
            RewardState::Granted => {
                self.post(&reward, how, journal())?;
                reward.granted(how.at)
            }
            state => Reward { state, ..reward },
        };
        if after.side == Side::Inviter {
            self.recount(&after, before)?;
        }
        self.changed.rewards.insert(after.id);
        self.rewards.insert(after.id, after);
        Ok(())
    }

    /// Where a reward that is due goes. What was reversed is only granted again by what reversed it (R4.11).
    fn next_state(
        &mut self,
        reward: &Reward,
        before: Option<RewardState>,
        aim: Aim,
    ) -> Result<RewardState, SettlementError> {
        match (aim, before) {
            (_, Some(state @ (RewardState::Granted | RewardState::Reversed))) => Ok(state),
            (Aim::Fail, None | Some(RewardState::Pending)) => Ok(RewardState::Failed),
            (Aim::Fail, Some(state)) => Ok(state),
            (Aim::Grant, _) => {
                let beneficiary = self.users.get(&reward.beneficiary).ok_or_else(|| missing(reward.beneficiary))?;
                // A hold must not cross the account's activation, which looks for what is held.
                self.changed.relied_on.insert(beneficiary.id);
                Ok(reward.next_state(beneficiary.status))
            }
        }
    }

    fn post(&mut self, reward: &Reward, how: &Settling, journal: JournalId) -> Result<(), SettlementError> {
        let user = self.users.get_mut(&reward.beneficiary).ok_or_else(|| missing(reward.beneficiary))?;
        let header = Header {
            journal,
            cause: format!("reward:{}", reward.id),
            step: 0,
            corrects: None,
            operator: Operator::System,
            actor: "reward-worker".to_owned(),
            request_id: how.request_id.clone(),
            at: how.at,
        };
        let movement = Movement::new(RecordType::Referral, reward.amount, reward.id.to_string());
        let house = vec![HouseEntry::new(House::Rewards, reward.amount.negated())];
        let (accounts, posting) = user.accounts.post(user.id, header, &[movement], house)?;
        user.accounts = accounts;
        self.changed.users.insert(reward.beneficiary);
        self.postings.push(posting);
        Ok(())
    }

    /// Moves a reward of an inviter from one of their sums to the other.
    fn recount(&mut self, after: &Reward, before: Option<RewardState>) -> Result<(), SettlementError> {
        let sibling = self.rewards.get(&Reward::sibling(after.id)).map(|reward| reward.state);
        let granted = |state: Option<RewardState>| state == Some(RewardState::Granted);
        let zero = LedgerMoney::zero(after.amount.currency());
        let of = |sum: fn(RewardState) -> bool, state: Option<RewardState>| match state {
            Some(state) if sum(state) => after.amount,
            _ => zero,
        };
        let now = Some(after.state);
        let counts = self.counts_of(after.beneficiary, after.amount.currency());
        counts.pending = counts.pending.plus(of(waits, now))?.minus(of(waits, before))?;
        counts.earned = counts.earned.plus(of(is_granted, now))?.minus(of(is_granted, before))?;
        match (granted(sibling) || granted(before), granted(sibling) || granted(now)) {
            (false, true) => counts.rewarded = counts.rewarded.checked_add(1).ok_or(SettlementError::Exhausted)?,
            (true, false) => counts.rewarded = counts.rewarded.checked_sub(1).ok_or(SettlementError::Exhausted)?,
            _ => {}
        }
        Ok(())
    }

    fn counts_of(&mut self, inviter: UserId, currency: Currency) -> &mut ReferralCounts {
        self.changed.counts.insert(inviter);
        self.counts.entry(inviter).or_insert_with(|| ReferralCounts::none(inviter, currency))
    }
}

/// When a trigger fired for an invitee: at sign-up, or when the paying transaction found the threshold reached (R3.6).
pub fn fired(attribution: &Attribution, trigger: Trigger) -> Option<Timestamp> {
    match trigger {
        Trigger::Registration => Some(attribution.bound_at),
        Trigger::Qualified => attribution.qualified_at,
    }
}

/// Whether a reward in this state is promised but not there.
pub fn waits(state: RewardState) -> bool {
    matches!(state, RewardState::Pending | RewardState::Held | RewardState::Failed)
}

fn is_granted(state: RewardState) -> bool {
    state == RewardState::Granted
}

fn missing(what: impl std::fmt::Display) -> SettlementError {
    SettlementError::Missing(what.to_string())
}

#[cfg(test)]
mod tests;
