//! Proven statements: a month's entries as a file, which anybody checks who knows the deployment's public key (R11.2).

use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;
use jiff::civil::Date;
use kernel::content_hash::ContentHash;
use kernel::ledger::chain::{ProvenEntry, ProvenLine};
use ring::signature::{ED25519, UnparsedPublicKey};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operations::model::heads::{Head, ProofStep, climb, signed_text};

/// Name and version of the file's form.
pub const FORM: &str = "guerdon statement 1";

/// Statement of a month with the proof that nothing in it was changed since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProvenStatement {
    /// Form of the file, `guerdon statement 1`.
    pub form: String,
    /// Account: `usr_….balance` or `usr_….commission`.
    pub chain: String,
    /// The month, in UTC, as `2026-11`.
    pub month: String,
    /// Hash of the entry before the first one.
    #[schema(value_type = String)]
    pub before: ContentHash,
    /// All entries of the month, oldest first, as their hashes cover them.
    pub entries: Vec<ProvenEntry>,
    /// The signed heads that hold the newest entry so far; null until those of its day are signed.
    pub heads: Option<ProvenHeads>,
}

/// Signed heads of a day, with the proof that an entry is under them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProvenHeads {
    /// The day, in UTC.
    #[schema(value_type = String, format = Date)]
    pub date: Date,
    /// Number of the account's last entry of that day.
    pub number: u64,
    /// Hashes beside the way from the entry to the root.
    pub path: Vec<ProofStep>,
    /// Root of the day's tree.
    #[schema(value_type = String)]
    pub root: ContentHash,
    /// Ed25519 signature of `guerdon heads {date} {root}`, in base64url.
    pub signature: String,
}

/// Reason why a file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    #[error("it is no statement of this form: {0}")]
    Unreadable(String),
    #[error("its form is {0:?}; this program knows {FORM:?}")]
    UnknownForm(String),
    #[error("it has no entries, so there is nothing to prove")]
    Empty,
    #[error("after entry {0} comes entry {1}: entries are missing, or in another order")]
    Gap(u64, u64),
    #[error("entry {0} was changed, or one before it: its content does not give its hash")]
    Changed(u64),
    #[error("entry {0} says {1} and gives the hash of its remark, too")]
    TwoRemarks(u64, String),
    #[error("entry {0}, line {1}: {2} and {3} do not give {4}")]
    Sum(u64, u64, String, String, String),
    #[error("entry {0}, line {1} begins with {2}, where the line before left {3}")]
    Break(u64, u64, String, String),
    #[error("no signed heads hold its entries yet: get it again when the heads of their day are signed")]
    Unsigned,
    #[error("the heads of {0} are about entry {1}, which it does not have")]
    OtherEntry(Date, u64),
    #[error("entry {1} is not under the root of {0}: the proof belongs to another entry, or the books were changed")]
    OtherRoot(Date, u64),
    #[error("the signature of the heads of {0} is not by this key: another deployment's, or forged")]
    Forged(Date),
    #[error("the key is not the base64url of 32 bytes")]
    BadKey,
}

/// Result of a successful verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub chain: String,
    /// Numbers of the first and of the last entry.
    pub entries: (u64, u64),
    /// Day of the signed heads, and the last entry that they hold.
    pub signed: (Date, u64),
}

impl ProvenStatement {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Flaw::Unreadable`] and [`Flaw::UnknownForm`].
    pub fn read(text: &str) -> Result<Self, Flaw> {
        let file: Self = serde_json::from_str(text).map_err(|error| Flaw::Unreadable(error.to_string()))?;
        if file.form == FORM { Ok(file) } else { Err(Flaw::UnknownForm(file.form)) }
    }

    /// Checks everything that a holder can: each entry's hash, sums, the proof up to the root, and the root's signature by `key`.
    ///
    /// # Errors
    /// The first [`Flaw`].
    pub fn verify(&self, key: &str) -> Result<Verified, Flaw> {
        let first = self.entries.first().ok_or(Flaw::Empty)?.number;
        let mut before = self.before;
        let mut expected = first;
        let mut left = BTreeMap::new();
        for entry in &self.entries {
            if entry.number != expected {
                return Err(Flaw::Gap(expected.saturating_sub(1), entry.number));
            }
            for line in &entry.lines {
                check_line(entry.number, line, &mut left)?;
            }
            if entry.hash != entry.hash_after(&self.chain, before) {
                return Err(Flaw::Changed(entry.number));
            }
            before = entry.hash;
            expected = expected.saturating_add(1);
        }
        let heads = self.heads.as_ref().ok_or(Flaw::Unsigned)?;
        let (date, number) = (heads.date, heads.number);
        let proven = self.entries.iter().find(|entry| entry.number == number);
        let hash = proven.ok_or(Flaw::OtherEntry(date, number))?.hash;
        let head = Head { chain: self.chain.clone(), number, hash };
        if climb(head.leaf(), &heads.path) != heads.root {
            return Err(Flaw::OtherRoot(date, number));
        }
        is_signed(key, date, heads.root, &heads.signature)?;
        let last = expected.saturating_sub(1);
        Ok(Verified { chain: self.chain.clone(), entries: (first, last), signed: (date, number) })
    }
}

/// Checks the signature of a day's root.
///
/// # Errors
/// [`Flaw::BadKey`]; [`Flaw::Forged`].
pub fn is_signed(key: &str, date: Date, root: ContentHash, signature: &str) -> Result<(), Flaw> {
    let key = BASE64URL_NOPAD.decode(key.trim().as_bytes()).ok().filter(|key| key.len() == 32).ok_or(Flaw::BadKey)?;
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).map_err(|_| Flaw::Forged(date))?;
    let verified = UnparsedPublicKey::new(&ED25519, key).verify(signed_text(date, root).as_bytes(), &signature);
    verified.map_err(|_| Flaw::Forged(date))
}

/// Checks a line's sum, and that it begins where the one before of its account or part ended.
fn check_line(
    entry: u64,
    line: &ProvenLine,
    left: &mut BTreeMap<(String, Option<String>), String>,
) -> Result<(), Flaw> {
    if let (Some(remark), Some(_)) = (&line.remark, &line.remark_hash) {
        return Err(Flaw::TwoRemarks(entry, remark.clone()));
    }
    let place = (line.account.clone(), line.part.clone());
    if let Some(left) = left.insert(place, line.after.clone()).filter(|left| *left != line.before) {
        return Err(Flaw::Break(entry, line.seq, line.before.clone(), left));
    }
    let number = |text: &str| Decimal::from_str_exact(text).ok();
    let sum = number(&line.before).zip(number(&line.amount)).and_then(|(before, amount)| before.checked_add(amount));
    if sum.is_none() || sum != number(&line.after) {
        let (before, amount, after) = (line.before.clone(), line.amount.clone(), line.after.clone());
        return Err(Flaw::Sum(entry, line.seq, before, amount, after));
    }
    Ok(())
}
