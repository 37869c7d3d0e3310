//! Queues as Amazon SQS has them, in this process: standard and FIFO, with visibility, delay, deduplication, redrive to
//! a dead-letter queue and long polling.
//!
//! A message is in exactly one queue. Receiving hides it for the visibility timeout and gives a receipt handle that
//! only this delivery's holder has; deleting with it is the only way to be rid of a message before its retention ends.
//! Whatever has been acknowledged is in the journal first, if there is one.
//! [`Queues`] speaks types; [`Queues::json`] speaks the service's own protocol; `mapping` is what Lambda does with a
//! queue.

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

/// The account that every queue belongs to.
pub const ACCOUNT: &str = "000000000000";
/// The region that every queue is in.
pub const REGION: &str = "us-east-1";

/// The address of the queue called `name`.
pub fn url(name: &str) -> String {
    format!("http://sqs.local/{ACCOUNT}/{name}")
}

/// The resource name of the queue called `name`.
pub fn arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

/// The name in a queue's address, whatever host it names.
pub fn name_in_url(url: &str) -> &str {
    url.trim_end_matches('/').rsplit('/').next().unwrap_or(url)
}
