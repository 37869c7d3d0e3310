//! Faults between an SDK and its service: network failures and overload, scripted or drawn from a seed.

pub mod process;
mod weather;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use self::weather::Weather;
use crate::connector::{Backend, BoxFuture, ConnectFault};

/// A fault of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The connection is refused; the call had no effect.
    Refused,
    /// The service returns 500; the call had no effect.
    ErrorBefore,
    /// The call took effect, and its response was lost.
    ReplyLost,
    /// The call took effect, and the service returned 500.
    ErrorAfter,
    /// The call took effect, and no response comes.
    Hang,
    /// The service throttles; the call had no effect.
    Throttled,
    /// A transaction conflicts with another one; the call had no effect.
    Conflict,
    /// The call took effect, and its response is cut off.
    Truncated,
    /// The calling process ends before it sends the call; the call had no effect.
    GoneBefore,
    /// The call took effect, and the calling process ends before it gets the response.
    GoneAfter,
}

impl Fault {
    /// The faults that the calling process survives.
    pub const SEEN: &'static [Self] = Self::ALL.split_at(8).0;

    /// Every kind; those that the calling process survives come first.
    pub const ALL: [Self; 10] = [
        Self::Refused,
        Self::ErrorBefore,
        Self::ReplyLost,
        Self::ErrorAfter,
        Self::Hang,
        Self::Throttled,
        Self::Conflict,
        Self::Truncated,
        Self::GoneBefore,
        Self::GoneAfter,
    ];
}

/// A plan of faults; clones share it.
#[derive(Clone, Default)]
pub struct Plan(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    calls: Vec<String>,
    script: VecDeque<(String, u32, Fault)>,
    weather: Weather,
    only: Option<String>,
    rng: Option<ChaCha8Rng>,
}

impl State {
    /// Draws an event that has a probability of `per_mille` in a thousand.
    fn draw(&mut self, per_mille: u32) -> bool {
        per_mille > 0 && self.rng.as_mut().is_some_and(|rng| rng.next_u32() % 1_000 < per_mille)
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.rng.as_mut().map_or(0, |rng| rng.next_u32() % bound)
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plan")
    }
}

impl Plan {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Injects a fault into the `nth` call (from 0) of `operation` from now on.
    pub fn script(&self, operation: &str, nth: u32, fault: Fault) {
        self.state().script.push_back((operation.to_owned(), nth, fault));
    }

    /// Injects faults into `per_mille` of a thousand calls, drawn from `seed`; 0 stops it.
    pub fn randomly(&self, per_mille: u32, seed: u64) {
        self.weather(Weather { errors: per_mille, ..Weather::default() }, seed);
    }

    /// Injects faults at random like [`Self::randomly`], but only into calls of one operation.
    pub fn randomly_at(&self, operation: &str, per_mille: u32, seed: u64) {
        self.randomly(per_mille, seed);
        self.state().only = Some(operation.to_owned());
    }

    /// Injects faults at these rates, drawn from `seed`.
    pub fn weather(&self, weather: Weather, seed: u64) {
        let mut state = self.state();
        state.weather = weather;
        state.only = None;
        state.rng = Some(ChaCha8Rng::seed_from_u64(seed));
    }

    /// Cancels all pending faults.
    pub fn clear(&self) {
        let mut state = self.state();
        state.script.clear();
        state.weather = Weather::default();
        state.rng = None;
    }

    /// Takes the names of the operations called since the last take.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }

    /// Number of times that the current delivery arrives: once, twice, or never.
    pub fn arrivals(&self, may_be_lost: bool) -> u32 {
        let mut state = self.state();
        let weather = state.weather;
        if may_be_lost && state.draw(weather.lost) {
            return 0;
        }
        if state.draw(weather.duplicates) { 2 } else { 1 }
    }

    /// Draws if a queue delivers nothing this time.
    pub fn late(&self) -> bool {
        let mut state = self.state();
        let late = state.weather.late;
        state.draw(late)
    }

    fn next(&self, operation: &str) -> Option<Fault> {
        let mut state = self.state();
        state.calls.push(operation.to_owned());
        if let Some(index) = state.script.iter().position(|(wanted, nth, _)| wanted == operation && *nth == 0) {
            return state.script.remove(index).map(|(_, _, fault)| fault);
        }
        for (wanted, nth, _) in &mut state.script {
            if wanted == operation {
                *nth = nth.saturating_sub(1);
            }
        }
        if state.only.as_deref().is_some_and(|only| only != operation) {
            return None;
        }
        let errors = state.weather.errors;
        if !state.draw(errors) {
            return None;
        }
        let kind = state.below(u32::try_from(Fault::ALL.len()).ok()?);
        Fault::ALL.get(usize::try_from(kind).ok()?).copied()
    }

    /// The request as the service sees it, and the keys that were removed from it.
    fn asked(&self, operation: &str, request: http::Request<Bytes>) -> (http::Request<Bytes>, Value) {
        let page = {
            let mut state = self.state();
            let short = state.weather.short;
            state.draw(short).then(|| state.below(3) + 1)
        };
        match page.and_then(|page| weather::less(operation, request.body(), page)) {
            Some((body, left)) => (request.map(|_| body), left),
            None => (request, Value::Null),
        }
    }

    /// Reports if index lag is enabled.
    fn lagging(&self) -> bool {
        self.state().weather.lagging > 0
    }

    /// The response as the caller sees it.
    fn answered(&self, of_index: bool, left: Value, response: http::Response<Bytes>) -> http::Response<Bytes> {
        if !response.status().is_success() {
            return response;
        }
        let mut state = self.state();
        let lagging = state.weather.lagging;
        if of_index && state.draw(lagging) {
            return response.map(|body| weather::lagging(&body, || state.draw(500)));
        }
        if left.is_null() { response } else { response.map(|body| weather::with_left(&body, left)) }
    }
}

/// A backend with fault injection.
#[derive(Debug)]
pub struct Faulty<B> {
    /// The wrapped backend.
    pub backend: B,
    /// The plan of faults.
    pub plan: Plan,
}

impl<B: Backend> Backend for Faulty<B> {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, ConnectFault>> {
        Box::pin(async move {
            let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok());
            let other = if request.uri().path().starts_with("/_sim/") { "Provider" } else { "SendEmail" };
            let operation = target.and_then(|target| target.rsplit('.').next()).unwrap_or(other).to_owned();
            let fault = self.plan.next(&operation);
            match fault {
                Some(Fault::Refused) => return Err(ConnectFault::Refused),
                Some(Fault::ErrorBefore) => return Ok(refusal(500, "InternalServerError", &Value::Null)),
                Some(Fault::Conflict) if operation == "TransactWriteItems" => {
                    return Ok(refusal(400, "TransactionCanceledException", &conflicts(request.body())));
                }
                Some(Fault::Throttled | Fault::Conflict) => {
                    return Ok(refusal(400, "ThrottlingException", &Value::Null));
                }
                Some(Fault::GoneBefore) => {
                    process::end().await;
                    return Err(ConnectFault::Reset);
                }
                _ => {}
            }
            let of_index = self.plan.lagging() && weather::of_index(&operation, request.body());
            let (request, left) = self.plan.asked(&operation, request);
            let response = self.backend.call(request).await?;
            match fault {
                None => Ok(self.plan.answered(of_index, left, response)),
                Some(Fault::ErrorAfter) => Ok(refusal(500, "InternalServerError", &Value::Null)),
                Some(Fault::Hang) => Err(ConnectFault::Timeout),
                Some(Fault::Truncated) if response.status().is_success() && response.body().len() > 4 => {
                    let half = response.body().len() / 2;
                    Ok(response.map(|body| body.slice(..half)))
                }
                Some(other) => {
                    if other == Fault::GoneAfter {
                        process::end().await;
                    }
                    Err(ConnectFault::Reset)
                }
            }
        })
    }
}

fn refusal(status: u16, kind: &str, reasons: &Value) -> http::Response<Bytes> {
    let mut body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "a fault"});
    if let (Value::Object(body), false) = (&mut body, reasons.is_null()) {
        body.insert("CancellationReasons".to_owned(), reasons.clone());
    }
    let response = http::Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amzn-query-error", format!("{kind};Sender"));
    response.body(Bytes::from(body.to_string())).unwrap_or_default()
}

/// Cancellation reasons of a transaction whose first write conflicts with another transaction.
fn conflicts(body: &[u8]) -> Value {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let writes = request.get("TransactItems").and_then(Value::as_array).map_or(1, Vec::len);
    let reason = |index: usize| json!({"Code": if index == 0 { "TransactionConflict" } else { "None" }});
    (0..writes).map(reason).collect()
}
