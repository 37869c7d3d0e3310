//! Requests to Stripe and the parsing of its responses.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;

use jiff::ToSpan;
use rust_decimal::Decimal;
use serde_json::json;

use super::*;
use crate::payment::gateway::ZpayCreate;
use crate::payment::gateway::http::tests::Scripted;
use kernel::id::OrderId;
use kernel::money::Currency;

const REFUND: &str = "rfd_01k9zq4r7x8m2v5b3n6c1d0fgh";
const ORDER: &str = "ord_01k9zq4r7x8m2v5b3n6c1d0fgh";

fn now() -> Timestamp {
    "2026-11-20T20:00:00Z".parse().unwrap()
}

fn stripe(answers: &Scripted) -> Stripe {
    let config = ProviderConfig {
        stripe_secret_key: "sk_test_secret".to_owned(),
        stripe_webhook_secret: "whsec_new".to_owned(),
        stripe_webhook_secret_previous: "whsec_old".to_owned(),
        ..ProviderConfig::default()
    };
    Stripe::new(&config, answers.https()).unwrap()
}

async fn ask(stripe: &Stripe, amount: &str, code: &str, minutes: i64) -> Result<Created, CreateFailure> {
    let charge = PayMoney::exact(Decimal::from_str_exact(amount).unwrap(), Currency::parse(code).unwrap()).unwrap();
    let ask = NewPayment {
        order: OrderId::parse(ORDER).unwrap(),
        charge,
        name: "Top-up",
        methods: vec!["card", "alipay"],
        return_url: "https://shop.example.com/payment/result",
        cancel_url: "https://shop.example.com/payment/result?cancelled=1",
        expires_at: now() + minutes.minutes(),
        now: now(),
        client_ip: None,
        zpay_create: ZpayCreate::Redirect,
        channel_ids: &BTreeMap::new(),
    };
    stripe.create(&ask).await
}

fn open_session() -> String {
    json!({
        "id": "cs_test_1", "object": "checkout.session", "url": "https://checkout.stripe.com/c/pay/cs_test_1",
        "status": "open", "payment_status": "unpaid", "payment_intent": null, "client_reference_id": ORDER,
        "metadata": {"order_id": ORDER}, "amount_total": 10000, "currency": "cny", "livemode": false
    })
    .to_string()
}

fn sent(answers: &Scripted) -> BTreeMap<String, String> {
    form_urlencoded::parse(answers.seen()[0].body.as_bytes()).into_owned().collect()
}

/// R4.7
#[tokio::test]
async fn a_session_names_its_order_three_times_and_is_asked_for_once_per_order() {
    let answers = Scripted::answering(200, &open_session());
    let created = ask(&stripe(&answers), "100", "CNY", 60).await.unwrap();
    assert_eq!(created.provider_ref.as_deref(), Some("cs_test_1"));
    assert_eq!(created.pay_url, "https://checkout.stripe.com/c/pay/cs_test_1");
    let form = sent(&answers);
    for field in ["client_reference_id", "metadata[order_id]", "payment_intent_data[metadata][order_id]"] {
        assert_eq!(form[field], ORDER);
    }
    assert_eq!(form["mode"], "payment");
    assert_eq!(form["line_items[0][price_data][unit_amount]"], "10000");
    assert_eq!(form["line_items[0][price_data][currency]"], "cny");
    assert_eq!(
        (form["payment_method_types[0]"].as_str(), form["payment_method_types[1]"].as_str()),
        ("card", "alipay")
    );
    let seen = &answers.seen()[0];
    assert_eq!((seen.method.as_str(), seen.url.as_str()), ("POST", "https://api.stripe.com/v1/checkout/sessions"));
    let header = |name: &str| seen.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    assert_eq!(header("idempotency-key"), Some(ORDER));
    assert_eq!(header("authorization"), Some("Bearer sk_test_secret"));
    assert_eq!(header("stripe-version"), Some(API_VERSION));
}

/// R4.7: an order that Stripe knows with other parameters gets a session under another key.
#[tokio::test]
async fn an_order_that_is_asked_for_again_at_another_time_gets_a_session_of_its_own() {
    let known = r#"{"error": {"type": "idempotency_error", "message": "Keys for idempotent requests can only be used with the same parameters they were first used with."}}"#;
    let answers = Scripted::new(vec![Ok((400, known.to_owned())), Ok((200, open_session()))]);
    let created = ask(&stripe(&answers), "100", "CNY", 60).await.unwrap();
    assert_eq!(created.provider_ref.as_deref(), Some("cs_test_1"));
    let keys: Vec<String> = answers
        .seen()
        .iter()
        .flat_map(|seen| seen.headers.iter().filter(|(name, _)| name == "idempotency-key").map(|(_, key)| key.clone()))
        .collect();
    assert_eq!(keys, [ORDER.to_owned(), format!("{ORDER}-{}", now().as_second())]);
}

/// R4.7: the later of the order's expiry and 31 minutes from now.
#[tokio::test]
async fn a_session_lives_as_long_as_its_order_but_at_least_31_minutes_and_less_than_a_day() {
    for (minutes, lives) in [(5, 31), (30, 31), (31, 31), (60, 60), (3000, 1439)] {
        let answers = Scripted::answering(200, &open_session());
        ask(&stripe(&answers), "100", "CNY", minutes).await.unwrap();
        assert_eq!(sent(&answers)["expires_at"], (now() + lives.minutes()).as_second().to_string());
    }
}

/// R1.1
#[tokio::test]
async fn amounts_go_out_in_stripes_smallest_unit() {
    for (amount, code, units) in [("500", "JPY", "500"), ("0.50", "USD", "50"), ("5.120", "KWD", "5120")] {
        let answers = Scripted::answering(200, &open_session());
        ask(&stripe(&answers), amount, code, 30).await.unwrap();
        assert_eq!(sent(&answers)["line_items[0][price_data][unit_amount]"], units);
    }
    let answers = Scripted::answering(200, &open_session());
    let refused = ask(&stripe(&answers), "5.125", "KWD", 30).await;
    assert_eq!(refused, Err(CreateFailure::Refused("Stripe cannot take 5.125 KWD".to_owned())));
    assert!(answers.seen().is_empty());
}

/// R4.3: Stripe's message, without our key.
#[tokio::test]
async fn a_refusal_of_stripe_is_told_without_secrets() {
    let body = r#"{"error":{"type":"invalid_request_error","message":"Invalid API Key provided: sk_test_secret"}}"#;
    let refused = ask(&stripe(&Scripted::answering(401, body)), "100", "CNY", 30).await;
    assert_eq!(refused, Err(CreateFailure::Refused("Invalid API Key provided: ***".to_owned())));
}

/// R4.3
#[tokio::test]
async fn no_verdict_of_stripe_is_unavailable() {
    for (status, body) in [(500, "{}"), (503, "<html>"), (429, "{}"), (409, "{}"), (200, "{}"), (200, ""), (400, "no")]
    {
        let failed = ask(&stripe(&Scripted::answering(status, body)), "100", "CNY", 30).await;
        assert_eq!(failed, Err(CreateFailure::Unavailable), "{status} {body}");
    }
    assert_eq!(ask(&stripe(&Scripted::new(vec![])), "100", "CNY", 30).await, Err(CreateFailure::Unavailable));
}

/// R4.10
#[tokio::test]
async fn a_retrieved_session_tells_whether_it_is_paid() {
    let paid = open_session()
        .replace("\"open\"", "\"complete\"")
        .replace("\"unpaid\"", "\"paid\"")
        .replace("\"payment_intent\":null", "\"payment_intent\":\"pi_1\"");
    let answers = Scripted::answering(200, &paid);
    let session = stripe(&answers).retrieve("cs_test_1").await.unwrap();
    assert_eq!(session.status, SessionStatus::Complete);
    assert_eq!(session.payment_status, PaymentStatus::Paid);
    assert_eq!(session.payment_intent.as_deref(), Some("pi_1"));
    assert_eq!(session.amount.unwrap().to_string(), "100.00 CNY");
    assert_eq!(session.names.order(), OrderId::parse(ORDER));
    assert_eq!(answers.seen()[0].url, "https://api.stripe.com/v1/checkout/sessions/cs_test_1");
}

/// R4.7: cancelling an order expires its session.
#[tokio::test]
async fn a_session_is_expired_by_its_id() {
    let answers = Scripted::answering(200, &open_session().replace("\"open\"", "\"expired\""));
    assert_eq!(stripe(&answers).expire("cs_test_1").await.unwrap().status, SessionStatus::Expired);
    assert_eq!(answers.seen()[0].url, "https://api.stripe.com/v1/checkout/sessions/cs_test_1/expire");
    let strange = stripe(&answers).expire("../../v1/refunds").await;
    assert_eq!(strange, Err(AskFailure::Unknown));
}

/// R4.7, R5.2: an unknown payment is retrieved; its charge holds the capture time.
#[tokio::test]
async fn a_payment_intent_tells_order_amount_and_when_the_money_was_taken() {
    let body = json!({
        "id": "pi_1", "object": "payment_intent", "status": "succeeded", "amount": 10000, "amount_received": 10000,
        "currency": "cny", "created": 1_795_204_700, "livemode": false, "metadata": {"order_id": ORDER},
        "latest_charge": {
            "id": "ch_1", "object": "charge", "payment_intent": "pi_1", "amount": 10000, "amount_captured": 10000,
            "amount_refunded": 3000, "currency": "cny", "created": 1_795_204_800, "metadata": {"order_id": ORDER}
        }
    });
    let answers = Scripted::answering(200, &body.to_string());
    let intent = stripe(&answers).payment_intent("pi_1").await.unwrap();
    assert!(intent.succeeded);
    assert_eq!(intent.received.to_string(), "100.00 CNY");
    assert_eq!(intent.refunded.unwrap().to_string(), "30.00 CNY");
    assert_eq!(intent.taken_at.as_second(), 1_795_204_800);
    assert_eq!(intent.names.order(), OrderId::parse(ORDER));
    let missing = Scripted::answering(404, r#"{"error":{"message":"No such payment_intent"}}"#);
    assert_eq!(stripe(&missing).payment_intent("pi_2").await, Err(AskFailure::Unknown));
}

/// R4.7
#[test]
fn both_webhook_secrets_verify_and_the_key_says_whether_it_is_live() {
    let stripe = stripe(&Scripted::new(vec![]));
    for secret in ["whsec_new", "whsec_old"] {
        let header = signature::sign(secret, b"{}", now()).unwrap();
        assert_eq!(stripe.verify(&header, b"{}", now()), Ok(()));
    }
    assert!(!stripe.livemode());
    assert!(Stripe { secret_key: "sk_live_1".to_owned(), ..stripe }.livemode());
}

/// R4.7, R4.11: the request's id is the refund's idempotency key and stands in its metadata.
#[tokio::test]
async fn a_refund_is_asked_for_under_its_requests_id() {
    let made = json!({
        "id": "re_1", "object": "refund", "payment_intent": "pi_1", "charge": "ch_1", "amount": 3000, "currency": "cny",
        "status": "pending", "created": 1_795_291_200, "metadata": {"refund_id": REFUND}
    });
    let answers = Scripted::answering(200, &made.to_string());
    let request = RefundId::parse(REFUND).unwrap();
    let amount = PayMoney::from_minor_units(3_000, Currency::parse("CNY").unwrap()).unwrap();
    let refund = stripe(&answers).refund("pi_1", amount, request).await.unwrap();
    assert_eq!((refund.id.as_str(), refund.request, refund.amount), ("re_1", Some(request), amount));
    assert!(refund.told(refund.created).1.pending);
    let seen = &answers.seen()[0];
    assert_eq!((seen.method.as_str(), seen.url.as_str()), ("POST", "https://api.stripe.com/v1/refunds"));
    assert!(seen.headers.contains(&("idempotency-key".to_owned(), REFUND.to_owned())));
    let form: Vec<(String, String)> = sent(&answers).into_iter().collect();
    let wanted = [("amount", "3000"), ("metadata[refund_id]", REFUND), ("payment_intent", "pi_1")];
    assert_eq!(form, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let list = Scripted::answering(200, &json!({"object": "list", "data": [made]}).to_string());
    assert_eq!(stripe(&list).refunds("ch_1").await.unwrap(), [refund]);
    assert_eq!(list.seen()[0].url, "https://api.stripe.com/v1/refunds?limit=100&charge=ch_1");
    let said =
        json!({"error": {"code": "charge_already_refunded", "message": "Charge ch_1 has already been refunded."}});
    let refused = Scripted::answering(400, &said.to_string());
    let why = stripe(&refused).refund("pi_1", amount, request).await.unwrap_err();
    assert_eq!(why, AskFailure::Refused("Charge ch_1 has already been refunded.".to_owned()));
    assert_eq!(stripe(&refused).refund("pi_1/../x", amount, request).await.unwrap_err(), AskFailure::Unknown);
}
