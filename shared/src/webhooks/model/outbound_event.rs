//! Outbound events for the operator's product.
//!
//! The transaction with the effect also promises the message that triggers the event. The event id is derived from that
//! message, so a repeated message yields the same event, and a receiver can drop duplicates.

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::redemption::model::code::CodeRef;
use kernel::id::{EventId, OrderId, OutboxId, RewardId, UserId, WithdrawalId};

/// Kind of an outbound event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventKind {
    #[serde(rename = "user.registered")]
    UserRegistered,
    /// An order's payment was captured and credited.
    #[serde(rename = "order.paid")]
    OrderPaid,
    /// The net of a paid order fell, by a refund or a lost dispute.
    #[serde(rename = "order.refunded")]
    OrderRefunded,
    /// A reward was posted to its beneficiary's balance.
    #[serde(rename = "reward.granted")]
    RewardGranted,
    /// A code was redeemed.
    #[serde(rename = "redemption.completed")]
    RedemptionCompleted,
    #[serde(rename = "commission.accrued")]
    CommissionAccrued,
    /// A commission's hold ended; it may be withdrawn.
    #[serde(rename = "commission.available")]
    CommissionAvailable,
    /// A commission was reversed, in part or in full.
    #[serde(rename = "commission.reversed")]
    CommissionReversed,
    /// A cash withdrawal awaits an admin.
    #[serde(rename = "withdrawal.requested")]
    WithdrawalRequested,
    /// Commission was withdrawn to the balance.
    #[serde(rename = "withdrawal.completed")]
    WithdrawalCompleted,
    /// A cash withdrawal was paid.
    #[serde(rename = "withdrawal.paid")]
    WithdrawalPaid,
    /// A cash withdrawal was rejected by an admin.
    #[serde(rename = "withdrawal.rejected")]
    WithdrawalRejected,
    /// A cash withdrawal was cancelled by its user.
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
        Self::WithdrawalCompleted,
        Self::WithdrawalPaid,
        Self::WithdrawalRejected,
        Self::WithdrawalCancelled,
    ];

    /// Returns the wire name.
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
            Self::WithdrawalCompleted => "withdrawal.completed",
            Self::WithdrawalPaid => "withdrawal.paid",
            Self::WithdrawalRejected => "withdrawal.rejected",
            Self::WithdrawalCancelled => "withdrawal.cancelled",
        }
    }

    /// Parses a wire name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Step of a commission in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommissionStep {
    Accrued,
    /// The hold ended; it may be withdrawn.
    Available,
    /// The remaining amount fell.
    Reversed,
}

/// Subject of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventSubject {
    User(UserId),
    Order(OrderId),
    Reward(RewardId),
    /// Commission of an order or purchase.
    Commission(OrderId),
    Withdrawal(WithdrawalId),
    /// Redemption of a code.
    Redemption {
        user: UserId,
        code: CodeRef,
        /// Number among the user's redemptions of the code.
        number: u32,
    },
}

/// Maximum events of one message.
const PER_MESSAGE: u128 = 4;

/// Derives the id of the `nth` event of a message; `None` when the message id is no outbox id.
pub fn event_id_of(message: &str, nth: usize) -> Option<EventId> {
    let (outbox, index) = message.split_once('.')?;
    let of = OutboxId::parse(outbox)?.ulid();
    let (index, nth) = (index.parse::<u32>().ok()?, u128::try_from(nth).ok()?);
    // Outbox ids have 80 random bits, so ids counted up from different ones do not collide.
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
