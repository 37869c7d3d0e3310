//! What a Stripe event says (R4.7, R4.11): the facts the rules need, and nothing of the rest.
//!
//! An authentic event that does not read as its type promises is a typed error, never a guess; its raw text is kept.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::units;
use crate::payment::gateway::stripe::wire;
use crate::payment::gateway::stripe::wire::PaymentStatus;
use crate::payment::model::payment::{Dispute, DisputeState, Refund};
use kernel::id::{OrderId, RefundId};
use kernel::money::PayMoney;

/// One event of Stripe's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeEvent {
    /// `evt_…`: the event is handled once under this id.
    pub id: String,
    /// When it happened at Stripe; for a payment, when the money was taken (R5.2).
    pub created: Timestamp,
    /// Whether it is about real money; must be that of the secret key.
    pub livemode: bool,
    /// The type as Stripe names it.
    pub kind: String,
    /// What it says.
    pub fact: StripeFact,
}

/// The facts of the event types that are handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StripeFact {
    /// `checkout.session.completed`: paid only if its payment status says so.
    SessionCompleted(SessionFact),
    /// `checkout.session.async_payment_succeeded`: a delayed method was paid.
    SessionPaidLater(SessionFact),
    /// `checkout.session.async_payment_failed`: a delayed method was not.
    SessionFailed(SessionFact),
    /// `checkout.session.expired`.
    SessionExpired(SessionFact),
    /// `charge.refunded`: the charge with its cumulative amount refunded.
    ChargeRefunded(ChargeFact),
    /// `refund.created`, `.updated`, `.failed`.
    Refund(RefundFact),
    /// `charge.dispute.…`.
    Dispute(DisputeFact),
    /// Any other type: acknowledged and kept with the order that it names, so that it is found with it.
    Other(OrderNames),
}

/// What a checkout session says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFact {
    /// `cs_…`.
    pub session: String,
    /// `pi_…`, the payment, once there is one.
    pub payment_intent: Option<String>,
    /// Which order it names.
    pub names: OrderNames,
    /// The whole amount.
    pub amount: Option<PayMoney>,
    /// Whether it is paid.
    pub payment_status: PaymentStatus,
}

/// The order that an object names, in `client_reference_id` and in its metadata.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderNames {
    /// The distinct names as they stand there; empty for somebody else's payment.
    pub raw: Vec<String>,
}

impl OrderNames {
    pub(super) fn of<'a>(names: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut raw: Vec<String> = Vec::new();
        for name in names.into_iter().flatten().filter(|name| !name.is_empty()) {
            if raw.iter().all(|known| known != name) {
                raw.push(name.to_owned());
            }
        }
        Self { raw }
    }

    /// The one order, if exactly one is named and its name is an order id.
    pub fn order(&self) -> Option<OrderId> {
        match self.raw.as_slice() {
            [name] => OrderId::parse(name),
            _ => None,
        }
    }
}

/// What a charge says about its refunds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeFact {
    /// `ch_…`.
    pub charge: String,
    /// `pi_…`; absent for charges made without one.
    pub payment_intent: Option<String>,
    /// Which order its metadata names.
    pub names: OrderNames,
    /// What was captured.
    pub captured: PayMoney,
    /// All that was refunded so far.
    pub refunded: PayMoney,
    /// When the money was taken.
    pub created: Timestamp,
    /// The refunds it lists, if it does.
    pub refunds: Vec<RefundFact>,
}

/// What a refund says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundFact {
    /// `re_…`.
    pub id: String,
    /// The payment it takes from.
    pub payment_intent: Option<String>,
    /// The charge it takes from.
    pub charge: Option<String>,
    /// How much.
    pub amount: PayMoney,
    /// How it stands.
    pub status: RefundStatus,
    /// When it was made.
    pub created: Timestamp,
    /// The request that it answers, if its metadata names one.
    pub request: Option<RefundId>,
}

/// How a refund stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundStatus {
    /// On its way.
    Pending,
    /// Needs something from the customer.
    RequiresAction,
    /// Done.
    Succeeded,
    /// Failed: counts 0, for good (R4.11).
    Failed,
    /// Cancelled before it went out: counts 0 as well.
    Canceled,
    /// Not known to us.
    Other(String),
}

impl RefundFact {
    /// The refund as a fact of its payment, told at `at`: one that was cancelled has failed.
    pub fn told(&self, at: Timestamp) -> (String, Refund) {
        let failed = matches!(self.status, RefundStatus::Failed | RefundStatus::Canceled);
        let pending = !failed && self.status != RefundStatus::Succeeded;
        (self.id.clone(), Refund { amount: self.amount, failed, pending, at: Some(at), request: self.request })
    }
}

impl RefundStatus {
    fn of(status: Option<String>) -> Self {
        match status.as_deref() {
            // Stripe's schema lets it be null; the money is on its way then.
            None | Some("pending") => Self::Pending,
            Some("requires_action") => Self::RequiresAction,
            Some("succeeded") => Self::Succeeded,
            Some("failed") => Self::Failed,
            Some("canceled") => Self::Canceled,
            Some(other) => Self::Other(other.to_owned()),
        }
    }
}

/// What a dispute says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisputeFact {
    /// `du_…` or `dp_…`.
    pub id: String,
    /// The payment in dispute: a dispute names no session and no customer.
    pub payment_intent: Option<String>,
    /// The charge in dispute.
    pub charge: String,
    /// How much of it.
    pub amount: PayMoney,
    /// How it stands.
    pub status: DisputeStatus,
    /// When it was opened.
    pub created: Timestamp,
    /// Whether the event is the closing one, which wins a tie (R4.11).
    pub closed: bool,
}

/// How a dispute stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DisputeStatus {
    /// `warning_…` or `prevented`: takes nothing.
    Inquiry,
    /// The money is gone for now.
    Open,
    /// The money is back.
    Won,
    /// The money is gone.
    Lost,
    /// Not known to us.
    Other(String),
}

impl DisputeFact {
    /// The dispute as a fact of its payment, told at `at`.
    pub fn told(&self, at: Timestamp) -> (String, Dispute) {
        let state = match self.status {
            DisputeStatus::Inquiry => DisputeState::Inquiry,
            DisputeStatus::Won => DisputeState::Won,
            DisputeStatus::Lost => DisputeState::Lost,
            DisputeStatus::Open | DisputeStatus::Other(_) => DisputeState::Open,
        };
        (self.id.clone(), Dispute { amount: self.amount, state, at })
    }
}

impl DisputeStatus {
    fn of(status: &str) -> Self {
        match status {
            "warning_needs_response" | "warning_under_review" | "warning_closed" | "prevented" => Self::Inquiry,
            "needs_response" | "under_review" => Self::Open,
            "won" => Self::Won,
            "lost" => Self::Lost,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// An authentic body that is not a readable event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unreadable Stripe event: {reason}")]
pub struct Unreadable {
    /// Its id, if at least that could be read; its raw text is kept under it.
    pub id: Option<String>,
    /// What is wrong, without values.
    pub reason: &'static str,
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    created: i64,
    livemode: bool,
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

/// Reads the body of a verified webhook.
///
/// # Refuses
/// [`Unreadable`] for what is no event, and for a handled type whose object is not as documented.
pub fn parse(body: &[u8]) -> Result<StripeEvent, Unreadable> {
    let whole: Value = serde_json::from_slice(body).map_err(|_| Unreadable { id: None, reason: "not JSON" })?;
    let id = whole.get("id").and_then(Value::as_str).map(str::to_owned);
    let unreadable = |reason| Unreadable { id: id.clone(), reason };
    let envelope: Envelope = serde_json::from_value(whole).map_err(|_| unreadable("not an event"))?;
    if envelope.id.is_empty() || envelope.id.len() > 255 {
        return Err(Unreadable { id: None, reason: "no event id" });
    }
    let created = wire::time(envelope.created).ok_or_else(|| unreadable("time out of range"))?;
    let fact = fact(&envelope.kind, envelope.data.object).map_err(unreadable)?;
    Ok(StripeEvent { id: envelope.id, created, livemode: envelope.livemode, kind: envelope.kind, fact })
}

fn fact(kind: &str, object: Value) -> Result<StripeFact, &'static str> {
    Ok(match kind {
        "checkout.session.completed" => StripeFact::SessionCompleted(session(object)?),
        "checkout.session.async_payment_succeeded" => StripeFact::SessionPaidLater(session(object)?),
        "checkout.session.async_payment_failed" => StripeFact::SessionFailed(session(object)?),
        "checkout.session.expired" => StripeFact::SessionExpired(session(object)?),
        "charge.refunded" => StripeFact::ChargeRefunded(charge(object)?),
        "refund.created" | "refund.updated" | "refund.failed" => StripeFact::Refund(refund(read(object)?)?),
        "charge.dispute.created"
        | "charge.dispute.updated"
        | "charge.dispute.funds_withdrawn"
        | "charge.dispute.funds_reinstated"
        | "charge.dispute.closed" => StripeFact::Dispute(dispute(object, kind == "charge.dispute.closed")?),
        _ => StripeFact::Other(names(&object)),
    })
}

/// The order that an object of any type names.
fn names(object: &Value) -> OrderNames {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    OrderNames::of([text("/client_reference_id"), text("/metadata/order_id")])
}

fn read<T: serde::de::DeserializeOwned>(object: Value) -> Result<T, &'static str> {
    serde_json::from_value(object).map_err(|_| "object not as documented")
}

fn money(units: i64, currency: &str) -> Result<PayMoney, &'static str> {
    if units < 0 {
        return Err("negative amount");
    }
    let currency = wire::currency(currency).ok_or("unknown currency")?;
    units::to_money(units, currency).map_err(|_| "amount out of range")
}

fn session(object: Value) -> Result<SessionFact, &'static str> {
    let session: wire::Session = read(object)?;
    let amount = match (session.amount_total, &session.currency) {
        (Some(units), Some(currency)) => Some(money(units, currency)?),
        _ => None,
    };
    Ok(SessionFact {
        names: session.names(),
        payment_intent: session.payment_intent.map(wire::Reference::into_id),
        payment_status: session.payment_status,
        session: session.id,
        amount,
    })
}

fn charge(object: Value) -> Result<ChargeFact, &'static str> {
    charge_fact(read(object)?)
}

pub(super) fn charge_fact(charge: wire::Charge) -> Result<ChargeFact, &'static str> {
    let refunds = charge.refunds.map(|list| list.data).unwrap_or_default();
    Ok(ChargeFact {
        names: OrderNames::of([charge.metadata.order_id.as_deref()]),
        captured: money(charge.amount_captured, &charge.currency)?,
        refunded: money(charge.amount_refunded, &charge.currency)?,
        created: wire::time(charge.created).ok_or("time out of range")?,
        refunds: refunds.into_iter().map(refund).collect::<Result<_, _>>()?,
        payment_intent: charge.payment_intent.map(wire::Reference::into_id),
        charge: charge.id,
    })
}

pub(super) fn refund(refund: wire::Refund) -> Result<RefundFact, &'static str> {
    let named = refund.metadata.and_then(|metadata| metadata.refund_id);
    Ok(RefundFact {
        request: named.as_deref().and_then(RefundId::parse),
        amount: money(refund.amount, &refund.currency)?,
        created: wire::time(refund.created).ok_or("time out of range")?,
        payment_intent: refund.payment_intent.map(wire::Reference::into_id),
        charge: refund.charge.map(wire::Reference::into_id),
        status: RefundStatus::of(refund.status),
        id: refund.id,
    })
}

fn dispute(object: Value, closed: bool) -> Result<DisputeFact, &'static str> {
    dispute_fact(read(object)?, closed)
}

pub(super) fn dispute_fact(dispute: wire::Dispute, closed: bool) -> Result<DisputeFact, &'static str> {
    Ok(DisputeFact {
        amount: money(dispute.amount, &dispute.currency)?,
        created: wire::time(dispute.created).ok_or("time out of range")?,
        payment_intent: dispute.payment_intent.map(wire::Reference::into_id),
        charge: dispute.charge.into_id(),
        status: DisputeStatus::of(&dispute.status),
        id: dispute.id,
        closed,
    })
}

#[cfg(test)]
mod tests;
