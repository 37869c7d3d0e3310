//! The sweep: sends what was promised and not sent. Together with the marker in the transaction this is why no message is lost.

use jiff::SignedDuration;
use serde::Serialize;
use ulid::Ulid;

use crate::app::App;
use crate::domain::id::OutboxId;
use crate::fault::Fault;
use crate::message::Outbox;
use crate::store::item::Stored;
use crate::store::key::{SHARDS, outbox_shard};
use crate::store::{Ask, List};

/// What is younger is still being sent by whoever committed it.
const PATIENCE: SignedDuration = SignedDuration::from_mins(1);

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Outbox items whose messages were all acknowledged.
    pub sent: u32,
    /// Items left for the next sweep.
    pub failed: u32,
    /// Seconds that the oldest item had been waiting.
    pub oldest_seconds: i64,
}

/// Sends every outbox item that is older than a minute: all shards, all pages; deleted only after every entry was acknowledged.
///
/// # Errors
/// When the outbox can't be read.
pub async fn sweep_outbox(app: &App) -> Result<Swept, Fault> {
    let now = app.clock.now();
    let horizon = now.checked_sub(PATIENCE).unwrap_or(now).as_millisecond();
    let before = OutboxId::new(Ulid::from_parts(u64::try_from(horizon).unwrap_or(0), 0)).to_string();
    let mut swept = Swept::default();
    for shard in 0..SHARDS {
        let mut ask = Ask::newest(List::Table, outbox_shard(shard), 100);
        ask.descending = false;
        ask.before = Some(before.clone());
        loop {
            let page = app.store.list_items(&ask).await?;
            for item in page.items {
                // An item that does not decode waits for a person; the others go on.
                match Stored::<Outbox>::read(item) {
                    Ok(outbox) => swept.count(app, &outbox, send(app, &outbox).await),
                    Err(fault) => swept.fail(&fault),
                }
            }
            match page.next {
                Some(next) => ask.after = Some(next),
                None => break,
            }
        }
    }
    crate::edge::metrics::value("OutboxAge", swept.oldest_seconds, "Seconds");
    Ok(swept)
}

async fn send(app: &App, outbox: &Outbox) -> Result<(), Fault> {
    app.queues.deliver(outbox).await?;
    app.store.delete_sent(outbox.id).await
}

impl Swept {
    fn count(&mut self, app: &App, outbox: &Outbox, sent: Result<(), Fault>) {
        let age = app.clock.now().duration_since(outbox.at).as_secs();
        self.oldest_seconds = self.oldest_seconds.max(age);
        match sent {
            Ok(()) => self.sent = self.sent.saturating_add(1),
            Err(fault) => self.fail(&fault),
        }
    }

    fn fail(&mut self, fault: &Fault) {
        tracing::error!(%fault, "left to the next sweep");
        self.failed = self.failed.saturating_add(1);
    }
}
