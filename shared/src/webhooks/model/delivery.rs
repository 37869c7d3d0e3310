//! Webhook deliveries: one event for one endpoint.
//!
//! The payload is fixed at creation, so every attempt sends the same bytes under the same id. Attempts go on for three days
//! with growing pauses. Then the delivery has failed, until an admin replays it. Each delivery is one item, kept for thirty
//! days.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::webhooks::model::outbound_event::{EventKind, EventSubject};
use kernel::id::{EndpointId, EventId};
use kernel::text_enum;

/// Time after which a pending delivery fails.
pub const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(72);
/// Retention in hours.
pub const KEPT_HOURS: i64 = 30 * 24;
/// Seconds between attempts; the last pause is cut to the end of the three days.
const PAUSES: [i64; 10] = [5, 60, 300, 1_800, 7_200, 21_600, 43_200, 86_400, 86_400, 86_400];
/// Wait of a skipped delivery, whose endpoint is disabled or failed other due deliveries.
const WAIT: SignedDuration = SignedDuration::from_mins(10);
/// Time for the creator's own first attempt, before the schedule takes over.
const FIRST: SignedDuration = SignedDuration::from_mins(1);

text_enum! {
    /// State of a webhook delivery.
    pub enum DeliveryState {
        /// It is attempted until it succeeds or three days are over.
        Pending = "pending",
        /// The endpoint accepted it.
        Delivered = "delivered",
        /// The endpoint never accepted it.
        Failed = "failed",
    }
}

/// Outcome of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// HTTP status of the response; 2xx accepts the event.
    Answered(u16),
    /// Response of a chat that says by its code that it refused; `None` if it has no such code.
    Refused { status: u16, code: Option<i64> },
    /// No response, with a short reason.
    NoResponse(&'static str),
}

impl Attempt {
    /// Tests whether the endpoint accepted the event.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Answered(200..=299))
    }

    /// Tests whether the endpoint is gone for good (410).
    pub fn is_gone(self) -> bool {
        self == Self::Answered(410)
    }

    fn status(self) -> Option<u16> {
        match self {
            Self::Answered(status) | Self::Refused { status, .. } => Some(status),
            Self::NoResponse(_) => None,
        }
    }

    fn error(self) -> Option<String> {
        match self {
            Self::Answered(200..=299) => None,
            Self::Answered(300..=399) => Some("redirects are not followed".to_owned()),
            Self::Answered(status) => Some(format!("answered {status}")),
            Self::Refused { code: Some(code), .. } => Some(format!("answered with code {code}")),
            Self::Refused { code: None, .. } => Some("answered without a code".to_owned()),
            Self::NoResponse(why) => Some(why.to_owned()),
        }
    }
}

/// Delivery of one event to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub endpoint: EndpointId,
    /// Event id, sent as `webhook-id`.
    pub id: EventId,
    pub event: EventKind,
    /// Subject of the event.
    pub about: EventSubject,
    /// JSON payload.
    pub body: String,
    pub state: DeliveryState,
    /// Number of attempts in total.
    pub attempts: u32,
    /// Number of attempts since the creation or the latest replay.
    pub tried: u32,
    /// HTTP status of the last response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_status: Option<u16>,
    /// Error of the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Time of the next attempt; `None` unless pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// Time of the creation or the latest replay.
    pub begun_at: Timestamp,
    /// Time of the creation.
    pub created_at: Timestamp,
    /// Time when the endpoint accepted the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
}

impl Delivery {
    /// Builds a delivery whose first attempt follows at once.
    pub fn new(endpoint: EndpointId, id: EventId, of: (EventKind, EventSubject), body: String, now: Timestamp) -> Self {
        Self {
            endpoint,
            id,
            event: of.0,
            about: of.1,
            body,
            state: DeliveryState::Pending,
            attempts: 0,
            tried: 0,
            last_status: None,
            last_error: None,
            next_attempt_at: now.checked_add(FIRST).ok(),
            begun_at: now,
            created_at: now,
            delivered_at: None,
        }
    }

    /// Tests whether the next attempt is due.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next_attempt_at.is_some_and(|at| at <= now)
    }

    /// Returns the delivery after an attempt that ended at `now`.
    ///
    /// A delivery that was closed meanwhile stays as it is.
    pub fn after(&self, attempt: Attempt, now: Timestamp) -> Self {
        let (attempts, tried) = (self.attempts.saturating_add(1), self.tried.saturating_add(1));
        let (last_status, last_error) = (attempt.status(), attempt.error());
        let after = Self { attempts, tried, last_status, last_error, ..self.clone() };
        match self.state {
            DeliveryState::Pending if attempt.is_success() => {
                Self { state: DeliveryState::Delivered, delivered_at: Some(now), next_attempt_at: None, ..after }
            }
            DeliveryState::Pending => match self.next(tried, now) {
                Some(at) => Self { next_attempt_at: Some(at), ..after },
                None => Self { state: DeliveryState::Failed, next_attempt_at: None, ..after },
            },
            DeliveryState::Delivered | DeliveryState::Failed => self.clone(),
        }
    }

    /// Returns the time of the next attempt after `tried` failed ones, the last at `now`.
    ///
    /// The last attempt is at the end of the three days; after that there is none.
    fn next(&self, tried: u32, now: Timestamp) -> Option<Timestamp> {
        let end = self.begun_at.checked_add(GIVEN_UP_AFTER).ok()?;
        let nth = usize::try_from(tried).ok()?.checked_sub(1)?;
        let pause = SignedDuration::from_secs(*PAUSES.get(nth)?);
        (now < end).then(|| now.checked_add(pause).unwrap_or(end).min(end))
    }

    /// Returns the delivery after a skipped attempt, with `why` as the reason.
    ///
    /// It waits, and fails when three days are over.
    pub fn waited(&self, now: Timestamp, why: &str) -> Self {
        let end = self.begun_at.checked_add(GIVEN_UP_AFTER).unwrap_or(now);
        if now >= end {
            return self.given_up(why);
        }
        let later = now.checked_add(WAIT).unwrap_or(end).min(end);
        Self { next_attempt_at: Some(later), ..self.clone() }
    }

    /// Returns the delivery as failed.
    pub fn given_up(&self, why: &str) -> Self {
        let (state, last_error) = (DeliveryState::Failed, Some(why.to_owned()));
        Self { state, last_error, next_attempt_at: None, ..self.clone() }
    }

    /// Returns the delivery as pending for another three days, due now.
    pub fn replayed(&self, now: Timestamp) -> Self {
        let (state, next_attempt_at) = (DeliveryState::Pending, Some(now));
        Self { state, next_attempt_at, begun_at: now, tried: 0, delivered_at: None, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use kernel::id::UserId;
    use ulid::Ulid;

    fn delivery() -> Delivery {
        let ulid = Ulid::from_parts(1, 1);
        let of = (EventKind::UserRegistered, EventSubject::User(UserId::new(ulid)));
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        Delivery::new(EndpointId::new(ulid), EventId::new(ulid), of, "{}".into(), now)
    }

    #[test]
    fn attempts_go_on_for_three_days_ever_more_rarely_and_end() {
        let (mut of, mut waits) = (delivery(), Vec::new());
        let mut now = of.created_at;
        while of.state == DeliveryState::Pending {
            of = of.after(Attempt::Answered(500), now);
            if let Some(next) = of.next_attempt_at {
                waits.push(next.duration_since(now).as_secs());
                now = next;
            }
        }
        assert_eq!(of.state, DeliveryState::Failed);
        assert_eq!((of.attempts, of.last_status, of.last_error.as_deref()), (11, Some(500), Some("answered 500")));
        assert!(waits.windows(2).take(8).all(|pair| pair[0] <= pair[1]), "{waits:?}");
        assert_eq!(now.duration_since(of.created_at), GIVEN_UP_AFTER);
    }

    #[test]
    fn what_was_delivered_stays_so_whatever_a_second_attempt_says() {
        let done = delivery().after(Attempt::Answered(204), "2026-11-20T10:00:01Z".parse().unwrap());
        assert_eq!(done.state, DeliveryState::Delivered);
        assert!(done.delivered_at.is_some() && done.next_attempt_at.is_none() && done.last_error.is_none());
        assert_eq!(done.after(Attempt::NoResponse("timeout"), "2026-11-20T10:00:02Z".parse().unwrap()), done);
    }

    #[test]
    fn a_redirect_is_no_success() {
        for status in [100, 199, 301, 302, 307, 308, 400, 404, 410, 500, 503] {
            assert!(!Attempt::Answered(status).is_success(), "{status}");
        }
        assert!(Attempt::Answered(410).is_gone());
    }

    #[test]
    fn a_disabled_endpoint_lets_it_wait_until_three_days_are_over() {
        let of = delivery();
        let waiting = of.waited("2026-11-20T11:00:00Z".parse().unwrap(), "disabled");
        assert_eq!((waiting.state, waiting.attempts), (DeliveryState::Pending, 0));
        assert_eq!(waiting.next_attempt_at, Some("2026-11-20T11:10:00Z".parse().unwrap()));
        let over = waiting.waited("2026-11-23T10:00:00Z".parse().unwrap(), "disabled");
        assert_eq!((over.state, over.last_error.as_deref()), (DeliveryState::Failed, Some("disabled")));
    }

    #[test]
    fn a_replay_begins_three_days_anew_under_the_same_id() {
        let done = delivery().after(Attempt::Answered(200), "2026-11-20T10:00:01Z".parse().unwrap());
        let now = "2026-11-27T10:00:00Z".parse().unwrap();
        let again = done.replayed(now);
        assert_eq!((again.id, again.state, again.delivered_at), (done.id, DeliveryState::Pending, None));
        assert!(again.is_due(now));
        assert_eq!((again.attempts, again.tried), (1, 0), "the log goes on counting");
    }
}
