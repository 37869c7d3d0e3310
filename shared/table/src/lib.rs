//! Storage: entities and their keys, reads, lists, the transaction and how it is carried out, idempotency, outbox and queues.
//!
//! Nobody else names `aws_sdk_dynamodb` or `aws_sdk_sqs`. A use case reads through [`store`], decides, and returns a
//! [`tx::Tx`]; [`execute::Executor`] makes it take effect once.

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
pub mod records;
pub mod request;
pub mod store;
pub mod system;
pub mod telemetry;
pub mod tx;
