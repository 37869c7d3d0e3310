//! How settings documents are judged: first the text of each value, then ranges and relations.

use std::collections::BTreeSet;
use std::net::IpAddr;

use rust_decimal::Decimal;
use serde_json::Value;

use super::Area;
use kernel::money::{Currency, plain_decimal};
use kernel::refusal::FieldError;

/// A field of a document, by area and pointer pattern, and what its value must look like.
pub(super) struct Field(pub(super) Area, pub(super) &'static str, pub(super) Kind);

/// What a value must look like beyond its JSON type.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A plain decimal of at most so many fractional digits.
    Decimal(u32),
    /// A currency code.
    Currency,
    /// A whole number that fits.
    Count,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

impl Kind {
    /// What is wrong with a value of the right JSON type, and a stand-in that lets the rest of the document be read.
    fn judge(self, value: &Value) -> Option<(&'static str, String, Value)> {
        match (self, value) {
            (Self::Decimal(digits), Value::String(text)) => plain_decimal(text, digits).is_none().then(|| {
                ("not_a_decimal", format!("a plain decimal with at most {digits} fractional digits"), Value::from("1"))
            }),
            (Self::Currency, Value::String(text)) => Currency::parse(text)
                .is_none()
                .then(|| ("not_a_currency", "an ISO 4217 code".to_owned(), Value::from("USD"))),
            (Self::Count, Value::Number(number)) if number.is_i64() || number.is_u64() => {
                let fits = number.as_u64().and_then(|count| u32::try_from(count).ok()).is_some();
                (!fits).then(|| ("out_of_range", format!("a whole number from 0 to {}", u32::MAX), Value::from(1)))
            }
            (Self::OneOf(words), Value::String(text)) => (!words.contains(&text.as_str()))
                .then(|| ("out_of_range", format!("one of {}", words.join(", ")), words.first().copied().into())),
            _ => None,
        }
    }
}

/// Judges the listed fields of a document and replaces what is wrong with stand-ins.
pub(super) fn values(area: Area, fields: &[Field], document: &mut Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for Field(_, pattern, kind) in fields.iter().filter(|field| field.0 == area) {
        let path: Vec<&str> = pattern.split('/').skip(1).collect();
        visit(document, &path, String::new(), &mut |pointer, value| {
            if let Some((code, detail, instead)) = kind.judge(value) {
                errors.push(FieldError::new(pointer, code, detail));
                *value = instead;
            }
        });
    }
    errors
}

fn visit(value: &mut Value, path: &[&str], pointer: String, act: &mut impl FnMut(String, &mut Value)) {
    let Some((step, rest)) = path.split_first() else {
        return act(pointer, value);
    };
    match value {
        Value::Array(items) if *step == "*" => {
            for (index, item) in items.iter_mut().enumerate() {
                visit(item, rest, format!("{pointer}/{index}"), act);
            }
        }
        Value::Object(fields) => {
            if let Some(field) = fields.get_mut(*step) {
                visit(field, rest, format!("{pointer}/{step}"), act);
            }
        }
        _ => {}
    }
}

/// Whether `given` has a field that `known`, the same document written back, has not.
pub(super) fn has_unknown(given: &Value, known: &Value) -> bool {
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => {
            given.iter().any(|(name, value)| known.get(name).is_none_or(|known| has_unknown(value, known)))
        }
        (Value::Array(given), Value::Array(known)) => {
            given.iter().zip(known).any(|(given, known)| has_unknown(given, known))
        }
        _ => false,
    }
}

/// Findings about one document.
#[derive(Default)]
pub(super) struct Checks(Vec<FieldError>);

impl Checks {
    pub(super) fn found(self) -> Vec<FieldError> {
        self.0
    }

    pub(super) fn add(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.0.push(FieldError::new(pointer, code, detail));
    }

    /// `least ≤ value ≤ most`.
    pub(super) fn range(&mut self, pointer: impl Into<String>, value: Decimal, least: Decimal, most: Decimal) {
        if value < least || value > most {
            self.add(pointer, "out_of_range", format!("from {least} to {most}"));
        }
    }

    /// `0 < value ≤ most`.
    pub(super) fn share(&mut self, pointer: impl Into<String>, value: Decimal, most: Decimal) {
        if value <= Decimal::ZERO || value > most {
            self.add(pointer, "out_of_range", format!("above 0, at most {most}"));
        }
    }

    pub(super) fn count(&mut self, pointer: impl Into<String>, value: u32, least: u32, most: u32) {
        if value < least || value > most {
            self.add(pointer, "out_of_range", format!("from {least} to {most}"));
        }
    }

    pub(super) fn length(&mut self, pointer: impl Into<String>, length: usize, least: usize, most: usize) {
        if length < least || length > most {
            self.add(pointer, "out_of_range", format!("{least} to {most} of them"));
        }
    }

    /// At most `digits` fractional digits.
    pub(super) fn digits(&mut self, pointer: impl Into<String>, value: Decimal, digits: u32) {
        if value.normalize().scale() > digits {
            self.add(pointer, "too_many_digits", format!("at most {digits} fractional digits"));
        }
    }

    /// One to `most` different names.
    pub(super) fn names(&mut self, pointer: &str, names: &[String], most: usize) {
        self.length(pointer, names.len(), 1, most);
        let mut seen = BTreeSet::new();
        for (index, name) in names.iter().enumerate() {
            self.name(format!("{pointer}/{index}"), name);
            if !seen.insert(name) {
                self.add(format!("{pointer}/{index}"), "duplicate", "each only once");
            }
        }
    }

    /// 1–32 letters, digits, `_` and `-`.
    pub(super) fn name(&mut self, pointer: impl Into<String>, name: &str) {
        let symbols = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if name.is_empty() || name.len() > 32 || !symbols {
            self.add(pointer, "out_of_range", "1 to 32 letters, digits, _ and -");
        }
    }

    pub(super) fn url(&mut self, pointer: &str, url: Option<&str>) {
        if url.is_some_and(|url| !sane_url(url)) {
            self.add(pointer, "not_a_url", "an https URL, or http on localhost, of at most 500 characters");
        }
    }

    /// A URL that `?ref=` can follow (R3.3).
    pub(super) fn link_base(&mut self, pointer: &str, url: Option<&str>) {
        self.url(pointer, url);
        if url.is_some_and(|url| sane_url(url) && url.contains(['?', '#'])) {
            self.add(pointer, "not_a_url", "a URL without query and fragment");
        }
    }

    /// An address, or a network as `address/bits`.
    pub(super) fn network(&mut self, pointer: impl Into<String>, text: &str) {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let most = match address.parse() {
            Ok(IpAddr::V4(_)) => Some(32_u8),
            Ok(IpAddr::V6(_)) => Some(128),
            Err(_) => None,
        };
        let fits = |most: u8| bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= most));
        if !most.is_some_and(fits) {
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
