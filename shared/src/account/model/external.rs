//! External ids: the operator backend's own ids of users, orders and refunds (R2.6).
//!
//! Their content is unknown and may be personal. So `Debug` hides them, and a key holds only their secret hash.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use kernel::refusal::FieldError;

/// Maximum characters of an external id.
pub const EXTERNAL_MAX: usize = 200;

/// Id assigned by the operator's backend: 1 to 200 characters, none of them whitespace or control.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalId(String);

impl ExternalId {
    /// Parses an id as written; two spellings are two ids.
    ///
    /// # Rejects
    /// `None` for an empty or too long text and for whitespace or control characters.
    pub fn parse(text: &str) -> Option<Self> {
        let visible = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
        let length = text.chars().take(EXTERNAL_MAX.saturating_add(1)).count();
        ((1..=EXTERNAL_MAX).contains(&length) && visible).then(|| Self(text.to_owned()))
    }

    /// Parses the id in a request field.
    ///
    /// # Rejects
    /// A [`FieldError`] at `pointer`.
    pub fn at(pointer: &str, text: &str) -> Result<Self, FieldError> {
        let detail = || format!("1 to {EXTERNAL_MAX} characters without spaces");
        Self::parse(text).ok_or_else(|| FieldError::new(pointer, "out_of_range", detail()))
    }

    /// Returns the id as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExternalId(…)")
    }
}

impl Serialize for ExternalId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ExternalId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not an id of the backend's"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R2.6
    #[test]
    fn an_external_id_is_taken_as_it_is_written() {
        for good in ["1", "user/7", "Ü-9", &"x".repeat(200)] {
            assert_eq!(ExternalId::parse(good).as_ref().map(ExternalId::as_str), Some(good));
        }
        for bad in ["", " ", "a b", "a\n", &"x".repeat(201)] {
            assert_eq!(ExternalId::parse(bad), None, "{bad}");
        }
    }
}
