//! `POST /_sim/pay`: what the buttons of the payment page do, for a person or a test.

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::domain::money::{Currency, PayMoney, plain_decimal};

use super::book::{Content, Session, SessionStatus, StripePayment, Trade};
use super::{Asked, Desk, post, problem, stripe, stripe_objects as objects, zpay};

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    provider: ProviderName,
    order_id: String,
    #[serde(rename = "action")]
    _action: Action,
    /// Another amount than the order's, as a decimal.
    #[serde(default)]
    amount: Option<String>,
    /// Another currency than the order's (Stripe).
    #[serde(default)]
    currency: Option<String>,
    /// How many payments to make.
    #[serde(default)]
    times: Option<u32>,
    #[serde(default)]
    notify: Notify,
    /// How long the notifications take; the money is taken at once.
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
enum Action {
    Pay,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Notify {
    /// Every event is told.
    #[default]
    Now,
    /// No event is told: the webhook is lost.
    Never,
    /// Every event is told twice.
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

/// What was done, and where the payer goes next.
struct Done {
    payments: Vec<Value>,
    back: String,
}

type Refusal = (StatusCode, &'static str);

/// Answers `POST /_sim/pay`: JSON with JSON, the page's form with the way back to the shop.
pub(super) fn handle(desk: &mut Desk<'_>, asked: &Asked<'_>) -> Response<Bytes> {
    if !asked.is(&Method::POST) {
        return problem(StatusCode::METHOD_NOT_ALLOWED, "POST only");
    }
    let from_page = asked.header("content-type").starts_with("application/x-www-form-urlencoded");
    let ask = if from_page { read_form(asked) } else { serde_json::from_slice(asked.request.body()).ok() };
    let Some(ask) = ask else {
        return problem(StatusCode::BAD_REQUEST, "expected {provider, order_id, action: pay, amount?, …}");
    };
    let due_at = desk.now.checked_add(SignedDuration::from_secs(ask.delay_seconds.unwrap_or_default().into()));
    let times = ask.times.unwrap_or(1);
    let (Ok(due_at), 1..=10) = (due_at, times) else {
        return problem(StatusCode::BAD_REQUEST, "delay or times out of range");
    };
    let done = match ask.provider {
        ProviderName::Stripe => pay_stripe(desk, &ask, times, due_at),
        ProviderName::Zpay => pay_zpay(desk, &ask, times, due_at),
    };
    match done {
        Ok(done) if from_page => see_other(&done.back),
        Ok(done) => super::json(StatusCode::OK, &json!({ "order_id": ask.order_id, "payments": done.payments })),
        Err((status, detail)) => problem(status, detail),
    }
}

/// Forms carry text only; empty fields are absent ones.
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
        // A second payment of an order comes through a second session that its payer had open.
        let id = if open { session.id.clone() } else { desk.book.id("cs_test_") };
        let number = desk.book.number();
        let session = Session { id, number, units, currency: currency.clone(), ..session.clone() };
        payments.push(take(desk, session, ask.notify, due_at));
    }
    let back = session.success_url.replace("{CHECKOUT_SESSION_ID}", &session.id);
    Ok(Done { payments, back })
}

fn other_money(ask: &Ask, session: &Session) -> Result<(i64, String), Refusal> {
    let code = ask.currency.clone().unwrap_or_else(|| session.currency.clone());
    let Some(amount) = &ask.amount else { return Ok((session.units, code.to_ascii_lowercase())) };
    let units = Currency::parse(&code.to_ascii_uppercase()).and_then(|currency| {
        let amount = plain_decimal(amount, currency.digits())?;
        PayMoney::exact(amount, currency).ok()?.minor_units().ok()
    });
    let units = units.ok_or((StatusCode::BAD_REQUEST, "no amount of that currency"))?;
    Ok((units, code.to_ascii_lowercase()))
}

/// A session for an order that nobody asked to be paid.
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
    })
}

/// Takes the money of one session and tells of it as Stripe does.
fn take(desk: &mut Desk<'_>, session: Session, notify: Notify, due_at: Timestamp) -> Value {
    let payment = StripePayment {
        intent: desk.book.id("pi_"),
        charge: desk.book.id("ch_"),
        metadata: session.intent_metadata.clone(),
        units: session.units,
        refunded: 0,
        currency: session.currency.clone(),
        created: desk.now.as_second(),
        method: session.methods.first().cloned().unwrap_or_default(),
    };
    let session = Session { status: SessionStatus::Complete, payment_intent: Some(payment.intent.clone()), ..session };
    let happened = [
        ("payment_intent.succeeded", objects::intent(&payment, false)),
        ("charge.succeeded", objects::charge(&payment)),
        ("checkout.session.completed", objects::closed_session(&session)),
    ];
    let mut events = Vec::new();
    for (kind, object) in happened {
        let event = stripe::record(desk.book, kind, object, desk.now);
        for _ in 0..notify.copies() {
            stripe::notify(desk.book, &event, due_at);
        }
        events.push(event.get("id").cloned().unwrap_or_default());
    }
    let done = json!({
        "id": payment.intent, "charge": payment.charge, "session": session.id, "amount_minor": payment.units,
        "currency": payment.currency, "events": events,
    });
    desk.book.payments.insert(payment.intent.clone(), payment);
    desk.book.sessions.insert(session.id.clone(), session);
    done
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
