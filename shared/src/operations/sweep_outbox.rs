//! The outbox sweeper: sends messages whose transaction committed but whose sending failed.
//!
//! Messages are stored in the transaction of their effect and swept until they are acknowledged, so none is lost.

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::time::Instant;
use ulid::Ulid;

use crate::app::App;
use crate::message::promises;
use crate::payment::expire::TICK;
use kernel::fault::{Chain, Fault};
use kernel::id::OutboxId;
use table::item::{Item, Versioned, text};
use table::key::Key;
use table::outbox::{Outbox, outbox_shard};
use table::spread::OUTBOX;
use table::store::{Index, Page, Query};
use table::telemetry as metrics;

/// Minimum age of a swept item. A younger one is still being sent by the process that committed it.
const PATIENCE: SignedDuration = SignedDuration::from_mins(1);

/// Result of a sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SweepReport {
    /// Outbox items whose messages were all acknowledged.
    pub sent: u32,
    /// Items left for the next sweep.
    pub failed: u32,
    /// Age of the oldest item, in seconds.
    pub oldest_seconds: i64,
}

/// Sends every outbox item that is older than a minute, all partitions side by side, within the time of a tick.
///
/// An item is deleted only after the queues acknowledged all its messages. The age of the oldest item is reported before anything
/// is sent: a queue that is down must not suppress its own alarm.
///
/// # Errors
/// The outbox can't be read.
pub async fn sweep_outbox(app: &App) -> Result<SweepReport, Fault> {
    let (now, started) = (app.clock.now(), Instant::now());
    let horizon = now.checked_sub(PATIENCE).unwrap_or(now).as_millisecond();
    let before = OutboxId::new(Ulid::from_parts(u64::try_from(horizon).unwrap_or(0), 0)).to_string();
    let asks: Vec<Query> = (0..OUTBOX).map(|shard| waiting(shard, &before)).collect();
    let pages = try_join_all(asks.iter().map(|ask| app.store.list_items(ask))).await?;
    let mut swept = SweepReport { oldest_seconds: oldest(&pages, now), ..SweepReport::default() };
    metrics::value("OutboxAge", swept.oldest_seconds, "Seconds");
    let parts = asks.into_iter().zip(pages).map(|(ask, page)| sweep_shard(app, ask, page, started));
    for (sent, failed) in try_join_all(parts).await? {
        swept.sent = swept.sent.saturating_add(sent);
        swept.failed = swept.failed.saturating_add(failed);
    }
    Ok(swept)
}

/// Sends the items of one partition, one after another; returns how many were sent, and how many failed.
async fn sweep_shard(app: &App, mut ask: Query, mut page: Page<Item>, started: Instant) -> Result<(u32, u32), Fault> {
    let (mut sent, mut failed) = (0_u32, 0_u32);
    loop {
        for item in page.items {
            if started.elapsed() > TICK {
                return Ok((sent, failed));
            }
            // An item that does not decode needs a person; go on with the others.
            match send(app, item).await {
                Ok(()) => sent = sent.saturating_add(1),
                Err(fault) => {
                    tracing::error!(fault = %Chain(&fault), "left to the next sweep");
                    failed = failed.saturating_add(1);
                }
            }
        }
        let Some(next) = page.next else { return Ok((sent, failed)) };
        ask.after = Some(next);
        page = app.store.list_items(&ask).await?;
    }
}

/// Query for the items of a partition before a sort key, oldest first. They are old enough for an answer that lags behind.
fn waiting(shard: u8, before: &str) -> Query {
    let before = Some(before.to_owned());
    Query { descending: false, lagging: true, before, ..Query::newest(Index::Table, outbox_shard(shard), 100) }
}

/// Age of the oldest item in seconds, from its id, so that an undecodable item counts too.
fn oldest(pages: &[Page<Item>], now: Timestamp) -> i64 {
    let ids = pages.iter().filter_map(|page| OutboxId::parse(text(page.items.first()?, "sk")?));
    ids.filter_map(OutboxId::made_at).map(|made| now.duration_since(made).as_secs()).max().unwrap_or(0)
}

async fn send(app: &App, item: Item) -> Result<(), Fault> {
    // The key as it stands: with fewer partitions it was another one.
    let key = Key::holding(text(&item, "pk").unwrap_or_default(), text(&item, "sk").unwrap_or_default());
    let outbox = Versioned::<Outbox>::read(item)?;
    app.queues.deliver(outbox.id, &promises(&outbox)?).await?;
    app.store.delete_sent(&key).await
}
