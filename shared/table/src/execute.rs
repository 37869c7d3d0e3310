//! The one way in which a use case takes effect.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::telemetry::OrLog;
use kernel::fault::{Error, Fault};
use kernel::id::OutboxId;
use kernel::refusal::Refusal;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;
use ulid::Ulid;

use crate::context::Ctx;
use crate::idempotency::{Idempotency, IdempotencyKey, IdempotencyRecord};
use crate::item::{Item, Versioned, text};
use crate::key::Key;
use crate::ledger::LedgerBegun;
use crate::outbox::Promised;
use crate::queue::Queues;
use crate::store::Store;
use crate::system::{Clock, Entropy};
use crate::tx::{CommitResult, Tx};

/// Fewest attempts before contention is given up, if time allows at all.
const ATTEMPTS: u32 = 20;
/// First and longest pause between attempts.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(400));
/// How long sending messages may hold up an answer.
const SEND_TIME: Duration = Duration::from_secs(1);

/// The table and the queues, and how a plan takes effect in them.
#[derive(Debug, Clone)]
pub struct Executor {
    /// The table.
    pub store: Store,
    /// The queues.
    pub queues: Queues,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// How long one use case may try before it gives up.
    pub retry_budget: Duration,
    ledger_begun: Arc<AtomicBool>,
}

/// What a use case answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered<A> {
    /// The answer.
    pub answer: A,
    /// Whether it is the first answer, given again.
    pub replayed: bool,
}

impl Executor {
    /// An executor that gives up after `patience`.
    pub fn new(store: Store, queues: Queues, clock: Clock, entropy: Entropy, retry_budget: Duration) -> Self {
        Self { store, queues, clock, entropy, retry_budget, ledger_begun: Arc::default() }
    }

    /// Whether this process knows that there is a journal.
    pub fn ledger_begun(&self) -> bool {
        self.ledger_begun.load(Ordering::Relaxed)
    }

    /// There is a journal.
    pub fn learn_ledger_begun(&self) {
        self.ledger_begun.store(true, Ordering::Relaxed);
    }

    /// A fresh time-ordered id.
    pub fn ulid(&self) -> Ulid {
        let now = u64::try_from(self.clock.now().as_millisecond()).unwrap_or(0);
        Ulid::from_parts(now, u128::from_be_bytes(self.entropy.bytes()))
    }

    /// An empty transaction.
    pub fn tx(&self) -> Tx {
        Tx::new(self.ulid().to_string())
    }

    /// Makes a planned effect happen once and answers it; the one way in which anything changes.
    ///
    /// `plan` reads, decides, and returns the answer with the transaction that makes it true; an empty transaction is an answer
    /// without an effect. When the world moved meanwhile it is planned again, with full jitter, until the deployment's
    /// patience ends. A request that was answered before gets its first answer.
    ///
    /// # Errors
    /// What `plan` refuses; `idempotency_key_reused`; a fault when the outcome is unknown or the work kept moving.
    pub async fn execute<A, F, P>(&self, ctx: &Ctx, plan: F) -> Result<Answered<A>, Error>
    where
        A: Serialize + DeserializeOwned,
        F: Fn() -> P,
        P: Future<Output = Result<(A, Tx), Error>>,
    {
        let idempotency = &ctx.idempotency;
        let started = Instant::now();
        let mut pause = PAUSES.0;
        let mut indeterminate: Vec<IndeterminateAttempt<A>> = Vec::new();
        for attempt in 1_u32.. {
            let (answer, mut tx) = match plan().await {
                Ok(planned) => planned,
                Err(Error::Refused(refusal)) => {
                    if let Some((answer, outbox)) = self.find_applied(&mut indeterminate).await? {
                        return Ok(self.committed(answer, outbox).await);
                    }
                    return self.first_answer_or(idempotency, refusal).await;
                }
                Err(fault) => return Err(fault),
            };
            if tx.is_empty() {
                if let Some((answer, outbox)) = self.find_applied(&mut indeterminate).await? {
                    return Ok(self.committed(answer, outbox).await);
                }
                let first = self.first_answer(idempotency).await?;
                return Ok(first.unwrap_or(Answered { answer, replayed: false }));
            }
            self.begin_ledger(&mut tx);
            let outbox = self.promise(&mut tx);
            self.mark(idempotency, &mut tx, &answer)?;
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
                    match idempotency {
                        Idempotency::Key(key) => return replay(key, item),
                        Idempotency::Natural => "somebody wrote the marker".to_owned(),
                    }
                }
                CommitResult::Rejected(refusal) => return self.first_answer_or(idempotency, refusal).await,
                CommitResult::Conflict(why) => why,
                CommitResult::Indeterminate(why) => {
                    let marker = tx.marker().cloned();
                    indeterminate.push(IndeterminateAttempt { tx: tx.id().to_owned(), marker, answer, outbox });
                    why
                }
            };
            tracing::debug!(attempt, why, "planning again");
            crate::telemetry::count("PlannedAgain");
            self.look_for_ledger(&tx).await?;
            if started.elapsed() + pause >= self.retry_budget && (attempt >= ATTEMPTS || !indeterminate.is_empty()) {
                return Err(gave_up(attempt, why, !indeterminate.is_empty()).into());
            }
            tokio::time::sleep(self.jitter(pause)).await;
            pause = pause.saturating_mul(2).min(PAUSES.1);
        }
        Err(Fault::bug("attempts without end").into())
    }

    /// The first journal of all says so, and fixes the ledger currency (R9.1).
    fn begin_ledger(&self, tx: &mut Tx) {
        if tx.writes_journal() && !self.ledger_begun() {
            tx.insert(&LedgerBegun { at: self.clock.now() });
        }
    }

    /// Another process may have written the first journal meanwhile.
    async fn look_for_ledger(&self, tx: &Tx) -> Result<(), Fault> {
        if tx.writes_journal() && !self.ledger_begun() && self.store.get_item(&LedgerBegun::key()).await?.is_some() {
            self.learn_ledger_begun();
        }
        Ok(())
    }

    /// Puts the promised messages on the transaction's outbox item.
    fn promise(&self, tx: &mut Tx) -> Option<Promised> {
        if tx.messages().is_empty() {
            return None;
        }
        let id = OutboxId::new(self.ulid());
        let promised = Promised { id, messages: tx.messages().to_vec() };
        tx.insert(&promised.item(self.clock.now()));
        Some(promised)
    }

    fn mark<A: Serialize>(&self, idempotency: &Idempotency, tx: &mut Tx, answer: &A) -> Result<(), Fault> {
        let Idempotency::Key(key) = idempotency else { return Ok(()) };
        let now = self.clock.now();
        let answer = serde_json::to_string(answer).map_err(|error| Fault::bug(error.to_string()))?;
        let record =
            IdempotencyRecord { hash: key.hash.clone(), fingerprint: key.fingerprint.clone(), answer, at: now };
        tx.mark(|tx| drop(tx.insert_or_expired(&record, now)));
        Ok(())
    }

    /// The attempt among those without a reply whose marker is there, if any: what stands in the way is its own effect.
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

    /// Sends an outbox item's messages, one attempt of at most a second, and deletes it.
    async fn deliver(&self, outbox: &Promised) -> Result<(), Fault> {
        let late = |_| Fault::OutcomeUnknown { call: "SendMessageBatch", why: "late".to_owned() };
        tokio::time::timeout(SEND_TIME, self.queues.deliver(outbox.id, &outbox.messages)).await.map_err(late)??;
        self.store.delete_sent(outbox.id).await
    }

    /// Before a refusal is answered, the marker is looked at: a repeated request must get its first answer.
    async fn first_answer_or<A: DeserializeOwned>(
        &self,
        idempotency: &Idempotency,
        refusal: Refusal,
    ) -> Result<Answered<A>, Error> {
        self.first_answer(idempotency).await?.ok_or_else(|| refusal.into())
    }

    /// The first answer to a request that was answered before under its key; so that also what finds its effect done tells it.
    async fn first_answer<A: DeserializeOwned>(&self, idempotency: &Idempotency) -> Result<Option<Answered<A>>, Error> {
        if let Idempotency::Key(key) = idempotency
            && let Some(item) = self.store.get_item(&IdempotencyRecord::key(&key.hash)).await?
        {
            let record: Versioned<IdempotencyRecord> = Versioned::read(item.clone())?;
            if record.until() > self.clock.now() {
                return replay(key, item).map(Some);
            }
        }
        Ok(None)
    }

    /// The answer that a once-record holds for this request; none once it is out of date. For use cases that read the record
    /// with their first read.
    ///
    /// # Rejects
    /// `idempotency_key_reused` when the key was used with another body.
    pub fn answered<A: DeserializeOwned>(
        &self,
        ctx: &Ctx,
        record: &IdempotencyRecord,
    ) -> Result<Option<Answered<A>>, Error> {
        match &ctx.idempotency {
            Idempotency::Key(key) if record.until() > self.clock.now() => answer_of(key, record).map(Some),
            _ => Ok(None),
        }
    }

    fn jitter(&self, pause: Duration) -> Duration {
        let share = u32::from_be_bytes(self.entropy.bytes());
        pause.saturating_mul(share >> 16) / 65_536
    }
}

/// An attempt whose reply was lost.
struct IndeterminateAttempt<A> {
    tx: String,
    marker: Option<Key>,
    answer: A,
    outbox: Option<Promised>,
}

fn replay<A: DeserializeOwned>(key: &IdempotencyKey, item: Item) -> Result<Answered<A>, Error> {
    answer_of(key, &*Versioned::<IdempotencyRecord>::read(item)?)
}

fn answer_of<A: DeserializeOwned>(key: &IdempotencyKey, record: &IdempotencyRecord) -> Result<Answered<A>, Error> {
    if record.fingerprint != key.fingerprint {
        return Err(Refusal::IdempotencyKeyReused.into());
    }
    let answer = serde_json::from_str(&record.answer)
        .map_err(|error| Fault::Item { key: IdempotencyRecord::key(&key.hash).pk, why: error.to_string() })?;
    Ok(Answered { answer, replayed: true })
}

fn gave_up(attempts: u32, last: String, unknown: bool) -> Fault {
    if unknown {
        Fault::OutcomeUnknown { call: "TransactWriteItems", why: last }
    } else {
        Fault::Contention { attempts, last }
    }
}
