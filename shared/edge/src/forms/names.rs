//! Names of form fields, which carry the place and type of a JSON value (C6.4).
//!
//! `amount` is a text, `count:int` a number, `enabled:bool` a checkbox behind a hidden `false`, `tiers[0].hours:int` a number in a
//! list, `methods[]` one more text of a list, `credit:?` left out when empty, `link_base_url:null` null when empty. One choice
//! may decide several fields: `provider/method` with `zpay/alipay` is both. `offer_id:unless=amount` is left out when the form
//! has an entry for `amount`. `tiers:rows` marks a list whose rows can be emptied and added to: rows without an entry are left
//! out and the others close up. `channels:table` marks an object that is there even if none of its fields has an entry.
//! A row's `package_id:key` is a text that is no entry by itself, and `remove:bool-unless=cost` a switch left out beside another.
//! `codes:lines` is a list with a text per line, left out when empty; blank lines don't count.
//! `starts_at:utc` is a time in UTC, null when empty (`:utc?` left out), `traffic_bytes:gb` a number of GB as bytes, null when empty.

mod rows;

use std::collections::BTreeMap;

pub use self::rows::{entered, places};

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
    let has_entry = |wanted: &str| fields.iter().any(|(name, text)| split(name).0 == wanted && !text.trim().is_empty());
    let closed = rows::closed(fields);
    for (path, kind, text) in closed.iter().flat_map(|(name, text)| single(name, text)) {
        let steps = steps(path).ok_or(Refusal::MalformedRequest)?;
        if let "rows" | "table" = kind {
            let is_list = kind == "rows";
            let empty = if is_list { Node::Places(BTreeMap::new()) } else { Node::Fields(BTreeMap::new()) };
            begin(&mut root, &steps, empty).ok_or(Refusal::MalformedRequest)?;
            continue;
        }
        let (kind, is_ruled_out) = match kind.split_once("unless=") {
            Some(("", other)) => ("?", has_entry(other)),
            Some(("int-", other)) => ("int", has_entry(other)),
            Some(("bool-", other)) => ("bool", has_entry(other)),
            _ => (kind, false),
        };
        let value = match (kind, text) {
            _ if is_ruled_out => continue,
            ("?" | "utc?" | "lines", text) if text.trim().is_empty() => continue,
            ("null" | "utc" | "gb", "") => Value::Null,
            ("utc" | "utc?", text) => Value::from(in_utc(text)),
            ("gb", text) => match bytes(text) {
                Some(bytes) => Value::from(bytes),
                None => {
                    errors.push(FieldError::new(pointer(&steps), "not_a_number", "A number of GB."));
                    continue;
                }
            },
            ("" | "?" | "null" | "key", text) => Value::from(text),
            ("lines", text) => text.lines().map(str::trim).filter(|line| !line.is_empty()).collect(),
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

/// A time as a browser's field has it, in UTC.
fn in_utc(text: &str) -> String {
    let text = text.trim();
    match text.len() {
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        _ => text.to_owned(),
    }
}

/// Bytes of a number of GB, to the byte.
fn bytes(text: &str) -> Option<i64> {
    let (whole, rest) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = !whole.is_empty() && rest.len() <= GB_DIGITS && is_number(whole) && is_number(rest);
    fits.then(|| format!("{whole}{rest:0<GB_DIGITS$}").parse().ok()).flatten()
}

/// Digits after the point of a number of GB.
const GB_DIGITS: usize = 9;

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
        let plain =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
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

/// Makes a place for a list or an object that may stay empty; its marker comes before its entries.
fn begin(node: &mut Node, steps: &[Step], empty: Node) -> Option<()> {
    let (Node::Fields(fields), Some((Step::Field(name), rest))) = (node, steps.split_first()) else { return None };
    if !rest.is_empty() {
        return begin(fields.entry(name.clone()).or_insert_with(|| Node::Fields(BTreeMap::new())), rest, empty);
    }
    match fields.insert(name.clone(), empty) {
        None => Some(()),
        Some(_) => None,
    }
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

    /// C6.4: what people enter in their own units: times without a zone are UTC, GB become bytes.
    #[test]
    fn times_are_utc_and_gigabytes_are_bytes() {
        let body = of(&[
            ("from:utc?", "2026-12-01T08:00"),
            ("to:utc", ""),
            ("none:utc?", ""),
            ("at:utc", "2026-12-01T08:00:05Z"),
            ("traffic:gb", "1.5"),
            ("all:gb", ""),
            ("odd:gb", "0.000000001"),
            ("credit:?", "5"),
            ("quantity:int-unless=credit", "1"),
        ]);
        let wanted = json!({
            "from": "2026-12-01T08:00:00Z", "to": null, "at": "2026-12-01T08:00:05Z",
            "traffic": 1_500_000_000_i64, "all": null, "odd": 1, "credit": "5",
        });
        assert_eq!(body.unwrap(), wanted);
        for wrong in ["x", "-1", "1e3", ".5", "1.0000000001", "99999999999999"] {
            assert!(matches!(of(&[("traffic:gb", wrong)]), Err(Refusal::Invalid(_))), "{wrong}");
        }
    }

    /// C3.4: a row that was emptied is gone, one that was filled in is there, and the others close up.
    #[test]
    fn rows_without_an_entry_are_left_out_and_the_others_close_up() {
        let fields = [
            ("tiers:rows", ""),
            ("tiers[0].hours:int", "24"),
            ("tiers[0].on:bool", "false"),
            ("tiers[0].on:bool", "true"),
            ("tiers[1].hours:int", " "),
            ("tiers[1].on:bool", "false"),
            ("tiers[10].hours:int", "48"),
            ("tiers[10].on:bool", "false"),
            ("tiers[11].hours:int", ""),
            ("tiers[11].on:bool", "false"),
            ("names:rows", ""),
            ("names[0]", ""),
            ("names[1]", "b"),
            ("none:rows", ""),
            ("none[0]", ""),
            ("offers:rows", ""),
            ("offers[0].id:key", "left out"),
            ("offers[0].cost", ""),
            ("offers[1].id:key", "taken"),
            ("offers[1].cost", "5"),
            ("deep.table:table", ""),
            ("deep.table.a-b:?", ""),
        ];
        let wanted = json!({
            "tiers": [{"hours": 24, "on": true}, {"hours": 48, "on": false}], "names": ["b"], "none": [], "offers": [{"id": "taken", "cost": "5"}],
            "deep": {"table": {}},
        });
        assert_eq!(of(&fields).unwrap(), wanted);
        // What was entered is kept as it is for the page that comes again.
        let typed = [("tiers:rows", ""), ("tiers[0].hours:int", ""), ("tiers[3].hours:int", "ten"), ("n:int", "7")];
        let owned: Vec<_> = typed.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        assert_eq!(entered(&owned), json!({"tiers": [{"hours": "ten"}], "n": "7"}));
        assert!(matches!(of(&[("a:rows", ""), ("a:rows", "")]), Err(Refusal::MalformedRequest)));
        let Err(Refusal::Invalid(errors)) = of(&typed) else { panic!("a number that is none") };
        let pointer = errors.first().map(|error| error.pointer.as_str());
        assert_eq!(pointer, Some("/tiers/0/hours"), "the row as it is after closing up");
    }

    /// R8.6: a row that only says what it is about is no row; an emptied price takes its package away.
    #[test]
    fn a_row_is_there_for_its_entries_and_a_switch_for_what_is_missing() {
        let fields = [
            ("packages:rows", ""),
            ("packages[0].id:key", "a"),
            ("packages[0].cost:?", ""),
            ("packages[1].id:key", "b"),
            ("packages[1].cost:?", "5"),
            ("packages[2].id", "c"),
            ("packages[2].cost:?", " "),
            ("packages[2].remove:bool-unless=packages[2].cost", "true"),
            ("packages[3].id", "d"),
            ("packages[3].cost:?", "7"),
            ("packages[3].remove:bool-unless=packages[3].cost", "true"),
        ];
        let wanted = json!({"packages": [
            {"id": "b", "cost": "5"}, {"id": "c", "remove": true}, {"id": "d", "cost": "7"},
        ]});
        assert_eq!(of(&fields).unwrap(), wanted);
        let owned: Vec<_> = fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        assert_eq!(places(&owned, "packages"), [1, 2, 3], "as the page numbered them");
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
