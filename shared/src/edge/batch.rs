//! Queue batches: bodies are decoded one by one, and bad records fail alone.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};

use crate::message::Envelope;

/// One record of a batch, decoded.
#[derive(Debug, Clone)]
pub struct Record {
    /// The queue's id of it, by which a failure is reported.
    pub id: String,
    /// Its FIFO group, on a FIFO queue.
    pub group: Option<String>,
    /// What happened.
    pub envelope: Envelope,
}

/// The records of a batch that could be read, in their order, and the ids of those that could not.
pub fn read(event: SqsEvent) -> (Vec<Record>, Vec<String>) {
    let mut records = Vec::new();
    let mut failures = Vec::new();
    for message in event.records {
        let id = message.message_id.clone().unwrap_or_default();
        match decode(&message) {
            Ok(envelope) => {
                let group = message.attributes.get("MessageGroupId").cloned();
                records.push(Record { id, group, envelope });
            }
            Err(why) => {
                tracing::error!(message = id, why, "a message that can't be read");
                failures.push(id);
            }
        }
    }
    (records, failures)
}

fn decode(message: &SqsMessage) -> Result<Envelope, String> {
    let body = message.body.as_deref().ok_or("no body")?;
    serde_json::from_str(body).map_err(|error| error.to_string())
}

/// The answer that makes the queue deliver the failed records again.
pub fn answer(failures: Vec<String>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failures
        .into_iter()
        .map(|id| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            failure
        })
        .collect();
    response
}
