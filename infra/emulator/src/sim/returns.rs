//! Money movements after a payment: delayed methods, refunds and disputes, with Stripe's events.

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::book::{Dispute, DisputeStatus, PaymentStatus, Refund, RefundStatus, SessionStatus, StripePayment};
use super::pay::{Action, Refusal};
use super::{Desk, stripe, stripe_objects as objects};

/// Delivery schedule of events: number of copies and time.
pub(super) struct Telling {
    pub copies: usize,
    pub due_at: Timestamp,
}

impl Telling {
    /// One copy, now.
    pub(super) fn at_once(now: Timestamp) -> Self {
        Self { copies: 1, due_at: now }
    }

    /// Records events and schedules their webhooks; returns their ids.
    pub(super) fn tell(&self, desk: &mut Desk<'_>, happened: Vec<(&str, Value)>) -> Vec<Value> {
        let mut events = Vec::new();
        for (kind, object) in happened {
            let event = stripe::record(desk.book, kind, object, desk.now);
            for _ in 0..self.copies {
                stripe::notify(desk.book, &event, self.due_at);
            }
            events.push(event.get("id").cloned().unwrap_or_default());
        }
        events
    }
}

/// The merchant's details of a refund.
#[derive(Default)]
pub(super) struct About {
    pub reason: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

/// Refunds `units` of a payment.
pub(super) fn refund(
    desk: &mut Desk<'_>,
    payment: &StripePayment,
    units: i64,
    status: RefundStatus,
    about: About,
    telling: &Telling,
) -> Refund {
    let refund = Refund {
        id: desk.book.id("re_"),
        intent: payment.intent.clone(),
        charge: payment.charge.clone(),
        units,
        currency: payment.currency.clone(),
        created: desk.now.as_second(),
        reason: about.reason,
        metadata: about.metadata,
        status,
    };
    let payment = StripePayment { refunded: payment.refunded.saturating_add(units), ..payment.clone() };
    let told = vec![("refund.created", objects::refund(&refund)), ("charge.refunded", objects::charge(&payment))];
    telling.tell(desk, told);
    desk.book.payments.insert(payment.intent.clone(), payment);
    desk.book.refunds.insert(refund.id.clone(), refund.clone());
    refund
}

/// Applies an action to a payment that was made.
pub(super) fn act(
    desk: &mut Desk<'_>,
    payment: &StripePayment,
    action: Action,
    units: Option<i64>,
    telling: &Telling,
) -> Result<Value, Refusal> {
    match action {
        Action::Refund | Action::RefundPending => {
            let left = payment.units.saturating_sub(payment.refunded);
            let units = units.unwrap_or(left);
            if payment.status != PaymentStatus::Succeeded || !(1..=left).contains(&units) {
                return Err((StatusCode::CONFLICT, "not that much is left to give back"));
            }
            let pending = matches!(action, Action::RefundPending);
            let status = if pending { RefundStatus::Pending } else { RefundStatus::Succeeded };
            let made = refund(desk, payment, units, status, About::default(), telling);
            Ok(json!({ "id": payment.intent, "refund": made.id, "amount_minor": units }))
        }
        Action::RefundSucceeds => refund_ends(desk, payment, RefundStatus::Succeeded, telling),
        Action::RefundFails => refund_ends(desk, payment, RefundStatus::Failed, telling),
        Action::PaySucceeds => delayed_ends(desk, payment, PaymentStatus::Succeeded, telling),
        Action::PayFails => delayed_ends(desk, payment, PaymentStatus::Failed, telling),
        Action::Inquire | Action::Dispute => open_dispute(desk, payment, action, units, telling),
        Action::Pay | Action::PayLater | Action::Subscribe => {
            Err((StatusCode::BAD_REQUEST, "that is no action on a payment"))
        }
        Action::DisputeUpdated
        | Action::DisputeWon
        | Action::DisputeLost
        | Action::DisputeReopened
        | Action::DisputeReinstated => move_dispute(desk, payment, action, telling),
    }
}

/// Ends the latest open refund in failure or success; a refund that succeeded can still fail.
fn refund_ends(
    desk: &mut Desk<'_>,
    payment: &StripePayment,
    status: RefundStatus,
    telling: &Telling,
) -> Result<Value, Refusal> {
    let of_payment = desk.book.refunds.values().filter(|refund| refund.intent == payment.intent);
    let mut movable = of_payment.filter(|refund| refund.status != RefundStatus::Failed && refund.status != status);
    let found = movable.next_back().cloned();
    let refund = Refund { status, ..found.ok_or((StatusCode::CONFLICT, "there is no such refund"))? };
    let mut told = vec![("refund.updated", objects::refund(&refund))];
    if status == RefundStatus::Failed {
        told.push(("refund.failed", objects::refund(&refund)));
        let refunded = payment.refunded.saturating_sub(refund.units);
        desk.book.payments.insert(payment.intent.clone(), StripePayment { refunded, ..payment.clone() });
    }
    telling.tell(desk, told);
    let done = json!({ "id": payment.intent, "refund": refund.id, "amount_minor": refund.units });
    desk.book.refunds.insert(refund.id.clone(), refund);
    Ok(done)
}

/// Ends a delayed payment: the money was captured, or not.
fn delayed_ends(
    desk: &mut Desk<'_>,
    payment: &StripePayment,
    status: PaymentStatus,
    telling: &Telling,
) -> Result<Value, Refusal> {
    let of_payment = |session: &&mut super::Session| session.payment_intent.as_ref() == Some(&payment.intent);
    let session = desk.book.sessions.values_mut().find(of_payment).filter(|session| session.delayed);
    let session = session.ok_or((StatusCode::CONFLICT, "nothing is delayed"))?;
    let paid = status == PaymentStatus::Succeeded;
    session.delayed = !paid;
    session.status = SessionStatus::Complete;
    let session = objects::closed_session(session);
    let available = paid.then(|| desk.now.as_second());
    let payment = StripePayment { status, available, ..payment.clone() };
    let told = if paid {
        vec![
            ("payment_intent.succeeded", objects::intent(&payment, false)),
            ("charge.succeeded", objects::charge(&payment)),
            ("checkout.session.async_payment_succeeded", session),
        ]
    } else {
        vec![
            ("payment_intent.payment_failed", objects::intent(&payment, false)),
            ("checkout.session.async_payment_failed", session),
        ]
    };
    let events = telling.tell(desk, told);
    let done = json!({ "id": payment.intent, "events": events });
    desk.book.payments.insert(payment.intent.clone(), payment);
    Ok(done)
}

/// Opens an inquiry, or a dispute that withholds the money until it is decided.
fn open_dispute(
    desk: &mut Desk<'_>,
    payment: &StripePayment,
    action: Action,
    units: Option<i64>,
    telling: &Telling,
) -> Result<Value, Refusal> {
    let units = units.unwrap_or(payment.units);
    if payment.status != PaymentStatus::Succeeded || !(1..=payment.units).contains(&units) {
        return Err((StatusCode::CONFLICT, "not that much was paid"));
    }
    let now = desk.now.as_second();
    let asked = latest(desk, payment).filter(|known| known.status == DisputeStatus::WarningNeedsResponse);
    let only_asks = matches!(action, Action::Inquire);
    let first = if asked.is_some() { "charge.dispute.updated" } else { "charge.dispute.created" };
    let fresh = Dispute {
        id: desk.book.id("du_"),
        intent: payment.intent.clone(),
        charge: payment.charge.clone(),
        units,
        currency: payment.currency.clone(),
        created: now,
        status: DisputeStatus::WarningNeedsResponse,
        moved: now,
    };
    let status = if only_asks { DisputeStatus::WarningNeedsResponse } else { DisputeStatus::NeedsResponse };
    let dispute = Dispute { status, moved: now, ..asked.unwrap_or(fresh) };
    let mut kinds = vec![first];
    if !only_asks {
        kinds.push("charge.dispute.funds_withdrawn");
    }
    Ok(tell_dispute(desk, dispute, &kinds, telling))
}

/// Moves the latest dispute on.
/// Events have only whole seconds, so a closed dispute moves again in a later second.
fn move_dispute(
    desk: &mut Desk<'_>,
    payment: &StripePayment,
    action: Action,
    telling: &Telling,
) -> Result<Value, Refusal> {
    use DisputeStatus::{Lost, NeedsResponse, UnderReview, WarningClosed, WarningNeedsResponse, Won};
    let known = latest(desk, payment).ok_or((StatusCode::CONFLICT, "there is no dispute"))?;
    let (updated, closed) = ("charge.dispute.updated", "charge.dispute.closed");
    let (withdrawn, reinstated) = ("charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated");
    let (status, kinds) = match (known.status, action) {
        (WarningNeedsResponse, Action::DisputeWon) => (WarningClosed, vec![closed]),
        (NeedsResponse | UnderReview, Action::DisputeUpdated) => (UnderReview, vec![updated]),
        (NeedsResponse | UnderReview, Action::DisputeWon) => (Won, vec![closed, reinstated]),
        (NeedsResponse | UnderReview, Action::DisputeLost) => (Lost, vec![closed]),
        (Won, Action::DisputeReopened) => (UnderReview, vec![updated, withdrawn]),
        (Lost, Action::DisputeReopened) => (UnderReview, vec![updated]),
        (Lost, Action::DisputeReinstated) => (Won, vec![reinstated]),
        _ => return Err((StatusCode::CONFLICT, "the dispute does not stand so")),
    };
    let now = desk.now.as_second();
    if matches!(known.status, Won | Lost) && now <= known.moved {
        return Err((StatusCode::CONFLICT, "a closed dispute moves in a later second"));
    }
    Ok(tell_dispute(desk, Dispute { status, moved: now, ..known }, &kinds, telling))
}

fn latest(desk: &Desk<'_>, payment: &StripePayment) -> Option<Dispute> {
    let mut of_payment = desk.book.disputes.values().filter(|dispute| dispute.intent == payment.intent);
    of_payment.next_back().cloned()
}

fn tell_dispute(desk: &mut Desk<'_>, dispute: Dispute, kinds: &[&str], telling: &Telling) -> Value {
    if let Some(payment) = desk.book.payments.get_mut(&dispute.intent) {
        payment.disputed = true;
    }
    let happened = kinds.iter().map(|kind| (*kind, objects::dispute(&dispute))).collect();
    let events = telling.tell(desk, happened);
    let done = json!({
        "id": dispute.intent, "dispute": dispute.id, "status": dispute.status.as_str(), "amount_minor": dispute.units,
        "events": events,
    });
    desk.book.disputes.insert(dispute.id.clone(), dispute);
    done
}
