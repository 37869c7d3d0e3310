//! Stripe events, reduced to the facts that the rules need (R4.7, R4.11).
//!
//! A verified event that does not match the documented shape of its type is a typed error and never a guess. Its raw text is
//! kept.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::units;
use crate::payment::gateway::stripe::wire;
use crate::payment::gateway::stripe::wire::PaymentStatus;
use crate::payment::model::payment::{Dispute, DisputeState, Refund};
use kernel::id::{OrderId, RefundId};
use kernel::money::PayMoney;

/// Most refunds that an event may list; Stripe lists ten.
const REFUNDS_MAX: usize = 100;

/// A Stripe event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeEvent {
    /// Event id, `evt_…`; the idempotency guard of the event.
    pub id: String,
    /// Time of the event at Stripe; for a payment, the capture time (R5.2).
    pub created: Timestamp,
    /// True for real money; must equal that of the secret key.
    pub livemode: bool,
    /// True for an event of a connected account, which is not ours (F17).
    pub elsewhere: bool,
    /// Event type as Stripe names it.
    pub kind: String,
    /// Facts of the event.
    pub fact: StripeFact,
}

/// Facts of the handled event types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StripeFact {
    /// `checkout.session.completed`: paid only if its payment status is `paid`.
    SessionCompleted(SessionFact),
    /// `checkout.session.async_payment_succeeded`: a delayed method was paid.
    SessionPaidLater(SessionFact),
    /// `checkout.session.async_payment_failed`: a delayed method failed.
    SessionFailed(SessionFact),
    /// `checkout.session.expired`.
    SessionExpired(SessionFact),
    /// `charge.refunded`: the charge with its cumulative amount refunded.
    ChargeRefunded(ChargeFact),
    /// `refund.created`, `.updated`, `.failed`.
    Refund(RefundFact),
    /// `charge.dispute.…`.
    Dispute(DisputeFact),
    /// `charge.succeeded`: what paid; the money itself is told by the session.
    Charged(ChargedFact),
    /// Any other type: acknowledged and stored under the order it names, if any.
    Other(OrderNames),
}

/// Facts of a checkout session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFact {
    /// Session id, `cs_…`.
    pub session: String,
    /// The payment intent, `pi_…`, once there is one.
    pub payment_intent: Option<String>,
    /// Orders named by the session.
    pub names: OrderNames,
    /// Total amount.
    pub amount: Option<PayMoney>,
    /// State of the payment.
    pub payment_status: PaymentStatus,
    /// False for a session of another product on the account: no single payment, or no order named (F10).
    pub ours: bool,
}

/// Order names of an object, from `client_reference_id` and metadata.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderNames {
    /// Distinct names as written; empty for a payment that is not ours.
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

    /// True if any name is an order id; a payment without one is of another product.
    pub fn ours(&self) -> bool {
        self.raw.iter().any(|name| OrderId::parse(name).is_some())
    }

    /// The order, if exactly one is named and its name is an order id.
    pub fn order(&self) -> Option<OrderId> {
        match self.raw.as_slice() {
            [name] => OrderId::parse(name),
            _ => None,
        }
    }
}

/// Instrument of a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargedFact {
    /// Orders named by the charge.
    pub names: OrderNames,
    /// The provider's fingerprint of the card or account; absent for methods that have none.
    pub fingerprint: Option<String>,
}

/// Facts of a charge and its refunds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeFact {
    /// Charge id, `ch_…`.
    pub charge: String,
    /// The payment intent, `pi_…`; absent for charges made without one.
    pub payment_intent: Option<String>,
    /// Orders named by the metadata.
    pub names: OrderNames,
    pub captured: PayMoney,
    /// Cumulative amount refunded.
    pub refunded: PayMoney,
    /// Time of the charge, by which it is listed.
    pub created: Timestamp,
    /// Time at which the money was available.
    pub available_at: Timestamp,
    /// The refunds listed on the charge, if any.
    pub refunds: Vec<RefundFact>,
}

/// Facts of a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundFact {
    /// Refund id, `re_…`.
    pub id: String,
    /// The refunded payment intent.
    pub payment_intent: Option<String>,
    pub charge: Option<String>,
    pub amount: PayMoney,
    pub status: RefundStatus,
    pub created: Timestamp,
    /// The refund request it carries out, if its metadata names one.
    pub request: Option<RefundId>,
}

/// State of a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundStatus {
    /// Still being processed.
    Pending,
    /// Requires an action by the customer.
    RequiresAction,
    Succeeded,
    /// Failed for good; counts zero (R4.11).
    Failed,
    /// Cancelled before payout; counts zero.
    Canceled,
    /// A state unknown to this client.
    Other(String),
}

impl RefundFact {
    /// The refund as a fact of its payment, reported at `at`; a cancelled one counts as failed.
    pub fn told(&self, at: Timestamp) -> (String, Refund) {
        let failed = matches!(self.status, RefundStatus::Failed | RefundStatus::Canceled);
        let pending = !failed && self.status != RefundStatus::Succeeded;
        (self.id.clone(), Refund { amount: self.amount, failed, pending, at: Some(at), request: self.request })
    }
}

impl RefundStatus {
    fn of(status: Option<String>) -> Self {
        match status.as_deref() {
            // Stripe's schema allows null; the refund is then still being processed.
            None | Some("pending") => Self::Pending,
            Some("requires_action") => Self::RequiresAction,
            Some("succeeded") => Self::Succeeded,
            Some("failed") => Self::Failed,
            Some("canceled") => Self::Canceled,
            Some(other) => Self::Other(other.to_owned()),
        }
    }
}

/// Facts of a dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisputeFact {
    /// Dispute id, `du_…` or `dp_…`.
    pub id: String,
    /// The disputed payment intent; a dispute names no session and no customer.
    pub payment_intent: Option<String>,
    pub charge: String,
    pub amount: PayMoney,
    pub status: DisputeStatus,
    /// Time the dispute was opened.
    pub created: Timestamp,
    /// True for the closing event, which wins a tie (R4.11).
    pub closed: bool,
}

/// State of a dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DisputeStatus {
    /// `warning_…` or `prevented`: takes no money.
    Inquiry,
    /// The bank holds the money until it decides.
    Open,
    /// The money was returned to us.
    Won,
    /// The money is lost.
    Lost,
    /// A state unknown to this client.
    Other(String),
}

impl DisputeFact {
    /// The dispute as a fact of its payment, reported at `at`.
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

/// A verified body that is no readable event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unreadable Stripe event: {reason}")]
pub struct Unreadable {
    /// The event id, if it could be read; the raw text is kept under it.
    pub id: Option<String>,
    /// Cause of the failure, without values from the body.
    pub reason: &'static str,
    /// The payment or the object concerned, if the body names one.
    pub about: Option<String>,
    /// The order that the object names, if it names exactly one.
    pub order: Option<OrderId>,
    /// True if the event is of the other mode, or of another account or product: nothing of ours is lost with it.
    pub foreign: bool,
}

impl Unreadable {
    fn of(whole: &Value, livemode: bool, reason: &'static str) -> Self {
        let text = |pointer: &str| whole.pointer(pointer).and_then(Value::as_str).filter(|text| is_id(text));
        let object = whole.pointer("/data/object");
        let names = object.map(names).unwrap_or_default();
        let about = ["/data/object/payment_intent", "/data/object/payment_intent/id", "/data/object/charge"];
        let about = about.into_iter().chain(["/data/object/id"]).find_map(text);
        let other_mode = whole.get("livemode").and_then(Value::as_bool).is_some_and(|mode| mode != livemode);
        let session = text("/data/object/object") == Some("checkout.session");
        Self {
            id: text("/id").map(str::to_owned),
            reason,
            about: about.map(str::to_owned),
            foreign: other_mode || elsewhere(whole) || (session && !names.ours()),
            order: names.order(),
        }
    }
}

/// True if an event carries a connected account.
fn elsewhere(whole: &Value) -> bool {
    whole.get("account").is_some_and(|account| !account.is_null())
}

/// True for a text that can be a key: an id as Stripe makes them is much shorter.
fn is_id(text: &str) -> bool {
    (1..=255).contains(&text.len()) && !text.contains(char::is_control)
}

fn id(text: String) -> Result<String, &'static str> {
    if is_id(&text) { Ok(text) } else { Err("an id that is none") }
}

fn reference(of: Option<wire::Reference>) -> Result<Option<String>, &'static str> {
    of.map(|reference| id(reference.into_id())).transpose()
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

/// The types of events that are handled; an endpoint at Stripe is made for these.
pub const HANDLED: [&str; 14] = [
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "charge.succeeded",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
];

/// Parses the body of a verified webhook.
///
/// # Rejects
/// [`Unreadable`] for a body that is no event, and for a handled type whose object is not as documented. `livemode` is the
/// secret key's, for the reading of those.
pub fn parse(body: &[u8], livemode: bool) -> Result<StripeEvent, Unreadable> {
    let not_json = |_| Unreadable::of(&Value::Null, livemode, "not JSON");
    let whole: Value = serde_json::from_slice(body).map_err(not_json)?;
    let unreadable = |reason| Unreadable::of(&whole, livemode, reason);
    let envelope = Envelope::deserialize(&whole).map_err(|_| unreadable("not an event"))?;
    if !is_id(&envelope.id) || envelope.kind.len() > 255 {
        return Err(unreadable("no event id or type"));
    }
    let created = wire::time(envelope.created).ok_or_else(|| unreadable("time out of range"))?;
    let fact = fact(&envelope.kind, envelope.data.object).map_err(unreadable)?;
    let (livemode, elsewhere) = (envelope.livemode, elsewhere(&whole));
    Ok(StripeEvent { id: envelope.id, created, livemode, elsewhere, kind: envelope.kind, fact })
}

fn fact(kind: &str, object: Value) -> Result<StripeFact, &'static str> {
    Ok(match kind {
        "checkout.session.completed" => StripeFact::SessionCompleted(session(object)?),
        "checkout.session.async_payment_succeeded" => StripeFact::SessionPaidLater(session(object)?),
        "checkout.session.async_payment_failed" => StripeFact::SessionFailed(session(object)?),
        "checkout.session.expired" => StripeFact::SessionExpired(session(object)?),
        "charge.succeeded" => StripeFact::Charged(charged(&object)),
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

/// The instrument of a charge by its fingerprint; each method that has one has it under its own name.
fn charged(object: &Value) -> ChargedFact {
    let details = object.get("payment_method_details");
    let method = details.and_then(|details| details.get(details.get("type")?.as_str()?));
    let fingerprint = method.and_then(|method| method.get("fingerprint")?.as_str()).filter(|text| is_id(text));
    ChargedFact { names: names(object), fingerprint: fingerprint.map(str::to_owned) }
}

/// Orders named by an object of any type.
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
        ours: session.mode.as_deref().is_none_or(|mode| mode == "payment") && session.names().ours(),
        names: session.names(),
        payment_intent: reference(session.payment_intent)?,
        payment_status: session.payment_status,
        session: id(session.id)?,
        amount,
    })
}

fn charge(object: Value) -> Result<ChargeFact, &'static str> {
    charge_fact(read(object)?)
}

pub(super) fn charge_fact(charge: wire::Charge) -> Result<ChargeFact, &'static str> {
    let available_at = charge.available_at().ok_or("time out of range")?;
    let refunds = charge.refunds.map(|list| list.data).unwrap_or_default();
    if refunds.len() > REFUNDS_MAX {
        return Err("too many refunds");
    }
    Ok(ChargeFact {
        names: OrderNames::of([charge.metadata.order_id.as_deref()]),
        captured: money(charge.amount_captured, &charge.currency)?,
        refunded: money(charge.amount_refunded, &charge.currency)?,
        created: wire::time(charge.created).ok_or("time out of range")?,
        available_at,
        refunds: refunds.into_iter().map(refund).collect::<Result<_, _>>()?,
        payment_intent: reference(charge.payment_intent)?,
        charge: id(charge.id)?,
    })
}

pub(super) fn refund(refund: wire::Refund) -> Result<RefundFact, &'static str> {
    let named = refund.metadata.and_then(|metadata| metadata.refund_id);
    Ok(RefundFact {
        request: named.as_deref().and_then(RefundId::parse),
        amount: money(refund.amount, &refund.currency)?,
        created: wire::time(refund.created).ok_or("time out of range")?,
        payment_intent: reference(refund.payment_intent)?,
        charge: reference(refund.charge)?,
        status: RefundStatus::of(refund.status),
        id: id(refund.id)?,
    })
}

fn dispute(object: Value, closed: bool) -> Result<DisputeFact, &'static str> {
    dispute_fact(read(object)?, closed)
}

pub(super) fn dispute_fact(dispute: wire::Dispute, closed: bool) -> Result<DisputeFact, &'static str> {
    Ok(DisputeFact {
        amount: money(dispute.amount, &dispute.currency)?,
        created: wire::time(dispute.created).ok_or("time out of range")?,
        payment_intent: reference(dispute.payment_intent)?,
        charge: id(dispute.charge.into_id())?,
        status: DisputeStatus::of(&dispute.status),
        id: id(dispute.id)?,
        closed,
    })
}

#[cfg(test)]
mod tests;
