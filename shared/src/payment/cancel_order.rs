//! Cancels an order (R4.4, R4.7). A payment that arrives afterwards is credited as late.

use crate::account::model::access::Bearer;
use crate::account::model::user::User;
use crate::app::App;
use crate::message::Message;
use crate::payment::gateway::stripe::{AskFailure, SessionStatus};
use crate::payment::keep_coupon::replace_order;
use crate::payment::model::order::{Order, OrderStatus};
use crate::payment::poll_provider::{note_under_way, poll_provider};
use kernel::fault::Error;
use kernel::id::{OrderId, UserId};
use kernel::provider::Provider;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::item::Versioned;
use table::telemetry as metrics;

/// Cancels a pending order of the caller. Cancelling again returns the same order.
///
/// # Rejects
/// `account_blocked`; `not_found` for another user's order; `order_not_pending` for an order that is paid, failed or expired;
/// `payment_under_way` while the provider is processing a payment.
pub async fn cancel_order(app: &App, by: &Bearer, order: OrderId) -> Result<Order, Error> {
    let before = first(app, by, order).await?;
    if before.status == OrderStatus::Pending {
        close(app, &before).await?;
    }
    let done = app
        .execute(&Ctx::system(), || async {
            let mut tx = app.tx();
            let order = own(app, by.user, order).await?;
            match order.status {
                OrderStatus::Cancelled => return Ok((order.into_inner(), tx)),
                OrderStatus::Pending => {}
                _ => return Err(Refusal::OrderNotPending.into()),
            }
            let cancelled = Order { status: OrderStatus::Cancelled, ..(*order).clone() };
            let cancelled = replace_order(app, &mut tx, &order, cancelled).await?;
            tx.send(Message::OrderClosed { order: cancelled.id });
            Ok((cancelled, tx))
        })
        .await?;
    if before.status == OrderStatus::Pending {
        metrics::metric("Orders", 1, "Count", &[("State", OrderStatus::Cancelled.as_str())]);
    }
    Ok(done.answer)
}

/// Reads the order of a user whose account is active.
async fn first(app: &App, by: &Bearer, order: OrderId) -> Result<Versioned<Order>, Error> {
    let (caller, order) = app.store.read((User::key(by.user), Order::key(order))).await?;
    caller.ok_or(Refusal::Unauthenticated)?.must_admit(by)?;
    Ok(order.filter(|order| order.user == by.user).ok_or(Refusal::NotFound)?)
}

/// Reads an order of `user`.
///
/// # Rejects
/// `not_found` for another user's order.
pub async fn own(app: &App, user: UserId, order: OrderId) -> Result<Versioned<Order>, Error> {
    let order = app.store.get::<Order>(&Order::key(order)).await?;
    Ok(order.filter(|order| order.user == user).ok_or(Refusal::NotFound)?)
}

/// Reads an order's provider before it is cancelled: closes its page, or refuses if it was paid there.
async fn close(app: &App, order: &Order) -> Result<(), Error> {
    if close_at_provider(app, order).await == Page::Submitted {
        let ctx = Ctx::system();
        let under_way = poll_provider(app, &ctx, order).await?;
        let order = note_under_way(app, &ctx, order.id, under_way).await?;
        return match order.is_processing() {
            true => Err(Refusal::PaymentUnderWay.into()),
            false if order.status.is_captured() => Err(Refusal::OrderNotPending.into()),
            false => Ok(()),
        };
    }
    Ok(())
}

/// State of an order's payment page after an attempt to close it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// Nobody can pay there any more, or the provider can't tell.
    Closed,
    /// The payer has paid, or paid by a method that takes days.
    Submitted,
}

/// Expires Stripe's session, so that nobody pays an order that has ended otherwise.
///
/// A gateway's page cannot be closed. An unreachable provider stops nobody: a late payment is credited, or reviewed, anyway.
pub(crate) async fn close_at_provider(app: &App, order: &Order) -> Page {
    let (Some(stripe), Some(session)) = (&app.providers.stripe, order.provider_ref.as_deref()) else {
        return Page::Closed;
    };
    if order.provider == Provider::Stripe
        && let Err(AskFailure::Refused(_)) = stripe.expire(session).await
        && let Ok(session) = stripe.retrieve(session).await
        && session.status == SessionStatus::Complete
    {
        return Page::Submitted;
    }
    Page::Closed
}
