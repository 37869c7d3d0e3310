//! Stripe's side of a report: a day's charges, and what was given back on it.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::{Compared, day_of, sides};
use crate::app::App;
use crate::payment::gateway::stripe::event::{ChargeFact, DisputeFact};
use crate::payment::gateway::stripe::returned::ListedCharge;
use crate::payment::gateway::stripe::{AskFailure, Stripe};
use crate::payment::ingest::PaymentEvent;
use crate::payment::model::payment::{Dispute, DisputeState, Payment};
use crate::payment::model::reconciliation::{Looked, Reconciliation, Sides, Stage};
use crate::payment::model::settings::{ForeignPayments, PaymentSettings};
use crate::payment::returns::{Of, read_returns, tell, unavailable};
use kernel::fault::{Error, Fault};
use kernel::id::OrderId;
use kernel::money::PayMoney;
use kernel::provider::Provider;
use table::context::Ctx;

/// Compares a page of Stripe's list; a charge with missing events is ingested first.
pub(super) async fn book(app: &App, ctx: &Ctx, stripe: &Stripe, report: &Reconciliation) -> Result<Looked, Error> {
    let (from, to) = day_of(report.date);
    let page = stripe.charges(from, to, report.cursor.as_deref()).await.map_err(unavailable)?;
    let mut looked = Looked { next: page.next, ..Looked::default() };
    for listed in page.charges {
        if is_foreign(app, &listed).await? {
            continue;
        }
        match compared(app, ctx, stripe, &listed).await? {
            Some(line) => looked.compared.push(line),
            None => looked.unreadable.push(unreadable(app, listed).await?),
        }
    }
    Ok(looked)
}

/// Compares a page of the payments that were refunded or disputed on the day; what is not known is ingested first.
///
/// Payments taken on the same day are in the day's own list. The reports of the others' days are made again, unless this one is
/// itself a repetition.
pub(super) async fn returned(app: &App, ctx: &Ctx, stripe: &Stripe, report: &Reconciliation) -> Result<Looked, Error> {
    let (from, to) = day_of(report.date);
    let page = match report.stage {
        Stage::Disputes => stripe.disputes_made(from, to, report.cursor.as_deref()).await,
        _ => stripe.refunds_made(from, to, report.cursor.as_deref()).await,
    };
    let page = page.map_err(unavailable)?;
    let mut looked = Looked { next: page.next, ..Looked::default() };
    let payments: BTreeSet<String> = page.payments.into_iter().collect();
    for payment_id in payments {
        let Some(listed) = stripe.charge_of(&payment_id).await.map_err(unavailable)? else { continue };
        let taken_on = listed.charge.as_ref().map(|charge| charge.created.to_zoned(TimeZone::UTC).date());
        // The report of the day on which it was taken has the line of a charge that can't be read.
        let Some(taken_on) = taken_on.filter(|day| *day < report.date) else { continue };
        if is_foreign(app, &listed).await? {
            continue;
        }
        match compared(app, ctx, stripe, &listed).await? {
            Some(line) => looked.returned.push(line),
            None => looked.unreadable.push(unreadable(app, listed).await?),
        }
        if report.reopened_at.is_none() {
            looked.changed.insert(taken_on);
        }
    }
    Ok(looked)
}

/// True for a charge that names no order of ours and of which no capture is stored: it is of another product (F10).
async fn is_foreign(app: &App, listed: &ListedCharge) -> Result<bool, Fault> {
    let settings = app.settings::<PaymentSettings>().await?.settings;
    if listed.names.ours() || settings.foreign_payments == ForeignPayments::Review {
        return Ok(false);
    }
    let known = app.store.get::<Payment>(&Payment::key(Provider::Stripe, &listed.payment_id)).await?;
    Ok(known.is_none_or(|known| known.captured.is_none()))
}

/// A payment of which the provider's word can't be read (F14).
async fn unreadable(app: &App, of: ListedCharge) -> Result<(String, Option<OrderId>, Sides), Fault> {
    let currency = app.settings::<PaymentSettings>().await?.settings.pay_currency;
    Ok((of.payment_id, of.names.order(), Sides::none(currency)))
}

/// Sides of a charge; missing events are ingested first. `None` if the charge or a dispute of it can't be read.
async fn compared(app: &App, ctx: &Ctx, stripe: &Stripe, listed: &ListedCharge) -> Result<Compared, Error> {
    let (payment_id, Some(charge)) = (&listed.payment_id, &listed.charge) else { return Ok(None) };
    let disputes = match listed.disputed {
        true => stripe.disputes(payment_id).await,
        false => Ok(Vec::new()),
    };
    let disputes = match disputes {
        Err(AskFailure::Unreadable(_)) => return Ok(None),
        disputes => disputes.map_err(unavailable)?,
    };
    let net = heal(app, ctx, payment_id, charge, &disputes).await?;
    let (order, sides) = sides(app, Provider::Stripe, payment_id, net).await?;
    Ok(Some((Some(payment_id.clone()), order.or(charge.names.order()), sides)))
}

/// Net of a charge by Stripe's report; missing events are ingested first.
async fn heal(
    app: &App,
    ctx: &Ctx,
    payment_id: &str,
    charge: &ChargeFact,
    disputes: &[DisputeFact],
) -> Result<PayMoney, Error> {
    let asked_at = app.clock.now();
    let of = Of { payment_id, order: charge.names.order(), at: asked_at };
    let told: Vec<_> = disputes.iter().map(|dispute| dispute.told(asked_at)).collect();
    let mut net = charge.captured.minus(charge.refunded)?;
    let takes = |dispute: &Dispute| matches!(dispute.state, DisputeState::Open | DisputeState::Lost);
    let fits = |dispute: &Dispute| dispute.amount.currency() == charge.captured.currency();
    for (_, dispute) in told.iter().filter(|(_, dispute)| takes(dispute) && fits(dispute)) {
        net = net.minus(dispute.amount)?;
    }
    let net = net.most(PayMoney::zero(net.currency()))?;
    let known = app.store.get::<Payment>(&Payment::key(Provider::Stripe, payment_id)).await?;
    if known.as_ref().is_none_or(|known| known.captured.is_none()) {
        let fact = PaymentEvent::Captured { amount: charge.captured, at: Some(charge.available_at) };
        tell(app, ctx, of, format!("asked:{payment_id}"), fact).await?;
    }
    if known.map(|known| known.net()).transpose()?.flatten() != Some(net) {
        read_returns(app, ctx, payment_id, of.order).await?;
    }
    Ok(net)
}
