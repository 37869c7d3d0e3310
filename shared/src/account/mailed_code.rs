//! Mailed codes (R2.4, R2.8): six digits, derived from a nonce that is stored; the code itself is nowhere.
//!
//! A nonce carries the time it was made at, so that its age and the window its tries are counted in depend on nothing else.

use jiff::{Timestamp, ToSpan};
use subtle::ConstantTimeEq;
use ulid::Ulid;

use crate::app::App;
use kernel::fault::Error;
use kernel::refusal::Refusal;

/// How long a mailed code is good, in minutes.
pub const MINUTES: i64 = 15;
/// Most tries of one code.
const TRIES: i64 = 5;
/// The window in which tries count, in seconds: longer than any code lives.
const WINDOW: i64 = 24 * 3_600;
/// Most codes mailed to one address, and the seconds of the window they count in.
const MAILS: (i64, i64) = (5, 3_600);

/// A nonce for a code that is mailed now.
pub fn nonce(app: &App) -> String {
    app.ulid().to_string()
}

/// Until when a code mailed now is good.
pub fn good_until(now: Timestamp) -> Timestamp {
    now.checked_add(MINUTES.minutes()).unwrap_or(now)
}

/// The code of a nonce.
pub fn code(app: &App, nonce: &str) -> String {
    let hash = app.config.secret.hash("mailed code", &[nonce.as_bytes()]);
    let number = hash.iter().take(7).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{:06}", number % 1_000_000)
}

/// One code more is mailed to an address.
///
/// # Refuses
/// `rate_limited` after five in an hour.
pub async fn allow_mail(app: &App, email_hash: &str) -> Result<(), Error> {
    let now = app.clock.now();
    let mails = app.store.record_attempt("mail", email_hash, now, MAILS.1).await?;
    if mails.count > MAILS.0 {
        return Err(mails.refused(now).into());
    }
    Ok(())
}

/// Counts a try of a nonce's code, before it is compared. Where there is no nonce the same is done for nothing, so that the time it
/// takes tells nobody whether there is one.
///
/// # Refuses
/// What a wrong code is refused with, after five tries.
pub async fn record_attempt(app: &App, nonce: Option<&str>) -> Result<(), Error> {
    let made = nonce.and_then(made_at);
    let (subject, at) = match (nonce, made) {
        (Some(nonce), Some(made)) => (nonce.to_owned(), made),
        _ => (app.ulid().to_string(), app.clock.now()),
    };
    let tries = app.store.record_attempt("code", &subject, at, WINDOW).await?;
    if made.is_none() || tries.count > TRIES { Err(wrong().into()) } else { Ok(()) }
}

/// Compares what somebody typed with the code of a nonce.
///
/// # Refuses
/// 422 at `/code` for a wrong one and for one that is too old.
pub fn compare(app: &App, nonce: &str, typed: &str) -> Result<(), Refusal> {
    let fresh = made_at(nonce).is_some_and(|made| app.clock.now() < good_until(made));
    let right = bool::from(code(app, nonce).as_bytes().ct_eq(typed.trim().as_bytes()));
    if fresh && right { Ok(()) } else { Err(wrong()) }
}

/// A code that is wrong, used, too old or tried too often: nobody learns which.
pub fn wrong() -> Refusal {
    Refusal::field("/code", "wrong_code", "The code is wrong or no longer good.")
}

fn made_at(nonce: &str) -> Option<Timestamp> {
    let made = Ulid::from_string(nonce).ok()?.timestamp_ms();
    Timestamp::from_millisecond(i64::try_from(made).ok()?).ok()
}
