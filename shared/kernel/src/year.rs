//! Calendar years in UTC.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

use crate::id::Identifier;
use crate::key_part::KeyPart;

/// A calendar year in UTC, written `2026`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Year(i16);

impl Year {
    /// The year of a time.
    pub fn of(at: Timestamp) -> Self {
        Self(at.to_zoned(TimeZone::UTC).year())
    }
}

impl fmt::Display for Year {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

impl Identifier for Year {
    fn parse(text: &str) -> Option<Self> {
        let year = Self(text.parse().ok()?);
        // One written form, though the parser of numbers knows more.
        (year.0 > 0 && text.len() == 4 && year.to_string() == text).then_some(year)
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]{4}$")).into()
    }

    fn expected() -> String {
        "A year such as 2026.".to_owned()
    }
}

impl KeyPart for Year {
    type Part = Self;

    fn part(self) -> Self {
        self
    }
}

crate::as_text!(Year, "not a year");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_year_has_one_written_form() {
        let year = Year::parse("2026").unwrap();
        assert_eq!(year.to_string(), "2026");
        assert_eq!(Year::of("2026-12-31T23:59:59.999Z".parse().unwrap()), year);
        assert!(Year::of("2027-01-01T00:00:00Z".parse().unwrap()) > year);
        assert_eq!(serde_json::from_str::<Year>(&serde_json::to_string(&year).unwrap()).unwrap(), year);
        for wrong in ["026", "0000", "+026", "-026", "20260", " 2026", "2026 ", "MMXX", ""] {
            assert!(Year::parse(wrong).is_none(), "{wrong}");
        }
    }
}
