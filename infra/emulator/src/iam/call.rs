//! Maps service requests to IAM actions.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use serde::Deserialize;
use serde_json::Value;

use super::policy::{Call, ENCLOSING_OPERATION, FROM_ADDRESS, LEADING_KEYS};
use crate::sqs::{self, ACCOUNT, REGION};

/// A service with permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Dynamo,
    Sqs,
    Ses,
    /// Systems Manager, for its parameters.
    Ssm,
}

/// The access key that signed a request.
pub fn access_key(request: &Request<Bytes>) -> Option<&str> {
    let header = request.headers().get("authorization")?.to_str().ok()?;
    header.split_once("Credential=")?.1.split('/').next()
}

/// The operation that a request names.
pub fn operation(request: &Request<Bytes>) -> &str {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default()
}

/// The calls that a request makes; `keys` names the partition keys of the table and its indexes.
pub fn calls(service: Service, request: &Request<Bytes>, keys: &Keys) -> Vec<Call> {
    match service {
        Service::Dynamo => dynamo(operation(request), request.body(), keys),
        Service::Sqs => sqs_call(operation(request), request.body()),
        Service::Ses => ses(request.body()),
        Service::Ssm => ssm(operation(request), request.body()),
    }
}

/// Names of partition keys.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    pub table: String,
    /// Partition key of each index.
    pub indexes: BTreeMap<String, String>,
}

type Attributes = BTreeMap<String, Value>;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Asked {
    table_name: String,
    index_name: Option<String>,
    key: Attributes,
    item: Attributes,
    request_items: BTreeMap<String, Many>,
    transact_items: Vec<BTreeMap<String, Asked>>,
    key_condition_expression: String,
    expression_attribute_names: BTreeMap<String, String>,
    expression_attribute_values: Attributes,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Many {
    keys: Vec<Attributes>,
}

fn table(name: &str) -> String {
    format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}")
}

fn dynamo(operation: &str, body: &[u8], keys: &Keys) -> Vec<Call> {
    let asked: Asked = serde_json::from_slice(body).unwrap_or_default();
    let one = |action: &str, resource: String, leading: Vec<String>| Call {
        action: format!("dynamodb:{action}"),
        resource,
        context: vec![(LEADING_KEYS, leading)],
    };
    let leading = |of: &Attributes| of.get(&keys.table).and_then(text);
    match operation {
        "BatchGetItem" => {
            let of = |(name, many): (&String, &Many)| {
                one("BatchGetItem", table(name), many.keys.iter().filter_map(leading).collect())
            };
            asked.request_items.iter().map(of).collect()
        }
        "TransactWriteItems" | "TransactGetItems" => {
            let parts = asked.transact_items.iter().flatten();
            parts
                .map(|(kind, part)| {
                    let item = if kind == "Put" { &part.item } else { &part.key };
                    let action =
                        if kind == "ConditionCheck" { "ConditionCheckItem".to_owned() } else { format!("{kind}Item") };
                    let mut call = one(&action, table(&part.table_name), leading(item).into_iter().collect());
                    call.context.push((ENCLOSING_OPERATION, vec![operation.to_owned()]));
                    call
                })
                .collect()
        }
        "Query" | "Scan" => {
            let index = asked.index_name.as_deref();
            let resource = index.map_or_else(
                || table(&asked.table_name),
                |index| format!("{}/index/{index}", table(&asked.table_name)),
            );
            let pk = index.map_or(Some(&keys.table), |index| keys.indexes.get(index));
            vec![one(operation, resource, pk.and_then(|pk| queried(&asked, pk)).into_iter().collect())]
        }
        _ => {
            let item = if operation == "PutItem" { &asked.item } else { &asked.key };
            vec![one(operation, table(&asked.table_name), leading(item).into_iter().collect())]
        }
    }
}

/// The partition that a query reads.
fn queried(asked: &Asked, pk: &str) -> Option<String> {
    let terms = asked.key_condition_expression.split(" AND ");
    let equal = terms.filter_map(|term| term.split_once('=')).find(|(name, _)| {
        let name = name.trim();
        asked.expression_attribute_names.get(name).map_or(name, String::as_str) == pk
    });
    asked.expression_attribute_values.get(equal?.1.trim()).and_then(text)
}

fn text(attribute: &Value) -> Option<String> {
    attribute.get("S").and_then(Value::as_str).map(str::to_owned)
}

/// A batch operation needs the permission of its single operation.
fn sqs_call(operation: &str, body: &[u8]) -> Vec<Call> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let named = |field: &str| body.get(field).and_then(Value::as_str);
    let name = named("QueueUrl").map(sqs::name_in_url).or_else(|| named("QueueName")).unwrap_or_default();
    let action = operation.strip_suffix("Batch").unwrap_or(operation);
    vec![Call { action: format!("sqs:{action}"), resource: sqs::arn(name), context: Vec::new() }]
}

fn ses(body: &[u8]) -> Vec<Call> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let from = body.get("FromEmailAddress").and_then(Value::as_str).unwrap_or_default();
    let address = from.rsplit_once('<').map_or(from, |(_, rest)| rest.trim_end_matches('>')).to_owned();
    let identity = format!("identity/{address}");
    let set = body.get("ConfigurationSetName").and_then(Value::as_str).map(|set| format!("configuration-set/{set}"));
    let call = |of: String| Call {
        action: "ses:SendEmail".to_owned(),
        resource: format!("arn:aws:ses:{REGION}:{ACCOUNT}:{of}"),
        context: vec![(FROM_ADDRESS, vec![address.clone()])],
    };
    [Some(identity), set].into_iter().flatten().map(call).collect()
}

fn ssm(operation: &str, body: &[u8]) -> Vec<Call> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let names = body.get("Names").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    names.map(|name| parameter(operation, name)).collect()
}

/// An operation on a parameter, whose name begins with a slash.
pub fn parameter(operation: &str, name: &str) -> Call {
    let resource = format!("arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{name}");
    Call { action: format!("ssm:{operation}"), resource, context: Vec::new() }
}
