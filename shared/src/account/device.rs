//! Device tokens (R2.9): proof that its holder has signed in to this account before.
//!
//! A token is derived, not stored: user, time, and an HMAC of both. It replaces no password.

use jiff::{Timestamp, ToSpan};

use crate::app::App;
use kernel::id::UserId;
use ulid::Ulid;

/// Label of the proof of a device token, and its bytes.
const LABEL: &str = "device";
const PROOF: usize = 32;
/// Lifetime of a device token, in days.
const DAYS: i64 = 180;

/// Issues the token of a device on which this user signs in now.
pub fn issue(app: &App, user: UserId) -> String {
    let mut bytes = user.ulid().to_bytes().to_vec();
    bytes.extend_from_slice(&app.clock.now().as_second().to_be_bytes());
    app.config.secret.token::<PROOF>(LABEL, &bytes)
}

/// Tests whether a token was issued to this user in the last 180 days.
///
/// Without a user the same work is done, so that timing does not reveal whether an account exists.
pub fn is_of(app: &App, token: &str, user: Option<UserId>) -> bool {
    owner(app, token).is_some_and(|owner| user == Some(owner))
}

/// Returns the user to whom a token was issued in the last 180 days.
pub fn owner(app: &App, token: &str) -> Option<UserId> {
    let (owner, issued) = read(app, token)?;
    let until = issued.checked_add(DAYS.saturating_mul(24).hours());
    until.is_ok_and(|until| app.clock.now() < until).then_some(owner)
}

fn read(app: &App, token: &str) -> Option<(UserId, Timestamp)> {
    if token.len() > 200 {
        return None;
    }
    let said = app.config.secret.read_token::<PROOF>(LABEL, token)?;
    let (user, issued) = said.split_first_chunk::<16>()?;
    let issued = Timestamp::from_second(i64::from_be_bytes(*issued.first_chunk()?)).ok()?;
    Some((UserId::new(Ulid::from_bytes(*user)), issued))
}
