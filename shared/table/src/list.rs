//! Paged walk over lists, newest first.
//!
//! A platform list has partitions for each month, see [`spread`](crate::spread); the walk goes from the month of `to` back to that of
//! `from`, and asks for more and more months at once where they have nothing. An owner's list and a user's journal entries are one
//! partition each. Work per page is bounded, so a selective filter yields pages with few items
//! or none, and a cursor. One item may give several rows, such as the lines of a journal entry; a page may end between them.

use jiff::Timestamp;

use crate::execute::Executor;
use crate::item::{Entity, Item, Versioned, text};
use crate::spread::{MonthlyList, month_of};
use crate::store::{Cursor, Index, Page, Query, after};
use kernel::fault::{Error, Fault};
use kernel::id::Identifier;
use kernel::month::Month;
use kernel::refusal::Refusal;

/// Limit of the rounds of queries of one page.
const ROUNDS: usize = 24;
/// Queries of a round, unless one month has more partitions.
const AT_ONCE: usize = 64;
/// Items per query of a filtered walk, and per page of a whole list.
const CHUNK: i32 = 100;
/// Limit of items read for one page, however few pass the filter.
const MOST_READ: usize = 1_000;

/// Cursor field: month of the position.
const MONTH: &str = "month";
/// Cursor field: item whose rows the page end splits.
const CUT: &str = "cut";
/// Cursor field: number of rows of that item already returned.
const SHOWN: &str = "shown";

/// Requested page and time range of a list.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// Lower bound, inclusive.
    pub from: Option<Timestamp>,
    /// Upper bound, inclusive.
    pub to: Option<Timestamp>,
    /// Maximum of rows.
    pub limit: i32,
    /// Cursor from the previous page.
    pub after: Option<Cursor>,
}

impl Window {
    /// Walk that reads this page; `filtered` if the rows function drops items.
    pub fn walk(&self, source: ListSource, filtered: bool) -> Walk {
        let filtered = filtered || self.from.is_some() || self.to.is_some();
        Walk { source, filtered, from: self.from, to: self.to, limit: self.limit, after: self.after.clone() }
    }

    /// The item as a row if its time is in the range.
    pub fn only<T: Clone>(&self, at: Timestamp, item: &T) -> Vec<T> {
        only(self.holds(at), item)
    }

    /// True if the time is in the range.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at <= to)
    }
}

/// Rows that whole lists of a range may still have together.
#[derive(Debug)]
pub struct Rows<'a> {
    range: &'a Window,
    left: usize,
}

impl<'a> Rows<'a> {
    /// At most so many rows of the range.
    pub fn of(range: &'a Window, most: usize) -> Self {
        Self { range, left: most }
    }

    /// Reads a whole list, page by page.
    ///
    /// # Rejects
    /// [`Refusal::RangeTooLarge`]; whatever `read` rejects.
    pub async fn all<T, E, W>(&mut self, read: impl Fn(Window) -> W) -> Result<Vec<T>, Error>
    where
        Error: From<E>,
        W: Future<Output = Result<Page<T>, E>>,
    {
        let mut window = Window { limit: CHUNK, after: None, ..self.range.clone() };
        let mut items = Vec::new();
        loop {
            let page = read(window.clone()).await?;
            self.left = self.left.checked_sub(page.items.len()).ok_or(Refusal::RangeTooLarge)?;
            items.extend(page.items);
            match page.next {
                Some(next) => window.after = Some(next),
                None => return Ok(items),
            }
        }
    }
}

/// The item as a row if it passes the filter.
pub fn only<T: Clone>(fits: bool, item: &T) -> Vec<T> {
    fits.then(|| item.clone()).into_iter().collect()
}

/// Location of a list.
#[derive(Debug, Clone)]
pub enum ListSource {
    /// Platform list: `ORDERS`.
    Platform(MonthlyList),
    /// Owner's list by partition: `ORDERS#usr_…`.
    Owned(String),
    /// Items in a user's own partition: partition and sort-key prefix.
    Own(String, &'static str),
}

/// Request for one page of a list.
#[derive(Debug, Clone)]
pub struct Walk {
    pub source: ListSource,
    /// True if the rows function may drop items.
    pub filtered: bool,
    /// Lower bound of the months to read.
    pub from: Option<Timestamp>,
    /// Upper bound of the months to read.
    pub to: Option<Timestamp>,
    /// Maximum of rows.
    pub limit: i32,
    /// Cursor from the previous page.
    pub after: Option<Cursor>,
}

impl Walk {
    /// Cursor behind an item of the list.
    pub fn behind<T: Entity>(&self, item: &T) -> Cursor {
        let mut place = Place::begin(self, Timestamp::MIN, Month::of(Timestamp::MIN));
        place.cut = None;
        if let Some(entry) = after(self.source.index(), item) {
            place.go_to(entry);
        }
        place.position()
    }
}

impl ListSource {
    fn index(&self) -> Index {
        match self {
            Self::Platform(_) => Index::Platform,
            Self::Owned(_) => Index::Owner,
            Self::Own(..) => Index::Table,
        }
    }
}

/// Reads an item of a platform list by id; its creation time gives the month partition.
///
/// # Errors
/// The database can't be reached, or the item does not decode.
pub async fn in_list<T: Entity>(
    app: &Executor,
    list: MonthlyList,
    made: Timestamp,
    id: &str,
) -> Result<Option<T>, Fault> {
    let ask = Query { prefix: Some(id.to_owned()), ..Query::newest(Index::Platform, list.partition(made, id), 1) };
    Ok(app.store.list::<T>(&ask).await?.items.into_iter().next().map(Versioned::into_inner))
}

/// Reads one page; `rows` maps an item to its rows, none if it does not pass the filter.
///
/// # Errors
/// The database can't be reached, or an item does not decode.
pub async fn walk<T: Entity, R>(app: &Executor, walk: &Walk, rows: impl Fn(&T) -> Vec<R>) -> Result<Page<R>, Fault> {
    let limit = usize::try_from(walk.limit).unwrap_or(1).max(1);
    let mut at = Place::begin(walk, app.clock.now(), app.first_month());
    let (index, mut items, mut read) = (walk.source.index(), Vec::new(), 0_usize);
    for _ in 0..ROUNDS {
        let wanted = limit.saturating_sub(items.len());
        let page = at.read(app, walk, wanted).await?;
        read = read.saturating_add(page.items.len());
        for item in page.items {
            let (spot, entry) = (Spot::of(index, &item), index.position_of(&item));
            let skipped = at.shown_of(&spot);
            let item = Versioned::<T>::read(item)?;
            for (number, row) in rows(&item).into_iter().enumerate().skip(skipped) {
                if items.len() == limit {
                    return Ok(Page { items, next: Some(at.cut(spot, number)) });
                }
                items.push(row);
            }
            at.pass(spot, entry);
        }
        let more = match page.next {
            Some(next) => at.go_on(next),
            None => at.month_before(walk),
        };
        if !more {
            return Ok(Page { items, next: None });
        }
        if items.len() == limit || read >= MOST_READ {
            break;
        }
    }
    Ok(Page { items, next: Some(at.position()) })
}

/// Current position of a walk.
struct Place {
    month: Month,
    /// Months of the next round.
    months: usize,
    /// Month before which nothing was asked.
    until: Month,
    /// Month before which nothing is asked.
    oldest: Month,
    last: Option<Cursor>,
    cut: Option<(Spot, usize)>,
}

/// Position of an item: its sort key in the list, and its partition to break ties.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Spot {
    sort: String,
    pk: String,
}

impl Spot {
    fn of(index: Index, item: &Item) -> Self {
        let part = |part: Option<&str>| part.unwrap_or_default().to_owned();
        Self { sort: part(index.sort_of(item)), pk: part(text(item, "pk")) }
    }

    fn parse(text: &str) -> Option<Self> {
        let (sort, pk) = text.split_once(' ')?;
        Some(Self { sort: sort.to_owned(), pk: pk.to_owned() })
    }
}

impl Place {
    fn begin(walk: &Walk, now: Timestamp, first: Month) -> Self {
        let newest = Month::of(walk.to.map_or(now, |to| to.min(now)));
        let mut last = walk.after.clone();
        let mut take = |name: &str| last.as_mut().and_then(|last| last.remove(name));
        let month = take(MONTH).and_then(|month| Month::parse(&month));
        let (cut, shown) =
            (take(CUT).as_deref().and_then(Spot::parse), take(SHOWN).and_then(|shown| shown.parse().ok()));
        let month = month.unwrap_or(newest);
        let last = last.filter(|last| !last.is_empty());
        let oldest = walk.from.map_or(first, |from| Month::of(from).max(first));
        Self { month, months: 1, until: month, oldest, last, cut: cut.zip(shown) }
    }

    /// Reads what follows: of a platform list all partitions of some months at once.
    async fn read(&mut self, app: &Executor, walk: &Walk, wanted: usize) -> Result<Page<Item>, Fault> {
        let limit = if walk.filtered { CHUNK } else { i32::try_from(wanted).unwrap_or(CHUNK).clamp(1, CHUNK) };
        let (partition, prefix) = match &walk.source {
            ListSource::Platform(list) => {
                let asks = self.round(*list, limit);
                return app.store.merged_whole(&asks, usize::try_from(limit).unwrap_or(1)).await;
            }
            ListSource::Owned(partition) => (partition, None),
            ListSource::Own(partition, prefix) => (partition, Some((*prefix).to_owned())),
        };
        let ask = Query { prefix, after: self.last.clone(), ..Query::newest(walk.source.index(), partition, limit) };
        app.store.list_whole(&ask).await
    }

    /// Queries of a round, with the number of months that each is back.
    fn round(&mut self, list: MonthlyList, limit: i32) -> Vec<(usize, Query)> {
        // Entries spread evenly: few partitions have more than this among the newest, and for these there is another round.
        let shards = i32::from(list.shards());
        let each = if shards == 1 { limit } else { limit.min(limit.saturating_mul(2) / shards + 4) };
        let months = self.months.min(AT_ONCE / usize::from(list.shards())).max(1);
        let mut asks = Vec::new();
        let mut month = Some(self.month);
        for back in 0..months {
            let Some(asked) = month else { break };
            let after = self.last.as_ref().filter(|_| back == 0);
            asks.extend(list.month(asked).map(|partition| {
                let after = after.map(|last| {
                    let mut last = last.clone();
                    last.insert("gsi2pk".to_owned(), partition.clone());
                    last
                });
                (back, Query { after, ..Query::newest(Index::Platform, partition, each) })
            }));
            self.until = asked;
            month = self.before(asked);
        }
        asks
    }

    /// Moves behind an entry of the list.
    fn go_to(&mut self, entry: Cursor) {
        let month = entry.get("gsi2pk").and_then(|partition| Month::parse(month_of(partition)?));
        self.month = month.unwrap_or(self.month);
        self.last = Some(entry);
    }

    /// Number of rows of the item at `spot` on the previous page.
    ///
    /// Items that appeared above the page end since then are skipped whole.
    fn shown_of(&self, spot: &Spot) -> usize {
        match &self.cut {
            Some((cut, shown)) if spot == cut => *shown,
            Some((cut, _)) if spot.sort > cut.sort => usize::MAX,
            _ => 0,
        }
    }

    fn pass(&mut self, spot: Spot, entry: Cursor) {
        self.go_to(entry);
        if self.cut.as_ref().is_some_and(|(cut, _)| spot == *cut || spot.sort < cut.sort) {
            self.cut = None;
        }
    }

    fn go_on(&mut self, next: Cursor) -> bool {
        self.go_to(next);
        true
    }

    /// Moves to the month before those that were read; false at the oldest one.
    fn month_before(&mut self, walk: &Walk) -> bool {
        let before = self.before(self.until).filter(|_| matches!(walk.source, ListSource::Platform(_)));
        if let Some(month) = before {
            (self.month, self.until, self.last) = (month, month, None);
            self.months = self.months.saturating_mul(2);
        }
        before.is_some()
    }

    /// The month before one, if the walk goes there.
    fn before(&self, month: Month) -> Option<Month> {
        Some(month.before()).filter(|before| *before >= self.oldest)
    }

    fn position(self) -> Cursor {
        let mut position = self.last.unwrap_or_default();
        position.insert(MONTH.to_owned(), self.month.to_string());
        if let Some((cut, shown)) = self.cut {
            position.insert(CUT.to_owned(), format!("{} {}", cut.sort, cut.pk));
            position.insert(SHOWN.to_owned(), shown.to_string());
        }
        position
    }

    fn cut(self, spot: Spot, shown: usize) -> Cursor {
        Self { cut: Some((spot, shown)), ..self }.position()
    }
}
