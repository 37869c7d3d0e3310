//! A process freezes while the scheduler and a webhook work on the same order.
//! It freezes at each of its calls in turn.

use bytes::Bytes;
use emulator::clock::machine_time;
use http::Request;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::operations::auditor::audit;

use super::gate::Moment;
use super::journey::Journey;
use super::story::pay;
use crate::facts;
use crate::processes::PASSWORD;

/// Maximum number of calls of either process.
const CALLS: u32 = 12;

fn ago(seconds: i64) -> Timestamp {
    machine_time().checked_sub(SignedDuration::from_secs(seconds)).unwrap()
}

/// Creates Bob and returns his token; orders are made in his past.
async fn bob(journey: &Journey) -> String {
    let bench = &journey.bench;
    journey.stack().clock.set(ago(1_810));
    let admin = bench.sign_in("admin@localhost").await;
    bench
        .settings(&admin, "payment", |payment| {
            payment["enabled"] = json!(true);
            payment["max_orders_per_minute"] = json!(60);
        })
        .await;
    let bob = json!({"email": "bob@example.com", "password": PASSWORD});
    let bob = bench.inside("POST", "/v1/registrations", "", bob).await;
    bob["session"]["access_token"].as_str().unwrap().to_owned()
}

/// Creates an order of ¥`amount` in the past, so that it is due now.
/// Its payer has opened the gateway's page.
async fn due_order(journey: &Journey, token: &str, amount: u32) -> Value {
    journey.stack().clock.set(ago(1_801));
    let body = json!({"amount": amount.to_string(), "provider": "zpay"});
    let order = journey.bench.inside("POST", "/v1/payment/orders", token, body).await;
    let page = Request::get(order["pay_url"].as_str().unwrap()).body(Bytes::new()).unwrap();
    journey.stack().simulators.handle(page, ago(1_800)).await;
    journey.stack().clock.set(machine_time());
    order
}

async fn status(journey: &Journey, order: &Value) -> Value {
    let token = journey.bench.sign_in("bob@example.com").await;
    let path = format!("/v1/payment/orders/{}", order["id"].as_str().unwrap());
    journey.bench.inside("GET", &path, &token, Value::Null).await["status"].clone()
}

/// The gateway's notification of the last paid order.
fn notification(journey: &Journey) -> Request<Bytes> {
    journey.stack().simulators.due(machine_time()).pop().unwrap().request
}

/// Freezes `binary` before and after each of its calls while `meanwhile` works on the same order.
/// `event` builds the binary's event of an order. Returns the number of freezes.
async fn at_each_call(
    binary: &str,
    event: impl AsyncFn(&Journey, &Value) -> Value,
    meanwhile: impl AsyncFn(&mut Journey, &Value),
) -> u32 {
    let mut journey = Journey::new(None).await;
    let token = bob(&journey).await;
    let (mut stood, mut paid) = (0, 0);
    for call in 0..CALLS {
        for moment in [Moment::Before(call), Moment::After(call)] {
            let order = due_order(&journey, &token, 72 + stood).await;
            let event = event(&journey, &order).await;
            let worker = journey.worker(binary).await;
            let (worker, thawed) = match worker.freeze(&event, moment).await {
                Ok(frozen) => {
                    stood += 1;
                    meanwhile(&mut journey, &order).await;
                    frozen.thaw().await
                }
                Err(ended) => {
                    meanwhile(&mut journey, &order).await;
                    ended
                }
            };
            journey.back(worker);
            let thawed = thawed.unwrap();
            assert!(thawed["statusCode"].as_u64().unwrap_or(200) < 500, "{moment:?}: {thawed}");
            // In either order the money is credited exactly once.
            assert_eq!(status(&journey, &order).await, "paid", "{binary} stood {moment:?}");
            paid += 1;
            journey.consume().await;
            let findings = audit(&journey.stack().items().unwrap());
            assert!(findings.is_empty(), "{binary} stood {moment:?}: {findings:#?}");
        }
    }
    let postings = journey.stack().items().unwrap();
    let postings = postings.iter().filter(|item| shared::table::item::text(item, "type") == Some("posting")).count();
    assert_eq!(postings, paid, "one movement for each order");
    facts::note(&format!("blackbox-{binary}"), &json!({"freezes": stood}));
    stood
}

/// R4.4, R4.6: a webhook freezes before and after each call while the scheduler expires its order.
/// The scheduler polls the gateway and credits; the resumed webhook finds the order credited.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_frozen_while_its_order_expires_credits_nothing_twice() {
    let event = async |journey: &Journey, order: &Value| {
        pay(journey, order, "now", machine_time()).await;
        journey.bench.0.event(&notification(journey)).unwrap().1
    };
    let stood = at_each_call("payment-webhook", event, async |journey, _| {
        journey.tick("expire-orders").await;
    })
    .await;
    assert!(stood > 8, "it stood {stood} times");
}

/// R4.4, R4.6: the scheduler freezes before and after each call while the due order is paid.
/// The webhook credits the order meanwhile, and the scheduler expires no paid order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scheduler_frozen_while_an_order_is_paid_expires_nothing_that_is_paid() {
    let event = async |_: &Journey, _: &Value| json!({"schedule": "expire-orders"});
    let stood = at_each_call("scheduler", event, async |journey, order| {
        pay(journey, order, "now", machine_time()).await;
        let (status, body) = journey.ask("webhook", &notification(journey)).await;
        assert_eq!((status, body), (200, json!("success")));
    })
    .await;
    assert!(stood > 8, "it stood {stood} times");
}
