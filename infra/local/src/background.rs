//! Background tasks: deliver queue messages and provider webhooks, and fire schedules.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use emulator::sqs::Retry;
use emulator::stack::Trouble;
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use crate::server::Local;

/// Interval between looks at the clock.
const LOOK: Duration = Duration::from_millis(50);

/// Starts all background tasks.
pub fn start(local: &Arc<Local>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for function in &local.stack.template.functions {
        for source in &function.queues {
            let (local, binary) = (Arc::clone(local), function.binary.clone());
            let (queue, size) = (source.queue.clone(), source.batch_size);
            tasks.spawn(async move {
                loop {
                    if let Err(trouble) = consume(&local, &binary, &queue, size).await {
                        tracing::error!(%trouble, queue, "a queue can't be used");
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                }
            });
        }
    }
    tasks.spawn(deliver(Arc::clone(local)));
    tasks.spawn(watch(Arc::clone(local)));
    tasks
}

async fn consume(local: &Local, binary: &str, queue: &str, size: usize) -> Result<(), Trouble> {
    local.stack.queues.wait_visible(queue).await.map_err(|refused| refused.to_string())?;
    local.stack.pump(binary, queue, size, Retry::AtTimeout).await?;
    Ok(())
}

async fn deliver(local: Arc<Local>) {
    loop {
        if local.stack.pump_webhooks().await
            && let Err(error) = local.keep()
        {
            tracing::error!(%error, "the providers' book can't be kept");
        }
        let _woken = tokio::time::timeout(LOOK, local.woken.notified()).await;
    }
}

/// Fires each schedule that is due by the movable clock.
/// A clock jump over several due times fires a schedule once.
async fn watch(local: Arc<Local>) {
    let mut next: BTreeMap<String, Timestamp> = BTreeMap::new();
    loop {
        let now = local.stack.clock.now();
        for schedule in local.stack.template.functions.iter().flat_map(|function| &function.schedules) {
            let every = SignedDuration::from_secs(schedule.every_seconds);
            let due = *next.entry(schedule.name.clone()).or_insert_with(|| later(now, every));
            // A clock that was set back must not stop a schedule.
            if now >= due || due > later(now, every) {
                next.insert(schedule.name.clone(), later(now, every));
                if let Err(trouble) = local.stack.tick(&schedule.name).await {
                    tracing::error!(%trouble, schedule = schedule.name, "a schedule failed");
                }
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}
