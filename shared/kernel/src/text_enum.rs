//! Enums of texts: variants and their written names, declared once.

/// Declares an enum whose values are texts, on the wire and where they are stored.
///
/// ```
/// kernel::text_enum! {
///     /// A traffic light.
///     pub enum Light {
///         /// Stop.
///         Red = "red",
///         /// Go.
///         Green = "green",
///     }
/// }
///
/// assert_eq!(Light::parse("green"), Some(Light::Green));
/// assert_eq!(Light::ALL.map(Light::as_str), ["red", "green"]);
/// ```
///
/// expands to
///
/// ```text
/// #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
/// pub enum Light { Red, Green }                      // with their documentation
///
/// impl Light {
///     pub const ALL: [Self; 2] = [Self::Red, Self::Green];
///     pub const NAMES: &'static [&'static str] = &["red", "green"];
///     pub const fn as_str(self) -> &'static str { match self { Self::Red => "red", Self::Green => "green" } }
///     pub fn parse(text: &str) -> Option<Self> { match text { "red" => Some(Self::Red), … } }
/// }
///
/// impl Display for Light { … }                       // the written name
/// impl Serialize for Light { … }                     // the written name
/// impl<'de> Deserialize<'de> for Light { … }         // the written name; an unknown one lists those known
/// impl KeyPart for Light { … }                       // the written name
/// impl Identifier for Light { … }                    // in a path; an unknown one is not found
/// impl ToSchema for Light { … }                      // {"type": "string", "enum": ["red", "green"]}
/// ```
///
/// The name of the schema is the enum's, or that of `as Name`: `pub enum State as WithdrawalState { … }`.
#[macro_export]
macro_rules! text_enum {
    ($(#[$about:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $crate::text_enum! { $(#[$about])* $vis enum $name as $name { $($(#[$doc])* $variant = $text,)+ } }
    };
    ($(#[$about:meta])* $vis:vis enum $name:ident as $schema:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name {
            $($(#[$doc])* $variant,)+
        }

        #[allow(dead_code)]
        impl $name {
            /// Every value, as declared.
            pub const ALL: [Self; Self::NAMES.len()] = [$(Self::$variant),+];
            /// Every written name, as declared.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The written name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// The value of a written name.
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::text_enum::serde::Serialize for $name {
            fn serialize<S: $crate::text_enum::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> $crate::text_enum::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::text_enum::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::text_enum::deserialize(from, Self::parse, Self::NAMES)
            }
        }

        impl $crate::key_part::KeyPart for $name {
            type Part = &'static str;

            fn part(self) -> &'static str {
                self.as_str()
            }
        }

        impl $crate::id::Identifier for $name {
            fn parse(text: &str) -> Option<Self> {
                Self::parse(text)
            }

            fn schema() -> $crate::text_enum::utoipa::openapi::RefOr<$crate::text_enum::utoipa::openapi::Schema> {
                $crate::text_enum::schema(Self::NAMES)
            }

            fn expected() -> String {
                format!("One of {}.", Self::NAMES.join(", "))
            }
        }

        impl $crate::text_enum::utoipa::PartialSchema for $name {
            fn schema() -> $crate::text_enum::utoipa::openapi::RefOr<$crate::text_enum::utoipa::openapi::Schema> {
                $crate::text_enum::schema(Self::NAMES)
            }
        }

        impl $crate::text_enum::utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($schema).into()
            }
        }
    };
}

use serde::de::{Deserializer, Error};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};

#[doc(hidden)]
pub use {::serde, ::utoipa};

#[doc(hidden)]
pub fn deserialize<'de, D: Deserializer<'de>, T>(
    from: D,
    parse: fn(&str) -> Option<T>,
    names: &'static [&'static str],
) -> Result<T, D::Error> {
    let text = <String as serde::Deserialize>::deserialize(from)?;
    parse(&text).ok_or_else(|| D::Error::unknown_variant(&text, names))
}

#[doc(hidden)]
pub fn schema(names: &'static [&'static str]) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names.iter().copied())).into()
}
