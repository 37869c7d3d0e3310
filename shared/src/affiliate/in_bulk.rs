//! The same act on several things (R6.8): each in a transaction of its own, with an outcome of its own.
//!
//! A refusal is the outcome of its thing, and the next one follows. A fault ends the request, and the repetition under the same key goes on:
//! what had taken effect is answered again from its idempotency record.

use kernel::fault::{Error, Fault};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::idempotency::{IdempotencyKey, IdempotencyRecord};

use crate::app::App;

/// Most things of one request.
pub const TOGETHER: usize = 100;

/// Outcome of the act on one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkOutcome<I> {
    pub id: I,
    /// Why it was refused; `None` if it was done.
    pub refusal: Option<Refusal>,
}

/// Acts on each of `ids`, one after the other, and returns the outcomes in their order.
///
/// # Rejects
/// [`Refusal::IdempotencyKeyReused`] for a key that came with another body. A fault ends the request, which has to be repeated.
pub async fn each<I: Copy, T, W: Future<Output = Result<Answered<T>, Error>>>(
    app: &App,
    ctx: &Ctx,
    ids: &[I],
    act: impl Fn(Ctx, I) -> W,
) -> Result<Answered<Vec<BulkOutcome<I>>>, Error> {
    let parts: Vec<Ctx> = (0..ids.len()).map(|place| ctx.part(place)).collect();
    must_be_the_same_body(app, &parts).await?;
    let mut done = Answered { answer: Vec::with_capacity(ids.len()), replayed: true };
    for (part, id) in parts.into_iter().zip(ids.iter().copied()) {
        let (refusal, replayed) = match act(part, id).await {
            Ok(acted) => (None, acted.replayed),
            Err(Error::Refused(refusal)) => (Some(refusal), false),
            Err(Error::Fault(fault)) => return Err(unfinished(fault, done.answer.is_empty()).into()),
        };
        done.answer.push(BulkOutcome { id, refusal });
        done.replayed &= replayed;
    }
    Ok(done)
}

/// Requires that no part of the request is known with another body.
pub(crate) async fn must_be_the_same_body(app: &App, parts: &[Ctx]) -> Result<(), Error> {
    let keys: Vec<&IdempotencyKey> = parts.iter().filter_map(|ctx| ctx.idempotency.key()).collect();
    let records: Vec<_> = keys.iter().map(|key| IdempotencyRecord::key(&key.hash)).collect();
    let known = app.store.read(records).await?;
    let mut known = keys.iter().zip(&known).filter_map(|(key, record)| Some((key, record.as_ref()?)));
    match known.all(|(key, record)| record.fingerprint == key.fingerprint) {
        true => Ok(()),
        false => Err(Refusal::IdempotencyKeyReused.into()),
    }
}

/// The fault of one thing as that of the request: after the first one it is not true that nothing was changed.
pub(crate) fn unfinished(fault: Fault, is_first: bool) -> Fault {
    if is_first || !fault.passes() { fault } else { Fault::outcome_unknown("act on several", fault) }
}
