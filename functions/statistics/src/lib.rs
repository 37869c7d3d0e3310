//! Consumes the statistics queue: totals follow what happened (R9.2).

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use shared::app::App;
use shared::edge::batch;
use shared::operations::project::count;

/// The variables that it can't do without, besides those that every function has.
pub const NEEDS: [&str; 0] = [];

/// Counts what a batch of messages is about. Bodies that can't be read fail alone.
pub async fn batch(app: Arc<App>, event: SqsEvent) -> SqsBatchResponse {
    let (records, mut failures) = batch::read(event);
    failures.extend(count(&app, &records).await);
    batch::answer(failures)
}
