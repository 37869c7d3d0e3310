//! Calendar months in UTC.

use std::fmt;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

use crate::id::Identifier;
use crate::key_part::KeyPart;

/// A calendar month in UTC, written `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(Date);

impl Month {
    /// The month, 1 to 12, of a year; for constants.
    pub const fn new(year: i16, month: i8) -> Self {
        Self(date(year, month, 1))
    }

    /// The month of a time.
    pub fn of(at: Timestamp) -> Self {
        Self(at.to_zoned(TimeZone::UTC).date().first_of_month())
    }

    /// Its first day.
    pub const fn first_day(self) -> Date {
        self.0
    }

    /// Its first instant, in UTC; the end of time where the calendar has none.
    pub fn begins(self) -> Timestamp {
        self.0.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |day| day.timestamp())
    }

    /// Its last instant, in UTC.
    pub fn ends(self) -> Timestamp {
        self.after().begins().checked_sub(1.nanosecond()).unwrap_or(Timestamp::MAX)
    }

    /// The month after; itself at the end of time.
    pub fn after(self) -> Self {
        Self(self.0.checked_add(1.month()).unwrap_or(self.0))
    }

    /// The month before; itself at the beginning of time.
    pub fn before(self) -> Self {
        Self(self.0.checked_sub(1.month()).unwrap_or(self.0))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

impl Identifier for Month {
    fn parse(text: &str) -> Option<Self> {
        let month = Self(format!("{text}-01").parse().ok()?);
        // One written form, though the calendar's parser knows more.
        (month.to_string() == text).then_some(month)
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]{4}-(0[1-9]|1[0-2])$")).into()
    }

    fn expected() -> String {
        "A month such as 2026-11.".to_owned()
    }
}

impl KeyPart for Month {
    type Part = Self;

    fn part(self) -> Self {
        self
    }
}

crate::as_text!(Month, "not a month");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_month_has_one_written_form() {
        let month = Month::parse("2026-11").unwrap();
        assert_eq!((month.to_string(), month.before().to_string()), ("2026-11".to_owned(), "2026-10".to_owned()));
        assert_eq!((month.after().to_string(), month.after().before()), ("2026-12".to_owned(), month));
        assert_eq!(Month::of("2026-11-30T23:59:59.999Z".parse().unwrap()), month);
        assert_eq!(serde_json::from_str::<Month>(&serde_json::to_string(&month).unwrap()).unwrap(), month);
        for wrong in ["2026-13", "2026-1", "202611", "2026-11-01", "+2026-11", " 2026-11", "November"] {
            assert!(Month::parse(wrong).is_none(), "{wrong}");
        }
    }
}
