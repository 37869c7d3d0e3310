//! Texts of the values that orders and rewards have: a `match` without a wildcard over each (C7.4).

// Methods of the texts, which the macro writes.
#![allow(clippy::needless_pass_by_value)]

use fluent_static::Message;
use shared::kernel::ledger::Part;
use shared::payment::model::order::{FailureCode, OrderStatus};
use shared::payment::model::refund::RefundState;
use shared::referral::model::referral::{RewardState, Side, Trigger};

use crate::text::Texts;

impl Texts {
    /// State of an order.
    pub fn order_status(&self, status: OrderStatus) -> Message {
        match status {
            OrderStatus::Pending => self.status_pending(),
            OrderStatus::Paid => self.status_paid(),
            OrderStatus::Failed => self.status_failed(),
            OrderStatus::Expired => self.status_expired(),
            OrderStatus::Cancelled => self.status_cancelled(),
            OrderStatus::Disputed => self.status_disputed(),
            OrderStatus::PartiallyRefunded => self.status_partially_refunded(),
            OrderStatus::Refunded => self.status_refunded(),
        }
    }

    /// Why no payment came about, and what to do next.
    pub fn failure(&self, code: FailureCode) -> Message {
        match code {
            FailureCode::ProviderRefused => self.failed_refused(),
            FailureCode::ProviderUnavailable => self.failed_unavailable(),
        }
    }

    /// State of a refund.
    pub fn refund_state(&self, state: RefundState) -> Message {
        match state {
            RefundState::Requested => self.refund_requested(),
            RefundState::Succeeded => self.refund_succeeded(),
            RefundState::Failed => self.refund_failed(),
        }
    }

    /// A way to pay; providers may have ways that no text names.
    pub fn way(&self, method: &str) -> Message {
        match method {
            "alipay" => self.way_alipay(),
            "wxpay" => self.way_wxpay(),
            "card" => self.way_card(),
            "qqpay" => self.way_qqpay(),
            "bank" => self.way_bank(),
            "" | "dashboard" => self.way_dashboard(),
            other => self.way_other(other.to_owned()),
        }
    }

    /// A way of paying cash out; operators may have ways that no text names.
    pub fn payout_way(&self, method: &str) -> String {
        match method {
            "bank" => self.payout_bank().to_string(),
            "paypal" => self.payout_paypal().to_string(),
            "alipay" => self.way_alipay().to_string(),
            "wechat" | "wxpay" => self.way_wxpay().to_string(),
            other => other.to_owned(),
        }
    }

    /// Part of the commission account.
    pub fn part(&self, part: Part) -> Message {
        match part {
            Part::Pending => self.pending(),
            Part::Available => self.available(),
            Part::Held => self.held(),
        }
    }

    /// State of a reward.
    pub fn reward_state(&self, state: RewardState) -> Message {
        match state {
            RewardState::Pending => self.reward_pending(),
            RewardState::Held => self.reward_held(),
            RewardState::Granted => self.reward_granted(),
            RewardState::Failed => self.reward_failed(),
            RewardState::Reversed => self.reward_reversed(),
            RewardState::Rejected => self.reward_rejected(),
        }
    }

    /// Cause of a reward.
    pub fn reward_cause(&self, side: Side, trigger: Trigger) -> Message {
        match (side, trigger) {
            (Side::Inviter, Trigger::Registration) => self.reward_inviter_registration(),
            (Side::Inviter, Trigger::Qualified) => self.reward_inviter_qualified(),
            (Side::Invitee, Trigger::Registration) => self.reward_invitee_registration(),
            (Side::Invitee, Trigger::Qualified) => self.reward_invitee_qualified(),
        }
    }
}
