//! Storage: entities, keys, reads, lists, transactions, idempotency, outbox and queues.
//!
//! No other crate names `aws_sdk_dynamodb` or `aws_sdk_sqs`. A use case reads through [`store`] and [`read`], decides, and returns a
//! [`tx::Tx`]; [`execute::Executor`] commits it exactly once.

mod attempts;
pub mod aws;
pub mod context;
pub mod execute;
pub mod idempotency;
pub mod item;
pub mod json;
pub mod key;
pub mod ledger;
pub mod list;
pub mod outbox;
pub mod plain;
pub mod queue;
pub mod read;
pub mod records;
pub mod request;
pub mod spread;
pub mod store;
pub mod system;
pub mod telemetry;
pub mod tx;
