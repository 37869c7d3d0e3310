//! Rewards: money for a referral, granted once and reversed while its cause is gone (R3.7, R4.11).

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::operations::model::budget::HoldReason;
use crate::referral::model::referral::{Side, Trigger};
use kernel::id::{RewardId, UserId};
use kernel::ledger::JournalRef;
use kernel::money::LedgerMoney;
use kernel::text_enum;

text_enum! {
    /// State of a reward (R3.7).
    pub enum RewardState {
        /// Not granted yet; its message is on the queue.
        Pending = "pending",
        /// Waiting until the beneficiary is active, or under review: it exceeded a budget, or its referral has a case.
        Held = "held",
        /// On the balance.
        Granted = "granted",
        /// Its message was dead-lettered; a retry makes it pending.
        Failed = "failed",
        /// Taken back; may be granted again.
        Reversed = "reversed",
        /// Never granted: an admin rejected the case of its referral (R10.2).
        Rejected = "rejected",
    }
}

impl RewardState {
    /// True if a reward may change from this state to `next`.
    pub fn may_become(self, next: Self) -> bool {
        use RewardState::{Failed, Granted, Held, Pending, Rejected, Reversed};
        matches!(
            (self, next),
            (Pending, Held | Granted | Failed | Reversed | Rejected)
                | (Held, Pending | Granted | Failed | Reversed | Rejected)
                | (Failed, Pending | Granted | Reversed | Rejected)
                | (Granted | Rejected, Reversed)
                | (Reversed, Granted | Held | Failed | Rejected)
        )
    }
}

fn mix(trigger: Trigger, side: Side) -> u128 {
    match (trigger, side) {
        (Trigger::Registration, Side::Inviter) => 0x5b1d_0c46_93a7_2ef8_61d9,
        (Trigger::Registration, Side::Invitee) => 0xa9e2_7f35_0d48_b6c1_3e74,
        (Trigger::Qualified, Side::Inviter) => 0x3c87_e95a_f216_40db_8b2d,
        (Trigger::Qualified, Side::Invitee) => 0xd674_12b8_6ce9_f503_a78e,
    }
}

/// Reward for a referral.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reward {
    /// Derived from invitee, trigger and side; see [`Reward::id_of`].
    pub id: RewardId,
    pub trigger: Trigger,
    /// Side of the referral that gets the reward.
    pub side: Side,
    pub invitee: UserId,
    pub beneficiary: UserId,
    /// Ledger currency.
    pub amount: LedgerMoney,
    pub state: RewardState,
    /// Reason for holding it, while it is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldReason>,
    /// Month from whose budget it was taken; kept when it is reversed (R10.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_month: Option<Date>,
    /// Time when the trigger fired.
    pub created_at: Timestamp,
    /// Time of the latest grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_at: Option<Timestamp>,
    /// Latest journal entry; `None` before the first grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<JournalRef>,
}

impl Reward {
    /// Derives the id of an invitee's reward: the invitee's time, and its random part XOR a constant.
    ///
    /// Each trigger and side has its own constant, so an invitee's ids differ (XOR with a constant is its own inverse). The
    /// constants are wide, so that invitees with consecutive ids do not collide either.
    pub fn id_of(invitee: UserId, trigger: Trigger, side: Side) -> RewardId {
        let of = invitee.ulid();
        RewardId::new(Ulid::from_parts(of.timestamp_ms(), of.random() ^ mix(trigger, side)))
    }

    /// Derives the id of the inviter's other reward for the same invitee.
    ///
    /// Needs neither invitee nor trigger, so one read fetches both. For an invitee's reward the result is the id of no reward.
    pub fn sibling(id: RewardId) -> RewardId {
        let both = mix(Trigger::Registration, Side::Inviter) ^ mix(Trigger::Qualified, Side::Inviter);
        let of = id.ulid();
        RewardId::new(Ulid::from_parts(of.timestamp_ms(), of.random() ^ both))
    }

    /// Returns the reward as granted.
    pub fn granted(self, at: Timestamp) -> Self {
        Self { state: RewardState::Granted, hold: None, granted_at: Some(at), ..self }
    }

    /// Returns the reason for holding it; `None` if it is not held.
    pub fn held(&self) -> Option<HoldReason> {
        (self.state == RewardState::Held).then(|| self.hold.unwrap_or(HoldReason::Blocked))
    }

    /// Returns the reward in another state that is not granted.
    pub fn waiting(self, state: RewardState, hold: Option<HoldReason>) -> Self {
        Self { state, hold, ..self }
    }
}
