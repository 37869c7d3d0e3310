//! Asking the provider whether an order was paid (R4.10): what a lost webhook would have told.
//!
//! Pending orders are asked about on a back-off schedule and always before they expire, and at once when the user says "I have
//! paid". One that its user gave up is asked about as long: a gateway's page that is open can still be paid. What the provider
//! says is settled as an event of its own, so a webhook that comes all the same finds it done.

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

/// How long an order whose provider can't be asked waits beyond its end.
const UNASKED: SignedDuration = SignedDuration::from_hours(24);
/// How often a user may ask in how many seconds.
const ASKED: (i64, i64) = (10, 60);

/// Money that the provider has taken.
struct Taken {
    payment_id: String,
    amount: PayMoney,
    at: Option<Timestamp>,
}

/// Asks an order's provider and settles what it says. Answers whether it could be asked: not of a provider that the deployment
/// has no secret of.
///
/// # Errors
/// A fault when the provider can't be asked now, or what it said not be stored.
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

/// Asks an order's provider when its time has come. One that can't be asked keeps its order waiting, though not for ever: later,
/// whatever it says is a late payment.
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

/// What a tick did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Polled {
    /// Orders whose provider was asked.
    pub asked: u32,
    /// Orders whose payment that brought to light.
    pub healed: u32,
    /// Orders whose provider could not be asked; the next tick asks again.
    pub failed: u32,
    /// Orders that there was no time for.
    pub left: u32,
}

/// Asks about the orders whose next time has come.
///
/// # Errors
/// When what is due can't be read.
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

/// Asks about one order, if its time has come; answers whether it is paid now. A pending order's last time is [`expire_orders`]'.
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
    let done = app.execute(ctx, || look_counted(app, id, order.looks)).await?;
    Ok(Some(done.answer))
}

/// The next time is later, unless somebody else has looked or the order has moved on.
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

/// "I have paid": asks about an order of `user` at once and answers it as it stands then.
///
/// # Refuses
/// [`Refusal::NotFound`] for somebody else's; [`Refusal::RateLimited`] after ten times in a minute.
pub async fn verify_own(app: &App, ctx: &Ctx, user: UserId, id: OrderId) -> Result<Order, Error> {
    let order = crate::payment::cancel_order::own(app, user, id).await?;
    if !order.status.is_captured() {
        let (now, asker) = (app.clock.now(), app.config.secret.hex("verifier", &[user.to_string().as_bytes()]));
        let asked = app.store.record_attempt("verify", &asker, now, ASKED.1).await?;
        if asked.count > ASKED.0 {
            return Err(asked.refused(now).into());
        }
    }
    verify(app, ctx, order).await
}

/// The same for an admin, of anybody's order.
///
/// # Refuses
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
