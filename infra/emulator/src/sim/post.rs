//! Sending of notifications: due times, content and acknowledgement.
//!
//! A notification that was handed out is due again later unless it is acknowledged, so one that was lost with its process is
//! sent again.

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, Request};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;

use super::SimConfig;
use super::book::{Book, Content, Parcel};

/// Delays between Stripe's attempts, in minutes: three days in total.
const STRIPE_BACK_OFF: [i64; 10] = [1, 5, 30, 120, 300, 600, 600, 900, 900, 900];
/// Delays between a Zpay gateway's attempts, in minutes.
const ZPAY_BACK_OFF: [i64; 6] = [1, 3, 20, 60, 120, 720];

/// A notification that is due now.
#[derive(Debug)]
pub struct Delivery {
    /// Id for reporting the outcome to [`super::Simulators::delivered`].
    pub id: u64,
    /// Due time of this attempt.
    pub due_at: Timestamp,
    /// The request to send, with an absolute URL.
    pub request: Request<Bytes>,
}

/// Schedules a notification for `due_at`.
pub(super) fn send(book: &mut Book, content: Content, due_at: Timestamp) {
    let number = book.number();
    book.parcels.insert(number, Parcel { due_at, attempts: 0, content });
}

/// Returns all notifications due at `now`, and schedules the next attempt of each.
/// Drops a notification that can't be sent or has no attempts left.
pub(super) fn due(book: &mut Book, config: &SimConfig, now: Timestamp) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    book.parcels.retain(|id, parcel| {
        if parcel.due_at > now {
            return true;
        }
        let Some(request) = request(&parcel.content, config, now) else { return false };
        deliveries.push(Delivery { id: *id, due_at: parcel.due_at, request });
        let next = wait(parcel).and_then(|wait| now.checked_add(wait).ok());
        parcel.due_at = next.unwrap_or(parcel.due_at);
        parcel.attempts = parcel.attempts.saturating_add(1);
        next.is_some()
    });
    deliveries
}

fn wait(parcel: &Parcel) -> Option<SignedDuration> {
    let minutes = match parcel.content {
        Content::Stripe { .. } => STRIPE_BACK_OFF.get(parcel.attempts),
        Content::Zpay { .. } => ZPAY_BACK_OFF.get(parcel.attempts),
    };
    minutes.map(|minutes| SignedDuration::from_mins(*minutes))
}

/// Removes an acknowledged notification; any other response leaves it pending.
pub(super) fn delivered(book: &mut Book, id: u64, status: u16, body: &[u8]) {
    let acknowledged = match book.parcels.get(&id).map(|parcel| &parcel.content) {
        Some(Content::Stripe { .. }) => (200..300).contains(&status),
        Some(Content::Zpay { .. }) => status == 200 && body.trim_ascii() == b"success",
        None => false,
    };
    if acknowledged {
        book.parcels.remove(&id);
    }
}

fn request(content: &Content, config: &SimConfig, now: Timestamp) -> Option<Request<Bytes>> {
    let request = match content {
        Content::Zpay { url } => Request::get(url.as_str()).header("user-agent", "Mozilla/5.0").body(Bytes::new()),
        Content::Stripe { body } => Request::builder()
            .method(Method::POST)
            .uri(config.stripe_webhook_url())
            .header("content-type", "application/json; charset=utf-8")
            .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
            .header("stripe-signature", signature(&config.stripe_webhook_secret, body, now)?)
            .body(Bytes::from(body.clone())),
    };
    request.ok()
}

/// Stripe's signature header for `body` sent at `now`.
fn signature(secret: &str, body: &str, now: Timestamp) -> Option<String> {
    let time = now.as_second();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(format!("{time}.{body}").as_bytes());
    let digest = data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes());
    Some(format!("t={time},v1={digest}"))
}
