//! Mailed codes and links (R2.4, R2.9, R2.10). All are derived; none is stored.
//!
//! A six-digit code belongs to a stored nonce, and its attempts are counted under a token that only its requester has. A code of
//! ten symbols or a link belongs to an account's password number and the time it was asked for: a new password ends it, a later
//! one leaves it valid, and asking for one reads and writes nothing about the account.

use data_encoding::BASE64URL_NOPAD;
use jiff::{Timestamp, ToSpan};
use subtle::{Choice, ConstantTimeEq};
use ulid::Ulid;

use crate::account::model::access::EmailClaim;
use crate::account::model::symbols::{self, read, read_unmistaken};
use crate::app::App;
use kernel::fault::Error;
use kernel::id::UserId;
use kernel::refusal::Refusal;

/// Lifetime of a six-digit code, in minutes.
pub const MINUTES: i64 = 15;
/// Maximum attempts per code.
const TRIES: i64 = 5;
/// Window in which attempts count, in seconds; longer than the lifetime of a code.
const WINDOW: i64 = 24 * 3_600;
/// Length in seconds of the time in which the same ten symbols are mailed.
const SLOT: i64 = 5;

/// Creates a nonce for a code mailed now; it carries the time.
pub fn nonce(app: &App) -> String {
    app.ulid().to_string()
}

/// Expiry of a six-digit code mailed now.
pub fn good_until(now: Timestamp) -> Timestamp {
    now.checked_add(MINUTES.minutes()).unwrap_or(now)
}

/// Derives the six digits of a nonce.
pub fn code(app: &App, nonce: &str) -> String {
    let hash = app.config.secret.hash("mailed code", &[nonce.as_bytes()]);
    let number = hash.iter().take(7).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{:06}", number % 1_000_000)
}

/// Counts an attempt at a nonce's code before the comparison.
///
/// # Rejects
/// The refusal of a wrong code, after five attempts.
pub async fn record_attempt(app: &App, nonce: &str) -> Result<(), Error> {
    let at = made_at(nonce).unwrap_or_else(|| app.clock.now());
    let tries = app.store.record_attempt("code", nonce, at, WINDOW).await?;
    if tries.count > TRIES { Err(wrong().into()) } else { Ok(()) }
}

/// Compares a typed code with the codes of some nonces, in constant time.
///
/// # Rejects
/// 422 at `/code` for a wrong or expired code.
pub fn compare<'a>(app: &App, nonces: impl IntoIterator<Item = &'a String>, typed: &str) -> Result<(), Refusal> {
    let typed = read(typed);
    let mut right = Choice::from(0);
    for nonce in nonces {
        let fresh = made_at(nonce).is_some_and(|made| app.clock.now() < good_until(made));
        right |= code(app, nonce).as_bytes().ct_eq(typed.as_bytes()) & Choice::from(u8::from(fresh));
    }
    if bool::from(right) { Ok(()) } else { Err(wrong()) }
}

/// Refusal of a code that is wrong, used, expired or tried too often, without naming the reason.
pub fn wrong() -> Refusal {
    Refusal::field("/code", "wrong_code", "The code is wrong or no longer good.")
}

/// Time that a nonce carries.
pub fn made_at(nonce: &str) -> Option<Timestamp> {
    let made = Ulid::from_string(nonce).ok()?.timestamp_ms();
    Timestamp::from_millisecond(i64::try_from(made).ok()?).ok()
}

/// Purpose of a code of ten symbols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To sign in although the e-mail is challenged (R2.9).
    Challenge,
    /// To set a new password (R2.10).
    Reset,
}

impl Purpose {
    /// Lifetime in minutes.
    pub fn minutes(self) -> i64 {
        match self {
            Self::Challenge => MINUTES,
            Self::Reset => 30,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Challenge => "challenge code",
            Self::Reset => "reset code",
        }
    }
}

/// Password of an account for which a code is good: its e-mail's hash and its number.
#[derive(Debug, Clone, Copy)]
pub struct CodeSubject<'a> {
    pub email_hash: &'a str,
    pub password_number: u64,
}

impl<'a> CodeSubject<'a> {
    /// CodeSubject of a claim; without one, a subject for which no code is ever mailed.
    pub fn of(email_hash: &'a str, claim: Option<&EmailClaim>) -> Self {
        Self { email_hash, password_number: claim.map_or(0, |claim| claim.password_number) }
    }
}

/// Derives the ten symbols, in two groups, of a code asked for at this time.
pub fn symbols(app: &App, purpose: Purpose, subject: CodeSubject<'_>, asked: Timestamp) -> String {
    symbols::grouped(&in_slot(app, purpose, subject, asked.as_second().div_euclid(SLOT)))
}

fn in_slot(app: &App, purpose: Purpose, subject: CodeSubject<'_>, slot: i64) -> String {
    let parts = [subject.email_hash.as_bytes(), &subject.password_number.to_be_bytes(), &slot.to_be_bytes()];
    symbols::of_hash(&app.config.secret.hash(purpose.label(), &parts), 10)
}

/// Tests a typed code of ten symbols, in constant time, against all that were asked for in its lifetime.
pub fn is_right(app: &App, purpose: Purpose, subject: CodeSubject<'_>, typed: &str) -> bool {
    let typed = read_unmistaken(typed);
    let now = app.clock.now().as_second();
    let (last, first) =
        (now.div_euclid(SLOT), now.saturating_sub(purpose.minutes().saturating_mul(60)).div_euclid(SLOT));
    let mut right = Choice::from(0);
    for slot in first.saturating_add(1)..=last {
        right |= in_slot(app, purpose, subject, slot).as_bytes().ct_eq(typed.as_bytes());
    }
    bool::from(right)
}

/// Derives the token of a reset link: user, time and 128 bits that prove them for this password.
pub fn link_token(app: &App, user: UserId, password_number: u64, asked: Timestamp) -> String {
    let mut bytes = user.ulid().to_bytes().to_vec();
    bytes.extend_from_slice(&asked.as_second().to_be_bytes());
    bytes.extend_from_slice(&link_proof(app, &bytes, password_number));
    BASE64URL_NOPAD.encode(&bytes)
}

fn link_proof(app: &App, said: &[u8], password_number: u64) -> [u8; 16] {
    let hash = app.config.secret.hash("reset link", &[said, &password_number.to_be_bytes()]);
    hash.first_chunk().copied().unwrap_or_default()
}

/// Token of a reset link as sent: whom it names, before it is proved.
#[derive(Debug, Clone)]
pub struct LinkToken {
    /// User that it names.
    pub user: UserId,
    said: Vec<u8>,
    proof: Vec<u8>,
}

impl LinkToken {
    /// Parses a token of a link; proves nothing yet.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Some(text.trim()).filter(|text| text.len() <= 100)?;
        let bytes = BASE64URL_NOPAD.decode(bytes.as_bytes()).ok()?;
        let (said, proof) = bytes.split_at_checked(24)?;
        let user = UserId::new(Ulid::from_bytes(*said.first_chunk::<16>()?));
        Some(Self { user, said: said.to_vec(), proof: proof.to_vec() })
    }

    /// Tests the token for this password, in constant time; it is good for half an hour.
    pub fn is_right(&self, app: &App, password_number: u64) -> bool {
        let seconds = self.said.last_chunk::<8>().map(|seconds| i64::from_be_bytes(*seconds));
        let until = seconds.and_then(|seconds| seconds.checked_add(Purpose::Reset.minutes().saturating_mul(60)));
        let is_fresh = until.is_some_and(|until| app.clock.now().as_second() < until);
        let proof = link_proof(app, &self.said, password_number);
        bool::from(proof.as_slice().ct_eq(&self.proof)) && is_fresh
    }
}
