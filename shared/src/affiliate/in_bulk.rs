//! The same act on several things (R6.8): each in a transaction of its own, with an outcome of its own.
//!
//! A refusal is the outcome of its thing, and the next one follows. A fault ends the request, and the repetition under the same key goes on:
//! what had taken effect is answered again from its idempotency record.

use kernel::fault::{Error, Fault};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::idempotency::{Idempotency, IdempotencyKey, IdempotencyRecord};

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

/// The same act on several things, one after the other.
#[derive(Debug)]
pub struct Bulk<I> {
    /// Things that are left, the last first, each with its part of the request.
    left: Vec<(Ctx, I)>,
    now: Option<I>,
    outcomes: Vec<BulkOutcome<I>>,
    replayed: bool,
}

impl<I: Copy> Bulk<I> {
    /// Begins with the first of `ids`.
    ///
    /// # Rejects
    /// [`Refusal::IdempotencyKeyReused`] for a key that came with another body.
    pub async fn begin(app: &App, ctx: &Ctx, ids: &[I]) -> Result<Self, Error> {
        let parts: Vec<Ctx> = (0..ids.len()).map(|place| ctx.part(place)).collect();
        must_be_the_same_body(app, &parts).await?;
        let left = parts.into_iter().zip(ids.iter().copied()).rev().collect();
        Ok(Self { left, now: None, outcomes: Vec::with_capacity(ids.len()), replayed: true })
    }

    /// Returns the next thing, in the order of the ids, with the context to act on it.
    pub fn next_one(&mut self) -> Option<(Ctx, I)> {
        let next = self.left.pop()?;
        self.now = Some(next.1);
        Some(next)
    }

    /// Records what came of the act on that thing.
    ///
    /// # Errors
    /// A fault, which ends the request; it has to be repeated.
    pub fn record<T>(&mut self, came: Result<Answered<T>, Error>) -> Result<(), Fault> {
        let refusal = match came {
            Ok(done) => {
                self.replayed &= done.replayed;
                None
            }
            Err(Error::Refused(refusal)) => {
                self.replayed = false;
                Some(refusal)
            }
            Err(Error::Fault(fault)) => return Err(unfinished(fault, self.outcomes.is_empty())),
        };
        self.outcomes.extend(self.now.take().map(|id| BulkOutcome { id, refusal }));
        Ok(())
    }

    /// Returns the outcomes, in the order of the ids.
    pub fn end(self) -> Answered<Vec<BulkOutcome<I>>> {
        Answered { answer: self.outcomes, replayed: self.replayed }
    }
}

/// Requires that no part of the request is known with another body.
async fn must_be_the_same_body(app: &App, parts: &[Ctx]) -> Result<(), Error> {
    let keys: Vec<&IdempotencyKey> = parts
        .iter()
        .filter_map(|ctx| match &ctx.idempotency {
            Idempotency::Key(key) => Some(key),
            Idempotency::Natural => None,
        })
        .collect();
    let records: Vec<_> = keys.iter().map(|key| IdempotencyRecord::key(&key.hash)).collect();
    let known = app.store.read(records).await?;
    let mut known = keys.iter().zip(&known).filter_map(|(key, record)| Some((key, record.as_ref()?)));
    match known.all(|(key, record)| record.fingerprint == key.fingerprint) {
        true => Ok(()),
        false => Err(Refusal::IdempotencyKeyReused.into()),
    }
}

/// The fault of one thing as that of the request: after the first one it is not true that nothing was changed.
fn unfinished(fault: Fault, is_first: bool) -> Fault {
    if is_first || !fault.passes() { fault } else { Fault::outcome_unknown("act on several", fault) }
}
