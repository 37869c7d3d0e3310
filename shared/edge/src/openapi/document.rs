//! The document of all operations: as generators and linters take it, with everything described.

use std::collections::{BTreeMap, BTreeSet};

use kernel::refusal::Refusal;
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

use super::Operation;
use crate::problem::{DEFECT, Problem, REPEAT, REPEAT_WITH_KEY};

/// The API document, and its operations one a line.
#[derive(Debug)]
pub struct Document {
    /// OpenAPI 3.1.
    pub json: Value,
    /// Method, path, access, body, answers and refusals, sorted by path.
    pub operations: Vec<String>,
}

const ABOUT: &str = include_str!("about.md");

/// Tags of the operations, with their descriptions.
const TAGS: &[(&str, &str)] = &[
    ("public", "Sign-up, sign-in and passwords; health, keys, public settings."),
    ("account", "The caller's account, balance and statement."),
    ("referral", "Invite codes, invitees and rewards of the caller."),
    ("payment", "Top-up orders and the new-user promotion of the caller."),
    ("affiliate", "Invite codes, commission and withdrawals of the caller."),
    ("redemption", "Codes that are redeemed, and the caller's subscriptions."),
    ("agency", "Shops, series, grants, assets, sales and wallets; for agents, each in their own subtree, and admins."),
    ("service", "The operator's backend with its service key: users, credits and debits, purchases."),
    ("webhooks", "Payment providers' notifications. Each is signed."),
    ("admin", "The operator's staff. Scopes on the account limit an admin to parts of it."),
];

/// Properties that are decimal numbers, written as texts.
const DECIMALS: &[&str] = &[
    "amount",
    "commission_amount",
    "cost_price",
    "credit",
    "discount_rate",
    "exchange_rate",
    "max_amount",
    "min_amount",
    "percent",
    "price",
    "rate",
    "retail_price",
    "threshold",
];

/// Merges the operations of all functions.
///
/// # Errors
/// Two schemas of one name, with the name; a tag that nothing describes.
pub fn document(version: &str, operations: impl IntoIterator<Item = Operation>) -> Result<Document, String> {
    let operations: Vec<Operation> = operations.into_iter().collect();
    let mut schemas = schemas(&operations)?;
    let versioned: BTreeSet<&str> = operations.iter().filter(|of| of.is_versioned).map(|of| of.path.as_str()).collect();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let (mut responses, mut lines, mut tags) = (Map::new(), Vec::new(), BTreeSet::new());
    for operation in &operations {
        let mut json = serde_json::to_value(&operation.operation).unwrap_or_default();
        describe(operation, &mut json);
        tags.extend(operation.operation.tags.iter().flatten().cloned());
        let Some(answers) = json.get_mut("responses").and_then(Value::as_object_mut) else { continue };
        let has_version = versioned.iter().any(|path| is_of(&operation.path, path));
        for (status, answer) in answers.iter_mut() {
            complete(answer, &schemas, headers(operation, status, has_version));
        }
        for (status, codes) in &operation.problems {
            let name = response_name(codes);
            answers.insert(status.to_string(), json!({"$ref": format!("#/components/responses/{name}")}));
            responses.entry(name).or_insert_with(|| response(*status, codes));
        }
        if !answers.keys().any(|status| status.starts_with('4')) {
            answers.insert("429".to_owned(), json!({"$ref": "#/components/responses/Throttled"}));
            responses.entry("Throttled").or_insert_with(throttled);
        }
        lines.push((operation.path.clone(), operation.line(&json)));
        let methods = paths.entry(operation.path.clone()).or_default();
        methods.extend(operation.verb().split(',').map(|method| (method.to_lowercase(), json.clone())));
    }
    lines.sort();
    if let Some(unknown) = tags.iter().find(|tag| !TAGS.iter().any(|(known, _)| known == tag)) {
        return Err(format!("nothing describes the tag {unknown}"));
    }
    let paths = json!(paths);
    keep_used(&mut schemas, &paths, &responses);
    require_what_is_always_there(&mut schemas, &paths);
    let described = TAGS.iter().filter(|(tag, _)| tags.contains(*tag));
    let json = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Guerdon",
            "version": version,
            "description": ABOUT.trim_end(),
            "contact": {"name": "Guerdon"},
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "The deployment that answers this document."}],
        "tags": described.map(|(tag, about)| json!({"name": tag, "description": about})).collect::<Vec<_>>(),
        "paths": paths,
        "components": {"schemas": schemas, "responses": responses, "securitySchemes": security_schemes()},
    });
    Ok(Document { json, operations: lines.into_iter().map(|(_, line)| line).collect() })
}

/// The schemas of all operations, each with the patterns of its decimals.
fn schemas(operations: &[Operation]) -> Result<Map<String, Value>, String> {
    let mut all = Map::new();
    let mut problem = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut problem);
    for (name, schema) in problem.into_iter().chain(operations.iter().flat_map(|of| of.schemas.iter().cloned())) {
        let mut schema = serde_json::to_value(schema).unwrap_or_default();
        for (property, of) in schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
            if DECIMALS.contains(&property.as_str()) && is_plain_text(of) {
                set(of, "pattern", json!(r"^[+-]?[0-9]+(\.[0-9]+)?$"));
            }
        }
        if all.insert(name.clone(), schema.clone()).is_some_and(|known| known != schema) {
            return Err(format!("two schemas called {name}"));
        }
    }
    Ok(all)
}

fn set(of: &mut Value, name: &str, value: Value) {
    if let Some(fields) = of.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

fn is_plain_text(schema: &Value) -> bool {
    let is_text = |kind: &Value| *kind == "string" || *kind == json!(["string", "null"]);
    schema.get("type").is_some_and(is_text)
        && !["enum", "format", "pattern"].iter().any(|known| schema.get(known).is_some())
}

/// True for the path of a versioned document, and for that of the list that it is made in.
fn is_of(path: &str, versioned: &str) -> bool {
    let below = versioned.strip_prefix(path).and_then(|rest| rest.strip_prefix("/{"));
    path == versioned || below.is_some_and(|rest| !rest.contains('/'))
}

/// Adds to an operation who may call it, and security that is empty where nobody needs an identity.
fn describe(operation: &Operation, json: &mut Value) {
    let access = match operation.access.as_str() {
        "public" if operation.path.starts_with("/v1/webhooks") => {
            "For payment providers; the notification is signed.".to_owned()
        }
        "public" => "For everybody.".to_owned(),
        "user" => "For every signed-in user.".to_owned(),
        "admin" => "For admins.".to_owned(),
        "seller" | "trader" => "For agents, in their own subtree, and admins.".to_owned(),
        scope if operation.path.starts_with("/v1/service") => format!("For service keys with the scope `{scope}`."),
        scope => format!("For admins with the scope `{scope}`, or without limited scopes."),
    };
    let recent = " An admin with a second factor gave it not longer than 15 minutes ago.";
    let access = if operation.asks_second_factor { access + recent } else { access };
    let text = json.get("description").and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let text = text.map_or_else(|| access.clone(), |text| format!("{text}\n\n{access}"));
    let webhook = || match operation.path.as_str() {
        "/v1/webhooks/stripe" => json!([{"stripe_signature": []}]),
        _ => json!([]),
    };
    if let Some(fields) = json.as_object_mut() {
        fields.insert("description".to_owned(), json!(text));
        fields.entry("security").or_insert_with(webhook);
    }
}

fn security_schemes() -> Value {
    json!({
        "access_token": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "The `access_token` of a session; good for 15 minutes, then refreshed.",
        },
        "service_key": {
            "type": "http", "scheme": "bearer", "bearerFormat": "gdn_…",
            "description": "A key of the operator's backend, made by `POST /v1/admin/service-keys`.",
        },
        "stripe_signature": {
            "type": "apiKey", "in": "header", "name": "Stripe-Signature",
            "description": "Stripe's signature over time and body, under the webhook's secret.",
        },
    })
}

/// Headers of an answer that is no problem.
fn headers(operation: &Operation, status: &str, has_version: bool) -> Map<String, Value> {
    let text = |about: &str| json!({"description": about, "schema": {"type": "string"}});
    let mut headers = Map::new();
    if operation.is_replayable {
        headers.insert("Idempotency-Replayed".to_owned(), text("`true` for the first answer given again."));
    }
    if has_version && status != "204" {
        let about = "Version of the document; a change sends it as `If-Match`. A list has none.";
        headers.insert("ETag".to_owned(), text(about));
    }
    headers
}

/// Describes an answer that has no description of its own by that of its schema, and documents its headers.
fn complete(answer: &mut Value, schemas: &Map<String, Value>, mut headers: Map<String, Value>) {
    let Some(fields) = answer.as_object_mut() else { return };
    if fields.get("description").is_none_or(|text| text == "") {
        let schema = fields.get("content").and_then(Value::as_object).and_then(|all| all.values().next());
        let name = schema.and_then(|of| of.pointer("/schema/$ref")?.as_str()?.rsplit('/').next());
        let about = name.and_then(|name| schemas.get(name)?.get("description")).cloned();
        fields.insert("description".to_owned(), about.unwrap_or_else(|| json!("The answer.")));
    }
    if fields.get("content").is_some_and(|content| content.get("text/csv").is_some()) {
        let about = "`next_cursor` of the page, of a list as CSV.";
        headers.insert("Next-Cursor".to_owned(), json!({"description": about, "schema": {"type": "string"}}));
    }
    if let Some(Value::Object(known)) = fields.get_mut("headers") {
        known.extend(headers);
    } else if !headers.is_empty() {
        fields.insert("headers".to_owned(), Value::Object(headers));
    }
}

/// `InviteCodeLimitOrMayNotInvite`.
fn response_name(codes: &BTreeSet<String>) -> String {
    let capital =
        |word: &str| word.chars().next().map(|first| first.to_uppercase().chain(word.chars().skip(1)).collect());
    let name = |code: &String| code.split('_').filter_map(capital).collect::<Vec<String>>().concat();
    codes.iter().map(name).collect::<Vec<_>>().join("Or")
}

/// The response of a status whose problem has one of these codes.
fn response(status: u16, codes: &BTreeSet<String>) -> Value {
    let title = |code: &str| match code {
        "unavailable" => REPEAT,
        "outcome_unknown" => REPEAT_WITH_KEY,
        "internal_error" => DEFECT,
        _ => Refusal::ALL.iter().find(|(_, known, _)| *known == code).map_or("", |(_, _, title)| *title),
    };
    let about: Vec<String> = codes.iter().map(|code| format!("`{code}`: {}", title(code))).collect();
    let schema = json!({"allOf": [
        {"$ref": "#/components/schemas/Problem"}, {"properties": {"code": {"enum": codes}}},
    ]});
    let header = match status {
        401 => Some(("WWW-Authenticate", "`Bearer`, with the reason where a token came.", "string")),
        405 => Some(("Allow", "Methods of this path.", "string")),
        429 | 503 => Some(("Retry-After", "Seconds to wait.", "integer")),
        _ => None,
    };
    let mut response = json!({
        "description": about.join(" "),
        "content": {"application/problem+json": {"schema": schema}},
    });
    if let (Some((name, about, kind)), Some(fields)) = (header, response.as_object_mut()) {
        let header = json!({"description": about, "schema": {"type": kind}});
        fields.insert("headers".to_owned(), json!({name: header}));
    }
    response
}

/// The gateway's own limit.
fn throttled() -> Value {
    json!({
        "description": "Too many requests for this deployment. The gateway answers it, so the body is no problem document.",
        "content": {"application/json": {"schema": {
            "type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"],
        }}},
    })
}

/// Names of the schemas that a value refers to, by itself or through others.
fn used(from: &Value, schemas: &Map<String, Value>, names: &mut BTreeSet<String>) {
    match from {
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(Value::as_str);
            let name = name.and_then(|at| at.strip_prefix("#/components/schemas/"));
            if let Some((name, schema)) = name.and_then(|name| Some((name, schemas.get(name)?)))
                && names.insert(name.to_owned())
            {
                used(schema, schemas, names);
            }
            fields.values().for_each(|value| used(value, schemas, names));
        }
        Value::Array(all) => all.iter().for_each(|value| used(value, schemas, names)),
        _ => {}
    }
}

/// Drops schemas that nothing refers to.
fn keep_used(schemas: &mut Map<String, Value>, paths: &Value, responses: &Map<String, Value>) {
    let mut names = BTreeSet::new();
    used(paths, schemas, &mut names);
    responses.values().for_each(|response| used(response, schemas, &mut names));
    schemas.retain(|name, _| names.contains(name));
}

/// Requires the nullable properties of schemas that are only answered: a value that is null is written. One that may be absent is
/// declared as not nullable.
fn require_what_is_always_there(schemas: &mut Map<String, Value>, paths: &Value) {
    let mut asked = BTreeSet::new();
    let operations = paths.as_object().into_iter().flat_map(Map::values).filter_map(Value::as_object);
    for operation in operations.flat_map(Map::values) {
        for part in ["requestBody", "parameters"].iter().filter_map(|part| operation.get(part)) {
            used(part, schemas, &mut asked);
        }
    }
    for (_, schema) in schemas.iter_mut().filter(|(name, _)| !asked.contains(*name)) {
        require_nullable(schema);
        // A schema that adds to another.
        let parts = schema.get_mut("allOf").and_then(Value::as_array_mut);
        parts.into_iter().flatten().for_each(require_nullable);
    }
}

fn require_nullable(schema: &mut Value) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let known = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut required: Vec<String> = known.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let more = properties.iter().filter(|(name, of)| !required.contains(name) && is_nullable(of));
    let more: Vec<String> = more.map(|(name, _)| name.clone()).collect();
    required.extend(more);
    if !required.is_empty() {
        set(schema, "required", json!(required));
    }
}

fn is_nullable(schema: &Value) -> bool {
    let kinds = schema.get("type").and_then(Value::as_array);
    let either = ["oneOf", "anyOf"].iter().filter_map(|of| schema.get(of)?.as_array()).flatten();
    kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"))
        || either.into_iter().any(|of| of.get("type").is_some_and(|kind| kind == "null"))
}
