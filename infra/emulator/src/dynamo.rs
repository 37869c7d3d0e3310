//! In-process DynamoDB: the embedded engine behind the real SDK's requests.
//!
//! Counts calls and capacity units as AWS does. Client tokens are stored here and not in the engine, which scans ten minutes of
//! them in each transaction.

mod contention;
pub mod heat;
mod here;
mod log;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use dynoxide::Database;
use dynoxide::errors::DynoxideError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::contention::{Contention, Spot, spots};
use self::heat::Watched;
use self::log::Log;
use crate::connector::{Backend, BoxFuture, ConnectFault};
use crate::remote::Remote;

/// Maximum number of remembered client tokens; the oldest are dropped first.
const TOKENS: usize = 4_096;

/// A table's schema. All keys are strings; an index projects whole items or keys only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSpec {
    pub pk: String,
    pub sk: String,
    /// Name of the time-to-live attribute.
    pub ttl: String,
    pub indexes: Vec<IndexSpec>,
}

/// An index's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexSpec {
    pub name: String,
    pub pk: String,
    pub sk: String,
    /// Projection of the index: whole items if true, keys only if false.
    pub whole_items: bool,
}

/// The database; clones share it.
#[derive(Clone)]
pub struct Dynamo {
    db: Engine,
    /// Log of a database in a file.
    log: Option<Arc<Log>>,
    state: Arc<Mutex<State>>,
}

/// Location of the items: embedded, or in another process.
#[derive(Clone)]
enum Engine {
    Here(Database),
    There(Remote),
}

/// An error response of the engine, as sent to the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{body}")]
pub struct Refused {
    status: u16,
    body: String,
}

impl Refused {
    /// Reports if the error is of this type, such as `ResourceInUseException`.
    fn is(&self, kind: &str) -> bool {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        body.get("__type").and_then(Value::as_str).is_some_and(|whole| whole.ends_with(kind))
    }
}

impl From<DynoxideError> for Refused {
    fn from(error: DynoxideError) -> Self {
        Self { status: error.status_code(), body: error.to_json() }
    }
}

impl From<std::io::Error> for Refused {
    fn from(error: std::io::Error) -> Self {
        DynoxideError::InternalServerError(error.to_string()).into()
    }
}

#[derive(Default)]
struct State {
    meter: Meter,
    tokens: HashMap<String, Known>,
    order: VecDeque<String>,
    tables: BTreeMap<String, TableSpec>,
    /// Places that requests touch, while somebody watches.
    watched: Option<Watched>,
    contention: Contention,
    /// Duration of each call, in tokio's time.
    latency: Duration,
}

/// Calls and capacity units per operation.
pub type Meter = BTreeMap<String, Usage>;

/// Usage of one operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Usage {
    pub calls: u64,
    /// Read units, doubled: the smallest charge is half a unit.
    pub half_read_units: u64,
    /// Write units, indexes included.
    pub write_units: u64,
}

impl std::fmt::Debug for Dynamo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dynamo")
    }
}

impl Dynamo {
    /// A database in memory: embedded, or at `AWS_ENDPOINT_URL_DYNAMODB` if that is set (see [`remote`](crate::remote)).
    ///
    /// # Errors
    /// Fails when the engine can't open it.
    pub fn memory() -> Result<Self, Refused> {
        match Remote::named("dynamodb") {
            Some(remote) => Ok(Self::over(Engine::There(remote))),
            None => Ok(Self::over(Engine::Here(Database::memory()?))),
        }
    }

    /// A database in a file.
    ///
    /// # Errors
    /// Fails when the engine can't open it.
    pub fn file(path: &str) -> Result<Self, Refused> {
        let db = Database::new(path)?;
        let log = Some(Arc::new(Log::of(&db, path)?));
        Ok(Self { log, ..Self::over(Engine::Here(db)) })
    }

    fn over(db: Engine) -> Self {
        Self { db, log: None, state: Arc::default() }
    }

    /// Creates the template's table, unless it exists.
    ///
    /// # Errors
    /// Fails when the engine rejects it.
    pub fn create(&self, name: &str, table: &TableSpec) -> Result<(), Refused> {
        self.state().tables.insert(name.to_owned(), table.clone());
        let key = |pk: &str, sk: &str| json!([{"AttributeName": pk, "KeyType": "HASH"}, {"AttributeName": sk, "KeyType": "RANGE"}]);
        let mut attributes = vec![table.pk.as_str(), table.sk.as_str()];
        attributes.extend(table.indexes.iter().flat_map(|index| [index.pk.as_str(), index.sk.as_str()]));
        let definitions: Vec<Value> =
            attributes.iter().map(|name| json!({"AttributeName": name, "AttributeType": "S"})).collect();
        let indexes: Vec<Value> = table
            .indexes
            .iter()
            .map(|index| {
                let projection = if index.whole_items { "ALL" } else { "KEYS_ONLY" };
                let keys = key(&index.pk, &index.sk);
                json!({"IndexName": index.name, "KeySchema": keys, "Projection": {"ProjectionType": projection}})
            })
            .collect();
        let request = json!({
            "TableName": name, "KeySchema": key(&table.pk, &table.sk), "AttributeDefinitions": definitions,
            "GlobalSecondaryIndexes": indexes, "BillingMode": "PAY_PER_REQUEST",
        });
        match self.run("CreateTable", request.to_string().as_bytes()) {
            Ok(_) => {}
            Err(error) if error.is("ResourceInUseException") => return Ok(()),
            Err(error) => return Err(error),
        }
        if matches!(self.db, Engine::There(_)) {
            return Ok(());
        }
        let ttl = json!({
            "TableName": name, "TimeToLiveSpecification": {"AttributeName": table.ttl, "Enabled": true},
        });
        self.run("UpdateTimeToLive", ttl.to_string().as_bytes()).map(drop)
    }

    /// Every item of a table, as DynamoDB JSON; for the auditor only, never for a function.
    ///
    /// # Errors
    /// Fails when the engine fails.
    pub fn scan(&self, table: &str) -> Result<Vec<Value>, Refused> {
        let mut items = Vec::new();
        let mut start = Value::Null;
        loop {
            let mut request = json!({"TableName": table});
            if let (Value::Object(request), false) = (&mut request, start.is_null()) {
                request.insert("ExclusiveStartKey".to_owned(), start);
            }
            let mut page: Value = self.apply("Scan", &request)?;
            if let Some(Value::Array(more)) = page.get_mut("Items").map(Value::take) {
                items.extend(more);
            }
            start = page.get_mut("LastEvaluatedKey").map(Value::take).unwrap_or_default();
            if start.is_null() {
                return Ok(items);
            }
        }
    }

    /// Runs one operation without metering it: for set-up, and for tests that damage an item.
    ///
    /// # Errors
    /// Fails when the engine rejects it.
    pub fn apply(&self, operation: &str, request: &Value) -> Result<Value, Refused> {
        Ok(serde_json::from_str(&self.run(operation, request.to_string().as_bytes())?.text).unwrap_or_default())
    }

    /// Removes expired items; returns their number.
    ///
    /// # Errors
    /// Fails when the engine fails.
    pub fn sweep(&self) -> Result<usize, Refused> {
        match &self.db {
            Engine::Here(db) => Ok(db.sweep_ttl()?),
            Engine::There(_) => Ok(0),
        }
    }

    /// The usage since the start or the last reset.
    pub fn used(&self) -> Meter {
        self.state().meter.clone()
    }

    /// Resets the usage.
    pub fn reset(&self) {
        self.state().meter.clear();
    }

    /// Sets the duration of transactions, in tokio's time.
    /// Meanwhile, other writes to their items get a conflict. With zero, the default, transactions take no time and never
    /// conflict.
    pub fn transactions_take(&self, lasts: Duration) {
        self.state().contention.lasts = lasts;
    }

    /// Sets the duration of every call, in tokio's time; none by default. With paused time, what a request takes is then the
    /// longest chain of calls that wait for each other, however many go side by side.
    pub fn calls_take(&self, lasts: Duration) {
        self.state().latency = lasts;
    }

    /// Number of requests that conflicted with a transaction since the start.
    pub fn conflicts(&self) -> u64 {
        self.state().contention.conflicts
    }

    /// Handles one request; under contention a transaction holds its items for its duration first.
    async fn in_turn(&self, operation: &str, body: &[u8]) -> (u16, String) {
        let (latency, lasts) = {
            let state = self.state();
            (state.latency, state.contention.lasts)
        };
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        if lasts.is_zero() {
            return self.answer(operation, body);
        }
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let held = {
            let mut state = self.state();
            let spots = spots(operation, &request, &state.tables);
            state.contention.hold(operation, &spots)
        };
        match held {
            Ok(spots) if spots.is_empty() => self.answer(operation, body),
            Ok(spots) => {
                let _held = Held { dynamo: self, spots };
                tokio::time::sleep(lasts).await;
                self.answer(operation, body)
            }
            Err(conflict) => {
                self.count(operation, 0);
                (400, conflict.to_string())
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Handles one request; a write is answered when the disk has it.
    async fn kept(&self, operation: &str, body: &[u8]) -> (u16, String) {
        let answer = self.in_turn(operation, body).await;
        let Some(log) = self.log.as_ref().filter(|_| !is_read(operation)) else { return answer };
        match log.sync().await {
            Ok(()) => answer,
            Err(error) => {
                let Refused { status, body } = error.into();
                (status, body)
            }
        }
    }

    /// Handles one SDK request.
    fn answer(&self, operation: &str, body: &[u8]) -> (u16, String) {
        let Ok(Tokened { token }) = serde_json::from_slice(body) else {
            return (400, json!({"__type": "com.amazon.coral.service#SerializationException"}).to_string());
        };
        if let Some(known) = token.as_ref().and_then(|token| self.state().tokens.get(token).cloned()) {
            return if known.asks(body) {
                self.count(operation, 0);
                (200, known.answer)
            } else {
                let kind = "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException";
                (400, json!({"__type": kind, "message": "another request had this token"}).to_string())
            };
        }
        match self.watched(operation, body) {
            Ok(Answer { text, half_units }) => {
                self.count(operation, half_units);
                if let Some(token) = token {
                    self.remember(token, Known { request: body.to_vec(), answer: text.clone() });
                }
                (200, text)
            }
            Err(error) => {
                self.count(operation, 0);
                (error.status, error.body)
            }
        }
    }

    /// Runs one operation and records what it touches, if somebody watches.
    fn watched(&self, operation: &str, body: &[u8]) -> Result<Answer, Refused> {
        if self.state().watched.is_none() {
            return self.run(operation, body);
        }
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let spots = spots(operation, &request, &self.state().tables);
        let before = self.images(&spots)?;
        let answer = self.run(operation, body)?;
        if spots.is_empty() {
            self.warm_reads(operation, &request, answer.half_units);
        } else {
            let images: Vec<_> = before.into_iter().zip(self.images(&spots)?).collect();
            self.warm(operation == "TransactWriteItems", &spots, &images);
        }
        Ok(answer)
    }

    fn remember(&self, token: String, known: Known) {
        let mut state = self.state();
        state.order.push_back(token.clone());
        state.tokens.insert(token, known);
        if state.order.len() > TOKENS
            && let Some(oldest) = state.order.pop_front()
        {
            state.tokens.remove(&oldest);
        }
    }

    fn count(&self, operation: &str, half_units: u64) {
        let mut state = self.state();
        let usage = state.meter.entry(operation.to_owned()).or_default();
        usage.calls = usage.calls.saturating_add(1);
        if is_read(operation) {
            usage.half_read_units = usage.half_read_units.saturating_add(half_units);
        } else {
            usage.write_units = usage.write_units.saturating_add(half_units / 2);
        }
    }

    fn run(&self, operation: &str, body: &[u8]) -> Result<Answer, Refused> {
        match &self.db {
            Engine::Here(db) => Ok(here::run(db, operation, body)?),
            Engine::There(remote) => there(remote, operation, body),
        }
    }
}

/// Answer of an operation, and the units it consumed, doubled: the smallest charge is half a unit.
struct Answer {
    text: String,
    half_units: u64,
}

/// Token of a transaction; the rest of the request is skipped.
#[derive(Deserialize)]
struct Tokened {
    #[serde(rename = "ClientRequestToken")]
    token: Option<String>,
}

/// A request that had a token, and its answer.
#[derive(Debug, Clone)]
struct Known {
    request: Vec<u8>,
    answer: String,
}

impl Known {
    /// True if a request asks the same, in whatever order it names it.
    fn asks(&self, request: &[u8]) -> bool {
        let parsed = |body: &[u8]| serde_json::from_slice::<Value>(body).ok();
        self.request == request || parsed(&self.request) == parsed(request)
    }
}

/// Runs one operation in another process.
fn there(remote: &Remote, operation: &str, body: &[u8]) -> Result<Answer, Refused> {
    let mut request: Value = serde_json::from_slice(body).unwrap_or_default();
    if let (Value::Object(request), true) = (&mut request, is_metered(operation)) {
        request.remove("ClientRequestToken");
        request.insert("ReturnConsumedCapacity".to_owned(), json!("TOTAL"));
    }
    match remote.ask(&format!("DynamoDB_20120810.{operation}"), &request.to_string())? {
        (200, text) => {
            let answer: Value = serde_json::from_str(&text).unwrap_or_default();
            let consumed = match answer.get("ConsumedCapacity") {
                Some(Value::Array(all)) => all.as_slice(),
                Some(one) => std::slice::from_ref(one),
                None => &[],
            };
            let half_units = consumed.iter().filter_map(|one| one.get("CapacityUnits")).map(halves).sum();
            Ok(Answer { text, half_units })
        }
        (status, body) => Err(Refused { status, body }),
    }
}

/// True for operations that change nothing.
fn is_read(operation: &str) -> bool {
    matches!(operation, "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems")
}

/// True for operations on items, which consume capacity.
fn is_metered(operation: &str) -> bool {
    !matches!(operation, "CreateTable" | "DescribeTable" | "UpdateTimeToLive")
}

/// The items that a transaction holds; dropping this releases them, also when the caller is cancelled.
struct Held<'a> {
    dynamo: &'a Dynamo,
    spots: Vec<Spot>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.dynamo.state().contention.release(&self.spots);
    }
}

/// Parses units, written `0.5` or `2.0`, as twice their number.
fn halves(units: impl std::fmt::Display) -> u64 {
    let text = units.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    let whole: u64 = whole.parse().unwrap_or(0);
    whole.saturating_mul(2).saturating_add(u64::from(fraction.starts_with('5')))
}

impl Backend for Dynamo {
    fn call(&self, req: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, ConnectFault>> {
        Box::pin(async move {
            let target = req.headers().get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
            let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
            let (status, body) = self.kept(&operation, req.body()).await;
            let response =
                http::Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
            response.body(Bytes::from(body)).map_err(|_| ConnectFault::Reset)
        })
    }
}
