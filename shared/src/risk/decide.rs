//! Decisions about held cases (R10.2): by an admin with a reason, or by time.
//!
//! The decision is one transaction. The reward worker brings rewards and commissions to where it says, each once.

use crate::app::App;
use crate::message::Message;
use crate::operations::audit_log::{by_admin, by_system};
use crate::referral::model::referral::{Reward, RewardState, Side, Trigger};
use crate::risk::model::case::{CaseDecision, CaseState, RiskCase};
use kernel::fault::Error;
use kernel::id::UserId;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Request to decide about a case.
#[derive(Debug, Clone)]
pub struct DecideCase {
    pub invitee: UserId,
    /// True to release what is held, false to reject it for good.
    pub release: bool,
    pub reason: String,
    /// `None` if time decides.
    pub admin: Option<UserId>,
}

/// Releases or rejects what is held for a case; later rewards and commissions of the referral follow the decision.
///
/// # Rejects
/// [`Refusal::NotFound`]; `not_held` for a case that holds nothing, or was decided.
pub async fn decide_case(app: &App, ctx: &Ctx, ask: &DecideCase) -> Result<Answered<RiskCase>, Error> {
    app.execute(ctx, || plan(app, ctx, ask)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &DecideCase) -> Result<(RiskCase, Tx), Error> {
    let case = app.store.get::<RiskCase>(&RiskCase::key(ask.invitee)).await?.ok_or(Refusal::NotFound)?;
    let (state, action) = match ask.release {
        true => (CaseState::Released, "risk.released"),
        false => (CaseState::Rejected, "risk.rejected"),
    };
    let decision = CaseDecision { admin: ask.admin, reason: ask.reason.clone(), at: app.clock.now() };
    let after = case.decided(state, decision).ok_or(Refusal::NotHeld)?;
    let mut tx = app.tx();
    tx.mark(|tx| tx.replace(&case, &after).or_retry());
    let audit = match ask.admin {
        Some(admin) => by_admin(app, ctx, admin, action, ask.invitee.to_string()),
        None => by_system(app, ctx, action, ask.invitee.to_string()),
    };
    tx.insert(&audit.change(case.state.as_str(), after.state.as_str()).because(ask.reason.clone()));
    let all = Trigger::ALL.into_iter().flat_map(|trigger| Side::ALL.map(|side| (trigger, side)));
    let keys: Vec<_> = all.map(|(trigger, side)| Reward::key(Reward::id_of(ask.invitee, trigger, side))).collect();
    for reward in app.store.read(keys).await?.into_iter().flatten() {
        if reward.state == RewardState::Held {
            tx.send(Message::RewardRetried { reward: reward.id, beneficiary: reward.beneficiary });
        }
    }
    tx.send(Message::RiskCaseDecided { invitee: ask.invitee, inviter: case.inviter });
    Ok((after, tx))
}
