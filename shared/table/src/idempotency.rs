//! Idempotency: each request takes effect once (R1.8).
//!
//! A request with an `Idempotency-Key` has its first answer stored in an idempotency record, in the transaction of the effect.
//! A request that makes a thing whose id follows from the key needs no record: the thing is the guard, and tells the answer
//! ([`Guard`]). Any other effect has a natural guard that its plan writes first, such as an e-mail claim or a state transition.
//! The record stores the answer without its secrets.

use jiff::{Timestamp, ToSpan};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use ulid::Ulid;

use crate::item::Entity;
use crate::key::Key;
use kernel::fault::Fault;
use kernel::key_part::KeyPart;
use kernel::secret::Secret;

/// Retention of an idempotency record, in hours.
pub const KEPT_HOURS: i64 = 72;

/// Recognition of a repeated request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Idempotency {
    /// The plan's first write is the guard.
    Natural,
    /// The caller's key is the guard; see [`IdempotencyKey`].
    Key(IdempotencyKey),
}

/// An `Idempotency-Key`, scoped to caller and route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Secret hash of caller, route and key; part of the record's key.
    pub hash: String,
    /// Secret hash of the body without its password.
    pub fingerprint: String,
}

/// Item by which a repeated request is recognised, and which tells the first answer to it.
pub trait Guard<A>: Entity {
    /// Fingerprint of the first request; `None` if that had no key.
    fn fingerprint(&self) -> Option<&str>;

    /// Time until which a repetition gets the first answer.
    fn answers_until(&self) -> Timestamp {
        Timestamp::MAX
    }

    /// The first answer, whatever became of the item since.
    ///
    /// # Errors
    /// A fault when it can't be read.
    fn first_answer(&self) -> Result<A, Fault>;
}

/// Stored first answer to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IdempotencyRecord {
    /// Secret hash of caller, route and key.
    pub hash: String,
    /// Secret hash of the request body.
    pub fingerprint: String,
    /// The answer as JSON text, which keeps the form of numbers and empty fields.
    pub answer: String,
    pub at: Timestamp,
}

impl IdempotencyRecord {
    /// Key of the record, by the secret hash of caller, route and key.
    pub fn key(hash: &str) -> Key<Self> {
        Key::holding(format!("ONCE#{}", hash.part()), "ONCE")
    }

    /// Expiry time.
    pub fn until(&self) -> Timestamp {
        self.at.checked_add(KEPT_HOURS.hours()).unwrap_or(Timestamp::MAX)
    }
}

impl<A: DeserializeOwned> Guard<A> for IdempotencyRecord {
    fn fingerprint(&self) -> Option<&str> {
        Some(&self.fingerprint)
    }

    fn answers_until(&self) -> Timestamp {
        self.until()
    }

    fn first_answer(&self) -> Result<A, Fault> {
        serde_json::from_str(&self.answer).map_err(|error| Fault::item(Self::key(&self.hash).pk, error))
    }
}

impl Entity for IdempotencyRecord {
    const TYPE: &'static str = "once";

    fn own_key(&self) -> Key<Self> {
        Self::key(&self.hash)
    }

    fn time_to_live(&self) -> Option<Timestamp> {
        Some(self.until())
    }
}

impl Idempotency {
    /// The caller's key, if it is the guard.
    pub fn key(&self) -> Option<&IdempotencyKey> {
        match self {
            Self::Natural => None,
            Self::Key(key) => Some(key),
        }
    }
}

impl IdempotencyKey {
    /// Scopes `key` to caller and route and fingerprints the body.
    ///
    /// The field `password` does not enter the fingerprint.
    pub fn new(secret: &Secret, caller: &str, route: &str, key: &str, body: &Value) -> Self {
        let parts = [caller.as_bytes(), route.as_bytes(), key.as_bytes()];
        Self { hash: secret.hex("once", &parts), fingerprint: fingerprint(secret, body) }
    }

    /// Id of the thing that the request makes: the same for each repetition, and for no other key, caller or route.
    pub fn id(&self) -> Ulid {
        Ulid(Sha256::digest(&self.hash).iter().take(16).fold(0, |id, byte| (id << 8) | u128::from(*byte)))
    }

    /// The key of the thing at `place` of those that the request names.
    pub fn part(&self, place: usize) -> Self {
        Self { hash: format!("{}-{place}", self.hash), fingerprint: self.fingerprint.clone() }
    }
}

/// Secret hash of a body without its password; object keys are sorted.
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

    /// R1.8: requests that name several things make each of them under an id of its own.
    #[test]
    fn the_id_of_what_a_request_makes_follows_from_its_key() {
        let secret = Secret::new(*b"secret");
        let of = |caller: &str, key: &str| IdempotencyKey::new(&secret, caller, "POST /v1/orders", key, &Value::Null);
        assert_eq!(of("ann", "k").id(), of("ann", "k").id());
        let ids = [of("ann", "k"), of("ann", "l"), of("bob", "k"), of("ann", "k").part(0), of("ann", "k").part(1)];
        let ids: std::collections::BTreeSet<Ulid> = ids.iter().map(IdempotencyKey::id).collect();
        assert_eq!(ids.len(), 5);
    }

    /// R1.8: a fingerprint distinguishes bodies but never passwords.
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
