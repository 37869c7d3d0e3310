//! Statistics: reads the projected totals without reading any entity (R9.2).

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use jiff::ToSpan;
use jiff::civil::Date;

use crate::app::App;
use crate::operations::model::metrics::Tallies;
use crate::operations::table::Statistics;
use kernel::fault::Fault;
use kernel::id::Identifier;
use kernel::ledger::LotKind;
use kernel::month::Month;
use rust_decimal::Decimal;
use table::item::{Item, numbers, text};
use table::store::{Index, Query};

/// Longest period of one report, in days.
pub const MOST_DAYS: i32 = 366;

/// Totals of the platform: the sum of all shards, which are read at once.
///
/// The names are those of [`crate::operations::model::projection`].
///
/// # Errors
/// The database can't be reached.
pub async fn totals(app: &App) -> Result<Tallies, Fault> {
    let mut totals = Tallies::new();
    for item in partitions(app, Statistics::totals()).await? {
        add(&mut totals, &item)?;
    }
    Ok(totals)
}

/// Totals of each day from `from` to `to`, both included; days without totals are left out.
///
/// The report ends at most [`MOST_DAYS`] after `from`.
///
/// # Errors
/// The database can't be reached.
pub async fn daily(app: &App, from: Date, to: Date) -> Result<BTreeMap<Date, Tallies>, Fault> {
    let last = from.checked_add(MOST_DAYS.days()).map_or(to, |last| last.min(to));
    let mut months = Vec::new();
    let mut month = from.first_of_month();
    while month <= last {
        months.push(month);
        month = month.checked_add(1.month()).map_err(Fault::bug)?;
    }
    let mut days: BTreeMap<Date, Tallies> = BTreeMap::new();
    for item in partitions(app, months.into_iter().flat_map(Statistics::month)).await? {
        let Some(day) = day_of(&item).filter(|day| (from..=last).contains(day)) else { continue };
        add(days.entry(day).or_default(), &item)?;
    }
    Ok(days)
}

/// Unspent granted credit by the month in which it expires and its kind (R12.4).
///
/// # Errors
/// The database can't be reached.
pub async fn expiring(app: &App) -> Result<BTreeMap<(Month, LotKind), Decimal>, Fault> {
    let mut all: BTreeMap<(Month, LotKind), Decimal> = BTreeMap::new();
    for item in partitions(app, Statistics::expiring()).await? {
        let month = text(&item, "sk").and_then(|sk| Month::parse(sk.split_once('#')?.0));
        for (kind, amount) in numbers(&item)? {
            let of =
                month.zip(LotKind::parse(&kind)).ok_or_else(|| Fault::bug("expiring credit of no month or kind"))?;
            let sum = all.entry(of).or_default();
            *sum = sum.checked_add(amount).ok_or_else(|| Fault::bug("a total overflows"))?;
        }
    }
    all.retain(|_, sum| !sum.is_zero());
    Ok(all)
}

async fn partitions(app: &App, all: impl Iterator<Item = String>) -> Result<Vec<Item>, Fault> {
    Ok(try_join_all(all.map(|one| partition(app, one))).await?.concat())
}

async fn partition(app: &App, partition: impl Into<String>) -> Result<Vec<Item>, Fault> {
    let mut ask = Query::newest(Index::Table, partition, 1_000);
    let mut items = Vec::new();
    loop {
        let page = app.store.list_items(&ask).await?;
        items.extend(page.items);
        match page.next {
            Some(next) => ask.after = Some(next),
            None => return Ok(items),
        }
    }
}

fn day_of(item: &Item) -> Option<Date> {
    let (day, _) = text(item, "sk")?.split_once('#')?;
    day.parse().ok()
}

fn add(totals: &mut Tallies, item: &Item) -> Result<(), Fault> {
    for (name, amount) in numbers(item)? {
        let sum = totals.get(&name).copied().unwrap_or_default().checked_add(amount);
        totals.insert(name, sum.ok_or_else(|| Fault::bug("a total overflows"))?);
    }
    Ok(())
}
