//! Simulated Stripe's API: the merchant's requests, with Stripe's validation and errors.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::book::{
    Book, Content, Dispute, KeptAnswer, PaymentStatus, RefundStatus, Session, SessionStatus, StripePayment,
};
use super::returns::{self, Telling};
use super::{Asked, Desk, endpoints, post, stripe_objects as objects};

/// Minimum and maximum lifetime of a session, in seconds.
const SESSION_LIFE: std::ops::RangeInclusive<i64> = 30 * 60..=24 * 60 * 60;
const DAY: i64 = 24 * 60 * 60;

/// An error in Stripe's format.
pub(super) struct Failure {
    status: StatusCode,
    kind: &'static str,
    code: Option<&'static str>,
    message: String,
    param: Option<String>,
}

impl Failure {
    pub(super) fn invalid(code: &'static str, param: &str, message: impl Into<String>) -> Self {
        let (param, message) = (Some(param.to_owned()), message.into());
        Self { status: StatusCode::BAD_REQUEST, kind: "invalid_request_error", code: Some(code), message, param }
    }

    pub(super) fn missing(kind: &str, id: &str) -> Self {
        let message = format!("No such {kind}: '{id}'");
        Self { status: StatusCode::NOT_FOUND, ..Self::invalid("resource_missing", "id", message) }
    }

    fn answer(&self) -> Response<Bytes> {
        let mut error = json!({ "type": self.kind, "message": self.message });
        if let Some(fields) = error.as_object_mut() {
            fields.extend(self.code.map(|code| ("code".to_owned(), json!(code))));
            fields.extend(self.param.as_ref().map(|param| ("param".to_owned(), json!(param))));
        }
        super::json(self.status, &json!({ "error": error }))
    }
}

/// Handles a request under `/v1`.
pub(super) fn handle(desk: &mut Desk<'_>, asked: &Asked<'_>, path: &[&str]) -> Response<Bytes> {
    if let Err(failure) = authorized(desk, asked) {
        return failure.answer();
    }
    let done = match path {
        ["webhook_endpoints", id] if asked.is(&Method::DELETE) => endpoints::delete(desk, id),
        _ if asked.is(&Method::POST) => once(desk, asked, path),
        _ => read(desk, asked, path),
    };
    let expands =
        asked.fields.iter().any(|(name, of)| name.starts_with("expand[") && of.ends_with("balance_transaction"));
    match done {
        Ok(mut object) if expands => {
            expand_balance(desk, &mut object);
            super::json(StatusCode::OK, &object)
        }
        Ok(object) => super::json(StatusCode::OK, &object),
        Err(failure) => failure.answer(),
    }
}

/// Replaces the balance transaction's id by the object, in every charge of an answer.
fn expand_balance(desk: &Desk<'_>, of: &mut Value) {
    match of {
        Value::Array(items) => items.iter_mut().for_each(|item| expand_balance(desk, item)),
        Value::Object(fields) => {
            let charge = fields.get("id").and_then(Value::as_str).map(str::to_owned);
            let payment = desk.book.payments.values().find(|payment| Some(&payment.charge) == charge.as_ref());
            if let Some(payment) = payment {
                let made = payment
                    .available
                    .map(|created| json!({"id": "txn_sim", "object": "balance_transaction", "created": created}));
                fields.insert("balance_transaction".to_owned(), made.unwrap_or_default());
            }
            fields.values_mut().for_each(|field| expand_balance(desk, field));
        }
        _ => {}
    }
}

fn authorized(desk: &Desk<'_>, asked: &Asked<'_>) -> Result<(), Failure> {
    let key = asked.header("authorization").strip_prefix("Bearer ").unwrap_or_default();
    if !key.is_empty() && key == desk.config.stripe_secret_key {
        return Ok(());
    }
    let message = match key.get(..8) {
        Some(start) => format!("Invalid API Key provided: {start}****"),
        None => "You did not provide an API key.".to_owned(),
    };
    let status = StatusCode::UNAUTHORIZED;
    Err(Failure { status, kind: "invalid_request_error", code: None, message, param: None })
}

/// Executes a POST request, or returns the stored response of its idempotency key.
fn once(desk: &mut Desk<'_>, asked: &Asked<'_>, path: &[&str]) -> Result<Value, Failure> {
    let key = asked.header("idempotency-key");
    if key.is_empty() {
        return write(desk, asked, path);
    }
    let request = format!("{} {:?}", asked.path.join("/"), asked.fields);
    match desk.book.kept.get(key) {
        Some(kept) if kept.request == request => Ok(kept.answer.clone()),
        Some(_) => Err(Failure {
            status: StatusCode::BAD_REQUEST,
            kind: "idempotency_error",
            code: None,
            message:
                "Keys for idempotent requests can only be used with the same parameters they were first used with."
                    .to_owned(),
            param: None,
        }),
        None => {
            let answer = write(desk, asked, path)?;
            desk.book.kept.insert(key.to_owned(), KeptAnswer { request, answer: answer.clone() });
            Ok(answer)
        }
    }
}

fn write(desk: &mut Desk<'_>, asked: &Asked<'_>, path: &[&str]) -> Result<Value, Failure> {
    match path {
        ["checkout", "sessions"] => create_session(desk, asked),
        ["checkout", "sessions", id, "expire"] => expire_session(desk, id),
        ["refunds"] => create_refund(desk, asked),
        ["webhook_endpoints"] => endpoints::create(desk, asked),
        ["webhook_endpoints", id] => endpoints::update(desk, asked, id),
        _ => Err(unrecognized(asked)),
    }
}

fn read(desk: &Desk<'_>, asked: &Asked<'_>, path: &[&str]) -> Result<Value, Failure> {
    let expanded =
        asked.fields.iter().any(|(name, value)| name.starts_with("expand[") && value.starts_with("latest_charge"));
    let book = &*desk.book;
    match path {
        ["checkout", "sessions", id] => {
            let session = book.sessions.get(*id).ok_or_else(|| Failure::missing("checkout.session", id))?;
            Ok(objects::session(session, desk.config))
        }
        ["payment_intents", id] => {
            let payment = book.payments.get(*id).ok_or_else(|| Failure::missing("payment_intent", id))?;
            Ok(objects::intent(payment, expanded))
        }
        ["charges", id] => {
            let payment = book.payments.values().find(|payment| payment.charge == **id);
            Ok(objects::charge(payment.ok_or_else(|| Failure::missing("charge", id))?))
        }
        ["charges"] => Ok(charges(desk, asked)),
        ["disputes"] => {
            let of = |name, value: &str| asked.field(name).is_none_or(|wanted| wanted == value);
            let disputes = book.disputes.values();
            let wanted = disputes.filter(|d| of("payment_intent", &d.intent) && of("charge", &d.charge));
            Ok(listed(asked, "/v1/disputes", wanted.map(|one| (one.created, objects::dispute(one)))))
        }
        ["refunds", id] => Ok(objects::refund(book.refunds.get(*id).ok_or_else(|| Failure::missing("refund", id))?)),
        ["refunds"] => {
            let of = |name, value: &str| asked.field(name).is_none_or(|wanted| wanted == value);
            let refunds = book.refunds.values();
            let wanted = refunds.filter(|r| of("payment_intent", &r.intent) && of("charge", &r.charge));
            Ok(listed(asked, "/v1/refunds", wanted.map(|one| (one.created, objects::refund(one)))))
        }
        ["webhook_endpoints"] => Ok(objects::list("/v1/webhook_endpoints", endpoints::all(book))),
        ["events", id] => {
            let event = book.events.iter().find(|event| event.get("id").and_then(Value::as_str) == Some(*id));
            event.cloned().ok_or_else(|| Failure::missing("event", id))
        }
        ["events"] => {
            let of_type =
                |event: &&Value| asked.field("type").is_none_or(|kind| event.get("type") == Some(&json!(kind)));
            Ok(objects::list("/v1/events", book.events.iter().rev().filter(of_type).cloned().collect()))
        }
        _ => Err(unrecognized(asked)),
    }
}

/// The paid charges of a time range.
fn charges(desk: &Desk<'_>, asked: &Asked<'_>) -> Value {
    let taken = desk.book.payments.values().filter(|payment| payment.status == PaymentStatus::Succeeded);
    listed(asked, "/v1/charges", taken.map(|payment| (payment.created, objects::charge(payment))))
}

/// A page of a list: what was created in a time range, newest first, from a given object on.
fn listed(asked: &Asked<'_>, url: &str, of: impl Iterator<Item = (i64, Value)>) -> Value {
    let number = |name: &str| asked.field(name).and_then(|text| text.parse::<i64>().ok());
    let (from, to) = (number("created[gte]").unwrap_or(i64::MIN), number("created[lt]").unwrap_or(i64::MAX));
    let limit = asked.field("limit").and_then(|text| text.parse().ok()).unwrap_or(10);
    let id = |object: &Value| object.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut found: Vec<(i64, String, Value)> = of
        .filter(|(created, _)| (from..to).contains(created))
        .map(|(created, object)| (created, id(&object), object))
        .collect();
    found.sort_by(|one, other| (other.0, &other.1).cmp(&(one.0, &one.1)));
    let after = asked.field("starting_after").and_then(|id| found.iter().position(|(_, known, _)| known == id));
    let skipped = after.map_or(0, |at| at.saturating_add(1));
    objects::page(url, found.into_iter().skip(skipped).map(|(_, _, object)| object).collect(), limit)
}

fn unrecognized(asked: &Asked<'_>) -> Failure {
    let message = format!("Unrecognized request URL ({}: {}).", asked.request.method(), asked.request.uri().path());
    let status = StatusCode::NOT_FOUND;
    Failure { status, kind: "invalid_request_error", code: None, message, param: None }
}

fn create_session(desk: &mut Desk<'_>, asked: &Asked<'_>) -> Result<Value, Failure> {
    known(asked)?;
    let methods = methods(asked)?;
    if asked.field("mode") != Some("payment") {
        return Err(Failure::invalid("parameter_missing", "mode", "This simulator knows mode=payment only."));
    }
    let created = desk.now.as_second();
    let expires_at = match asked.field("expires_at") {
        Some(_) => integer(asked, "expires_at")?,
        None => created.saturating_add(DAY),
    };
    if !SESSION_LIFE.contains(&expires_at.saturating_sub(created)) {
        let message =
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.";
        return Err(Failure::invalid("parameter_invalid", "expires_at", message));
    }
    let price = "line_items[0][price_data]";
    let units = integer(asked, &format!("{price}[unit_amount]"))?;
    let quantity = integer(asked, "line_items[0][quantity]")?;
    let units = units.checked_mul(quantity).filter(|units| (1..=99_999_999).contains(units));
    let units = units.ok_or_else(|| Failure::invalid("parameter_invalid_integer", price, "Invalid amount"))?;
    let session = Session {
        id: desk.book.id("cs_test_"),
        number: desk.book.number(),
        reference: asked.field("client_reference_id").map(str::to_owned),
        metadata: group(asked, "metadata"),
        intent_metadata: group(asked, "payment_intent_data[metadata]"),
        units,
        currency: required(asked, &format!("{price}[currency]"))?.to_ascii_lowercase(),
        name: required(asked, &format!("{price}[product_data][name]"))?.to_owned(),
        success_url: required(asked, "success_url")?.to_owned(),
        cancel_url: asked.field("cancel_url").map(str::to_owned),
        created,
        expires_at,
        status: SessionStatus::Open,
        payment_intent: None,
        subscription: false,
        delayed: false,
        methods,
    };
    let answer = objects::session(&session, desk.config);
    desk.book.sessions.insert(session.id.clone(), session);
    Ok(answer)
}

/// Stripe rejects unknown parameters.
fn known(asked: &Asked<'_>) -> Result<(), Failure> {
    const NAMES: [&str; 7] =
        ["mode", "client_reference_id", "success_url", "cancel_url", "expires_at", "customer_email", "locale"];
    const GROUPS: [&str; 5] =
        ["metadata[", "payment_intent_data[", "line_items[0][", "payment_method_types[", "payment_method_options["];
    let known = |name: &str| NAMES.contains(&name) || GROUPS.iter().any(|group| name.starts_with(group));
    match asked.fields.keys().find(|name| !known(name)) {
        None => Ok(()),
        Some(name) => Err(Failure::invalid("parameter_unknown", name, format!("Received unknown parameter: {name}"))),
    }
}

/// Payment methods of a Checkout Session that the simulator knows.
const METHODS: [&str; 14] = [
    "acss_debit",
    "alipay",
    "bancontact",
    "boleto",
    "card",
    "customer_balance",
    "eps",
    "ideal",
    "klarna",
    "konbini",
    "link",
    "sepa_debit",
    "us_bank_account",
    "wechat_pay",
];
/// Parameters that Stripe requires with a method: method, name, and the values that it takes.
const REQUIRED: [(&str, &str, &[&str]); 3] = [
    ("acss_debit", "mandate_options", &[]),
    ("customer_balance", "funding_type", &["bank_transfer"]),
    ("wechat_pay", "client", &["web"]),
];
/// Methods that the simulated Dashboard switches on.
const DASHBOARD: [&str; 2] = ["card", "alipay"];

/// The session's payment methods, with the parameters that Stripe requires for each; those of the Dashboard if none is named.
fn methods(asked: &Asked<'_>) -> Result<Vec<String>, Failure> {
    let named = group(asked, "payment_method_types");
    for (index, method) in &named {
        if !METHODS.contains(&method.as_str()) {
            let message = format!("Invalid payment_method_types[{index}]: must be one of {}", METHODS.join(", "));
            return Err(Failure::invalid("parameter_invalid", &format!("payment_method_types[{index}]"), message));
        }
    }
    let of = |method: &str| named.values().any(|known| known == method);
    for (method, name, values) in REQUIRED.iter().filter(|(method, ..)| of(method)) {
        let param = format!("payment_method_options[{method}][{name}]");
        let value = required(asked, &param)?;
        if !values.contains(&value) {
            let message = format!("Invalid {param}: must be one of {}", values.join(", "));
            return Err(Failure::invalid("parameter_invalid", &param, message));
        }
    }
    let takes = |name: &&String| {
        let inside = name.strip_prefix("payment_method_options[").and_then(|rest| rest.strip_suffix(']'));
        let known = inside.and_then(|inside| inside.split_once("]["));
        known.is_some_and(|(method, option)| REQUIRED.iter().any(|(of, name, _)| (*of, *name) == (method, option)))
    };
    let mut options = asked.fields.keys().filter(|name| name.starts_with("payment_method_options["));
    if let Some(name) = options.find(|name| !takes(name)) {
        let message = format!("Received unknown parameter: {name}");
        return Err(Failure::invalid("parameter_unknown", name, message));
    }
    let chosen: Vec<String> = named.into_values().collect();
    Ok(if chosen.is_empty() { DASHBOARD.map(str::to_owned).to_vec() } else { chosen })
}

pub(super) fn required<'a>(asked: &'a Asked<'_>, name: &str) -> Result<&'a str, Failure> {
    let missing = || Failure::invalid("parameter_missing", name, format!("Missing required param: {name}."));
    asked.field(name).ok_or_else(missing)
}

fn integer(asked: &Asked<'_>, name: &str) -> Result<i64, Failure> {
    let text = required(asked, name)?;
    let invalid = |_| Failure::invalid("parameter_invalid_integer", name, format!("Invalid integer: {text}"));
    text.parse().map_err(invalid)
}

/// The fields `prefix[…]`, by their key in brackets.
pub(super) fn group(asked: &Asked<'_>, prefix: &str) -> BTreeMap<String, String> {
    let inside = |name: &str| Some(name.strip_prefix(prefix)?.strip_prefix('[')?.strip_suffix(']')?.to_owned());
    asked.fields.iter().filter_map(|(name, value)| Some((inside(name)?, value.clone()))).collect()
}

fn expire_session(desk: &mut Desk<'_>, id: &str) -> Result<Value, Failure> {
    let session = desk.book.sessions.get_mut(id).ok_or_else(|| Failure::missing("checkout.session", id))?;
    if session.status != SessionStatus::Open {
        let message = format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of {}.",
            session.status.as_str()
        );
        return Err(Failure::invalid("resource_invalid_state", "session", message));
    }
    session.status = SessionStatus::Expired;
    let object = objects::session(session, desk.config);
    let event = record(desk.book, "checkout.session.expired", object.clone(), desk.now);
    notify(desk.book, &event, desk.now);
    Ok(object)
}

/// Expires the sessions that are past their expiry, and sends their events.
pub(super) fn expire_sessions(book: &mut Book, now: Timestamp) {
    let over = |session: &&mut Session| session.status == SessionStatus::Open && session.expires_at <= now.as_second();
    let mut ended = Vec::new();
    for session in book.sessions.values_mut().filter(over) {
        session.status = SessionStatus::Expired;
        ended.push(session.clone());
    }
    for session in ended {
        let event = record(book, "checkout.session.expired", objects::closed_session(&session), now);
        notify(book, &event, now);
    }
}

fn create_refund(desk: &mut Desk<'_>, asked: &Asked<'_>) -> Result<Value, Failure> {
    let wanted = |payment: &&StripePayment| match (asked.field("payment_intent"), asked.field("charge")) {
        (Some(intent), _) => payment.intent == intent,
        (None, charge) => Some(payment.charge.as_str()) == charge,
    };
    let payment = desk.book.payments.values().find(wanted).cloned();
    let payment = payment.ok_or_else(|| Failure::missing("payment_intent", "?"))?;
    let left = payment.units.saturating_sub(payment.refunded);
    let units = if asked.field("amount").is_some() { integer(asked, "amount")? } else { left };
    let away = |dispute: &Dispute| dispute.intent == payment.intent && dispute.status.withholds();
    if desk.book.disputes.values().any(away) {
        let message = format!("Charge {} has been charged back; cannot issue a refund.", payment.charge);
        return Err(Failure::invalid("charge_disputed", "charge", message));
    }
    if left == 0 {
        let message = format!("Charge {} has already been refunded.", payment.charge);
        return Err(Failure::invalid("charge_already_refunded", "charge", message));
    }
    if payment.status != PaymentStatus::Succeeded || !(1..=left).contains(&units) {
        let message = "Refund amount is greater than unrefunded amount on charge, or not positive";
        return Err(Failure::invalid("parameter_invalid_integer", "amount", message));
    }
    let about = returns::About { reason: asked.field("reason").map(str::to_owned), metadata: group(asked, "metadata") };
    let refund = returns::refund(desk, &payment, units, RefundStatus::Succeeded, about, &Telling::at_once(desk.now));
    Ok(objects::refund(&refund))
}

/// Records an event and returns it.
pub(super) fn record(book: &mut Book, kind: &str, object: Value, now: Timestamp) -> Value {
    let event = objects::event(&book.id("evt_"), kind, object, now.as_second());
    book.events.push(event.clone());
    event
}

/// Schedules the webhook of an event.
pub(super) fn notify(book: &mut Book, event: &Value, due_at: Timestamp) {
    post::send(book, Content::Stripe { body: event.to_string() }, due_at);
}
