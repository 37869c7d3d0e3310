//! Release of a commission that exceeded the budget of the programme (R10.4), or was held for a case (R10.2): its hold time counts
//! again.

use crate::account::model::identity::Status;
use crate::account::model::user::User;
use crate::affiliate::model::commission::{Commission, CommissionHold};
use crate::affiliate::release_holds::mature;
use crate::app::App;
use crate::message::Message;
use crate::operations::audit_log::{by_admin, by_system};
use crate::operations::budget::spend;
use crate::operations::model::audit_record::AuditRecord;
use crate::operations::model::budget::{Budgeted, BudgetedProgramme};
use crate::risk::model::case::HeldCommission;
use kernel::fault::{Error, Fault};
use kernel::id::{CommissionId, UserId};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::tx::Tx;

/// Request to release a commission.
#[derive(Debug, Clone)]
pub struct ReleaseCommission {
    pub commission: CommissionId,
    pub reason: String,
    pub admin: UserId,
}

/// Releases a commission that is held for its budget or a case: available if its hold time is over, else when that ends.
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
    if !before.is_under_review() || before.left().is_zero() {
        return Err(Refusal::NotHeld.into());
    }
    let mut tx = app.tx();
    // All of it, as when it accrued: a part that was taken back may be reinstated.
    let budgeted = from_budget(app, &before, &mut tx).await?;
    if budgeted == Budgeted::Exceeded {
        return Err(Refusal::BudgetExceeded.into());
    }
    let audit = by_admin(app, ctx, ask.admin, "commission.released", before.id.to_string()).because(ask.reason.clone());
    Ok((release(app, &before, budgeted, audit, &mut tx).await?, tx))
}

/// Takes a commission from the current month's budget, unless it has been taken from one.
async fn from_budget(app: &App, of: &Commission, tx: &mut Tx) -> Result<Budgeted, Error> {
    if let Some(month) = of.budget_month {
        return Ok(Budgeted::Taken(month));
    }
    spend(app, BudgetedProgramme::Affiliate, &of.beneficiary.to_string(), of.amount, tx).await
}

/// Releases a commission whose case was decided; above the budget it is held for that instead.
///
/// Returns the beneficiary, if it was released. What matures is the caller's to write.
///
/// # Errors
/// A fault; nothing is written then.
pub(crate) async fn release_held(app: &App, ctx: &Ctx, held: &HeldCommission) -> Result<Option<UserId>, Error> {
    Ok(app.execute(&ctx.unkeyed(), || plan_held(app, ctx, held)).await?.answer)
}

async fn plan_held(app: &App, ctx: &Ctx, held: &HeldCommission) -> Result<(Option<UserId>, Tx), Error> {
    let mut tx = app.tx();
    let key = Commission::key(Commission::id_of(held.order));
    let found = app.store.get::<Commission>(&key).await?;
    let Some(before) = found.filter(|found| found.under_review && found.denied.is_none()) else {
        return Ok((None, tx));
    };
    let budgeted = from_budget(app, &before, &mut tx).await?;
    let audit = by_system(app, ctx, "commission.released", before.id.to_string());
    let after = release(app, &before, budgeted, audit, &mut tx).await?;
    Ok((Some(after.beneficiary), tx))
}

/// Adds the writes of a release; the caller has taken it from the budget.
async fn release(
    app: &App,
    before: &Versioned<Commission>,
    budgeted: Budgeted,
    audit: AuditRecord,
    tx: &mut Tx,
) -> Result<Commission, Error> {
    let keys = (User::key(before.beneficiary), HeldCommission::key(before.invitee, before.order));
    let (user, held) = app.store.read(keys).await?;
    let user = user.ok_or_else(|| Fault::bug("a commission without its beneficiary"))?;
    let over_budget = budgeted == Budgeted::Exceeded;
    let withheld = user.status != Status::Active && !over_budget;
    let budget_month = budgeted.month();
    let reviewed = before.under_review || before.reviewed;
    let after =
        Commission { over_budget, under_review: false, reviewed, budget_month, withheld, ..Commission::clone(before) };
    tx.mark(|tx| tx.replace(before, &after).or_retry());
    if let Some(held) = held.filter(|_| before.under_review) {
        tx.remove(&held);
    }
    if !over_budget {
        tx.insert(&CommissionHold {
            beneficiary: before.beneficiary,
            order: before.order,
            at: before.available_at,
            parked: withheld,
        });
    }
    if withheld {
        // Conflict with a concurrent activation of the account, which releases the commissions it finds.
        tx.unchanged(&user).or_retry();
    }
    tx.insert(&audit.change("held", before.left().to_string()));
    tx.send(Message::CommissionSettled { order: before.order, beneficiary: before.beneficiary, steps: Vec::new() });
    Ok(after)
}
