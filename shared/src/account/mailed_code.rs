//! Mailed codes (R2.4, R2.8): six digits, derived from a stored nonce; the code itself is never stored.
//!
//! A nonce carries its creation time, so a code's age and its attempt window depend on nothing else.

use jiff::{Timestamp, ToSpan};
use subtle::ConstantTimeEq;
use ulid::Ulid;

use crate::app::App;
use kernel::fault::Error;
use kernel::refusal::Refusal;

/// Lifetime of a mailed code, in minutes.
pub const MINUTES: i64 = 15;
/// Maximum attempts per code.
const TRIES: i64 = 5;
/// Window in which attempts count, in seconds; longer than the lifetime of a code.
const WINDOW: i64 = 24 * 3_600;
/// Maximum codes mailed to one address, and their window in seconds.
const MAILS: (i64, i64) = (5, 3_600);

/// Creates a nonce for a code mailed now.
pub fn nonce(app: &App) -> String {
    app.ulid().to_string()
}

/// Expiry of a code mailed now.
pub fn good_until(now: Timestamp) -> Timestamp {
    now.checked_add(MINUTES.minutes()).unwrap_or(now)
}

/// Derives the code of a nonce.
pub fn code(app: &App, nonce: &str) -> String {
    let hash = app.config.secret.hash("mailed code", &[nonce.as_bytes()]);
    let number = hash.iter().take(7).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{:06}", number % 1_000_000)
}

/// Counts one more code mailed to an address.
///
/// # Rejects
/// `rate_limited` after five in an hour.
pub async fn allow_mail(app: &App, email_hash: &str) -> Result<(), Error> {
    let now = app.clock.now();
    let mails = app.store.record_attempt("mail", email_hash, now, MAILS.1).await?;
    if mails.count > MAILS.0 {
        return Err(mails.refused_by(format!("{} mails in an hour", MAILS.0), now).into());
    }
    Ok(())
}

/// Counts an attempt at a nonce's code before the comparison.
///
/// Without a nonce the same work is done, so that timing does not reveal whether one exists.
///
/// # Rejects
/// The refusal of a wrong code, after five attempts or without a nonce.
pub async fn record_attempt(app: &App, nonce: Option<&str>) -> Result<(), Error> {
    let made = nonce.and_then(made_at);
    let (subject, at) = match (nonce, made) {
        (Some(nonce), Some(made)) => (nonce.to_owned(), made),
        _ => (app.ulid().to_string(), app.clock.now()),
    };
    let tries = app.store.record_attempt("code", &subject, at, WINDOW).await?;
    if made.is_none() || tries.count > TRIES { Err(wrong().into()) } else { Ok(()) }
}

/// Compares a typed code with the code of a nonce, in constant time.
///
/// # Rejects
/// 422 at `/code` for a wrong or expired code.
pub fn compare(app: &App, nonce: &str, typed: &str) -> Result<(), Refusal> {
    let fresh = made_at(nonce).is_some_and(|made| app.clock.now() < good_until(made));
    let right = bool::from(code(app, nonce).as_bytes().ct_eq(typed.trim().as_bytes()));
    if fresh && right { Ok(()) } else { Err(wrong()) }
}

/// Refusal of a code that is wrong, used, expired or tried too often, without naming the reason.
pub fn wrong() -> Refusal {
    Refusal::field("/code", "wrong_code", "The code is wrong or no longer good.")
}

fn made_at(nonce: &str) -> Option<Timestamp> {
    let made = Ulid::from_string(nonce).ok()?.timestamp_ms();
    Timestamp::from_millisecond(i64::try_from(made).ok()?).ok()
}
