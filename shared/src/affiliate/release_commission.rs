//! Release of a commission that exceeded the budget of the programme (R10.4): its hold time counts again.

use crate::account::model::identity::Status;
use crate::account::model::user::User;
use crate::affiliate::model::commission::{Commission, CommissionHold};
use crate::affiliate::release_holds::mature;
use crate::app::App;
use crate::message::Message;
use crate::operations::audit_log::by_admin;
use crate::operations::budget::spend;
use crate::operations::model::budget::{Budgeted, BudgetedProgramme};
use kernel::fault::{Error, Fault};
use kernel::id::{CommissionId, UserId};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Request to release a commission.
#[derive(Debug, Clone)]
pub struct ReleaseCommission {
    pub commission: CommissionId,
    pub reason: String,
    pub admin: UserId,
}

/// Releases a commission that is held for its budget: available if its hold time is over, else when that ends.
///
/// # Rejects
/// [`Refusal::NotFound`]; `not_held`; `budget_exceeded` while the current month's budget has no room for it.
pub async fn release_commission(app: &App, ctx: &Ctx, ask: &ReleaseCommission) -> Result<Answered<Commission>, Error> {
    let done = app.execute(ctx, || plan(app, ctx, ask)).await?;
    mature(app, ctx, done.answer.beneficiary).await?;
    Ok(done)
}

async fn plan(app: &App, ctx: &Ctx, ask: &ReleaseCommission) -> Result<(Commission, Tx), Error> {
    let before = app.store.get::<Commission>(&Commission::key(ask.commission)).await?.ok_or(Refusal::NotFound)?;
    if !before.over_budget || before.left().is_zero() {
        return Err(Refusal::NotHeld.into());
    }
    let user = app.store.get::<User>(&User::key(before.beneficiary)).await?;
    let user = user.ok_or_else(|| Fault::bug("a commission without its beneficiary"))?;
    let mut tx = app.tx();
    // All of it, as when it accrued: a part that was taken back may be reinstated.
    let budgeted =
        spend(app, BudgetedProgramme::Affiliate, &before.beneficiary.to_string(), before.amount, &mut tx).await?;
    if budgeted == Budgeted::Exceeded {
        return Err(Refusal::BudgetExceeded.into());
    }
    let withheld = user.status != Status::Active;
    let (over_budget, budget_month) = (false, budgeted.month());
    let after = Commission { over_budget, budget_month, withheld, ..Commission::clone(&before) };
    tx.mark(|tx| tx.replace(&before, &after).or_retry());
    let hold = CommissionHold {
        beneficiary: before.beneficiary,
        order: before.order,
        at: before.available_at,
        parked: withheld,
    };
    tx.insert(&hold);
    if withheld {
        // Conflict with a concurrent activation of the account, which releases the commissions it finds.
        tx.unchanged(&user).or_retry();
    }
    let audit = by_admin(app, ctx, ask.admin, "commission.released", before.id.to_string());
    tx.insert(&audit.change("held", before.left().to_string()).because(ask.reason.clone()));
    tx.send(Message::CommissionSettled { order: before.order, beneficiary: before.beneficiary, steps: Vec::new() });
    Ok((after, tx))
}
