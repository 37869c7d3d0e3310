//! Cancels an order (R4.4, R4.7). A payment that arrives afterwards is credited as late.

use crate::account::model::access::Bearer;
use crate::account::model::user::User;
use crate::app::App;
use crate::message::Message;
use crate::payment::gateway::stripe::{AskFailure, SessionStatus};
use crate::payment::model::order::{Order, OrderStatus};
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
/// `account_blocked`; `not_found` for another user's order; `order_not_pending` for an order that is paid, failed or expired.
pub async fn cancel_order(app: &App, by: &Bearer, order: OrderId) -> Result<Order, Error> {
    let before = first(app, by, order).await?;
    if before.status == OrderStatus::Pending {
        close_at_provider(app, &before).await?;
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
            tx.replace(&order, &cancelled);
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

/// Expires Stripe's session first, so that nobody pays a cancelled order.
///
/// An order that is already paid is not cancelled. An unreachable provider does not stop the user: a late payment is credited
/// anyway.
async fn close_at_provider(app: &App, order: &Order) -> Result<(), Refusal> {
    let (Some(stripe), Some(session)) = (&app.providers.stripe, order.provider_ref.as_deref()) else { return Ok(()) };
    if order.provider != Provider::Stripe {
        return Ok(());
    }
    if let Err(AskFailure::Refused(_)) = stripe.expire(session).await
        && let Ok(session) = stripe.retrieve(session).await
        && session.status == SessionStatus::Complete
    {
        return Err(Refusal::OrderNotPending);
    }
    Ok(())
}
