//! How somebody gets in: the claim on an e-mail, a sign-up that waits for its verification, a password reset, a session (R2).
//!
//! One claim per normalised e-mail makes the account unique; it is found by a secret hash, never by the address. Codes that are
//! mailed are not stored: they are derived from a nonce that is.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::model::identity::Email;
use crate::referral::model::referral::NotApplied;
use kernel::id::{SessionId, UserId};

/// The e-mail is somebody's, with what shows that one is them. It is not on the user's item, so that no index has a copy of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailClaim {
    /// Secret hash of the e-mail.
    pub email_hash: String,
    /// Whose it is.
    pub user: UserId,
    /// Argon2id hash of the password; none for whom the operator's backend registered, until they set one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// Which password of the user's it is, from 0.
    pub password_number: u64,
    /// Secret hash of the registration without its password, by which a repeated one is known.
    pub fingerprint: String,
    /// Why the referral code did not bind, if one was given (R2.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_applied: Option<NotApplied>,
    /// When it was claimed.
    pub at: Timestamp,
}

impl EmailClaim {
    /// The claim with another password, which ends every session.
    ///
    /// # Refuses
    /// `None` when the numbers ran out.
    pub fn with_password(&self, password_hash: String) -> Option<Self> {
        let password_number = self.password_number.checked_add(1)?;
        Some(Self { password_hash: Some(password_hash), password_number, ..self.clone() })
    }
}

impl fmt::Debug for EmailClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailClaim").field("user", &self.user).finish_non_exhaustive()
    }
}

/// An id that the operator's backend gave is somebody's: one account per id, whichever key registers it (R2.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalClaim {
    /// Secret hash of the id.
    pub external_hash: String,
    /// Whose it is.
    pub user: UserId,
    /// Why the referral code did not bind, if one was given (R2.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_applied: Option<NotApplied>,
    /// When it was claimed.
    pub at: Timestamp,
}

/// A registration whose e-mail is not verified yet (R2.4).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct PendingSignup {
    /// Secret hash of the e-mail.
    pub email_hash: String,
    /// The address.
    pub email: Email,
    /// Who it will be.
    pub user: UserId,
    /// When they registered.
    pub created_at: Timestamp,
    /// Argon2id hash of the password.
    pub password_hash: String,
    /// The referral code given at registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referral_code: Option<String>,
    /// Preferred language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// From which the mailed code is derived.
    pub nonce: String,
    /// Until when that code is good.
    pub until: Timestamp,
}

impl fmt::Debug for PendingSignup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingSignup").field("user", &self.user).finish_non_exhaustive()
    }
}

/// A password reset that was asked for (R2.8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PasswordReset {
    /// Secret hash of the e-mail.
    pub email_hash: String,
    /// Whose password.
    pub user: UserId,
    /// From which the mailed code is derived.
    pub nonce: String,
    /// Until when that code is good.
    pub until: Timestamp,
    /// Whether it set a password: a code is good once. Kept, so that a request whose answer was lost finds its own work.
    pub used: bool,
}

/// A sign-in and the refresh tokens that follow from it (R2.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// When it began.
    pub created_at: Timestamp,
    /// Which of the user's passwords it began under: the next one ends it, by whatever clock (R2.8).
    pub password_number: u64,
    /// How often it was refreshed: the number of the one good refresh token.
    pub number: u64,
    /// When that token was made.
    pub rotated_at: Timestamp,
    /// Until when it is good.
    pub until: Timestamp,
    /// A token was used twice: none of them is good any more.
    pub revoked: bool,
}
