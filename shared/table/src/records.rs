//! `records!`: one declaration of storage per entity.

use std::any::Any;

use kernel::fault::Fault;
use kernel::ledger::JournalEntry;

use crate::idempotency::IdempotencyRecord;
use crate::item::{Entity, Indexes, Item, Versioned, fresh};
use crate::key::Key;
use crate::ledger::LedgerBegun;
use crate::outbox::Outbox;

/// Storage of one entity type.
#[derive(Debug, Clone, Copy)]
pub struct RecordSchema {
    pub kind: &'static str,
    /// Description of the entity and its reads, from its doc comment.
    pub about: &'static str,
    /// Declared parts of the key, `USER#{id}` and `USER`; several if it has several places.
    pub keys: &'static [(&'static str, &'static str)],
    /// Indexes with a possible entry.
    pub indexes: &'static [&'static str],
    /// True if the database may delete it by time to live.
    pub expires: bool,
    /// Decodes an item and computes its expected key and index entries.
    pub place: fn(Item) -> Result<Place, Fault>,
    /// Decodes an item and encodes it again.
    pub rewrite: fn(Item) -> Result<Item, Fault>,
}

impl RecordSchema {
    /// The schema of an entity type.
    pub const fn of<T: Entity>(
        about: &'static str,
        keys: &'static [(&'static str, &'static str)],
        indexes: &'static [&'static str],
        expires: bool,
    ) -> Self {
        Self { kind: T::TYPE, about, keys, indexes, expires, place: Place::of::<T>, rewrite: rewrite::<T> }
    }
}

fn rewrite<T: Entity>(item: Item) -> Result<Item, Fault> {
    let stored = Versioned::<T>::read(item)?;
    fresh(&*stored, stored.written_by().unwrap_or_default(), stored.rev())
}

/// Storage of this crate's entities.
pub const RECORDS: &[RecordSchema] = &[
    RecordSchema::of::<JournalEntry>(
        "One owner's lines of a journal, or those of platform accounts alone: records, one query per page (R1.5).",
        &[
            ("USER#{id}", "POSTING#{number}"),
            ("AFFILIATE#{id}", "POSTING#{number}"),
            ("WALLET#{owner}", "POSTING#{number}"),
            ("ASSET#{id}", "POSTING#{number}"),
            ("JOURNAL#{id}", "POSTING"),
        ],
        &["platform"],
        false,
    ),
    RecordSchema::of::<LedgerBegun>(
        "The mark that the ledger has a journal (R9.1).",
        &[("LEDGER", "LEDGER")],
        &[],
        false,
    ),
    RecordSchema::of::<IdempotencyRecord>(
        "A repeated request's first answer (R1.8).",
        &[("ONCE#{hash}", "ONCE")],
        &[],
        true,
    ),
    RecordSchema::of::<Outbox>("Messages that a transaction promised.", &[("OUTBOX#{shard}", "{id}")], &[], false),
];

/// Expected key and index entries of an item.
#[derive(Debug)]
pub struct Place {
    pub key: Key,
    pub indexes: Indexes,
    /// The decoded entity, of the type that the schema declares.
    pub entity: Box<dyn Any + Send + Sync>,
}

impl Place {
    /// Computes the place of an item by decoding it as a `T`.
    ///
    /// # Errors
    /// [`Fault::Item`] when it does not decode.
    pub fn of<T: Entity>(item: Item) -> Result<Self, Fault> {
        let entity = Versioned::<T>::read(item)?;
        let (key, indexes) = (entity.own_key().into(), entity.indexes());
        Ok(Self { key, indexes, entity: Box::new(entity.into_inner()) })
    }
}

/// Declares where entities are stored: type name, keys, index entries, time to live.
///
/// ```text
/// records! {
///     /// A withdrawal: lists (R6.5, R6.6).
///     Withdrawal = "withdrawal" {
///         fn key(id: WithdrawalId) = "WITHDRAWAL#{id}", "WITHDRAWAL";
///         at |it| Withdrawal::key(it.id);
///         owner |it| Some(owned("WITHDRAWALS", it.user, it.id));
///         platform |it| Some(WITHDRAWALS.entry(it.created_at, it.id));
///     }
/// }
/// ```
///
/// expands to
///
/// ```text
/// impl Withdrawal {
///     /// The key `WITHDRAWAL#{id}` / `WITHDRAWAL`.
///     pub fn key(id: WithdrawalId) -> Key<Self> {
///         let id = KeyPart::part(id);
///         Key::holding(format!("WITHDRAWAL#{id}"), format!("WITHDRAWAL"))
///     }
/// }
/// impl Entity for Withdrawal {
///     const TYPE: &'static str = "withdrawal";
///     fn own_key(&self) -> Key<Self> { let it = self; Withdrawal::key(it.id) }
///     fn indexes(&self) -> Indexes {
///         Indexes {
///             owner: { let it = self; Some(owned("WITHDRAWALS", it.user, it.id)) },
///             platform: { let it = self; Some(WITHDRAWALS.entry(it.created_at, it.id)) },
///             ..Indexes::default()
///         }
///     }
/// }
/// pub const RECORDS: &[RecordSchema] = &[RecordSchema::of::<Withdrawal>(…)];
/// ```
///
/// The parameters of a key are [`KeyPart`](kernel::key_part::KeyPart)s and may appear in both of its parts. `due |it| …` gives the
/// entry in a due-time list and `expires |it| …` the expiry time. Both are optional, like `owner` and `platform`.
#[macro_export]
macro_rules! records {
    ($(
        $(#[doc = $doc:literal])+
        $entity:ident = $kind:literal {
            $(fn $name:ident($($arg:ident: $part:ty),*) = $pk:literal, $sk:literal;)+
            at |$this:ident| $key:expr;
            $(owner |$of_owner:ident| $owner:expr;)?
            $(platform |$of_platform:ident| $platform:expr;)?
            $(due |$of_due:ident| $due:expr;)?
            $(expires |$of_expiry:ident| $expires:expr;)?
        }
    )+) => {
        $(
            impl $entity {
                $(
                    #[doc = concat!("The key `", $pk, "` / `", $sk, "`.")]
                    pub fn $name($($arg: $part),*) -> $crate::key::Key<Self> {
                        $(let $arg = kernel::key_part::KeyPart::part($arg);)*
                        $crate::key::Key::holding(format!($pk), format!($sk))
                    }
                )+
            }

            impl $crate::item::Entity for $entity {
                const TYPE: &'static str = $kind;

                fn own_key(&self) -> $crate::key::Key<Self> {
                    let $this = self;
                    $key
                }

                fn indexes(&self) -> $crate::item::Indexes {
                    #[allow(unused_mut, reason = "some entities stand in no list")]
                    let mut indexes = $crate::item::Indexes::default();
                    $(indexes.owner = { let $of_owner = self; $owner };)?
                    $(indexes.platform = { let $of_platform = self; $platform };)?
                    $(indexes.due = { let $of_due = self; $due };)?
                    indexes
                }

                $(fn time_to_live(&self) -> Option<jiff::Timestamp> {
                    let $of_expiry = self;
                    $expires
                })?
            }
        )+

        /// Storage of this capability's entities.
        pub const RECORDS: &[$crate::records::RecordSchema] = &[$(
            $crate::records::RecordSchema::of::<$entity>(
                concat!($($doc),+),
                &[$(($pk, $sk)),+],
                &[
                    $({ let _ = stringify!($of_owner); "owner" },)?
                    $({ let _ = stringify!($of_platform); "platform" },)?
                    $({ let _ = stringify!($of_due); "due" },)?
                ],
                false $(|| { let _ = stringify!($of_expiry); true })?,
            ),
        )+];
    };
}
