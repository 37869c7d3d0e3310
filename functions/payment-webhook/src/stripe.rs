//! Stripe's webhook (R4.7).

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use shared::app::App;
use shared::edge::body::Raw;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::provider::Provider;
use shared::kernel::refusal::{Refusal, code};
use shared::payment::gateway::stripe::PaymentStatus;
use shared::payment::gateway::stripe::event::{
    ChargeFact, ChargedFact, DisputeFact, SessionFact, StripeEvent, StripeFact, Unreadable,
};
use shared::payment::ingest::{PaymentEvent, ProviderEvent, settle};
use shared::payment::model::order::{Order, OrderStatus};
use shared::payment::model::settings::{ForeignPayments, PaymentSettings};
use shared::risk::later::paid_with;
use utoipa::ToSchema;

use super::callback;
use shared::edge;

/// Response to Stripe, which reads only the status code.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookReceived)]
pub struct Received {
    /// Always true: the event's outcome is stored.
    received: bool,
}

/// Receive a Stripe event.
#[utoipa::path(
    post, path = "/v1/webhooks/stripe", operation_id = "stripe_webhook", tag = "webhooks",
    summary = "Takes a Stripe event",
    params(("Stripe-Signature" = String, Header, description = "Signature over the raw body.")),
    request_body(content = String, content_type = "application/json", description = "The event as Stripe sends it."),
    responses((status = 200, description = "The outcome is stored.", body = Received), code::BadSignature),
)]
pub async fn stripe_webhook(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Reply<Received>, Problem> {
    let stripe = app.providers.stripe.as_ref().ok_or(Refusal::BadSignature)?;
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    stripe.verify(signature, &body, app.clock.now()).map_err(|forged| {
        tracing::warn!(%forged, "a forged webhook");
        callback(Provider::Stripe, None);
        Refusal::BadSignature
    })?;
    let event = stripe.parse(&body);
    if let Ok(event) = &event
        && let StripeFact::Charged(charged) = &event.fact
        && event.livemode == stripe.livemode()
        && !event.elsewhere
    {
        // It changes nothing of the payment, so it is not stored with its events.
        see_instrument(&app, charged).await?;
        return Ok(Reply::ok(Received { received: true }));
    }
    let foreign = app.settings::<PaymentSettings>().await?.settings.foreign_payments;
    let notice = notice(&app, stripe.livemode(), event, &body, foreign);
    let settled = settle(&app, &edge::context(), &notice).await?;
    callback(Provider::Stripe, Some(settled));
    Ok(Reply::ok(Received { received: true }))
}

/// Keep who paid with which card or account (R10.1).
async fn see_instrument(app: &App, of: &ChargedFact) -> Result<(), Problem> {
    let Some((order, fingerprint)) = of.names.order().zip(of.fingerprint.as_deref()) else { return Ok(()) };
    if let Some(order) = app.store.get::<Order>(&Order::key(order)).await? {
        paid_with(app, order.user, fingerprint).await?;
    }
    Ok(())
}

/// Map a Stripe event to a provider event.
///
/// An unreadable event is stored and reviewed. One of another mode is logged as an error and stored; it changes nothing.
fn notice(
    app: &App,
    livemode: bool,
    event: Result<StripeEvent, Unreadable>,
    body: &[u8],
    foreign: ForeignPayments,
) -> ProviderEvent {
    let received_at = app.clock.now();
    let raw = String::from_utf8_lossy(body).into_owned();
    let empty = ProviderEvent {
        provider: Provider::Stripe,
        event_id: String::new(),
        kind: String::new(),
        payment_id: None,
        order: None,
        fact: PaymentEvent::Nothing,
        confirm: false,
        received_at,
        raw,
    };
    match event {
        Ok(event) if event.livemode != livemode => {
            tracing::error!(event = event.id, "an event of another mode than the secret key's");
            ProviderEvent { event_id: event.id, kind: event.kind, ..empty }
        }
        Ok(event) if event.elsewhere => {
            ProviderEvent { event_id: event.id, kind: event.kind, fact: PaymentEvent::Foreign, ..empty }
        }
        Ok(event) => told(event, empty, foreign),
        Err(unreadable) => {
            let hash = || app.config.secret.hex("unreadable", &[body]);
            let reason = unreadable.reason;
            ProviderEvent {
                event_id: unreadable.id.unwrap_or_else(hash),
                kind: "unreadable".to_owned(),
                payment_id: unreadable.about,
                order: unreadable.order,
                fact: if unreadable.foreign { PaymentEvent::Foreign } else { PaymentEvent::Unreadable { reason } },
                ..empty
            }
        }
    }
}

fn told(event: StripeEvent, empty: ProviderEvent, foreign: ForeignPayments) -> ProviderEvent {
    let taken_at = event.created;
    let notice = ProviderEvent { event_id: event.id, kind: event.kind, ..empty };
    match event.fact {
        StripeFact::SessionCompleted(session) | StripeFact::SessionPaidLater(session)
            if !session.ours && (foreign == ForeignPayments::Ignore || session.payment_intent.is_none()) =>
        {
            // A subscription's money comes with its own payment; the session is kept, and not counted beside it.
            ProviderEvent { payment_id: session.payment_intent, fact: PaymentEvent::Foreign, ..notice }
        }
        StripeFact::SessionCompleted(session) if session.payment_status == PaymentStatus::Unpaid => {
            ProviderEvent { order: session.names.order(), fact: PaymentEvent::Processing, ..notice }
        }
        StripeFact::SessionCompleted(session) if session.payment_status != PaymentStatus::Paid => {
            ProviderEvent { order: session.names.order(), ..notice }
        }
        StripeFact::SessionCompleted(session) | StripeFact::SessionPaidLater(session) => {
            captured(session, taken_at, notice)
        }
        StripeFact::SessionFailed(session) => not_paid(&session, OrderStatus::Failed, notice),
        StripeFact::SessionExpired(session) => not_paid(&session, OrderStatus::Expired, notice),
        StripeFact::ChargeRefunded(charge) => charge_refunded(charge, taken_at, notice),
        StripeFact::Refund(refund) => {
            let payment_id = refund.payment_intent.clone().or_else(|| refund.charge.clone());
            ProviderEvent {
                payment_id,
                fact: PaymentEvent::Refunded { cumulative: None, refunds: vec![refund.told(taken_at)] },
                ..notice
            }
        }
        StripeFact::Dispute(dispute) => disputed(dispute, taken_at, notice),
        StripeFact::Charged(ChargedFact { names, .. }) | StripeFact::Other(names) => {
            ProviderEvent { order: names.order(), ..notice }
        }
    }
}

fn captured(session: SessionFact, at: jiff::Timestamp, notice: ProviderEvent) -> ProviderEvent {
    let order = session.names.order();
    match session.amount {
        Some(amount) => ProviderEvent {
            payment_id: Some(session.payment_intent.unwrap_or(session.session)),
            order,
            fact: PaymentEvent::Captured { amount, at: Some(at) },
            ..notice
        },
        None => ProviderEvent { order, ..notice },
    }
}

fn not_paid(session: &SessionFact, status: OrderStatus, notice: ProviderEvent) -> ProviderEvent {
    ProviderEvent { order: session.names.order(), fact: PaymentEvent::NotPaid(status), ..notice }
}

fn charge_refunded(charge: ChargeFact, at: jiff::Timestamp, notice: ProviderEvent) -> ProviderEvent {
    ProviderEvent {
        payment_id: Some(charge.payment_intent.unwrap_or(charge.charge)),
        order: charge.names.order(),
        fact: PaymentEvent::Refunded {
            cumulative: Some(charge.refunded),
            refunds: charge.refunds.iter().map(|refund| refund.told(at)).collect(),
        },
        ..notice
    }
}

fn disputed(dispute: DisputeFact, at: jiff::Timestamp, notice: ProviderEvent) -> ProviderEvent {
    let (id, told) = dispute.told(at);
    ProviderEvent {
        payment_id: Some(dispute.payment_intent.unwrap_or(dispute.charge)),
        fact: PaymentEvent::Disputed { id, dispute: told },
        ..notice
    }
}
