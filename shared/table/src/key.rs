//! Keys: where an item is, and the entries it has in the indexes.
//!
//! Capabilities declare the keys of their entities by [`records!`](crate::records). No key holds an e-mail or anything else personal:
//! e-mails are hashed with a secret. Parts of a key exclude the separator `#`, see [`KeyPart`](kernel::key_part::KeyPart).

use std::fmt::Display;

use jiff::{Timestamp, tz::TimeZone};
pub use kernel::key_part::sortable;
use sha2::{Digest, Sha256};

/// Number of partitions that the outbox and the due-time index are spread over.
pub const SHARDS: u8 = 8;

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    /// The key of these two parts.
    pub fn of(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }
}

/// An index entry: partition and sort key.
pub type IndexEntry = (String, String);

/// The partition of a list that belongs to somebody, `INVITEES#usr_…`.
pub fn owned_by(list: &str, owner: impl Display) -> String {
    format!("{list}#{owner}")
}

/// An entry in the list of an owner.
pub fn owned(list: &str, owner: impl Display, sort: impl Display) -> IndexEntry {
    (owned_by(list, owner), sort.to_string())
}

/// An entry in a list of the whole platform, which has a partition per month.
pub fn by_month(list: &str, at: Timestamp, sort: impl Display) -> IndexEntry {
    (month_of(list, at), sort.to_string())
}

/// An entry among what is due at a time.
pub fn due(what: &str, id: impl Display, at: Timestamp) -> IndexEntry {
    (due_shard(what, shard_of(&id.to_string())), due_at(at))
}

/// A sort key by time, then by id.
pub fn at_time(at: Timestamp, id: impl Display) -> String {
    format!("{}#{id}", sortable(at))
}

/// The partition of one shard of a due-time index (`order`, `promotion`).
pub fn due_shard(what: &str, shard: u8) -> String {
    format!("DUE#{what}#{shard}")
}

/// The sort key of what is due at a time: by time alone, as an index takes any number of items at one place.
pub fn due_at(at: Timestamp) -> String {
    sortable(at)
}

/// The sort key right after everything that is due by `at`.
pub fn due_until(at: Timestamp) -> String {
    format!("{}~", sortable(at))
}

/// The month partition of an admin list, `ORDERS#2026-11`.
pub fn month_of(list: &str, at: Timestamp) -> String {
    format!("{list}#{}", at.to_zoned(TimeZone::UTC).strftime("%Y-%m"))
}

/// The shard of an id: its hash, so that ids made in one instant spread.
pub fn shard_of(id: &str) -> u8 {
    Sha256::digest(id.as_bytes()).first().map_or(0, |byte| byte % SHARDS)
}
