//! Once: what makes a request happen one time only (R1.8).
//!
//! A request either brings an `Idempotency-Key`, and then its first answer is kept on a once-record that is written in the
//! same transaction as the effect; or the effect has a natural marker (an e-mail's claim, a state's transition) that its own plan
//! writes first. The once-record holds the answer without its secrets.

use hmac::{Hmac, KeyInit, Mac};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;

/// How long a once-record is kept.
pub const KEPT_HOURS: i64 = 72;

/// How a request is recognised when it comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Once {
    /// The plan's first write is its marker.
    Natural,
    /// The caller's key; see [`OnceKey`].
    Key(OnceKey),
}

/// An `Idempotency-Key`, bound to its caller and route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnceKey {
    /// Secret hash of caller, route and key: where the record is.
    pub hash: String,
    /// Secret hash of the body without its passwords.
    pub fingerprint: String,
}

/// The first answer to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnceRecord {
    /// Where it is.
    pub hash: String,
    /// The request's body, hashed.
    pub fingerprint: String,
    /// The answer as JSON text: numbers keep their form and empty fields stay.
    pub answer: String,
    /// When it was given.
    pub at: Timestamp,
}

impl OnceRecord {
    /// When it may go.
    pub fn until(&self) -> Timestamp {
        self.at.checked_add(KEPT_HOURS.hours()).unwrap_or(Timestamp::MAX)
    }
}

/// A secret from which labelled hashes are made: fingerprints, key parts, cursors, codes.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// A secret of these bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// HMAC-SHA-256 of the parts under this secret; `label` keeps uses apart. Parts are length-prefixed: no two lists of
    /// parts hash alike.
    pub fn hash(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = match Hmac::<Sha256>::new_from_slice(&self.0) {
            Ok(mac) => mac,
            Err(never) => unreachable!("HMAC takes keys of any length: {never}"),
        };
        for part in std::iter::once(label.as_bytes()).chain(parts.iter().copied()) {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// The same as lower-case hexadecimal.
    pub fn hex(&self, label: &str, parts: &[&[u8]]) -> String {
        data_encoding::HEXLOWER.encode(&self.hash(label, parts))
    }
}

impl OnceKey {
    /// Binds `key` to who calls which route with which body. Fields called `password` leave no trace in the fingerprint.
    pub fn new(secret: &Secret, caller: &str, route: &str, key: &str, body: &Value) -> Self {
        let parts = [caller.as_bytes(), route.as_bytes(), key.as_bytes()];
        Self { hash: secret.hex("once", &parts), fingerprint: fingerprint(secret, body) }
    }
}

/// The secret hash of a body without its passwords; object keys are in their sorted order.
pub fn fingerprint(secret: &Secret, body: &Value) -> String {
    let mut body = body.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("password");
    }
    secret.hex("fingerprint", &[body.to_string().as_bytes()])
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
    }

    #[test]
    fn parts_of_a_hash_cannot_be_shifted_into_each_other() {
        let secret = Secret::new(*b"secret");
        assert_ne!(secret.hex("once", &[b"ab", b"c"]), secret.hex("once", &[b"a", b"bc"]));
    }
}
