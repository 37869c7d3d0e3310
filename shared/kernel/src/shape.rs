//! Shapes of JSON: which field is missing, unknown or of another type, and what would be right.

use serde_json::Value;
use serde_path_to_error::{Error, Path, Segment};

use crate::refusal::FieldError;

/// The field that did not decode, by its JSON pointer.
pub fn field_error(error: &Error<serde_json::Error>) -> FieldError {
    let text = error.inner().to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let at = pointer(error.path());
    let named = |after: &str| text.strip_prefix(after)?.split('`').next();
    if let Some(name) = named("missing field `") {
        return FieldError::new(below(&at, name), "missing", "The field is required.");
    }
    if let Some(name) = named("duplicate field `") {
        return FieldError::new(below(&at, name), "duplicate", "The field is there more than once.");
    }
    let right = text.split_once(", expected ").map(|(_, right)| right.replace("one of ", ""));
    if let Some(name) = named("unknown field `") {
        let known = right
            .map_or("There are no fields.".to_owned(), |right| format!("There is no such field; known are {right}."));
        return FieldError::new(below(&at, name), "unknown", known);
    }
    match right {
        Some(right) if text.starts_with("unknown variant") => {
            FieldError::new(at, "unknown", format!("One of {right}."))
        }
        Some(right) if text.starts_with("invalid type") => {
            FieldError::new(at, "wrong_type", format!("Expected {right}."))
        }
        Some(right) => FieldError::new(at, "invalid", format!("Expected {right}.")),
        None => FieldError::new(at, "invalid", text.to_owned()),
    }
}

/// Differences in shape between a document and the form that it is written in: missing and unknown fields, and other types. A
/// field that is written as null may be left out.
pub fn differences(given: &Value, written: &Value, at: &str, found: &mut Vec<FieldError>) {
    match (given, written) {
        (Value::Object(given), Value::Object(written)) => {
            for (name, value) in given {
                match written.get(name) {
                    Some(written) => differences(value, written, &below(at, name), found),
                    None => found.push(FieldError::new(below(at, name), "unknown", "There is no such field.")),
                }
            }
            let missing = written.iter().filter(|(name, value)| !value.is_null() && !given.contains_key(*name));
            let detail = "The field is required; the whole document is sent.";
            found.extend(missing.map(|(name, _)| FieldError::new(below(at, name), "missing", detail)));
        }
        (Value::Array(given), Value::Array(written)) => {
            for (index, (given, written)) in given.iter().zip(written).enumerate() {
                differences(given, written, &format!("{at}/{index}"), found);
            }
        }
        (_, Value::Object(_)) => found.push(FieldError::new(at, "wrong_type", "Expected an object.")),
        (_, Value::Array(_)) => found.push(FieldError::new(at, "wrong_type", "Expected a list.")),
        (Value::Object(_) | Value::Array(_), _) => {
            found.push(FieldError::new(at, "wrong_type", "Expected one value."));
        }
        _ => {}
    }
}

fn pointer(path: &Path) -> String {
    path.iter().fold(String::new(), |at, segment| match segment {
        Segment::Seq { index } => format!("{at}/{index}"),
        Segment::Map { key } => below(&at, key),
        Segment::Enum { .. } | Segment::Unknown => at,
    })
}

/// The pointer of a field of the value at `at`; the field may be the last part already.
fn below(at: &str, name: &str) -> String {
    let part = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    format!("{}{part}", at.strip_suffix(part.as_str()).unwrap_or(at))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "read only")]
    struct Outer {
        name: String,
        items: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "read only")]
    struct Inner {
        count: u32,
    }

    fn found(text: &str) -> (String, &'static str, String) {
        let mut text = serde_json::Deserializer::from_str(text);
        let error = serde_path_to_error::deserialize::<_, Outer>(&mut text).unwrap_err();
        let FieldError { pointer, code, detail } = field_error(&error);
        (pointer, code, detail)
    }

    #[test]
    fn a_field_that_does_not_decode_is_named_with_what_would_be_right() {
        let is = |text: &str, pointer: &str, code: &str, detail: &str| {
            let (at, found, said) = found(text);
            assert_eq!((at.as_str(), found), (pointer, code), "{text}: {said}");
            assert!(said.contains(detail), "{text}: {said}");
        };
        is(r#"{"items": []}"#, "/name", "missing", "required");
        is(r#"{"name": 1, "items": []}"#, "/name", "wrong_type", "a string");
        is(r#"{"name": "x", "items": [{"count": 1}, {}]}"#, "/items/1/count", "missing", "required");
        is(r#"{"name": "x", "items": [{"count": "1"}]}"#, "/items/0/count", "wrong_type", "u32");
        is(r#"{"name": "x", "items": [{"count": -1}]}"#, "/items/0/count", "invalid", "u32");
        is(r#"{"name": "x", "items": [{"count": 1, "name": 2}]}"#, "/items/0/name", "unknown", "count");
        is(r#"{"name": "x", "name": "y", "items": []}"#, "/name", "duplicate", "more than once");
        is(r#"{"name": "x", "items": [], "a/b": 2}"#, "/a~1b", "unknown", "`name` or `items`");
        is("[]", "", "invalid", "struct Outer");
    }

    #[test]
    fn a_partial_document_names_everything_that_is_missing() {
        let mut all = Vec::new();
        let whole = json!({"a": 1, "b": {"c": 1}, "d": null, "e": [{"f": 1}]});
        differences(&json!({"b": {"x": 1}, "e": [{}]}), &whole, "", &mut all);
        let named: Vec<(&str, &str)> = all.iter().map(|error| (error.pointer.as_str(), error.code)).collect();
        let expected = [("/b/x", "unknown"), ("/b/c", "missing"), ("/e/0/f", "missing"), ("/a", "missing")];
        assert_eq!(named, expected);
    }
}
