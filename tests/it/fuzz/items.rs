//! Fuzzed table items. An input is one item in DynamoDB's JSON.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use shared::operations::auditor::audit;
use shared::table::item::Item;
use shared::table::json::item;

use super::any;
use crate::stored::{entities, golden};

fn seeds() -> Vec<Vec<u8>> {
    let items = golden("items").into_values();
    items.flat_map(|items| items.as_array().unwrap().clone()).map(|item| item.to_string().into_bytes()).collect()
}

fn sorted(item: &Item) -> BTreeMap<&String, &AttributeValue> {
    item.iter().collect()
}

/// R1.1; faults.md, storage: any item decodes and encodes to one item, or is refused with a reason.
/// Inputs include missing fields, unknown versions and numbers of 39 digits.
#[test]
fn any_item_is_a_noun_that_writes_one_item_or_is_refused_with_a_reason() {
    any!("items", seeds(), |input| {
        let Ok(json) = serde_json::from_slice::<Value>(input) else { return };
        let Some(read) = item(&json) else { return };
        audit(std::slice::from_ref(&read));
        let kind = json["type"]["S"].as_str().unwrap_or_default();
        for (_, again) in entities().iter().filter(|noun| noun.0 == kind) {
            match again(read.clone()) {
                Ok(written) => {
                    let twice =
                        again(written.clone()).unwrap_or_else(|fault| panic!("{json} is read, but not again: {fault}"));
                    assert_eq!(sorted(&written), sorted(&twice), "{json}");
                }
                Err(fault) => assert!(!fault.to_string().is_empty(), "{json}"),
            }
        }
    });
}
