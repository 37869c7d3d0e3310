//! Settings: one declaration per setting gives its type, default, check, schema, form field and documentation row (R9.1).
//!
//! [`settings!`](crate::settings!) declares a document or a group of it. [`SettingValue`] is what the type of a field brings
//! along. [`Settings::parse`] is how a document comes in: unknown and missing fields, wrong types and
//! values that a rule refuses are named by JSON pointer, and what comes out is valid. [`Settings::stored`] reads what was valid when it was
//! written: fields of a later release do not matter, and those that it does not have yet hold their defaults.

mod checks;
mod list;
mod value;
mod window;

use serde::de::DeserializeOwned;
use serde::{Deserializer, Serialize, Serializer};
use serde_json::Value;
pub use utoipa::openapi::{RefOr, Schema};
pub use utoipa::{PartialSchema, ToSchema};

pub use crate::settings::checks::Checks;
pub use crate::settings::list::{Entries, List};
pub use crate::settings::value::{Decimals, SettingValue, Text, document, judge_word};
pub use crate::settings::window::{Period, ProgrammeSettings};

use crate::refusal::Refusal;
use crate::shape::{differences, field_error};

/// One field of a settings document, for forms and documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldInfo {
    /// Its path, `qualified.threshold`.
    pub name: String,
    /// The unit it is counted in; empty for what has none.
    pub unit: &'static str,
    /// The default, as Markdown.
    pub default: String,
    /// The values that are accepted, as Markdown; empty if the type says it all.
    pub range: String,
    /// The effect, in one sentence without full stop.
    pub effect: &'static str,
    /// From when a change holds.
    pub from_when: &'static str,
}

/// One area's document.
pub trait Settings: SettingValue<Limits = ()> + Serialize + DeserializeOwned + Default + Clone {
    /// The area as routes and keys name it.
    const AREA: &'static str;

    /// Every field, in the order of the document.
    fn fields() -> &'static [FieldInfo];

    /// Parse and validate a new document of the area.
    ///
    /// # Rejects
    /// [`Refusal::Invalid`] with the pointer of every unknown or missing field, of the first wrong type, or of every value that a
    /// rule rejects.
    fn parse(mut given: Value) -> Result<Self, Refusal> {
        let mut checks = Checks::default();
        Self::judge(&(), &mut given, &mut checks);
        let settings: Self = serde_path_to_error::deserialize(given.clone()).map_err(|error| field_error(&error))?;
        let mut found = Vec::new();
        differences(&given, &document(&settings), "", &mut found);
        Refusal::unless_empty(found)?;
        settings.check(&(), &mut checks);
        Refusal::unless_empty(checks.found())?;
        Ok(settings)
    }

    /// Reads a document that was stored.
    ///
    /// # Errors
    /// Fails if a field does not have its present type.
    fn stored(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// Writes a field, for `#[serde(with = …)]`.
///
/// # Errors
/// The serializer's.
pub fn serialize<T: SettingValue, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    value.write(to)
}

/// Reads a field, for `#[serde(with = …)]`.
///
/// # Errors
/// For another JSON type.
pub fn deserialize<'de, T: SettingValue, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    T::read(from)
}

/// A field's schema with what its declaration says of it.
pub fn described(mut schema: Value, about: &FieldInfo, default: Value) -> Value {
    if let Value::Object(schema) = &mut schema {
        let mut text = vec![about.effect.to_owned()];
        text.extend((!about.unit.is_empty()).then(|| format!("unit: {}", about.unit)));
        text.extend((!about.range.is_empty()).then(|| about.range.clone()));
        text.extend((!about.from_when.is_empty()).then(|| format!("holds from {}", about.from_when)));
        schema.insert("description".to_owned(), Value::from(text.join("; ")));
        schema.insert("default".to_owned(), default);
    }
    schema
}

/// A JSON schema as OpenAPI has it.
pub fn open_api(schema: Value) -> RefOr<Schema> {
    RefOr::T(serde_json::from_value(schema).unwrap_or_default())
}

/// Declares a settings document or a group of one: `name: type = default, [in limits,] [unit "…",] [note "…",] "effect"
/// [, from "when"];`. The note adds to the range what the type's limits can't say. A document is declared `as "area"`; a group
/// without it is the type of a field, or of a list's elements. `check with f` names an `fn(&Self, &mut Checks)` for rules
/// across fields, which is called after each field has been checked; its pointers are relative.
///
/// ```
/// kernel::settings! {
///     /// The affiliate programme.
///     pub struct AffiliateSettings as "affiliate" {
///         hold_hours: u32 = 0, in 0..=720, unit "hours", "A commission can be withdrawn so long after payment",
///             from "the next order";
///     }
/// }
/// # use kernel::settings::Settings;
/// # assert_eq!(AffiliateSettings::fields()[0].range, "0 to 720");
/// ```
///
/// becomes
///
/// ```text
/// /// The affiliate programme.
/// #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
/// #[serde(default)] // what a stored document does not have yet
/// pub struct AffiliateSettings {
///     /// A commission can be withdrawn so long after payment
///     #[serde(with = "kernel::settings")] // SettingValue::write and read
///     pub hold_hours: u32,
/// }
///
/// impl Default for AffiliateSettings {
///     fn default() -> Self { Self { hold_hours: 0 } }
/// }
///
/// impl SettingValue for AffiliateSettings {
///     type Limits = ();
///     fn limits() {}
///     fn write(…) { Serialize::serialize(self, to) }
///     fn read(…) { Deserialize::deserialize(from) }
///     fn judge(…) { /* u32::judge(&(0..=720), …) of the field's JSON, at its pointer */ }
///     fn check(…) { /* u32::check(&self.hold_hours, &(0..=720), …) at its pointer; then what `check with` names */ }
///     fn schema(…) { /* an object, every field required; u32::schema(&(0..=720)) with description and default */ }
///     fn range(…) { /* the ranges of the fields, for a list of such groups */ }
///     fn describe(…) { /* u32::describe(&0, &(0..=720), FieldInfo { name: "hold_hours", unit: "hours", … }, rows) */ }
/// }
///
/// impl PartialSchema for AffiliateSettings { fn schema() -> RefOr<Schema> { … } }
/// impl ToSchema for AffiliateSettings {}
///
/// impl Settings for AffiliateSettings { // only `as` an area
///     const AREA: &'static str = "affiliate";
///     fn fields() -> &'static [FieldInfo] { /* the rows, made once */ }
/// }
/// ```
#[macro_export]
macro_rules! settings {
    (@limits $type:ty) => { <$type as $crate::settings::SettingValue>::limits() };
    (@limits $type:ty, $limits:expr) => { $limits };
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $(as $area:literal)? $(, check with $across:path)? {
            $($field:ident: $type:ty = $default:expr, $(in $limits:expr,)? $(unit $unit:literal,)? $(note $note:literal,)?
                $effect:literal $(, from $from:literal)?;)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        $vis struct $name {
            $(
                #[doc = $effect]
                #[serde(with = "kernel::settings")]
                pub $field: $type,
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $crate::settings::SettingValue for $name {
            type Limits = ();

            fn limits() {}

            fn write<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                serde::Serialize::serialize(self, to)
            }

            fn read<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                serde::Deserialize::deserialize(from)
            }

            fn judge((): &(), value: &mut serde_json::Value, checks: &mut $crate::settings::Checks) {
                $(if let Some(field) = value.get_mut(stringify!($field)) {
                    let limits = $crate::settings!(@limits $type $(, $limits)?);
                    checks.within(stringify!($field), |checks| {
                        <$type as $crate::settings::SettingValue>::judge(&limits, field, checks);
                    });
                })*
            }

            fn check(&self, (): &(), checks: &mut $crate::settings::Checks) {
                $(checks.within(stringify!($field), |checks| {
                    let limits = $crate::settings!(@limits $type $(, $limits)?);
                    <$type as $crate::settings::SettingValue>::check(&self.$field, &limits, checks);
                });)*
                $($across(self, checks);)?
            }

            fn schema((): &()) -> serde_json::Value {
                let default = Self::default();
                let mut fields = serde_json::Map::new();
                $({
                    let limits = $crate::settings!(@limits $type $(, $limits)?);
                    let about = $crate::settings::FieldInfo {
                        unit: concat!("", $($unit)?),
                        range: concat!("", $($note)?).to_owned(),
                        effect: $effect,
                        from_when: concat!("", $($from)?),
                        ..Default::default()
                    };
                    let schema = <$type as $crate::settings::SettingValue>::schema(&limits);
                    let written = $crate::settings::document(&default.$field);
                    fields.insert(stringify!($field).to_owned(), $crate::settings::described(schema, &about, written));
                })*
                let required = [$(stringify!($field)),*];
                serde_json::json!({
                    "type": "object", "required": required, "properties": fields, "additionalProperties": false,
                })
            }

            fn range((): &()) -> String {
                let ranges = [$({
                    let limits = $crate::settings!(@limits $type $(, $limits)?);
                    (stringify!($field), <$type as $crate::settings::SettingValue>::range(&limits))
                }),*];
                let ranges = ranges.iter().filter(|(_, range)| !range.is_empty());
                ranges.map(|(field, range)| format!("`{field}` {range}")).collect::<Vec<_>>().join("; ")
            }

            fn describe(
                &self,
                (): &(),
                group: $crate::settings::FieldInfo,
                rows: &mut Vec<$crate::settings::FieldInfo>,
            ) {
                let name = |field: &str| match group.name.as_str() {
                    "" => field.to_owned(),
                    group => format!("{group}.{field}"),
                };
                $({
                    let limits = $crate::settings!(@limits $type $(, $limits)?);
                    let row = $crate::settings::FieldInfo {
                        name: name(stringify!($field)),
                        unit: concat!("", $($unit)?),
                        default: String::new(),
                        range: concat!("", $($note)?).to_owned(),
                        effect: $effect,
                        from_when: concat!("", $($from)?),
                    };
                    <$type as $crate::settings::SettingValue>::describe(&self.$field, &limits, row, rows);
                })*
            }
        }

        impl $crate::settings::PartialSchema for $name {
            fn schema() -> $crate::settings::RefOr<$crate::settings::Schema> {
                $crate::settings::open_api(<Self as $crate::settings::SettingValue>::schema(&()))
            }
        }

        impl $crate::settings::ToSchema for $name {}

        $(impl $crate::settings::Settings for $name {
            const AREA: &'static str = $area;

            fn fields() -> &'static [$crate::settings::FieldInfo] {
                static FIELDS: std::sync::LazyLock<Vec<$crate::settings::FieldInfo>> = std::sync::LazyLock::new(|| {
                    let mut rows = Vec::new();
                    let all = $crate::settings::FieldInfo::default();
                    $crate::settings::SettingValue::describe(&$name::default(), &(), all, &mut rows);
                    rows
                });
                &FIELDS
            }
        })?
    };
}

#[cfg(test)]
mod tests;
