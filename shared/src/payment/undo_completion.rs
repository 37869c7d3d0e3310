//! Undoes the completion of an order by hand, for one made by mistake (R4.12).
//!
//! Credit and bonus are taken back by a journal that corrects the completion's; what was spent becomes debt. Commission and
//! reward follow the order's net. The order ends as refunded: a payment that still arrives is a surplus.

use serde::{Deserialize, Serialize};

use crate::account::model::user::User;
use crate::app::App;
use crate::operations::audit_log::by_admin;
use crate::payment::credit_order::{by_hand, header};
use crate::payment::model::order::Order;
use crate::payment::model::reversal::Reversal;
use crate::payment::reverse::{next, take_back, tell};
use kernel::fault::{Error, Fault};
use kernel::id::{OrderId, UserId};
use kernel::ledger::{JournalRef, Operator};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Command to undo the completion of an order by hand.
#[derive(Debug, Clone)]
pub struct UndoCompletion {
    pub order: OrderId,
    pub reason: String,
    pub admin: UserId,
}

/// Answer to an undone completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoneCompletion {
    /// The order; read it for its current state.
    pub order: OrderId,
}

/// Undoes a completion by hand, once, while no payment of the provider confirms it.
///
/// # Rejects
/// `not_found`; `not_completed_by_hand`.
pub async fn undo_completion(app: &App, ctx: &Ctx, ask: &UndoCompletion) -> Result<Answered<UndoneCompletion>, Error> {
    app.execute(ctx, || plan(app, ctx, ask)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &UndoCompletion) -> Result<(UndoneCompletion, Tx), Error> {
    let order = app.store.get::<Order>(&Order::key(ask.order)).await?.ok_or(Refusal::NotFound)?;
    let completed = order.completed.ok_or(Refusal::NotCompletedByHand)?;
    let reversal = Reversal::of_completion(&order)?.ok_or(Refusal::NotCompletedByHand)?;
    let user = app.store.get::<User>(&User::key(order.user)).await?;
    let user = user.ok_or_else(|| Fault::bug("an order without its user"))?;
    let (now, actor) = (app.clock.now(), format!("admin:{}", ask.admin));
    let first = header(app, ctx, by_hand(order.id), Operator::Admin, actor, now);
    let header = next(first, Some(JournalRef { id: completed, step: 0 }));
    let mut tx = app.tx();
    take_back(app, (&order, &user), &reversal, header, &mut tx).await?;
    tx.replace(&order, &Order { completed: None, ..order.reversed(&reversal) });
    tell(&order, &user, &reversal, &mut tx);
    let record = by_admin(app, ctx, ask.admin, "order.completion_undone", order.id.to_string());
    tx.insert(&record.change(order.status.as_str(), reversal.status.as_str()).because(&ask.reason));
    Ok((UndoneCompletion { order: order.id }, tx))
}
