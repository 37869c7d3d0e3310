//! Consumes the statistics queue and updates the totals (R9.2).

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use shared::app::App;
use shared::edge::batch;
use shared::operations::project::count;

/// Environment variables that this function needs, besides those that every function has.
pub const NEEDS: [&str; 0] = [];

/// Count a batch of messages. An unreadable body fails alone.
pub async fn batch(app: Arc<App>, event: SqsEvent) -> SqsBatchResponse {
    let (records, mut failures) = batch::read(event);
    failures.extend(count(&app, &records).await);
    batch::answer(failures)
}
