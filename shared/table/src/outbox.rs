//! The outbox: messages to send after a transaction commits.
//!
//! The transaction stores its messages in one item. They are sent right after the commit or, if that fails, by the sweeper. Each
//! message is sent at least once, and only if its transaction committed.

use jiff::Timestamp;
use kernel::fault::Fault;
use kernel::id::OutboxId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::item::Entity;
use crate::key::Key;
use crate::queue::Queue;
use crate::spread::{OUTBOX, shard_of};

/// A message that a transaction can send.
pub trait Publish {
    /// The message with its destination.
    ///
    /// # Errors
    /// The message can't be encoded as JSON.
    fn promise(&self) -> Result<Promise, Fault>;
}

/// A message with its destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// Payload of the queue message.
    pub message: Value,
    /// FIFO group on a FIFO queue.
    pub group: String,
    pub queues: Vec<Queue>,
}

/// The messages of one transaction with their destinations.
#[derive(Debug, Clone)]
pub struct Promised {
    pub id: OutboxId,
    /// The messages in sending order.
    pub messages: Vec<Promise>,
}

impl Promised {
    /// The outbox item to store at the time of the commit.
    pub fn item(&self, at: Timestamp) -> Outbox {
        Outbox { id: self.id, at, messages: self.messages.iter().map(|promise| promise.message.clone()).collect() }
    }
}

/// Stored messages of one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    /// Id of the item; the queue's deduplication ids derive from it.
    pub id: OutboxId,
    pub at: Timestamp,
    pub messages: Vec<Value>,
}

/// A message in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<M> {
    /// Outbox id and index of the message.
    pub id: String,
    pub message: M,
}

/// A message as a consumer receives it.
#[derive(Debug, Clone)]
pub struct Received<M> {
    /// The queue's message id, for reporting a failure.
    pub id: String,
    /// FIFO group; `None` on a standard queue.
    pub group: Option<String>,
    pub envelope: Envelope<M>,
}

impl<M: DeserializeOwned> Envelope<M> {
    /// Decodes the body of a queue message; `None` if it does not decode.
    pub fn read(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }
}

impl Outbox {
    /// Key of an outbox item.
    pub fn key(id: OutboxId) -> Key<Self> {
        Key::holding(outbox_shard(shard_of(&id.to_string(), OUTBOX)), id.to_string())
    }
}

impl Entity for Outbox {
    const TYPE: &'static str = "outbox";

    fn own_key(&self) -> Key<Self> {
        Self::key(self.id)
    }
}

/// Partition of one outbox shard.
pub fn outbox_shard(shard: u8) -> String {
    format!("OUTBOX#{shard}")
}
