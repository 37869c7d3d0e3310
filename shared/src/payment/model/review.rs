//! The review queue: provider money that could not be credited by itself, waiting for a person (R4.5).
//!
//! A review item never claims its payment: a later event that does match credits the payment and closes the item. While
//! it is open its money stands on `suspense` in pay currency, if it is money at all.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use kernel::id::{OrderId, ReviewId, UserId};
use kernel::ledger::JournalRef;
use kernel::money::PayMoney;
use kernel::provider::Provider;
use kernel::text_enum;

text_enum! {
    /// Why a payment needs a person.
    pub enum ReviewReason {
        /// It names no order that exists.
        UnknownOrder = "unknown_order",
        /// The amount is not the order's charge.
        AmountMismatch = "amount_mismatch",
        /// The currency is not the order's.
        CurrencyMismatch = "currency_mismatch",
        /// The order was already paid by another payment.
        Surplus = "surplus",
        /// The order is another provider's.
        OtherProvider = "other_provider",
        /// The payment already belongs to another order than the one this event names.
        OtherOrder = "other_order",
        /// The daily report found the provider, the orders and the ledger at odds about it (R4.10).
        Difference = "difference",
    }
}

impl ReviewReason {
    /// Whether the item stands for money received that nobody was credited, so that `suspense` holds it.
    pub fn holds_money(self) -> bool {
        match self {
            Self::UnknownOrder
            | Self::AmountMismatch
            | Self::CurrencyMismatch
            | Self::Surplus
            | Self::OtherProvider => true,
            Self::OtherOrder | Self::Difference => false,
        }
    }
}

text_enum! {
    /// What became of a review item (R4.12).
    pub enum ReviewState {
        /// Waiting for a person.
        Open = "open",
        /// A new order credited it, or a later event of the payment matched.
        Credited = "credited",
        /// The money goes back; closes when the refund event comes.
        RefundDue = "refund_due",
        /// The money went back.
        Refunded = "refunded",
        /// Nothing is to be done.
        Ignored = "ignored",
    }
}

/// One item of the review queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// Its id.
    pub id: ReviewId,
    /// Who took the money.
    pub provider: Provider,
    /// The provider's payment id.
    pub payment_id: String,
    /// The provider's event, absent when a query found the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The order the payment names, if it names one that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// Why it is here.
    pub reason: ReviewReason,
    /// What was really received, in pay currency.
    pub received: PayMoney,
    /// What of it is left on `suspense`, once that differs: refunds and disputes take it from there (R4.11).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<PayMoney>,
    /// Its last journal, if its money is on `suspense`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<JournalRef>,
    /// What became of it.
    pub state: ReviewState,
    /// What a person decided about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// When it came.
    pub created_at: Timestamp,
}

/// What a person decided about a review item (R4.12).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resolution {
    /// Why.
    pub reason: String,
    /// Who.
    pub admin: UserId,
    /// When.
    pub at: Timestamp,
    /// The order that credited it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
}

impl Review {
    /// What stands on `suspense` for it, unless its money was credited.
    pub fn held(&self) -> PayMoney {
        self.left.unwrap_or(self.received)
    }

    /// The item after `net` is left of its payment: without any it closes, and opens again when the money comes again.
    pub fn after(&self, net: PayMoney) -> Self {
        let state = match self.state {
            ReviewState::Open | ReviewState::RefundDue if net.is_zero() => ReviewState::Refunded,
            ReviewState::Refunded if !net.is_zero() => ReviewState::Open,
            state => state,
        };
        Self { state, left: (net != self.received).then_some(net), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// R4.5: an item that says why it is here survives storage.
    #[test]
    fn a_review_item_survives_storage() {
        let text = r#"{"id":"rvw_01arz3ndektsv4rrffq69g5fav","provider":"zpay","payment_id":"t1","reason":"surplus",
            "received":{"amount":"10.00","currency":"CNY"},"state":"open","created_at":"2026-01-01T00:00:00Z","later":1}"#;
        let review: Review = serde_json::from_str(text).unwrap();
        let again: Review = serde_json::from_str(&serde_json::to_string(&review).unwrap()).unwrap();
        assert_eq!(again, review);
        assert_eq!(serde_json::to_value(review.reason).unwrap(), review.reason.as_str());
        assert!(review.reason.holds_money());
        assert!(serde_json::from_str::<Review>(&text.replace("\"state\":\"open\",", "")).is_err());
    }
}
