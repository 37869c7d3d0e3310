//! Proven statements: a month's journal entries of one account, with the signed heads that hold them (R11.2).

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::account::model::user::User;
use crate::app::App;
use crate::operations::model::heads::{HeadsPage, LedgerHeads, day_of};
use crate::operations::model::proof::{FORM, ProvenHeads, ProvenStatement};
use kernel::content_hash::ContentHash;
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::ledger::chain::chain_name;
use kernel::ledger::{AccountOwner, JournalEntry};
use kernel::month::Month;
use kernel::refusal::Refusal;
use table::ledger::journal_entry_key;

/// Most entries of a proven statement: an answer has at most six megabytes.
const ENTRIES_MAX: u64 = 4_000;
/// Entries that one step of the search for a month's begin looks at.
const PROBES: u64 = 32;
/// Most steps of that search, enough for any number.
const STEPS: u32 = 13;

/// Heads of a day.
///
/// # Rejects
/// `not_found` for a day whose heads are not signed.
pub async fn heads(app: &App, date: Date) -> Result<LedgerHeads, Error> {
    let found = app.store.get(&LedgerHeads::key(date)).await?.ok_or(Refusal::NotFound)?;
    Ok(found.into_inner())
}

/// Account of a user, of which a statement is proven.
#[derive(Debug, Clone, Copy)]
pub struct ProvenAccount {
    pub user: UserId,
    /// True for the commission account, false for the balance with its debt.
    pub of_commission: bool,
}

/// The statement of a user's balance in a month, with its proof.
///
/// # Rejects
/// `not_found` for a month that has not begun; `range_too_large` above 4,000 entries.
pub async fn balance_statement(app: &App, user: UserId, month: Month) -> Result<ProvenStatement, Error> {
    if month > Month::of(app.clock.now()) {
        return Err(Refusal::NotFound.into());
    }
    let of = ProvenAccount { user, of_commission: false };
    let all = app.store.get(&User::key(user)).await?.ok_or(Refusal::NotFound)?.accounts.postings;
    let first = first_of(app, of, month, all).await?;
    let next = first_of(app, of, month.after(), all).await?;
    prove(app, of, month, (first, next.saturating_sub(1))).await
}

/// Proves the entries with these numbers as the statement of a month.
///
/// # Rejects
/// `range_too_large` above 4,000 entries.
pub async fn prove(
    app: &App,
    of: ProvenAccount,
    month: Month,
    (first, last): (u64, u64),
) -> Result<ProvenStatement, Error> {
    if last.saturating_sub(first) >= ENTRIES_MAX {
        return Err(Refusal::RangeTooLarge.into());
    }
    // The entry before gives the hash that the first one follows.
    let entries = read(app, of, first.saturating_sub(1).max(1), last).await?;
    let before = entries.iter().find(|entry| entry.number < first).and_then(|entry| entry.hash);
    let shown: Vec<&JournalEntry> =
        entries.iter().filter(|entry| entry.number >= first && entry.hash.is_some()).collect();
    let chain = chain_name(of.user.into(), of.of_commission);
    let heads = proven_heads(app, &chain, &shown).await?;
    Ok(ProvenStatement {
        form: FORM.to_owned(),
        chain,
        month: month.to_string(),
        before: before.unwrap_or(ContentHash::GENESIS),
        entries: shown.iter().filter_map(|entry| entry.proven()).collect(),
        heads,
    })
}

/// The newest signed heads that hold one of the entries.
async fn proven_heads(app: &App, chain: &str, entries: &[&JournalEntry]) -> Result<Option<ProvenHeads>, Fault> {
    let days: BTreeSet<Date> = entries.iter().filter_map(|entry| day_of(entry.header.journal)).collect();
    let days = app.store.read(days.into_iter().map(LedgerHeads::key).collect::<Vec<_>>()).await?;
    for day in days.into_iter().rev().flatten() {
        let Some(number) = day.page_of(chain) else { continue };
        let page = app.store.get(&HeadsPage::key(day.date, &day.root.to_string(), number)).await?;
        let Some((head, path)) = page.and_then(|page| day.proof(&page, chain)) else { continue };
        if entries.iter().any(|entry| entry.number == head.number) {
            let LedgerHeads { date, root, signature, .. } = day.into_inner();
            return Ok(Some(ProvenHeads { date, number: head.number, path, root, signature }));
        }
    }
    Ok(None)
}

/// Number of the first entry of a month or a later one; one above `all` if there is none.
///
/// Entries are in the order of time, but for the clocks of two functions that differ a little. So what stands around the place is
/// looked at, too, and each month ends where the next one begins.
async fn first_of(app: &App, of: ProvenAccount, month: Month, all: u64) -> Result<u64, Error> {
    let begin = month.begins();
    let (mut low, mut high) = (1, all.saturating_add(1));
    // Each step leaves a thirty-second of the numbers.
    for _ in 0..STEPS {
        if high.saturating_sub(low) <= PROBES {
            break;
        }
        let step = high.saturating_sub(low).div_ceil(PROBES);
        let probes = (low..high).step_by(usize::try_from(step).unwrap_or(usize::MAX)).skip(1);
        let found = read_those(app, of, probes).await?;
        let later = found.iter().find(|entry| entry.header.at >= begin).map(|entry| entry.number);
        let earlier = found.iter().take_while(|entry| entry.header.at < begin).last().map(|entry| entry.number);
        (low, high) = (earlier.unwrap_or(low), later.unwrap_or(high));
    }
    let around = read(app, of, low.saturating_sub(PROBES).max(1), high.saturating_add(PROBES).min(all)).await?;
    let first = around.iter().find(|entry| entry.header.at >= begin).map(|entry| entry.number);
    Ok(first.unwrap_or(all.saturating_add(1)))
}

async fn read(app: &App, of: ProvenAccount, first: u64, last: u64) -> Result<Vec<JournalEntry>, Fault> {
    read_those(app, of, first..=last).await
}

async fn read_those(
    app: &App,
    of: ProvenAccount,
    numbers: impl Iterator<Item = u64>,
) -> Result<Vec<JournalEntry>, Fault> {
    let owner = AccountOwner::User(of.user);
    let keys: Vec<_> = numbers.map(|number| journal_entry_key(owner, of.of_commission, number)).collect();
    let found = app.store.read(keys).await?;
    Ok(found.into_iter().flatten().map(|entry| entry.into_inner()).collect())
}
