//! Failed rewards become visible (R3.7): what the reward queue gave up on is a state of the reward, not only a dead letter.
//!
//! On a message's last delivery the worker can't know that it is the last, so a sweep looks at the dead-letter queue. A letter is
//! taken off it once the table shows its rewards as `failed`: from then on the table keeps what is owed, for longer than any
//! queue would, and a retry sends a fresh message. What can't be marked (a body that can't be read, an account that does not
//! decode) stays in the queue, where the alarm and an operator see it. A letter whose rewards were granted meanwhile is done.

use serde::Serialize;

use crate::account::erase::erase_traces_of;
use crate::affiliate::accrual::earn;
use crate::agency::settle::follow;
use crate::app::App;
use crate::message::Message;
use crate::message::MessageEnvelope;
use crate::redemption::create_batch::fill_batch;
use crate::referral::grant_rewards::{Cause, settle};
use crate::referral::model::reconcile::Target;
use kernel::fault::{Error, Fault};

/// Most batches of ten in one sweep.
const ROUNDS: usize = 20;

/// What a sweep of the dead-letter queue came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DeadLetterReport {
    /// Letters whose rewards are visible in the table now.
    pub marked: u32,
    /// Letters that stay in the queue.
    pub kept: u32,
}

/// Marks the rewards of all dead letters as failed. Twice is once: a letter that is seen again finds its rewards there.
///
/// # Errors
/// The queue can't be reached.
pub async fn drain_dead_letters(app: &App) -> Result<DeadLetterReport, Fault> {
    let mut swept = DeadLetterReport::default();
    for _ in 0..ROUNDS {
        let letters = app.queues.dead_rewards().await?;
        if letters.is_empty() {
            break;
        }
        for letter in &letters {
            let Some(envelope) = MessageEnvelope::read(&letter.body) else {
                tracing::error!(letter = letter.id, "a dead letter that can't be read");
                swept.kept = swept.kept.saturating_add(1);
                continue;
            };
            match give_up(app, &envelope).await {
                Ok(()) => {
                    tracing::error!(message = envelope.id, "a reward's message was given up");
                    table::telemetry::count("RewardsFailed");
                    app.queues.forget_dead_reward(letter).await?;
                    swept.marked = swept.marked.saturating_add(1);
                }
                Err(fault) => {
                    tracing::error!(%fault, message = envelope.id, "a dead letter that can't be marked");
                    swept.kept = swept.kept.saturating_add(1);
                }
            }
        }
    }
    Ok(swept)
}

/// What a dead letter was to make becomes visible as failed; what has no such state (a commission, the codes of a batch, a sale, a
/// lowered bound) is made after all, or the letter stays.
async fn give_up(app: &App, envelope: &MessageEnvelope) -> Result<(), Error> {
    let told = Cause { id: &envelope.id, message: &envelope.message };
    match envelope.message {
        Message::BatchStarted { batch } => fill_batch(app, batch).await,
        Message::UserErased { user } => erase_traces_of(app, user).await,
        Message::AgencyOrderNetChanged { .. } | Message::GrantTermsTightened { .. } => follow(app, envelope).await,
        Message::OrderPaid { .. } | Message::OrderNetChanged { .. } | Message::PurchaseNetChanged { .. } => {
            let earned = earn(app, &told).await;
            settle(app, &[told], Target::Fail).await?;
            earned
        }
        Message::UserRegistered { .. } | Message::RewardRetried { .. } => Ok(settle(app, &[told], Target::Fail).await?),
        _ => Err(Fault::bug("not a message of the reward queue").into()),
    }
}
