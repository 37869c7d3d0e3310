//! Contention: transactions take time, and other writes to their items are rejected meanwhile.
//!
//! The engine's own transactions take no time, so none ever conflicts with another. While contention is enabled, a transaction
//! holds the keys that it writes or checks for a duration of tokio's time, and takes effect at its end. Another transaction on one
//! of these keys is cancelled with `TransactionConflict` at those writes. A single write is rejected with
//! `TransactionConflictException`. Reads see the items as before. Transactions without a common key run in parallel.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::TableSpec;

/// An item's identity: table, partition key, sort key.
pub(super) type Spot = [String; 3];

/// The held items, and the conflicts so far.
#[derive(Debug, Default)]
pub(super) struct Contention {
    /// Duration of a transaction; zero disables contention.
    pub lasts: Duration,
    /// Number of rejected requests.
    pub conflicts: u64,
    held: HashSet<Spot>,
}

impl Contention {
    /// Holds a transaction's items, or returns the conflict error.
    /// A single write is instantaneous and holds nothing.
    pub fn hold(&mut self, operation: &str, spots: &[Option<Spot>]) -> Result<Vec<Spot>, Value> {
        let busy = |spot: &Option<Spot>| spot.as_ref().is_some_and(|spot| self.held.contains(spot));
        let conflicts: Vec<bool> = spots.iter().map(busy).collect();
        let transaction = operation == "TransactWriteItems";
        if conflicts.contains(&true) {
            self.conflicts = self.conflicts.saturating_add(1);
            return Err(if transaction { cancelled(&conflicts) } else { refused() });
        }
        let spots: Vec<Spot> = spots.iter().flatten().filter(|_| transaction).cloned().collect();
        self.held.extend(spots.iter().cloned());
        Ok(spots)
    }

    /// Releases the items of a transaction.
    pub fn release(&mut self, spots: &[Spot]) {
        for spot in spots {
            self.held.remove(spot);
        }
    }
}

/// The items that a request writes or checks, in the order of its writes.
pub(super) fn spots(operation: &str, request: &Value, tables: &BTreeMap<String, TableSpec>) -> Vec<Option<Spot>> {
    let spot = |write: &Value| {
        let table = write.get("TableName")?.as_str()?;
        let spec = tables.get(table)?;
        let key = write.get("Item").or_else(|| write.get("Key"))?;
        let part = |name: &str| Some(key.get(name)?.get("S")?.as_str()?.to_owned());
        Some([table.to_owned(), part(&spec.pk)?, part(&spec.sk)?])
    };
    match operation {
        "TransactWriteItems" => {
            let writes = request.get("TransactItems").and_then(Value::as_array).into_iter().flatten();
            writes.map(|write| write.as_object()?.values().next().and_then(spot)).collect()
        }
        "PutItem" | "UpdateItem" | "DeleteItem" => vec![spot(request)],
        _ => Vec::new(),
    }
}

fn cancelled(conflicts: &[bool]) -> Value {
    let reason = |conflict: &bool| match conflict {
        true => json!({"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}),
        false => json!({"Code": "None"}),
    };
    let codes: Vec<&str> =
        conflicts.iter().map(|conflict| if *conflict { "TransactionConflict" } else { "None" }).collect();
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", ")
        ),
        "CancellationReasons": conflicts.iter().map(reason).collect::<Value>(),
    })
}

fn refused() -> Value {
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
        "message": "Transaction is ongoing for the item",
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::connector::Backend;
    use crate::dynamo::{Dynamo, IndexSpec, TableSpec};
    use bytes::Bytes;
    use tokio::time::{Instant, sleep};

    const LASTS: Duration = Duration::from_millis(25);

    fn contended() -> Dynamo {
        let dynamo = Dynamo::memory().unwrap();
        let index = IndexSpec { name: "gsi1".into(), pk: "gsi1pk".into(), sk: "gsi1sk".into(), whole_items: true };
        let spec = TableSpec { pk: "pk".into(), sk: "sk".into(), ttl: "ttl".into(), indexes: vec![index] };
        dynamo.create("table", &spec).unwrap();
        dynamo.transactions_take(LASTS);
        dynamo
    }

    async fn call(dynamo: &Dynamo, operation: &str, request: &Value) -> (u16, Value) {
        let target = format!("DynamoDB_20120810.{operation}");
        let request = http::Request::post("/").header("x-amz-target", target).body(Bytes::from(request.to_string()));
        let response = dynamo.call(request.unwrap()).await.unwrap();
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    fn item(name: &str) -> Value {
        json!({"TableName": "table", "Item": {"pk": {"S": name}, "sk": {"S": "x"}}})
    }

    fn key(name: &str) -> Value {
        json!({"TableName": "table", "Key": {"pk": {"S": name}, "sk": {"S": "x"}}})
    }

    async fn transaction(dynamo: &Dynamo, names: &[&str]) -> (u16, Value) {
        let writes: Vec<Value> = names.iter().map(|name| json!({"Put": item(name)})).collect();
        call(dynamo, "TransactWriteItems", &json!({"TransactItems": writes})).await
    }

    fn codes(answer: &Value) -> Vec<&str> {
        answer["CancellationReasons"].as_array().unwrap().iter().map(|why| why["Code"].as_str().unwrap()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn an_overlapping_transaction_is_cancelled_at_the_writes_that_overlap() {
        let dynamo = contended();
        let began = Instant::now();
        let ((first, _), (second, answer)) =
            tokio::join!(transaction(&dynamo, &["a", "b"]), transaction(&dynamo, &["c", "b", "a"]));
        assert_eq!((first, second, began.elapsed()), (200, 400, LASTS));
        assert_eq!(codes(&answer), ["None", "TransactionConflict", "TransactionConflict"]);
        assert!(answer["__type"].as_str().unwrap().ends_with("#TransactionCanceledException"));
        assert_eq!((dynamo.scan("table").unwrap().len(), dynamo.conflicts()), (2, 1), "the loser wrote nothing");
        assert_eq!(transaction(&dynamo, &["c", "b", "a"]).await.0, 200, "its turn comes");
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_is_only_checked_is_held_too() {
        let dynamo = contended();
        let mut check = key("a");
        check["ConditionExpression"] = json!("attribute_not_exists(pk)");
        let request = json!({"TransactItems": [{"ConditionCheck": check}, {"Put": item("b")}]});
        let ((first, _), (second, answer)) =
            tokio::join!(call(&dynamo, "TransactWriteItems", &request), transaction(&dynamo, &["a"]));
        assert_eq!((first, second, codes(&answer)), (200, 400, vec!["TransactionConflict"]));
    }

    #[tokio::test(start_paused = true)]
    async fn transactions_without_a_common_key_run_side_by_side() {
        let dynamo = contended();
        let began = Instant::now();
        let (one, other) = tokio::join!(transaction(&dynamo, &["a"]), transaction(&dynamo, &["b"]));
        assert_eq!((one.0, other.0, began.elapsed(), dynamo.conflicts()), (200, 200, LASTS, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_write_is_refused_while_a_transaction_holds_its_item() {
        let dynamo = contended();
        let (delete, put) = (key("a"), item("b"));
        let (transaction, single, elsewhere) = tokio::join!(
            transaction(&dynamo, &["a"]),
            call(&dynamo, "DeleteItem", &delete),
            call(&dynamo, "PutItem", &put),
        );
        assert_eq!((transaction.0, single.0, elsewhere.0), (200, 400, 200));
        assert!(single.1["__type"].as_str().unwrap().ends_with("#TransactionConflictException"));
        assert_eq!(call(&dynamo, "DeleteItem", &key("a")).await.0, 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_sees_what_was_there_before() {
        let dynamo = contended();
        let read = async {
            sleep(LASTS / 2).await;
            call(&dynamo, "GetItem", &key("a")).await
        };
        let (_, (status, answer)) = tokio::join!(transaction(&dynamo, &["a"]), read);
        assert_eq!((status, answer.get("Item")), (200, None));
        assert!(call(&dynamo, "GetItem", &key("a")).await.1.get("Item").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_transaction_that_is_given_up_lets_go() {
        let dynamo = contended();
        assert!(tokio::time::timeout(LASTS / 2, transaction(&dynamo, &["a"])).await.is_err());
        assert_eq!(transaction(&dynamo, &["a"]).await.0, 200);
    }

    #[tokio::test(start_paused = true)]
    async fn without_contention_a_transaction_takes_no_time() {
        let dynamo = contended();
        dynamo.transactions_take(Duration::ZERO);
        let began = Instant::now();
        let (one, other) = tokio::join!(transaction(&dynamo, &["a"]), transaction(&dynamo, &["a"]));
        assert_eq!((one.0, other.0, began.elapsed()), (200, 200, Duration::ZERO));
    }
}
