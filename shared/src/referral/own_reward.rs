//! A new user's own registration reward, which is part of their sign-up (R2.2, R3.6).

use jiff::Timestamp;

use crate::account::credit_lots::SourceLot;
use crate::account::model::user::User;
use crate::app::App;
use crate::message::Message;
use crate::operations::budget::spend;
use crate::operations::model::budget::{Budgeted, BudgetedProgramme, HoldReason};
use crate::payment::credit_order::header;
use crate::referral::model::referral::{Referral, Reward, RewardState, Side, Trigger};
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::ledger::{LotKind, NewLine, Operator, PlatformAccount, PlatformLine, RecordType};
use table::context::Ctx;
use table::tx::Tx;

/// Returns the invitee's registration reward, not granted yet; `None` when its amount is 0.
///
/// # Rejects
/// Overflow.
pub fn own_reward(bound: &Referral, invitee: UserId, at: Timestamp) -> Result<Option<Reward>, Error> {
    let due = bound.rewards_due(invitee, Trigger::Registration, at)?;
    Ok(due.into_iter().find(|reward| reward.side == Side::Invitee))
}

/// Returns a new user's reward as granted, or as held because it would exceed the budget (R10.4).
///
/// # Errors
/// A fault when the database cannot be reached or amounts do not add up.
pub async fn within_budget(app: &App, reward: Reward, tx: &mut Tx) -> Result<Reward, Error> {
    let (by, at) = (reward.beneficiary.to_string(), reward.created_at);
    Ok(match spend(app, BudgetedProgramme::Referral, &by, reward.amount, tx).await? {
        Budgeted::Exceeded => reward.waiting(RewardState::Held, Some(HoldReason::Budget)),
        budgeted => Reward { budget_month: budgeted.month(), ..reward }.granted(at),
    })
}

/// Adds the writes of a new user's reward to `tx`, and puts it on the balance unless it is held; it expires at `expires_at`.
///
/// # Errors
/// A fault if amounts do not add up.
pub fn give(
    app: &App,
    ctx: &Ctx,
    (reward, expires_at): (&Reward, Option<Timestamp>),
    user: &mut User,
    tx: &mut Tx,
) -> Result<(), Fault> {
    let granted = reward.state == RewardState::Granted;
    if granted {
        let cause = format!("reward:{}", reward.id);
        let header = header(app, ctx, cause, Operator::System, "registration".to_owned(), reward.created_at);
        let movement = NewLine::new(RecordType::Referral, reward.amount, reward.id.to_string());
        let house = vec![PlatformLine::new(PlatformAccount::Rewards, reward.amount.negated())];
        let lot = SourceLot::first(LotKind::Reward, reward.id.to_string(), expires_at);
        let posted = lot.post(app, user, header, (&[movement], house), tx);
        let (accounts, posting) = posted.map_err(Fault::bug)?;
        user.accounts = accounts;
        tx.insert(&posting);
    }
    tx.insert(reward);
    tx.send(Message::RewardSettled { reward: reward.id, beneficiary: user.id, granted, failed: false });
    Ok(())
}
