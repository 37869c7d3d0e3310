//! Outstanding codes of all batches (R12.4).

use futures_util::future::try_join_all;
use tokio::try_join;

use crate::app::App;
use crate::redemption::edit_code::taken;
use crate::redemption::model::code::{Batch, Code};
use crate::redemption::model::outstanding::Outstanding;
use crate::redemption::table::{BATCHES, CODES_APART, CodeUses};
use kernel::fault::Fault;
use kernel::id::BatchId;
use rust_decimal::Decimal;
use table::item::numbers;
use table::key::owned_by;
use table::list::{ListSource, Window, walk};
use table::store::{Index, Query};

/// Maximum batches that are read, the newest first.
pub const MOST_BATCHES: usize = 2_000;
/// Batches that are read together.
const TOGETHER: i32 = 25;
/// Items of one page.
const PAGE: i32 = 1_000;

/// Reads what remains of the codes of the newest [`MOST_BATCHES`] batches; false if there are more batches.
///
/// Redemptions are counted by messages, moments later.
///
/// # Errors
/// A fault when the database cannot be reached, an item does not decode, or the sums overflow.
pub async fn outstanding(app: &App) -> Result<(Outstanding, bool), Fault> {
    let (mut all, now, mut left) = (Outstanding::default(), app.clock.now(), MOST_BATCHES);
    let mut window = Window { limit: TOGETHER, ..Window::default() };
    loop {
        let list = window.walk(ListSource::Platform(BATCHES), false);
        let page = walk(app, &list, |batch: &Batch| vec![batch.clone()]).await?;
        let read = page.items.iter().map(|batch| async { try_join!(redeemed(app, batch.id), apart(app, batch.id)) });
        for (batch, (redeemed, apart)) in page.items.iter().zip(try_join_all(read).await?) {
            all.add(batch, redeemed, &apart, now).map_err(Fault::bug)?;
        }
        left = left.saturating_sub(page.items.len());
        match page.next {
            Some(next) if left > 0 => window.after = Some(next),
            rest => return Ok((all, rest.is_none())),
        }
    }
}

/// Counted redemptions of a batch's limited codes.
async fn redeemed(app: &App, batch: BatchId) -> Result<u64, Fault> {
    let page = app.store.list_items(&Query::newest(Index::Table, CodeUses::of_batch(batch), PAGE)).await?;
    let counted = page.items.iter().map(|item| Ok(numbers(item)?.get("uses").copied().unwrap_or_default()));
    let sum = counted.collect::<Result<Vec<Decimal>, Fault>>()?.into_iter().sum::<Decimal>();
    Ok(u64::try_from(sum).unwrap_or(0))
}

/// Codes of a batch that count apart from it, with the uses taken of each.
async fn apart(app: &App, batch: BatchId) -> Result<Vec<(Code, u64)>, Fault> {
    let codes = app.store.all::<Code>(Query::newest(Index::Owner, owned_by(CODES_APART, batch), PAGE)).await?;
    try_join_all(codes.into_iter().map(|code| async {
        let taken = taken(app, &code).await?;
        Ok((code.into_inner(), taken))
    }))
    .await
}
