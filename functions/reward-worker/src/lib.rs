//! Consumes the reward queue: whoever's invitees registered or qualified gets their rewards (R3.6, R3.7), batches of
//! redemption codes that were begun get their codes (R7.1), sales pay their chains (R8.8–R8.10), and erased persons leave no traces.

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use shared::app::App;
use shared::edge::batch::{self, Record};
use shared::message::Message;
use shared::usecase::agency::settle::settle_sales;
use shared::usecase::create_batch::fill_batches;
use shared::usecase::erase::erase_traces;
use shared::usecase::grant_rewards::grant_rewards;

/// The variables that it can't do without, besides those that every function has.
pub const NEEDS: [&str; 2] = ["MAIL_QUEUE_URL", "STATISTICS_QUEUE_URL"];

/// Grants what a batch of messages makes due, one transaction per beneficiary. Bodies that can't be read fail alone.
pub async fn batch(app: Arc<App>, event: SqsEvent) -> SqsBatchResponse {
    let (records, mut failures) = batch::read(event);
    let take = |records: Vec<Record>, fits: fn(&Message) -> bool| -> (Vec<Record>, Vec<Record>) {
        records.into_iter().partition(|record| fits(&record.envelope.message))
    };
    let (batches, records) = take(records, |message| matches!(message, Message::BatchBegun { .. }));
    let (erased, records) = take(records, |message| matches!(message, Message::UserErased { .. }));
    let (sales, rewards) =
        take(records, |message| matches!(message, Message::AgencyOrderMoved { .. } | Message::GrantsLowered { .. }));
    failures.extend(grant_rewards(&app, &rewards).await);
    failures.extend(settle_sales(&app, &sales).await);
    failures.extend(fill_batches(&app, &batches).await);
    failures.extend(erase_traces(&app, &erased).await);
    batch::answer(failures)
}
