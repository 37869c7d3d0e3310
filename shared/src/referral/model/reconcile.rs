//! Reward reconciliation: posts the difference between rewards due and rewards posted (R3.6–R3.8).
//!
//! A [`RewardLedger`] starts with the entities as read, applies one cause after the other, and collects the writes: rewards,
//! journal entries, accounts, an inviter's counts, and milestones. Applying a cause is idempotent, so causes may repeat and
//! come in any order. An invitee counts for a milestone if the inviter has a reward of that trigger or, where the terms promise
//! none, if there is a [`Milestone`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::account::model::credit_lot::{CreditLot, GrantSource};
use crate::account::model::identity::Status;
use crate::account::model::user::User;
use crate::operations::model::budget::{Allowance, Budgeted, HoldReason};
use crate::referral::model::counts::{Milestone, ReferralCounts};
use crate::referral::model::referral::{Referral, Reward, RewardState, Side, Trigger};
use crate::risk::model::case::CaseState;
use kernel::id::{JournalId, RewardId, UserId};
use kernel::ledger::{
    Header, JournalEntry, JournalOrigin, LedgerError, LotKind, NewLine, PlatformAccount, PlatformLine, RecordType,
};
use kernel::money::{Currency, LedgerMoney, MoneyError};

/// Event that may make rewards due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RewardCause {
    /// A user registered.
    Registered {
        /// Id of that user.
        invitee: UserId,
    },
    /// A charge of a user was captured, or its net changed.
    ChargeChanged {
        /// Id of that user.
        invitee: UserId,
    },
    /// A reward is retried.
    Retried {
        /// Id of that reward.
        reward: RewardId,
    },
}

/// Target of a due reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Grant it, or hold it while its beneficiary is not active.
    Grant,
    /// Mark it failed, because its message is a dead letter.
    ///
    /// A reward that is granted, held or failed already keeps its state (R3.7).
    Fail,
}

/// Reason why a cause could not be applied.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SettlementError {
    /// An entity of the cause does not exist.
    #[error("{0} is not there")]
    Missing(String),
    /// A granted reward has to be reversed, but its message is a dead letter.
    ///
    /// The message stays in the queue, where the operator sees it.
    #[error("{0} is granted and has to be taken back")]
    StillGranted(RewardId),
    /// A count overflowed.
    #[error("a count is out of range")]
    Exhausted,
    /// An amount is out of range.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A journal entry could not be built.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Context of a reconciliation.
#[derive(Debug, Clone, PartialEq)]
pub struct RewardContext {
    pub aim: Target,
    /// Worker and message of the journals.
    pub origin: JournalOrigin,
    /// Expiry of what is granted now; `None` if it never expires (R12.3).
    pub granted_until: Option<Timestamp>,
}

/// Entities of a reconciliation: as read at first, then as they are to be written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RewardLedger {
    /// Invitees and beneficiaries.
    pub users: BTreeMap<UserId, User>,
    /// Counts of the inviters.
    pub counts: BTreeMap<UserId, ReferralCounts>,
    pub rewards: BTreeMap<RewardId, Reward>,
    /// Milestones counted without a reward.
    pub milestones: BTreeMap<(UserId, Trigger), Milestone>,
    /// Credit lots of the rewards that have one (R12.3).
    pub lots: BTreeMap<RewardId, CreditLot>,
    /// New journal entries, in order.
    pub postings: Vec<JournalEntry>,
    /// Room for them in the budget of the programme (R10.4).
    pub allowance: Allowance,
    /// States of the invitees' cases, if they have one (R10.2).
    pub cases: BTreeMap<UserId, CaseState>,
    pub changed: Changed,
}

/// Entities that a reconciliation changed, besides its journal entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// Users whose accounts changed.
    pub users: BTreeSet<UserId>,
    /// Users whose state a decision depends on, changed or not.
    pub relied_on: BTreeSet<UserId>,
    /// Inviters whose counts changed.
    pub counts: BTreeSet<UserId>,
    /// New and changed rewards.
    pub rewards: BTreeSet<RewardId>,
    /// Rewards whose lots may have changed.
    pub lots: BTreeSet<RewardId>,
    /// New and removed milestones.
    pub milestones: BTreeSet<(UserId, Trigger)>,
}

impl RewardLedger {
    /// Applies one cause; `journal` generates ids.
    ///
    /// # Rejects
    /// A cause whose entities were not read; amounts and counts out of range. Discard the ledger then.
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
                // A retry does not grant a reversed reward; only a change of its cause does (R4.11).
                let holds = reward.state != RewardState::Reversed;
                self.bring(reward, holds, how, journal)
            }
        }
    }

    /// Applies a trigger of an invitee, if it fired.
    ///
    /// The invitee's own registration reward is part of sign-up (R2.2).
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
        // The invitee's own for the registration is part of the sign-up, unless signals were to be compared first.
        let waits = |id: &RewardId| self.rewards.get(id).is_some_and(|known| known.state == RewardState::Pending);
        due.retain(|reward| trigger == Trigger::Qualified || reward.side == Side::Inviter || waits(&reward.id));
        self.count(invitee, trigger, &attribution, &due, how.origin.at)?;
        for reward in due {
            self.bring(reward, holds, how, journal)?;
        }
        Ok(())
    }

    /// Counts an invitee for a milestone exactly once, while the milestone holds.
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
        let counts = self.counts_of(attribution.inviter_for(trigger), attribution.terms.currency);
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

    /// Brings a reward to its target: on the balance while its cause holds, else not.
    fn bring(
        &mut self,
        due: Reward,
        holds: bool,
        how: &RewardContext,
        journal: &mut dyn FnMut() -> JournalId,
    ) -> Result<(), SettlementError> {
        let known = self.rewards.get(&due.id).cloned();
        let before = known.as_ref().map(|reward| reward.state);
        let reward = known.clone().unwrap_or(due);
        let (next, hold) = self.next_state(&reward, before, holds, how.aim)?;
        if before == Some(next) && reward.hold == hold {
            return Ok(());
        }
        let after = match (before == Some(RewardState::Granted), next == RewardState::Granted) {
            (false, true) => match self.budgeted(&reward)? {
                Budgeted::Exceeded if before == Some(RewardState::Held) && reward.hold == Some(HoldReason::Budget) => {
                    return Ok(());
                }
                Budgeted::Exceeded => reward.waiting(RewardState::Held, Some(HoldReason::Budget)),
                taken => {
                    let budget_month = reward.budget_month.or(taken.month());
                    Reward { budget_month, ..self.post(reward, true, how, journal)?.granted(how.origin.at) }
                }
            },
            (true, false) => self.post(reward, false, how, journal)?.waiting(next, hold),
            _ => reward.waiting(next, hold),
        };
        if after.side == Side::Inviter {
            self.recount(&after, before)?;
        }
        self.changed.rewards.insert(after.id);
        self.rewards.insert(after.id, after);
        Ok(())
    }

    /// Takes a reward from the budget, once for all its grants.
    fn budgeted(&mut self, reward: &Reward) -> Result<Budgeted, MoneyError> {
        match reward.budget_month {
            Some(month) => Ok(Budgeted::Taken(month)),
            None => self.allowance.take(reward.amount),
        }
    }

    /// Returns the next state of a reward, and why it is held.
    fn next_state(
        &mut self,
        reward: &Reward,
        before: Option<RewardState>,
        holds: bool,
        aim: Target,
    ) -> Result<(RewardState, Option<HoldReason>), SettlementError> {
        match (holds, aim, before) {
            (true, _, Some(RewardState::Granted)) => Ok((RewardState::Granted, None)),
            (true, Target::Fail, Some(state @ (RewardState::Held | RewardState::Failed | RewardState::Rejected))) => {
                Ok((state, reward.hold))
            }
            (true, Target::Fail, _) => Ok((RewardState::Failed, None)),
            (true, Target::Grant, _) => {
                let beneficiary = self.users.get(&reward.beneficiary).ok_or_else(|| missing(reward.beneficiary))?;
                // Conflict with a concurrent activation of the account, which releases the held rewards it finds.
                self.changed.relied_on.insert(beneficiary.id);
                Ok(match (self.cases.get(&reward.invitee), beneficiary.status) {
                    (Some(CaseState::Rejected), _) => (RewardState::Rejected, None),
                    (Some(CaseState::Held), _) => (RewardState::Held, Some(HoldReason::Risk)),
                    (_, Status::Active) => (RewardState::Granted, None),
                    _ => (RewardState::Held, Some(HoldReason::Blocked)),
                })
            }
            (false, Target::Fail, Some(RewardState::Granted)) => Err(SettlementError::StillGranted(reward.id)),
            (false, _, _) => Ok((RewardState::Reversed, None)),
        }
    }

    /// Posts a reward or its reversal; a reversal of spent credit becomes debt (R1.7).
    fn post(
        &mut self,
        reward: Reward,
        gives: bool,
        how: &RewardContext,
        journal: &mut dyn FnMut() -> JournalId,
    ) -> Result<Reward, SettlementError> {
        let user = self.users.get_mut(&reward.beneficiary).ok_or_else(|| missing(reward.beneficiary))?;
        let first = how.origin.header(journal(), format!("reward:{}", reward.id));
        let first = Header { step: u32::from(!gives), ..first };
        let header = reward.last.map_or(first.clone(), |last| first.correcting(last));
        let kind = if gives && reward.last.is_none() { RecordType::Referral } else { RecordType::Refund };
        let amount = if gives { reward.amount } else { reward.amount.negated() };
        let source = GrantSource { kind: LotKind::Reward, id: reward.id.to_string(), expires_at: how.granted_until };
        let movement = NewLine::new(kind, amount, &source.id).of_grant();
        let house = vec![PlatformLine::new(PlatformAccount::Rewards, amount.negated())];
        let last = Some(header.as_last());
        let lot = self.lots.remove(&reward.id);
        let posted = source.post((user.id, &user.accounts), (header, journal), (&[movement], house), lot.as_ref())?;
        user.accounts = posted.accounts;
        self.changed.users.insert(reward.beneficiary);
        self.changed.lots.insert(reward.id);
        self.lots.extend(posted.lot.map(|lot| (reward.id, lot)));
        self.postings.extend(posted.entries);
        Ok(Reward { last, ..reward })
    }

    /// Moves an inviter's reward between the sums `pending` and `earned`, and updates `rewarded`.
    fn recount(&mut self, after: &Reward, before: Option<RewardState>) -> Result<(), SettlementError> {
        let sibling = self.rewards.get(&Reward::sibling(after.id));
        let sibling = sibling.filter(|reward| reward.beneficiary == after.beneficiary).map(|reward| reward.state);
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

/// Returns the time when a trigger fired, if it did.
///
/// `Registration` fires at sign-up, `Qualified` when a payment reached the threshold (R3.6).
pub fn fired(attribution: &Referral, trigger: Trigger) -> Option<Timestamp> {
    match trigger {
        Trigger::Registration => Some(attribution.bound_at),
        Trigger::Qualified => attribution.qualified_at,
    }
}

/// Tests whether a fired trigger still holds.
///
/// An invitee may fall below the threshold again (R4.11); a registration always holds.
pub fn holds(attribution: &Referral, trigger: Trigger) -> bool {
    match trigger {
        Trigger::Registration => true,
        Trigger::Qualified => attribution.qualifies(),
    }
}

/// Tests whether a reward in this state is promised but not granted.
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
