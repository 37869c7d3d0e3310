//! Statements of a commission account by month (R6.12): what the month before left, every line, and what the month left.
//!
//! A month's entries are those between the last one of the month before and its own last one, by their numbers. So each statement opens
//! with what the one before closed with, however the clocks of two functions differ.

pub mod view;

use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::ledger::{AccountOwner, StatementLine};
use kernel::month::Month;
use kernel::refusal::Refusal;
use table::ledger::journal_entry_key;
use table::list::{Rows, Window};
use table::store::{Cursor, Index, Page, Query};

use crate::affiliate::model::commission::{CommissionAccount, CommissionMonth};
use crate::affiliate::table::{MONTHS, affiliate};
use crate::app::App;
use crate::operations::model::proof::ProvenStatement;
use crate::operations::prove_statement::{ProvenAccount, prove};
use crate::payment::model::settings::PaymentSettings;

/// Statement of a month, without its lines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statement {
    /// The account as the months before left it.
    pub opening: CommissionMonth,
    /// The account as the month left it, or as it is.
    pub closing: CommissionMonth,
    /// True while further entries can follow.
    pub is_open: bool,
}

/// Lists the statements of the months with entries, newest first.
///
/// # Errors
/// A fault when the database cannot be reached or an item does not decode.
pub async fn statements(app: &App, user: UserId) -> Result<Vec<Statement>, Fault> {
    let Some((account, ended)) = months(app, user).await? else { return Ok(Vec::new()) };
    let current = account.month.map(|month| account.at_end_of(month));
    let closings: Vec<CommissionMonth> = current.into_iter().chain(ended).collect();
    let first = nothing(&account, Month::of(app.clock.now()));
    let openings = closings.iter().skip(1).copied().chain([first]);
    let is_open = |closing: &CommissionMonth| current.is_some_and(|current| current.month == closing.month);
    let both = closings.iter().zip(openings);
    Ok(both.map(|(closing, opening)| Statement { opening, closing: *closing, is_open: is_open(closing) }).collect())
}

/// Returns the statement of a month; one without entries closes as it opens.
///
/// # Rejects
/// `not_found` for a month that has not begun.
pub async fn statement(app: &App, user: UserId, month: Month) -> Result<Statement, Error> {
    let now = Month::of(app.clock.now());
    if month > now {
        return Err(Refusal::NotFound.into());
    }
    let all = statements(app, user).await?;
    if let Some(statement) = all.iter().find(|statement| statement.closing.month == month) {
        return Ok(*statement);
    }
    let before = all.iter().find(|statement| statement.closing.month < month).map(|statement| statement.closing);
    let opening = match before.or_else(|| all.last().map(|first| first.opening)) {
        Some(opening) => opening,
        None => {
            let currency = app.settings::<PaymentSettings>().await?.settings.ledger_currency;
            nothing(&CommissionAccount::none(user, currency), month)
        }
    };
    Ok(Statement { opening, closing: CommissionMonth { month, ..opening }, is_open: month == now })
}

/// Reads one page of a statement's lines, those of debt included, oldest first.
///
/// # Errors
/// A fault when the database cannot be reached or an item does not decode.
pub async fn lines(app: &App, of: &Statement, window: &Window) -> Result<Page<StatementLine>, Fault> {
    let limit = usize::try_from(window.limit).unwrap_or(1).max(1);
    let position = |name: &str| window.after.as_ref()?.get(name)?.parse::<u64>().ok();
    let first = position(ENTRY).unwrap_or_default().max(of.opening.postings.saturating_add(1));
    // Each entry has a line at least.
    let last = first.saturating_add(u64::try_from(limit).unwrap_or(1)).min(of.closing.postings);
    let owner = AccountOwner::User(of.closing.user);
    let keys: Vec<_> = (first..=last).map(|number| journal_entry_key(owner, true, number)).collect();
    let mut skipped = position(SHOWN).unwrap_or_default();
    let mut items = Vec::new();
    for entry in app.store.read(keys).await?.into_iter().flatten() {
        for (shown, line) in (0_u64..).zip(entry.records()).skip_while(|(shown, _)| *shown < skipped) {
            if items.len() == limit {
                let next = Cursor::from(
                    [(ENTRY, entry.number), (SHOWN, shown)].map(|(name, at)| (name.to_owned(), at.to_string())),
                );
                return Ok(Page { items, next: Some(next) });
            }
            items.push(line);
        }
        skipped = 0;
    }
    let next =
        (last < of.closing.postings).then(|| Cursor::from([(ENTRY.to_owned(), last.saturating_add(1).to_string())]));
    Ok(Page { items, next })
}

/// Reads all lines of a statement, those of debt included, oldest first.
///
/// # Rejects
/// `range_too_large` above 10,000 lines.
pub async fn all_lines(app: &App, of: &Statement) -> Result<Vec<StatementLine>, Error> {
    Rows::of(&Window::default(), LINES_MAX).all(|window| async move { lines(app, of, &window).await }).await
}

/// The statement of a month, with its proof (R11.2).
///
/// # Rejects
/// `not_found` for a month that has not begun; `range_too_large` above 4,000 entries.
pub async fn proven(app: &App, user: UserId, month: Month) -> Result<ProvenStatement, Error> {
    let of = statement(app, user, month).await?;
    let entries = (of.opening.postings.saturating_add(1), of.closing.postings);
    prove(app, ProvenAccount { user, of_commission: true }, month, entries).await
}

/// Most lines of a whole statement, as of any file for a spreadsheet.
const LINES_MAX: usize = 10_000;
/// Cursor attributes: number of an entry, and of its lines that were shown.
const ENTRY: &str = "entry";
const SHOWN: &str = "shown";

/// Reads the account, and then what the months left, newest first: of the account's own month nothing is kept then.
async fn months(app: &App, user: UserId) -> Result<Option<(CommissionAccount, Vec<CommissionMonth>)>, Fault> {
    let Some(account) = app.store.get::<CommissionAccount>(&CommissionAccount::key(user)).await? else {
        return Ok(None);
    };
    let ended = Query { prefix: Some(MONTHS.to_owned()), ..Query::newest(Index::Table, affiliate(user), 100) };
    let ended = app.store.all::<CommissionMonth>(ended).await?;
    let ended = ended.into_iter().map(|ended| *ended).filter(|ended| Some(ended.month) < account.month).collect();
    Ok(Some((*account, ended)))
}

/// Account before its first entry.
fn nothing(account: &CommissionAccount, month: Month) -> CommissionMonth {
    CommissionAccount::none(account.user, account.available.currency()).at_end_of(month)
}
