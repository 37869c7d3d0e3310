//! Reads of several items together: each strongly consistent, a hundred in one call.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures_util::future::try_join_all;
use kernel::fault::Fault;

use crate::item::{Entity, Item, Versioned, text};
use crate::key::Key;
use crate::store::{Store, key_item};

/// Key limit of one BatchGetItem, set by DynamoDB.
const TOGETHER: usize = 100;

/// Keys to read together, and the form of what they find.
///
/// | keys | what they find |
/// | --- | --- |
/// | `Key<T>` | `Option<Versioned<T>>` |
/// | `Key`, of any item | `Option<Item>` |
/// | `Option<Key<T>>` | `Option<Versioned<T>>`, `None` too without a key |
/// | `()` | nothing |
/// | `Vec<K>` | a `Vec`, in the order of the keys |
/// | `BTreeMap<I, K>` | a `BTreeMap` of those that exist, by the same names |
/// | a tuple of these | the tuple of what each finds |
pub trait Keys {
    /// Items that the keys find.
    type Found;

    /// Adds the keys to `all`.
    fn add_to(&self, all: &mut Vec<Key>);

    /// Decodes what was found.
    ///
    /// # Errors
    /// [`Fault::Item`] when an item does not decode.
    fn decode(self, items: &mut ReadSet) -> Result<Self::Found, Fault>;
}

impl<T: Entity> Keys for Key<T> {
    type Found = Option<Versioned<T>>;

    fn add_to(&self, all: &mut Vec<Key>) {
        all.push(self.any());
    }

    fn decode(self, items: &mut ReadSet) -> Result<Self::Found, Fault> {
        items.take(self.into()).map(Versioned::read).transpose()
    }
}

impl Keys for Key {
    type Found = Option<Item>;

    fn add_to(&self, all: &mut Vec<Key>) {
        all.push(self.clone());
    }

    fn decode(self, items: &mut ReadSet) -> Result<Self::Found, Fault> {
        Ok(items.take(self))
    }
}

impl<T: Entity> Keys for Option<Key<T>> {
    type Found = Option<Versioned<T>>;

    fn add_to(&self, all: &mut Vec<Key>) {
        all.extend(self.as_ref().map(Key::any));
    }

    fn decode(self, items: &mut ReadSet) -> Result<Self::Found, Fault> {
        self.map_or(Ok(None), |key| key.decode(items))
    }
}

impl Keys for () {
    type Found = ();

    fn add_to(&self, _: &mut Vec<Key>) {}

    fn decode(self, _: &mut ReadSet) -> Result<(), Fault> {
        Ok(())
    }
}

impl<K: Keys> Keys for Vec<K> {
    type Found = Vec<K::Found>;

    fn add_to(&self, all: &mut Vec<Key>) {
        self.iter().for_each(|key| key.add_to(all));
    }

    fn decode(self, items: &mut ReadSet) -> Result<Self::Found, Fault> {
        self.into_iter().map(|key| key.decode(items)).collect()
    }
}

impl<I: Ord, F, K: Keys<Found = Option<F>>> Keys for BTreeMap<I, K> {
    type Found = BTreeMap<I, F>;

    fn add_to(&self, all: &mut Vec<Key>) {
        self.values().for_each(|key| key.add_to(all));
    }

    fn decode(self, items: &mut ReadSet) -> Result<Self::Found, Fault> {
        let found = self.into_iter().map(|(name, key)| Ok(key.decode(items)?.map(|found| (name, found))));
        found.filter_map(Result::transpose).collect()
    }
}

macro_rules! tuples {
    ($(($($keys:ident),+))+) => {$(
        impl<$($keys: Keys),+> Keys for ($($keys,)+) {
            type Found = ($($keys::Found,)+);

            fn add_to(&self, all: &mut Vec<Key>) {
                #[allow(non_snake_case, reason = "named as their types")]
                let ($($keys,)+) = self;
                $($keys.add_to(all);)+
            }

            fn decode(self, items: &mut ReadSet) -> Result<Self::Found, Fault> {
                #[allow(non_snake_case, reason = "named as their types")]
                let ($($keys,)+) = self;
                Ok(($($keys.decode(items)?,)+))
            }
        }
    )+};
}
tuples! { (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F) }

/// Items of one read, each with the number of keys that still ask for it.
#[derive(Debug, Default)]
pub struct ReadSet(BTreeMap<Key, (usize, Option<Item>)>);

impl ReadSet {
    fn take(&mut self, key: Key) -> Option<Item> {
        let (asked, found) = self.0.get_mut(&key)?;
        *asked = asked.saturating_sub(1);
        if *asked == 0 { found.take() } else { found.clone() }
    }
}

impl Store {
    /// Reads the items at `keys`, each strongly consistent: `read((Withdrawal::key(id), User::key(user)))`.
    ///
    /// Up to 100 are one call, more are several at once; no keys are none.
    ///
    /// # Errors
    /// The database can't be reached, leaves keys unread again and again, or an item does not decode.
    pub async fn read<K: Keys>(&self, keys: K) -> Result<K::Found, Fault> {
        let mut all = Vec::new();
        keys.add_to(&mut all);
        keys.decode(&mut self.read_all(all).await?)
    }

    /// Reads the items at all of the keys.
    async fn read_all(&self, keys: Vec<Key>) -> Result<ReadSet, Fault> {
        let mut items = ReadSet::default();
        for key in keys {
            items.0.entry(key).or_default().0 += 1;
        }
        let wanted: Vec<Item> = items.0.keys().map(key_item).collect();
        let found = try_join_all(wanted.chunks(TOGETHER).map(|some| self.read_batch(some.to_vec()))).await?;
        for item in found.into_iter().flatten() {
            if let (Some(pk), Some(sk)) = (text(&item, "pk"), text(&item, "sk"))
                && let Some((_, found)) = items.0.get_mut(&Key::of(pk, sk))
            {
                *found = Some(item);
            }
        }
        Ok(items)
    }

    async fn read_batch(&self, mut wanted: Vec<Item>) -> Result<Vec<Item>, Fault> {
        let mut found = Vec::with_capacity(wanted.len());
        for _ in 0..8 {
            if wanted.is_empty() {
                return Ok(found);
            }
            let ask = KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(true).build();
            let ask = ask.map_err(Fault::bug)?;
            let call = self.client.batch_get_item().request_items(&self.table, ask).send().await;
            let answer = call.map_err(|error| Fault::unavailable("BatchGetItem", error))?;
            found.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items));
            wanted = answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, rest)| rest.keys).collect();
        }
        Err(Fault::unavailable("BatchGetItem", "keys left unread"))
    }

    /// Reads the entities at any number of keys and returns those that exist, by the keys' names.
    ///
    /// # Errors
    /// The database can't be reached, or an item does not decode.
    pub async fn named<I: Ord, T: Entity>(&self, keys: BTreeMap<I, Key<T>>) -> Result<BTreeMap<I, T>, Fault> {
        Ok(self.read(keys).await?.into_iter().map(|(name, found)| (name, found.into_inner())).collect())
    }
}
