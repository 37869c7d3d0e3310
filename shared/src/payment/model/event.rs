//! Webhook events: what a provider told us, once each, and what came of it (R4.9).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use kernel::id::{OrderId, ReviewId};
use kernel::provider::Provider;
use kernel::text_enum;

text_enum! {
    /// What came of an event.
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
        /// It says nothing that changes anything here.
        Ignored = "ignored",
    }
}

/// The marker of an event, written in the transaction of its effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderEventRecord {
    /// Who sent it.
    pub provider: Provider,
    /// The provider's id of it; for Zpay the hash of its signed parameters.
    pub id: String,
    /// The provider's name for what happened.
    pub kind: String,
    /// What came of it.
    pub outcome: EventOutcome,
    /// Which order it was about, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// Which review it opened, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewId>,
    /// When it came.
    pub received_at: Timestamp,
}

/// An event as it came: authentic, bounded, kept for at least ninety days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawEvent {
    /// Who sent it.
    pub provider: Provider,
    /// The provider's id of it.
    pub id: String,
    /// Its bytes, as text.
    pub body: String,
    /// When it came.
    pub received_at: Timestamp,
}

/// How long a raw event is kept.
pub const RAW_KEPT_HOURS: i64 = 180 * 24;
