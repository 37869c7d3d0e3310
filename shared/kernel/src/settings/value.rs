//! Types that a setting can have: how each is written, read, judged, checked, described.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Value, json};

use super::{Checks, FieldInfo};
use crate::money::{AMOUNT_MAX, Currency, LEDGER_DIGITS, plain_decimal};
use crate::typed;

/// A type that a setting can have. A new one brings its own check and its own schema.
pub trait SettingValue: Sized {
    /// How a declaration narrows the values of this type.
    type Limits;

    /// The limits where a declaration names none.
    fn limits() -> Self::Limits;

    /// Writes the value as a document has it.
    ///
    /// # Errors
    /// The serializer's.
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;

    /// Reads the value as a document has it.
    ///
    /// # Errors
    /// For another JSON type.
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;

    /// Judges the text of a value whose JSON type is right, and replaces what is wrong by a stand-in, so that the rest of the
    /// document can be read and judged too.
    fn judge(_: &Self::Limits, _: &mut Value, _: &mut Checks) {}

    /// Checks the value against its limits.
    fn check(&self, _: &Self::Limits, _: &mut Checks) {}

    /// The JSON schema of such a value.
    fn schema(limits: &Self::Limits) -> Value;

    /// The limits in words; empty if the type says it all.
    fn range(_: &Self::Limits) -> String {
        String::new()
    }

    /// The value's own text, by which it may be in a list only once.
    fn text(&self) -> Option<&str> {
        None
    }

    /// Adds the rows that describe this field, whose default is `self`: one, or one for each field of a group.
    fn describe(&self, limits: &Self::Limits, row: FieldInfo, rows: &mut Vec<FieldInfo>) {
        let range = [Self::range(limits), row.range].into_iter().filter(|part| !part.is_empty());
        let range = range.collect::<Vec<_>>().join("; ");
        rows.push(FieldInfo { default: in_words(&document(self)), range, ..row });
    }
}

/// A value as JSON.
pub fn document<T: SettingValue>(value: &T) -> Value {
    // Values have text keys and finite numbers only, which JSON has too.
    serde_json::to_value(Written(value)).unwrap_or_default()
}

pub(super) struct Written<'a, T>(pub(super) &'a T);

impl<T: SettingValue> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.write(to)
    }
}

pub(super) struct Read<T>(pub(super) T);

impl<'de, T: SettingValue> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::read(from).map(Self)
    }
}

/// A default as the settings reference shows it.
fn in_words(value: &Value) -> String {
    let bare = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        Value::Array(items) if !items.is_empty() => {
            let item = |item: &Value| match item {
                Value::Object(fields) => {
                    fields.iter().map(|(name, value)| format!("{name} {}", bare(value))).collect::<Vec<_>>().join(", ")
                }
                other => bare(other),
            };
            items.iter().map(|one| format!("`{}`", item(one))).collect::<Vec<_>>().join(" · ")
        }
        other => format!("`{}`", bare(other)),
    }
}

/// A number with its digits in groups, as people read it.
fn grouped(number: impl ToString) -> String {
    let text = number.to_string();
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut shown = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && whole.len() > 4 && (whole.len() - index).is_multiple_of(3) {
            shown.push(' ');
        }
        shown.push(digit);
    }
    fraction.map_or(shown.clone(), |fraction| format!("{shown}.{fraction}"))
}

/// `least to most`, or `least or more` where the most is what the type holds.
pub(super) fn span(least: impl ToString, most: Option<impl ToString>) -> String {
    most.map_or_else(
        || format!("{} or more", grouped(least.to_string())),
        |most| format!("{} to {}", grouped(least.to_string()), grouped(most)),
    )
}

/// Types that are in a document as serde has them.
macro_rules! as_serde_has_it {
    () => {
        fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            self.serialize(to)
        }

        fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            Self::deserialize(from)
        }
    };
}

impl SettingValue for bool {
    type Limits = ();

    as_serde_has_it!();

    fn limits() {}

    fn schema((): &()) -> Value {
        json!({"type": "boolean"})
    }
}

/// Times, as RFC 3339 writes them.
impl SettingValue for Timestamp {
    type Limits = ();

    fn limits() {}

    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        typed::time(&String::deserialize(from)?).ok_or_else(|| de::Error::custom("not a time"))
    }

    fn judge((): &(), value: &mut Value, checks: &mut Checks) {
        if value.as_str().is_some_and(|text| typed::time(text).is_none()) {
            checks.add("", "not_a_time", "a time in RFC 3339");
            *value = Value::from("2000-01-01T00:00:00Z");
        }
    }

    fn schema((): &()) -> Value {
        json!({"type": "string", "format": "date-time"})
    }
}

/// Counts: the highest is that of 32 bits whatever holds them.
macro_rules! counts {
    ($($type:ty),*) => {$(
        impl SettingValue for $type {
            type Limits = RangeInclusive<Self>;

            as_serde_has_it!();

            fn limits() -> Self::Limits {
                0..=u32::MAX.into()
            }

            fn judge(_: &Self::Limits, value: &mut Value, checks: &mut Checks) {
                let Value::Number(number) = &*value else { return };
                let fits = number.as_u64().is_some_and(|count| u32::try_from(count).is_ok());
                if (number.is_i64() || number.is_u64()) && !fits {
                    checks.add("", "out_of_range", format!("a whole number from 0 to {}", u32::MAX));
                    *value = Value::from(1);
                }
            }

            fn check(&self, limits: &Self::Limits, checks: &mut Checks) {
                checks.range("", self, limits.start(), limits.end());
            }

            fn schema(limits: &Self::Limits) -> Value {
                json!({"type": "integer", "minimum": limits.start(), "maximum": limits.end()})
            }

            fn range(limits: &Self::Limits) -> String {
                let most = Some(limits.end()).filter(|most| **most < u32::MAX.into());
                if *limits == Self::limits() { String::new() } else { span(limits.start(), most) }
            }
        }
    )*};
}

counts!(u32, u64);

/// The limits of a decimal.
#[derive(Debug, Clone, Copy)]
pub struct Decimals {
    least: Least,
    most: Decimal,
    digits: u32,
}

#[derive(Debug, Clone, Copy)]
enum Least {
    AboveZero,
    From(Decimal),
    Elsewhere,
}

impl Decimals {
    /// Those between two numbers, both included.
    pub const fn between(least: Decimal, most: Decimal) -> Self {
        Self { least: Least::From(least), most, digits: LEDGER_DIGITS }
    }

    /// Those above 0, up to a number.
    pub const fn positive(most: Decimal) -> Self {
        Self { least: Least::AboveZero, most, digits: LEDGER_DIGITS }
    }

    /// All of them: a check across fields judges the number.
    pub const fn checked_across() -> Self {
        Self { least: Least::Elsewhere, most: AMOUNT_MAX, digits: LEDGER_DIGITS }
    }

    /// With at most so many fractional digits.
    pub const fn digits(self, digits: u32) -> Self {
        Self { digits, ..self }
    }
}

impl SettingValue for Decimal {
    type Limits = Decimals;

    fn limits() -> Decimals {
        Decimals::between(Self::ZERO, AMOUNT_MAX)
    }

    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        crate::decimal::serialize(self, to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        crate::decimal::deserialize(from)
    }

    fn judge(limits: &Decimals, value: &mut Value, checks: &mut Checks) {
        let digits = limits.digits;
        let typed = value.as_str().map(|text| typed::amount(text).to_owned());
        *value = typed.map_or_else(|| value.take(), Value::from);
        if value.as_str().is_some_and(|text| plain_decimal(text, digits).is_none()) {
            checks.add("", "not_a_decimal", format!("a plain decimal with at most {digits} fractional digits"));
            *value = Value::from("1");
        }
    }

    fn check(&self, limits: &Decimals, checks: &mut Checks) {
        match limits.least {
            Least::AboveZero => checks.share("", *self, limits.most),
            Least::From(least) => checks.range("", *self, least, limits.most),
            Least::Elsewhere => {}
        }
    }

    fn schema(limits: &Decimals) -> Value {
        let pattern = format!(r"^(0|[1-9][0-9]*)(\.[0-9]{{1,{}}})?$", limits.digits);
        json!({"type": "string", "pattern": pattern, "maxLength": 28})
    }

    fn range(limits: &Decimals) -> String {
        let most = (limits.most < AMOUNT_MAX).then(|| limits.most.normalize());
        let range = match limits.least {
            Least::AboveZero => most.map_or("above 0".to_owned(), |most| format!("above 0, at most {}", grouped(most))),
            Least::From(least) => span(least, most),
            Least::Elsewhere => String::new(),
        };
        match limits.digits {
            LEDGER_DIGITS => range,
            digits => format!("{range}, {digits} fractional digits"),
        }
    }
}

impl SettingValue for Currency {
    type Limits = ();

    as_serde_has_it!();

    fn limits() {}

    fn judge((): &(), value: &mut Value, checks: &mut Checks) {
        if value.as_str().is_some_and(|code| Self::parse(code).is_none()) {
            checks.add("", "not_a_currency", "an ISO 4217 code");
            *value = Value::from("USD");
        }
    }

    fn schema((): &()) -> Value {
        json!({"type": "string", "pattern": "^[A-Z]{3}$"})
    }
}

/// The limits of a text.
#[derive(Debug, Clone, Copy)]
pub enum Text {
    /// 1–32 letters, digits, `_` and `-`.
    Name,
    /// Printable, at most so many characters.
    Label(usize),
    /// An https URL, or http on localhost.
    Url,
    /// A URL that `?ref=` can follow.
    LinkBase,
    /// An address, or a network as `address/bits`.
    Network,
}

impl SettingValue for String {
    type Limits = Text;

    as_serde_has_it!();

    fn limits() -> Text {
        Text::Label(200)
    }

    fn check(&self, limits: &Text, checks: &mut Checks) {
        match *limits {
            Text::Name => checks.name("", self),
            Text::Label(most) => checks.label("", self, most),
            Text::Url => checks.url("", self),
            Text::LinkBase => checks.link_base("", self),
            Text::Network => checks.network("", self),
        }
    }

    fn schema(limits: &Text) -> Value {
        match *limits {
            Text::Name => json!({"type": "string", "pattern": "^[A-Za-z0-9_-]{1,32}$"}),
            Text::Label(most) => json!({"type": "string", "maxLength": most}),
            Text::Url | Text::LinkBase => json!({"type": "string", "format": "uri", "maxLength": 500}),
            Text::Network => json!({"type": "string", "description": "An IP address or network"}),
        }
    }

    fn range(limits: &Text) -> String {
        match *limits {
            Text::Name => "1 to 32 letters, digits, `_`, `-`".to_owned(),
            Text::Label(most) => format!("up to {most} characters"),
            Text::Url => "https or localhost".to_owned(),
            Text::LinkBase => "https or localhost, without query".to_owned(),
            Text::Network => "addresses or networks".to_owned(),
        }
    }

    fn text(&self) -> Option<&str> {
        Some(self)
    }
}

/// Implements [`SettingValue`] for an enum of [`text_enum!`](crate::text_enum!): one of its names.
#[macro_export]
macro_rules! word_setting {
    ($word:ty) => {
        impl $crate::settings::SettingValue for $word {
            type Limits = ();

            fn limits() {}

            fn write<S: ::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                ::serde::Serialize::serialize(self, to)
            }

            fn read<'de, D: ::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                <Self as ::serde::Deserialize>::deserialize(from)
            }

            fn judge((): &(), value: &mut ::serde_json::Value, checks: &mut $crate::settings::Checks) {
                $crate::settings::judge_word(Self::NAMES, value, checks);
            }

            fn schema((): &()) -> ::serde_json::Value {
                ::serde_json::json!({"type": "string", "enum": Self::NAMES})
            }

            fn range((): &()) -> String {
                Self::ALL.map(|word| format!("`{word}`")).join(", ")
            }
        }
    };
}

/// Judges a value that is one of some words.
pub fn judge_word(words: &[&str], value: &mut Value, checks: &mut Checks) {
    if value.as_str().is_some_and(|text| !words.contains(&text)) {
        checks.add("", "out_of_range", format!("one of {}", words.join(", ")));
        *value = words.first().copied().into();
    }
}
