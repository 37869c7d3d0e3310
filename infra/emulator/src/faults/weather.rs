//! Fault rates: errors, duplicated, delayed and lost deliveries, lagging indexes, short pages.

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use serde_json::{Value, json};

/// Fault rates, each in events per thousand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weather {
    /// Calls that fail, each with a kind of fault drawn at random.
    pub errors: u32,
    /// Queue batches and provider notifications that are delivered twice.
    pub duplicates: u32,
    /// Notifications that never arrive; the sender gets no response and retries later.
    pub lost: u32,
    /// Polls in which a queue delivers nothing, so that other messages overtake.
    pub late: u32,
    /// Index reads that omit half of the items.
    pub lagging: u32,
    /// Queries limited to pages of one to three items, and batch reads that return half of the keys.
    pub short: u32,
}

impl Weather {
    /// Rates for a seed: duplicates up to 50 %, losses up to 30 %, errors up to 10 %.
    pub fn drawn(rng: &mut ChaCha8Rng) -> Self {
        let mut up_to = |most: u32| rng.next_u32() % (most + 1);
        Self {
            errors: up_to(100),
            duplicates: up_to(500),
            lost: up_to(300),
            late: up_to(500),
            lagging: up_to(300),
            short: up_to(1_000),
        }
    }
}

/// Reduces a request to a short page or half of its keys; returns it with the removed keys.
pub(super) fn less(operation: &str, body: &Bytes, page: u32) -> Option<(Bytes, Value)> {
    let mut request: Value = serde_json::from_slice(body).ok()?;
    let mut left = Value::Null;
    match operation {
        "Query" => {
            let asked = request.get("Limit").and_then(Value::as_u64).unwrap_or(u64::MAX);
            request.as_object_mut()?.insert("Limit".to_owned(), json!(asked.min(u64::from(page))));
        }
        "BatchGetItem" => {
            let (table, wanted) = request.get_mut("RequestItems")?.as_object_mut()?.iter_mut().next()?;
            let keys = wanted.get_mut("Keys")?.as_array_mut()?;
            let rest = keys.split_off(keys.len().div_ceil(2));
            if rest.is_empty() {
                return None;
            }
            let mut others = wanted.clone();
            others.as_object_mut()?.insert("Keys".to_owned(), Value::Array(rest));
            left = json!({table.as_str(): others});
        }
        _ => return None,
    }
    Some((Bytes::from(request.to_string()), left))
}

/// Adds unprocessed keys to a response.
pub(super) fn with_left(answer: &Bytes, left: Value) -> Bytes {
    let Ok(Value::Object(mut answer)) = serde_json::from_slice(answer) else { return answer.clone() };
    answer.insert("UnprocessedKeys".to_owned(), left);
    Bytes::from(Value::Object(answer).to_string())
}

/// Reports if a request reads an index.
pub(super) fn of_index(operation: &str, body: &Bytes) -> bool {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    operation == "Query" && request.get("IndexName").is_some()
}

/// Removes the items that a lagging index does not have yet; `lacks` draws for each item.
pub(super) fn lagging(answer: &Bytes, mut lacks: impl FnMut() -> bool) -> Bytes {
    let Ok(Value::Object(mut told)) = serde_json::from_slice(answer) else { return answer.clone() };
    let Some(items) = told.get_mut("Items").and_then(Value::as_array_mut) else { return answer.clone() };
    items.retain(|_| !lacks());
    let count = items.len();
    told.insert("Count".to_owned(), json!(count));
    Bytes::from(Value::Object(told).to_string())
}
