//! Findings about one settings document, each with the pointer of its value.

use std::fmt::{Display, Write};

use rust_decimal::Decimal;

use crate::refusal::FieldError;

/// Findings about one document. Pointers are relative to the value that is being checked.
#[derive(Debug, Default)]
pub struct Checks {
    at: String,
    found: Vec<FieldError>,
}

impl Checks {
    /// All findings; the first of each value is the one that counts.
    pub fn found(self) -> Vec<FieldError> {
        let mut kept: Vec<FieldError> = Vec::new();
        for error in self.found {
            if kept.iter().all(|earlier| earlier.pointer != error.pointer) {
                kept.push(error);
            }
        }
        kept
    }

    /// Checks a part of the value: a field or an element.
    pub fn within(&mut self, step: impl Display, check: impl FnOnce(&mut Self)) {
        let outside = self.at.len();
        let step = step.to_string().replace('~', "~0").replace('/', "~1");
        // Writing to a string can't fail.
        let _ = write!(self.at, "/{step}");
        check(self);
        self.at.truncate(outside);
    }

    /// A finding at `pointer` below the value; the empty pointer is the value itself.
    pub fn add(&mut self, pointer: impl Display, code: &'static str, detail: impl Into<String>) {
        self.found.push(FieldError::new(format!("{}{pointer}", self.at), code, detail));
    }

    /// `least ≤ value ≤ most`.
    pub fn range<T: PartialOrd + Display>(&mut self, pointer: impl Display, value: T, least: T, most: T) {
        if value < least || value > most {
            self.add(pointer, "out_of_range", format!("from {least} to {most}"));
        }
    }

    /// `0 < value ≤ most`.
    pub fn share(&mut self, pointer: impl Display, value: Decimal, most: Decimal) {
        if value <= Decimal::ZERO || value > most {
            self.add(pointer, "out_of_range", format!("above 0, at most {most}"));
        }
    }

    /// A list's length.
    pub fn length(&mut self, pointer: impl Display, length: usize, least: usize, most: usize) {
        if length < least || length > most {
            self.add(pointer, "out_of_range", format!("{least} to {most} of them"));
        }
    }

    /// At most `digits` fractional digits.
    pub fn digits(&mut self, pointer: impl Display, value: Decimal, digits: u32) {
        if value.normalize().scale() > digits {
            self.add(pointer, "too_many_digits", format!("at most {digits} fractional digits"));
        }
    }

    /// 1–32 letters, digits, `_` and `-`.
    pub fn name(&mut self, pointer: impl Display, name: &str) {
        let symbols = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if name.is_empty() || name.len() > 32 || !symbols {
            self.add(pointer, "out_of_range", "1 to 32 letters, digits, _ and -");
        }
    }

    /// Printable text of at most so many characters.
    pub fn label(&mut self, pointer: impl Display, text: &str, most: usize) {
        if text.chars().count() > most || text.chars().any(char::is_control) {
            self.add(pointer, "out_of_range", format!("at most {most} printable characters"));
        }
    }

    /// An https URL, or http on localhost.
    pub fn url(&mut self, pointer: impl Display, url: &str) {
        if !sane_url(url) {
            self.add(pointer, "not_a_url", "an https URL, or http on localhost, of at most 500 characters");
        }
    }

    /// A URL that `?ref=` can follow (R3.3).
    pub fn link_base(&mut self, pointer: impl Display, url: &str) {
        if sane_url(url) && url.contains(['?', '#']) {
            self.add(pointer, "not_a_url", "a URL without query and fragment");
        } else {
            self.url(pointer, url);
        }
    }

    /// An address, or a network as `address/bits`.
    pub fn network(&mut self, pointer: impl Display, text: &str) {
        if crate::network::network(text).is_none() {
            self.add(pointer, "not_a_network", "an IP address or network");
        }
    }
}

fn sane_url(url: &str) -> bool {
    let (rest, local_only) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, false),
        (_, Some(rest)) => (rest, true),
        _ => return false,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((inner, _)) => inner,
        None => authority.split(':').next().unwrap_or_default(),
    };
    let port = authority.rsplit_once(':').filter(|(before, _)| !authority.starts_with('[') || before.ends_with(']'));
    let port_sane = port.is_none_or(|(_, port)| port.parse::<u16>().is_ok());
    let symbols =
        url.len() <= 500 && url.bytes().all(|byte| byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte));
    let local = ["localhost", "127.0.0.1", "::1"].contains(&host);
    symbols && port_sane && !host.is_empty() && !authority.contains('@') && (local || !local_only)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R9.1: people are only sent where the transport is safe.
    #[test]
    fn urls_are_https_or_local() {
        for good in [
            "https://shop.example.com/pay?x=1#y",
            "http://localhost:3000/register",
            "http://127.0.0.1",
            "http://[::1]:80/a",
            "https://a.b:8443",
        ] {
            assert!(sane_url(good), "{good}");
        }
        for bad in [
            "",
            "shop.example.com",
            "http://shop.example.com",
            "http://localhost.evil.com",
            "http://localhost@evil.com",
            "https://",
            "https://a b",
            "javascript:alert(1)",
            "https://a:port",
            "ftp://localhost",
        ] {
            assert!(!sane_url(bad), "{bad}");
        }
    }
}
