//! SHA-256 hashes of contents: of journal entries, and of the trees over their chains (R11.1, R11.2).

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

/// A SHA-256 hash, written as 43 symbols of base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// Hash before the first one of a chain.
    pub const GENESIS: Self = Self([0; 32]);

    /// Hash of a text.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Hash of two hashes, as a node of a tree (RFC 6962).
    pub fn of_node(left: Self, right: Self) -> Self {
        let digest = Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0);
        Self(digest.finalize().into())
    }

    /// Parses the one written form.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

crate::as_text!(ContentHash, "not a hash of 43 symbols");

/// Attributes on their way into a hash.
///
/// Each is its name, `=`, the length of its value in bytes, `:`, the value, and a line feed; so no two lists of attributes read the
/// same. The first line is the kind of thing alone.
#[derive(Debug, Clone)]
pub struct Attributes(Sha256);

impl Attributes {
    /// No attributes yet, of a kind of thing.
    pub fn of(kind: &str) -> Self {
        Self(Sha256::new().chain_update(kind).chain_update("\n"))
    }

    /// Adds an attribute.
    #[must_use]
    pub fn with(self, name: &str, value: impl fmt::Display) -> Self {
        let value = value.to_string();
        Self(self.0.chain_update(format!("{name}={}:{value}\n", value.len())))
    }

    /// Adds an attribute that a thing may be without.
    #[must_use]
    pub fn with_optional(self, name: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Their hash.
    pub fn hash(self) -> ContentHash {
        ContentHash(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_has_one_written_form() {
        let hash = ContentHash::of("x");
        assert_eq!(hash.to_string(), "LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE");
        assert_eq!(ContentHash::parse(&hash.to_string()), Some(hash));
        // The last symbol has two bits to spare, which are zero.
        for wrong in ["", "LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIF", "LXEWQrcmsEQBYnyp--wy9chTD7GQPMTbAiWHF5IaSI"] {
            assert_eq!(ContentHash::parse(wrong), None, "{wrong}");
        }
    }

    /// R11.1: what stands in one attribute never reads as another's.
    #[test]
    fn attributes_do_not_run_into_each_other() {
        let of = |pairs: &[(&str, &str)]| {
            pairs.iter().fold(Attributes::of("t"), |all, (name, value)| all.with(name, value)).hash()
        };
        let all = [
            of(&[("a", "1"), ("b", "2")]),
            of(&[("a", "1\nb=1:2")]),
            of(&[("a", "12")]),
            of(&[("b", "2"), ("a", "1")]),
            of(&[("a", "1"), ("b", "")]),
            of(&[("a", "1")]),
        ];
        for (index, hash) in all.iter().enumerate() {
            assert!(!all[..index].contains(hash), "{index}");
        }
        assert_eq!(of(&[("a", "1")]), ContentHash::of("t\na=1:1\n"));
    }
}
