//! Completes an order by hand (R4.12): an admin confirms that the money arrived.
//!
//! It runs the paid transaction once and counts as an online payment. The provider's later event only fills in the payment id.
//! The order's payment page is closed first; money that is taken there all the same is a surplus.

use serde::{Deserialize, Serialize};

use crate::account::model::user::User;
use crate::app::App;
use crate::operations::audit_log::by_admin;
use crate::payment::cancel_order::{Page, close_at_provider};
use crate::payment::credit_order::CreditOrder;
use crate::payment::model::order::Order;
use crate::payment::model::payment::{CaptureOutcome, Payment, decide};
use crate::payment::model::review::Review;
use crate::payment::poll_provider::{note_under_way, poll_provider};
use kernel::fault::{Error, Fault};
use kernel::id::{OrderId, UserId};
use kernel::ledger::Operator;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Command to complete an order by hand.
#[derive(Debug, Clone)]
pub struct Complete {
    pub order: OrderId,
    /// The provider's payment id, if known.
    pub payment_id: Option<String>,
    pub reason: String,
    pub admin: UserId,
}

/// Answer to a completed order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completed {
    /// The order; read it for its current state.
    pub order: OrderId,
}

/// Completes an order for which no provider event arrived.
///
/// # Rejects
/// `payment_differs`; `not_found`; `order_already_paid`, also if the provider says so now; 422 if the given payment belongs to
/// another order.
pub async fn complete_order(app: &App, ctx: &Ctx, ask: &Complete) -> Result<Answered<Completed>, Error> {
    close(app, ctx, ask.order).await?;
    app.execute(ctx, || plan(app, ctx, ask)).await
}

/// Closes the order's payment page; a payment that was made there is credited as itself (R4.12).
async fn close(app: &App, ctx: &Ctx, order: OrderId) -> Result<(), Error> {
    let Some(order) = app.store.get::<Order>(&Order::key(order)).await? else { return Ok(()) };
    if !order.status.is_captured() && close_at_provider(app, &order).await == Page::Submitted {
        let under_way = poll_provider(app, ctx, &order).await?;
        note_under_way(app, ctx, order.id, under_way).await?;
    }
    Ok(())
}

async fn plan(app: &App, ctx: &Ctx, ask: &Complete) -> Result<(Completed, Tx), Error> {
    let now = app.clock.now();
    let order = app.store.get::<Order>(&Order::key(ask.order)).await?.ok_or(Refusal::NotFound)?;
    if order.status.is_captured() {
        return Err(Refusal::OrderAlreadyPaid.into());
    }
    let payment = Payment::key(order.provider, ask.payment_id.as_deref().unwrap_or_default());
    let (user, known) = app.store.read((User::key(order.user), payment)).await?;
    let user = user.ok_or_else(|| Fault::bug("an order without its user"))?;
    let named = ask.payment_id.clone().unwrap_or_default();
    let mut payment = known.as_deref().cloned().unwrap_or_else(|| Payment::new(order.provider, named));
    // What the provider took is never overwritten by a person's word (F7).
    let told = payment.captured.map(|capture| capture.amount);
    if told.is_some_and(|told| told != order.charge) {
        return Err(Refusal::PaymentDiffers.into());
    }
    payment.record_capture(order.charge, Some(now));
    let promotion = user.promotion.as_ref();
    let CaptureOutcome::Credit(credited) = decide(Some(&order), &payment, promotion, now)? else {
        return Err(Refusal::field("/provider_payment_id", "other_order", "This payment can't pay this order.").into());
    };
    let review = match payment.review {
        Some(review) => app.store.get(&Review::key(review)).await?,
        None => None,
    };
    // A payment that the provider has not told of is only claimed: a mistyped id binds nothing.
    let claimed = ask.payment_id.clone().filter(|_| told.is_none());
    let named = Order { claimed, ..Order::clone(&order) };
    let mut tx = app.tx();
    let capture = CreditOrder {
        order: &named,
        known: Some(&order),
        user: &user,
        payment: told.map(|_| (known.as_ref(), payment)),
        review: review.as_ref(),
        credited: &credited,
        operator: Operator::Admin,
        actor: format!("admin:{}", ask.admin),
        now,
    };
    capture.write(app, ctx, &mut tx).await?;
    let audit = by_admin(app, ctx, ask.admin, "order.completed", order.id.to_string());
    tx.insert(&audit.change(order.status.as_str(), "paid").because(ask.reason.clone()));
    Ok((Completed { order: order.id }, tx))
}
