//! Operations of the embedded engine, and the capacity that each consumed.

use dynoxide::Database;
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
    ($db:ident, $body:ident, $operation:ident: $request:ident $(, |$own:ident| $change:block)?) => {{
        let mut request: dynoxide::actions::$operation::$request = read($body)?;
        let is_asked = request.return_consumed_capacity.replace("TOTAL".to_owned()).is_some_and(|level| level != "NONE");
        $(let $own = &mut request; $change)?
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
        "PutItem" => metered!(db, body, put_item: PutItemRequest),
        "GetItem" => metered!(db, body, get_item: GetItemRequest),
        "UpdateItem" => metered!(db, body, update_item: UpdateItemRequest),
        "DeleteItem" => metered!(db, body, delete_item: DeleteItemRequest),
        "BatchGetItem" => metered!(db, body, batch_get_item: BatchGetItemRequest),
        "Query" => metered!(db, body, query: QueryRequest),
        "Scan" => metered!(db, body, scan: ScanRequest),
        "TransactWriteItems" => {
            metered!(db, body, transact_write_items: TransactWriteItemsRequest, |request| {
                request.client_request_token = None;
            })
        }
        "TransactGetItems" => metered!(db, body, transact_get_items: TransactGetItemsRequest),
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
