//! Serde form of a bare decimal: its exact text (`#[serde(with = "crate::decimal")]`).
//!
//! Deserializing rejects a value that would need rounding, and exponents; it never approximates (R1.1).

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serializer, de};

/// Writes the exact digits.
///
/// # Rejects
/// Errors of the serializer.
pub fn serialize<S: Serializer>(value: &Decimal, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

/// Reads exact digits.
///
/// # Rejects
/// Anything but the text of a decimal that fits without rounding.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
    let text = String::deserialize(from)?;
    Decimal::from_str_exact(&text).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    struct Holder {
        #[serde(with = "crate::decimal")]
        value: Decimal,
    }

    /// R1.1
    #[test]
    fn a_decimal_is_stored_as_its_exact_text() {
        let holder: Holder = serde_json::from_str(r#"{"value":"20.00"}"#).unwrap();
        assert_eq!(serde_json::to_string(&holder).unwrap(), r#"{"value":"20.00"}"#);
    }

    /// faults.md, storage: a number that does not fit is a typed error and is never rounded.
    #[test]
    fn what_does_not_fit_exactly_is_not_read() {
        for bad in [r#""1e2""#, r#""""#, "1", "1.5", "null", &format!("\"{}\"", "9".repeat(39))] {
            assert!(serde_json::from_str::<Holder>(&format!(r#"{{"value":{bad}}}"#)).is_err(), "{bad}");
        }
    }
}
