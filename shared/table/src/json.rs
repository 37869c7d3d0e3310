//! Items from DynamoDB JSON, the format of the embedded database's scans.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use crate::item::Item;

/// Decodes `{"pk": {"S": "…"}, …}`; `None` for any other shape.
pub fn item(json: &Value) -> Option<Item> {
    json.as_object()?.iter().map(|(name, value)| Some((name.clone(), attribute(value)?))).collect()
}

fn attribute(json: &Value) -> Option<AttributeValue> {
    let (kind, value) = json.as_object()?.iter().next()?;
    Some(match kind.as_str() {
        "S" => AttributeValue::S(value.as_str()?.to_owned()),
        "N" => AttributeValue::N(value.as_str()?.to_owned()),
        "BOOL" => AttributeValue::Bool(value.as_bool()?),
        "NULL" => AttributeValue::Null(true),
        "L" => AttributeValue::L(value.as_array()?.iter().map(attribute).collect::<Option<_>>()?),
        "M" => {
            let fields = value.as_object()?.iter().map(|(name, value)| Some((name.clone(), attribute(value)?)));
            AttributeValue::M(fields.collect::<Option<HashMap<_, _>>>()?)
        }
        _ => return None,
    })
}
