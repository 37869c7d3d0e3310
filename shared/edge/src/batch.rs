//! Batches of queue messages: each body is decoded separately, and undecodable ones fail alone.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};

use serde::de::DeserializeOwned;
use table::outbox::{Envelope, Received};

/// Decodes a batch: the readable records in order, and the ids of the others.
pub fn read<M: DeserializeOwned>(event: SqsEvent) -> (Vec<Received<M>>, Vec<String>) {
    let mut records = Vec::new();
    let mut failures = Vec::new();
    for message in event.records {
        let id = message.message_id.clone().unwrap_or_default();
        match decode(&message) {
            Ok(envelope) => {
                let group = message.attributes.get("MessageGroupId").cloned();
                records.push(Received { id, group, envelope });
            }
            Err(why) => {
                tracing::error!(message_id = id, why, "a message that can't be read");
                failures.push(id);
            }
        }
    }
    (records, failures)
}

fn decode<M: DeserializeOwned>(message: &SqsMessage) -> Result<Envelope<M>, String> {
    let body = message.body.as_deref().ok_or("no body")?;
    serde_json::from_str(body).map_err(|error| error.to_string())
}

/// Response that makes the queue deliver the failed records again.
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
