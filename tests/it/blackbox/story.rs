//! Steps of the journey: from signing up with a code to a withdrawal, and the scheduler's leftovers.

use std::collections::BTreeMap;

use bytes::Bytes;
use emulator::clock::machine_time;
use http::Request;
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::operations::auditor::{audit, rebuild};
use shared::table::item::{Item, text};

use super::journey::Journey;
use super::past::{Cast, past};
use crate::operations::audit::book::against;
use crate::processes::{PASSWORD, asked};

/// End of a journey: every user's balances, and the number of items of each type.
pub type Ended = (Value, BTreeMap<String, usize>);

/// Runs the story to its end.
pub async fn play(journey: &mut Journey) -> Ended {
    let cast = past(journey).await;
    let bob = json!({"email": "bob@example.com", "password": PASSWORD, "referral_code": cast.code});
    let (status, told) = journey.ask("register", &asked("POST", "/v1/registrations", "", &bob)).await;
    assert_eq!((status, &told["referral"]["applied"]), (201, &json!(true)), "{told}");
    let bob = told["session"]["access_token"].as_str().unwrap().to_owned();
    journey.consume().await;
    let mut stripe = None;
    for (provider, amount) in [("stripe", "100"), ("zpay", "50")] {
        let body = json!({"amount": amount, "provider": provider});
        let order = journey.ask(provider, &asked("POST", "/v1/payment/orders", &bob, &body)).await;
        assert_eq!(order.0, 201, "{}", order.1);
        pay(journey, &order.1, "twice", machine_time()).await;
        webhooks(journey).await;
        journey.consume().await;
        stripe = stripe.or(Some(order.1));
    }
    let gift = json!({"code": cast.gift});
    let redeemed = journey.ask("redeem", &asked("POST", "/v1/redemptions", &bob, &gift)).await;
    assert_eq!(redeemed.0, 201, "{}", redeemed.1);
    for schedule in ["poll-payments", "expire-orders", "sweep-outbox", "mature-commissions"] {
        journey.tick(schedule).await;
        webhooks(journey).await;
        journey.consume().await;
    }
    outside(journey, &cast, &told["user"]["id"]).await;
    swept(journey).await;
    give_back(journey, &cast, &stripe.unwrap()).await;
    withdraw(journey, &cast).await;
    rest(journey, &cast).await
}

/// The operator's backend debits Bob, and Ivy's shop sells, each under its own key.
async fn outside(journey: &mut Journey, cast: &Cast, bob: &Value) {
    let path = format!("/v1/service/users/{}/debits", bob.as_str().unwrap());
    let debit = json!({"amount": "1.25", "related_id": "job-1", "remark": "a job"});
    let (status, taken) = journey.ask("debit", &asked("POST", &path, &cast.backend, &debit)).await;
    assert_eq!(status, 200, "{taken}");
    let sale = json!({"asset_id": cast.card, "kind": "recharge", "amount": "300", "payment": "wallet"});
    let (status, sold) = journey.ask("sell", &asked("POST", "/v1/agency/orders", &cast.admin, &sale)).await;
    assert_eq!(status, 201, "{sold}");
    journey.consume().await;
}

/// An admin refunds ¥30 of Bob's ¥100 by Stripe.
async fn give_back(journey: &mut Journey, cast: &Cast, order: &Value) {
    let path = format!("/v1/admin/payment/orders/{}/refunds", order["id"].as_str().unwrap());
    let body = json!({"amount": "30", "reason": "sorry"});
    let (status, refund) = journey.ask("refund", &asked("POST", &path, &cast.admin, &body)).await;
    assert_eq!(status, 201, "{refund}");
    webhooks(journey).await;
    swept(journey).await;
    let book = journey.stack().simulators.book();
    assert_eq!(book.payments.values().map(|payment| payment.refunded).sum::<i64>(), 3_000, "fen given back");
}

/// Pays an order at its provider. A gateway identifies the payment by the payer's browser request.
pub async fn pay(journey: &Journey, order: &Value, notify: &str, now: Timestamp) {
    let simulators = &journey.stack().simulators;
    if order["provider"] == "zpay" {
        let page = Request::get(order["pay_url"].as_str().unwrap()).body(Bytes::new()).unwrap();
        simulators.handle(page, now).await;
    }
    let body = json!({"provider": order["provider"], "order_id": order["id"], "action": "pay", "notify": notify});
    let request = Request::post("/_sim/pay").header("content-type", "application/json");
    let request = request.header("host", "127.0.0.1:3000").body(Bytes::from(body.to_string())).unwrap();
    let status = simulators.handle(request, now).await.status().as_u16();
    assert!((200..400).contains(&status), "the provider answers {status} to {order}");
}

/// Delivers the providers' webhooks until each is acknowledged.
async fn webhooks(journey: &mut Journey) {
    let stack = journey.stack();
    loop {
        let due = stack.simulators.due(machine_time());
        if due.is_empty() {
            return;
        }
        for delivery in due {
            let request = delivery.request;
            let step = if request.method() == "GET" { "zpay webhook" } else { "stripe webhook" };
            let (status, body) = journey.ask(step, &request).await;
            let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
            stack.simulators.delivered(delivery.id, status as u16, body.as_bytes());
        }
    }
}

/// Ann withdraws commission to her balance and to her bank.
/// Of two cash requests one is paid and one rejected.
async fn withdraw(journey: &mut Journey, cast: &Cast) {
    let path = "/v1/affiliate/withdrawals";
    let balance = json!({"amount": "0.4", "to": "balance"});
    let done = journey.ask("withdraw", &asked("POST", path, &cast.ann, &balance)).await;
    assert_eq!(done.0, 201, "{}", done.1);
    for (amount, verb, said) in
        [("0.5", "approve", json!({"reference": "SEPA"})), ("0.6", "reject", json!({"reason": "no"}))]
    {
        let payout = json!({"method": "bank", "account": "DE02120300000000202051"});
        let cash = json!({"amount": amount, "to": "cash", "payout": payout});
        let (status, asked_for) = journey.ask("withdraw cash", &asked("POST", path, &cast.ann, &cash)).await;
        assert_eq!(status, 201, "{asked_for}");
        let path = format!("/v1/admin/withdrawals/{}/{verb}", asked_for["id"].as_str().unwrap());
        let (status, decided) = journey.ask(verb, &asked("POST", &path, &cast.admin, &said)).await;
        assert_eq!(status, 200, "{decided}");
    }
}

/// Sweeps the outbox for unsent messages of killed processes and consumes them.
/// The clock is advanced, not waited for.
async fn swept(journey: &mut Journey) {
    let stack = journey.stack();
    stack.clock.advance(std::time::Duration::from_secs(200));
    stack.tick("sweep-outbox").await.unwrap();
    journey.consume().await;
}

/// Retries the rewards that became `failed` because all deliveries of their message were disturbed (R3.7).
async fn retry_failed(journey: &mut Journey) {
    let admin = journey.bench.sign_in("admin@localhost").await;
    let failed = journey.bench.inside("GET", "/v1/admin/rewards?state=failed", &admin, Value::Null).await;
    let failed = failed["items"].as_array().unwrap();
    for reward in failed {
        let path = format!("/v1/admin/rewards/{}/retry", reward["id"].as_str().unwrap());
        journey.bench.inside("POST", &path, &admin, Value::Null).await;
    }
    journey.tally.failed_rewards += failed.len() as u64;
    swept(journey).await;
}

/// Drains queues and outbox, and runs the auditor, which must find nothing.
async fn rest(journey: &mut Journey, cast: &Cast) -> Ended {
    journey.calm_down();
    for _ in 0..3 {
        // A provider that could not be asked is asked again, as the schedules tick every minute.
        for schedule in ["poll-payments", "expire-orders"] {
            journey.tick(schedule).await;
        }
        swept(journey).await;
    }
    retry_failed(journey).await;
    let stack = journey.stack();
    for queue in &stack.template.queues {
        let depth = stack.queues.depth(&queue.spec.name).unwrap();
        assert_eq!((depth.visible, depth.in_flight, depth.delayed), (0, 0, 0), "left in {}", queue.logical_id);
    }
    let items = stack.items().unwrap();
    let findings: Vec<_> = audit(&items).into_iter().chain(against(&stack.simulators.book(), &items)).collect();
    assert!(findings.is_empty(), "the auditor finds {findings:#?}");
    assert_eq!(rebuild(&items).differences, [], "what is stored is what journals and facts say");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let retry = |item: &&Item| text(item, "action") == Some("reward.retried");
    for kind in items.iter().filter(|item| !retry(item)).filter_map(|item| text(item, "type")) {
        *counts.entry(kind.to_owned()).or_default() += 1;
    }
    assert_eq!(counts.get("outbox"), None, "the outbox is empty");
    // These may be lost or doubled without harm, or are spread at random.
    for kind in ["statistics", "try", "once", "raw_event", "session"] {
        counts.remove(kind);
    }
    let mut has = json!({});
    for name in ["ann", "bob", "cid"] {
        // The old token has expired.
        let token = journey.bench.sign_in(&format!("{name}@example.com")).await;
        let me = journey.bench.inside("GET", "/v1/me", &token, Value::Null).await;
        let commission = journey.bench.inside("GET", "/v1/affiliate", &token, Value::Null).await;
        has[name] = json!([me["balance"]["amount"], commission["totals"]]);
    }
    let admin = journey.bench.sign_in("admin@localhost").await;
    let wallet = format!("/v1/agency/wallet?shop_id={}", cast.shop);
    let wallet = journey.bench.inside("GET", &wallet, &admin, Value::Null).await;
    has["ivy"] = ["main", "commission", "debt"].map(|part| wallet[part]["amount"].clone()).into_iter().collect();
    (has, counts)
}
