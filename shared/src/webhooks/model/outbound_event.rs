//! What the operator's product is told of: outbound events.
//!
//! An event is promised by the message of the transaction that had the effect. Its id follows from that message, so a message that
//! comes twice tells of the same event, and a receiver can drop what it has.

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::redemption::model::code::CodeRef;
use kernel::id::{EventId, OrderId, OutboxId, RewardId, UserId, WithdrawalId};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// A user registered.
    #[serde(rename = "user.registered")]
    UserRegistered,
    /// An order's payment was captured and credited.
    #[serde(rename = "order.paid")]
    OrderPaid,
    /// Less is left of a paid order's charge: a refund, or a dispute that took its money.
    #[serde(rename = "order.refunded")]
    OrderRefunded,
    /// A reward is on its beneficiary's balance.
    #[serde(rename = "reward.granted")]
    RewardGranted,
    /// A code was redeemed.
    #[serde(rename = "redemption.completed")]
    RedemptionCompleted,
    /// A commission was earned.
    #[serde(rename = "commission.accrued")]
    CommissionAccrued,
    /// A commission can be withdrawn.
    #[serde(rename = "commission.available")]
    CommissionAvailable,
    /// Less is left of a commission.
    #[serde(rename = "commission.reversed")]
    CommissionReversed,
    /// A cash withdrawal waits for an admin.
    #[serde(rename = "withdrawal.requested")]
    WithdrawalRequested,
    /// Commission went to the balance.
    #[serde(rename = "withdrawal.done")]
    WithdrawalDone,
    /// A cash withdrawal was paid out.
    #[serde(rename = "withdrawal.paid")]
    WithdrawalPaid,
    /// An admin rejected a cash withdrawal.
    #[serde(rename = "withdrawal.rejected")]
    WithdrawalRejected,
    /// Its user cancelled a cash withdrawal.
    #[serde(rename = "withdrawal.cancelled")]
    WithdrawalCancelled,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::UserRegistered,
        Self::OrderPaid,
        Self::OrderRefunded,
        Self::RewardGranted,
        Self::RedemptionCompleted,
        Self::CommissionAccrued,
        Self::CommissionAvailable,
        Self::CommissionReversed,
        Self::WithdrawalRequested,
        Self::WithdrawalDone,
        Self::WithdrawalPaid,
        Self::WithdrawalRejected,
        Self::WithdrawalCancelled,
    ];

    /// The kind as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserRegistered => "user.registered",
            Self::OrderPaid => "order.paid",
            Self::OrderRefunded => "order.refunded",
            Self::RewardGranted => "reward.granted",
            Self::RedemptionCompleted => "redemption.completed",
            Self::CommissionAccrued => "commission.accrued",
            Self::CommissionAvailable => "commission.available",
            Self::CommissionReversed => "commission.reversed",
            Self::WithdrawalRequested => "withdrawal.requested",
            Self::WithdrawalDone => "withdrawal.done",
            Self::WithdrawalPaid => "withdrawal.paid",
            Self::WithdrawalRejected => "withdrawal.rejected",
            Self::WithdrawalCancelled => "withdrawal.cancelled",
        }
    }

    /// The kind that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What a commission went through in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommissionStep {
    /// It was earned.
    Accrued,
    /// It can be withdrawn from now on.
    Available,
    /// Less is left of it.
    Reversed,
}

/// Which thing an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventSubject {
    /// A user.
    User(UserId),
    /// An order.
    Order(OrderId),
    /// A reward.
    Reward(RewardId),
    /// The commission of an order or purchase.
    Commission(OrderId),
    /// A withdrawal.
    Withdrawal(WithdrawalId),
    /// A redemption.
    Redemption {
        /// By whom.
        user: UserId,
        /// Of which code.
        code: CodeRef,
        /// Which of their uses of it.
        number: u32,
    },
}

/// Most events of one message.
const PER_MESSAGE: u128 = 4;

/// The id of the `nth` event of a message, which follows from the message's own; `None` for an id that no outbox item gave.
pub fn event_id_of(message: &str, nth: usize) -> Option<EventId> {
    let (outbox, index) = message.split_once('.')?;
    let of = OutboxId::parse(outbox)?.ulid();
    let (index, nth) = (index.parse::<u32>().ok()?, u128::try_from(nth).ok()?);
    // Outbox ids are random by 80 bits: counting up from one meets no other.
    let step = u128::from(index).checked_mul(PER_MESSAGE)?.checked_add(nth)?;
    Some(EventId::new(Ulid::from_parts(of.timestamp_ms(), of.random().wrapping_add(step))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_kind_is_written_as_it_is_stored() {
        for kind in EventKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(EventKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(EventKind::parse("order.*"), None);
    }

    #[test]
    fn an_events_id_follows_from_its_message() {
        let outbox = OutboxId::new(Ulid::from_parts(1_790_000_000_000, 7));
        let of = |index: u32, nth| event_id_of(&format!("{outbox}.{index}"), nth).unwrap();
        assert_eq!(of(0, 0), of(0, 0));
        let mut all: Vec<_> =
            (0..20).flat_map(|index| (0..4).map(move |nth| (index, nth))).map(|(i, n)| of(i, n)).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 80, "each event of an outbox item has its own");
        assert_eq!(of(3, 1).ulid().timestamp_ms(), 1_790_000_000_000, "and tells when it was promised");
        assert_eq!(event_id_of("obx_1.0", 0), None);
        assert_eq!(event_id_of("nonsense", 0), None);
    }
}
