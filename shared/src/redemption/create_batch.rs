//! Batches of redemption codes (R7.1): begun in one transaction, made in as many as it takes, redeemable once all codes are there.
//!
//! A small batch is whole in its first transaction. Of a larger one the first transaction writes the batch and promises
//! `BatchBegun`; whoever handles that makes the codes, ninety at a time, each time with the batch's progress. A batch's codes
//! follow from its seed, so going on after a crash makes the same ones. No code of a batch that is not ready can be redeemed.

use crate::app::App;
use crate::message::Message;
use crate::message::ReceivedMessage;
use crate::operations::audit_log::by_admin;
use crate::redemption::model::code::{Batch, BatchState, Terms};
use crate::redemption::model::plan::Plan;
use kernel::fault::{Error, Fault};
use kernel::id::{BatchId, UserId};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Codes of one transaction; the batch, its audit record, its once-record and its outbox item come on top.
const TOGETHER: u32 = 90;

/// Most codes that an answer lists; a larger batch is made after the answer.
pub const LISTED: u32 = 100;

/// What is to be made.
#[derive(Debug, Clone)]
pub struct CreateBatch {
    /// What its maker calls it.
    pub label: String,
    /// How many codes.
    pub count: u32,
    /// What they grant.
    pub terms: Terms,
    /// Who makes it.
    pub admin: UserId,
}

/// Makes a batch; one that an answer can list is made whole before it. The same key always answers the same batch, and makes what
/// it still lacks.
///
/// # Refuses
/// 422 for a plan that is not there.
pub async fn create_batch(app: &App, ctx: &Ctx, ask: &CreateBatch) -> Result<Answered<Batch>, Error> {
    let begun: Answered<BatchId> = app.execute(ctx, || begin(app, ctx, ask)).await?;
    if ask.count <= LISTED || begun.replayed {
        fill_batch(app, begun.answer).await?;
    }
    let batch = app.store.get::<Batch>(&Batch::key(begun.answer)).await?;
    let batch = batch.ok_or_else(|| Fault::bug("a batch that was committed is not there"))?;
    Ok(Answered { answer: batch.into_inner(), replayed: begun.replayed })
}

async fn begin(app: &App, ctx: &Ctx, ask: &CreateBatch) -> Result<(BatchId, Tx), Error> {
    plan_exists(app, &ask.terms).await?;
    let id = BatchId::new(app.ulid());
    let empty = Batch {
        id,
        label: ask.label.clone(),
        count: ask.count,
        created: 0,
        state: BatchState::Creating,
        enabled: true,
        terms: ask.terms,
        seed: Batch::seed(app.entropy.bytes()),
        created_by: ask.admin,
        created_at: app.clock.now(),
    };
    let mut tx = app.tx();
    let whole = ask.count <= TOGETHER;
    let batch = if whole { with_more(&empty) } else { empty.clone() };
    tx.insert(&batch);
    make(&empty, &batch, &mut tx);
    if !whole {
        tx.send(Message::BatchStarted { batch: id });
    }
    let terms = serde_json::to_string(&ask.terms).unwrap_or_default();
    let audit = by_admin(app, ctx, ask.admin, "batch.created", id.to_string()).change("", terms);
    tx.insert(&audit.because(format!("{} codes: {}", ask.count, ask.label)));
    Ok((id, tx))
}

/// That the plan of some terms is there.
///
/// # Refuses
/// 422 at `/plan_id`.
pub async fn plan_exists(app: &App, terms: &Terms) -> Result<(), Error> {
    let Some((plan, _)) = terms.benefit.plan_time() else { return Ok(()) };
    let found = app.store.get::<Plan>(&Plan::key(plan)).await?;
    found.map(drop).ok_or_else(|| Refusal::field("/plan_id", "unknown", "There is no such plan.").into())
}

/// Makes the codes that a batch still lacks. Safe to repeat, and to run twice at once.
///
/// # Errors
/// When the database can't be reached; what was made stays.
pub async fn fill_batch(app: &App, batch: BatchId) -> Result<(), Error> {
    loop {
        let done = app.execute(&Ctx::system(), || fill_some(app, batch)).await?;
        if done.answer == BatchState::Ready {
            return Ok(());
        }
    }
}

async fn fill_some(app: &App, id: BatchId) -> Result<(BatchState, Tx), Error> {
    let batch = app.store.get::<Batch>(&Batch::key(id)).await?;
    let batch = batch.ok_or_else(|| Fault::bug(format!("{id} was begun but is not there")))?;
    let mut tx = app.tx();
    if batch.state == BatchState::Ready {
        return Ok((BatchState::Ready, tx));
    }
    let more = with_more(&batch);
    tx.replace(&batch, &more);
    make(&batch, &more, &mut tx);
    Ok((more.state, tx))
}

/// A batch with its next codes.
fn with_more(batch: &Batch) -> Batch {
    let created = batch.created.saturating_add(TOGETHER).min(batch.count);
    let state = if created == batch.count { BatchState::Ready } else { BatchState::Creating };
    Batch { created, state, ..batch.clone() }
}

/// Writes the codes that `after` has and `before` has not. A text that another batch has already would be a collision of 80
/// random bits: it never passes, and the batch is never ready.
fn make(before: &Batch, after: &Batch, tx: &mut Tx) {
    for ordinal in before.created..after.created {
        tx.insert(&after.code(ordinal));
    }
    if after.state == BatchState::Ready {
        tx.send(Message::BatchReady { batch: after.id });
    }
}

/// Makes the codes of the batches that some messages say were begun. Answers the ids of the records that are to be delivered
/// again.
pub async fn fill_batches(app: &App, records: &[ReceivedMessage]) -> Vec<String> {
    let mut failed = Vec::new();
    for record in records {
        let Message::BatchStarted { batch } = record.envelope.message else { continue };
        if let Err(fault) = fill_batch(app, batch).await {
            tracing::error!(%fault, %batch, "codes are missing");
            failed.push(record.id.clone());
        }
    }
    failed
}
