//! Dead letters of the reward queue: their rewards become visibly `failed` (R3.7).
//!
//! A worker cannot tell its last delivery, so a job drains the dead-letter queue and marks the rewards failed. A letter is
//! deleted once the table shows its rewards as `failed`. From then on the table keeps the claim, for longer than any queue would,
//! and a retry sends a new message. A letter that can't be marked (an undecodable body or account) stays in the queue, where the
//! alarm shows it to an operator. A letter whose rewards were granted meanwhile is deleted.

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
use crate::risk::follow::follow_decision;
use kernel::fault::{Chain, Error, Fault};
use table::context::Ctx;

/// Limit of receives in one run, ten letters each.
const ROUNDS: usize = 20;

/// Result of draining the dead-letter queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DeadLetterReport {
    /// Letters whose rewards the table now shows.
    pub marked: u32,
    /// Letters that stay in the queue.
    pub kept: u32,
}

/// Marks the rewards of all dead letters failed.
///
/// Idempotent: a letter that is received again finds its rewards marked.
///
/// # Errors
/// The queue can't be reached.
pub async fn drain_dead_letters(app: &App, ctx: &Ctx) -> Result<DeadLetterReport, Fault> {
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
            match give_up(app, ctx, &envelope).await {
                Ok(()) => {
                    tracing::error!(message_id = envelope.id, "a reward's message was given up");
                    table::telemetry::count("RewardsFailed");
                    app.queues.forget_dead_reward(letter).await?;
                    swept.marked = swept.marked.saturating_add(1);
                }
                Err(fault) => {
                    tracing::error!(fault = %Chain(&fault), message_id = envelope.id, "a dead letter that can't be marked");
                    swept.kept = swept.kept.saturating_add(1);
                }
            }
        }
    }
    Ok(swept)
}

/// Marks the outcome of a dead letter failed.
///
/// Effects without such a state (a commission, a batch's codes, a sale, tightened grants, a decided case, an erasure) are carried
/// out now, or the letter stays.
async fn give_up(app: &App, ctx: &Ctx, envelope: &MessageEnvelope) -> Result<(), Error> {
    let told = Cause { id: &envelope.id, message: &envelope.message };
    match envelope.message {
        Message::BatchStarted { batch } => fill_batch(app, batch).await,
        Message::UserErased { user } => erase_traces_of(app, user).await,
        Message::AgencyOrderNetChanged { .. } | Message::GrantTermsTightened { .. } => follow(app, ctx, envelope).await,
        Message::OrderPaid { .. } | Message::OrderNetChanged { .. } | Message::PurchaseNetChanged { .. } => {
            let earned = earn(app, &told).await;
            settle(app, ctx, &[told], Target::Fail).await?;
            earned
        }
        Message::SecondLevelDue { .. } => earn(app, &told).await,
        Message::RiskCaseDecided { invitee, .. } => follow_decision(app, ctx, invitee).await,
        Message::UserRegistered { .. }
        | Message::InviterNamed { .. }
        | Message::ReferralImported { .. }
        | Message::ChargeCounted { .. }
        | Message::RewardRetried { .. } => Ok(settle(app, ctx, &[told], Target::Fail).await?),
        _ => Err(Fault::bug("not a message of the reward queue").into()),
    }
}
