//! How much of the suite is wished for: numbers and names in the environment (tests/README.md).

use std::str::FromStr;

/// What a variable wishes for, if it is there.
pub fn wished<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} can't be {text:?}")))
}
