//! Service keys: credentials of the operator's own backend (R2.6).
//!
//! A key is `gdn_`, its id (a ULID), `_`, and a secret of 256 bits. Only a secret hash is stored; it is found by the id and
//! compared in constant time. The key is returned once, at creation. A revoked key is kept, so that its name stays resolvable.
//! Each key is one item.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use kernel::id::{ServiceKeyId, UserId};
use kernel::refusal::FieldError;
use kernel::text_enum;

/// Maximum characters of a key's name.
pub const NAME_MAX: usize = 60;
/// Prefix of every key.
pub const PREFIX: &str = "gdn_";

text_enum! {
    /// Permission that a service key grants the backend.
    pub enum ServiceScope {
        /// Register users.
        UsersWrite = "users:write",
        /// Read users with their balance and subscriptions.
        UsersRead = "users:read",
        /// Open sessions for users.
        SessionsCreate = "sessions:create",
        /// Credit and debit balances.
        LedgerWrite = "ledger:write",
        /// Report purchases and their refunds.
        PurchasesWrite = "purchases:write",
        /// Read the withdrawals of payout batches, and report what became of them.
        WithdrawalsSettle = "withdrawals:settle",
    }
}

/// Service key without its secret. `Debug` hides the hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceKey {
    pub id: ServiceKeyId,
    /// Display name; journals refer to it as `service:{name}` (R1.6).
    pub name: String,
    pub scopes: BTreeSet<ServiceScope>,
    /// Secret hash of the secret.
    pub hash: String,
    /// Admin who created the key.
    pub made_by: UserId,
    pub created_at: Timestamp,
    /// Time of the revocation; the key is invalid from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

impl ServiceKey {
    /// Formats the key as the backend sends it.
    pub fn token(id: ServiceKeyId, secret: &str) -> String {
        format!("{PREFIX}{}_{secret}", id.ulid().to_string().to_ascii_lowercase())
    }

    /// Splits a token into id and secret; `None` when it is not a service key.
    pub fn read(token: &str) -> Option<(ServiceKeyId, &str)> {
        let (id, secret) = token.strip_prefix(PREFIX)?.split_once('_')?;
        let id = ServiceKeyId::new(Ulid::from_string(id).ok()?);
        (secret.len() <= 100).then_some((id, secret))
    }
}

impl fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceKey").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// Parses a key's name: 1 to [`NAME_MAX`] characters on one line, trimmed.
///
/// # Rejects
/// A [`FieldError`] when it is empty, too long or has control characters.
pub fn name_at(pointer: &str, text: &str) -> Result<String, FieldError> {
    let name = text.trim();
    let good = (1..=NAME_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    let detail = || format!("1 to {NAME_MAX} characters on one line");
    good.then(|| name.to_owned()).ok_or_else(|| FieldError::new(pointer, "out_of_range", detail()))
}

/// Parses the scopes of a key.
///
/// # Rejects
/// A [`FieldError`] when there is none, or an unknown one.
pub fn scopes_at(pointer: &str, texts: &[String]) -> Result<BTreeSet<ServiceScope>, FieldError> {
    let scopes: Option<BTreeSet<ServiceScope>> = texts.iter().map(|text| ServiceScope::parse(text)).collect();
    let all = ServiceScope::ALL.map(ServiceScope::as_str).join(", ");
    let wrong = || FieldError::new(pointer, "unknown", format!("one or more of {all}"));
    scopes.filter(|scopes| !scopes.is_empty()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// R2.6: a key round-trips, and no other text parses as one.
    #[test]
    fn a_key_names_itself() {
        let id = ServiceKeyId::new(Ulid::from_parts(1_790_000_000_000, 7));
        let token = ServiceKey::token(id, "5ec7e7");
        assert!(token.starts_with("gdn_"), "{token}");
        assert_eq!(ServiceKey::read(&token), Some((id, "5ec7e7")));
        for other in ["", "gdn_", "gdn_x_y", "eyJhbGciOi.x.y", &token.replace("gdn_", "GDN_"), &"gdn_".repeat(99)] {
            assert_eq!(ServiceKey::read(other), None, "{other}");
        }
    }

    /// R2.6
    #[test]
    fn scopes_are_those_there_are() {
        let read =
            |texts: &[&str]| scopes_at("/scopes", &texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(read(&["users:read", "users:read"]).unwrap(), BTreeSet::from([ServiceScope::UsersRead]));
        assert!(read(&[]).is_err() && read(&["users:read", "admin"]).is_err());
        for scope in ServiceScope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
    }

    /// S2: the `Debug` output of a key has neither its hash nor its secret.
    #[test]
    fn a_debugged_key_shows_no_hash() {
        let key = ServiceKey {
            id: ServiceKeyId::new(Ulid::from_parts(1, 1)),
            name: "billing".into(),
            scopes: BTreeSet::from(ServiceScope::ALL),
            hash: "0123456789abcdef".into(),
            made_by: UserId::new(Ulid::from_parts(1, 2)),
            created_at: Timestamp::UNIX_EPOCH,
            revoked_at: None,
        };
        assert!(!format!("{key:?}").contains("0123456789abcdef"));
    }
}
