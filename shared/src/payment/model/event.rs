//! Provider events: each webhook delivery once, with its outcome (R4.9).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use kernel::id::{OrderId, ReviewId};
use kernel::provider::Provider;

/// Effect of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventOutcome {
    Credited,
    /// Concerns an order that was credited before.
    AlreadyCredited,
    /// Changed a credited order's net or its dispute state (R4.11).
    Reversed,
    /// Opened a review item, or belongs to one.
    Review,
    /// Recorded on the payment, without effect on an order.
    Noted,
    /// Closed the order without payment.
    Closed,
    /// Changes nothing here.
    Ignored,
}

impl EventOutcome {
    /// Stored and wire name of the outcome.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Credited => "credited",
            Self::AlreadyCredited => "already_credited",
            Self::Reversed => "reversed",
            Self::Review => "review",
            Self::Noted => "noted",
            Self::Closed => "closed",
            Self::Ignored => "ignored",
        }
    }
}

/// Idempotency guard of an event, written in the transaction of its effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderEventRecord {
    pub provider: Provider,
    /// The provider's event id; for Zpay the hash of the signed parameters.
    pub id: String,
    /// The provider's name of the event type.
    pub kind: String,
    pub outcome: EventOutcome,
    /// Order the event concerns, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// Review item the event concerns, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewId>,
    pub received_at: Timestamp,
}

/// Raw body of a verified event, bounded in size and kept for [`RAW_KEPT_HOURS`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawEvent {
    pub provider: Provider,
    /// The provider's event id, as in [`ProviderEventRecord`].
    pub id: String,
    /// The body's bytes, as text.
    pub body: String,
    pub received_at: Timestamp,
}

/// Retention of raw events, in hours.
pub const RAW_KEPT_HOURS: i64 = 180 * 24;
