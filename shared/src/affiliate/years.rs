//! Yearly totals of affiliates: their own, and a list of each year for tax reports (R6.12).
//!
//! They are counted by the statistics projection, never in a transaction that moves money (R9.2). A message only says that an
//! account changed; what is counted are its journal entries, from the first one that no year has yet. So a message may arrive
//! twice, late or out of order, and an entry is counted once, in the year of its statement. Years that are lost are counted anew
//! by the next message, from the first entry on.
//!
//! The months that statements keep would do for a user's own years. They are no list of a year's affiliates, and have parts of
//! an account, not what moved between them.

pub mod view;

use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::ledger::{AccountOwner, JournalEntry};
use kernel::year::Year;
use table::context::Ctx;
use table::item::Versioned;
use table::ledger::journal_entry_key;
use table::list::{Rows, Window};
use table::store::{Cursor, Index, Page, Query};
use table::tx::Tx;

use crate::affiliate::model::commission::CommissionAccount;
use crate::affiliate::model::year::AffiliateYear;
use crate::affiliate::table::{YEARS, affiliate, affiliates_of};
use crate::app::App;

/// Journal entries counted in one transaction.
const TOGETHER: u64 = 50;
/// Most affiliates of one file, as of any file for a spreadsheet.
const ROWS_MAX: usize = 10_000;

/// Counts the journal entries of an affiliate that no year has yet.
///
/// # Errors
/// A fault when the database cannot be reached or an item does not decode.
pub async fn count(app: &App, user: UserId) -> Result<(), Error> {
    while app.execute(&Ctx::system(), || plan(app, user)).await?.answer {}
    Ok(())
}

/// Counts some entries; true if there are more.
async fn plan(app: &App, user: UserId) -> Result<(bool, Tx), Error> {
    let (latest, account) = tokio::try_join!(newest(app, user, 1), async {
        app.store.get::<CommissionAccount>(&CommissionAccount::key(user)).await
    })?;
    let latest = latest.into_iter().next();
    let mut tx = app.tx();
    let first = latest.as_ref().map_or(0, |latest| latest.postings).saturating_add(1);
    let all = account.map_or(0, |account| account.postings);
    let last = all.min(first.saturating_add(TOGETHER).saturating_sub(1));
    let entries = entries(app, user, first, last).await?;
    let changed = AffiliateYear::counted(latest.as_deref(), user, &entries).map_err(Fault::bug)?;
    for year in &changed {
        // A year that was read long ago is written by its revision, a new one if nobody else began it: nothing is counted twice.
        tx.upsert(latest.as_ref().filter(|latest| latest.year == year.year), year);
    }
    Ok((last < all, tx))
}

async fn entries(app: &App, user: UserId, first: u64, last: u64) -> Result<Vec<JournalEntry>, Fault> {
    let keys: Vec<_> = (first..=last).map(|number| journal_entry_key(AccountOwner::User(user), true, number)).collect();
    let found = app.store.read(keys.clone()).await?;
    let missing = |number| Fault::item(affiliate(user), format!("has no entry {number}"));
    (first..=last).zip(found).map(|(number, found)| Ok(found.ok_or_else(|| missing(number))?.into_inner())).collect()
}

async fn newest(app: &App, user: UserId, limit: i32) -> Result<Vec<Versioned<AffiliateYear>>, Fault> {
    let years = Query { prefix: Some(YEARS.to_owned()), ..Query::newest(Index::Table, affiliate(user), limit) };
    Ok(app.store.list::<AffiliateYear>(&years).await?.items)
}

/// Lists the years of a user with entries, newest first; what happened a moment ago may be missing.
///
/// # Errors
/// A fault when the database cannot be reached or an item does not decode.
pub async fn own_years(app: &App, user: UserId) -> Result<Vec<AffiliateYear>, Fault> {
    Ok(newest(app, user, 100).await?.into_iter().map(Versioned::into_inner).collect())
}

/// Lists the affiliates of a year with entries, those who signed up last first.
///
/// # Errors
/// A fault when the database cannot be reached or an item does not decode.
pub async fn of_year(app: &App, year: Year, window: &Window) -> Result<Page<AffiliateYear>, Fault> {
    let of = |partition: String| {
        // All partitions go on behind the last user of the page before.
        let after = window.after.clone().map(|mut after: Cursor| {
            after.insert("gsi2pk".to_owned(), partition.clone());
            after
        });
        (0, Query { after, ..Query::newest(Index::Platform, partition, window.limit) })
    };
    let asks: Vec<(usize, Query)> = affiliates_of(year).map(of).collect();
    let page = app.store.merged::<AffiliateYear>(&asks, usize::try_from(window.limit).unwrap_or(1)).await?;
    Ok(Page { items: page.items.into_iter().map(Versioned::into_inner).collect(), next: page.next })
}

/// Lists all affiliates of a year.
///
/// # Rejects
/// `range_too_large` above 10,000 of them.
pub async fn whole_year(app: &App, year: Year) -> Result<Vec<AffiliateYear>, Error> {
    Rows::of(&Window::default(), ROWS_MAX).all(|window| async move { of_year(app, year, &window).await }).await
}
