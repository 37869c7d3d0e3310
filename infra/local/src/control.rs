//! `/_local`: the clock, schedules, mailbox, queues, faults, capacity, the auditor, and the page of the console's parts.
//! Under `aws/`, the embedded database and queues in the AWS protocols, for the operator's command line. No deployed function has
//! these routes.

use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use emulator::faults::Fault;
use emulator::stack::functions::parts;
use emulator::stack::{Stack, TABLE, Trouble};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::server::Local;

/// Handles a request under `/_local`.
pub async fn answer(local: &Local, request: Request<Bytes>) -> Response {
    let path = request.uri().path().trim_start_matches("/_local").to_owned();
    if let Some(service) = path.strip_prefix("/aws/") {
        let service = service.trim_end_matches('/').to_owned();
        return local.stack.aws(&service, request).await.map(Body::from).into_response();
    }
    if (request.method(), path.as_str()) == (&Method::GET, "/parts") {
        return parts(&local.stack.app, request).await;
    }
    let answered = match (request.method(), path.as_str()) {
        (&Method::GET, "/clock") => Ok(json!({"now": local.stack.clock.now()})),
        (&Method::POST, "/clock") => set_clock(local, request.body()),
        (&Method::GET, "/mail") => Ok(mail(local, request.uri().query().unwrap_or_default())),
        (&Method::GET, "/queues") => queues(&local.stack),
        (&Method::GET, "/capacity") => Ok(json!(local.stack.dynamo.used())),
        (&Method::DELETE, "/capacity") => {
            local.stack.dynamo.reset();
            Ok(json!({}))
        }
        (&Method::POST, "/faults") => faults(local, request.body()),
        (&Method::GET, "/audit") => audit(&local.stack).await,
        (&Method::POST, path) => match path.strip_prefix("/run/") {
            Some(schedule) => local.stack.tick(schedule).await,
            None => return StatusCode::NOT_FOUND.into_response(),
        },
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    match answered {
        Ok(value) => Json(value).into_response(),
        Err(trouble) => (StatusCode::BAD_REQUEST, Json(json!({"error": trouble.to_string()}))).into_response(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetClock {
    advance_seconds: Option<i64>,
    now: Option<Timestamp>,
}

fn set_clock(local: &Local, body: &[u8]) -> Result<Value, Trouble> {
    let asked: SetClock = serde_json::from_slice(body)?;
    let clock = &local.stack.clock;
    match (asked.advance_seconds, asked.now) {
        (Some(seconds), None) => match u64::try_from(seconds) {
            Ok(ahead) => clock.advance(Duration::from_secs(ahead)),
            Err(_) => clock.set(clock.now().checked_add(jiff::SignedDuration::from_secs(seconds))?),
        },
        (None, Some(now)) => clock.set(now),
        _ => return Err("either advance_seconds or now".into()),
    }
    local.data.keep_clock(clock)?;
    local.stack.app.settings.forget();
    local.woken.notify_one();
    Ok(json!({"now": clock.now()}))
}

fn mail(local: &Local, query: &str) -> Value {
    let to = query.split('&').find_map(|pair| pair.strip_prefix("to="));
    let to = to.map(|to| to.replace("%40", "@").replace("%2B", "+"));
    json!({"items": local.stack.mailbox.sent(to.as_deref())})
}

fn queues(stack: &Stack) -> Result<Value, Trouble> {
    let mut all = Map::new();
    for queue in &stack.template.queues {
        let Some(redrive) = &queue.spec.redrive else { continue };
        let depth = stack.queues.depth(&queue.spec.name).map_err(|refused| refused.to_string())?;
        let dead = stack.queues.depth(&redrive.dead_letter_queue).map_err(|refused| refused.to_string())?;
        let waiting = depth.visible.saturating_add(depth.delayed);
        let dead = dead.visible.saturating_add(dead.in_flight);
        let shown = json!({"depth": waiting, "in_flight": depth.in_flight, "dead_letters": dead});
        all.insert(queue.logical_id.clone(), shown);
    }
    Ok(Value::Object(all))
}

/// `{"operation", "nth", "fault"}` injects one fault, `{"per_mille", "seed"}` random ones.
/// `{}` clears all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    operation: Option<String>,
    #[serde(default)]
    nth: u32,
    fault: Option<Fault>,
    per_mille: Option<u32>,
    #[serde(default)]
    seed: u64,
}

fn faults(local: &Local, body: &[u8]) -> Result<Value, Trouble> {
    let asked: Faults = serde_json::from_slice(body)?;
    let plan = &local.stack.faults;
    match (asked.operation, asked.fault, asked.per_mille) {
        (Some(operation), Some(fault), None) => plan.script(&operation, asked.nth, fault),
        (None, None, Some(per_mille)) => plan.randomly(per_mille, asked.seed),
        (None, None, None) => plan.clear(),
        _ => return Err("either operation and fault, or per_mille, or {}".into()),
    }
    Ok(json!({}))
}

/// Maximum time to wait for work in progress.
const AT_REST: Duration = Duration::from_secs(30);

/// Waits until nothing is under way, then audits the whole table.
///
/// A consumer that runs on its own may hold a message, and a transaction may be sending its outbox: either can cause findings.
/// So findings count only of a table that did not change while nothing was under way. After [`AT_REST`] the answer says that
/// something still is.
async fn audit(stack: &Stack) -> Result<Value, Trouble> {
    let started = Instant::now();
    loop {
        stack.settle().await?;
        let before = stack.dynamo.scan(TABLE)?;
        let findings = stack.audit()?;
        let at_rest = stack.is_idle()? && stack.dynamo.scan(TABLE)? == before;
        if at_rest || started.elapsed() > AT_REST {
            return Ok(json!({"findings": findings, "items": before.len(), "under_way": !at_rest}));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
