//! Creation of a batch of redemption codes (R7.1), redeemable once all codes exist, and more codes for one (R7.10).
//!
//! A small batch is complete in its first transaction. For a larger one the first transaction writes the batch and promises
//! `BatchStarted`; the handler of that message creates the codes, ninety per transaction, each with the batch's progress. The
//! codes follow from the code secret, or from the texts that were brought and are stored encrypted, so a run after a crash creates
//! the same ones. A code of a batch that is not ready cannot be redeemed.
//!
//! A batch with brought texts is all or nothing: it is refused if a code has one of them. Should two batches bring the same text at
//! once, the one that finds it taken gives its codes up again and has failed.

use std::collections::BTreeSet;

use crate::app::App;
use crate::message::Message;
use crate::message::ReceivedMessage;
use crate::operations::audit_log::by_admin;
use crate::redemption::model::code::{BROUGHT_TOGETHER, Batch, BatchState, BroughtTexts, Code, Terms};
use crate::redemption::model::code_text::{CodeHash, CodeText};
use crate::redemption::model::plan::Plan;
use crate::redemption::texts::{Named, texts};
use crate::redemption::view::seal_texts;
use kernel::fault::{Chain, Error, Fault};
use kernel::id::{BatchId, UserId};
use kernel::refusal::{FieldError, Refusal};
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::key::Key;
use table::tx::Tx;

/// Codes of one transaction.
///
/// The batch, its audit record, the idempotency record and the outbox item come on top.
const TOGETHER: u32 = 90;

/// Maximum codes that a response lists; a larger batch is completed after the response.
pub const LISTED: u32 = 100;

/// Texts of a new batch.
#[derive(Debug, Clone)]
pub enum Texts {
    /// As many as said, derived from the code secret, after a prefix.
    Made { count: u32, prefix: Option<String> },
    /// These, which were brought from elsewhere.
    Brought(Vec<CodeText>),
}

/// Request to create a batch.
#[derive(Debug, Clone)]
pub struct CreateBatch {
    /// Label given by the admin.
    pub label: String,
    pub texts: Texts,
    /// Terms of the codes.
    pub terms: Terms,
    pub admin: UserId,
}

impl CreateBatch {
    /// Returns the number of codes.
    pub fn count(&self) -> u32 {
        match &self.texts {
            Texts::Made { count, .. } => *count,
            Texts::Brought(texts) => u32::try_from(texts.len()).unwrap_or(u32::MAX),
        }
    }
}

/// Creates a batch; one that a response can list is complete before the response.
///
/// The same key always returns the same batch, and creates the codes it still lacks.
///
/// # Rejects
/// 422 for an unknown plan, and for brought texts that stand twice, are taken, or look like ours with a wrong check.
pub async fn create_batch(app: &App, ctx: &Ctx, ask: &CreateBatch) -> Result<Answered<Batch>, Error> {
    let begun: Answered<BatchId> = app.execute(ctx, || begin(app, ctx, ask)).await?;
    if ask.count() <= LISTED || begun.replayed {
        fill_batch(app, begun.answer).await?;
    }
    let batch = app.store.get::<Batch>(&Batch::key(begun.answer)).await?;
    let batch = batch.ok_or_else(|| Fault::bug("a batch that was committed is not there"))?;
    Ok(Answered { answer: batch.into_inner(), replayed: begun.replayed })
}

async fn begin(app: &App, ctx: &Ctx, ask: &CreateBatch) -> Result<(BatchId, Tx), Error> {
    plan_exists(app, &ask.terms).await?;
    let id = BatchId::new(app.ulid());
    let (prefix, brought) = match &ask.texts {
        Texts::Made { prefix, .. } => (prefix.clone(), None),
        Texts::Brought(texts) => (None, Some(texts)),
    };
    let empty = Batch {
        id,
        label: ask.label.clone(),
        count: ask.count(),
        created: 0,
        redeemable: 0,
        state: BatchState::Creating,
        enabled: true,
        terms: ask.terms,
        extended_to: None,
        prefix,
        brought: brought.is_some(),
        secret_version: app.config.codes.newest()?,
        created_by: ask.admin,
        created_at: app.clock.now(),
    };
    let mut tx = app.tx();
    let whole = brought.is_none() && ask.count() <= TOGETHER;
    let batch = if whole { with_more(&empty) } else { empty.clone() };
    tx.insert(&batch);
    match brought {
        Some(brought) => keep(app, &empty, brought, &mut tx).await?,
        None => make(&empty, &batch, &texts(app, &batch, empty.created, batch.created).await?, &mut tx)?,
    }
    if !whole {
        tx.send(Message::BatchStarted { batch: id });
    }
    let terms = serde_json::to_string(&ask.terms).unwrap_or_default();
    let audit = by_admin(app, ctx, ask.admin, "batch.created", id.to_string()).change("", terms);
    tx.insert(&audit.because(format!("{} codes: {}", ask.count(), ask.label)));
    Ok((id, tx))
}

/// Stores brought texts, encrypted, for whoever creates their codes and lists them.
///
/// # Rejects
/// 422 for each text that stands twice, is taken, or looks like ours with a wrong check.
async fn keep(app: &App, batch: &Batch, brought: &[CodeText], tx: &mut Tx) -> Result<(), Error> {
    let mut errors = Vec::new();
    let mut refuse = |index: usize, code: &'static str, detail: &str| {
        errors.push(FieldError::new(format!("/codes/{index}"), code, detail.to_owned()));
    };
    let (mut once, mut keys) = (BTreeSet::new(), Vec::new());
    for (index, text) in brought.iter().enumerate() {
        match app.config.codes.hash(batch.secret_version, text) {
            None => refuse(index, "malformed", "It looks like a code of this deployment, with a wrong check."),
            Some(_) if !once.insert(text) => refuse(index, "repeated", "It stands here twice."),
            Some(hash) => keys.push((index, Code::key(hash))),
        }
    }
    let found = app.store.read(keys.iter().map(|(_, key)| key.clone()).collect::<Vec<_>>()).await?;
    for ((index, _), _) in keys.iter().zip(found).filter(|(_, found)| found.is_some()) {
        refuse(*index, "taken", "There is such a code already.");
    }
    errors.truncate(ERRORS);
    Refusal::unless_empty(errors)?;
    let together = usize::try_from(BROUGHT_TOGETHER).unwrap_or(usize::MAX);
    for (page, some) in (0_u32..).zip(brought.chunks(together)) {
        let lines: Vec<&str> = some.iter().map(CodeText::as_str).collect();
        let sealed = seal_texts(app, &lines.join("\n")).ok_or_else(|| Fault::bug("texts that can't be encrypted"))?;
        tx.insert(&BroughtTexts { batch: batch.id, page, sealed });
    }
    Ok(())
}

/// Maximum refused texts that are named.
const ERRORS: usize = 20;

/// Requires that the plan of some terms exists.
///
/// # Rejects
/// 422 at `/plan_id`.
pub async fn plan_exists(app: &App, terms: &Terms) -> Result<(), Error> {
    let Some((plan, _)) = terms.benefit.plan_time() else { return Ok(()) };
    let found = app.store.get::<Plan>(&Plan::key(plan)).await?;
    found.map(drop).ok_or_else(|| Refusal::field("/plan_id", "unknown", "There is no such plan.").into())
}

/// Request for more codes of a batch.
#[derive(Debug, Clone, Copy)]
pub struct TopUpBatch {
    pub batch: BatchId,
    /// Number of codes to add.
    pub count: u32,
    pub admin: UserId,
}

/// Adds codes to a batch, with the terms it was created with (R7.10); the others go on working.
///
/// Returns the batch as it is with them, and the number of the first of them. What a response can list is complete before it.
///
/// # Rejects
/// [`Refusal::NotFound`]; `change_under_way` while codes are being made; 422 above the maximum of a batch.
pub async fn top_up(app: &App, ctx: &Ctx, ask: TopUpBatch) -> Result<Answered<(Batch, u32)>, Error> {
    let begun: Answered<(Batch, u32)> = app.execute(ctx, || add(app, ctx, ask)).await?;
    let Answered { answer: (batch, first), replayed } = begun;
    if ask.count <= LISTED || replayed {
        fill_batch(app, ask.batch).await?;
    }
    let batch = if ask.count <= LISTED { batch.complete() } else { batch };
    Ok(Answered { answer: (batch, first), replayed })
}

async fn add(app: &App, ctx: &Ctx, ask: TopUpBatch) -> Result<((Batch, u32), Tx), Error> {
    let before = app.store.get::<Batch>(&Batch::key(ask.batch)).await?.ok_or(Refusal::NotFound)?;
    let wanted = before.topped_up(ask.count)?;
    let mut tx = app.tx();
    let whole = ask.count <= TOGETHER;
    let after = if whole { with_more(&wanted) } else { wanted };
    make(&before, &after, &texts(app, &after, before.created, after.created).await?, &mut tx)?;
    tx.replace(&before, &after);
    if !whole {
        tx.send(Message::BatchStarted { batch: ask.batch });
    }
    let audit = by_admin(app, ctx, ask.admin, "batch.topped_up", ask.batch.to_string());
    tx.insert(&audit.change(before.count.to_string(), after.count.to_string()));
    Ok(((after, before.count), tx))
}

/// Creates the codes that a batch still lacks; safe to repeat and to run concurrently.
///
/// # Errors
/// A fault when the database cannot be reached; codes created so far stay.
pub async fn fill_batch(app: &App, batch: BatchId) -> Result<(), Error> {
    loop {
        let done = app.execute(&Ctx::system(), || fill_some(app, batch)).await?;
        if done.answer {
            return Ok(());
        }
    }
}

/// Takes one step towards a batch that is ready or has failed; true once it is.
async fn fill_some(app: &App, id: BatchId) -> Result<(bool, Tx), Error> {
    let batch = app.store.get::<Batch>(&Batch::key(id)).await?;
    let batch = batch.ok_or_else(|| Fault::bug(format!("{id} was begun but is not there")))?;
    let mut tx = app.tx();
    match batch.state {
        BatchState::Ready => return Ok((true, tx)),
        BatchState::Failed if batch.created == 0 => return Ok((true, tx)),
        BatchState::Failed => return give_up(app, &batch, tx).await,
        BatchState::Creating => {}
    }
    let more = with_more(&batch);
    let named = texts(app, &batch, batch.created, more.created).await?;
    if batch.brought && is_taken(app, &named).await? {
        tx.replace(&batch, &Batch { state: BatchState::Failed, ..Batch::clone(&batch) });
        return Ok((false, tx));
    }
    tx.replace(&batch, &more);
    make(&batch, &more, &named, &mut tx)?;
    Ok((more.state == BatchState::Ready, tx))
}

/// Tests whether a code has one of some texts; none of this batch has one yet.
async fn is_taken(app: &App, named: &[Named]) -> Result<bool, Fault> {
    let keys: Vec<Key<Code>> = named.iter().map(|named| Code::key(named.hash)).collect();
    Ok(app.store.read(keys).await?.iter().any(Option::is_some))
}

/// Removes the last codes of a batch that has failed.
async fn give_up(app: &App, batch: &Versioned<Batch>, mut tx: Tx) -> Result<(bool, Tx), Error> {
    let fewer = batch.created.saturating_sub(TOGETHER);
    let keys: Vec<Key<Code>> =
        texts(app, batch, fewer, batch.created).await?.iter().map(|named| Code::key(named.hash)).collect();
    for code in app.store.read(keys).await?.iter().flatten().filter(|code| code.of.batch == batch.id) {
        tx.remove(code);
    }
    tx.replace(batch, &Batch { created: fewer, ..Batch::clone(batch) });
    Ok((fewer == 0, tx))
}

/// Returns the batch with its next codes counted.
fn with_more(batch: &Batch) -> Batch {
    let created = batch.created.saturating_add(TOGETHER).min(batch.count);
    if created == batch.count { batch.complete() } else { Batch { created, ..batch.clone() } }
}

/// Inserts the codes that `after` counts and `before` does not.
///
/// A made text that another batch has would be a collision of 70 random bits: the insert would fail every time, and the batch would
/// never be ready.
///
/// # Errors
/// Their texts are not known, since the version of the code secret was retired.
fn make(before: &Batch, after: &Batch, named: &[Named], tx: &mut Tx) -> Result<(), Fault> {
    let hashes: Vec<(u32, CodeHash)> = named.iter().map(|named| (named.ordinal, named.hash)).collect();
    if u32::try_from(hashes.len()) != Ok(after.created.saturating_sub(before.created)) {
        return Err(Fault::bug(format!("{} needs version {} of CODE_SECRET", after.id, after.secret_version)));
    }
    for (ordinal, hash) in hashes {
        tx.insert(&after.code(ordinal, hash));
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
