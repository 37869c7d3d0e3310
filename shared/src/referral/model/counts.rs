//! Counts of an inviter, written in the transactions that change the counted entities.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::referral::model::referral::Trigger;
use kernel::id::UserId;
use kernel::money::{Currency, LedgerMoney};

/// Counts of an inviter (R3.9).
///
/// Only the reward worker writes them, in the transaction that grants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReferralCounts {
    pub user: UserId,
    /// Users registered with the inviter's codes.
    pub invitees: u64,
    /// Invitees at the threshold.
    pub qualified: u64,
    /// Invitees with a granted reward for the inviter.
    pub rewarded: u64,
    /// Sum of the inviter's granted rewards.
    pub earned: LedgerMoney,
    /// Sum of the inviter's rewards that are pending, held or failed.
    pub pending: LedgerMoney,
}

impl ReferralCounts {
    /// Returns the zero counts of an inviter, in ledger currency.
    pub fn none(user: UserId, currency: Currency) -> Self {
        let nothing = LedgerMoney::zero(currency);
        Self { user, invitees: 0, qualified: 0, rewarded: 0, earned: nothing, pending: nothing }
    }
}

/// Guard: an invitee was counted for a milestone that made no reward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestone {
    pub invitee: UserId,
    pub trigger: Trigger,
    /// Time of the count.
    pub at: Timestamp,
}

/// Number of sign-ups with an inviter's codes under a limit (R3.4); written only while a limit is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteeLimit {
    pub user: UserId,
    pub invitees: u64,
}
