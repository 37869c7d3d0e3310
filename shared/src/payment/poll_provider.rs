//! Polls the provider for an order's payment (R4.10), which makes up for a lost webhook.
//!
//! Pending orders are polled on a back-off schedule and always before they expire, and at once when the user reports "I have
//! paid". An order that ended is polled once more after its end, and on for two weeks while its payment page is open or the
//! provider is processing a payment. The result is ingested as an event of its own, so a webhook that arrives later changes
//! nothing.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::payment::expire::{counted, due, each};
use crate::payment::gateway::stripe::{AskFailure, SessionStatus};
use crate::payment::ingest::{PaymentEvent, ProviderEvent, settle};
use crate::payment::keep_coupon::replace_order;
use crate::payment::model::order::{Order, OrderStatus, UnderWay};
use crate::payment::returns::read_returns;
use crate::payment::table::{ENDED, OPEN};
use kernel::fault::{Chain, Error, Fault};
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

/// The provider's answer about an order.
enum Answer {
    /// The deployment has no credentials for the provider.
    Unasked,
    /// The money was taken.
    Taken(Taken),
    /// A payment can still come.
    UnderWay(UnderWay),
    /// A payment of this id failed for good.
    Failed(String),
    /// There is no payment, and none will come.
    Nothing,
}

/// Polls an order's provider, ingests the result, and returns how a payment stands that can still come.
///
/// # Errors
/// A fault if the provider cannot be reached now, or the result cannot be stored.
pub async fn poll_provider(app: &App, ctx: &Ctx, order: &Order) -> Result<Option<UnderWay>, Error> {
    let answer = match order.provider {
        Provider::Stripe => ask_stripe(app, order).await?,
        Provider::Zpay => ask_zpay(app, order).await?,
    };
    let (event_id, payment_id, fact, raw) = match answer {
        Answer::UnderWay(under_way) => return Ok(Some(under_way)),
        Answer::Taken(taken) => {
            let raw = json!({
                "asked": order.id, "payment": taken.payment_id, "amount": taken.amount.to_string(), "taken_at": taken.at,
            });
            let fact = PaymentEvent::Captured { amount: taken.amount, at: taken.at };
            (format!("asked:{}", taken.payment_id), taken.payment_id, fact, raw)
        }
        Answer::Failed(payment) if order.status == OrderStatus::Pending => {
            let raw = json!({"asked": order.id, "payment": payment, "failed": true});
            (format!("asked:{payment}:failed"), payment, PaymentEvent::NotPaid(OrderStatus::Failed), raw)
        }
        Answer::Unasked | Answer::Failed(_) | Answer::Nothing => return Ok(None),
    };
    let notice = ProviderEvent {
        provider: order.provider,
        event_id,
        kind: "asked".to_owned(),
        payment_id: Some(payment_id),
        order: Some(order.id),
        fact,
        confirm: false,
        received_at: app.clock.now(),
        raw: raw.to_string(),
    };
    settle(app, ctx, &notice).await?;
    Ok(None)
}

/// Polls an order's provider when a poll is due.
///
/// A failing poll is repeated, for 24 hours after expiry at most. From then on the order counts as payable, so that it is
/// polled on the schedule of payments that can still come; one that is found is credited as late.
///
/// # Errors
/// As [`poll_provider`], until the order has waited long enough.
pub(crate) async fn poll_or_give_up(app: &App, ctx: &Ctx, order: &Order) -> Result<Option<UnderWay>, Error> {
    match poll_provider(app, ctx, order).await {
        Ok(under_way) => Ok(under_way),
        Err(error) if app.clock.now().duration_since(order.expires_at) < UNASKED => Err(error),
        Err(error) => {
            tracing::error!(error = %Chain(&error), order = %order.id, "could not be asked about");
            Ok(Some(order.under_way.unwrap_or(UnderWay::Open)))
        }
    }
}

async fn ask_stripe(app: &App, order: &Order) -> Result<Answer, Fault> {
    let Some(stripe) = &app.providers.stripe else { return Ok(Answer::Unasked) };
    let unavailable = |why: AskFailure| Fault::unavailable("stripe", why);
    let Some(session) = &order.provider_ref else { return Ok(Answer::Nothing) };
    let session = match stripe.retrieve(session).await {
        Ok(session) if session.livemode == stripe.livemode() => session,
        Ok(_) | Err(AskFailure::Unknown) => return Ok(Answer::Nothing),
        Err(why) => return Err(unavailable(why)),
    };
    let open = matches!(session.status, SessionStatus::Open | SessionStatus::Other(_));
    let none = if open { Answer::UnderWay(UnderWay::Open) } else { Answer::Nothing };
    let Some(intent) = session.payment_intent else { return Ok(none) };
    let intent = match stripe.payment_intent(&intent).await {
        Ok(intent) => intent,
        Err(AskFailure::Unknown) => return Ok(none),
        Err(why) => return Err(unavailable(why)),
    };
    Ok(if intent.succeeded {
        Answer::Taken(Taken { payment_id: intent.id, amount: intent.received, at: Some(intent.taken_at) })
    } else if intent.processing {
        Answer::UnderWay(UnderWay::Processing)
    } else if session.status == SessionStatus::Complete {
        Answer::Failed(intent.id)
    } else {
        none
    })
}

async fn ask_zpay(app: &App, order: &Order) -> Result<Answer, Fault> {
    let Some(zpay) = &app.providers.zpay else { return Ok(Answer::Unasked) };
    let found = zpay.query(order.id).await;
    let found = found.map_err(|why| Fault::unavailable("zpay query", why))?;
    let found = found.filter(|found| found.paid && found.order() == Some(order.id));
    let taken =
        found.and_then(|found| Some(Taken { payment_id: found.trade_no, amount: found.money?, at: found.ended_at }));
    Ok(taken.map_or(Answer::Nothing, Answer::Taken))
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
    let mut orders = due(app, OPEN, OrderId::parse).await?;
    orders.extend(due(app, ENDED, OrderId::parse).await?);
    let ticked = each(orders, |id| poll(app, ctx, id)).await;
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
    let under_way = poll_or_give_up(app, ctx, &order).await?;
    let done = app.execute(&ctx.unkeyed(), || look_counted(app, id, order.looks, under_way)).await?;
    Ok(Some(done.answer))
}

/// Counts the poll, unless another run counted it or the order needs no more polls.
async fn look_counted(app: &App, id: OrderId, looks: u32, under_way: Option<UnderWay>) -> Result<(bool, Tx), Error> {
    let order = app.store.get::<Order>(&Order::key(id)).await?;
    let order = order.ok_or_else(|| Fault::bug("an order that was there is not"))?;
    let mut tx = app.tx();
    if order.next_look().is_some() && order.looks == looks {
        let after = order.looked(under_way, app.clock.now());
        if under_way.is_some() && after.next_look().is_none() {
            tracing::error!(order = %id, "its payment is not looked for any more");
            metrics::count("PaymentsGivenUp");
        }
        replace_order(app, &mut tx, &order, after).await?;
    }
    Ok((order.status.is_captured(), tx))
}

/// Notes the provider's word about a payment that can still come, where it is new.
///
/// # Errors
/// A fault if it cannot be stored.
pub(crate) async fn note_under_way(
    app: &App,
    ctx: &Ctx,
    id: OrderId,
    under_way: Option<UnderWay>,
) -> Result<Order, Error> {
    let plan = || async {
        let order = app.store.get::<Order>(&Order::key(id)).await?;
        let order = order.ok_or_else(|| Fault::bug("an order that was there is not"))?;
        let (mut tx, after) = (app.tx(), order.saw(under_way));
        if after.under_way == order.under_way {
            return Ok((after, tx));
        }
        Ok((replace_order(app, &mut tx, &order, after).await?, tx))
    };
    Ok(app.execute(&ctx.unkeyed(), plan).await?.answer)
}

/// Polls an order at once on its user's "I have paid", and returns its current state.
///
/// # Rejects
/// [`Refusal::NotFound`] for another user's order; [`Refusal::RateLimited`] after ten attempts in a minute.
pub async fn verify_own(app: &App, ctx: &Ctx, user: UserId, id: OrderId) -> Result<Order, Error> {
    let order = crate::payment::cancel_order::own(app, user, id).await?;
    let (now, asker) = (app.clock.now(), app.config.secret.hex("verifier", &[user.to_string().as_bytes()]));
    let asked = app.store.record_attempt("verify", &asker, now, ASKED.1).await?;
    if asked.count > ASKED.0 {
        return Err(asked.refused_by(format!("{} checks in a minute", ASKED.0), now).into());
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
        return verify_returns(app, ctx, order).await;
    }
    let under_way = poll_provider(app, ctx, &order).await?;
    note_under_way(app, ctx, order.id, under_way).await
}

/// Reads what Stripe gave back of a paid order; a gateway does not tell (R4.11).
async fn verify_returns(app: &App, ctx: &Ctx, order: Versioned<Order>) -> Result<Order, Error> {
    let (Provider::Stripe, Some(payment)) = (order.provider, order.payment_id.as_deref()) else {
        return Ok(order.into_inner());
    };
    read_returns(app, ctx, payment, Some(order.id)).await?;
    let now = app.store.get::<Order>(&Order::key(order.id)).await?;
    Ok(now.ok_or_else(|| Fault::bug("an order that was there is not"))?.into_inner())
}
