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

/// Reason why a payment needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewReason {
    /// The payment names no existing order.
    UnknownOrder,
    /// The amount differs from the order's charge.
    AmountMismatch,
    /// The currency differs from the order's.
    CurrencyMismatch,
    /// Another payment paid the order before.
    Surplus,
    /// The order belongs to another provider.
    OtherProvider,
    /// The payment belongs to an order other than the one this event names.
    OtherOrder,
    /// The daily report found a difference between provider, orders and ledger (R4.10).
    Difference,
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
            Self::OtherOrder | Self::Difference => false,
        }
    }

    /// Stored and wire name of the reason.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownOrder => "unknown_order",
            Self::AmountMismatch => "amount_mismatch",
            Self::CurrencyMismatch => "currency_mismatch",
            Self::Surplus => "surplus",
            Self::OtherProvider => "other_provider",
            Self::OtherOrder => "other_order",
            Self::Difference => "difference",
        }
    }
}

/// State of a review item (R4.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// Waits for a person.
    Open,
    /// Credited by a new order or by a later matching event.
    Credited,
    /// To be refunded at the provider; closes with the refund event.
    RefundDue,
    /// The money was returned.
    Refunded,
    /// Closed without action.
    Ignored,
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

impl ReviewState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Open, Self::Credited, Self::RefundDue, Self::Refunded, Self::Ignored];

    /// Stored and wire name of the state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Credited => "credited",
            Self::RefundDue => "refund_due",
            Self::Refunded => "refunded",
            Self::Ignored => "ignored",
        }
    }
}

impl Review {
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
