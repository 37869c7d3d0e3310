//! Heat: capacity units by partition, of the table and of its indexes, counted as AWS does.
//!
//! The engine reports the units of a request as a whole. Which partition they fall to follows from the items before and after it: a
//! write is charged where its item stands, an index where the entry leaves, arrives, or changes what it holds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::contention::Spot;
use super::{Dynamo, Refused, TableSpec};

/// Units by index (`table`, `gsi1`) and partition key.
pub type Heat = BTreeMap<(String, String), Units>;

/// Units of a partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Units {
    pub write_units: u64,
    /// Read units, doubled.
    pub half_read_units: u64,
}

/// Partitions and lists that requests touched.
#[derive(Debug, Default)]
pub(super) struct Watched {
    heat: Heat,
    /// Lists that were queried.
    lists: BTreeSet<String>,
}

/// Bytes of a write unit.
const KILOBYTE: usize = 1_024;

impl Dynamo {
    /// Records from now on what requests touch. Nothing of before is kept.
    pub fn watch(&self) {
        self.state().watched = Some(Watched::default());
    }

    /// The units by partition since the last call; none if nobody watches.
    pub fn heat(&self) -> Heat {
        self.state().watched.as_mut().map(|watched| std::mem::take(&mut watched.heat)).unwrap_or_default()
    }

    /// Number of lists that were queried since [`Dynamo::watch`], however many partitions and months each has.
    pub fn lists(&self) -> usize {
        self.state().watched.as_ref().map_or(0, |watched| watched.lists.len())
    }

    /// Items at these places.
    pub(super) fn images(&self, spots: &[Option<Spot>]) -> Result<Vec<Option<Value>>, Refused> {
        let state = self.state();
        let keys = spots.iter().flatten().filter_map(|[table, pk, sk]| {
            let spec = state.tables.get(table)?;
            Some(serde_json::json!({"TableName": table, "Key": {&spec.pk: {"S": pk}, &spec.sk: {"S": sk}}}))
        });
        let keys: Vec<Value> = keys.collect();
        drop(state);
        let read = |key: Value| Ok(self.apply("GetItem", &key)?.get_mut("Item").map(Value::take));
        keys.into_iter().map(read).collect()
    }

    /// Adds the units of writes, each with the item before and after it.
    pub(super) fn warm(&self, in_transaction: bool, spots: &[Option<Spot>], images: &[(Option<Value>, Option<Value>)]) {
        let mut state = self.state();
        let tables = state.tables.clone();
        let Some(Watched { heat, .. }) = state.watched.as_mut() else { return };
        let factor = if in_transaction { 2 } else { 1 };
        for ([table, pk, _], (before, after)) in spots.iter().flatten().zip(images) {
            let Some(spec) = tables.get(table) else { continue };
            let larger = [before, after].into_iter().flatten().map(weight).max().unwrap_or(1);
            add(heat, "table", pk, units(larger).saturating_mul(factor));
            for index in &spec.indexes {
                let entry = |item: &Option<Value>| Some((text(item, &index.pk)?, text(item, &index.sk)?));
                let weighs = |item: &Option<Value>| match item {
                    Some(item) if index.whole_items => units(weight(item)),
                    _ => 1,
                };
                let (was, is) = (entry(before), entry(after));
                let is_changed = if index.whole_items { before != after } else { was != is };
                if was == is && is_changed {
                    // A changed entry is written once, by the larger of both; one that moves leaves and arrives.
                    let larger = weighs(before).max(weighs(after));
                    is.iter().for_each(|(partition, _)| add(heat, &index.name, partition, larger));
                } else if was != is {
                    was.iter().for_each(|(partition, _)| add(heat, &index.name, partition, weighs(before)));
                    is.iter().for_each(|(partition, _)| add(heat, &index.name, partition, weighs(after)));
                }
            }
        }
    }

    /// Adds the units of a read to the partitions that it names, evenly.
    pub(super) fn warm_reads(&self, operation: &str, request: &Value, half_units: u64) {
        let mut state = self.state();
        let tables = state.tables.clone();
        let Some(Watched { heat, lists }) = state.watched.as_mut() else { return };
        if operation == "Query" {
            lists.extend(list_of(request));
        }
        let places = places(operation, request, &tables);
        let each = half_units.checked_div(u64::try_from(places.len()).unwrap_or(1)).unwrap_or_default();
        for place in places {
            let at = heat.entry(place).or_default();
            at.half_read_units = at.half_read_units.saturating_add(each);
        }
    }
}

/// The list that a query asks: its partition without month and number, and how many it wants.
fn list_of(request: &Value) -> Option<String> {
    let partition = request.pointer("/ExpressionAttributeValues/:pk/S")?.as_str()?;
    let is_name = |part: &&str| !part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let name: Vec<&str> = partition.split('#').filter(is_name).collect();
    let index = request.get("IndexName").and_then(Value::as_str).unwrap_or("table");
    Some(format!("{index} {} {}", name.join("#"), request.get("Limit").unwrap_or(&Value::Null)))
}

/// Partitions that a read asks.
fn places(operation: &str, request: &Value, tables: &BTreeMap<String, TableSpec>) -> Vec<(String, String)> {
    let of_key = |table: &str, key: &Value| {
        let partition = key.get(&tables.get(table)?.pk)?.get("S")?.as_str()?;
        Some(("table".to_owned(), partition.to_owned()))
    };
    let table = request.get("TableName").and_then(Value::as_str).unwrap_or_default();
    match operation {
        "GetItem" => request.get("Key").and_then(|key| of_key(table, key)).into_iter().collect(),
        "BatchGetItem" => {
            let asked = request.get("RequestItems").and_then(Value::as_object).into_iter().flatten();
            let keys = asked.flat_map(|(table, asked)| {
                let keys = asked.get("Keys").and_then(Value::as_array).into_iter().flatten();
                keys.filter_map(move |key| of_key(table, key))
            });
            keys.collect()
        }
        "Query" => {
            let index = request.get("IndexName").and_then(Value::as_str).unwrap_or("table");
            let partition = request.pointer("/ExpressionAttributeValues/:pk/S").and_then(Value::as_str);
            partition.map(|partition| (index.to_owned(), partition.to_owned())).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn add(heat: &mut Heat, index: &str, partition: &str, units: u64) {
    let at = heat.entry((index.to_owned(), partition.to_owned())).or_default();
    at.write_units = at.write_units.saturating_add(units);
}

fn text(item: &Option<Value>, name: &str) -> Option<String> {
    Some(item.as_ref()?.get(name)?.get("S")?.as_str()?.to_owned())
}

fn units(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(KILOBYTE).max(1)).unwrap_or(1)
}

/// Size of an item: names and values in UTF-8, three bytes and one for each element of what is nested, numbers by their digits.
fn weight(item: &Value) -> usize {
    let fields = item.as_object().into_iter().flatten();
    fields.map(|(name, value)| name.len().saturating_add(value_weight(value))).sum()
}

fn value_weight(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else { return 0 };
    let nested = |sum: usize, count: usize| sum.saturating_add(count).saturating_add(3);
    match (kind.as_str(), value) {
        ("N", Value::String(number)) => number.len().div_ceil(2).saturating_add(1),
        ("BOOL" | "NULL", _) => 1,
        (_, Value::String(text)) => text.len(),
        ("M", Value::Object(fields)) => nested(weight(value), fields.len()),
        ("L", Value::Array(all)) => nested(all.iter().map(value_weight).sum(), all.len()),
        (_, Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::len).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::dynamo::IndexSpec;
    use serde_json::json;

    fn watched() -> Dynamo {
        let dynamo = Dynamo::memory().unwrap();
        let index = |name: &str, whole_items| IndexSpec {
            name: name.into(),
            pk: format!("{name}pk"),
            sk: format!("{name}sk"),
            whole_items,
        };
        let indexes = vec![index("keys", false), index("whole", true)];
        dynamo.create("table", &TableSpec { pk: "pk".into(), sk: "sk".into(), ttl: "ttl".into(), indexes }).unwrap();
        dynamo.watch();
        dynamo
    }

    fn item(month: &str, size: usize) -> Value {
        json!({"pk": {"S": "a"}, "sk": {"S": "x"}, "text": {"S": "x".repeat(size)},
            "keyspk": {"S": month}, "keyssk": {"S": "1"}, "wholepk": {"S": "all"}, "wholesk": {"S": "1"}})
    }

    fn written(heat: &Heat, index: &str, partition: &str) -> u64 {
        heat.get(&(index.to_owned(), partition.to_owned())).map_or(0, |units| units.write_units)
    }

    /// The engine counts the units of a request as AWS does; those of its partitions add up to them.
    #[test]
    fn the_partitions_of_a_request_add_up_to_what_the_engine_counts() {
        let dynamo = watched();
        let put = |item: Value| json!({"TransactItems": [{"Put": {"TableName": "table", "Item": item}}]}).to_string();
        let requests = [
            ("TransactWriteItems", put(item("november", 100))),
            ("TransactWriteItems", put(item("november", 1_500))),
            ("TransactWriteItems", put(item("december", 1_500))),
            ("PutItem", json!({"TableName": "table", "Item": item("december", 10)}).to_string()),
            ("DeleteItem", json!({"TableName": "table", "Key": {"pk": {"S": "a"}, "sk": {"S": "x"}}}).to_string()),
        ];
        for (operation, request) in requests {
            dynamo.reset();
            assert_eq!(dynamo.answer(operation, request.as_bytes()).0, 200);
            let heat: u64 = dynamo.heat().values().map(|units| units.write_units).sum();
            assert_eq!(heat, dynamo.used()[operation].write_units, "{operation} {request}");
        }
    }

    #[test]
    fn an_entry_of_keys_costs_nothing_until_it_moves() {
        let dynamo = watched();
        let put = |item: Value| json!({"TableName": "table", "Item": item}).to_string();
        dynamo.answer("PutItem", put(item("november", 1)).as_bytes());
        dynamo.heat();
        dynamo.answer("PutItem", put(item("november", 2)).as_bytes());
        let heat = dynamo.heat();
        assert_eq!((written(&heat, "keys", "november"), written(&heat, "whole", "all")), (0, 1));
        dynamo.answer("PutItem", put(item("december", 2)).as_bytes());
        let heat = dynamo.heat();
        assert_eq!((written(&heat, "keys", "november"), written(&heat, "keys", "december")), (1, 1));
    }

    #[test]
    fn a_read_warms_the_partition_it_asks() {
        let dynamo = watched();
        dynamo.answer("PutItem", json!({"TableName": "table", "Item": item("november", 1)}).to_string().as_bytes());
        dynamo.heat();
        let ask = json!({"TableName": "table", "IndexName": "keys", "KeyConditionExpression": "keyspk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": "november"}}});
        assert_eq!(dynamo.answer("Query", ask.to_string().as_bytes()).0, 200);
        let heat = dynamo.heat();
        assert_eq!(heat[&("keys".to_owned(), "november".to_owned())].half_read_units, 1);
    }
}
