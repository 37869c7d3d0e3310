//! Operations of the embedded engine, and the capacity that each consumed.

use dynoxide::Database;
use dynoxide::actions::{
    batch_get_item::BatchGetItemRequest, delete_item::DeleteItemRequest, get_item::GetItemRequest,
    put_item::PutItemRequest, query::QueryRequest, scan::ScanRequest, transact_get_items::TransactGetItemsRequest,
    transact_write_items::TransactWriteItemsRequest, update_item::UpdateItemRequest,
};
use dynoxide::errors::DynoxideError;
use dynoxide::types::ConsumedCapacity;
use serde::{Serialize, de::DeserializeOwned};

use super::{Answer, halves};

/// Capacity as the engine reports it: of one table, or of several.
trait Consumed {
    /// Units, doubled.
    fn half_units(&self) -> u64;
}

impl Consumed for ConsumedCapacity {
    fn half_units(&self) -> u64 {
        halves(self.capacity_units)
    }
}

impl Consumed for Vec<ConsumedCapacity> {
    fn half_units(&self) -> u64 {
        self.iter().map(Consumed::half_units).sum()
    }
}

/// Runs an operation on items. The engine always counts its capacity; the answer says it only to those who ask.
macro_rules! metered {
    ($db:ident.$operation:ident($request:expr)) => {{
        let mut request = $request;
        let is_asked =
            request.return_consumed_capacity.replace("TOTAL".to_owned()).is_some_and(|level| level != "NONE");
        let mut answer = $db.$operation(request)?;
        let half_units = answer.consumed_capacity.as_ref().map_or(0, Consumed::half_units);
        answer.consumed_capacity.take_if(|_| !is_asked);
        write(&answer, half_units)
    }};
}

/// Runs one operation. Client tokens are ignored.
///
/// # Errors
/// The engine's.
pub(super) fn run(db: &Database, operation: &str, body: &[u8]) -> Result<Answer, DynoxideError> {
    match operation {
        "CreateTable" => write(&db.create_table(read(body)?)?, 0),
        "DescribeTable" => write(&db.describe_table(read(body)?)?, 0),
        "UpdateTimeToLive" => write(&db.update_time_to_live(read(body)?)?, 0),
        "PutItem" => metered!(db.put_item(read::<PutItemRequest>(body)?)),
        "GetItem" => metered!(db.get_item(read::<GetItemRequest>(body)?)),
        "UpdateItem" => metered!(db.update_item(read::<UpdateItemRequest>(body)?)),
        "DeleteItem" => metered!(db.delete_item(read::<DeleteItemRequest>(body)?)),
        "BatchGetItem" => metered!(db.batch_get_item(read::<BatchGetItemRequest>(body)?)),
        "Query" => metered!(db.query(read::<QueryRequest>(body)?)),
        "Scan" => metered!(db.scan(read::<ScanRequest>(body)?)),
        "TransactWriteItems" => {
            let request = TransactWriteItemsRequest { client_request_token: None, ..read(body)? };
            metered!(db.transact_write_items(request))
        }
        "TransactGetItems" => metered!(db.transact_get_items(read::<TransactGetItemsRequest>(body)?)),
        other => Err(DynoxideError::ValidationException(format!("{other} is not emulated"))),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, DynoxideError> {
    serde_json::from_slice(body).map_err(|error| DynoxideError::SerializationException(error.to_string()))
}

fn write(answer: &impl Serialize, half_units: u64) -> Result<Answer, DynoxideError> {
    let text = serde_json::to_string(answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))?;
    Ok(Answer { text, half_units })
}
