//! Reads of DynamoDB: one item, and pages of lists.
//!
//! [`read`](crate::read) reads several items together, [`key`](crate::key) builds keys, [`item`](crate::item) converts entities to items, [`tx`](crate::tx) makes all changes,
//! [`plain`](crate::plain) has the few writes outside a transaction, and [`records`](mod@crate::records) declares the storage of each
//! entity.

use std::cmp::Reverse;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;

use crate::item::{Entity, Item, Versioned, text};
use crate::key::Key;
use crate::read::Keys;
use kernel::fault::Fault;

/// Client of the table.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) client: Client,
    pub(crate) table: String,
}

/// The table or one of its indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// The table itself.
    Table,
    /// `gsi1`: lists of an owner.
    Owner,
    /// `gsi2`: platform lists, by month.
    Platform,
    /// `gsi3`: entities by due time.
    Due,
}

/// Query of one partition of a list.
#[derive(Debug, Clone)]
pub struct Query {
    pub list: Index,
    pub partition: String,
    /// Prefix of the sort keys.
    pub prefix: Option<String>,
    /// Upper bound of the sort keys, exclusive.
    pub before: Option<String>,
    /// Cursor from the previous page.
    pub after: Option<Cursor>,
    /// Maximum of items to read.
    pub limit: i32,
    /// True for newest first.
    pub descending: bool,
    /// True if the answer may lag behind, which costs half; an index always does.
    pub lagging: bool,
}

/// End of a page: the key attributes of its last item, plus the fields of [`crate::list`].
pub type Cursor = std::collections::BTreeMap<String, String>;

/// A part of the table, by its partitions' hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// Number of this slice, from 0.
    pub number: i32,
    /// Slices of the table.
    pub of: i32,
}

/// One page of a list.
#[derive(Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Cursor for the next page; `None` at the end.
    pub next: Option<Cursor>,
}

impl Page<Item> {
    fn decoded<T: Entity>(self) -> Result<Page<Versioned<T>>, Fault> {
        let items = self.items.into_iter().map(Versioned::read).collect::<Result<_, _>>()?;
        Ok(Page { items, next: self.next })
    }
}

impl Query {
    /// Query for the newest `limit` items of a partition.
    pub fn newest(list: Index, partition: impl Into<String>, limit: i32) -> Self {
        Self {
            list,
            partition: partition.into(),
            prefix: None,
            before: None,
            after: None,
            limit,
            descending: true,
            lagging: false,
        }
    }

    /// Query for entities due before `before`, the most overdue first.
    pub fn due(partition: impl Into<String>, before: String, limit: i32) -> Self {
        let before = Some(before);
        Self {
            list: Index::Due,
            partition: partition.into(),
            prefix: None,
            before,
            after: None,
            limit,
            descending: false,
            lagging: false,
        }
    }
}

impl Index {
    fn names(self) -> (Option<&'static str>, &'static str, &'static str) {
        match self {
            Self::Table => (None, "pk", "sk"),
            Self::Owner => (Some("gsi1"), "gsi1pk", "gsi1sk"),
            Self::Platform => (Some("gsi2"), "gsi2pk", "gsi2sk"),
            Self::Due => (Some("gsi3"), "gsi3pk", "gsi3sk"),
        }
    }

    /// True if the item still stands where the entry says.
    fn has(self, entry: &Item, item: &Item) -> bool {
        let (_, pk, sk) = self.names();
        [pk, sk].iter().all(|name| entry.get(*name) == item.get(*name))
    }

    /// Position of an item in the list, as its attributes say.
    pub(crate) fn position_of(self, item: &Item) -> Cursor {
        let (_, pk, sk) = self.names();
        let part = |name: &str| Some((name.to_owned(), text(item, name)?.to_owned()));
        ["pk", "sk", pk, sk].into_iter().filter_map(part).collect()
    }

    /// Sort key of an item in the list, as its attributes say.
    pub(crate) fn sort_of(self, item: &Item) -> Option<&str> {
        text(item, self.names().2)
    }
}

impl Store {
    /// A client of the table called `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Reads one entity, strongly consistent.
    ///
    /// # Errors
    /// The database can't be reached, or the item does not decode.
    pub async fn get<T: Entity>(&self, key: &Key<T>) -> Result<Option<Versioned<T>>, Fault> {
        self.get_item(key).await?.map(Versioned::read).transpose()
    }

    /// Reads one raw item, strongly consistent.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn get_item<T>(&self, key: &Key<T>) -> Result<Option<Item>, Fault> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key_item(key))).consistent_read(true);
        Ok(get.send().await.map_err(|error| Fault::unavailable("GetItem", error))?.item)
    }

    /// Reads one page of entities.
    ///
    /// An index holds keys only, and lags behind; the items are then read from the table, strongly consistent. What has left the list
    /// meanwhile is left out, so a page may be short and still have a next one.
    ///
    /// # Errors
    /// The database can't be reached, or an item does not decode.
    pub async fn list<T: Entity>(&self, ask: &Query) -> Result<Page<Versioned<T>>, Fault> {
        self.list_whole(ask).await?.decoded()
    }

    /// As [`list`](Self::list), of items of any type.
    pub(crate) async fn list_whole(&self, ask: &Query) -> Result<Page<Item>, Fault> {
        let page = self.list_items(ask).await?;
        if ask.list == Index::Table {
            return Ok(page);
        }
        let entries: Vec<(Index, Item)> = page.items.into_iter().map(|entry| (ask.list, entry)).collect();
        Ok(Page { items: self.items_of(&entries).await?, next: page.next })
    }

    /// Reads one page of an index's entities as [`list`](Self::list) does, and with each, in the same call, what its key leads to.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn list_with<T: Entity, K: Keys>(
        &self,
        ask: &Query,
        beside: impl Fn(&Key<T>) -> K,
    ) -> Result<Page<(Versioned<T>, K::Found)>, Fault> {
        let page = self.list_items(ask).await?;
        let keys: Vec<Key<T>> = page.items.iter().filter_map(key_of).collect();
        let wanted: (Vec<Key>, Vec<K>) = keys.iter().map(|key| (key.any(), beside(key))).unzip();
        let (found, beside) = self.read(wanted).await?;
        let mut items = Vec::with_capacity(keys.len());
        for ((entry, item), beside) in page.items.iter().zip(found).zip(beside) {
            if let Some(item) = item.filter(|item| ask.list.has(entry, item)) {
                items.push((Versioned::read(item)?, beside));
            }
        }
        Ok(Page { items, next: page.next })
    }

    /// The items of index entries, without those that have left the list.
    async fn items_of(&self, entries: &[(Index, Item)]) -> Result<Vec<Item>, Fault> {
        let keys: Vec<Key> = entries.iter().filter_map(|(_, entry)| key_of(entry)).collect();
        let found = self.read(keys).await?;
        let found = entries.iter().zip(found).filter_map(|((list, entry), item)| Some((list, entry, item?)));
        Ok(found.filter(|(list, entry, item)| list.has(entry, item)).map(|(.., item)| item).collect())
    }

    /// Reads one page of a list that stands in several partitions of an index: their newest items, merged.
    ///
    /// Each query has a rank; all that stands in a partition of a lower rank comes first. The page may have fewer items than
    /// `limit` and still have a next one, whose cursor is the position of its last item.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn merged<T: Entity>(&self, asks: &[(usize, Query)], limit: usize) -> Result<Page<Versioned<T>>, Fault> {
        self.merged_whole(asks, limit).await?.decoded()
    }

    /// As [`merged`](Self::merged), of items of any type.
    pub(crate) async fn merged_whole(&self, asks: &[(usize, Query)], limit: usize) -> Result<Page<Item>, Fault> {
        let read = async |(rank, ask): &(usize, Query)| self.list_items(ask).await.map(|page| (*rank, ask.list, page));
        let pages = try_join_all(asks.iter().map(read)).await?;
        let at = |rank, list: Index, entry: &Item| (rank, Reverse(text(entry, list.names().2).map(str::to_owned)));
        // Of a partition with more entries nothing is known behind the last one.
        let open = pages.iter().filter(|(.., page)| page.next.is_some());
        let known = open.filter_map(|(rank, list, page)| Some(at(*rank, *list, page.items.last()?))).min();
        let rest = pages.iter().find_map(|(.., page)| page.next.clone());
        let mut entries: Vec<_> = pages
            .into_iter()
            .flat_map(|(rank, list, page)| {
                page.items.into_iter().map(move |entry| (at(rank, list, &entry), list, entry))
            })
            .filter(|(at, ..)| known.as_ref().is_none_or(|known| at <= known))
            .collect();
        entries.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        let is_cut = entries.len() > limit;
        entries.truncate(limit);
        let last = entries.last().map(|(.., entry)| position(entry.clone()));
        let next = if is_cut || rest.is_some() { last.or(rest) } else { None };
        let entries: Vec<(Index, Item)> = entries.into_iter().map(|(_, list, entry)| (list, entry)).collect();
        Ok(Page { items: self.items_of(&entries).await?, next })
    }

    /// Reads a whole list that is known to be short, page by page.
    ///
    /// # Errors
    /// The database can't be reached, or an item does not decode.
    pub async fn all<T: Entity>(&self, mut ask: Query) -> Result<Vec<Versioned<T>>, Fault> {
        let mut all = Vec::new();
        loop {
            let page = self.list(&ask).await?;
            all.extend(page.items);
            match page.next {
                Some(next) => ask.after = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Reads one page of raw items; of an index, their keys.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn list_items(&self, ask: &Query) -> Result<Page<Item>, Fault> {
        let (index, pk, sk) = ask.list.names();
        let mut condition = "#pk = :pk".to_owned();
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .set_index_name(index.map(str::to_owned))
            .expression_attribute_names("#pk", pk)
            .expression_attribute_values(":pk", AttributeValue::S(ask.partition.clone()))
            .scan_index_forward(!ask.descending)
            .consistent_read(index.is_none() && !ask.lagging)
            .limit(ask.limit)
            .set_exclusive_start_key(ask.after.clone().map(start_key));
        let range = match (&ask.prefix, &ask.before) {
            (Some(prefix), _) => Some((" AND begins_with(#sk, :sk)", prefix)),
            (None, Some(before)) => Some((" AND #sk < :sk", before)),
            (None, None) => None,
        };
        if let Some((text, value)) = range {
            condition.push_str(text);
            query = query
                .expression_attribute_names("#sk", sk)
                .expression_attribute_values(":sk", AttributeValue::S(value.clone()));
        }
        let answer = query.key_condition_expression(condition).send().await;
        let answer = answer.map_err(|error| Fault::unavailable("Query", error))?;
        Ok(Page { items: answer.items.unwrap_or_default(), next: answer.last_evaluated_key.map(position) })
    }
}

impl Store {
    /// Reads one page of the whole table, strongly consistent.
    ///
    /// For the auditor only; no request scans.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn scan(&self, after: Option<Cursor>, limit: i32) -> Result<Page<Item>, Fault> {
        self.scan_slice(Slice { number: 0, of: 1 }, after, limit).await
    }

    /// Reads one page of a slice of the table, strongly consistent. All items of a partition are in one slice, and follow each
    /// other.
    ///
    /// For the auditor only; no request scans.
    ///
    /// # Errors
    /// The database can't be reached.
    #[allow(clippy::disallowed_methods, reason = "the auditor reads the whole table; no request does")]
    pub async fn scan_slice(&self, slice: Slice, after: Option<Cursor>, limit: i32) -> Result<Page<Item>, Fault> {
        let scan = self.client.scan().table_name(&self.table).consistent_read(true).limit(limit);
        let scan = scan.segment(slice.number).total_segments(slice.of);
        let answer = scan.set_exclusive_start_key(after.map(start_key)).send().await;
        let answer = answer.map_err(|error| Fault::unavailable("Scan", error))?;
        Ok(Page { items: answer.items.unwrap_or_default(), next: answer.last_evaluated_key.map(position) })
    }
}

fn start_key(after: Cursor) -> Item {
    after.into_iter().map(|(name, value)| (name, AttributeValue::S(value))).collect()
}

/// The cursor after an item of a list, from which the list goes on; `None` if the list does not have it.
pub fn after<T: Entity>(list: Index, item: &T) -> Option<Cursor> {
    let (_, pk, sk) = list.names();
    let own = item.own_key();
    let indexes = item.indexes();
    let entry = match list {
        Index::Table => None,
        Index::Owner => Some(indexes.owner?),
        Index::Platform => Some(indexes.platform?),
        Index::Due => Some(indexes.due?),
    };
    let mut cursor = Cursor::from([("pk".to_owned(), own.pk), ("sk".to_owned(), own.sk)]);
    if let Some((partition, sort)) = entry {
        cursor.extend([(pk.to_owned(), partition), (sk.to_owned(), sort)]);
    }
    Some(cursor)
}

fn position(key: Item) -> Cursor {
    key.into_iter().filter_map(|(name, value)| Some((name, value.as_s().ok()?.clone()))).collect()
}

/// Key of the item that an index entry leads to.
fn key_of<T>(entry: &Item) -> Option<Key<T>> {
    Some(Key::holding(text(entry, "pk")?, text(entry, "sk")?))
}

/// Key attributes of a key.
pub(crate) fn key_item<T>(key: &Key<T>) -> Item {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    [("pk".to_owned(), text(&key.pk)), ("sk".to_owned(), text(&key.sk))].into()
}

/// Text of an SDK error for the log.
pub(crate) fn explain<E, R>(error: &SdkError<E, R>) -> String
where
    SdkError<E, R>: std::error::Error,
    E: ProvideErrorMetadata,
{
    match error.meta().code() {
        Some(code) => format!("{code}: {}", error.meta().message().unwrap_or_default()),
        None => DisplayErrorContext(error).to_string(),
    }
}
