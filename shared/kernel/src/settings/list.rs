//! Settings of several values: what may be absent, lists, tables of texts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::Checks;
use super::value::{Read, SettingValue, Text, Written, span};

impl<T: SettingValue> SettingValue for Option<T> {
    type Limits = T::Limits;

    fn limits() -> T::Limits {
        T::limits()
    }

    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.as_ref().map(Written).serialize(to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Option::<Read<T>>::deserialize(from)?.map(|read| read.0))
    }

    fn judge(limits: &T::Limits, value: &mut Value, checks: &mut Checks) {
        T::judge(limits, value, checks);
    }

    fn check(&self, limits: &T::Limits, checks: &mut Checks) {
        if let Some(value) = self {
            value.check(limits, checks);
        }
    }

    fn schema(limits: &T::Limits) -> Value {
        let mut schema = T::schema(limits);
        if let Some(kind) = schema.get_mut("type") {
            *kind = json!([kind.take(), "null"]);
        }
        schema
    }

    fn range(limits: &T::Limits) -> String {
        T::range(limits)
    }
}

/// The limits of a list.
#[derive(Debug, Clone)]
pub struct List<L> {
    length: RangeInclusive<usize>,
    each: L,
    unique: bool,
    only: &'static [&'static str],
}

impl<L> List<L> {
    /// So many elements, each within its limits.
    pub const fn of(length: RangeInclusive<usize>, each: L) -> Self {
        Self { length, each, unique: false, only: &[] }
    }

    /// Each text only once.
    pub fn unique(self) -> Self {
        Self { unique: true, ..self }
    }

    /// Only these texts, each once.
    pub fn only(self, only: &'static [&'static str]) -> Self {
        Self { unique: true, only, ..self }
    }
}

impl<T: SettingValue> SettingValue for Vec<T> {
    type Limits = List<T::Limits>;

    fn limits() -> List<T::Limits> {
        List::of(0..=50, T::limits())
    }

    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter().map(Written))
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Vec::<Read<T>>::deserialize(from)?.into_iter().map(|read| read.0).collect())
    }

    fn judge(limits: &List<T::Limits>, value: &mut Value, checks: &mut Checks) {
        for (index, item) in value.as_array_mut().into_iter().flatten().enumerate() {
            checks.within(index, |checks| T::judge(&limits.each, item, checks));
        }
    }

    fn check(&self, limits: &List<T::Limits>, checks: &mut Checks) {
        checks.length("", self.len(), *limits.length.start(), *limits.length.end());
        let mut seen = BTreeSet::new();
        for (index, item) in self.iter().enumerate() {
            checks.within(index, |checks| {
                item.check(&limits.each, checks);
                let Some(text) = item.text() else { return };
                if limits.unique && !seen.insert(text) {
                    checks.add("", "duplicate", "each only once");
                }
                one_of(text, limits.only, checks);
            });
        }
    }

    fn schema(limits: &List<T::Limits>) -> Value {
        let mut items = T::schema(&limits.each);
        if !limits.only.is_empty() {
            items = json!({"type": "string", "enum": limits.only});
        }
        // An element is written as a whole: its fields have no defaults.
        for field in items.get_mut("properties").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
            if let Value::Object(field) = field {
                field.remove("default");
            }
        }
        let (least, most) = (limits.length.start(), limits.length.end());
        json!({"type": "array", "items": items, "minItems": least, "maxItems": most, "uniqueItems": limits.unique})
    }

    fn range(limits: &List<T::Limits>) -> String {
        let mut range = span(limits.length.start(), Some(limits.length.end()));
        if limits.unique {
            range.push_str(", each once");
        }
        let words = limits.only.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        match (words.is_empty(), T::range(&limits.each)) {
            (false, _) => format!("{range}; of {words}"),
            (true, each) if each.is_empty() => range,
            (true, each) => format!("{range}; {each}"),
        }
    }
}

/// The limits of a table of texts by key.
#[derive(Debug, Clone, Copy)]
pub struct Entries {
    /// The keys that there can be; any name if none is given.
    pub keys: &'static [&'static str],
    /// The limits of each text.
    pub each: Text,
}

impl SettingValue for BTreeMap<String, String> {
    type Limits = Entries;

    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.serialize(to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::deserialize(from)
    }

    fn limits() -> Entries {
        Entries { keys: &[], each: String::limits() }
    }

    fn check(&self, limits: &Entries, checks: &mut Checks) {
        for (key, text) in self {
            checks.within(key, |checks| {
                match limits.keys {
                    [] => key.check(&Text::Name, checks),
                    words => one_of(key, words, checks),
                }
                text.check(&limits.each, checks);
            });
        }
    }

    fn schema(limits: &Entries) -> Value {
        let each = String::schema(&limits.each);
        let known: BTreeMap<_, _> = limits.keys.iter().map(|key| (*key, each.clone())).collect();
        match known.is_empty() {
            true => json!({"type": "object", "additionalProperties": each}),
            false => json!({"type": "object", "properties": known, "additionalProperties": false}),
        }
    }

    fn range(limits: &Entries) -> String {
        let words = limits.keys.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let words = if words.is_empty() { "any name".to_owned() } else { words };
        format!("for {words}; {}", String::range(&limits.each))
    }
}

fn one_of(text: &str, words: &[&str], checks: &mut Checks) {
    if !words.is_empty() && !words.contains(&text) {
        checks.add("", "out_of_range", words.join(" or "));
    }
}
