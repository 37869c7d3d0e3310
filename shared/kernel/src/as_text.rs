//! Values that are written as one text and parsed from it.

/// Serializes a type as its `Display` and reads it by its `parse(&str) -> Option<Self>`; the second word is the error of other texts.
///
/// ```
/// # use std::fmt;
/// #[derive(Debug, PartialEq)]
/// struct Even(u32);
///
/// impl Even {
///     fn parse(text: &str) -> Option<Self> {
///         text.parse().ok().filter(|number: &u32| number.is_multiple_of(2)).map(Self)
///     }
/// }
/// # impl fmt::Display for Even {
/// #     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
/// # }
///
/// kernel::as_text!(Even, "not an even number");
///
/// assert_eq!(serde_json::to_string(&Even(4)).unwrap(), r#""4""#);
/// assert_eq!(serde_json::from_str::<Even>(r#""4""#).unwrap(), Even(4));
/// assert!(serde_json::from_str::<Even>(r#""5""#).is_err());
/// ```
#[macro_export]
macro_rules! as_text {
    ($type:ty, $wrong:expr) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(from)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom($wrong))
            }
        }
    };
}
