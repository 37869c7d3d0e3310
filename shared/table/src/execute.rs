//! Execution of use cases: plan, commit, retry, replay.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::telemetry::OrLog;
use kernel::fault::{Error, Fault};
use kernel::id::OutboxId;
use kernel::month::Month;
use kernel::refusal::Refusal;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;
use ulid::Ulid;

use crate::context::Ctx;
use crate::idempotency::{Guard, Idempotency, IdempotencyKey, IdempotencyRecord};
use crate::item::{Versioned, text};
use crate::key::Key;
use crate::ledger::LedgerBegun;
use crate::outbox::{Outbox, Promised};
use crate::queue::Queues;
use crate::store::Store;
use crate::system::{Clock, Entropy};
use crate::tx::{CommitResult, Tx};

/// Minimum of attempts before a use case gives up on conflicts, beyond the retry budget if need be.
const ATTEMPTS: u32 = 20;
/// Maximum consecutive plans whose reads contradict themselves; a contradiction that is still there is a bug.
const CONTRADICTIONS: u32 = 10;
/// Shortest and longest pause between attempts.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(400));
/// Time limit for sending messages after a commit, so that it does not delay the response.
const SEND_TIME: Duration = Duration::from_secs(1);

/// Lower bound of all months; no deployment is older.
const FIRST_MONTH: Month = Month::new(2026, 1);

/// Runs plans against the table and the queues.
#[derive(Debug, Clone)]
pub struct Executor {
    pub store: Store,
    pub queues: Queues,
    pub clock: Clock,
    pub entropy: Entropy,
    /// Time for all attempts of one use case.
    pub retry_budget: Duration,
    ledger_begun: Arc<AtomicBool>,
    first_month: Arc<OnceLock<Month>>,
}

/// Answer of a use case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered<A> {
    pub answer: A,
    /// True if this is the stored first answer to a repeated request.
    pub replayed: bool,
}

impl Executor {
    /// An executor that gives up after `retry_budget`.
    pub fn new(store: Store, queues: Queues, clock: Clock, entropy: Entropy, retry_budget: Duration) -> Self {
        Self { store, queues, clock, entropy, retry_budget, ledger_begun: Arc::default(), first_month: Arc::default() }
    }

    /// The same executor over other clients: it knows what this one knows.
    pub fn over(&self, store: Store, queues: Queues) -> Self {
        Self { store, queues, ..self.clone() }
    }

    /// True if this process knows that the ledger has a journal.
    pub fn ledger_begun(&self) -> bool {
        self.ledger_begun.load(Ordering::Relaxed)
    }

    /// Remembers that the ledger has a journal.
    pub fn learn_ledger_begun(&self) {
        self.ledger_begun.store(true, Ordering::Relaxed);
    }

    /// Remembers the month in which the deployment began.
    pub fn learn_first_month(&self, month: Month) {
        // It began once: what is known already is the same.
        let _known = self.first_month.set(month);
    }

    /// Month before which no list of the platform has an entry; a bound of all deployments until this one's is known.
    pub fn first_month(&self) -> Month {
        self.first_month.get().copied().unwrap_or(FIRST_MONTH)
    }

    /// A new time-ordered id.
    pub fn ulid(&self) -> Ulid {
        let now = u64::try_from(self.clock.now().as_millisecond()).unwrap_or(0);
        Ulid::from_parts(now, u128::from_be_bytes(self.entropy.bytes()))
    }

    /// Id of the thing that a request makes: it follows from the request's key, and is new without one.
    pub fn id_of(&self, ctx: &Ctx) -> Ulid {
        ctx.idempotency.key().map_or_else(|| self.ulid(), IdempotencyKey::id)
    }

    /// An empty transaction with a new id.
    pub fn tx(&self) -> Tx {
        Tx::new(self.ulid().to_string())
    }

    /// Commits a plan's effect exactly once and returns its answer; every change goes through here.
    ///
    /// `plan` reads, decides, and returns the answer with the transaction that makes it true. An empty transaction is an answer
    /// without an effect. On a write conflict, re-plan with full-jitter backoff until the retry budget is spent. A repeated
    /// request gets its first answer.
    ///
    /// The reads of a plan are each consistent but not one snapshot: another commit between two of them can make items disagree.
    /// So a plan's [`Fault::Bug`] is a conflict too, until it stays in several fresh reads.
    ///
    /// # Errors
    /// Refusals of `plan`; `idempotency_key_reused`; a fault if the outcome is indeterminate or conflicts spend the retry budget.
    pub async fn execute<A, F, P>(&self, ctx: &Ctx, plan: F) -> Result<Answered<A>, Error>
    where
        A: Serialize + DeserializeOwned,
        F: Fn() -> P,
        P: Future<Output = Result<(A, Tx), Error>>,
    {
        let first = ctx.idempotency.key().map(|key| (key, IdempotencyRecord::key(&key.hash)));
        let record = |tx: &mut Tx, answer: &A| self.record(&ctx.idempotency, tx, answer);
        Box::pin(self.attempt(first, plan, record)).await
    }

    /// As [`execute`](Self::execute), for a request that makes the thing at `made`, whose id is [`id_of`](Self::id_of) the
    /// request: `plan` marks its insertion, and it tells the first answer, so that no record is written.
    ///
    /// # Errors
    /// The errors of [`execute`](Self::execute).
    pub async fn execute_making<T, A, F, P>(&self, ctx: &Ctx, made: Key<T>, plan: F) -> Result<Answered<A>, Error>
    where
        T: Guard<A>,
        F: Fn() -> P,
        P: Future<Output = Result<(A, Tx), Error>>,
    {
        Box::pin(self.attempt(ctx.idempotency.key().map(|key| (key, made)), plan, |_, _| Ok(()))).await
    }

    /// Plans and commits until it is done. `first` is the request's key and the item that tells the first answer.
    ///
    /// The future is large, so callers box it.
    async fn attempt<T: Guard<A>, A, P: Future<Output = Result<(A, Tx), Error>>>(
        &self,
        first: Option<(&IdempotencyKey, Key<T>)>,
        plan: impl Fn() -> P,
        record: impl Fn(&mut Tx, &A) -> Result<(), Fault>,
    ) -> Result<Answered<A>, Error> {
        let started = Instant::now();
        let (mut pause, mut contradictions) = (PAUSES.0, 0_u32);
        let mut indeterminate: Vec<IndeterminateAttempt<A>> = Vec::new();
        for attempt in 1_u32.. {
            let (answer, mut tx) = match plan().await {
                Ok(planned) => planned,
                Err(Error::Refused(refusal)) => {
                    if let Some((answer, outbox)) = self.find_applied(&mut indeterminate).await? {
                        return Ok(self.committed(answer, outbox).await);
                    }
                    return self.first_answer_or(first.as_ref(), refusal).await;
                }
                Err(Error::Fault(Fault::Bug(why))) if contradictions < CONTRADICTIONS => {
                    (contradictions, pause) = (contradictions + 1, self.pause(attempt, &why.to_string(), pause).await);
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            contradictions = 0;
            if tx.is_empty() {
                if let Some((answer, outbox)) = self.find_applied(&mut indeterminate).await? {
                    return Ok(self.committed(answer, outbox).await);
                }
                let before = self.first_answer(first.as_ref()).await?;
                return Ok(before.unwrap_or(Answered { answer, replayed: false }));
            }
            self.begin_ledger(&mut tx);
            let outbox = self.promise(&mut tx);
            record(&mut tx, &answer)?;
            let why = match self.store.commit(&tx).await? {
                CommitResult::Committed => {
                    if tx.writes_journal() {
                        self.learn_ledger_begun();
                    }
                    return Ok(self.committed(answer, outbox).await);
                }
                CommitResult::AlreadyApplied(item) => {
                    let writer = text(&item, "tx").unwrap_or_default().to_owned();
                    if let Some(own) = indeterminate.iter().position(|own| own.tx == writer) {
                        let own = indeterminate.swap_remove(own);
                        return Ok(self.committed(own.answer, own.outbox).await);
                    }
                    match first {
                        Some((key, _)) => return answer_of(key, &*Versioned::<T>::read(item)?),
                        None => "somebody wrote the marker".to_owned(),
                    }
                }
                CommitResult::Rejected(refusal) => return self.first_answer_or(first.as_ref(), refusal).await,
                CommitResult::Conflict(why) => why,
                CommitResult::Indeterminate(why) => {
                    let marker = tx.marker().cloned();
                    indeterminate.push(IndeterminateAttempt { tx: tx.id().to_owned(), marker, answer, outbox });
                    why
                }
            };
            self.look_for_ledger(&tx).await?;
            if started.elapsed() + pause >= self.retry_budget && (attempt >= ATTEMPTS || !indeterminate.is_empty()) {
                return Err(gave_up(attempt, why, !indeterminate.is_empty()).into());
            }
            pause = self.pause(attempt, &why, pause).await;
        }
        Err(Fault::bug("attempts without end").into())
    }

    /// Reads for a view, which commits nothing; a contradiction between its reads is a conflict until it stays.
    ///
    /// # Errors
    /// The errors of `read`.
    pub async fn view<A, P>(&self, read: impl Fn() -> P) -> Result<A, Error>
    where
        P: Future<Output = Result<A, Error>>,
    {
        let mut pause = PAUSES.0;
        for attempt in 1..=CONTRADICTIONS {
            match read().await {
                Err(Error::Fault(Fault::Bug(contradiction))) => {
                    pause = self.pause(attempt, &contradiction.to_string(), pause).await;
                }
                answer => return answer,
            }
        }
        read().await
    }

    /// Waits before the next attempt; returns the pause after that one.
    async fn pause(&self, attempt: u32, why: &str, pause: Duration) -> Duration {
        tracing::debug!(attempt, why, "planning again");
        crate::telemetry::count("PlannedAgain");
        tokio::time::sleep(self.jitter(pause)).await;
        pause.saturating_mul(2).min(PAUSES.1)
    }

    /// Adds the guard of the first journal, which fixes the ledger currency (R9.1).
    fn begin_ledger(&self, tx: &mut Tx) {
        if tx.writes_journal() && !self.ledger_begun() {
            tx.insert(&LedgerBegun { at: self.clock.now() });
        }
    }

    /// Notices that another process has written the first journal.
    async fn look_for_ledger(&self, tx: &Tx) -> Result<(), Fault> {
        if tx.writes_journal() && !self.ledger_begun() && self.store.get_item(&LedgerBegun::key()).await?.is_some() {
            self.learn_ledger_begun();
        }
        Ok(())
    }

    /// Adds the outbox item with the transaction's messages.
    fn promise(&self, tx: &mut Tx) -> Option<Promised> {
        if tx.messages().is_empty() {
            return None;
        }
        let id = OutboxId::new(self.ulid());
        let promised = Promised { id, messages: tx.messages().to_vec() };
        tx.insert(&promised.item(self.clock.now()));
        Some(promised)
    }

    /// Adds the idempotency record, as the guard.
    fn record<A: Serialize>(&self, idempotency: &Idempotency, tx: &mut Tx, answer: &A) -> Result<(), Fault> {
        let Some(key) = idempotency.key() else { return Ok(()) };
        let now = self.clock.now();
        let answer = serde_json::to_string(answer).map_err(Fault::bug)?;
        let record =
            IdempotencyRecord { hash: key.hash.clone(), fingerprint: key.fingerprint.clone(), answer, at: now };
        tx.mark(|tx| tx.insert_or_expired(&record, now).or_retry());
        Ok(())
    }

    /// Finds an indeterminate attempt that committed, by reading the guards.
    ///
    /// Its own effect is then the reason for the refusal or the empty plan.
    async fn find_applied<A>(
        &self,
        indeterminate: &mut Vec<IndeterminateAttempt<A>>,
    ) -> Result<Option<(A, Option<Promised>)>, Fault> {
        while let Some(own) = indeterminate.pop() {
            if let Some(marker) = &own.marker
                && let Some(item) = self.store.get_item(marker).await?
                && text(&item, "tx") == Some(own.tx.as_str())
            {
                return Ok(Some((own.answer, own.outbox)));
            }
        }
        Ok(None)
    }

    async fn committed<A>(&self, answer: A, outbox: Option<Promised>) -> Answered<A> {
        if let Some(outbox) = outbox {
            self.deliver(&outbox).await.or_log("the sweeper sends it");
        }
        Answered { answer, replayed: false }
    }

    /// Sends an outbox item's messages, in one attempt of at most a second, and deletes the item.
    async fn deliver(&self, outbox: &Promised) -> Result<(), Fault> {
        let late = |late| Fault::outcome_unknown("SendMessageBatch", late);
        tokio::time::timeout(SEND_TIME, self.queues.deliver(outbox.id, &outbox.messages)).await.map_err(late)??;
        self.store.delete_sent(&Outbox::key(outbox.id)).await
    }

    /// Returns the first answer to a repeated request, else the refusal.
    async fn first_answer_or<T: Guard<A>, A>(
        &self,
        first: Option<&(&IdempotencyKey, Key<T>)>,
        refusal: Refusal,
    ) -> Result<Answered<A>, Error> {
        self.first_answer(first).await?.ok_or_else(|| refusal.into())
    }

    /// First answer under the request's key, if any.
    ///
    /// A repetition whose plan finds nothing left to do gets it too.
    async fn first_answer<T: Guard<A>, A>(
        &self,
        first: Option<&(&IdempotencyKey, Key<T>)>,
    ) -> Result<Option<Answered<A>>, Error> {
        let Some((key, at)) = first else { return Ok(None) };
        let Some(guard) = self.store.get(at).await? else { return Ok(None) };
        self.current_answer(key, &*guard)
    }

    /// First answer to this request, as its guard tells; `None` once the guard has expired.
    ///
    /// For use cases that read the guard in their first batch read.
    ///
    /// # Rejects
    /// `idempotency_key_reused` if the key was used with another body.
    pub fn answered<A>(&self, ctx: &Ctx, guard: &impl Guard<A>) -> Result<Option<Answered<A>>, Error> {
        match ctx.idempotency.key() {
            Some(key) => self.current_answer(key, guard),
            None => Ok(None),
        }
    }

    fn current_answer<A>(&self, key: &IdempotencyKey, guard: &impl Guard<A>) -> Result<Option<Answered<A>>, Error> {
        match guard.answers_until() > self.clock.now() {
            true => answer_of(key, guard).map(Some),
            false => Ok(None),
        }
    }

    fn jitter(&self, pause: Duration) -> Duration {
        let share = u32::from_be_bytes(self.entropy.bytes());
        pause.saturating_mul(share >> 16) / 65_536
    }
}

/// Attempt with a lost response.
struct IndeterminateAttempt<A> {
    tx: String,
    marker: Option<Key>,
    answer: A,
    outbox: Option<Promised>,
}

fn answer_of<A>(key: &IdempotencyKey, guard: &impl Guard<A>) -> Result<Answered<A>, Error> {
    if guard.fingerprint() != Some(key.fingerprint.as_str()) {
        return Err(Refusal::IdempotencyKeyReused.into());
    }
    Ok(Answered { answer: guard.first_answer()?, replayed: true })
}

fn gave_up(attempts: u32, last: String, unknown: bool) -> Fault {
    if unknown { Fault::outcome_unknown("TransactWriteItems", last) } else { Fault::Contention { attempts, last } }
}
