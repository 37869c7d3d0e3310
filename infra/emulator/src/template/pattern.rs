//! Patterns of EventBridge rules, as far as the template uses them: exact texts, and prefixes. Any other operator is refused.

use serde_json::Value;

use super::{Result, missing};

/// Pattern of a rule: a path of fields, and the texts of which one must be there.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern(Vec<(String, Vec<Wanted>)>);

#[derive(Debug, Clone, PartialEq)]
enum Wanted {
    Text(String),
    Prefix(String),
}

impl Pattern {
    /// Reads a resolved pattern.
    ///
    /// # Errors
    /// Fails on an operator that is not known here.
    pub fn read(pattern: &Value) -> Result<Self> {
        let mut fields = Vec::new();
        collect("", pattern, &mut fields)?;
        Ok(Self(fields))
    }

    /// Tests whether the rule takes an event.
    pub fn takes(&self, event: &Value) -> bool {
        self.0.iter().all(|(at, wanted)| {
            let found =
                event.pointer(at).map(|found| found.as_array().map_or(std::slice::from_ref(found), Vec::as_slice));
            // Of a list in the event, one value is enough.
            let found = found.into_iter().flatten().filter_map(Value::as_str);
            found.into_iter().any(|found| wanted.iter().any(|wanted| wanted.is(found)))
        })
    }
}

impl Wanted {
    fn read(value: &Value) -> Result<Self> {
        if let Some(text) = value.as_str() {
            return Ok(Self::Text(text.to_owned()));
        }
        let only = value.as_object().filter(|operators| operators.len() == 1);
        let prefix = only.and_then(|operators| operators.get("prefix")).and_then(Value::as_str);
        prefix.map(|prefix| Self::Prefix(prefix.to_owned())).ok_or_else(|| missing(format!("a matcher for {value}")))
    }

    fn is(&self, found: &str) -> bool {
        match self {
            Self::Text(text) => text == found,
            Self::Prefix(prefix) => found.starts_with(prefix.as_str()),
        }
    }
}

fn collect(at: &str, pattern: &Value, fields: &mut Vec<(String, Vec<Wanted>)>) -> Result<()> {
    match pattern {
        Value::Object(parts) => {
            for (name, part) in parts {
                if name.starts_with('$') {
                    return Err(missing(format!("a matcher for {name}")));
                }
                collect(&format!("{at}/{name}"), part, fields)?;
            }
            Ok(())
        }
        Value::Array(wanted) => {
            fields.push((at.to_owned(), wanted.iter().map(Wanted::read).collect::<Result<_>>()?));
            Ok(())
        }
        other => Err(missing(format!("a list in place of {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pattern_takes_what_has_each_of_its_fields() {
        let pattern = json!({"source": ["aws.cloudwatch"], "detail": {"alarmName": ["Own", {"prefix": "guerdon-"}]}});
        let pattern = Pattern::read(&pattern).unwrap();
        let event = |source: &str, name: &str| json!({"source": source, "detail": {"alarmName": name, "more": 1}});
        assert!(
            pattern.takes(&event("aws.cloudwatch", "guerdon-ApiFails-1"))
                && pattern.takes(&event("aws.cloudwatch", "Own"))
        );
        for (source, name) in [("aws.ses", "guerdon-a"), ("aws.cloudwatch", "other"), ("aws.cloudwatch", "guerdon")] {
            assert!(!pattern.takes(&event(source, name)), "{source} {name}");
        }
        assert!(!pattern.takes(&json!({"source": "aws.cloudwatch"})));
    }

    #[test]
    fn an_operator_that_is_not_known_is_refused() {
        for unknown in [
            json!({"source": [{"suffix": "x"}]}),
            json!({"source": [{"prefix": {"equals-ignore-case": "x"}}]}),
            json!({"source": [{"prefix": "a", "suffix": "b"}]}),
            json!({"source": "aws.ses"}),
            json!({"source": [null]}),
            json!({"$or": [{"source": ["a"]}]}),
        ] {
            assert!(Pattern::read(&unknown).is_err(), "{unknown}");
        }
    }
}
