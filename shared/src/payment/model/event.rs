//! Provider events: each webhook delivery once, with its outcome (R4.9).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use kernel::id::{OrderId, ReviewId};
use kernel::provider::Provider;
use kernel::text_enum;

text_enum! {
    /// Outcome of a provider event.
    pub enum EventOutcome {
        /// It paid the order.
        Credited = "credited",
        /// Its payment was credited before.
        AlreadyCredited = "already_credited",
        /// It moved what is left of a credited order's charge, or its dispute (R4.11).
        Reversed = "reversed",
        /// It went to the review queue.
        Review = "review",
        /// It changed what is known of a payment that is not captured yet.
        Noted = "noted",
        /// It closed the order without money.
        Closed = "closed",
        /// It is about a payment of another product or account (R4.5).
        Foreign = "foreign",
        /// It says nothing that changes anything here.
        Ignored = "ignored",
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
