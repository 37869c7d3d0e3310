//! Mailed codes (R2.4, R2.8): six digits, derived from a nonce that is stored; the code itself is nowhere.

use subtle::ConstantTimeEq;

use crate::app::App;
use crate::domain::refusal::Refusal;
use crate::fault::Error;

/// Most tries of one code.
const TRIES: i64 = 5;
/// The window in which they count: longer than any code lives.
const WINDOW: i64 = 24 * 3_600;

/// The code of a nonce.
pub fn code(app: &App, nonce: &str) -> String {
    let hash = app.config.secret.hash("mailed code", &[nonce.as_bytes()]);
    let number = hash.iter().take(7).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{:06}", number % 1_000_000)
}

/// Compares what somebody typed with the code of a nonce. The try is counted before it is compared.
///
/// # Refuses
/// 422 at `/code` for a wrong one, and for any after five.
pub async fn check(app: &App, nonce: &str, typed: &str) -> Result<(), Error> {
    let wrong = || Error::Refused(Refusal::field("/code", "wrong_code", "The code is wrong or no longer good."));
    let now = app.clock.now();
    if app.store.count_try("code", nonce, now, WINDOW).await? > TRIES {
        return Err(wrong());
    }
    let right = code(app, nonce);
    if bool::from(right.as_bytes().ct_eq(typed.trim().as_bytes())) { Ok(()) } else { Err(wrong()) }
}
