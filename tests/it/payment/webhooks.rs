//! Webhooks: repeated, concurrent, out of order, forged, unrelated (faults.md, Webhooks).
//! None credits wrongly, none loses money, none gets a 5xx.

use std::sync::Arc;

use bytes::Bytes;
use emulator::connector::Backend;
use emulator::sim::{AtTime, https};
use http::Request;
use serde_json::{Value, json};
use shared::app::App;
use shared::payment::gateway::stripe::signature::sign;
use shared::payment::gateway::{ProviderConfig, Providers};
use tower::ServiceExt;

use crate::world::{Answer, World};

async fn bob(world: &World) -> Value {
    world.open().await;
    world.register("bob", None).await;
    world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await
}

/// Stripe's event of a paid session, not delivered.
pub async fn completed(world: &World, order: &Value) -> Value {
    world.pay(order, json!({"notify": "never"})).await;
    let request = Request::get("/_sim/stripe/v1/events?limit=100")
        .header("authorization", format!("Bearer {}", world.stack.simulators.config().stripe_secret_key))
        .body(Bytes::new());
    let answer = world.stack.sim(request.unwrap()).await;
    let events: Value = serde_json::from_slice(answer.body()).unwrap();
    let events = events["data"].as_array().unwrap();
    let ours = |event: &&Value| {
        event["type"] == "checkout.session.completed" && event["data"]["object"]["client_reference_id"] == order["id"]
    };
    events.iter().find(ours).unwrap().clone()
}

fn signed(world: &World, body: &[u8]) -> String {
    sign(&world.stack.simulators.config().stripe_webhook_secret, body, world.stack.clock.now()).unwrap()
}

pub async fn tell(world: &World, event: &Value) -> Answer {
    let body = event.to_string();
    let header = signed(world, body.as_bytes());
    world.nobody().header("stripe-signature", &header).raw("POST", "/v1/webhooks/stripe", &body).await
}

pub fn with(event: &Value, changes: &[(&str, Value)]) -> Value {
    let mut event = event.clone();
    for (pointer, value) in changes {
        *event.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value.clone();
    }
    event
}

async fn reviews(world: &World) -> Vec<String> {
    world.sign_in("admin").await;
    let listed = world.admin().get("/v1/admin/payment/reviews").await.is(200);
    listed["items"].as_array().unwrap().iter().map(|item| item["reason"].as_str().unwrap().to_owned()).collect()
}

async fn status(world: &World, order: &Value) -> Value {
    world.sign_in("bob").await;
    let path = format!("/v1/payment/orders/{}", order["id"].as_str().unwrap());
    world.user("bob").get(&path).await.is(200)["status"].clone()
}

/// Events in an order's file.
async fn events(world: &World, order: &Value) -> Vec<Value> {
    let path = format!("/v1/admin/payment/orders/{}", order["id"].as_str().unwrap());
    world.admin().get(&path).await.is(200)["events"].as_array().unwrap().clone()
}

/// R4.6, R4.7: different events of one payment credit it once, in either order.
#[test]
fn different_events_of_one_payment_credit_it_once() {
    World::run(async |world| {
        let order = bob(world).await;
        let event = completed(world, &order).await;
        let later = [("/id", json!("evt_later")), ("/type", json!("checkout.session.async_payment_succeeded"))];
        tell(world, &with(&event, &later)).await.is(200);
        assert_eq!(world.balance("bob").await, "18.05555554");
        tell(world, &event).await.is(200);
        assert_eq!(world.balance("bob").await, "18.05555554");
    });
}

/// R4.9: an order's file has every event of its payment, however many, in their order; none counts a second time.
#[test]
fn every_event_of_a_payment_is_in_the_order_s_file_once() {
    World::run(async |world| {
        let order = bob(world).await;
        let event = completed(world, &order).await;
        let ids: Vec<String> = (1..=7).map(|number| format!("evt_number{number}")).collect();
        let told: Vec<Value> = ids.iter().map(|id| with(&event, &[("/id", json!(id))])).collect();
        for event in &told {
            world.advance(1).await;
            tell(world, event).await.is(200);
        }
        world.settle().await;
        let listed = events(world, &order).await;
        let of = |field: &str| -> Vec<String> {
            listed.iter().map(|event| event[field].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!((of("id"), of("raw")), (ids, told.iter().map(Value::to_string).collect()));
        let mut outcomes = vec!["already_credited"; 7];
        outcomes[0] = "credited";
        assert_eq!(of("outcome"), outcomes);
        let before = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
        for event in &told {
            tell(world, event).await.is(200);
        }
        assert!(world.stack.dynamo.scan(emulator::stack::TABLE).unwrap() == before, "a repeated event changes nothing");
        assert_eq!(world.balance("bob").await, "18.05555554");
    });
}

/// R4.9: an event is in the file of the order that it names, also where its payment pays another one.
#[test]
fn an_event_that_names_another_order_is_in_that_order_s_file() {
    World::run(async |world| {
        let order = bob(world).await;
        let event = completed(world, &order).await;
        tell(world, &event).await.is(200);
        let other = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        let named = [
            ("/id", json!("evt_of_the_other")),
            ("/data/object/client_reference_id", other["id"].clone()),
            ("/data/object/metadata/order_id", other["id"].clone()),
        ];
        tell(world, &with(&event, &named)).await.is(200);
        assert_eq!(reviews(world).await, ["other_order"]);
        for (order, id) in [(&order, &event["id"]), (&other, &json!("evt_of_the_other"))] {
            let listed = events(world, order).await;
            let ids: Vec<&Value> = listed.iter().map(|event| &event["id"]).collect();
            assert_eq!(ids, [id]);
        }
    });
}

/// R4.7: a delayed method completes its session unpaid, and then succeeds or fails.
#[test]
fn a_delayed_method_credits_when_it_succeeds() {
    for (end, expected, balance) in [("succeeded", "paid", "18.05555554"), ("failed", "failed", "0")] {
        World::run(async |world| {
            let order = bob(world).await;
            let event = completed(world, &order).await;
            let unpaid = ("/data/object/payment_status", json!("unpaid"));
            tell(world, &with(&event, std::slice::from_ref(&unpaid))).await.is(200);
            assert_eq!((world.balance("bob").await.as_str(), status(world, &order).await), ("0", json!("pending")));
            let kind = ("/type", json!(format!("checkout.session.async_payment_{end}")));
            let mut changes = vec![("/id", json!("evt_end")), kind];
            if end == "failed" {
                changes.push(unpaid);
            }
            tell(world, &with(&event, &changes)).await.is(200);
            assert_eq!((world.balance("bob").await.as_str(), status(world, &order).await), (balance, json!(expected)));
            if end == "failed" {
                // The simulator's book has it as paid: late money counts.
                tell(world, &with(&event, &[("/id", json!("evt_after_all"))])).await.is(200);
                assert_eq!(world.balance("bob").await, "18.05555554");
            }
        });
    }
}

/// R4.7: an event of another mode than the secret key's is acknowledged and credits nothing.
#[test]
fn an_event_of_another_mode_credits_nothing() {
    World::run(async |world| {
        let order = bob(world).await;
        let event = completed(world, &order).await;
        tell(world, &with(&event, &[("/id", json!("evt_live")), ("/livemode", json!(true))])).await.is(200);
        assert_eq!((world.balance("bob").await.as_str(), status(world, &order).await), ("0", json!("pending")));
        tell(world, &event).await.is(200);
        assert_eq!(world.balance("bob").await, "18.05555554");
    });
}

/// R4.7: with a live secret key, a test-mode event, which cost no money, credits nothing.
#[test]
fn an_event_of_the_test_mode_credits_nothing_where_money_is_real() {
    World::run(async |world| {
        let order = bob(world).await;
        let event = completed(world, &order).await;
        let (stack, sim) = (&world.stack, world.stack.simulators.config());
        let live = ProviderConfig {
            payment_providers: None,
            public_base_url: sim.base_url.clone(),
            zpay_api_url: String::new(),
            zpay_pid: String::new(),
            zpay_key: String::new(),
            zpay_key_previous: String::new(),
            stripe_api_url: sim.stripe_api_url(),
            stripe_secret_key: "sk_live_1".to_owned(),
            stripe_webhook_secret: sim.stripe_webhook_secret.clone(),
            stripe_webhook_secret_previous: String::new(),
        };
        let stripe = AtTime { simulators: Arc::clone(&stack.simulators), clock: stack.clock.clone() };
        let stripe: Arc<dyn Backend> = Arc::new(stripe);
        let live = App { providers: Providers::new(&live, &https(stripe)), ..App::clone(&stack.app) };
        let routes = shared::edge::routes(payment_webhook::api(), Arc::new(live));
        let tell_live = async |event: &Value| {
            let body = event.to_string();
            let request =
                Request::post("/v1/webhooks/stripe").header("stripe-signature", signed(world, body.as_bytes()));
            let request = request.body(axum::body::Body::from(body)).unwrap();
            assert_eq!(routes.clone().oneshot(request).await.unwrap().status(), 200);
        };
        tell_live(&event).await;
        assert_eq!((world.balance("bob").await.as_str(), status(world, &order).await), ("0", json!("pending")));
        tell_live(&with(&event, &[("/id", json!("evt_live")), ("/livemode", json!(true))])).await;
        assert_eq!(world.balance("bob").await, "18.05555554");
    });
}

/// R4.5: money that matches no order goes to review and suspense, until a matching event credits it.
#[test]
fn money_that_fits_no_order_goes_to_review_until_it_fits() {
    World::run(async |world| {
        let order = bob(world).await;
        let zpay = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        let event = completed(world, &order).await;
        let object = |field: &str| format!("/data/object/{field}");
        let (reference, named) = (object("client_reference_id"), object("metadata/order_id"));
        let rows: [(&str, Vec<(&str, Value)>); 5] = [
            ("amount_mismatch", vec![("/data/object/amount_total", json!(9_999))]),
            ("currency_mismatch", vec![("/data/object/currency", json!("usd"))]),
            ("unknown_order", {
                let unknown = json!("ord_01arz3ndektsv4rrffq69g5fav");
                vec![(&reference, unknown.clone()), (&named, unknown)]
            }),
            ("unknown_order", vec![(&named, json!("ord_01arz3ndektsv4rrffq69g5faw"))]),
            ("other_provider", vec![(&reference, zpay["id"].clone()), (&named, zpay["id"].clone())]),
        ];
        for (index, (reason, changes)) in rows.iter().enumerate() {
            let own =
                [("/id", json!(format!("evt_{index}"))), ("/data/object/payment_intent", json!(format!("pi_{index}")))];
            let wrong = with(&with(&event, changes), &own);
            world.advance(1).await;
            tell(world, &wrong).await.is(200);
            assert_eq!(&reviews(world).await[0], reason);
        }
        assert_eq!((reviews(world).await.len(), world.balance("bob").await.as_str()), (5, "0"));
        let short = [("/id", json!("evt_short")), ("/data/object/amount_total", json!(1))];
        tell(world, &with(&event, &short)).await.is(200);
        assert_eq!(reviews(world).await.len(), 6);
        tell(world, &event).await.is(200);
        assert_eq!(world.balance("bob").await, "18.05555554");
    });
}

/// S3: an event with any bad signature stores nothing.
#[test]
fn a_forged_event_leaves_the_store_unchanged() {
    World::run(async |world| {
        let order = bob(world).await;
        let event = completed(world, &order).await;
        let body = event.to_string();
        let good = signed(world, body.as_bytes());
        let (time, proof) = good.split_once(',').unwrap();
        let seconds: i64 = time[2..].parse().unwrap();
        let at = |seconds: i64| {
            let at = jiff::Timestamp::from_second(seconds).unwrap();
            sign(&world.stack.simulators.config().stripe_webhook_secret, body.as_bytes(), at).unwrap()
        };
        let reserialised = serde_json::to_string_pretty(&event).unwrap();
        let base64 = data_encoding::BASE64.encode(body.as_bytes());
        let before = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
        let rows: Vec<(Option<String>, &str)> = vec![
            (None, &body),
            (Some(String::new()), &body),
            (Some(time.to_owned()), &body),
            (Some(proof.to_owned()), &body),
            (Some(good[..good.len() - 2].to_owned()), &body),
            (Some(format!("{time},v0={}", &proof[3..])), &body),
            (Some(format!("{time},{time},{proof}")), &body),
            (Some(format!("t=-1,{proof}")), &body),
            (Some(at(seconds - 301)), &body),
            (Some(at(seconds + 301)), &body),
            (Some(good.clone()), &reserialised),
            (Some(good.clone()), &base64),
            (Some(good.clone()), ""),
        ];
        for (header, body) in rows {
            let caller = world.nobody();
            let caller = match &header {
                Some(header) => caller.header("stripe-signature", header),
                None => caller,
            };
            caller.raw("POST", "/v1/webhooks/stripe", body).await.refused(400, "bad_signature");
        }
        assert!(world.stack.dynamo.scan(emulator::stack::TABLE).unwrap() == before);
        let several = format!("{time},v1=00,{proof},v0=11");
        world.nobody().header("stripe-signature", &several).raw("POST", "/v1/webhooks/stripe", &body).await.is(200);
        assert_eq!(world.balance("bob").await, "18.05555554");
    });
}

/// R4.4, R4.5: an order paid and expired at the same instant ends paid, in either order.
#[test]
fn paying_and_expiring_at_the_same_instant_ends_paid() {
    World::run(async |world| {
        let order = bob(world).await;
        let event = completed(world, &order).await;
        world.advance(30 * 60).await;
        let (told, ticked) = tokio::join!(tell(world, &event), world.stack.tick("expire-orders"));
        told.is(200);
        ticked.unwrap();
        assert_eq!(status(world, &order).await, "paid");
        assert_eq!(world.balance("bob").await, "18.05555554");
    });
}

/// R4.8, S3: a bad notification is answered with `fail`, and nothing is stored.
#[test]
fn a_notification_that_is_not_right_leaves_the_store_unchanged() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        let id = order["id"].as_str().unwrap().to_owned();
        let fields = |change: (&str, &str)| {
            let mut fields = vec![
                ("pid", "1000"),
                ("trade_no", "2026112000000000000000009999"),
                ("out_trade_no", id.as_str()),
                ("type", "alipay"),
                ("name", "Top-up"),
                ("money", "100.00"),
                ("trade_status", "TRADE_SUCCESS"),
            ];
            for field in &mut fields {
                if field.0 == change.0 {
                    field.1 = change.1;
                }
            }
            let sign = shared::payment::gateway::zpay::sign(fields.iter().copied(), "local-zpay-key-0123456789");
            let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
            (pairs.join("&"), sign)
        };
        let (good, sign) = fields(("", ""));
        let (cent, cent_sign) = fields(("money", "0.01"));
        let (other, other_sign) = fields(("pid", "1001"));
        let before = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
        for query in [
            format!("{good}&sign={sign}"),
            format!("{good}&sign={sign}&sign_type=RSA"),
            format!("{good}&sign={}&sign_type=MD5", &sign[1..]),
            format!("{good}&sign=&sign_type=MD5"),
            format!("{good}&money=100.00&sign={sign}&sign_type=MD5"),
            format!("{good}&money=0.01&sign={sign}&sign_type=MD5"),
            format!("{cent}&sign={sign}&sign_type=MD5"),
            format!("{other}&sign={other_sign}&sign_type=MD5"),
            // Correctly signed, but the gateway's own query knows no such payment.
            format!("{cent}&sign={cent_sign}&sign_type=MD5"),
        ] {
            let answer = world.nobody().get(&format!("/v1/webhooks/zpay?{query}")).await;
            assert_eq!((answer.status, answer.text.as_str()), (200, "fail"), "{query}");
            let form = world.nobody().header("content-type", "application/x-www-form-urlencoded");
            let answer = form.raw("POST", "/v1/webhooks/zpay", &query).await;
            assert_eq!((answer.status, answer.text.as_str()), (200, "fail"), "{query}");
        }
        let after = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
        let raw = |item: &&Value| item["type"]["S"] != "raw_event";
        assert!(after.iter().filter(raw).eq(before.iter().filter(raw)));
        assert_eq!(world.balance("bob").await, "0");
    });
}

/// Conventions: an undecodable path or query gets a problem document on every route.
/// It never gets plain text or a 5xx.
#[test]
fn what_cannot_be_decoded_gets_a_problem() {
    World::run(async |world| {
        world.register("bob", None).await;
        let routes: Vec<(String, String)> = world
            .stack
            .template
            .functions
            .iter()
            .flat_map(|function| emulator::stack::functions::operations(&function.binary))
            .filter(|(_, path)| path.contains('{'))
            .collect();
        for (method, path) in routes {
            let odd = path
                .replace("{id}", "%ff")
                .replace("{area}", "%ff")
                .replace("{refund_id}", "%ff")
                .replace("{code}", "%ff");
            for name in ["bob", "admin"] {
                let answer = world.user(name).key("k").raw(&method, &odd, "{}").await;
                assert!(
                    (400..500).contains(&answer.status) || answer.status == 200,
                    "{method} {odd}: {}",
                    answer.status
                );
                let kind = answer.headers.get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
                assert!(
                    kind.is_none_or(|kind| kind.contains("json")),
                    "{method} {odd} {}: {}",
                    answer.status,
                    answer.text
                );
            }
        }
    });
}
