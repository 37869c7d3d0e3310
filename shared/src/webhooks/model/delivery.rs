//! Deliveries: one event on its way to one endpoint.
//!
//! What is sent is fixed when the delivery comes to be, so that every attempt sends the same bytes under the same id. Attempts go on
//! for three days, ever more rarely; then it has failed, until an admin replays it. One item each, kept for thirty days.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::webhooks::model::outbound_event::{EventKind, EventSubject};
use kernel::id::{EndpointId, EventId};
use kernel::text_enum;

/// For how long it is attempted.
pub const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(72);
/// Hours that it is kept.
pub const KEPT_HOURS: i64 = 30 * 24;
/// Seconds from one attempt to the next; the last goes on until three days are over.
const PAUSES: [i64; 10] = [5, 60, 300, 1_800, 7_200, 21_600, 43_200, 86_400, 86_400, 86_400];
/// How long a delivery waits whose endpoint is disabled, or failed with others that were due at once.
const WAIT: SignedDuration = SignedDuration::from_mins(10);
/// How long whoever writes a delivery has for the first attempt, before the schedule takes it up.
const FIRST: SignedDuration = SignedDuration::from_mins(1);

text_enum! {
    /// Where a delivery stands.
    pub enum DeliveryState {
        /// It is attempted until it succeeds or three days are over.
        Pending = "pending",
        /// The endpoint took it.
        Delivered = "delivered",
        /// It never did.
        Failed = "failed",
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The endpoint answered with this status; 2xx takes the event.
    Answered(u16),
    /// There was no answer: why, in a word.
    NoResponse(&'static str),
}

impl Attempt {
    /// Whether the endpoint took the event.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Answered(200..=299))
    }

    /// Whether the endpoint wants no more of any (410).
    pub fn is_gone(self) -> bool {
        self == Self::Answered(410)
    }

    fn status(self) -> Option<u16> {
        match self {
            Self::Answered(status) => Some(status),
            Self::NoResponse(_) => None,
        }
    }

    fn error(self) -> Option<String> {
        match self {
            Self::Answered(200..=299) => None,
            Self::Answered(300..=399) => Some("redirects are not followed".to_owned()),
            Self::Answered(status) => Some(format!("answered {status}")),
            Self::NoResponse(why) => Some(why.to_owned()),
        }
    }
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// To which.
    pub endpoint: EndpointId,
    /// The event's id, which the endpoint is told as `webhook-id`.
    pub id: EventId,
    /// What happened.
    pub event: EventKind,
    /// To what.
    pub about: EventSubject,
    /// What is sent.
    pub body: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was attempted.
    pub attempts: u32,
    /// How often of that since it was made or replayed last.
    pub tried: u32,
    /// What the endpoint answered last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_status: Option<u16>,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it is attempted next, while it is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// When it was made or replayed last.
    pub begun_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the endpoint took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
}

impl Delivery {
    /// A delivery whose first attempt follows at once.
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

    /// Whether its time has come.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next_attempt_at.is_some_and(|at| at <= now)
    }

    /// After an attempt that ended at `now`. One that was delivered or given up meanwhile stays so.
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

    /// When to try again after `tried` attempts that failed, the last at `now`: never once three days are over, and once more when
    /// they are.
    fn next(&self, tried: u32, now: Timestamp) -> Option<Timestamp> {
        let end = self.begun_at.checked_add(GIVEN_UP_AFTER).ok()?;
        let nth = usize::try_from(tried).ok()?.checked_sub(1)?;
        let pause = SignedDuration::from_secs(*PAUSES.get(nth)?);
        (now < end).then(|| now.checked_add(pause).unwrap_or(end).min(end))
    }

    /// Not attempted now, for what is said by `why`: it waits, and fails when three days are over.
    pub fn waited(&self, now: Timestamp, why: &str) -> Self {
        let end = self.begun_at.checked_add(GIVEN_UP_AFTER).unwrap_or(now);
        if now >= end {
            return self.given_up(why);
        }
        let later = now.checked_add(WAIT).unwrap_or(end).min(end);
        Self { next_attempt_at: Some(later), ..self.clone() }
    }

    /// It will not be attempted again.
    pub fn given_up(&self, why: &str) -> Self {
        let (state, last_error) = (DeliveryState::Failed, Some(why.to_owned()));
        Self { state, last_error, next_attempt_at: None, ..self.clone() }
    }

    /// As it begins once more, for another three days; what was pending stays as it is, but is due now.
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
