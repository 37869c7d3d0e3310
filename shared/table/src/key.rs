//! Keys of items and of their index entries.
//!
//! Capabilities declare the keys of their entities by [`records!`](macro@crate::records). No key contains personal data; e-mails are
//! hashed with a secret. A part of a key cannot contain the separator `#`, see [`KeyPart`](kernel::key_part::KeyPart).

use std::cmp::Ordering;
use std::fmt::{self, Display};
use std::marker::PhantomData;

use jiff::Timestamp;
pub use kernel::key_part::sortable;

use crate::item::Entity;

/// Primary key of an item that holds a `T`; `Key` alone is the key of any item.
///
/// A key of one entity does not read another:
///
/// ```compile_fail,E0308
/// # use kernel::fault::Fault;
/// # use table::{idempotency::IdempotencyRecord, item::Versioned, outbox::Outbox, store::Store};
/// # async fn read(store: Store) -> Result<(), Fault> {
/// let record: Option<Versioned<Outbox>> = store.get(&IdempotencyRecord::key("hash")).await?;
/// # Ok(())
/// # }
/// ```
///
/// Nor does it in a read of several:
///
/// ```compile_fail,E0308
/// # use kernel::fault::Fault;
/// # use table::{idempotency::IdempotencyRecord, item::Versioned, ledger::LedgerBegun, outbox::Outbox, store::Store};
/// # async fn read(store: Store) -> Result<(), Fault> {
/// let keys = (IdempotencyRecord::key("hash"), LedgerBegun::key());
/// let (record, begun): (Option<Versioned<Outbox>>, Option<Versioned<LedgerBegun>>) = store.read(keys).await?;
/// # Ok(())
/// # }
/// ```
///
/// The same reads with the right types compile:
///
/// ```
/// # use kernel::fault::Fault;
/// # use table::{idempotency::IdempotencyRecord, item::Versioned, ledger::LedgerBegun, outbox::Outbox, store::Store};
/// # async fn read(store: Store) -> Result<(), Fault> {
/// let record: Option<Versioned<IdempotencyRecord>> = store.get(&IdempotencyRecord::key("hash")).await?;
/// let keys = (IdempotencyRecord::key("hash"), LedgerBegun::key());
/// let (record, begun): (Option<Versioned<IdempotencyRecord>>, Option<Versioned<LedgerBegun>>) = store.read(keys).await?;
/// # Ok(())
/// # }
/// ```
pub struct Key<T = ()> {
    pub pk: String,
    pub sk: String,
    holds: PhantomData<fn() -> T>,
}

impl Key {
    /// The key with these two parts, of any item.
    pub fn of(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self::holding(pk, sk)
    }
}

impl<T> Key<T> {
    /// The key with these two parts, of an item that holds a `T`.
    pub fn holding(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into(), holds: PhantomData }
    }

    /// The same key, as the key of any item.
    pub fn any(&self) -> Key {
        Key::of(self.pk.clone(), self.sk.clone())
    }
}

impl<T: Entity> From<Key<T>> for Key {
    fn from(key: Key<T>) -> Self {
        Self::holding(key.pk, key.sk)
    }
}

// Derived, these would ask the same of `T`.
impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        Self::holding(self.pk.clone(), self.sk.clone())
    }
}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.pk, self.sk)
    }
}

impl<T> PartialEq for Key<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Key<T> {}

impl<T> PartialOrd for Key<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Key<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.pk, &self.sk).cmp(&(&other.pk, &other.sk))
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

/// Sort key by time, then by id.
pub fn at_time(at: Timestamp, id: impl Display) -> String {
    format!("{}#{id}", sortable(at))
}

/// Sort key just above everything due by `at`.
pub fn due_until(at: Timestamp) -> String {
    format!("{}~", sortable(at))
}
