//! Refunds an order (R4.11): commits the request with its audit record, then calls the provider.
//!
//! The provider's answer is ingested as an event of its own. After a crash or a lost response the request remains, holds its
//! amount and is visible.
//!
//! A Stripe refund is made under the request's id as idempotency key, so a repeated request continues where the first one
//! stopped. A Zpay gateway takes no such key: it is called once, right after the commit. If its result stays unknown, a person
//! checks at the gateway and confirms it ([`confirm_refund`](crate::payment::confirm_refund)).

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::app::App;
use crate::operations::audit_log::by_admin;
use crate::payment::gateway::RefundFailure;
use crate::payment::gateway::stripe::{AskFailure, Stripe};
use crate::payment::ingest::{PaymentEvent, ProviderEvent, settle};
use crate::payment::model::order::Order;
use crate::payment::model::payment::{Payment, Refund};
use crate::payment::model::refund::RefundRequest;
use crate::payment::returns::read_returns;
use kernel::fault::{Error, Fault};
use kernel::id::{OrderId, RefundId, UserId};
use kernel::money::{PayMoney, plain_decimal};
use kernel::provider::Provider;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::telemetry as metrics;
use table::tx::Tx;

/// Command to refund an order, in full or in part.
#[derive(Debug, Clone)]
pub struct RefundOrder {
    pub order: OrderId,
    /// Amount as entered; `None` means all that can be refunded.
    pub amount: Option<String>,
    pub reason: String,
    pub admin: UserId,
}

/// Answer to a refund request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requested {
    pub order: OrderId,
    /// The request; read the order's payment for its state.
    pub refund: RefundId,
}

/// Requests a refund and carries it out.
///
/// # Rejects
/// `not_found`; `nothing_to_refund`; 422 for an amount that is not positive or exceeds the refundable amount.
///
/// # Errors
/// `outcome_unknown` if Stripe did not answer; a retry with the same key continues.
pub async fn refund_order(app: &App, ctx: &Ctx, ask: &RefundOrder) -> Result<Answered<Requested>, Error> {
    let id = RefundId::new(app.ulid());
    let done = app.execute(ctx, || plan(app, ctx, ask, id)).await?;
    carry_out(app, ctx, done.answer, !done.replayed).await?;
    Ok(done)
}

async fn plan(app: &App, ctx: &Ctx, ask: &RefundOrder, id: RefundId) -> Result<(Requested, Tx), Error> {
    let order = app.store.get::<Order>(&Order::key(ask.order)).await?.ok_or(Refusal::NotFound)?;
    let stored = payment_of(app, &order).await?.ok_or(Refusal::NothingToRefund)?;
    if !app.providers.has(order.provider) {
        return Err(Fault::unavailable("refund", "not configured").into());
    }
    let left = stored.refundable()?.filter(|left| left.is_positive()).ok_or(Refusal::NothingToRefund)?;
    let amount = match &ask.amount {
        Some(text) => part("/amount", text, left)?,
        None => left,
    };
    let request =
        RefundRequest { amount, reason: ask.reason.clone(), admin: ask.admin, at: app.clock.now(), failure: None };
    let mut payment = Payment::clone(&stored);
    payment.requests.insert(id, request);
    let audit = by_admin(app, ctx, ask.admin, "order.refund_requested", ask.order.to_string());
    let mut tx = app.tx();
    tx.replace(&stored, &payment);
    if !order.has_refunds {
        tx.replace(&order, &Order { has_refunds: true, ..Order::clone(&order) });
    }
    tx.insert(&audit.change(left.to_string(), format!("{id} {amount}")).because(&ask.reason));
    Ok((Requested { order: ask.order, refund: id }, tx))
}

/// Provider payment of a paid order.
///
/// # Errors
/// A fault if the database can't be reached.
pub(crate) async fn payment_of(app: &App, order: &Order) -> Result<Option<Versioned<Payment>>, Fault> {
    match order.payment_id.as_deref().filter(|_| order.status.is_captured()) {
        Some(id) => app.store.get(&Payment::key(order.provider, id)).await,
        None => Ok(None),
    }
}

/// Parses a positive amount of at most `whole`.
///
/// # Rejects
/// 422 if the text is no plain decimal above zero, or exceeds `whole`.
pub(crate) fn part(pointer: &str, text: &str, whole: PayMoney) -> Result<PayMoney, Refusal> {
    let digits = whole.currency().digits();
    let form = || Refusal::field(pointer, "not_a_decimal", format!("a decimal of at most {digits} digits"));
    let range = || Refusal::field(pointer, "out_of_range", format!("more than 0 and at most {}", whole.amount()));
    let amount = plain_decimal(text, digits).ok_or_else(form)?;
    let fits = !amount.is_zero() && amount <= whole.amount();
    PayMoney::exact(amount, whole.currency()).ok().filter(|_| fits).ok_or_else(range)
}

/// Calls the provider for a committed refund request, unless its result is known.
///
/// `fresh` is true if no earlier attempt can have called the provider.
///
/// # Errors
/// `outcome_unknown` if Stripe did not answer.
pub(crate) async fn carry_out(app: &App, ctx: &Ctx, requested: Requested, fresh: bool) -> Result<(), Error> {
    let gone = || Fault::bug("a refund of nothing");
    let order = app.store.get::<Order>(&Order::key(requested.order)).await?.ok_or_else(gone)?;
    let payment = payment_of(app, &order).await?.ok_or_else(gone)?;
    let Some(request) = payment.open_request(requested.refund).cloned() else { return Ok(()) };
    let made = match order.provider {
        Provider::Stripe => stripe(app, &payment, &request, requested.refund, fresh).await?,
        Provider::Zpay if fresh => zpay(app, &payment, &request, requested).await?,
        Provider::Zpay => return Ok(()),
    };
    match made {
        Made::Told(id, refund) => told(app, ctx, &payment, requested, id, refund).await,
        Made::Refused(why) => {
            app.execute(&ctx.unkeyed(), || failed(app, requested, &payment.id, &why)).await?;
            // Stripe may have refused what was given back there already.
            match order.provider {
                Provider::Stripe => read_returns(app, ctx, &payment.id, Some(order.id)).await,
                Provider::Zpay => Ok(()),
            }
        }
        Made::Unknown => Ok(()),
    }
}

/// Result of the provider call.
enum Made {
    Told(String, Refund),
    Refused(String),
    Unknown,
}

async fn stripe(
    app: &App,
    payment: &Payment,
    request: &RefundRequest,
    id: RefundId,
    fresh: bool,
) -> Result<Made, Fault> {
    let call = "stripe refund";
    let stripe = app.providers.stripe.as_ref();
    let stripe = stripe.ok_or_else(|| Fault::outcome_unknown(call, "not configured"))?;
    match found_or_made(stripe, payment, request, id, fresh).await {
        Ok((refund_id, refund)) => Ok(Made::Told(refund_id, Refund { request: Some(id), ..refund })),
        Err(AskFailure::Unavailable) => Err(Fault::outcome_unknown(call, AskFailure::Unavailable)),
        Err(why) => Ok(Made::Refused(why.to_string())),
    }
}

/// Finds the refund of an earlier attempt, or makes it.
///
/// Stripe forgets idempotency keys after a day, so an attempt that may have succeeded is looked up first.
async fn found_or_made(
    stripe: &Stripe,
    payment: &Payment,
    request: &RefundRequest,
    id: RefundId,
    fresh: bool,
) -> Result<(String, Refund), AskFailure> {
    let known = if fresh { Vec::new() } else { stripe.refunds(&payment.id).await? };
    let fact = match known.into_iter().find(|refund| refund.request == Some(id)) {
        Some(fact) => fact,
        None => stripe.refund(&payment.id, request.amount, id).await?,
    };
    Ok(fact.told(fact.created))
}

async fn zpay(app: &App, payment: &Payment, request: &RefundRequest, of: Requested) -> Result<Made, Fault> {
    let Some(zpay) = &app.providers.zpay else { return Ok(Made::Unknown) };
    match zpay.refund(&payment.id, of.order, request.amount).await {
        Ok(()) => {
            let at = Some(app.clock.now());
            let refund = Refund { amount: request.amount, failed: false, pending: false, at, request: Some(of.refund) };
            Ok(Made::Told(of.refund.to_string(), refund))
        }
        Err(RefundFailure::Refused(why)) => Ok(Made::Refused(why)),
        Err(RefundFailure::Unknown) => {
            tracing::error!(order = %of.order, refund = %of.refund, "a gateway did not say whether it gave back");
            metrics::count("RefundsUnconfirmed");
            Ok(Made::Unknown)
        }
    }
}

/// Ingests the provider's answer as an event; a later webhook with the same refund changes nothing.
async fn told(app: &App, ctx: &Ctx, payment: &Payment, of: Requested, id: String, refund: Refund) -> Result<(), Error> {
    let state = refund.state().as_str();
    let raw = json!({"refund": of.refund, "id": id, "amount": refund.amount.to_string(), "state": state});
    let notice = ProviderEvent {
        provider: payment.provider,
        event_id: format!("refund:{}:{state}", of.refund),
        kind: "refund.asked".to_owned(),
        payment_id: Some(payment.id.clone()),
        order: Some(of.order),
        fact: PaymentEvent::Refunded { cumulative: None, refunds: vec![(id, refund)] },
        confirm: false,
        received_at: app.clock.now(),
        raw: raw.to_string(),
    };
    match settle(app, ctx, &notice).await {
        Ok(_) => Ok(()),
        // The refund is made; only its effect here is unknown.
        Err(error) => Err(Fault::outcome_unknown("refund", error).into()),
    }
}

async fn failed(app: &App, of: Requested, payment: &str, why: &str) -> Result<((), Tx), Error> {
    let order = app.store.get::<Order>(&Order::key(of.order)).await?;
    let order = order.ok_or_else(|| Fault::bug("an order that was there is not"))?;
    let key = Payment::key(order.provider, payment);
    let stored = app.store.get::<Payment>(&key).await?;
    let stored = stored.ok_or_else(|| Fault::bug("a payment that was there is not"))?;
    let mut tx = app.tx();
    let mut after = Payment::clone(&stored);
    let still_open = stored.open_request(of.refund).is_some();
    if let Some(request) = after.requests.get_mut(&of.refund).filter(|_| still_open) {
        request.failure = Some(why.to_owned());
        tx.replace(&stored, &after);
    }
    Ok(((), tx))
}
