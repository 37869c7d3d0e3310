//! Ids that the operator's backend gives: of a user, an order, a refund of its own (R2.6).
//!
//! What they mean is the backend's business and may be personal, so `Debug` shows nothing of them and no key holds one: where an
//! item is found by one, the key has its secret hash.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use kernel::refusal::FieldError;

/// Most characters of an id.
pub const EXTERNAL_MAX: usize = 200;

/// An id of the backend's own: 1 to 200 characters, none of them white or invisible.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalId(String);

impl ExternalId {
    /// Reads an id as it is written; two spellings are two ids.
    ///
    /// # Refuses
    /// `None` for nothing, for too much, and for white space or control characters.
    pub fn parse(text: &str) -> Option<Self> {
        let visible = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
        let length = text.chars().take(EXTERNAL_MAX.saturating_add(1)).count();
        ((1..=EXTERNAL_MAX).contains(&length) && visible).then(|| Self(text.to_owned()))
    }

    /// Reads the id of a request's field.
    ///
    /// # Refuses
    /// The finding for the problem document.
    pub fn at(pointer: &str, text: &str) -> Result<Self, FieldError> {
        let detail = || format!("1 to {EXTERNAL_MAX} characters without spaces");
        Self::parse(text).ok_or_else(|| FieldError::new(pointer, "out_of_range", detail()))
    }

    /// The id as it was written.
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
