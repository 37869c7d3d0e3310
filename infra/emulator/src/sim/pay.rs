//! `POST /_sim/pay`: the actions of the payment page's buttons, for people and tests.

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::kernel::money::{Currency, PayMoney, plain_decimal};

use super::book::{Content, PaymentStatus, Session, SessionStatus, StripePayment, Trade};
use super::returns::{self, Telling};
use super::{Asked, Desk, post, problem, stripe_objects as objects, zpay};

/// The request body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    provider: ProviderName,
    order_id: String,
    action: Action,
    /// Id of a payment of the order; the first if absent.
    #[serde(default)]
    payment: Option<String>,
    /// A decimal amount that differs from the order's.
    #[serde(default)]
    amount: Option<String>,
    /// A currency that differs from the order's (Stripe).
    #[serde(default)]
    currency: Option<String>,
    /// Fingerprint of the card that pays (Stripe); one without if absent.
    #[serde(default)]
    card: Option<String>,
    /// Number of payments to make.
    #[serde(default)]
    times: Option<u32>,
    #[serde(default)]
    notify: Notify,
    /// Delay of the notifications; the money is captured at once.
    #[serde(default)]
    delay_seconds: Option<u32>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ProviderName {
    Stripe,
    Zpay,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    Pay,
    /// Pays with a delayed method (Stripe).
    PayLater,
    /// A subscriber of another product on the account pays `amount` (Stripe); `order_id` names nothing.
    Subscribe,
    /// The delayed method succeeds, or fails.
    PaySucceeds,
    PayFails,
    /// Refunds `amount`, or all that remains.
    Refund,
    /// Refunds likewise, with the refund still in progress (Stripe).
    RefundPending,
    RefundSucceeds,
    RefundFails,
    /// The bank opens an inquiry; no money is withheld (Stripe, as are all following actions).
    Inquire,
    /// The bank opens a dispute and withholds `amount`, or all.
    Dispute,
    DisputeUpdated,
    DisputeWon,
    DisputeLost,
    DisputeReopened,
    DisputeReinstated,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Notify {
    /// Sends every event once.
    #[default]
    Now,
    /// Sends no event: the webhook is lost.
    Never,
    /// Sends every event twice.
    Twice,
}

impl Notify {
    fn copies(self) -> usize {
        match self {
            Self::Never => 0,
            Self::Now => 1,
            Self::Twice => 2,
        }
    }
}

/// Result of an action, and the payer's redirect.
struct Done {
    payments: Vec<Value>,
    back: String,
}

pub(super) type Refusal = (StatusCode, &'static str);

/// Handles `POST /_sim/pay`: JSON gets JSON, the page's form gets a redirect to the shop.
pub(super) fn handle(desk: &mut Desk<'_>, asked: &Asked<'_>) -> Response<Bytes> {
    if !asked.is(&Method::POST) {
        return problem(StatusCode::METHOD_NOT_ALLOWED, "POST only");
    }
    let from_page = asked.header("content-type").starts_with("application/x-www-form-urlencoded");
    let ask = if from_page { read_form(asked) } else { serde_json::from_slice(asked.request.body()).ok() };
    let Some(ask) = ask else {
        return problem(StatusCode::BAD_REQUEST, "expected {provider, order_id, action: pay | refund | …, amount?, …}");
    };
    let due_at = desk.now.checked_add(SignedDuration::from_secs(ask.delay_seconds.unwrap_or_default().into()));
    let times = ask.times.unwrap_or(1);
    let (Ok(due_at), 1..=10) = (due_at, times) else {
        return problem(StatusCode::BAD_REQUEST, "delay or times out of range");
    };
    let done = match (ask.provider, ask.action) {
        (ProviderName::Stripe, Action::Pay | Action::PayLater) => pay_stripe(desk, &ask, times, due_at),
        (ProviderName::Stripe, Action::Subscribe) => subscribe(desk, &ask, due_at),
        (ProviderName::Stripe, _) => after_stripe(desk, &ask, due_at),
        (ProviderName::Zpay, Action::Pay) => pay_zpay(desk, &ask, times, due_at),
        (ProviderName::Zpay, Action::Refund) => refund_zpay(desk, &ask),
        (ProviderName::Zpay, _) => Err((StatusCode::BAD_REQUEST, "a gateway does not do that")),
    };
    match done {
        Ok(done) if from_page => see_other(&done.back),
        Ok(done) => super::json(StatusCode::OK, &json!({ "order_id": ask.order_id, "payments": done.payments })),
        Err((status, detail)) => problem(status, detail),
    }
}

/// Forms carry only text; empty fields count as absent.
fn read_form(asked: &Asked<'_>) -> Option<Ask> {
    let number = |name: &str, text: &str| match name {
        "times" | "delay_seconds" => text.parse::<u32>().ok().map(|number| json!(number)),
        _ => Some(json!(text)),
    };
    let filled = asked.fields.iter().filter(|(_, value)| !value.is_empty());
    let fields: Option<serde_json::Map<String, Value>> =
        filled.map(|(name, value)| Some((name.clone(), number(name, value)?))).collect();
    serde_json::from_value(Value::Object(fields?)).ok()
}

fn see_other(url: &str) -> Response<Bytes> {
    let mut response = super::answer(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "paid");
    if let Ok(place) = header::HeaderValue::from_str(url) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

fn pay_stripe(desk: &mut Desk<'_>, ask: &Ask, times: u32, due_at: Timestamp) -> Result<Done, Refusal> {
    let known = desk.book.session_of(&ask.order_id).cloned();
    let session = match known {
        Some(session) => session,
        None => strange_session(desk, ask)?,
    };
    if session.status == SessionStatus::Expired {
        return Err((StatusCode::CONFLICT, "the session has expired"));
    }
    let (units, currency) = other_money(ask, &session)?;
    let mut payments = Vec::new();
    for _ in 0..times {
        let open = desk.book.sessions.get(&session.id).is_none_or(|kept| kept.status == SessionStatus::Open);
        // A second payment of an order uses a second session, as if the payer had two open.
        let id = if open { session.id.clone() } else { desk.book.id("cs_test_") };
        let number = desk.book.number();
        let session = Session { id, number, units, currency: currency.clone(), ..session.clone() };
        let telling = Telling { copies: ask.notify.copies(), due_at };
        payments.push(take(desk, session, (matches!(ask.action, Action::PayLater), ask.card.clone()), &telling));
    }
    let back = session.success_url.replace("{CHECKOUT_SESSION_ID}", &session.id);
    Ok(Done { payments, back })
}

fn other_money(ask: &Ask, session: &Session) -> Result<(i64, String), Refusal> {
    let code = ask.currency.clone().unwrap_or_else(|| session.currency.clone());
    let Some(amount) = &ask.amount else { return Ok((session.units, code.to_ascii_lowercase())) };
    Ok((units_of(amount, &code)?, code.to_ascii_lowercase()))
}

/// A session for an order that has none.
fn strange_session(desk: &mut Desk<'_>, ask: &Ask) -> Result<Session, Refusal> {
    if ask.amount.is_none() {
        return Err((StatusCode::NOT_FOUND, "no session for this order: give an amount to pay it all the same"));
    }
    let named = [("order_id".to_owned(), ask.order_id.clone())];
    Ok(Session {
        id: desk.book.id("cs_test_"),
        number: 0,
        reference: Some(ask.order_id.clone()),
        metadata: named.clone().into(),
        intent_metadata: named.into(),
        units: 0,
        currency: "cny".to_owned(),
        name: "Top-up".to_owned(),
        success_url: desk.config.base_url.clone(),
        cancel_url: None,
        created: desk.now.as_second(),
        expires_at: desk.now.as_second().saturating_add(1860),
        status: SessionStatus::Open,
        payment_intent: None,
        methods: vec!["card".to_owned()],
        subscription: false,
        delayed: false,
    })
}

/// A subscription's first payment: session, intent and charge name no order.
fn subscribe(desk: &mut Desk<'_>, ask: &Ask, due_at: Timestamp) -> Result<Done, Refusal> {
    let ours = strange_session(desk, ask)?;
    let (units, currency) = other_money(ask, &ours)?;
    let (metadata, intent_metadata) = Default::default();
    let other = Session { reference: None, metadata, intent_metadata, units, currency, subscription: true, ..ours };
    let back = other.success_url.clone();
    let telling = Telling { copies: ask.notify.copies(), due_at };
    Ok(Done { payments: vec![take(desk, other, (false, None), &telling)], back })
}

/// Takes the payment of a session and sends Stripe's events.
/// A delayed method has not captured the money yet.
fn take(desk: &mut Desk<'_>, session: Session, (delayed, card): (bool, Option<String>), telling: &Telling) -> Value {
    let payment = StripePayment {
        intent: desk.book.id("pi_"),
        charge: desk.book.id("ch_"),
        metadata: session.intent_metadata.clone(),
        units: session.units,
        refunded: 0,
        currency: session.currency.clone(),
        created: desk.now.as_second(),
        available: (!delayed).then(|| desk.now.as_second()),
        method: session.methods.first().cloned().unwrap_or_default(),
        status: if delayed { PaymentStatus::Processing } else { PaymentStatus::Succeeded },
        disputed: false,
        card,
    };
    let payment_intent = Some(payment.intent.clone());
    let session = Session { status: SessionStatus::Complete, payment_intent, delayed, ..session };
    let mut happened = Vec::new();
    if !delayed {
        happened.push(("payment_intent.succeeded", objects::intent(&payment, false)));
        happened.push(("charge.succeeded", objects::charge(&payment)));
    }
    happened.push(("checkout.session.completed", objects::closed_session(&session)));
    let events = telling.tell(desk, happened);
    let done = json!({
        "id": payment.intent, "charge": payment.charge, "session": session.id, "amount_minor": payment.units,
        "currency": payment.currency, "events": events,
    });
    desk.book.payments.insert(payment.intent.clone(), payment);
    desk.book.sessions.insert(session.id.clone(), session);
    done
}

/// Applies an action to a payment that was made.
fn after_stripe(desk: &mut Desk<'_>, ask: &Ask, due_at: Timestamp) -> Result<Done, Refusal> {
    let wanted = |payment: &&&StripePayment| ask.payment.as_ref().is_none_or(|id| payment.intent == *id);
    let payment = desk.book.payments_of(&ask.order_id).iter().find(wanted).copied().cloned();
    let payment = payment.ok_or((StatusCode::NOT_FOUND, "the order has no such payment"))?;
    let units = match &ask.amount {
        Some(amount) => Some(units_of(amount, &payment.currency)?),
        None => None,
    };
    let telling = Telling { copies: ask.notify.copies(), due_at };
    let done = returns::act(desk, &payment, ask.action, units, &telling)?;
    let back = desk.book.session_of(&ask.order_id).map(|session| format!("/_sim/stripe/pay/{}", session.id));
    Ok(Done { payments: vec![done], back: back.unwrap_or_else(|| desk.config.base_url.clone()) })
}

fn units_of(amount: &str, code: &str) -> Result<i64, Refusal> {
    let units = match Currency::parse(&code.to_ascii_uppercase()) {
        Some(currency) => plain_decimal(amount, currency.digits())
            .and_then(|amount| PayMoney::exact(amount, currency).ok()?.minor_units().ok()),
        // A provider may take a currency that nobody here knows.
        None => plain_decimal(amount, 2).and_then(|amount| amount.checked_mul(Decimal::ONE_HUNDRED)?.to_i64()),
    };
    units.ok_or((StatusCode::BAD_REQUEST, "no amount of that currency"))
}

/// Refunds at the Zpay gateway, which sends no notification.
fn refund_zpay(desk: &mut Desk<'_>, ask: &Ask) -> Result<Done, Refusal> {
    let trade = match &ask.payment {
        Some(number) => desk.book.trades.get(number),
        None => desk.book.trade_of(&ask.order_id),
    };
    let trade = trade.cloned().ok_or((StatusCode::NOT_FOUND, "unknown order"))?;
    let money = match &ask.amount {
        Some(amount) => zpay::yuan(amount).ok_or((StatusCode::BAD_REQUEST, "no amount of yuan"))?,
        None => trade.money,
    };
    zpay::give_back(desk, &trade, money).map_err(|message| (StatusCode::CONFLICT, message))?;
    let payments = vec![json!({ "id": trade.trade_no, "amount": money.amount().to_string(), "currency": "CNY" })];
    Ok(Done { payments, back: format!("/_sim/zpay/pay/{}", trade.trade_no) })
}

fn pay_zpay(desk: &mut Desk<'_>, ask: &Ask, times: u32, due_at: Timestamp) -> Result<Done, Refusal> {
    if ask.currency.as_deref().is_some_and(|code| !code.eq_ignore_ascii_case("cny")) {
        return Err((StatusCode::BAD_REQUEST, "Zpay takes CNY only"));
    }
    let no_amount = (StatusCode::BAD_REQUEST, "no amount of yuan");
    let other = ask.amount.as_deref().map(|amount| zpay::yuan(amount).ok_or(no_amount)).transpose()?;
    let known = desk.book.trade_of(&ask.order_id).cloned();
    let trade = match (known, other) {
        (Some(trade), _) => trade,
        (None, Some(money)) => zpay::strange_trade(desk, &ask.order_id, money),
        (None, None) => {
            return Err((StatusCode::NOT_FOUND, "unknown order: open its pay URL first, or give an amount"));
        }
    };
    let mut payments = Vec::new();
    let mut unpaid = trade.ended_at.is_none() && !trade.trade_no.is_empty();
    let mut back = trade.return_url.clone();
    for _ in 0..times {
        let trade_no = if unpaid { trade.trade_no.clone() } else { zpay::trade_no(desk) };
        unpaid = false;
        let paid = Trade { trade_no, money: other.unwrap_or(trade.money), ended_at: Some(desk.now), ..trade.clone() };
        let told = zpay::notification(&paid, desk.config);
        for _ in 0..ask.notify.copies() {
            post::send(desk.book, Content::Zpay { url: zpay::with_query(&paid.notify_url, &told) }, due_at);
        }
        back = zpay::with_query(&paid.return_url, &told);
        payments.push(json!({ "id": paid.trade_no, "amount": paid.money.amount().to_string(), "currency": "CNY" }));
        desk.book.trades.insert(paid.trade_no.clone(), paid);
    }
    Ok(Done { payments, back })
}
