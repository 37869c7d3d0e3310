//! The review queue: provider money that waits for a person because no order matches it (R4.5).
//!
//! A review item never claims its payment: a later event that does match credits the payment and closes the item. While the
//! item is open its money is booked on `suspense` in pay currency, if the reason holds money.

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
        /// A fact of the payment does not fit it: another currency, or another amount than the one that was credited.
        PaymentDiffers = "payment_differs",
        /// The provider sent an authentic event that can't be read.
        Unreadable = "unreadable",
        /// The daily report found the provider, the orders and the ledger at odds about it (R4.10).
        Difference = "difference",
    }
}

impl ReviewReason {
    /// True if the item holds received but uncredited money, which is booked on `suspense`.
    pub fn holds_money(self) -> bool {
        match self {
            Self::UnknownOrder
            | Self::AmountMismatch
            | Self::CurrencyMismatch
            | Self::Surplus
            | Self::OtherProvider => true,
            Self::OtherOrder | Self::PaymentDiffers | Self::Unreadable | Self::Difference => false,
        }
    }
}

text_enum! {
    /// State of a review item (R4.12).
    pub enum ReviewState {
        /// Waiting for an admin.
        Open = "open",
        /// A new order credited it, or a later event of the payment matched.
        Credited = "credited",
        /// The money goes back; closes when the refund event comes.
        RefundDue = "refund_due",
        /// The provider returned the money.
        Refunded = "refunded",
        /// Nothing is to be done.
        Ignored = "ignored",
    }
}

/// An item of the review queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    pub id: ReviewId,
    pub provider: Provider,
    /// The provider's payment id.
    pub payment_id: String,
    /// The provider's event id; `None` if a query found the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The order that the payment names, if it is a valid order id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    pub reason: ReviewReason,
    /// Amount received, in pay currency.
    pub received: PayMoney,
    /// Net held on `suspense` once it differs from `received`; refunds and disputes change it (R4.11).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<PayMoney>,
    /// Last journal of the item, if its money is on `suspense`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<JournalRef>,
    pub state: ReviewState,
    /// The person's decision, once made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    pub created_at: Timestamp,
}

/// A person's decision about a review item (R4.12).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resolution {
    pub reason: String,
    pub admin: UserId,
    pub at: Timestamp,
    /// The new order that credited the money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
}

impl Review {
    /// True while the item waits for a person: to decide, or to give the money back.
    pub fn waits(&self) -> bool {
        matches!(self.state, ReviewState::Open | ReviewState::RefundDue)
    }

    /// Amount held on `suspense` unless the money was credited.
    pub fn held(&self) -> PayMoney {
        self.left.unwrap_or(self.received)
    }

    /// The item after its payment's net changed to `net`.
    ///
    /// At zero it closes; it reopens if the money returns.
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

    /// R4.5: a review item survives storage.
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
