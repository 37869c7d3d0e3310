//! The outbox: messages that a transaction has promised to send.
//!
//! They stand on one item of the transaction. They are sent right after the commit and, if that fails, by the sweeper, so each is
//! sent at least once and only for what was committed.

use jiff::Timestamp;
use kernel::fault::Fault;
use kernel::id::OutboxId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::item::Entity;
use crate::key::{Key, shard_of};
use crate::queue::Queue;

/// A message that a transaction can promise.
pub trait Publish {
    /// The message with its destination.
    ///
    /// # Errors
    /// When it can't be written as JSON.
    fn promise(&self) -> Result<Promise, Fault>;
}

/// A message with its destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// The message as it is sent.
    pub message: Value,
    /// The FIFO group.
    pub group: String,
    /// The queues it goes to.
    pub queues: Vec<Queue>,
}

/// The messages of one transaction with their destinations.
#[derive(Debug, Clone)]
pub struct Promised {
    /// Id of the outbox item.
    pub id: OutboxId,
    /// The messages in the order in which they were promised.
    pub messages: Vec<Promise>,
}

impl Promised {
    /// The item that keeps the promise.
    pub fn item(&self, at: Timestamp) -> Outbox {
        Outbox { id: self.id, at, messages: self.messages.iter().map(|promise| promise.message.clone()).collect() }
    }
}

/// The messages of one transaction as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    /// Its id, from which the queue's deduplication ids are made.
    pub id: OutboxId,
    /// Time of the commit.
    pub at: Timestamp,
    /// The promised messages.
    pub messages: Vec<Value>,
}

/// A message as it stands in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<M> {
    /// Outbox id and index.
    pub id: String,
    /// The message.
    pub message: M,
}

/// A message as a consumer receives it.
#[derive(Debug, Clone)]
pub struct Received<M> {
    /// The queue's id of it, by which a failure is reported.
    pub id: String,
    /// Its FIFO group, on a FIFO queue.
    pub group: Option<String>,
    /// What happened.
    pub envelope: Envelope<M>,
}

impl<M: DeserializeOwned> Envelope<M> {
    /// The envelope that a queue's body holds; `None` when it does not decode.
    pub fn read(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }
}

impl Outbox {
    /// Where the messages of a transaction are.
    pub fn key(id: OutboxId) -> Key {
        Key::of(outbox_shard(shard_of(&id.to_string())), id.to_string())
    }
}

impl Entity for Outbox {
    const TYPE: &'static str = "outbox";

    fn own_key(&self) -> Key {
        Self::key(self.id)
    }
}

/// The partition of one outbox shard.
pub fn outbox_shard(shard: u8) -> String {
    format!("OUTBOX#{shard}")
}
