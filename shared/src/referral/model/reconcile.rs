//! A settlement: the difference between the rewards that the facts demand and those that are posted (R3.6–R3.8).
//!
//! It is given what was read of everybody concerned, takes one fact after the other, and holds what is to be written:
//! rewards, postings, accounts, an inviter's counts, and milestones. A fact that was settled before changes nothing, so
//! facts may come twice and in any order. Whether an invitee was counted for a milestone is told by the inviter's reward of
//! that trigger or, where the terms promise none, by a [`Milestone`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::account::model::user::User;
use crate::referral::model::counts::{Milestone, ReferralCounts};
use crate::referral::model::referral::{Referral, Reward, RewardState, Side, Trigger};
use kernel::id::{JournalId, RewardId, UserId};
use kernel::ledger::{Header, JournalEntry, LedgerError, NewLine, Operator, PlatformAccount, PlatformLine, RecordType};
use kernel::money::{Currency, LedgerMoney, MoneyError};

/// Something that may make rewards due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RewardCause {
    /// Somebody registered.
    Registered {
        /// Who.
        invitee: UserId,
    },
    /// Somebody's payment was captured, or what is left of one moved.
    ChargeChanged {
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
pub enum Target {
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
    /// A reward is to be taken back, which can't be given up: its message is to stay where an operator sees it.
    #[error("{0} is granted and has to be taken back")]
    StillGranted(RewardId),
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
pub struct RewardContext {
    /// What is to become of what is due.
    pub aim: Target,
    /// When.
    pub at: Timestamp,
    /// The message that told the fact.
    pub request_id: String,
}

/// Everybody concerned, as read and then as they will be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RewardLedger {
    /// Invitees and beneficiaries.
    pub users: BTreeMap<UserId, User>,
    /// Inviters' counts.
    pub counts: BTreeMap<UserId, ReferralCounts>,
    /// Rewards by id.
    pub rewards: BTreeMap<RewardId, Reward>,
    /// Milestones counted without a reward.
    pub milestones: BTreeMap<(UserId, Trigger), Milestone>,
    /// New postings, in their order.
    pub postings: Vec<JournalEntry>,
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
    /// Which milestones came to be or went.
    pub milestones: BTreeSet<(UserId, Trigger)>,
}

impl RewardLedger {
    /// Settles one fact; `journal` makes fresh ids.
    ///
    /// # Refuses
    /// A fact about somebody who was not read; amounts and counts out of range. The settlement is then not to be written.
    pub fn settle(
        &mut self,
        fact: RewardCause,
        how: &RewardContext,
        journal: &mut dyn FnMut() -> JournalId,
    ) -> Result<(), SettlementError> {
        match fact {
            RewardCause::Registered { invitee } => self.milestone(invitee, Trigger::Registration, how, journal),
            RewardCause::ChargeChanged { invitee } => self.milestone(invitee, Trigger::Qualified, how, journal),
            RewardCause::Retried { reward } => {
                let reward = self.rewards.get(&reward).ok_or_else(|| missing(reward))?.clone();
                // What was reversed is only granted again by what reversed it (R4.11).
                let holds = reward.state != RewardState::Reversed;
                self.bring(reward, holds, how, journal)
            }
        }
    }

    /// Settles a trigger of an invitee, if it fired. The invitee's own registration reward is part of sign-up (R2.2).
    fn milestone(
        &mut self,
        invitee: UserId,
        trigger: Trigger,
        how: &RewardContext,
        journal: &mut dyn FnMut() -> JournalId,
    ) -> Result<(), SettlementError> {
        let user = self.users.get(&invitee).ok_or_else(|| missing(invitee))?;
        let Some(attribution) = user.attribution.clone() else { return Ok(()) };
        let Some(fired_at) = fired(&attribution, trigger) else { return Ok(()) };
        let holds = holds(&attribution, trigger);
        let mut due = attribution.rewards_due(invitee, trigger, fired_at)?;
        due.retain(|reward| trigger == Trigger::Qualified || reward.side == Side::Inviter);
        self.count(invitee, trigger, &attribution, &due, how.at)?;
        for reward in due {
            self.bring(reward, holds, how, journal)?;
        }
        Ok(())
    }

    /// Counts an invitee for a milestone while it holds, once.
    fn count(
        &mut self,
        invitee: UserId,
        trigger: Trigger,
        attribution: &Referral,
        due: &[Reward],
        at: Timestamp,
    ) -> Result<(), SettlementError> {
        let marker = Reward::id_of(invitee, trigger, Side::Inviter);
        let rewarded = self.rewards.get(&marker).map(|reward| reward.state != RewardState::Reversed);
        let counted = rewarded.unwrap_or_else(|| self.milestones.contains_key(&(invitee, trigger)));
        let holds = holds(attribution, trigger);
        if counted == holds {
            return Ok(());
        }
        let counts = self.counts_of(attribution.inviter, attribution.terms.currency);
        let count = match trigger {
            Trigger::Registration => &mut counts.invitees,
            Trigger::Qualified => &mut counts.qualified,
        };
        let moved = if holds { count.checked_add(1) } else { count.checked_sub(1) };
        *count = moved.ok_or(SettlementError::Exhausted)?;
        if due.iter().any(|reward| reward.id == marker) {
            return Ok(());
        }
        if holds {
            self.milestones.insert((invitee, trigger), Milestone { invitee, trigger, at });
        } else {
            self.milestones.remove(&(invitee, trigger));
        }
        self.changed.milestones.insert((invitee, trigger));
        Ok(())
    }

    /// Brings a reward to where it should be: on the balance while its cause holds, else not.
    fn bring(
        &mut self,
        due: Reward,
        holds: bool,
        how: &RewardContext,
        journal: &mut dyn FnMut() -> JournalId,
    ) -> Result<(), SettlementError> {
        let before = self.rewards.get(&due.id).map(|reward| reward.state);
        let reward = self.rewards.get(&due.id).cloned().unwrap_or(due);
        let next = self.next_state(&reward, before, holds, how.aim)?;
        if before == Some(next) {
            return Ok(());
        }
        let after = match (before == Some(RewardState::Granted), next == RewardState::Granted) {
            (false, true) => self.post(reward, true, how, journal())?.granted(how.at),
            (true, false) => Reward { state: next, ..self.post(reward, false, how, journal())? },
            _ => Reward { state: next, ..reward },
        };
        if after.side == Side::Inviter {
            self.recount(&after, before)?;
        }
        self.changed.rewards.insert(after.id);
        self.rewards.insert(after.id, after);
        Ok(())
    }

    /// Where a reward goes.
    fn next_state(
        &mut self,
        reward: &Reward,
        before: Option<RewardState>,
        holds: bool,
        aim: Target,
    ) -> Result<RewardState, SettlementError> {
        match (holds, aim, before) {
            (true, _, Some(RewardState::Granted)) => Ok(RewardState::Granted),
            (true, Target::Fail, Some(state @ (RewardState::Held | RewardState::Failed))) => Ok(state),
            (true, Target::Fail, _) => Ok(RewardState::Failed),
            (true, Target::Grant, _) => {
                let beneficiary = self.users.get(&reward.beneficiary).ok_or_else(|| missing(reward.beneficiary))?;
                // A hold must not cross the account's activation, which looks for what is held.
                self.changed.relied_on.insert(beneficiary.id);
                Ok(reward.next_state(beneficiary.status))
            }
            (false, Target::Fail, Some(RewardState::Granted)) => Err(SettlementError::StillGranted(reward.id)),
            (false, _, _) => Ok(RewardState::Reversed),
        }
    }

    /// Posts a reward, or takes it back; what was spent becomes debt (R1.7).
    fn post(
        &mut self,
        reward: Reward,
        gives: bool,
        how: &RewardContext,
        journal: JournalId,
    ) -> Result<Reward, SettlementError> {
        let user = self.users.get_mut(&reward.beneficiary).ok_or_else(|| missing(reward.beneficiary))?;
        let first = Header {
            journal,
            cause: format!("reward:{}", reward.id),
            step: u32::from(!gives),
            corrects: None,
            operator: Operator::System,
            actor: "reward-worker".to_owned(),
            request_id: how.request_id.clone(),
            at: how.at,
        };
        let header = reward.last.map_or(first.clone(), |last| first.correcting(last));
        let kind = if gives && reward.last.is_none() { RecordType::Referral } else { RecordType::Refund };
        let amount = if gives { reward.amount } else { reward.amount.negated() };
        let movement = NewLine::new(kind, amount, reward.id.to_string());
        let house = vec![PlatformLine::new(PlatformAccount::Rewards, amount.negated())];
        let last = Some(header.as_last());
        let (accounts, posting) = user.accounts.post(user.id, header, &[movement], house)?;
        user.accounts = accounts;
        self.changed.users.insert(reward.beneficiary);
        self.postings.push(posting);
        Ok(Reward { last, ..reward })
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
pub fn fired(attribution: &Referral, trigger: Trigger) -> Option<Timestamp> {
    match trigger {
        Trigger::Registration => Some(attribution.bound_at),
        Trigger::Qualified => attribution.qualified_at,
    }
}

/// Whether what fired a trigger still holds: the threshold may be lost again (R4.11), a registration never is.
pub fn holds(attribution: &Referral, trigger: Trigger) -> bool {
    match trigger {
        Trigger::Registration => true,
        Trigger::Qualified => attribution.qualifies(),
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
