//! Credentials: e-mail claims, pending sign-ups and sessions (R2).
//!
//! One claim per normalised e-mail makes the account unique. Its key is a secret hash of the address. Mailed codes are not
//! stored; they are derived.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::model::identity::Email;
use crate::referral::model::referral::NotApplied;
use crate::risk::model::signal::SignupSignals;
use kernel::id::{SessionId, SignupId, UserId};

/// Claim of an e-mail by a user, with the password hash.
///
/// Kept apart from the user's entity so that no index holds a copy of the hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailClaim {
    /// Secret hash of the e-mail.
    pub email_hash: String,
    pub user: UserId,
    /// Argon2id hash. `None` for a user registered by the operator's backend who has not set a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// Number of this password, from 0; compare [`Session::password_number`].
    pub password_number: u64,
    /// Secret hash of the registration body without the password; identifies a repeated registration.
    pub fingerprint: String,
    /// Reason why the referral code did not apply, if one was given (R2.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_applied: Option<NotApplied>,
    /// Time of the claim.
    pub at: Timestamp,
}

impl EmailClaim {
    /// Returns the claim with a new password, which ends every session.
    ///
    /// # Rejects
    /// `None` when the password number overflows.
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

/// Claim of an external id by a user: one account per id, whichever key registers it (R2.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalClaim {
    /// Secret hash of the external id.
    pub external_hash: String,
    pub user: UserId,
    /// Reason why the referral code did not apply, if one was given (R2.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_applied: Option<NotApplied>,
    /// Time of the claim.
    pub at: Timestamp,
}

/// Registration whose e-mail is not verified yet (R2.4): one per sign-up token.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct PendingSignup {
    pub id: SignupId,
    /// Secret hash of the e-mail.
    pub email_hash: String,
    /// Time of the registration.
    pub created_at: Timestamp,
    /// Account to create; `None` once it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<SignupDetails>,
    /// Nonces of the mailed codes, oldest first; none when no mail was sent.
    pub nonces: Vec<String>,
    /// Expiry of the last mailed code.
    pub until: Timestamp,
}

/// Account that a pending sign-up is to create.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct SignupDetails {
    pub email: Email,
    /// Id of the future account.
    pub user: UserId,
    /// Argon2id hash.
    pub password_hash: String,
    /// Referral code as typed at registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referral_code: Option<String>,
    /// Preferred language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Signals of the registration (R10.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signals: Option<SignupSignals>,
}

impl fmt::Debug for PendingSignup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingSignup").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for SignupDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignupDetails").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Change of an e-mail that awaits its confirmation (R2.11).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmailChange {
    pub user: UserId,
    /// New address.
    pub email: Email,
    /// Nonce of the mailed code.
    pub nonce: String,
    /// Expiry of the mailed code.
    pub until: Timestamp,
}

/// Sign-in and its chain of refresh tokens (R2.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub id: SessionId,
    pub user: UserId,
    pub created_at: Timestamp,
    /// Number of the user's password at sign-in. A later password ends the session (R2.11).
    pub password_number: u64,
    /// Generation of the user's sessions at sign-in. A later generation ends the session (R2.11).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub generation: u64,
    /// True for a session that a service key opened: it has the rights of a user at most (R2.11).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub limited: bool,
    /// Client that holds it.
    #[serde(default, skip_serializing_if = "SessionKind::is_api")]
    pub kind: SessionKind,
    /// Number of refreshes so far, which is the number of the one valid refresh token.
    pub number: u64,
    /// Time of the last refresh.
    pub rotated_at: Timestamp,
    /// Expiry.
    pub until: Timestamp,
    /// True after sign-out or after reuse of a refresh token; no token of the session is valid then.
    pub revoked: bool,
    /// Time when the second factor was last given in it (R2.12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor_at: Option<Timestamp>,
}

/// Client that holds a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    /// A client of the API, with access and refresh tokens.
    #[default]
    Api,
    /// A browser, with a signed cookie that names the session; it is never refreshed.
    Browser,
}

impl SessionKind {
    fn is_api(&self) -> bool {
        *self == Self::Api
    }
}

/// Holder of an access token: the session that the token came from, as it was then (R2.5).
///
/// [`User::must_honour`](crate::account::model::user::User::must_honour) compares it with the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bearer {
    pub user: UserId,
    pub session: SessionId,
    /// Number of the password of the session.
    pub password_number: u64,
    /// Generation of the session.
    pub generation: u64,
}

impl From<&Session> for Bearer {
    fn from(session: &Session) -> Self {
        let Session { id, user, password_number, generation, .. } = *session;
        Self { user, session: id, password_number, generation }
    }
}

/// True for the number that is not stored.
pub(super) fn is_zero(number: &u64) -> bool {
    *number == 0
}
