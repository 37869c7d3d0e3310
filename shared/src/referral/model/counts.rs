//! Counts of an inviter, written by the transaction that moves what they count.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::referral::model::referral::Trigger;
use kernel::id::UserId;
use kernel::money::{Currency, LedgerMoney};

/// An inviter's counts (R3.9). Written by the reward worker alone, in the transaction that grants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReferralCounts {
    /// Whose.
    pub user: UserId,
    /// How many registered with their code.
    pub invitees: u64,
    /// How many of those reached the threshold.
    pub qualified: u64,
    /// How many of those have a granted reward for the inviter.
    pub rewarded: u64,
    /// Granted rewards of the inviter's side.
    pub earned: LedgerMoney,
    /// Rewards of the inviter's side that are pending, held or failed.
    pub pending: LedgerMoney,
}

impl ReferralCounts {
    /// Those of an inviter without invitees, in ledger currency.
    pub fn none(user: UserId, currency: Currency) -> Self {
        let nothing = LedgerMoney::zero(currency);
        Self { user, invitees: 0, qualified: 0, rewarded: 0, earned: nothing, pending: nothing }
    }
}

/// Marks that an invitee was counted for a milestone that made no reward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestone {
    /// Who reached it.
    pub invitee: UserId,
    /// Which.
    pub trigger: Trigger,
    /// When it was counted.
    pub at: Timestamp,
}

/// How many sign-ups an inviter's codes bound while there was a limit (R3.4); without one nobody writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteeLimit {
    /// The inviter.
    pub user: UserId,
    /// How many.
    pub invitees: u64,
}
