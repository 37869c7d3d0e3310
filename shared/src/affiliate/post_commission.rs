//! Commission that an admin posts by hand, above or below zero (R6.8).
//!
//! It is held like any other, it counts in the month's budget, and it is released and reversed by the same acts. What is below zero takes
//! effect at once; what is not available becomes debt.

use rust_decimal::Decimal;

use crate::account::model::identity::Status;
use crate::account::model::user::User;
use crate::affiliate::accrual::AccrualState;
use crate::affiliate::model::commission::{Commission, CommissionAccount, NewPosting, PostedCommission};
use crate::affiliate::model::purchase::Purchase;
use crate::affiliate::model::settings::AffiliateSettings;
use crate::app::App;
use crate::operations::audit_log::by_admin;
use crate::operations::budget::spend;
use crate::operations::model::budget::{Budgeted, BudgetedProgramme};
use crate::payment::model::order::Order;
use kernel::fault::{Error, Fault};
use kernel::id::{JournalId, OrderId, UserId};
use kernel::ledger::{JournalOrigin, Operator};
use kernel::money::LedgerMoney;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Request to post a commission.
#[derive(Debug, Clone)]
pub struct PostCommission {
    pub user: UserId,
    /// Signed amount in ledger currency; never zero.
    pub amount: Decimal,
    /// Reason, which the user reads, too.
    pub reason: String,
    /// Order or purchase that it is about.
    pub order: Option<OrderId>,
    pub admin: UserId,
}

/// Posts a commission.
///
/// # Rejects
/// 422 for an unknown user or order; [`Refusal::AccountErased`]; 422 for an amount that the ledger cannot have.
pub async fn post_commission(app: &App, ctx: &Ctx, ask: &PostCommission) -> Result<Answered<Commission>, Error> {
    let id = OrderId::new(app.ulid());
    app.execute(ctx, || plan(app, ctx, ask, id)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &PostCommission, id: OrderId) -> Result<(Commission, Tx), Error> {
    let about = (ask.order.map(Order::key), ask.order.map(Purchase::key));
    let (user, account, about) = app.store.read((User::key(ask.user), CommissionAccount::key(ask.user), about)).await?;
    let unknown = || Refusal::field("/user_id", "unknown", "There is no such user.");
    let user = user.ok_or_else(unknown)?;
    if user.status == Status::Erased {
        return Err(Refusal::AccountErased.into());
    }
    let (order, purchase) = about;
    let payer = order.map(|order| order.user);
    let payer = payer.or_else(|| Some(purchase?.bought.as_ref()?.user));
    if ask.order.is_some() && payer.is_none() {
        return Err(Refusal::field("/order_id", "unknown", "An order, or a purchase that was reported.").into());
    }
    let out_of_range = |_| Refusal::field("/amount", "out_of_range", "an amount that the ledger can have");
    let amount = LedgerMoney::exact(ask.amount, user.accounts.balance().currency()).map_err(out_of_range)?;
    let mut tx = app.tx();
    let budgeted = match amount.is_positive() {
        true => spend(app, BudgetedProgramme::Affiliate, &user.id.to_string(), amount, &mut tx).await?,
        false => Budgeted::Unlimited,
    };
    let new = NewPosting {
        id,
        beneficiary: user.id,
        status: user.status,
        invitee: payer.unwrap_or(user.id),
        amount,
        hold_hours: app.settings::<AffiliateSettings>().await?.settings.hold_hours,
        budgeted,
        posted: PostedCommission { reason: ask.reason.clone(), admin: ask.admin, order: ask.order },
    };
    let audit = by_admin(app, ctx, ask.admin, "commission.posted", Commission::id_of(id).to_string());
    let by = JournalOrigin {
        operator: Operator::Admin,
        actor: audit.actor.clone(),
        request_id: ctx.request_id.clone(),
        at: app.clock.now(),
    };
    let mut state = AccrualState::default();
    if let Some(account) = account {
        state.now.accounts.insert(user.id, *account);
        state.accounts.insert(user.id, account);
    }
    let posted = state.now.post_by_hand(new, &by, JournalId::new(app.ulid())).map_err(Fault::bug)?;
    state.write(&mut tx);
    // Conflict with a concurrent block, activation or erasure of the account.
    tx.unchanged(&user).or_retry();
    tx.insert(&audit.change(user.id.to_string(), amount.to_string()).because(ask.reason.clone()));
    Ok((posted, tx))
}
