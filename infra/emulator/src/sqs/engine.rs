//! Queue operations.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::contents::{Change, Depth};
use super::elsewhere::Elsewhere;
use super::journal::Journal;
use super::message::{MAX_BYTES, Message, Outgoing, Sent};
use super::refused::Refused;
use super::spec::{QueueSpec, in_range};
use super::state::{Queue, State};
use crate::clock::Clock;
use crate::remote::Remote;

/// Maximum number of entries in a batch.
pub(super) const MAX_BATCH: usize = 10;
const MAX_WAIT: Duration = Duration::from_secs(20);

/// All queues of a stack; clones share them.
#[derive(Clone)]
pub struct Queues {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
    /// Remote queues, if not embedded; the settings are here in both cases.
    pub(super) elsewhere: Option<Elsewhere>,
    sent: Arc<AtomicU64>,
}

/// Options of a receive.
#[derive(Clone, Debug)]
pub struct Receive {
    /// Maximum number of messages, 1 to 10.
    pub max: usize,
    /// Seconds to hide them, 0 to 43 200; the queue's own timeout if absent.
    pub visibility_timeout_seconds: Option<u32>,
    /// Maximum wait for the first message, up to 20 seconds.
    pub wait: Duration,
}

impl Default for Receive {
    fn default() -> Self {
        Self { max: MAX_BATCH, visibility_timeout_seconds: None, wait: Duration::ZERO }
    }
}

/// Omits the contents: clients print their connector, and message bodies must not be logged.
impl fmt::Debug for Queues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queues").finish_non_exhaustive()
    }
}

impl Queues {
    /// Queues in memory: embedded, or at `AWS_ENDPOINT_URL_SQS` if that is set (see [`remote`](crate::remote)).
    pub fn in_memory(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Arc::default(), elsewhere: Remote::named("sqs").map(Elsewhere), sent: Arc::default() }
    }

    /// Queues that store their messages in `directory`.
    /// Settings are not stored: create the queues again at each start. Messages in flight stay hidden until their visibility
    /// timeout.
    pub fn kept_in(directory: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let (journal, contents) = Journal::open(directory)?;
        let state = State { contents, journal: Some(journal), ..State::default() };
        Ok(Self { clock, state: Arc::new(Mutex::new(state)), elsewhere: None, sent: Arc::default() })
    }

    /// Creates a queue; no effect if the same one exists.
    ///
    /// # Rejects
    /// Settings out of range, and different settings for an existing queue.
    pub fn create(&self, spec: QueueSpec) -> Result<(), Refused> {
        spec.check()?;
        if let Some(elsewhere) = self.elsewhere() {
            elsewhere.create(&spec)?;
        }
        let mut state = self.state();
        match state.queues.get(&spec.name) {
            Some(queue) if queue.spec == spec => Ok(()),
            Some(queue) => Err(Refused::QueueNameExists(difference(&queue.spec, &spec))),
            None => {
                let queue = Queue { created_at: self.clock.now(), news: watch::Sender::new(0), spec };
                state.queues.insert(queue.spec.name.clone(), queue);
                Ok(())
            }
        }
    }

    /// Changes a queue's settings; its messages stay.
    ///
    /// # Rejects
    /// Settings out of range, and an unknown queue.
    pub fn change(&self, spec: QueueSpec) -> Result<(), Refused> {
        spec.check()?;
        let mut state = self.state();
        let queue = state.queues.get_mut(&spec.name).ok_or(Refused::NoSuchQueue)?;
        queue.spec = spec;
        queue.tell();
        Ok(())
    }

    /// Removes a queue with its messages.
    pub fn remove(&self, queue: &str) -> Result<(), Refused> {
        self.purge(queue)?;
        let mut state = self.state();
        state.contents.forget(queue);
        state.queues.remove(queue);
        Ok(())
    }

    /// The names of all queues, sorted.
    pub fn list(&self) -> Vec<String> {
        self.state().queues.keys().cloned().collect()
    }

    /// A queue's settings.
    pub fn spec(&self, queue: &str) -> Result<QueueSpec, Refused> {
        Ok(self.state().queue(queue)?.spec.clone())
    }

    /// Sends one message; it is stored when this returns.
    ///
    /// # Rejects
    /// See [`Outgoing`]. A FIFO queue requires a group and a deduplication id, and allows no delay per message.
    pub fn send(&self, queue: &str, outgoing: Outgoing) -> Result<Sent, Refused> {
        if let Some(elsewhere) = self.elsewhere() {
            return elsewhere.send(queue, &outgoing);
        }
        self.count(self.state().send(queue, outgoing, self.clock.now()))
    }

    /// Number of messages that were taken, so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    fn count(&self, sent: Result<Sent, Refused>) -> Result<Sent, Refused> {
        self.sent.fetch_add(u64::from(sent.is_ok()), Ordering::Relaxed);
        sent
    }

    /// Sends up to ten messages in order; each is accepted or rejected individually.
    ///
    /// # Rejects
    /// An empty batch, more than ten messages, more than 1 MiB in total.
    pub fn send_batch(&self, queue: &str, batch: Vec<Outgoing>) -> Result<Vec<Result<Sent, Refused>>, Refused> {
        fits(batch.len())?;
        let bytes = batch.iter().map(Outgoing::bytes).fold(0, usize::saturating_add);
        if bytes > MAX_BYTES {
            return Err(Refused::BatchTooLong(bytes));
        }
        let mut state = self.state();
        state.queue(queue)?;
        Ok(batch.into_iter().map(|outgoing| self.count(state.send(queue, outgoing, self.clock.now()))).collect())
    }

    /// Receives up to `max` messages.
    /// Waits for the first one if `wait` is set. Messages that have been received `maxReceiveCount` times go to the dead-letter
    /// queue instead.
    ///
    /// # Rejects
    /// Numbers out of range.
    pub async fn receive(&self, queue: &str, ask: &Receive) -> Result<Vec<Message>, Refused> {
        if !(1..=MAX_BATCH).contains(&ask.max) {
            return Err(Refused::invalid("MaxNumberOfMessages", "Must be between 1 and 10, if provided."));
        }
        if ask.wait > MAX_WAIT {
            return Err(Refused::invalid("WaitTimeSeconds", "Must be >= 0 and <= 20, if provided."));
        }
        in_range("VisibilityTimeout", ask.visibility_timeout_seconds.unwrap_or_default(), 0, 43_200)?;
        if ask.wait.is_zero() {
            return self.take(queue, ask.max, ask.visibility_timeout_seconds);
        }
        let polled = tokio::time::timeout(ask.wait, async {
            loop {
                self.wait_visible(queue).await?;
                let messages = self.take(queue, ask.max, ask.visibility_timeout_seconds)?;
                if !messages.is_empty() {
                    return Ok(messages);
                }
            }
        });
        polled.await.unwrap_or_else(|_| Ok(Vec::new()))
    }

    /// Returns once the queue may have an available message; at once if it has one.
    pub async fn wait_visible(&self, queue: &str) -> Result<(), Refused> {
        let mut jumps = self.clock.jumps();
        loop {
            // Subscribe before checking, so that no arrival in between is missed.
            let mut news = self.state().queue(queue)?.news.subscribe();
            if let Some(jumps) = &mut jumps {
                jumps.mark_unchanged();
            }
            let now = self.clock.now();
            let next = {
                let state = self.state();
                let fifo = state.queue(queue)?.spec.fifo;
                let shelf = state.contents.shelf(queue);
                if shelf.is_some_and(|shelf| shelf.ready(fifo, now).next().is_some()) {
                    return Ok(());
                }
                shelf.and_then(|shelf| shelf.next_visible(now)).and_then(|at| self.clock.until(at))
            };
            tokio::select! {
                // An error means that the queue was removed; the next check reports that.
                _ = news.changed() => {}
                () = jump(&mut jumps) => {}
                () = sleep(next) => {}
            }
        }
    }

    /// Receives the available messages, without waiting and without the limit of ten.
    pub(super) fn take(
        &self,
        queue: &str,
        max: usize,
        visibility_timeout_seconds: Option<u32>,
    ) -> Result<Vec<Message>, Refused> {
        if let Some(elsewhere) = self.elsewhere() {
            return elsewhere.take(queue, max, visibility_timeout_seconds);
        }
        self.state().take(queue, max, visibility_timeout_seconds, self.clock.now())
    }

    /// Deletes a message by receipt handle. The handle of an earlier delivery deletes nothing.
    ///
    /// # Rejects
    /// A malformed handle; in a FIFO queue also a stale one, or one past its visibility timeout.
    pub fn delete(&self, queue: &str, receipt_handle: &str) -> Result<(), Refused> {
        if let Some(elsewhere) = self.elsewhere() {
            return elsewhere.delete(queue, receipt_handle);
        }
        self.state().delete(queue, receipt_handle, self.clock.now())
    }

    /// Deletes up to ten messages, each individually.
    pub fn delete_batch(&self, queue: &str, handles: &[String]) -> Result<Vec<Result<(), Refused>>, Refused> {
        fits(handles.len())?;
        let mut state = self.state();
        state.queue(queue)?;
        Ok(handles.iter().map(|handle| state.delete(queue, handle, self.clock.now())).collect())
    }

    /// Hides a received message for `seconds` from now; 0 makes it available at once.
    ///
    /// # Rejects
    /// More than 43 200 seconds, a message that is not in flight, a stale handle.
    pub fn change_visibility(&self, queue: &str, receipt_handle: &str, seconds: u32) -> Result<(), Refused> {
        in_range("VisibilityTimeout", seconds, 0, 43_200)?;
        if let Some(elsewhere) = self.elsewhere() {
            return elsewhere.hide(queue, receipt_handle, seconds);
        }
        self.state().hide(queue, receipt_handle, seconds, self.clock.now())
    }

    /// Deletes all messages of a queue.
    pub fn purge(&self, queue: &str) -> Result<(), Refused> {
        if let Some(elsewhere) = self.elsewhere() {
            return elsewhere.purge(queue);
        }
        let mut state = self.state();
        state.queue(queue)?;
        let shelf = state.contents.shelf(queue);
        let all = shelf.into_iter().flat_map(|shelf| shelf.messages.keys());
        let changes = all.map(|sequence| Change::Gone { queue: queue.to_owned(), sequence: *sequence }).collect();
        state.commit(changes)
    }

    /// Moves all available messages of a dead-letter queue back to their source as new messages.
    /// Returns the number.
    pub fn redrive(&self, dead_letter_queue: &str) -> Result<usize, Refused> {
        self.state().redrive(dead_letter_queue, self.clock.now())
    }

    /// Message counts of a queue by availability.
    pub fn depth(&self, queue: &str) -> Result<Depth, Refused> {
        if let Some(elsewhere) = self.elsewhere() {
            return elsewhere.depth(queue);
        }
        let state = self.state();
        let retention = state.queue(queue)?.spec.retention_seconds;
        let shelf = state.contents.shelf(queue);
        Ok(shelf.map(|shelf| shelf.depth(retention, self.clock.now())).unwrap_or_default())
    }

    /// All attributes of a queue under SQS's names.
    pub fn get_attributes(&self, queue: &str) -> Result<BTreeMap<String, String>, Refused> {
        let depth = self.depth(queue)?;
        let state = self.state();
        let Queue { spec, created_at, .. } = state.queue(queue)?;
        let mut attributes = vec![
            ("QueueArn", super::arn(queue)),
            ("ApproximateNumberOfMessages", depth.visible.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", depth.in_flight.to_string()),
            ("ApproximateNumberOfMessagesDelayed", depth.delayed.to_string()),
            ("CreatedTimestamp", created_at.as_second().to_string()),
            ("LastModifiedTimestamp", created_at.as_second().to_string()),
            ("VisibilityTimeout", spec.visibility_timeout_seconds.to_string()),
            ("MaximumMessageSize", MAX_BYTES.to_string()),
            ("MessageRetentionPeriod", spec.retention_seconds.to_string()),
            ("DelaySeconds", spec.delay_seconds.to_string()),
            ("ReceiveMessageWaitTimeSeconds", "0".to_owned()),
        ];
        if spec.fifo {
            attributes.push(("FifoQueue", "true".to_owned()));
            attributes.push(("ContentBasedDeduplication", spec.content_based_dedup.to_string()));
        }
        if let Some(redrive) = &spec.redrive {
            let policy = serde_json::json!({
                "deadLetterTargetArn": super::arn(&redrive.dead_letter_queue),
                "maxReceiveCount": redrive.max_receive_count,
            });
            attributes.push(("RedrivePolicy", policy.to_string()));
        }
        Ok(attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first setting in which two queues of one name differ.
fn difference(one: &QueueSpec, other: &QueueSpec) -> &'static str {
    match () {
        () if one.visibility_timeout_seconds != other.visibility_timeout_seconds => "VisibilityTimeout",
        () if one.redrive != other.redrive => "RedrivePolicy",
        () if one.retention_seconds != other.retention_seconds => "MessageRetentionPeriod",
        () if one.delay_seconds != other.delay_seconds => "DelaySeconds",
        () => "ContentBasedDeduplication",
    }
}

/// # Rejects
/// No entries, or more than ten.
pub(super) fn fits(entries: usize) -> Result<(), Refused> {
    match entries {
        0 => Err(Refused::EmptyBatch),
        1..=MAX_BATCH => Ok(()),
        more => Err(Refused::TooManyEntries(more)),
    }
}

async fn sleep(time: Option<Duration>) {
    match time {
        // Never zero, so that a timer that rounds down does not cause a busy loop.
        Some(time) => tokio::time::sleep(time.max(Duration::from_millis(1))).await,
        None => std::future::pending().await,
    }
}

/// Ends when the clock is moved; never if it can't be.
async fn jump(jumps: &mut Option<watch::Receiver<u64>>) {
    if let Some(jumps) = jumps
        && jumps.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}
