//! Consumes the reward queue: grants referral rewards (R3.6, R3.7), generates the codes of started
//! redemption batches (R7.1), pays commission chains (R8.8–R8.10), carries out decisions
//! about held cases (R10.2) and erases the remaining traces of erased users.

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use shared::account::erase::erase_traces;
use shared::agency::settle::settle_sales;
use shared::app::App;
use shared::edge;
use shared::edge::batch;
use shared::message::Message;
use shared::message::ReceivedMessage;
use shared::redemption::create_batch::fill_batches;
use shared::referral::grant_rewards::grant_rewards;
use shared::risk::follow::follow_decisions;
use shared::risk::later::compare_later;

/// Environment variables that this function needs, besides those that every function has.
pub const NEEDS: [&str; 3] = ["REWARD_QUEUE_URL", "MAIL_QUEUE_URL", "STATISTICS_QUEUE_URL"];

/// Process a batch of messages, one transaction per beneficiary. An unreadable body fails alone.
pub async fn batch(app: Arc<App>, event: SqsEvent) -> SqsBatchResponse {
    let (records, mut failures) = batch::read(event);
    let take =
        |records: Vec<ReceivedMessage>, fits: fn(&Message) -> bool| -> (Vec<ReceivedMessage>, Vec<ReceivedMessage>) {
            records.into_iter().partition(|record| fits(&record.envelope.message))
        };
    let (batches, records) = take(records, |message| matches!(message, Message::BatchStarted { .. }));
    let (erased, records) = take(records, |message| matches!(message, Message::UserErased { .. }));
    let (decided, records) = take(records, |message| matches!(message, Message::RiskCaseDecided { .. }));
    let (left, records) = take(records, |message| matches!(message, Message::SignalLeft { .. }));
    let (sales, rewards) = take(records, |message| {
        matches!(message, Message::AgencyOrderNetChanged { .. } | Message::GrantTermsTightened { .. })
    });
    // What is found holds what the same batch would grant.
    failures.extend(compare_later(&app, &edge::context(), &left).await);
    failures.extend(grant_rewards(&app, &edge::context(), &rewards).await);
    failures.extend(follow_decisions(&app, &edge::context(), &decided).await);
    failures.extend(settle_sales(&app, &edge::context(), &sales).await);
    failures.extend(fill_batches(&app, &batches).await);
    failures.extend(erase_traces(&app, &erased).await);
    batch::answer(failures)
}
