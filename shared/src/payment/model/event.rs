//! Provider events: each webhook delivery once, with its outcome (R4.9).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::payment::model::payment::Payment;
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

/// A provider event with its outcome, written in the transaction of its effect.
///
/// It is an item of its own and its own guard, unless it tells a fact of the payment that pays its order: then that payment keeps
/// it ([`Payment::keep`]).
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

/// A provider event as the payment that it concerns keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptEvent {
    /// The provider's event id, as in [`ProviderEventRecord`].
    id: String,
    kind: String,
    outcome: EventOutcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    review: Option<ReviewId>,
    at: Timestamp,
}

/// Most events that a payment keeps; with more it would weigh more than one write unit.
const KEPT_EVENTS: usize = 4;

impl Payment {
    /// Keeps an event if the payment pays the event's order; returns the event that needs an item of its own, if any.
    ///
    /// That is the event itself, or the oldest one, which leaves its place. The payment's version is the guard of those it keeps.
    pub fn keep(&mut self, event: ProviderEventRecord) -> Option<ProviderEventRecord> {
        if event.order.is_none() || event.order != self.order {
            return Some(event);
        }
        let ProviderEventRecord { id, kind, outcome, review, received_at: at, .. } = event;
        let oldest = (self.events.len() >= KEPT_EVENTS).then(|| self.events.remove(0));
        self.events.push(KeptEvent { id, kind, outcome, review, at });
        oldest.map(|oldest| self.record(oldest))
    }

    /// Events that the payment keeps, oldest first.
    pub fn kept_events(&self) -> impl Iterator<Item = ProviderEventRecord> {
        self.events.iter().cloned().map(|event| self.record(event))
    }

    /// Outcome of an event that the payment keeps.
    pub fn outcome_of(&self, event: &str) -> Option<EventOutcome> {
        self.events.iter().find(|kept| kept.id == event).map(|kept| kept.outcome)
    }

    fn record(&self, KeptEvent { id, kind, outcome, review, at }: KeptEvent) -> ProviderEventRecord {
        let (provider, order) = (self.provider, self.order);
        ProviderEventRecord { provider, id, kind, outcome, order, review, received_at: at }
    }
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
