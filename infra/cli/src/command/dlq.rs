//! `dlq`: list and redrive dead letters.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::table::queue::Queue;
use shared::table::queue::{DeadLetter, Queues};
use shared::table::telemetry::OrLog;

use super::table::letter_row;
use crate::Ended;
use crate::args::Dlq;
use crate::direct::Surroundings;
use crate::output::Out;
use crate::trouble::Trouble;

/// Empty receives in a row to allow while the queue is not empty.
/// Short polling samples only some SQS servers.
const EMPTY_LOOKS: u32 = 3;
const COLUMNS: &[&str] = &["queue", "id", "what", "message", "received", "sent_at"];

/// Lists dead letters, or sends them back.
///
/// # Errors
/// Fails when the queues can't be reached.
pub async fn run(asked: Dlq, at: &Surroundings<'_>, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let queues = at.queues()?;
    match asked {
        Dlq::List { queue } => list(&queues, queue, out).await,
        Dlq::Redrive { queue, id } => redrive(&queues, queue, id.as_deref(), out).await,
    }
}

async fn list(queues: &Queues, only: Option<Queue>, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let mut rows: Vec<Value> = Vec::new();
    for queue in Queue::ALL.into_iter().filter(|queue| only.is_none_or(|only| only == *queue)) {
        let Some(url) = queues.dead_letters_of(queue).await? else { continue };
        let letters = held(queues, &url).await?;
        for letter in &letters {
            queues.let_go(&url, letter).await?;
        }
        let depth = queues.depth(&url).await?;
        if depth > u64::try_from(letters.len()).unwrap_or(u64::MAX) {
            out.note(&format!(
                "{}: about {depth} dead letters; those not shown are in somebody's hands",
                queue.as_str()
            ))?;
        }
        rows.extend(letters.iter().map(|letter| letter_row(queue.as_str(), letter)));
    }
    out.rows(COLUMNS, &rows)?;
    Ok(if rows.is_empty() { Ended::Fine } else { Ended::Found })
}

/// Receives all available dead letters, oldest first; they stay hidden for their visibility timeout.
async fn held(queues: &Queues, url: &str) -> Result<Vec<DeadLetter>, Trouble> {
    let mut letters: BTreeMap<String, DeadLetter> = BTreeMap::new();
    let mut empty = 0_u32;
    while empty < EMPTY_LOOKS && queues.depth(url).await? > u64::try_from(letters.len()).unwrap_or(u64::MAX) {
        let more = queues.look(url).await?;
        empty = if more.is_empty() { empty.saturating_add(1) } else { 0 };
        letters.extend(more.into_iter().map(|letter| (letter.id.clone(), letter)));
    }
    let mut letters: Vec<DeadLetter> = letters.into_values().collect();
    letters.sort_by_key(|letter| letter.sent_at);
    Ok(letters)
}

/// Sends letters back batch by batch.
/// A FIFO queue delivers later messages of a group only after the earlier ones are gone.
async fn redrive(queues: &Queues, queue: Queue, only: Option<&str>, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let name = queue.as_str();
    let Some(url) = queues.dead_letters_of(queue).await? else {
        return Err(Trouble::Failed(format!("the {name} queue has no dead-letter queue; look at its redrive policy")));
    };
    // Messages that fail again meanwhile are left for the next run.
    let most = usize::try_from(queues.depth(&url).await?).unwrap_or(usize::MAX);
    let mut rows = Vec::new();
    while rows.len() < most {
        let letters = held(queues, &url).await?;
        let (wanted, others): (Vec<DeadLetter>, Vec<DeadLetter>) =
            letters.into_iter().partition(|letter| only.is_none_or(|id| id == letter.id));
        for letter in &others {
            queues.let_go(&url, letter).await?;
        }
        for (index, letter) in wanted.iter().enumerate() {
            if let Err(fault) = queues.send_back(queue, &url, letter).await {
                for kept in wanted.iter().skip(index) {
                    queues.let_go(&url, kept).await.or_log("it is seen again in two minutes");
                }
                return Err(fault.into());
            }
            rows.push(letter_row(name, letter));
        }
        if wanted.is_empty() || only.is_some() {
            break;
        }
    }
    if let Some(id) = only.filter(|_| rows.is_empty()) {
        return Err(Trouble::Failed(format!(
            "{id} is not among the dead letters of {name}; `guerdon dlq list` shows them"
        )));
    }
    out.rows(COLUMNS, &rows)?;
    out.note(&format!("{} sent back to {name}", rows.len()))?;
    Ok(Ended::Fine)
}
