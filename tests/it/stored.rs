//! Compatibility of stored data: golden items, messages and provider events still decode.
//!
//! `stored/items/{type}.json` holds items of a type as stored. Each must decode, and encode to the same item.
//! `stored/items/{type}.{anything}.json` holds items of an older form: they must decode, and mean the same when encoded in
//! today's form. `stored/messages/{kind}.json` holds bodies as queued.
//!
//! - A new entity or message: add its creation to `fixtures.rs` (a rare item to [`rare`], a message to [`messages`]), and run
//!   `GUERDON_WRITE_GOLDEN=1 cargo test -p tests --test it stored`. It writes the missing files and changes no other.
//! - A new form of a stored entity: rename its file to `{type}.1.json`, then run the same. If the old form was never
//!   released, delete the file instead.

mod facts;
mod messages;
mod rare;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::OnceLock;

use aws_sdk_dynamodb::types::AttributeValue;
use rust_decimal::Decimal;
use serde_json::Value;
use shared::kernel::fault::Fault;
use shared::table::item::{Item, integer, numbers, text};
use shared::table::json::item;

use crate::env::wished;
use crate::fixtures::scene;

/// Decodes an item and encodes it again.
pub type Rewrite = fn(Item) -> Result<Item, Fault>;

/// Counters are plain numbers; only their decoding can fail.
fn counters(item: Item) -> Result<Item, Fault> {
    numbers(&item).map(|_| item)
}

/// Every type of item.
pub fn entities() -> Vec<(&'static str, Rewrite)> {
    let declared = shared::records().map(|record| (record.kind, record.rewrite));
    declared.chain([("statistics", counters as Rewrite), ("try", counters)]).collect()
}

/// Attributes derived from the entity: keys, index entries, expiry.
/// If an entity's field is missing they may differ; the auditor reports that (D2, D3).
const DERIVED: [&str; 9] = ["pk", "sk", "gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk", "gsi3pk", "gsi3sk", "ttl"];

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("it/stored").join(name)
}

/// Golden files of a folder: names without `.json`, and contents.
pub fn golden(name: &str) -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(folder(name)).unwrap().map(|file| file.unwrap().path());
    let read = |path: PathBuf| {
        let value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), value)
    };
    files.map(read).collect()
}

/// Writes a missing golden file if `GUERDON_WRITE_GOLDEN` is set.
fn write(folder_name: &str, name: &str, value: &Value) {
    assert!(
        wished::<u8>("GUERDON_WRITE_GOLDEN") == Some(1),
        "{folder_name}/{name}.json is missing: see the head of stored.rs"
    );
    let text = serde_json::to_string_pretty(value).unwrap() + "\n";
    std::fs::write(folder(folder_name).join(format!("{name}.json")), text).unwrap();
}

/// File of items: its name, its entity's codec, the items.
type Golden = (String, Rewrite, Vec<Item>);

/// Golden files of items; missing ones are made from the scene.
fn golden_items() -> &'static [Golden] {
    static GOLDEN: OnceLock<Vec<Golden>> = OnceLock::new();
    GOLDEN.get_or_init(|| {
        let kept = golden("items");
        for (kind, _) in entities().into_iter().filter(|(kind, _)| !kept.contains_key(*kind)) {
            write("items", kind, &Value::Array(examples(kind)));
        }
        let read = |(name, value): (String, Value)| {
            let kind = name.split('.').next();
            let noun = entities().into_iter().find(|noun| Some(noun.0) == kind);
            let items = value.as_array().unwrap().iter().map(|json| item(json).unwrap()).collect();
            (name.clone(), noun.unwrap_or_else(|| panic!("there is no noun {name}")).1, items)
        };
        golden("items").into_iter().map(read).collect()
    })
}

/// Golden files without counters, which have no fields of their own.
fn golden_nouns() -> impl Iterator<Item = &'static Golden> {
    golden_items().iter().filter(|(name, ..)| !matches!(name.as_str(), "statistics" | "try"))
}

/// A few items of a type that together have every field: the fullest, its complements, the barest.
fn examples(kind: &str) -> Vec<Value> {
    let rare = rare::items();
    let mut items: Vec<&Value> = scene().items.iter().chain(&rare).filter(|item| item["type"]["S"] == *kind).collect();
    assert!(!items.is_empty(), "the scene has no {kind}: add what makes one to scene.rs");
    items.sort_by_key(|item| (std::cmp::Reverse(paths(item, "").len()), item.to_string()));
    let mut known = BTreeSet::new();
    let barest =
        items.pop().filter(|last| items.first().is_none_or(|full| paths(full, "").len() > paths(last, "").len()));
    let mut chosen: Vec<Value> = Vec::new();
    for item in items.iter().chain(barest.iter()) {
        let paths = paths(item, "");
        if chosen.len() < 8 && (barest == Some(item) || !paths.is_subset(&known)) {
            known.extend(paths);
            chosen.push((*item).clone());
        }
    }
    chosen
}

fn paths(item: &Value, under: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (name, value) in item.as_object().into_iter().flatten() {
        let path = format!("{under}/{name}");
        if value["M"].is_object() {
            all.extend(paths(&value["M"], &path));
        }
        all.insert(path);
    }
    all
}

/// An item with canonical numbers, without the `left_out` fields.
fn plain(item: &Item, left_out: &[&str]) -> BTreeMap<String, String> {
    let kept = item.iter().filter(|(name, _)| !left_out.contains(&name.as_str()));
    kept.map(|(name, value)| (name.clone(), shown(value))).collect()
}

fn shown(value: &AttributeValue) -> String {
    match value {
        AttributeValue::N(digits) => Decimal::from_str_exact(digits).unwrap().normalize().to_string(),
        AttributeValue::L(list) => format!("{:?}", list.iter().map(shown).collect::<Vec<_>>()),
        AttributeValue::M(map) => format!("{:?}", plain(map, &[])),
        other => format!("{other:?}"),
    }
}

#[test]
fn every_type_of_item_is_golden() {
    let kinds: BTreeSet<&str> = entities().iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds.len(), entities().len(), "two entities of one type name");
    assert!(golden_items().len() >= kinds.len());
}

#[test]
fn golden_items_decode_and_encode_to_the_same() {
    for (name, again, items) in golden_items() {
        assert!(!items.is_empty(), "{name}");
        for item in items {
            let written = again(item.clone()).unwrap_or_else(|fault| panic!("{name}: {fault}"));
            if name.contains('.') {
                assert_eq!(plain(&again(written.clone()).unwrap(), &[]), plain(&written, &[]), "{name}");
            } else {
                assert_eq!(plain(&written, &[]), plain(item, &[]), "{name}: another form? see the head of stored.rs");
            }
        }
    }
}

/// faults.md, storage: an unknown version, type or revision is a typed fault.
#[test]
fn an_item_of_another_version_is_a_typed_fault() {
    for (name, again, items) in golden_nouns() {
        let version = integer(&items[0], "v").unwrap();
        for (field, value) in [
            ("v", Some(AttributeValue::N((version + 1).to_string()))),
            ("v", None),
            ("rev", None),
            ("rev", Some(AttributeValue::N("9".repeat(39)))),
            ("type", None),
            ("type", Some(AttributeValue::S("mystery".to_owned()))),
        ] {
            let mut item = items[0].clone();
            match value {
                Some(value) => item.insert(field.to_owned(), value),
                None => item.remove(field),
            };
            is_typed(name, field, again(item));
        }
    }
}

/// faults.md, storage: a missing field is a typed fault, or a valid absence.
/// Its value is never made up.
#[test]
fn a_missing_field_is_never_made_up() {
    for (name, again, items) in golden_nouns() {
        let mut faults = 0;
        for item in items {
            for (field, less) in lacking(item).into_iter().filter(|(field, _)| !is_own(field)) {
                match again(less.clone()) {
                    Ok(written) => {
                        assert_eq!(plain(&written, &DERIVED), plain(&less, &DERIVED), "{name} makes up its {field}");
                    }
                    fault => {
                        is_typed(name, &field, fault);
                        faults += 1;
                    }
                }
            }
        }
        assert!(faults > 0, "no field of {name} is needed");
    }
}

/// The item without each of its fields in turn, nested ones included.
fn lacking(item: &Item) -> Vec<(String, Item)> {
    let mut all = Vec::new();
    for (name, value) in item {
        let mut less = item.clone();
        less.remove(name);
        all.push((name.clone(), less));
        // An empty map can't lose a field.
        let within = value.as_m().map(lacking).unwrap_or_default();
        for (inner, less) in within.into_iter().filter(|(_, less)| !less.is_empty()) {
            let mut changed = item.clone();
            changed.insert(name.clone(), AttributeValue::M(less));
            all.push((format!("{name}.{inner}"), changed));
        }
    }
    all
}

/// faults.md, storage: a number of 39 digits is a typed fault in any field.
#[test]
fn a_number_of_39_digits_is_a_typed_fault() {
    for (name, again, items) in golden_items() {
        for item in items {
            for field in item.keys().filter(|field| !is_own(field)) {
                let mut places = 0;
                numbers_in(&mut item[field].clone(), &mut places, None);
                for place in 0..places {
                    let mut huge = item.clone();
                    numbers_in(huge.get_mut(field).unwrap(), &mut 0, Some(place));
                    is_typed(name, field, again(huge));
                }
            }
        }
    }
}

/// Counts the numbers in a value, and makes the `target`-th one huge.
fn numbers_in(value: &mut AttributeValue, seen: &mut usize, target: Option<usize>) {
    match value {
        AttributeValue::N(digits) => {
            if Some(*seen) == target {
                *digits = "9".repeat(39);
            }
            *seen += 1;
        }
        AttributeValue::L(list) => list.iter_mut().for_each(|value| numbers_in(value, seen, target)),
        AttributeValue::M(map) => {
            // Sort the map's names, so that counting and changing visit the same numbers.
            let mut names: Vec<String> = map.keys().cloned().collect();
            names.sort();
            for name in names {
                numbers_in(map.get_mut(&name).unwrap(), seen, target);
            }
        }
        _ => {}
    }
}

fn is_own(field: &str) -> bool {
    DERIVED.contains(&field) || ["type", "v", "rev", "tx"].contains(&field)
}

#[track_caller]
fn is_typed(name: &str, field: &str, read: Result<Item, Fault>) {
    assert!(matches!(read, Err(Fault::Item { .. })), "{name} with a damaged {field} is read as {read:?}");
}

/// A golden item has the type of its file.
#[test]
fn golden_items_are_of_the_type_of_their_file() {
    for (name, _, items) in golden_items() {
        for item in items {
            assert_eq!(text(item, "type"), name.split('.').next(), "{name}");
        }
    }
}
