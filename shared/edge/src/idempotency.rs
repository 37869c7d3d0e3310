//! The `Idempotency-Key` header (R1.8).

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use serde_json::Value;

use crate::application::Application;
use crate::problem::Problem;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::idempotency::{Idempotency, IdempotencyKey};

/// Optional idempotency key with its route.
#[derive(Debug, Clone)]
pub struct Idempotent {
    key: Option<String>,
    route: String,
}

/// Mandatory idempotency key, for routes that move money.
#[derive(Debug, Clone)]
pub struct RequiresIdempotencyKey(Idempotent);

impl<S: Send + Sync> FromRequestParts<S> for Idempotent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let path = parts.extensions.get::<MatchedPath>().map_or_else(|| parts.uri.path(), MatchedPath::as_str);
        let route = format!("{} {path}", parts.method);
        let mut all = parts.headers.get_all("idempotency-key").iter();
        let Some(first) = all.next() else { return Ok(Self { key: None, route }) };
        let key = first.to_str().unwrap_or_default();
        let visible = (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if !visible || all.next().is_some() {
            let advice = "An Idempotency-Key is one header of 1 to 255 visible ASCII characters.";
            return Err(Problem::from(Refusal::MalformedRequest).because(advice));
        }
        Ok(Self { key: Some(key.to_owned()), route })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequiresIdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let key = Idempotent::from_request_parts(parts, state).await?;
        if key.key.is_none() {
            return Err(Refusal::IdempotencyKeyRequired.into());
        }
        Ok(Self(key))
    }
}

impl Idempotent {
    /// Context of the request.
    ///
    /// The key is scoped to caller, route and body hash. Without a key, the plan's first write is the idempotency guard.
    pub fn bind(&self, app: &impl Application, caller: &str, body: &Value) -> Ctx {
        let idempotency = match &self.key {
            Some(key) => Idempotency::Key(IdempotencyKey::new(app.secret(), caller, &self.route, key, body)),
            None => Idempotency::Natural,
        };
        Ctx { idempotency, ..crate::context() }
    }
}

impl RequiresIdempotencyKey {
    /// Context of the request, with its key scoped to caller, route and body hash.
    pub fn bind(&self, app: &impl Application, caller: &str, body: &Value) -> Ctx {
        self.0.bind(app, caller, body)
    }
}
