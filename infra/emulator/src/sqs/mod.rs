//! In-process Amazon SQS: standard and FIFO queues with visibility, delay, deduplication, redrive to a dead-letter queue and long
//! polling.
//!
//! A message is in exactly one queue. A receive hides it for the visibility timeout and returns a receipt handle for this delivery
//! only. Deletion with the handle is the only way to remove a message before its retention ends.
//! With a journal, every acknowledged change is journaled first.
//! [`Queues`] is the typed API, [`Queues::json`] SQS's own protocol, and `mapping` Lambda's event source mapping.

mod contents;
mod elsewhere;
mod engine;
mod journal;
mod json;
mod mapping;
mod message;
mod refused;
mod spec;
mod state;
#[cfg(test)]
mod tests;

pub use contents::Depth;
pub use engine::{Queues, Receive};
pub use json::SqsBackend;
pub use mapping::{FunctionReply, Retry, event};
pub use message::{Attribute, MAX_BYTES, Message, Outgoing, Sent, md5_of_attributes, md5_of_body};
pub use refused::Refused;
pub use spec::{QueueSpec, Redrive};

/// Account id of every queue.
pub const ACCOUNT: &str = "000000000000";
/// Region of every queue.
pub const REGION: &str = "us-east-1";

/// URL of the queue `name`.
pub fn url(name: &str) -> String {
    format!("http://sqs.local/{ACCOUNT}/{name}")
}

/// ARN of the queue `name`.
pub fn arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

/// The queue name in a URL, whatever its host.
pub fn name_in_url(url: &str) -> &str {
    url.trim_end_matches('/').rsplit('/').next().unwrap_or(url)
}
