//! Conversion of entities to items and back.
//!
//! An entity goes through its serde form. Integers become numbers (`N`). Money becomes a map from its currency to its amount, a
//! number with the exact decimal digits: `{"CNY": 100}`. This form is short, since cost follows item size and users and journal
//! entries hold many amounts. All other values keep their JSON type; floats are rejected. Reading is strict: an unknown version,
//! a missing field or a number that does not fit is a typed fault, never a default (faults.md, Storage). Attributes that are
//! unknown to this version of the code survive a rewrite.

use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Number, Value};

use crate::key::Key;
use kernel::fault::Fault;

/// An item in DynamoDB.
pub type Item = HashMap<String, AttributeValue>;

/// Attributes of the storage layer, not of the entity.
const OWN: [&str; 13] =
    ["pk", "sk", "type", "v", "rev", "tx", "ttl", "gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk", "gsi3pk", "gsi3sk"];

/// Stored entity: type name, key and index entries.
pub trait Entity: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Value of the item's `type` attribute.
    const TYPE: &'static str;
    /// Value of the item's `v` attribute; readers reject a higher version.
    const VERSION: i64 = 1;

    /// Primary key.
    fn own_key(&self) -> Key<Self>;

    /// Index entries in the current state.
    fn indexes(&self) -> Indexes {
        Indexes::default()
    }

    /// Expiry time for deletion by the database. Never set for a guard of a business effect.
    fn time_to_live(&self) -> Option<Timestamp> {
        None
    }
}

/// Entries in the three indexes: partition and sort key each.
#[derive(Debug, Clone, Default)]
pub struct Indexes {
    /// Entry in an owner's list.
    pub owner: Option<(String, String)>,
    /// Entry in a platform list, by month.
    pub platform: Option<(String, String)>,
    /// Entry in a due-time list.
    pub due: Option<(String, String)>,
}

/// An entity as it was read, with the revision for a later conditional write.
#[derive(Debug, Clone)]
pub struct Versioned<T> {
    value: T,
    rev: i64,
    raw: Item,
}

impl<T> Deref for Versioned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Entity> Versioned<T> {
    /// Decodes an item.
    ///
    /// # Errors
    /// [`Fault::Item`] for another type, a newer version, or a field that is missing or does not fit.
    pub fn read(raw: Item) -> Result<Self, Fault> {
        let (fields, rev) = opened(&raw, T::TYPE, T::VERSION)?;
        let value =
            serde_json::from_value(Value::Object(fields)).map_err(|error| Fault::item(describe(&raw), error))?;
        Ok(Self { value, rev, raw })
    }

    /// Revision that a conditional write requires.
    pub fn rev(&self) -> i64 {
        self.rev
    }

    /// The entity without its revision.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Id of the transaction that last wrote it.
    pub fn written_by(&self) -> Option<&str> {
        text(&self.raw, "tx")
    }

    /// Item that replaces this one: the new fields, plus attributes unknown to this code.
    pub(super) fn rewritten(&self, after: &T, tx: &str) -> Result<Item, Fault> {
        let next = self.rev.checked_add(1).ok_or_else(|| Fault::bug("revision overflow"))?;
        let mut item = fresh(after, tx, next)?;
        keep_unknown(&self.raw, &fields(&self.value)?, &mut item);
        Ok(item)
    }
}

// What does not depend on the type of the entity stands in functions of its own: each is linked once, not once for each type.

/// Fields and revision of an item of type `kind`, in a version up to `newest`.
fn opened(raw: &Item, kind: &str, newest: i64) -> Result<(Map<String, Value>, i64), Fault> {
    let bad = |why: String| Fault::item(describe(raw), why);
    let found = text(raw, "type").ok_or_else(|| bad("no type".into()))?;
    if found != kind {
        return Err(bad(format!("is a {found}, not a {kind}")));
    }
    let version = integer(raw, "v").ok_or_else(|| bad("no version".into()))?;
    if version > newest {
        return Err(bad(format!("version {version} is newer than this code")));
    }
    let rev = integer(raw, "rev").ok_or_else(|| bad("no revision".into()))?;
    let mut fields = Map::new();
    for (name, value) in raw {
        if !is_own(name) {
            fields.insert(name.clone(), to_json(value).map_err(|why| bad(format!("{name}: {why}")))?);
        }
    }
    Ok((fields, rev))
}

/// Copies the attributes of `raw` that are not among the `known` fields and that `item` does not have.
fn keep_unknown(raw: &Item, known: &Map<String, Value>, item: &mut Item) {
    for (name, value) in raw {
        if !is_own(name) && !known.contains_key(name) && !item.contains_key(name) {
            item.insert(name.clone(), value.clone());
        }
    }
}

/// Copies of entities as read, to be changed.
pub fn values<I: Ord + Copy, T: Clone>(read: &BTreeMap<I, Versioned<T>>) -> BTreeMap<I, T> {
    read.iter().map(|(id, found)| (*id, T::clone(found))).collect()
}

/// Item of an entity as transaction `tx` writes it, with revision `rev`.
///
/// # Errors
/// [`Fault::Bug`] for an entity that contains a float or a field with a reserved name.
pub fn fresh<T: Entity>(noun: &T, tx: &str, rev: i64) -> Result<Item, Fault> {
    let Key { pk, sk, .. } = noun.own_key();
    let mut item = attributes(fields(noun)?)?;
    add_own(&mut item, [("pk", pk), ("sk", sk), ("type", T::TYPE.to_owned()), ("tx", tx.to_owned())], noun.indexes());
    item.insert("v".into(), AttributeValue::N(T::VERSION.to_string()));
    item.insert("rev".into(), AttributeValue::N(rev.to_string()));
    if let Some(at) = noun.time_to_live() {
        item.insert("ttl".into(), AttributeValue::N(at.as_second().to_string()));
    }
    Ok(item)
}

fn attributes(fields: Map<String, Value>) -> Result<Item, Fault> {
    let mut item = Item::with_capacity(fields.len() + OWN.len());
    for (name, value) in fields {
        if let Some(value) = to_attribute(value).map_err(|why| Fault::bug(format!("{name}: {why}")))? {
            item.insert(name, value);
        }
    }
    Ok(item)
}

/// Adds the storage's own texts, those of the indexes included.
fn add_own(item: &mut Item, texts: [(&str, String); 4], indexes: Indexes) {
    let mut put = |name: &str, value: String| item.insert(name.to_owned(), AttributeValue::S(value));
    for (name, value) in texts {
        put(name, value);
    }
    for (names, entry) in [
        (["gsi1pk", "gsi1sk"], indexes.owner),
        (["gsi2pk", "gsi2sk"], indexes.platform),
        (["gsi3pk", "gsi3sk"], indexes.due),
    ] {
        if let Some((pk, sk)) = entry {
            put(names[0], pk);
            put(names[1], sk);
        }
    }
}

fn fields<T: Serialize>(noun: &T) -> Result<Map<String, Value>, Fault> {
    object(serde_json::to_value(noun))
}

fn object(noun: serde_json::Result<Value>) -> Result<Map<String, Value>, Fault> {
    match noun {
        Ok(Value::Object(fields)) => match fields.keys().find(|name| is_own(name)) {
            Some(name) => Err(Fault::bug(format!("field {name} belongs to the storage"))),
            None => Ok(fields),
        },
        Ok(_) => Err(Fault::bug("a stored noun must be an object")),
        Err(error) => Err(Fault::bug(error)),
    }
}

fn is_own(name: &str) -> bool {
    OWN.contains(&name)
}

/// `pk/sk` of an item, for a fault's context.
pub fn describe(item: &Item) -> String {
    format!("{}/{}", text(item, "pk").unwrap_or("?"), text(item, "sk").unwrap_or("?"))
}

/// A string attribute.
pub fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// An integer attribute.
pub fn integer(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// The counters of an item that [`crate::tx::Tx::count`] writes.
///
/// # Errors
/// [`Fault::Item`] when a counter does not fit.
pub fn numbers(item: &Item) -> Result<BTreeMap<String, Decimal>, Fault> {
    let mut numbers = BTreeMap::new();
    for (name, value) in item {
        if let (AttributeValue::N(digits), false) = (value, is_own(name)) {
            let number = Decimal::from_str_exact(digits);
            let bad = |_| Fault::item(describe(item), format!("{name} counts {digits}"));
            numbers.insert(name.clone(), number.map_err(bad)?);
        }
    }
    Ok(numbers)
}

fn is_currency(name: &str) -> bool {
    name.len() == 3 && name.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Amount and currency of a JSON money object, which has no other fields.
fn money(object: &Map<String, Value>) -> Option<(&str, &str)> {
    let (amount, currency) = (object.get("amount")?.as_str()?, object.get("currency")?.as_str()?);
    (object.len() == 2 && is_currency(currency)).then_some((amount, currency))
}

/// Amount and currency of stored money.
fn stored_money(map: &Item) -> Option<(&str, &str)> {
    let (currency, amount) = map.iter().next().filter(|_| map.len() == 1)?;
    is_currency(currency).then_some((amount.as_n().ok()?, currency))
}

/// Attribute of a JSON value; `None` for null, which is stored as absence.
fn to_attribute(value: Value) -> Result<Option<AttributeValue>, String> {
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Bool(bool) => AttributeValue::Bool(bool),
        Value::String(text) => AttributeValue::S(text),
        Value::Number(number) if number.is_i64() || number.is_u64() => AttributeValue::N(number.to_string()),
        Value::Number(_) => return Err("a float is never stored".into()),
        Value::Array(list) => {
            let list: Result<Vec<_>, String> = list.into_iter().map(to_attribute).collect();
            AttributeValue::L(list?.into_iter().flatten().collect())
        }
        Value::Object(object) => {
            if let Some((amount, currency)) = money(&object) {
                return Ok(Some(AttributeValue::M(
                    [(currency.to_owned(), AttributeValue::N(amount.to_owned()))].into(),
                )));
            }
            let mut map = HashMap::new();
            for (name, value) in object {
                if let Some(value) = to_attribute(value)? {
                    map.insert(name, value);
                }
            }
            if stored_money(&map).is_some() {
                return Err("what is no money would be read as money".into());
            }
            AttributeValue::M(map)
        }
    }))
}

fn to_json(value: &AttributeValue) -> Result<Value, String> {
    Ok(match value {
        AttributeValue::S(text) => Value::String(text.clone()),
        AttributeValue::Bool(bool) => Value::Bool(*bool),
        AttributeValue::N(digits) => {
            let number = digits.parse::<i64>().map(Number::from).or_else(|_| digits.parse::<u64>().map(Number::from));
            Value::Number(number.map_err(|_| format!("{digits} is not an integer"))?)
        }
        AttributeValue::L(list) => Value::Array(list.iter().map(to_json).collect::<Result<_, _>>()?),
        AttributeValue::M(map) => {
            if let Some((amount, currency)) = stored_money(map) {
                return Ok(serde_json::json!({"amount": amount, "currency": currency}));
            }
            let fields = map.iter().map(|(name, value)| Ok((name.clone(), to_json(value)?)));
            Value::Object(fields.collect::<Result<_, String>>()?)
        }
        other => return Err(format!("an attribute of a type that is never written: {other:?}")),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use kernel::money::{Currency, LedgerMoney};
    use rust_decimal::Decimal;
    use serde::Deserialize;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Purse {
        owner: String,
        held: LedgerMoney,
        count: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    }

    impl Entity for Purse {
        const TYPE: &'static str = "purse";
        fn own_key(&self) -> Key<Self> {
            Key::holding(format!("INVITE#{}", self.owner), "INVITE")
        }
    }

    fn purse() -> Purse {
        let amount = Decimal::from_str_exact("18.05555554").unwrap();
        let held = LedgerMoney::exact(amount, Currency::parse("USD").unwrap()).unwrap();
        Purse { owner: "ANN".into(), held, count: 3, note: None }
    }

    fn written() -> Item {
        fresh(&purse(), "t1", 1).unwrap()
    }

    /// R1.1: an amount is a number with its exact digits, under its currency.
    #[test]
    fn an_amount_is_stored_as_a_number_and_read_back_to_the_digit() {
        let item = written();
        let held = item.get("held").unwrap().as_m().unwrap();
        assert_eq!(held, &[("USD".to_owned(), AttributeValue::N("18.05555554".into()))].into());
        assert_eq!(*Versioned::<Purse>::read(item).unwrap(), purse());
    }

    /// R1.1: only money is stored in the form of money, and damaged money does not decode.
    #[test]
    fn nothing_but_money_is_stored_as_money() {
        let lookalike = to_attribute(serde_json::json!({"USD": 5}));
        assert!(lookalike.is_err(), "{lookalike:?}");
        let money = |name: &str, value| AttributeValue::M([(name.to_owned(), value)].into());
        for damaged in [
            money("USD", AttributeValue::S("5".into())),
            money("USDX", AttributeValue::N("5".into())),
            money("XYZ", AttributeValue::N("5".into())),
            money("USD", AttributeValue::N("0.123456789".into())),
            AttributeValue::M([].into()),
        ] {
            let mut item = written();
            item.insert("held".into(), damaged.clone());
            assert!(Versioned::<Purse>::read(item).is_err(), "{damaged:?}");
        }
    }

    #[test]
    fn an_item_that_does_not_fit_is_a_typed_fault() {
        let nines = "9".repeat(39);
        let damages: [(&str, Option<AttributeValue>); 5] = [
            ("count", None),
            ("count", Some(AttributeValue::N(nines))),
            ("count", Some(AttributeValue::N("1.5".into()))),
            ("v", Some(AttributeValue::N("2".into()))),
            ("type", Some(AttributeValue::S("user".into()))),
        ];
        for (name, value) in damages {
            let mut item = written();
            match value {
                Some(value) => item.insert(name.into(), value),
                None => item.remove(name),
            };
            let fault = Versioned::<Purse>::read(item).unwrap_err();
            assert!(matches!(&fault, Fault::Item { key, .. } if key == "INVITE#ANN/INVITE"), "{fault:?}");
        }
    }

    #[test]
    fn fields_that_this_code_does_not_know_survive_a_rewrite_and_removed_ones_go() {
        let mut item = fresh(&Purse { note: Some("x".into()), ..purse() }, "t1", 1).unwrap();
        item.insert("later".into(), AttributeValue::S("kept".into()));
        let stored = Versioned::<Purse>::read(item).unwrap();
        let next = stored.rewritten(&purse(), "t2").unwrap();
        assert_eq!(text(&next, "later"), Some("kept"));
        assert_eq!(text(&next, "note"), None);
        assert_eq!(integer(&next, "rev"), Some(2));
    }
}
