//! Records: an account's entries as its user sees them, newest first (R1.5, R1.6).

use jiff::Timestamp;

use crate::account::model::user::User;
use crate::affiliate::table::affiliate;
use crate::app::App;
use kernel::fault::Fault;
use kernel::id::UserId;
use kernel::ledger::{AccountKind, JournalEntry, RecordType, StatementLine};
use table::item::Entity as _;
use table::ledger::JOURNAL_ENTRIES;
use table::store::{Cursor, Index, Page, Query};

/// Which records.
#[derive(Debug, Clone)]
pub struct StatementFilter {
    /// Of which account.
    pub account: AccountKind,
    /// Only of this type.
    pub kind: Option<RecordType>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Not after.
    pub to: Option<Timestamp>,
    /// Most of them.
    pub limit: i32,
    /// Where the page before ended.
    pub after: Option<Cursor>,
}

/// Reads one page of records in one query. A posting with several entries may be cut by the end of a page: the position then names
/// the posting and how many of its entries were shown.
///
/// # Errors
/// When the database can't be reached.
pub async fn records(app: &App, user: UserId, wanted: &StatementFilter) -> Result<Page<StatementLine>, Fault> {
    let partition = match wanted.account {
        AccountKind::Balance | AccountKind::Receivable => User::key(user).pk,
        AccountKind::Commission | AccountKind::CommissionReceivable => affiliate(user),
    };
    let mut ask = Query::newest(Index::Table, partition, wanted.limit);
    ask.prefix = Some(JOURNAL_ENTRIES.to_owned());
    let mut shown = 0;
    ask.after = wanted.after.clone().map(|mut after| {
        shown = after.remove(SHOWN).and_then(|shown| shown.parse().ok()).unwrap_or(0);
        after
    });
    // A page that ended within the first posting has no posting before it.
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

/// How many entries of the next posting were shown already.
const SHOWN: &str = "shown";

/// The position before a posting of which `shown` entries fitted; without one before it, the list's own beginning.
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
