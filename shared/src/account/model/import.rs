//! Accounts, opening balances and bonds that move in from another system (R13.1).
//!
//! A line of an import is known by what it is about: an address, an external id, a code, an invitee, or a user with the source of
//! their opening balance. So it takes effect once, however often its file is read.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::model::external::ExternalId;
use crate::account::model::identity::Email;
use kernel::id::{JournalId, UserId};
use kernel::key_part::KeyPart;
use kernel::money::LedgerMoney;
use kernel::refusal::Refusal;
use kernel::text_enum;

/// Most characters of a source.
pub const SOURCE_MAX: usize = 40;

/// Name of the system that something moves in from: 1 to 40 of `a–z`, `0–9`, `.`, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImportSource(String);

impl ImportSource {
    /// Parses a name as written.
    ///
    /// # Rejects
    /// `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        ((1..=SOURCE_MAX).contains(&text.len()) && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ImportSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

kernel::as_text!(ImportSource, "not a source of an import");

impl KeyPart for &ImportSource {
    type Part = String;

    fn part(self) -> String {
        self.0.clone()
    }
}

/// Origin of an account that moved in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    pub source: ImportSource,
    /// Time of the sign-up there, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_up_at: Option<Timestamp>,
}

/// Address with which an account moved in; it never moves in again, whatever became of the account.
///
/// So a file that is read once more brings nobody back who was erased, and credits nobody who took over a free address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedEmail {
    /// Secret hash of the e-mail.
    pub email_hash: String,
    pub user: UserId,
    pub at: Timestamp,
}

/// Opening balance of a user from a source: one, ever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpeningBalance {
    pub user: UserId,
    pub source: ImportSource,
    pub amount: LedgerMoney,
    /// Journal that posted it.
    pub journal: JournalId,
    pub at: Timestamp,
}

impl OpeningBalance {
    /// Returns the cause of its journal.
    pub fn cause(user: UserId, source: &ImportSource) -> String {
        format!("opening:{source}:{user}")
    }
}

/// User as a line names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserRef {
    Id(UserId),
    External(ExternalId),
    /// The address with which the user moved in.
    Email(Email),
}

impl UserRef {
    /// Returns a text that is the same for the same name.
    pub fn identity(&self) -> String {
        match self {
            Self::Id(id) => format!("id {id}"),
            Self::External(id) => format!("external {}", id.as_str()),
            Self::Email(email) => format!("email {}", email.as_str()),
        }
    }
}

text_enum! {
    /// Outcome of a line.
    pub enum ImportOutcome {
        /// It took effect.
        Imported = "imported",
        /// It would take effect: nothing was written.
        WouldImport = "would_import",
        /// It is so already.
        Exists = "exists",
        /// It contradicts what is there; nothing was written.
        Conflict = "conflict",
        /// It cannot take effect as it is; nothing was written.
        Refused = "refused",
    }
}

/// Outcome of a line, and its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedLine {
    pub outcome: ImportOutcome,
    /// User whom the line is about, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Code of the reason, where it did not take effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Advice for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl ImportedLine {
    /// A line about a user that took effect, or had taken effect before.
    pub fn of(outcome: ImportOutcome, user: UserId) -> Self {
        Self { outcome, user: Some(user), code: None, detail: None }
    }

    /// A line that contradicts what is there.
    pub fn conflict(user: Option<UserId>, code: &str, detail: impl Into<String>) -> Self {
        Self { outcome: ImportOutcome::Conflict, user, code: Some(code.to_owned()), detail: Some(detail.into()) }
    }

    /// A line that cannot take effect.
    pub fn refused(code: &str, detail: impl Into<String>) -> Self {
        Self { outcome: ImportOutcome::Refused, user: None, code: Some(code.to_owned()), detail: Some(detail.into()) }
    }

    /// The same line, if nothing is to be written.
    pub fn dry(self) -> Self {
        let outcome = match self.outcome {
            ImportOutcome::Imported => ImportOutcome::WouldImport,
            other => other,
        };
        Self { outcome, ..self }
    }
}

impl From<Refusal> for ImportedLine {
    fn from(refusal: Refusal) -> Self {
        match &refusal {
            Refusal::Invalid(errors) => match errors.first() {
                Some(error) => Self::refused(error.code, error.detail.clone()),
                None => Self::refused(refusal.code(), refusal.title()),
            },
            Refusal::EmailTaken | Refusal::InviteCodeTaken | Refusal::AlreadyBound => {
                Self::conflict(None, refusal.code(), refusal.title())
            }
            _ => Self::refused(refusal.code(), refusal.title()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R13.1
    #[test]
    fn a_source_is_a_plain_name() {
        for good in ["sub2api", "new-api_2026.11", &"x".repeat(40)] {
            assert_eq!(ImportSource::parse(good).as_ref().map(ImportSource::as_str), Some(good));
        }
        for bad in ["", "Sub2api", "a b", "a:b", "a#b", "é", &"x".repeat(41)] {
            assert_eq!(ImportSource::parse(bad), None, "{bad}");
        }
    }

    /// R13.1: a dry run tells what the real one would.
    #[test]
    fn a_dry_run_has_the_same_outcomes_but_one() {
        for outcome in ImportOutcome::ALL {
            let told = ImportedLine { outcome, user: None, code: None, detail: None }.dry().outcome;
            let expected = if outcome == ImportOutcome::Imported { ImportOutcome::WouldImport } else { outcome };
            assert_eq!(told, expected);
        }
    }
}
