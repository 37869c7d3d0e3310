//! Account statement: an owner's statement lines, newest first (R1.5, R1.6).

use jiff::Timestamp;

use crate::app::App;
use kernel::fault::Fault;
use kernel::ledger::{AccountKind, AccountOwner, JournalEntry, RecordType, StatementLine};
use table::item::Entity as _;
use table::ledger::{JOURNAL_ENTRIES, journal_entry_key};
use table::list::Window;
use table::store::{Cursor, Index, Page, Query};

/// Filter and page of an account statement.
#[derive(Debug, Clone)]
pub struct StatementFilter {
    pub account: AccountKind,
    pub kind: Option<RecordType>,
    /// Earliest time, inclusive.
    pub from: Option<Timestamp>,
    /// Latest time, inclusive.
    pub to: Option<Timestamp>,
    /// Maximum lines of the page.
    pub limit: i32,
    /// Cursor of the previous page.
    pub after: Option<Cursor>,
}

impl StatementFilter {
    /// The lines of a balance in a list's window, of one type if given.
    pub fn of_balance(kind: Option<RecordType>, window: &Window) -> Self {
        let Window { from, to, limit, ref after } = *window;
        Self { account: AccountKind::Balance, kind, from, to, limit, after: after.clone() }
    }
}

/// Reads one page of statement lines in one query.
///
/// A page may end within a journal entry. The cursor then holds the entry before it and the number of lines already returned.
///
/// # Errors
/// A fault when the database cannot be reached.
pub async fn records(app: &App, owner: AccountOwner, wanted: &StatementFilter) -> Result<Page<StatementLine>, Fault> {
    let of_commission = matches!(wanted.account, AccountKind::Commission | AccountKind::CommissionReceivable);
    let partition = journal_entry_key(owner, of_commission, 0).pk;
    let mut ask = Query::newest(Index::Table, partition, wanted.limit);
    ask.prefix = Some(JOURNAL_ENTRIES.to_owned());
    let mut shown = 0;
    ask.after = wanted.after.clone().map(|mut after| {
        shown = after.remove(SHOWN).and_then(|shown| shown.parse().ok()).unwrap_or(0);
        after
    });
    // A cursor within the very first journal entry has no entry before it.
    ask.after = ask.after.filter(|after| !after.is_empty());
    let page = app.store.list::<JournalEntry>(&ask).await?;
    let limit = usize::try_from(wanted.limit).unwrap_or(1);
    let mut items = Vec::new();
    let mut before = wanted.after.clone();
    for posting in &page.items {
        let mut fitting: Vec<StatementLine> =
            posting.records().into_iter().filter(|record| fits(record, wanted)).collect();
        fitting.reverse();
        for (index, record) in fitting.into_iter().enumerate().skip(shown) {
            if items.len() == limit {
                return Ok(Page { items, next: cut(before, index) });
            }
            items.push(record);
        }
        shown = 0;
        let key = posting.own_key();
        before = Some(Cursor::from([("pk".to_owned(), key.pk), ("sk".to_owned(), key.sk)]));
    }
    Ok(Page { items, next: page.next })
}

/// Cursor attribute: number of lines already returned of the next journal entry.
const SHOWN: &str = "shown";

/// Cursor within a journal entry, after `shown` of its lines.
fn cut(before: Option<Cursor>, shown: usize) -> Option<Cursor> {
    let mut position = before.unwrap_or_default();
    position.insert(SHOWN.to_owned(), shown.to_string());
    Some(position)
}

fn fits(record: &StatementLine, wanted: &StatementFilter) -> bool {
    record.account == wanted.account
        && wanted.kind.is_none_or(|kind| record.kind == kind)
        && wanted.from.is_none_or(|from| record.created_at >= from)
        && wanted.to.is_none_or(|to| record.created_at <= to)
}
