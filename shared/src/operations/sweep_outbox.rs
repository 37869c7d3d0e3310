//! The outbox sweeper: sends messages whose transaction committed but whose sending failed.
//!
//! Messages are stored in the transaction of their effect and swept until they are acknowledged, so none is lost.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use ulid::Ulid;

use crate::app::App;
use crate::message::promises;
use kernel::fault::{Chain, Fault};
use kernel::id::OutboxId;
use table::item::{Versioned, text};
use table::key::SHARDS;
use table::outbox::{Outbox, outbox_shard};
use table::store::{Index, Query};
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

/// Sends every outbox item that is older than a minute: all shards, all pages.
///
/// An item is deleted only after the queues acknowledged all its messages. The age of the oldest item is reported before anything
/// is sent: a queue that is down must not suppress its own alarm.
///
/// # Errors
/// The outbox can't be read.
pub async fn sweep_outbox(app: &App) -> Result<SweepReport, Fault> {
    let now = app.clock.now();
    let horizon = now.checked_sub(PATIENCE).unwrap_or(now).as_millisecond();
    let before = OutboxId::new(Ulid::from_parts(u64::try_from(horizon).unwrap_or(0), 0)).to_string();
    let mut swept = SweepReport { oldest_seconds: oldest(app, &before, now).await?, ..SweepReport::default() };
    metrics::value("OutboxAge", swept.oldest_seconds, "Seconds");
    for shard in 0..SHARDS {
        let mut ask = waiting(shard, &before, 100);
        loop {
            let page = app.store.list_items(&ask).await?;
            for item in page.items {
                // An item that does not decode needs a person; go on with the others.
                match Versioned::<Outbox>::read(item) {
                    Ok(outbox) => swept.count(send(app, &outbox).await),
                    Err(fault) => swept.fail(&fault),
                }
            }
            match page.next {
                Some(next) => ask.after = Some(next),
                None => break,
            }
        }
    }
    Ok(swept)
}

/// Query for the items of a shard before a sort key, oldest first.
fn waiting(shard: u8, before: &str, limit: i32) -> Query {
    let before = Some(before.to_owned());
    Query { descending: false, before, ..Query::newest(Index::Table, outbox_shard(shard), limit) }
}

/// Age of the oldest item in seconds, from its id, so that an undecodable item counts too.
async fn oldest(app: &App, before: &str, now: Timestamp) -> Result<i64, Fault> {
    let mut oldest = 0;
    for shard in 0..SHARDS {
        let page = app.store.list_items(&waiting(shard, before, 1)).await?;
        let id = page.items.first().and_then(|item| OutboxId::parse(text(item, "sk")?));
        let made = id.and_then(OutboxId::made_at);
        oldest = oldest.max(made.map_or(0, |made| now.duration_since(made).as_secs()));
    }
    Ok(oldest)
}

async fn send(app: &App, outbox: &Outbox) -> Result<(), Fault> {
    app.queues.deliver(outbox.id, &promises(outbox)?).await?;
    app.store.delete_sent(outbox.id).await
}

impl SweepReport {
    fn count(&mut self, sent: Result<(), Fault>) {
        match sent {
            Ok(()) => self.sent = self.sent.saturating_add(1),
            Err(fault) => self.fail(&fault),
        }
    }

    fn fail(&mut self, fault: &Fault) {
        tracing::error!(fault = %Chain(fault), "left to the next sweep");
        self.failed = self.failed.saturating_add(1);
    }
}
