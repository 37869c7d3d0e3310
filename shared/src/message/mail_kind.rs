//! Kinds of e-mails.

use serde::{Deserialize, Serialize};

/// Kind of an e-mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// Verification code of a sign-up (R2.4).
    Verification,
    /// Link and code of a password reset (R2.10).
    PasswordReset,
    /// Code to sign in although the e-mail is challenged (R2.9).
    Challenge,
    /// Code that confirms a new e-mail (R2.11).
    EmailChange,
    /// Notice to the old e-mail that a new one was asked for (R2.11).
    EmailChangeNotice,
    /// Notice that the account has a second factor from now on (R2.12).
    SecondFactorSet,
    /// Notice that the second factor was removed, or reset by an admin (R2.12).
    SecondFactorRemoved,
    /// Notice that a recovery code was used (R2.12).
    RecoveryCodeUsed,
}
