//! Texts of redemption codes, the hashes that the table holds instead, and the secret that leads from one to the other (R7.9).
//!
//! A text of ours is an optional prefix, fourteen random symbols and two that check it. The check is keyed, so a mistyped or guessed
//! text is refused without a read. Texts are not stored: they follow from the code secret, the batch and the code's number in it, and
//! a code is found by a hash under the same secret. Whoever has a copy of the table can redeem none. Texts that an operator brought
//! from elsewhere (R7.10) have no check unless they look like ours; they are found by the same hash, and guesses of them count.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::PartialSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::referral::model::referral::ALPHABET;
use kernel::fault::Fault;
use kernel::id::{BatchId, Identifier};
use kernel::refusal::Refusal;
use kernel::secret::Secret;
use kernel::typed;

/// Least bytes of a version of the code secret.
pub const CODE_SECRET_MIN: usize = 32;
/// Symbols of a code without its prefix (R7.1).
const SYMBOLS: usize = 16;
/// Symbols of a prefix (R7.10).
pub const PREFIX: RangeInclusive<usize> = 2..=6;
/// Symbols of a code that was brought (R7.10).
pub const BROUGHT: RangeInclusive<usize> = 6..=32;
/// Symbols of those that check the others.
const CHECKS: usize = 2;

/// Code as typed, in upper case and without white space and hyphens.
///
/// Anyone who knows it can redeem it, so `Debug` and logs show it masked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeText(String);

impl CodeText {
    /// Parses a code as typed or pasted, without regard to case, white space and dashes (G5).
    ///
    /// # Rejects
    /// `None` for text that cannot be a code.
    pub fn parse(text: &str) -> Option<Self> {
        let code = Self(Self::start(text)?);
        BROUGHT.contains(&code.0.len()).then_some(code)
    }

    /// Parses the start of a code and returns it in stored form.
    ///
    /// # Rejects
    /// `None` for text that no code starts with.
    pub fn start(text: &str) -> Option<String> {
        let code = typed::code(text)?;
        let known = code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        (known && code.len() <= *BROUGHT.end()).then_some(code)
    }

    /// Parses the prefix of a batch's codes and returns it in stored form.
    ///
    /// # Rejects
    /// `None` for text that is no prefix.
    pub fn prefix(text: &str) -> Option<String> {
        Self::start(text).filter(|prefix| PREFIX.contains(&prefix.len()))
    }

    /// Returns the code without hyphens.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the code's ends: enough to recognise it, too little to redeem it.
    pub fn masked(&self) -> String {
        let ends = match self.0.len() {
            SYMBOLS.. => 4,
            12.. => 2,
            _ => 1,
        };
        let first = self.0.get(..ends).unwrap_or_default();
        let last = self.0.len().checked_sub(ends).and_then(|from| self.0.get(from..)).unwrap_or_default();
        format!("{first}-****-****-{last}")
    }

    /// Tests whether it looks like a code that we make: sixteen symbols of ours, perhaps after a prefix.
    pub fn has_our_form(&self) -> bool {
        let prefix = self.prefix_len();
        let ours = self.0.bytes().skip(prefix.unwrap_or_default()).all(|byte| ALPHABET.contains(&byte));
        ours && prefix.is_some_and(|prefix| prefix == 0 || PREFIX.contains(&prefix))
    }

    fn prefix_len(&self) -> Option<usize> {
        self.0.len().checked_sub(SYMBOLS)
    }
}

/// In groups of four after its prefix; one that was brought is in one group.
impl fmt::Display for CodeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = self.prefix_len().filter(|_| self.has_our_form());
        for (index, symbol) in self.0.chars().enumerate() {
            let group = prefix.and_then(|prefix| index.checked_sub(prefix)).is_some_and(|index| index % 4 == 0);
            if index > 0 && group {
                f.write_str("-")?;
            }
            write!(f, "{symbol}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for CodeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl Serialize for CodeText {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

/// Hash of a code's text under a version of the code secret: the key of its item.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeHash([u8; 16]);

impl CodeHash {
    /// Parses its written form, 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

kernel::as_text!(CodeHash, "not the hash of a redemption code");

/// Reference to a code without its text, for messages, journals and public keys.
///
/// Written `bat_….17`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CodeRef {
    pub batch: BatchId,
    /// Number of the code in its batch, from 0.
    pub ordinal: u32,
}

impl fmt::Display for CodeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.batch, self.ordinal)
    }
}

/// Name of a code in a request of an admin: its text, or its reference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CodeName {
    Text(CodeText),
    Ref(CodeRef),
}

impl Identifier for CodeName {
    const UNKNOWN: Option<Refusal> = Some(Refusal::CodeNotFound);

    fn parse(text: &str) -> Option<Self> {
        let named = || {
            let (batch, ordinal) = text.split_once('.')?;
            Some(CodeRef { batch: BatchId::parse(batch)?, ordinal: u32::from_str(ordinal).ok()? })
        };
        named().map(Self::Ref).or_else(|| CodeText::parse(text).map(Self::Text))
    }

    fn schema() -> RefOr<Schema> {
        <String as PartialSchema>::schema()
    }

    fn expected() -> String {
        "A code, such as ABCD-EFGH-2345-WXYZ, or its id, such as bat_01k9….17.".to_owned()
    }
}

/// Versions of the code secret, which make, check and find codes (R7.9).
///
/// A batch names the version of its codes. A code works as long as the version is here.
#[derive(Debug, Clone, Default)]
pub struct CodeSecrets(BTreeMap<u32, Secret>);

impl CodeSecrets {
    /// Parses `CODE_SECRET`: versions `2:secret 1:secret`, or one secret alone, which is version 1.
    ///
    /// # Errors
    /// A version is no number or stands twice, or a secret has fewer than [`CODE_SECRET_MIN`] bytes.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let mut versions = BTreeMap::new();
        for part in text.split_whitespace() {
            let (version, secret) = part.split_once(':').unwrap_or(("1", part));
            let version =
                version.parse::<u32>().map_err(|_| Fault::bug("CODE_SECRET has a version that is no number"))?;
            if secret.len() < CODE_SECRET_MIN {
                return Err(Fault::bug(format!(
                    "each version of CODE_SECRET must have at least {CODE_SECRET_MIN} bytes"
                )));
            }
            if versions.insert(version, Secret::new(secret.as_bytes())).is_some() {
                return Err(Fault::bug(format!("CODE_SECRET has version {version} twice")));
            }
        }
        Ok(Self(versions))
    }

    /// Returns the version under which new batches are made.
    ///
    /// # Errors
    /// The deployment or the function has no code secret.
    pub fn newest(&self) -> Result<u32, Fault> {
        self.0.last_key_value().map(|(version, _)| *version).ok_or(Fault::Unset { variable: "CODE_SECRET" })
    }

    /// Derives the text of a code; `None` if the version was retired.
    pub fn text(&self, version: u32, prefix: &str, of: CodeRef) -> Option<CodeText> {
        let secret = self.0.get(&version)?;
        let random = secret.hash("code", &[of.batch.to_string().as_bytes(), &of.ordinal.to_be_bytes()]);
        let mut text = format!("{prefix}{}", symbols(&random, SYMBOLS.saturating_sub(CHECKS)));
        text.push_str(&check(secret, &text));
        Some(CodeText(text))
    }

    /// Hashes a text of a batch under the batch's version; `None` if the version was retired.
    ///
    /// A text that looks like ours is hashed under the version that checks it: `None` if its check is wrong.
    pub fn hash(&self, version: u32, text: &CodeText) -> Option<CodeHash> {
        let secret = match text.has_our_form() {
            true => self.0.values().find(|secret| is_checked(secret, text)),
            false => self.0.get(&version),
        };
        secret.map(|secret| hash(secret, text))
    }

    /// Returns the hashes under which a typed code may be stored: none for one of ours that was mistyped or guessed.
    ///
    /// # Errors
    /// The deployment or the function has no code secret.
    pub fn look_up(&self, text: &CodeText) -> Result<Vec<CodeHash>, Fault> {
        self.newest()?;
        let found = self.0.values().filter(|secret| !text.has_our_form() || is_checked(secret, text));
        Ok(found.map(|secret| hash(secret, text)).collect())
    }
}

fn hash(secret: &Secret, text: &CodeText) -> CodeHash {
    let mut short = [0; 16];
    for (to, from) in short.iter_mut().zip(secret.hash("code-key", &[text.as_str().as_bytes()])) {
        *to = from;
    }
    CodeHash(short)
}

fn check(secret: &Secret, rest: &str) -> String {
    symbols(&secret.hash("code-check", &[rest.as_bytes()]), CHECKS)
}

/// Tests whether the last symbols of a code check the others.
fn is_checked(secret: &Secret, text: &CodeText) -> bool {
    let cut = text.0.len().saturating_sub(CHECKS);
    text.0.split_at_checked(cut).is_some_and(|(rest, last)| check(secret, rest) == last)
}

fn symbols(bytes: &[u8], count: usize) -> String {
    let symbol = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).copied().map_or('A', char::from);
    bytes.iter().take(count).map(symbol).collect()
}

#[cfg(test)]
mod tests;
