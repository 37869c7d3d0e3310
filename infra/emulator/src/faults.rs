//! Faults between an SDK and its service: what a network and a busy service do, drawn from a seed or written down.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::connector::{Backend, BoxFuture, ConnectFault};

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The connection is refused; nothing happened.
    Refused,
    /// The service answers 500 and did nothing.
    ErrorBefore,
    /// It happened, and the reply was lost.
    ReplyLost,
    /// It happened, and the service answered 500.
    ErrorAfter,
    /// It happened, and no answer comes.
    Hang,
    /// The service is busy; nothing happened.
    Throttled,
    /// A transaction met another one; nothing happened.
    Conflict,
    /// It happened, and the answer breaks off.
    Truncated,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Refused,
        Self::ErrorBefore,
        Self::ReplyLost,
        Self::ErrorAfter,
        Self::Hang,
        Self::Throttled,
        Self::Conflict,
        Self::Truncated,
    ];
}

/// What goes wrong, shared by everything that wraps a backend in it.
#[derive(Clone, Default)]
pub struct Plan(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    calls: Vec<String>,
    script: VecDeque<(String, u32, Fault)>,
    per_mille: u32,
    only: Option<String>,
    rng: Option<ChaCha8Rng>,
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

    /// Lets the `nth` (from 0) call of `operation` from now on go wrong.
    pub fn script(&self, operation: &str, nth: u32, fault: Fault) {
        self.state().script.push_back((operation.to_owned(), nth, fault));
    }

    /// Lets so many of a thousand calls go wrong, drawn from `seed`; 0 stops it.
    pub fn randomly(&self, per_mille: u32, seed: u64) {
        let mut state = self.state();
        state.per_mille = per_mille;
        state.only = None;
        state.rng = (per_mille > 0).then(|| ChaCha8Rng::seed_from_u64(seed));
    }

    /// The same for the calls of one operation.
    pub fn randomly_at(&self, operation: &str, per_mille: u32, seed: u64) {
        self.randomly(per_mille, seed);
        self.state().only = Some(operation.to_owned());
    }

    /// Ends all faults that have not happened.
    pub fn clear(&self) {
        let mut state = self.state();
        state.script.clear();
        state.per_mille = 0;
        state.rng = None;
    }

    /// Which operations were called since the last look.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
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
        let per_mille = state.per_mille;
        let rng = state.rng.as_mut()?;
        if rng.next_u32() % 1_000 >= per_mille {
            return None;
        }
        let kinds = u32::try_from(Fault::ALL.len()).ok()?;
        let kind = usize::try_from(rng.next_u32() % kinds).ok()?;
        Fault::ALL.get(kind).copied()
    }
}

/// A backend with faults before it.
#[derive(Debug)]
pub struct Faulty<B> {
    /// What answers.
    pub backend: B,
    /// What goes wrong.
    pub plan: Plan,
}

impl<B: Backend> Backend for Faulty<B> {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, ConnectFault>> {
        Box::pin(async move {
            let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok());
            let other = if request.uri().path().starts_with("/_sim/") { "Provider" } else { "SendEmail" };
            let operation = target.and_then(|target| target.rsplit('.').next()).unwrap_or(other).to_owned();
            let Some(fault) = self.plan.next(&operation) else { return self.backend.call(request).await };
            match fault {
                Fault::Refused => return Err(ConnectFault::Refused),
                Fault::ErrorBefore => return Ok(refusal(500, "InternalServerError", &Value::Null)),
                Fault::Throttled => return Ok(refusal(400, "ThrottlingException", &Value::Null)),
                Fault::Conflict if operation == "TransactWriteItems" => {
                    return Ok(refusal(400, "TransactionCanceledException", &conflicts(request.body())));
                }
                Fault::Conflict => return Ok(refusal(400, "ThrottlingException", &Value::Null)),
                Fault::ReplyLost | Fault::ErrorAfter | Fault::Hang | Fault::Truncated => {}
            }
            let response = self.backend.call(request).await?;
            match fault {
                Fault::ErrorAfter => Ok(refusal(500, "InternalServerError", &Value::Null)),
                Fault::Hang => Err(ConnectFault::Timeout),
                Fault::Truncated if response.status().is_success() && response.body().len() > 4 => {
                    let half = response.body().len() / 2;
                    Ok(response.map(|body| body.slice(..half)))
                }
                _ => Err(ConnectFault::Reset),
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

/// The reasons of a transaction whose first write met another transaction.
fn conflicts(body: &[u8]) -> Value {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let writes = request.get("TransactItems").and_then(Value::as_array).map_or(1, Vec::len);
    let reason = |index: usize| json!({"Code": if index == 0 { "TransactionConflict" } else { "None" }});
    (0..writes).map(reason).collect()
}
