//! Lambda's event source mapping: receives a batch, invokes a function with it as one event, and evaluates the result
//! (`ReportBatchItemFailures`).

use std::collections::HashSet;

use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use super::engine::{MAX_BATCH, Queues};
use super::message::{Attribute, Message, md5_of_attributes, md5_of_body};
use super::refused::Refused;

/// Time at which failed messages become available again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retry {
    /// At their visibility timeout, as in Lambda.
    #[default]
    AtTimeout,
    /// Immediately, for tests that do not move the clock.
    AtOnce,
}

/// A function's result for a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FunctionReply {
    /// The function succeeded, except for the messages with these ids.
    Failed(HashSet<String>),
    /// The function failed, or its result is invalid.
    AllFailed,
}

impl FunctionReply {
    /// Parses a result as Lambda does.
    /// Nothing, `{}` and an empty list mean success. An entry with an invalid `itemIdentifier`, or that of no message in the
    /// batch, fails the whole batch.
    pub fn read(batch: &[Message], returned: &Value) -> Self {
        let failures = match returned.get("batchItemFailures") {
            None | Some(Value::Null) => return FunctionReply::Failed(HashSet::new()),
            Some(Value::Array(failures)) => failures,
            Some(_) => return FunctionReply::AllFailed,
        };
        let known = |id: &&str| batch.iter().any(|message| message.message_id == *id);
        let id = |failure: &Value| failure.get("itemIdentifier")?.as_str().filter(known).map(str::to_owned);
        failures.iter().map(id).collect::<Option<_>>().map_or(FunctionReply::AllFailed, FunctionReply::Failed)
    }

    fn failed(&self, message: &Message) -> bool {
        match self {
            FunctionReply::Failed(ids) => ids.contains(&message.message_id),
            FunctionReply::AllFailed => true,
        }
    }
}

impl Queues {
    /// Receives the next batch without waiting (see [`Queues::wait_visible`]): up to `batch_size` messages, more than ten for
    /// standard queues only. FIFO groups keep their order and stay locked until the batch is settled.
    pub async fn poll_once(&self, queue: &str, batch_size: usize) -> Result<Vec<Message>, Refused> {
        let most = if self.spec(queue)?.fifo { MAX_BATCH } else { 10_000 };
        if !(1..=most).contains(&batch_size) {
            return Err(Refused::invalid("BatchSize", format!("Must be between 1 and {most}.")));
        }
        tokio::task::yield_now().await;
        self.take(queue, batch_size, None)
    }

    /// Settles a batch: deletes succeeded messages and makes failed ones available again.
    ///
    /// A message past its visibility timeout may belong to another receiver, so it is left unchanged.
    pub async fn settle(
        &self,
        queue: &str,
        batch: &[Message],
        reply: &FunctionReply,
        retry: Retry,
    ) -> Result<(), Refused> {
        let (failed, done): (Vec<&Message>, Vec<&Message>) = batch.iter().partition(|message| reply.failed(message));
        for message in done {
            unless_lost(self.delete(queue, &message.receipt_handle))?;
        }
        if retry == Retry::AtOnce {
            for message in failed {
                unless_lost(self.change_visibility(queue, &message.receipt_handle, 0))?;
            }
        }
        tokio::task::yield_now().await;
        Ok(())
    }
}

/// Ignores a stale receipt handle: another receiver settles that message.
fn unless_lost(settled: Result<(), Refused>) -> Result<(), Refused> {
    match settled {
        Err(Refused::Invalid { parameter: "ReceiptHandle", .. } | Refused::NotInFlight) => Ok(()),
        settled => settled,
    }
}

/// The Lambda event of a batch.
pub fn event(queue: &str, batch: &[Message]) -> Value {
    json!({ "Records": batch.iter().map(|message| record(queue, message)).collect::<Vec<_>>() })
}

fn record(queue: &str, message: &Message) -> Value {
    let attributes = message.attributes.iter().map(|(name, attribute)| (name.clone(), value(attribute)));
    let mut record = json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": message.system,
        "messageAttributes": attributes.collect::<Map<_, _>>(),
        "md5OfBody": md5_of_body(&message.body),
        "eventSource": "aws:sqs",
        "eventSourceARN": super::arn(queue),
        "awsRegion": super::REGION,
    });
    if let (Some(md5), Some(record)) = (md5_of_attributes(&message.attributes), record.as_object_mut()) {
        record.insert("md5OfMessageAttributes".to_owned(), json!(md5));
    }
    record
}

fn value(attribute: &Attribute) -> Value {
    let mut value = json!({ "stringListValues": [], "binaryListValues": [], "dataType": attribute.data_type });
    let binary = attribute.binary_value.as_ref().filter(|text| BASE64.decode(text.as_bytes()).is_ok());
    if let Some(value) = value.as_object_mut() {
        value.extend(attribute.string_value.as_ref().map(|text| ("stringValue".to_owned(), json!(text))));
        value.extend(binary.map(|text| ("binaryValue".to_owned(), json!(text))));
    }
    value
}
