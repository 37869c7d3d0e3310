//! Names of form fields, which carry the place and type of a JSON value (C6.4).
//!
//! `amount` is a text, `count:int` a number, `enabled:bool` a checkbox behind a hidden `false`, `tiers[0].hours:int` a number in a
//! list, `methods[]` one more text of a list, `credit:?` left out when empty, `link_base_url:null` null when empty. One choice
//! may decide several fields: `provider/method` with `zpay/alipay` is both. `offer_id:unless=amount` is left out when the form
//! has an entry for `amount`.

use std::collections::BTreeMap;

use kernel::refusal::{FieldError, Refusal};
use serde_json::{Map, Value};

/// A part of a name: a field, a place in a list, or the end of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Place(usize),
    Push,
}

#[derive(Debug)]
enum Node {
    Leaf(Value),
    Fields(BTreeMap<String, Node>),
    Places(BTreeMap<usize, Node>),
    Pushed(Vec<Value>),
}

/// Builds the JSON object of a form's fields.
///
/// # Rejects
/// `malformed_request` for a name that occurs twice, an unknown type or a gap in a list; 422 for a number that is none.
pub fn object(fields: &[(String, String)]) -> Result<Value, Refusal> {
    let mut root = Node::Fields(BTreeMap::new());
    let mut errors = Vec::new();
    let has_entry = |wanted: &str| fields.iter().any(|(name, text)| split(name).0 == wanted && !text.is_empty());
    for (path, kind, text) in fields.iter().flat_map(|(name, text)| single(name, text)) {
        let steps = steps(path).ok_or(Refusal::MalformedRequest)?;
        let (kind, is_ruled_out) = match kind.strip_prefix("unless=") {
            Some(other) => ("?", has_entry(other)),
            None => (kind, false),
        };
        let value = match (kind, text) {
            ("?", "") => continue,
            ("?", _) if is_ruled_out => continue,
            ("null", "") => Value::Null,
            ("" | "?" | "null", text) => Value::from(text),
            ("bool", "true") => Value::Bool(true),
            ("bool", "false") => Value::Bool(false),
            ("int", text) => match text.trim().parse::<i64>() {
                Ok(number) => Value::from(number),
                Err(_) => {
                    errors.push(FieldError::new(pointer(&steps), "not_a_number", "A whole number."));
                    continue;
                }
            },
            _ => return Err(Refusal::MalformedRequest),
        };
        put(&mut root, &steps, value).ok_or(Refusal::MalformedRequest)?;
    }
    if errors.is_empty() { finish(root).ok_or(Refusal::MalformedRequest) } else { Err(Refusal::Invalid(errors)) }
}

/// Place and type of a name.
fn split(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or((name, ""))
}

/// Place, type and text of each field that an entry decides; of several, those without a text are left out.
fn single<'a>(name: &'a str, text: &'a str) -> Vec<(&'a str, &'a str, &'a str)> {
    let (path, kind) = split(name);
    if !path.contains('/') {
        return vec![(path, kind, text)];
    }
    path.split('/').zip(text.split('/')).map(|(path, text)| (path, "?", text)).collect()
}

fn pointer(steps: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Field(name) => format!("/{name}"),
        Step::Place(place) => format!("/{place}"),
        Step::Push => "/-".to_owned(),
    };
    steps.iter().map(step).collect()
}

/// Reads `tiers[0].hours` or `methods[]`.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (name, mut rest) = part.find('[').map_or((part, ""), |at| part.split_at(at));
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        steps.push(Step::Field(plain.then(|| name.to_owned())?));
        while let Some(inner) = rest.strip_prefix('[') {
            let (place, after) = inner.split_once(']')?;
            steps.push(if place.is_empty() { Step::Push } else { Step::Place(place.parse().ok()?) });
            rest = after;
        }
        if !rest.is_empty() {
            return None;
        }
    }
    (steps.len() <= 8).then_some(steps)
}

fn put(node: &mut Node, steps: &[Step], value: Value) -> Option<()> {
    let (step, rest) = steps.split_first()?;
    let empty = || match rest.first() {
        None => Node::Leaf(Value::Null),
        Some(Step::Field(_)) => Node::Fields(BTreeMap::new()),
        Some(Step::Place(_)) => Node::Places(BTreeMap::new()),
        Some(Step::Push) => Node::Pushed(Vec::new()),
    };
    let known = match (&mut *node, step) {
        (Node::Pushed(values), Step::Push) if rest.is_empty() => {
            values.push(value);
            return Some(());
        }
        (Node::Fields(fields), Step::Field(name)) => {
            let is_new = !fields.contains_key(name);
            (fields.entry(name.clone()).or_insert_with(empty), is_new)
        }
        (Node::Places(places), Step::Place(place)) => {
            let is_new = !places.contains_key(place);
            (places.entry(*place).or_insert_with(empty), is_new)
        }
        _ => return None,
    };
    match (known, rest.is_empty()) {
        ((next, _), false) => put(next, rest, value),
        // A checkbox: its hidden `false` came before it.
        ((Node::Leaf(leaf), false), true) if *leaf == Value::Bool(false) && value == Value::Bool(true) => {
            *leaf = value;
            Some(())
        }
        ((Node::Leaf(leaf), true), true) => {
            *leaf = value;
            Some(())
        }
        _ => None,
    }
}

fn finish(node: Node) -> Option<Value> {
    Some(match node {
        Node::Leaf(value) => value,
        Node::Pushed(values) => Value::Array(values),
        Node::Fields(fields) => {
            let all = fields.into_iter().map(|(name, node)| Some((name, finish(node)?)));
            Value::Object(all.collect::<Option<Map<_, _>>>()?)
        }
        Node::Places(places) => {
            let is_gapless = places.keys().copied().eq(0..places.len());
            Value::Array(places.into_values().map(finish).collect::<Option<_>>().filter(|_| is_gapless)?)
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn of(fields: &[(&str, &str)]) -> Result<Value, Refusal> {
        let owned: Vec<_> = fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        object(&owned)
    }

    /// C6.4: names carry places and types.
    #[test]
    fn a_name_says_where_its_value_stands_and_of_which_type_it_is() {
        let body = of(&[
            ("amount", "10"),
            ("count:int", "3"),
            ("enabled:bool", "false"),
            ("enabled:bool", "true"),
            ("off:bool", "false"),
            ("tiers[0].hours:int", "24"),
            ("tiers[1].hours:int", "36"),
            ("methods[]", "a"),
            ("methods[]", "b"),
            ("credit:?", ""),
            ("debit:?", "2"),
            ("base:null", ""),
            ("a.b", "x"),
        ]);
        let wanted = json!({
            "amount": "10", "count": 3, "enabled": true, "off": false, "tiers": [{"hours": 24}, {"hours": 36}],
            "methods": ["a", "b"], "debit": "2", "base": null, "a": {"b": "x"},
        });
        assert_eq!(body.unwrap(), wanted);
    }

    /// C6.4: one choice may decide two fields, and one field may rule out another.
    #[test]
    fn a_choice_decides_several_fields_and_an_entry_rules_out_another() {
        let both = of(&[("provider/method", "zpay/alipay"), ("offer_id:unless=amount", "o100"), ("amount:?", "")]);
        assert_eq!(both.unwrap(), json!({"provider": "zpay", "method": "alipay", "offer_id": "o100"}));
        let own = of(&[("provider/method", "stripe/"), ("offer_id:unless=amount", "o100"), ("amount:?", "5")]);
        assert_eq!(own.unwrap(), json!({"provider": "stripe", "amount": "5"}));
    }

    /// C6.4: anything ambiguous is malformed.
    #[test]
    fn a_name_twice_an_unknown_type_and_a_gap_are_malformed() {
        for fields in [
            &[("a", "1"), ("a", "2")][..],
            &[("a:bool", "true"), ("a:bool", "true")],
            &[("a:bool", "yes")],
            &[("a:float", "1")],
            &[("a[1]", "x")],
            &[("a[0]", "x"), ("a[]", "y")],
            &[("a[]", "x"), ("a.b", "y")],
            &[("a[x]", "y")],
            &[("a[0]b", "y")],
            &[("", "y")],
            &[("a..b", "y")],
            &[("__proto__[0][0][0][0][0][0][0][0]", "y")],
        ] {
            assert!(matches!(of(fields), Err(Refusal::MalformedRequest)), "{fields:?}");
        }
        let Err(Refusal::Invalid(errors)) = of(&[("n:int", "ten")]) else { panic!("a number that is none") };
        assert_eq!(errors.first().map(|error| error.code), Some("not_a_number"));
    }
}
