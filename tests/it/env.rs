//! Environment variables that set the extent of a run: numbers and names (tests/README.md).

use std::str::FromStr;

/// Parsed value of a variable, if it is set.
pub fn wished<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} can't be {text:?}")))
}
