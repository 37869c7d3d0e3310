//! Polls the provider for an order's payment (R4.10), which makes up for a lost webhook.
//!
//! Pending orders are polled on a back-off schedule and always before they expire, and at once when the user reports "I have
//! paid". Cancelled orders are polled for the same time, since an open gateway page can still be paid. The result is ingested
//! as an event of its own, so a webhook that arrives later changes nothing.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::payment::expire::{counted, due, each};
use crate::payment::gateway::stripe::AskFailure;
use crate::payment::ingest::{PaymentEvent, ProviderEvent, settle};
use crate::payment::model::order::{Order, OrderStatus};
use kernel::fault::{Error, Fault};
use kernel::id::{OrderId, UserId};
use kernel::money::PayMoney;
use kernel::provider::Provider;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::item::Versioned;
use table::telemetry as metrics;
use table::tx::Tx;

/// Time beyond expiry for which an order waits for a provider that cannot be polled.
const UNASKED: SignedDuration = SignedDuration::from_hours(24);
/// Limit on a user's own verifications: attempts, and window in seconds.
const ASKED: (i64, i64) = (10, 60);

/// A capture found by polling.
struct Taken {
    payment_id: String,
    amount: PayMoney,
    at: Option<Timestamp>,
}

/// Polls an order's provider and ingests the result.
///
/// Returns false if the deployment has no credentials for the provider.
///
/// # Errors
/// A fault if the provider cannot be reached now, or the result cannot be stored.
pub async fn poll_provider(app: &App, ctx: &Ctx, order: &Order) -> Result<bool, Error> {
    let taken = match order.provider {
        Provider::Stripe => ask_stripe(app, order).await?,
        Provider::Zpay => ask_zpay(app, order).await?,
    };
    let Some(taken) = taken else { return Ok(false) };
    if let Some(taken) = taken {
        let raw = json!({
            "asked": order.id, "payment": taken.payment_id, "amount": taken.amount.to_string(), "taken_at": taken.at,
        });
        let notice = ProviderEvent {
            provider: order.provider,
            event_id: format!("asked:{}", taken.payment_id),
            kind: "asked".to_owned(),
            payment_id: Some(taken.payment_id),
            order: Some(order.id),
            fact: PaymentEvent::Captured { amount: taken.amount, at: taken.at },
            confirm: false,
            received_at: app.clock.now(),
            raw: raw.to_string(),
        };
        settle(app, ctx, &notice).await?;
    }
    Ok(true)
}

/// Polls an order's provider when a poll is due.
///
/// A failing poll keeps the order pending, for 24 hours at most; a payment found later is credited as late.
///
/// # Errors
/// As [`poll_provider`], until the order has waited long enough.
pub(crate) async fn poll_or_give_up(app: &App, ctx: &Ctx, order: &Order) -> Result<(), Error> {
    match poll_provider(app, ctx, order).await {
        Ok(_) => {}
        Err(error) if app.clock.now().duration_since(order.expires_at) < UNASKED => return Err(error),
        Err(error) => tracing::error!(%error, order = %order.id, "is not asked about any more"),
    }
    Ok(())
}

async fn ask_stripe(app: &App, order: &Order) -> Result<Option<Option<Taken>>, Fault> {
    let Some(stripe) = &app.providers.stripe else { return Ok(None) };
    let unavailable = |why: AskFailure| Fault::Unavailable { call: "stripe", why: why.to_string() };
    let Some(session) = &order.provider_ref else { return Ok(Some(None)) };
    let session = match stripe.retrieve(session).await {
        Ok(session) => session,
        Err(AskFailure::Unknown) => return Ok(Some(None)),
        Err(why) => return Err(unavailable(why)),
    };
    let Some(intent) = session.payment_intent.filter(|_| session.livemode == stripe.livemode()) else {
        return Ok(Some(None));
    };
    let intent = match stripe.payment_intent(&intent).await {
        Ok(intent) => intent,
        Err(AskFailure::Unknown) => return Ok(Some(None)),
        Err(why) => return Err(unavailable(why)),
    };
    let taken = Taken { payment_id: intent.id, amount: intent.received, at: Some(intent.taken_at) };
    Ok(Some(Some(taken).filter(|_| intent.succeeded)))
}

async fn ask_zpay(app: &App, order: &Order) -> Result<Option<Option<Taken>>, Fault> {
    let Some(zpay) = &app.providers.zpay else { return Ok(None) };
    let found = zpay.query(order.id).await;
    let found = found.map_err(|why| Fault::Unavailable { call: "zpay query", why: why.to_string() })?;
    let found = found.filter(|found| found.paid && found.order() == Some(order.id));
    Ok(Some(
        found.and_then(|found| Some(Taken { payment_id: found.trade_no, amount: found.money?, at: found.ended_at })),
    ))
}

/// Report of one run of the poll job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Polled {
    /// Orders polled.
    pub asked: u32,
    /// Orders whose payment was recovered by polling.
    pub healed: u32,
    /// Orders whose poll failed; the next run polls them again.
    pub failed: u32,
    /// Orders not reached within the run's time budget.
    pub left: u32,
}

/// Polls the orders whose next poll is due.
///
/// # Errors
/// A fault if the due orders can't be read.
pub async fn poll_payments(app: &App, ctx: &Ctx) -> Result<Polled, Fault> {
    let ticked = each(due(app, "order", OrderId::parse).await?, |id| poll(app, ctx, id)).await;
    let asked = || ticked.done.iter().flatten();
    let healed = counted(asked().filter(|paid| **paid));
    let done = Polled { asked: counted(asked()), healed, failed: ticked.failed, left: ticked.left };
    if done.healed > 0 {
        metrics::metric("PaymentsHealed", done.healed.into(), "Count", &[]);
    }
    Ok(done)
}

/// Polls one order if its poll is due; returns true if it is paid then.
///
/// The last poll of a pending order is [`expire_orders`]'s.
///
/// [`expire_orders`]: crate::payment::expire::expire_orders
async fn poll(app: &App, ctx: &Ctx, id: OrderId) -> Result<Option<bool>, Error> {
    let now = app.clock.now();
    let Some(order) = app.store.get::<Order>(&Order::key(id)).await? else { return Ok(None) };
    let expires = order.status == OrderStatus::Pending && order.expires_at <= now;
    if expires || order.next_look().is_none_or(|at| at > now) {
        return Ok(None);
    }
    poll_or_give_up(app, ctx, &order).await?;
    let done = app.execute(&ctx.unkeyed(), || look_counted(app, id, order.looks)).await?;
    Ok(Some(done.answer))
}

/// Counts the poll, unless another run counted it or the order needs no more polls.
async fn look_counted(app: &App, id: OrderId, looks: u32) -> Result<(bool, Tx), Error> {
    let order = app.store.get::<Order>(&Order::key(id)).await?;
    let order = order.ok_or_else(|| Fault::bug("an order that was there is not"))?;
    let mut tx = app.tx();
    if order.next_look().is_some() && order.looks == looks {
        let looks = looks.saturating_add(1);
        tx.replace(&order, &Order { looks, ..Order::clone(&order) });
    }
    Ok((order.status.is_captured(), tx))
}

/// Polls an order at once on its user's "I have paid", and returns its current state.
///
/// # Rejects
/// [`Refusal::NotFound`] for another user's order; [`Refusal::RateLimited`] after ten attempts in a minute.
pub async fn verify_own(app: &App, ctx: &Ctx, user: UserId, id: OrderId) -> Result<Order, Error> {
    let order = crate::payment::cancel_order::own(app, user, id).await?;
    if !order.status.is_captured() {
        let (now, asker) = (app.clock.now(), app.config.secret.hex("verifier", &[user.to_string().as_bytes()]));
        let asked = app.store.record_attempt("verify", &asker, now, ASKED.1).await?;
        if asked.count > ASKED.0 {
            return Err(asked.refused_by(format!("{} checks in a minute", ASKED.0), now).into());
        }
    }
    verify(app, ctx, order).await
}

/// Polls any order at once, for an admin, and returns its current state.
///
/// # Rejects
/// [`Refusal::NotFound`].
pub async fn verify_any(app: &App, ctx: &Ctx, id: OrderId) -> Result<Order, Error> {
    verify(app, ctx, app.store.get::<Order>(&Order::key(id)).await?.ok_or(Refusal::NotFound)?).await
}

async fn verify(app: &App, ctx: &Ctx, order: Versioned<Order>) -> Result<Order, Error> {
    if order.status.is_captured() {
        return Ok(order.into_inner());
    }
    poll_provider(app, ctx, &order).await?;
    let now = app.store.get::<Order>(&Order::key(order.id)).await?;
    Ok(now.ok_or_else(|| Fault::bug("an order that was there is not"))?.into_inner())
}
