//! Outbound events for the operator's product.
//!
//! The transaction with the effect also promises the message that triggers the event. The event id is derived from that
//! message, so a repeated message yields the same event, and a receiver can drop duplicates.

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::redemption::model::code_text::CodeRef;
use kernel::id::{EventId, OrderId, OutboxId, ReviewId, RewardId, UserId, WithdrawalId};
use kernel::text_enum;

text_enum! {
    /// Kind of an outbound event.
    pub enum EventKind {
        /// A user registered.
        UserRegistered = "user.registered",
        /// A user named an inviter after the sign-up.
        UserReferred = "user.referred",
        /// An order's payment was captured and credited.
        OrderPaid = "order.paid",
        /// Less is left of a paid order's charge: a refund, or a dispute that took its money.
        OrderRefunded = "order.refunded",
        /// More is left of a paid order's charge again: a dispute was won, or a refund failed.
        OrderReinstated = "order.reinstated",
        /// A reward is on its beneficiary's balance.
        RewardGranted = "reward.granted",
        /// A reward needs a person: it failed, and can be retried.
        RewardFailed = "reward.failed",
        /// A code was redeemed.
        RedemptionCompleted = "redemption.completed",
        /// A commission was earned.
        CommissionAccrued = "commission.accrued",
        /// A commission can be withdrawn.
        CommissionAvailable = "commission.available",
        /// Less is left of a commission.
        CommissionReversed = "commission.reversed",
        /// A cash withdrawal waits for an admin.
        WithdrawalRequested = "withdrawal.requested",
        /// Commission went to the balance.
        WithdrawalCompleted = "withdrawal.completed",
        /// A cash withdrawal was paid out.
        WithdrawalPaid = "withdrawal.paid",
        /// An admin rejected a cash withdrawal.
        WithdrawalRejected = "withdrawal.rejected",
        /// Its user cancelled a cash withdrawal.
        WithdrawalCancelled = "withdrawal.cancelled",
        /// A payment needs a person: a review item opened.
        ReviewOpened = "review.opened",
        /// A case of risk was opened.
        CaseOpened = "case.opened",
        /// An alarm of the deployment was raised.
        AlarmRaised = "alarm.raised",
        /// An alarm of the deployment is no longer raised.
        AlarmCleared = "alarm.cleared",
    }
}

text_enum! {
    /// Subscription to one kind of event, or to a whole group with those that are added later.
    pub enum EventPattern {
        /// This one.
        UserRegistered = "user.registered",
        /// This one.
        UserReferred = "user.referred",
        /// This one.
        OrderPaid = "order.paid",
        /// This one.
        OrderRefunded = "order.refunded",
        /// This one.
        OrderReinstated = "order.reinstated",
        /// This one.
        RewardGranted = "reward.granted",
        /// This one.
        RewardFailed = "reward.failed",
        /// This one.
        RedemptionCompleted = "redemption.completed",
        /// This one.
        CommissionAccrued = "commission.accrued",
        /// This one.
        CommissionAvailable = "commission.available",
        /// This one.
        CommissionReversed = "commission.reversed",
        /// This one.
        WithdrawalRequested = "withdrawal.requested",
        /// This one.
        WithdrawalCompleted = "withdrawal.completed",
        /// This one.
        WithdrawalPaid = "withdrawal.paid",
        /// This one.
        WithdrawalRejected = "withdrawal.rejected",
        /// This one.
        WithdrawalCancelled = "withdrawal.cancelled",
        /// This one.
        ReviewOpened = "review.opened",
        /// This one.
        CaseOpened = "case.opened",
        /// This one.
        AlarmRaised = "alarm.raised",
        /// This one.
        AlarmCleared = "alarm.cleared",
        /// Every event of this group.
        User = "user.*",
        /// Every event of this group.
        Order = "order.*",
        /// Every event of this group.
        Reward = "reward.*",
        /// Every event of this group.
        Redemption = "redemption.*",
        /// Every event of this group.
        Commission = "commission.*",
        /// Every event of this group.
        Withdrawal = "withdrawal.*",
        /// Every event of this group.
        Review = "review.*",
        /// Every event of this group.
        Case = "case.*",
        /// Every event of this group.
        Alarm = "alarm.*",
    }
}

impl EventPattern {
    /// True if an event of this kind is subscribed to.
    pub fn covers(self, kind: EventKind) -> bool {
        match self.as_str().strip_suffix('*') {
            Some(group) => kind.as_str().starts_with(group),
            None => self.as_str() == kind.as_str(),
        }
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    Review(ReviewId),
    /// Case of risk of an invitee.
    RiskCase(UserId),
    /// Alarm of the deployment, by its name in the template.
    Alarm(String),
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

    /// F19: every kind can be subscribed to by itself and by its group, and each pattern stands for a kind at least.
    #[test]
    fn every_kind_is_covered_by_itself_and_by_its_group() {
        for kind in EventKind::ALL {
            let names: Vec<&str> =
                EventPattern::ALL.into_iter().filter(|one| one.covers(kind)).map(EventPattern::as_str).collect();
            let group = format!("{}.*", kind.as_str().split('.').next().unwrap());
            assert_eq!(names, [kind.as_str(), &group]);
        }
        assert!(EventPattern::ALL.into_iter().all(|one| EventKind::ALL.into_iter().any(|kind| one.covers(kind))));
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
