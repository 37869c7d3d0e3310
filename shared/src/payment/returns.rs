//! Reads what Stripe gave back of a payment: refunds and disputes whose webhook was lost (R4.10, R4.11).
//!
//! The user's and the admin's verification read it, an admin's refund that Stripe refuses, and the daily report. What is new is
//! ingested as an event of its own; a webhook that comes later changes nothing. A gateway lists no refunds.

use jiff::Timestamp;
use serde_json::json;

use crate::app::App;
use crate::payment::gateway::stripe::AskFailure;
use crate::payment::ingest::{PaymentEvent, ProviderEvent, settle};
use crate::payment::model::payment::Payment;
use kernel::fault::{Error, Fault};
use kernel::id::OrderId;
use kernel::provider::Provider;
use table::context::Ctx;

/// A payment as found by querying Stripe.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Of<'a> {
    pub payment_id: &'a str,
    /// The order it names.
    pub order: Option<OrderId>,
    /// Time of the query.
    pub at: Timestamp,
}

/// Reads Stripe's refunds and disputes of a payment and ingests those that are not known as Stripe has them.
///
/// # Errors
/// A fault if Stripe cannot be reached now, or an answer cannot be stored.
pub(crate) async fn read_returns(app: &App, ctx: &Ctx, payment_id: &str, order: Option<OrderId>) -> Result<(), Error> {
    let Some(stripe) = &app.providers.stripe else { return Ok(()) };
    let of = Of { payment_id, order, at: app.clock.now() };
    let (refunds, disputes) = match (stripe.refunds(payment_id).await, stripe.disputes(payment_id).await) {
        (Ok(refunds), Ok(disputes)) => (refunds, disputes),
        (Err(AskFailure::Unknown), _) | (_, Err(AskFailure::Unknown)) => return Ok(()),
        // The daily report has a line and a review of it (F14).
        (Err(why @ AskFailure::Unreadable(_)), _) | (_, Err(why @ AskFailure::Unreadable(_))) => {
            tracing::warn!(payment = payment_id, %why, "refunds and disputes that can't be read");
            return Ok(());
        }
        (Err(why), _) | (_, Err(why)) => return Err(unavailable(why).into()),
    };
    let known = app.store.get::<Payment>(&Payment::key(Provider::Stripe, payment_id)).await?;
    let of_refund = |id: &String| known.as_ref().and_then(|known| known.refunds.get(id)).map(|known| known.state());
    let told = refunds.iter().map(|refund| refund.told(refund.created));
    let news: Vec<_> = told.filter(|(id, refund)| of_refund(id) != Some(refund.state())).collect();
    let at = of.at.as_millisecond();
    if !news.is_empty() {
        let fact = PaymentEvent::Refunded { cumulative: None, refunds: news };
        tell(app, ctx, of, format!("asked:{payment_id}:refunds:{at}"), fact).await?;
    }
    for (id, dispute) in disputes.iter().map(|dispute| dispute.told(of.at)) {
        let before = known.as_ref().and_then(|known| known.disputes.get(&id)).map(|known| known.state);
        if before != Some(dispute.state) {
            let event_id = format!("asked:{payment_id}:{id}:{at}");
            tell(app, ctx, of, event_id, PaymentEvent::Disputed { id, dispute }).await?;
        }
    }
    Ok(())
}

/// Ingests Stripe's answer as an event.
///
/// # Errors
/// A fault if nothing was stored.
pub(crate) async fn tell(app: &App, ctx: &Ctx, of: Of<'_>, event_id: String, fact: PaymentEvent) -> Result<(), Error> {
    let raw = json!({"asked": of.payment_id, "order": of.order, "at": of.at});
    let notice = ProviderEvent {
        provider: Provider::Stripe,
        event_id,
        kind: "asked".to_owned(),
        payment_id: Some(of.payment_id.to_owned()),
        order: of.order,
        fact,
        confirm: false,
        received_at: of.at,
        raw: raw.to_string(),
    };
    settle(app, ctx, &notice).await.map(|_| ())
}

/// Fault of a query that Stripe did not answer.
pub(crate) fn unavailable(why: AskFailure) -> Fault {
    Fault::unavailable("stripe", why)
}
