//! Keys of items and of their index entries.
//!
//! Capabilities declare the keys of their entities by [`records!`](macro@crate::records). No key contains personal data; e-mails are
//! hashed with a secret. A part of a key cannot contain the separator `#`, see [`KeyPart`](kernel::key_part::KeyPart).

use std::fmt::Display;

use jiff::{Timestamp, tz::TimeZone};
pub use kernel::key_part::sortable;
use sha2::{Digest, Sha256};

/// Number of partitions of the outbox and of each due-time list.
pub const SHARDS: u8 = 8;

/// Primary key of an item.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub pk: String,
    pub sk: String,
}

impl Key {
    /// The key with these two parts.
    pub fn of(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }
}

/// An index entry: partition and sort key.
pub type IndexEntry = (String, String);

/// Partition of an owner's list, `INVITEES#usr_…`.
pub fn owned_by(list: &str, owner: impl Display) -> String {
    format!("{list}#{owner}")
}

/// Entry in an owner's list.
pub fn owned(list: &str, owner: impl Display, sort: impl Display) -> IndexEntry {
    (owned_by(list, owner), sort.to_string())
}

/// Entry in a platform list, which has one partition per month.
pub fn by_month(list: &str, at: Timestamp, sort: impl Display) -> IndexEntry {
    (month_of(list, at), sort.to_string())
}

/// Entry in a due-time list.
pub fn due(what: &str, id: impl Display, at: Timestamp) -> IndexEntry {
    (due_shard(what, shard_of(&id.to_string())), due_at(at))
}

/// Sort key by time, then by id.
pub fn at_time(at: Timestamp, id: impl Display) -> String {
    format!("{}#{id}", sortable(at))
}

/// Partition of one shard of a due-time list (`order`, `promotion`).
pub fn due_shard(what: &str, shard: u8) -> String {
    format!("DUE#{what}#{shard}")
}

/// Sort key in a due-time list: the time alone, since index keys need not be unique.
pub fn due_at(at: Timestamp) -> String {
    sortable(at)
}

/// Sort key just above everything due by `at`.
pub fn due_until(at: Timestamp) -> String {
    format!("{}~", sortable(at))
}

/// Partition of a platform list for the month of `at`, `ORDERS#2026-11`.
pub fn month_of(list: &str, at: Timestamp) -> String {
    format!("{list}#{}", at.to_zoned(TimeZone::UTC).strftime("%Y-%m"))
}

/// Shard of an id: by hash, so that ids made at the same instant spread over the shards.
pub fn shard_of(id: &str) -> u8 {
    Sha256::digest(id.as_bytes()).first().map_or(0, |byte| byte % SHARDS)
}
