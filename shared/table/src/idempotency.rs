//! Once: what makes a request happen one time only (R1.8).
//!
//! A request either brings an `Idempotency-Key`, and then its first answer is kept on a once-record that is written in the
//! same transaction as the effect; or the effect has a natural marker (an e-mail's claim, a state's transition) that its own plan
//! writes first. The once-record holds the answer without its secrets.

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::item::Entity;
use crate::key::Key;
use kernel::key_part::KeyPart;
use kernel::secret::Secret;

/// How long a once-record is kept.
pub const KEPT_HOURS: i64 = 72;

/// How a request is recognised when it comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Idempotency {
    /// The plan's first write is its marker.
    Natural,
    /// The caller's key; see [`IdempotencyKey`].
    Key(IdempotencyKey),
}

/// An `Idempotency-Key`, bound to its caller and route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Secret hash of caller, route and key: where the record is.
    pub hash: String,
    /// Secret hash of the body without its passwords.
    pub fingerprint: String,
}

/// The first answer to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IdempotencyRecord {
    /// Where it is.
    pub hash: String,
    /// The request's body, hashed.
    pub fingerprint: String,
    /// The answer as JSON text: numbers keep their form and empty fields stay.
    pub answer: String,
    /// When it was given.
    pub at: Timestamp,
}

impl IdempotencyRecord {
    /// Where the record of a request is, by the secret hash of caller, route and key.
    pub fn key(hash: &str) -> Key {
        Key::of(format!("ONCE#{}", hash.part()), "ONCE")
    }

    /// When it may go.
    pub fn until(&self) -> Timestamp {
        self.at.checked_add(KEPT_HOURS.hours()).unwrap_or(Timestamp::MAX)
    }
}

impl Entity for IdempotencyRecord {
    const TYPE: &'static str = "once";

    fn own_key(&self) -> Key {
        Self::key(&self.hash)
    }

    fn time_to_live(&self) -> Option<Timestamp> {
        Some(self.until())
    }
}

impl IdempotencyKey {
    /// Binds `key` to who calls which route with which body. Fields called `password` leave no trace in the fingerprint.
    pub fn new(secret: &Secret, caller: &str, route: &str, key: &str, body: &Value) -> Self {
        let parts = [caller.as_bytes(), route.as_bytes(), key.as_bytes()];
        Self { hash: secret.hex("once", &parts), fingerprint: fingerprint(secret, body) }
    }
}

/// The secret hash of a body without its passwords; object keys are in their sorted order.
pub fn fingerprint(secret: &Secret, body: &Value) -> String {
    let mut body = body.clone();
    strip_passwords(&mut body);
    secret.hex("fingerprint", &[body.to_string().as_bytes()])
}

fn strip_passwords(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("password");
            fields.values_mut().for_each(strip_passwords);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_passwords),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// R1.8: the record tells bodies apart but never passwords.
    #[test]
    fn a_fingerprint_tells_bodies_apart_but_never_passwords() {
        let secret = Secret::new(*b"secret");
        let of = |body: Value| fingerprint(&secret, &body);
        assert_eq!(of(json!({"a": 1, "b": 2})), of(json!({"b": 2, "a": 1})));
        assert_ne!(of(json!({"a": 1})), of(json!({"a": 2})));
        assert_eq!(of(json!({"a": 1, "password": "x"})), of(json!({"a": 1, "password": "y"})));
        assert_eq!(of(json!({"body": {"password": "x"}})), of(json!({"body": {"password": "y"}})));
    }
}
