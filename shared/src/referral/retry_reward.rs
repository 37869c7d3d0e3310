//! Retry of a failed or held reward (R3.7): it becomes pending and its message is sent again.

use crate::app::App;
use crate::message::Message;
use crate::operations::audit_log::by_admin;
use crate::referral::model::referral::{Reward, RewardState};
use kernel::fault::Error;
use kernel::id::{RewardId, UserId};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Request to retry a reward.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    pub reward: RewardId,
    pub admin: UserId,
}

/// Retries a reward.
///
/// The worker grants it, or holds it while its beneficiary is still blocked.
///
/// # Rejects
/// [`Refusal::NotFound`]; [`Refusal::RewardNotFailed`] for a reward that is pending, granted or reversed.
pub async fn retry_reward(app: &App, ctx: &Ctx, ask: &Retry) -> Result<Answered<Reward>, Error> {
    app.execute(ctx, || plan(app, ctx, ask)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &Retry) -> Result<(Reward, Tx), Error> {
    let reward = app.store.get::<Reward>(&Reward::key(ask.reward)).await?.ok_or(Refusal::NotFound)?;
    if !matches!(reward.state, RewardState::Failed | RewardState::Held) {
        return Err(Refusal::RewardNotFailed.into());
    }
    let after = Reward::clone(&reward).waiting(RewardState::Pending, None);
    let audit = by_admin(app, ctx, ask.admin, "reward.retried", reward.id.to_string());
    let mut tx = app.tx();
    tx.replace(&reward, &after);
    tx.insert(&audit.change(reward.state.as_str(), after.state.as_str()));
    tx.send(Message::RewardRetried { reward: reward.id, beneficiary: reward.beneficiary });
    let (reward, beneficiary) = (reward.id, reward.beneficiary);
    tx.send(Message::RewardSettled { reward, beneficiary, granted: false, failed: false });
    Ok((after, tx))
}
