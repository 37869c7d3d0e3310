//! Creation of a batch of redemption codes (R7.1), redeemable once all codes exist.
//!
//! A small batch is complete in its first transaction. For a larger one the first transaction writes the batch and promises
//! `BatchStarted`; the handler of that message creates the codes, ninety per transaction, each with the batch's progress. The
//! codes follow from the code secret, so a run after a crash creates the same ones. A code of a batch that is not ready cannot
//! be redeemed.

use crate::app::App;
use crate::message::Message;
use crate::message::ReceivedMessage;
use crate::operations::audit_log::by_admin;
use crate::redemption::model::code::{Batch, BatchState, Terms};
use crate::redemption::model::plan::Plan;
use kernel::fault::{Chain, Error, Fault};
use kernel::id::{BatchId, UserId};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Codes of one transaction.
///
/// The batch, its audit record, the idempotency record and the outbox item come on top.
const TOGETHER: u32 = 90;

/// Maximum codes that a response lists; a larger batch is completed after the response.
pub const LISTED: u32 = 100;

/// Request to create a batch.
#[derive(Debug, Clone)]
pub struct CreateBatch {
    /// Label given by the admin.
    pub label: String,
    /// Number of codes.
    pub count: u32,
    /// Terms of the codes.
    pub terms: Terms,
    pub admin: UserId,
}

/// Creates a batch; one that a response can list is complete before the response.
///
/// The same key always returns the same batch, and creates the codes it still lacks.
///
/// # Rejects
/// 422 for an unknown plan.
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
        secret_version: app.config.codes.newest()?,
        created_by: ask.admin,
        created_at: app.clock.now(),
    };
    let mut tx = app.tx();
    let whole = ask.count <= TOGETHER;
    let batch = if whole { with_more(&empty) } else { empty.clone() };
    tx.insert(&batch);
    make(app, &empty, &batch, &mut tx)?;
    if !whole {
        tx.send(Message::BatchStarted { batch: id });
    }
    let terms = serde_json::to_string(&ask.terms).unwrap_or_default();
    let audit = by_admin(app, ctx, ask.admin, "batch.created", id.to_string()).change("", terms);
    tx.insert(&audit.because(format!("{} codes: {}", ask.count, ask.label)));
    Ok((id, tx))
}

/// Requires that the plan of some terms exists.
///
/// # Rejects
/// 422 at `/plan_id`.
pub async fn plan_exists(app: &App, terms: &Terms) -> Result<(), Error> {
    let Some((plan, _)) = terms.benefit.plan_time() else { return Ok(()) };
    let found = app.store.get::<Plan>(&Plan::key(plan)).await?;
    found.map(drop).ok_or_else(|| Refusal::field("/plan_id", "unknown", "There is no such plan.").into())
}

/// Creates the codes that a batch still lacks; safe to repeat and to run concurrently.
///
/// # Errors
/// A fault when the database cannot be reached; codes created so far stay.
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
    make(app, &batch, &more, &mut tx)?;
    Ok((more.state, tx))
}

/// Returns the batch with its next codes counted.
fn with_more(batch: &Batch) -> Batch {
    let created = batch.created.saturating_add(TOGETHER).min(batch.count);
    let state = if created == batch.count { BatchState::Ready } else { BatchState::Creating };
    Batch { created, state, ..batch.clone() }
}

/// Inserts the codes that `after` counts and `before` does not.
///
/// A text that another batch has would be a collision of 70 random bits: the insert would fail every time, and the batch would
/// never be ready.
fn make(app: &App, before: &Batch, after: &Batch, tx: &mut Tx) -> Result<(), Fault> {
    for ordinal in before.created..after.created {
        tx.insert(&after.code(ordinal, &app.config.codes)?);
    }
    if after.state == BatchState::Ready {
        tx.send(Message::BatchReady { batch: after.id });
    }
    Ok(())
}

/// Creates the codes of the batches in `BatchStarted` messages.
///
/// Returns the ids of the records to redeliver.
pub async fn fill_batches(app: &App, records: &[ReceivedMessage]) -> Vec<String> {
    let mut failed = Vec::new();
    for record in records {
        let Message::BatchStarted { batch } = record.envelope.message else { continue };
        if let Err(fault) = fill_batch(app, batch).await {
            tracing::error!(fault = %Chain(&fault), %batch, "codes are missing");
            failed.push(record.id.clone());
        }
    }
    failed
}
