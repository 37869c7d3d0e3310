//! Release of a bonus that exceeded the budget of the promotion (R10.4): the part that the order's net leaves is credited.

use crate::account::credit_lots::SourceLot;
use crate::account::model::user::User;
use crate::app::App;
use crate::message::Message;
use crate::operations::audit_log::by_admin;
use crate::operations::budget::spend;
use crate::operations::model::budget::{Budgeted, BudgetedProgramme};
use crate::payment::credit_order::header;
use crate::payment::model::order::Order;
use crate::payment::model::payment::target;
use kernel::fault::{Error, Fault};
use kernel::id::{OrderId, UserId};
use kernel::ledger::{LotKind, NewLine, Operator, PlatformAccount, PlatformLine, RecordType};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Request to release an order's bonus.
#[derive(Debug, Clone)]
pub struct ReleaseBonus {
    pub order: OrderId,
    pub reason: String,
    pub admin: UserId,
}

/// Credits a held bonus.
///
/// # Rejects
/// [`Refusal::NotFound`]; `not_held`; `budget_exceeded` while the current month's budget has no room for it.
pub async fn release_bonus(app: &App, ctx: &Ctx, ask: &ReleaseBonus) -> Result<Answered<Order>, Error> {
    app.execute(ctx, || plan(app, ctx, ask)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &ReleaseBonus) -> Result<(Order, Tx), Error> {
    let order = app.store.get::<Order>(&Order::key(ask.order)).await?.ok_or(Refusal::NotFound)?;
    let Some(bonus) = order.bonus.filter(|_| order.bonus_held) else { return Err(Refusal::NotHeld.into()) };
    let user = app.store.get::<User>(&User::key(order.user)).await?;
    let user = user.ok_or_else(|| Fault::bug("an order without its user"))?;
    let mut tx = app.tx();
    let budgeted = spend(app, BudgetedProgramme::Promotion, &order.user.to_string(), bonus, &mut tx).await?;
    if budgeted == Budgeted::Exceeded {
        return Err(Refusal::BudgetExceeded.into());
    }
    let after = Order { bonus_held: false, bonus_budget_month: budgeted.month(), ..Order::clone(&order) };
    tx.mark(|tx| tx.replace(&order, &after).or_retry());
    let audit = by_admin(app, ctx, ask.admin, "bonus.released", order.id.to_string());
    let due = target(bonus, order.net(), order.charge)?;
    if due.is_positive() {
        let cause = format!("bonus:{}", order.id);
        let header = header(app, ctx, cause, Operator::Admin, audit.actor.clone(), app.clock.now());
        let line = NewLine::new(RecordType::Promotion, due, order.id.to_string());
        let house = vec![PlatformLine::new(PlatformAccount::Promotion, due.negated())];
        let lot = SourceLot::read(app, &user, LotKind::Bonus, order.id.to_string(), header.at).await?;
        let posted = lot.post(app, &user, header, (&[line], house), &mut tx);
        let (accounts, posting) = posted.map_err(Fault::bug)?;
        tx.replace(&user, &User { accounts, ..User::clone(&user) });
        tx.insert(&posting);
    }
    tx.insert(&audit.change("held", due.to_string()).because(ask.reason.clone()));
    let inviter = user.attribution.as_ref().and_then(|bond| bond.inviter_of(&order));
    let (refunded, reinstated) = (false, false);
    tx.send(Message::OrderNetChanged { order: order.id, user: order.user, inviter, refunded, reinstated });
    Ok((after, tx))
}
