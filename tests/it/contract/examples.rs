//! Examples of the published document: for each operation a request and response of a test.
//!
//! They are stored in `examples.json` beside this file. A test run with `GUERDON_RECORD_EXAMPLES=1` adds the missing ones and
//! replaces others by richer ones.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use serde_json::{Value, json};

/// Request, status and response by operation id.
type Examples = BTreeMap<String, Value>;

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("it/contract/examples.json")
}

fn examples() -> &'static Mutex<Examples> {
    static EXAMPLES: OnceLock<Mutex<Examples>> = OnceLock::new();
    EXAMPLES.get_or_init(|| {
        let text = std::fs::read_to_string(file()).unwrap_or_else(|_| "{}".to_owned());
        Mutex::new(serde_json::from_str(&text).unwrap())
    })
}

/// Adds an operation's example to its description.
pub fn show(operation: &mut Value) {
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    let Some(example) = examples().lock().unwrap().get(&id).cloned() else { return };
    if let Some(content) = operation.pointer_mut("/requestBody/content/application~1json") {
        // A body that is signed as it came is a text.
        let is_text = content["schema"]["type"] == "string";
        content["example"] = if is_text { example["request"].to_string().into() } else { example["request"].clone() };
    }
    let status = example["status"].as_u64().unwrap();
    if let Some(content) = operation.pointer_mut(&format!("/responses/{status}/content/application~1json")) {
        content["example"] = example["response"].clone();
    }
}

/// Records an example if recording is on and the stored one is not richer.
pub fn record(operation: &Value, asked: &str, status: u16, answered: &str) {
    if std::env::var_os("GUERDON_RECORD_EXAMPLES").is_none() || !(200..300).contains(&status) {
        return;
    }
    let id = operation["operationId"].as_str().unwrap_or_default();
    let mut all = examples().lock().unwrap();
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (request, response) = (without_secrets(read(asked)), without_secrets(read(answered)));
    let example = json!({"request": request, "status": status, "response": response});
    // Keep the richest that is still readable.
    let length = |of: &Value| of.to_string().len();
    if length(&example) > 2_000 || all.get(id).is_some_and(|known| length(known) >= length(&example)) {
        return;
    }
    all.insert(id.to_owned(), example);
    std::fs::write(file(), serde_json::to_string_pretty(&*all).unwrap() + "\n").unwrap();
}

/// Masks secrets, and keeps one entry of each list.
fn without_secrets(value: Value) -> Value {
    const SECRET: [&str; 10] = [
        "access_token",
        "refresh_token",
        "device_token",
        "signup_token",
        "token",
        "key",
        "secret",
        "password",
        "current",
        "new",
    ];
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| match value {
                Value::String(_) if SECRET.contains(&name.as_str()) => (name, json!("a secret of its own")),
                other => (name, without_secrets(other)),
            })
            .collect(),
        Value::Array(items) => items.into_iter().take(1).map(without_secrets).collect(),
        other => other,
    }
}
