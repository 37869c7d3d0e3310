//! The `Idempotency-Idempotent` header (R1.8).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde_json::Value;

use crate::application::Application;
use crate::problem::Problem;
use kernel::refusal::Refusal;
use table::idempotency::{Idempotency, IdempotencyKey};

/// The caller's key, if one came.
#[derive(Debug, Clone)]
pub struct Idempotent(Option<String>);

/// The caller's key on a route that moves money.
#[derive(Debug, Clone)]
pub struct RequiresIdempotencyKey(Idempotent);

impl<S: Send + Sync> FromRequestParts<S> for Idempotent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut all = parts.headers.get_all("idempotency-key").iter();
        let Some(first) = all.next() else { return Ok(Self(None)) };
        let key = first.to_str().unwrap_or_default();
        let visible = (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if !visible || all.next().is_some() {
            let advice = "An Idempotency-Key is one header of 1 to 255 visible ASCII characters.";
            return Err(Problem::from(Refusal::MalformedRequest).because(advice));
        }
        Ok(Self(Some(key.to_owned())))
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

impl Idempotent {
    /// Binds the key to who calls which route with which body; without a key the effect has its natural marker.
    pub fn once(&self, app: &impl Application, caller: &str, route: &str, body: &Value) -> Idempotency {
        match &self.0 {
            Some(key) => Idempotency::Key(IdempotencyKey::new(app.secret(), caller, route, key, body)),
            None => Idempotency::Natural,
        }
    }
}

impl RequiresIdempotencyKey {
    /// Binds the key to who calls which route with which body.
    pub fn once(&self, app: &impl Application, caller: &str, route: &str, body: &Value) -> Idempotency {
        self.0.once(app, caller, route, body)
    }
}
