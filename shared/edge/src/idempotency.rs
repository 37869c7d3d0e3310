//! The `Idempotency-Key` header (R1.8).

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use axum::http::request::Parts;
use serde_json::{Value, json};

use crate::application::{Application, Identity};
use crate::body::Body;
use crate::openapi::{Describe, Operation};
use crate::problem::Problem;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::idempotency::{Idempotency, IdempotencyKey};

/// The caller's key, if one came.
#[derive(Debug, Clone)]
pub struct Idempotent(Option<Keyed>);

/// A key with the route and the path that it was sent to.
#[derive(Debug, Clone)]
struct Keyed {
    key: String,
    route: String,
    path: BTreeMap<String, String>,
}

/// Mandatory idempotency key, for routes that move money.
#[derive(Debug, Clone)]
pub struct RequiresIdempotencyKey(Idempotent);

impl<S: Send + Sync> FromRequestParts<S> for Idempotent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let mut all = parts.headers.get_all("idempotency-key").iter();
        let Some(first) = all.next() else { return Ok(Self(None)) };
        let key = first.to_str().unwrap_or_default();
        let visible = (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if !visible || all.next().is_some() {
            let advice = "An Idempotency-Key is one header of 1 to 255 visible ASCII characters.";
            return Err(Problem::from(Refusal::MalformedRequest).because(advice));
        }
        let key = key.to_owned();
        let matched = parts.extensions.get::<MatchedPath>().map_or_else(|| parts.uri.path(), MatchedPath::as_str);
        let route = format!("{} {matched}", parts.method);
        let path = RawPathParams::from_request_parts(parts, state).await;
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let path = path.iter().flatten().map(owned).collect();
        Ok(Self(Some(Keyed { key, route, path })))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequiresIdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let key = Idempotent::from_request_parts(parts, state).await?;
        if key.0.is_none() {
            return Err(Refusal::IdempotencyKeyRequired.into());
        }
        Ok(Self(key))
    }
}

const KEY: &str = "1 to 255 visible ASCII characters; a repeat with the same key gets the first answer";

impl Describe for Idempotent {
    fn describe(operation: &mut Operation) {
        operation.header("Idempotency-Key", false, KEY).replayable();
        operation.refusal(&Refusal::MalformedRequest).refusal(&Refusal::IdempotencyKeyReused);
    }
}

impl Describe for RequiresIdempotencyKey {
    fn describe(operation: &mut Operation) {
        operation.header("Idempotency-Key", true, KEY).refusal(&Refusal::IdempotencyKeyRequired);
        Idempotent::describe(operation);
    }
}

/// The part of a request that a key covers beside its path: a body, its JSON form, or `()`.
pub trait Payload {
    /// Its JSON form.
    fn json(&self) -> &Value;
}

impl<T, const LIMIT: usize> Payload for Body<T, LIMIT> {
    fn json(&self) -> &Value {
        &self.raw
    }
}

impl Payload for Value {
    fn json(&self) -> &Value {
        self
    }
}

impl Payload for () {
    fn json(&self) -> &Value {
        &Value::Null
    }
}

impl Idempotent {
    /// The context of the request: its key is scoped to caller and route, and good for one path and body. Without a key, the
    /// plan's first write is the idempotency guard.
    pub fn bind(&self, app: &impl Application, caller: &impl Identity, body: &impl Payload) -> Ctx {
        let idempotency = match &self.0 {
            Some(keyed) => {
                let (caller, content) = (caller.identity(), keyed.content(body.json()));
                Idempotency::Key(IdempotencyKey::new(app.secret(), &caller, &keyed.route, &keyed.key, &content))
            }
            None => Idempotency::Natural,
        };
        Ctx { idempotency, ..crate::context() }
    }
}

impl Keyed {
    fn content(&self, body: &Value) -> Value {
        if self.path.is_empty() { body.clone() } else { json!({"path": self.path, "body": body}) }
    }
}

impl RequiresIdempotencyKey {
    /// The context of the request, as that of [`Idempotent::bind`].
    pub fn bind(&self, app: &impl Application, caller: &impl Identity, body: &impl Payload) -> Ctx {
        self.0.bind(app, caller, body)
    }
}
