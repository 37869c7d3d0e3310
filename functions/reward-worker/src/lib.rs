//! Consumes the reward queue: whoever's invitees registered or qualified gets their rewards (R3.6, R3.7).

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use shared::app::App;
use shared::edge::batch;
use shared::usecase::grant_rewards::grant_rewards;

/// Grants what a batch of messages makes due, one transaction per beneficiary. Bodies that can't be read fail alone.
pub async fn batch(app: Arc<App>, event: SqsEvent) -> SqsBatchResponse {
    let (records, mut failures) = batch::read(event);
    failures.extend(grant_rewards(&app, &records).await);
    batch::answer(failures)
}
