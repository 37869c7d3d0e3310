//! The published document: all functions' routers merged, with the codes of every problem.
//!
//! Handlers list their conflict codes; the other codes follow from the operation's inputs. [`check`] verifies both on every
//! response of every test.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use emulator::gateway::NO_ANSWER;
use serde_json::Value;
use shared::edge::openapi::{self, Document};

use super::apis;

/// The document and the list of its operations.
pub fn built() -> Document {
    let operations = apis().into_iter().flat_map(|(_, api)| api.operations().collect::<Vec<_>>());
    let mut document = openapi::document(env!("CARGO_PKG_VERSION"), operations).unwrap();
    for methods in document.json["paths"].as_object_mut().unwrap().values_mut() {
        methods.as_object_mut().unwrap().values_mut().for_each(super::examples::show);
    }
    document
}

<<<<<<< HEAD
/// The document.
pub fn merged() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| built().json)
}

/// A response, wherever it is declared.
pub fn resolved(response: &'static Value) -> &'static Value {
    match response["$ref"].as_str() {
        Some(at) => merged().pointer(at.trim_start_matches('#')).unwrap(),
        None => response,
    }
=======
/// Merged OpenAPI document.
pub fn merged() -> Value {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for (_, mut router) in routers() {
        let document = serde_json::to_value(router.to_openapi()).unwrap();
        paths.extend(document["paths"].as_object().unwrap().clone());
        if let Some(more) = document.pointer("/components/schemas").and_then(Value::as_object) {
            for (name, schema) in more {
                let known = schemas.insert(name.clone(), schema.clone());
                assert!(known.is_none_or(|known| known == *schema), "two schemas called {name}");
            }
        }
    }
    for methods in paths.values_mut() {
        for operation in methods.as_object_mut().unwrap().values_mut() {
            tell_problems(operation);
            super::examples::show(operation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Guerdon",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Sign-up with referral codes, top-ups, rewards: exactly once.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    })
}

/// Describes the problem codes of each error status.
fn tell_problems(operation: &mut Value) {
    let path = operation["parameters"].as_array().is_some_and(|all| all.iter().any(|of| of["in"] == "path"));
    let body = operation.get("requestBody").is_some();
    let problem = json!({"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}});
    for (status, _) in [("400", path || body), ("413", body)].into_iter().filter(|(_, can)| *can) {
        let responses = operation["responses"].as_object_mut().unwrap();
        responses.entry(status).or_insert_with(|| problem.clone());
    }
    let asked = operation.clone();
    for (status, response) in operation["responses"].as_object_mut().unwrap() {
        let content = response["content"].as_object().and_then(|content| content.values().next());
        let problem = content.is_some_and(|content| content["schema"]["$ref"] == "#/components/schemas/Problem");
        if !problem {
            continue;
        }
        let codes = codes(&asked, status);
        let told: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
        let schema = json!({"allOf": [
            {"$ref": "#/components/schemas/Problem"}, {"properties": {"code": {"enum": codes}}},
        ]});
        *response = json!({
            "description": told.join(", "),
            "content": {"application/problem+json": {"schema": schema}},
        });
    }
}

/// Problem codes of a status: the handler's own, or those that follow from the operation's inputs.
fn codes(operation: &Value, status: &str) -> Vec<String> {
    let said = operation["responses"][status]["description"].as_str().unwrap_or_default();
    let named: Vec<String> = said.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    if !named.is_empty() {
        return named;
    }
    let id = operation["operationId"].as_str().unwrap();
    let parameter = |name: &str| {
        let all = operation["parameters"].as_array();
        all.and_then(|all| all.iter().find(|parameter| parameter["name"] == name))
    };
    let (key, cursor) = (parameter("Idempotency-Key"), parameter("cursor"));
    let found: Vec<(&str, bool)> = match status {
        "400" => vec![
            ("forged_cursor", cursor.is_some()),
            ("idempotency_key_required", key.is_some_and(|key| key["required"] == true)),
            ("malformed_request", true),
        ],
        "401" => vec![("unauthenticated", true)],
        "403" => vec![
            ("account_blocked", operation["tags"][0] != "service"),
            ("forbidden", ["admin", "agency", "service"].iter().any(|tag| operation["tags"][0] == *tag)),
        ],
        "404" => vec![("not_found", true)],
        "412" => vec![("version_mismatch", true)],
        "413" => vec![("body_too_large", true)],
        "415" => vec![("unsupported_media_type", true)],
        "422" => vec![("idempotency_key_reused", key.is_some()), ("invalid", true)],
        "428" => vec![("precondition_required", true)],
        "429" => vec![("rate_limited", true)],
        "503" => vec![("outcome_unknown", true), ("unavailable", true)],
        other => panic!("{id} does not say what {other} means"),
    };
    found.into_iter().filter(|(_, can)| *can).map(|(code, _)| code.to_owned()).collect()
>>>>>>> text5
}

type Operations = BTreeMap<(String, usize), Vec<(Vec<String>, Value)>>;

/// Operations by method and number of path segments.
fn operations() -> &'static Operations {
    static OPERATIONS: OnceLock<Operations> = OnceLock::new();
    OPERATIONS.get_or_init(|| {
        let mut operations = Operations::new();
        for (path, methods) in merged()["paths"].as_object().unwrap() {
            let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
            for (method, operation) in methods.as_object().unwrap() {
                let of = operations.entry((method.to_uppercase(), parts.len())).or_default();
                of.push((parts.clone(), operation.clone()));
            }
        }
        operations
    })
}

/// Operation of a request; a path without parameters takes precedence.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let parts: Vec<&str> = path.split('/').collect();
    let of = operations().get(&(method.to_owned(), parts.len()))?;
    let fits = |(known, _): &&(Vec<String>, Value)| {
        known.iter().zip(&parts).all(|(known, part)| known == part || (known.starts_with('{') && !part.is_empty()))
    };
    let free = |(known, _): &&(Vec<String>, Value)| known.iter().filter(|part| part.starts_with('{')).count();
    of.iter().filter(fits).min_by_key(free).map(|(_, operation)| operation)
}

/// Asserts that the document lists a response's status and problem code.
#[track_caller]
pub fn check(method: &str, path: &str, asked: &str, status: u16, text: &str) {
    let path = path.split('?').next().unwrap_or_default();
    let Some(operation) = operation(method, path) else { return };
    if status == 500 && text == NO_ANSWER {
        return;
    }
    super::examples::record(operation, asked, status, text);
    let known = resolved(&operation["responses"][status.to_string()]);
    assert!(known.is_object(), "{method} {path} answers {status}, which the document does not know: {text}");
    let codes = known.pointer("/content/application~1problem+json/schema/allOf/1/properties/code/enum");
    if let Some(codes) = codes.and_then(Value::as_array) {
        let problem: Value = serde_json::from_str(text).unwrap_or_default();
        assert!(codes.contains(&problem["code"]), "{method} {path} may answer {status} {codes:?}, not {problem}");
    }
}
