//! Parts of a stored item's key.

use std::fmt::Display;

use data_encoding::HEXLOWER;
use jiff::{Timestamp, civil::Date};
use sha2::{Digest, Sha256};

/// A value that is safe between the separators `#` of a key.
///
/// Typed parts cannot contain the separator. Foreign text that might is replaced by its hash.
pub trait KeyPart {
    /// Written form of the part.
    type Part: Display;

    /// This value as a part of a key.
    fn part(self) -> Self::Part;
}

impl KeyPart for &str {
    type Part = String;

    /// The text itself if all its characters are safe, else `~` and its SHA-256.
    fn part(self) -> String {
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
        if (1..=200).contains(&self.len()) && self.bytes().all(harmless) {
            self.to_owned()
        } else {
            format!("~{}", HEXLOWER.encode(&Sha256::digest(self.as_bytes())))
        }
    }
}

impl KeyPart for Timestamp {
    type Part = String;

    fn part(self) -> String {
        sortable(self)
    }
}

impl KeyPart for Date {
    type Part = String;

    fn part(self) -> String {
        self.strftime("%Y-%m-%d").to_string()
    }
}

macro_rules! numbers {
    ($($name:ty)*) => {$(
        impl KeyPart for $name {
            type Part = Self;

            fn part(self) -> Self {
                self
            }
        }
    )*};
}

numbers!(u8 u32 u64);

/// Text of a time that sorts by time, with milliseconds, in UTC.
pub fn sortable(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_id_cannot_reach_another_key() {
        assert_eq!("2026112022001".part(), "2026112022001");
        assert!("1#PAYMENT".part().starts_with('~') && !"1#PAYMENT".part().contains('#'));
        assert_ne!("".part(), "");
    }
}
