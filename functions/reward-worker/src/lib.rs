//! Consumes the reward queue: whoever's invitees registered or qualified gets their rewards (R3.6, R3.7), batches of
//! redemption codes that were begun get their codes (R7.1), and sales pay their chains (R8.8–R8.10).

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use shared::app::App;
use shared::edge::batch;
use shared::message::Message;
use shared::usecase::agency::settle::settle_sales;
use shared::usecase::create_batch::fill_batches;
use shared::usecase::grant_rewards::grant_rewards;

/// Grants what a batch of messages makes due, one transaction per beneficiary. Bodies that can't be read fail alone.
pub async fn batch(app: Arc<App>, event: SqsEvent) -> SqsBatchResponse {
    let (records, mut failures) = batch::read(event);
    let (batches, records): (Vec<_>, Vec<_>) =
        records.into_iter().partition(|record| matches!(record.envelope.message, Message::BatchBegun { .. }));
    let (sales, rewards): (Vec<_>, Vec<_>) = records.into_iter().partition(|record| {
        matches!(record.envelope.message, Message::AgencyOrderMoved { .. } | Message::GrantsLowered { .. })
    });
    failures.extend(grant_rewards(&app, &rewards).await);
    failures.extend(settle_sales(&app, &sales).await);
    failures.extend(fill_batches(&app, &batches).await);
    batch::answer(failures)
}
