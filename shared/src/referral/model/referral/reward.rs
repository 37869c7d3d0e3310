//! A reward: money for a referral, granted once and taken back while its cause is gone (R3.7, R4.11).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::account::model::identity::Status;
use crate::referral::model::referral::{Side, Trigger};
use kernel::id::{RewardId, UserId};
use kernel::ledger::JournalRef;
use kernel::money::LedgerMoney;
use kernel::text_enum;

text_enum! {
    /// Where a reward stands (R3.7).
    pub enum RewardState {
        /// On its way.
        Pending = "pending",
        /// Waiting until the beneficiary is active.
        Held = "held",
        /// On the balance.
        Granted = "granted",
        /// Its message was dead-lettered; a retry makes it pending.
        Failed = "failed",
        /// Taken back; may be granted again.
        Reversed = "reversed",
    }
}

impl RewardState {
    /// Whether a reward may go from here to `next`.
    pub fn may_become(self, next: Self) -> bool {
        use RewardState::{Failed, Granted, Held, Pending, Reversed};
        matches!(
            (self, next),
            (Pending, Held | Granted | Failed | Reversed)
                | (Held, Pending | Granted | Failed | Reversed)
                | (Failed, Pending | Granted | Reversed)
                | (Granted, Reversed)
                | (Reversed, Granted | Held | Failed)
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

/// Money granted for a referral.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reward {
    /// Follows from invitee, trigger and side; see [`Reward::id_of`].
    pub id: RewardId,
    /// What made it.
    pub trigger: Trigger,
    /// Which end of the referral is rewarded.
    pub side: Side,
    /// Whose referral it is.
    pub invitee: UserId,
    /// Who gets it.
    pub beneficiary: UserId,
    /// How much.
    pub amount: LedgerMoney,
    /// Where it stands.
    pub state: RewardState,
    /// When its trigger fired.
    pub created_at: Timestamp,
    /// When it was granted last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_at: Option<Timestamp>,
    /// Its last journal; none until it is granted first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<JournalRef>,
}

impl Reward {
    /// The id of an invitee's reward: the invitee's time, and its random part XOR a constant of trigger and side. Each
    /// constant is different, so one invitee's ids are (XOR with a constant undoes itself); they are wide, so that ids
    /// of neighbours made by counting up do not meet either.
    pub fn id_of(invitee: UserId, trigger: Trigger, side: Side) -> RewardId {
        let of = invitee.ulid();
        RewardId::new(Ulid::from_parts(of.timestamp_ms(), of.random() ^ mix(trigger, side)))
    }

    /// The id of the inviter's other reward for the same invitee, given the id of one; of an invitee's reward it is the id
    /// of nothing. Needs neither invitee nor trigger, so both are found in one read.
    pub fn sibling(id: RewardId) -> RewardId {
        let both = mix(Trigger::Registration, Side::Inviter) ^ mix(Trigger::Qualified, Side::Inviter);
        let of = id.ulid();
        RewardId::new(Ulid::from_parts(of.timestamp_ms(), of.random() ^ both))
    }

    /// The reward on the balance.
    pub fn granted(self, at: Timestamp) -> Self {
        Self { state: RewardState::Granted, granted_at: Some(at), ..self }
    }

    /// What is still to be done for a beneficiary in this state: grant it, or hold it while they are not active (R3.7).
    pub fn next_state(&self, beneficiary: Status) -> RewardState {
        match (self.state, beneficiary) {
            (RewardState::Granted, _) => RewardState::Granted,
            (_, Status::Active) => RewardState::Granted,
            _ => RewardState::Held,
        }
    }
}
