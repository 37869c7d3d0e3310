//! The published document: all functions' routers merged, with the codes of every problem.
//!
//! Handlers list their conflict codes; the other codes follow from the operation's inputs. [`check`] verifies both on every
//! response of every test.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use emulator::gateway::NO_ANSWER;
use serde_json::Value;
use shared::edge::openapi::{self, Document};

/// The document and the list of its operations.
pub fn built() -> Document {
    let operations = super::operations().flat_map(|(_, operations)| operations);
    let mut document = openapi::document(env!("CARGO_PKG_VERSION"), operations).unwrap();
    for methods in document.json["paths"].as_object_mut().unwrap().values_mut() {
        methods.as_object_mut().unwrap().values_mut().for_each(super::examples::show);
    }
    document
}

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
pub fn operation(method: &str, path: &str) -> Option<&'static Value> {
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
    // An escaped slash divides the path, so that no route has it.
    if status == 404 && text.contains("\"no_such_route\"") {
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

/// Asserts that the document names the headers of a response that a client acts on.
#[track_caller]
pub fn check_headers(method: &str, path: &str, status: u16, headers: &http::HeaderMap) {
    const FOR_CLIENTS: [&str; 8] =
        ["ETag", "Idempotency-Replayed", "Retry-After", "Location", "Link", "Allow", "WWW-Authenticate", "Next-Cursor"];
    let path = path.split('?').next().unwrap_or_default();
    let Some(operation) = operation(method, path) else { return };
    let known = resolved(&operation["responses"][status.to_string()]);
    for name in FOR_CLIENTS.into_iter().filter(|name| headers.contains_key(*name)) {
        let documented = &known["headers"][name];
        assert!(documented["description"].is_string(), "{method} {path} answers {status} with {name}: {known}");
    }
}
