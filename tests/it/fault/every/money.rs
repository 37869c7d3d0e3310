//! Money in and out at the providers, decisions about it, and schedules.

use emulator::faults::Fault;
use serde_json::{Value, json};

use super::asks::{Act, ask, id_of};
use crate::account::erasure::erase_unseen;
use crate::affiliate::commission::{hundred, invited};
use crate::agency;
use crate::payment::refunds::paid;
use crate::world::World;

/// Creates an unpaid order of Bob, Ann's invitee.
async fn ordered(world: &World, provider: &str) -> Value {
    world.open().await;
    world.register("ann", None).await;
    world.register("bob", Some(&world.code("ann").await)).await;
    world.order("bob", json!({"offer_id": "o100", "provider": provider})).await
}

/// Creates an order that was paid without a webhook.
async fn unheard(world: &World) -> Value {
    let order = ordered(world, "stripe").await;
    world.pay(&order, json!({"notify": "never"})).await;
    world.advance(20).await;
    order
}

fn at(order: &Value, rest: &str) -> String {
    format!("/v1/admin/payment/orders/{}{rest}", order["id"].as_str().unwrap())
}

/// Sets up a route about a provider's money and returns a request for it.
pub async fn of_money(world: &World, route: &str) -> Act {
    match route {
        "POST /v1/admin/payment/orders/{id}/refunds" => {
            let order = paid(world, "stripe").await;
            ask("admin", at(&order, "/refunds"), json!({"amount": "30", "reason": "sorry"}))
        }
        "POST /v1/admin/payment/orders/{id}/refunds/{refund_id}/confirm" => {
            let order = paid(world, "zpay").await;
            world.stack.faults.script("Provider", 0, Fault::ReplyLost);
            let body = json!({"amount": "30", "reason": "sorry"});
            world.admin().once().post(&at(&order, "/refunds"), body).await.is(201);
            let file = world.admin().get(&at(&order, "")).await.is(200);
            let refund = agency::id(&file["refunds"][0]);
            ask("admin", at(&order, &format!("/refunds/{refund}/confirm")), json!({"reason": "looked there"}))
        }
        "POST /v1/admin/payment/reviews/{id}/resolve" => {
            let order = paid(world, "stripe").await;
            world.pay(&order, json!({"amount": "60"})).await;
            world.settle().await;
            let review = agency::id(&world.admin().get("/v1/admin/payment/reviews").await.is(200)["items"][0]);
            let body = json!({"action": "credit", "order_id": order["id"], "reason": "theirs"});
            ask("admin", format!("/v1/admin/payment/reviews/{review}/resolve"), body)
        }
        "POST /v1/admin/payment/orders/{id}/refunds of one made elsewhere" => {
            let order = paid(world, "zpay").await;
            let body = json!({"amount": "30", "reason": "sorry", "made_elsewhere": true, "reference": "R1"});
            ask("admin", at(&order, "/refunds"), body)
        }
        "POST /v1/admin/payment/reviews/{id}/confirm" => {
            let order = ordered(world, "zpay").await;
            world.pay(&order, json!({"amount": "60"})).await;
            world.settle().await;
            let review = agency::id(&world.admin().get("/v1/admin/payment/reviews").await.is(200)["items"][0]);
            let path = format!("/v1/admin/payment/reviews/{review}");
            let due = json!({"action": "refund_due", "reason": "not theirs"});
            world.admin().once().post(&format!("{path}/resolve"), due).await.is(200);
            world.pay(&order, json!({"action": "refund", "amount": "60"})).await;
            ask("admin", format!("{path}/confirm"), json!({"reference": "R2"}))
        }
        "POST /v1/admin/payment/orders/{id}/complete/undo" => {
            invited(world).await;
            let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
            world.admin().once().post(&at(&order, "/complete"), json!({"reason": "cash"})).await.is(200);
            world.settle().await;
            ask("admin", at(&order, "/complete/undo"), json!({"reason": "the wrong order"}))
        }
        "POST /v1/payment/orders/{id}/verify of a refund that nobody told" => {
            let order = paid(world, "stripe").await;
            world.pay(&order, json!({"action": "refund", "amount": "30", "notify": "never"})).await;
            ask("bob", format!("/v1/payment/orders/{}/verify", agency::id(&order)), json!({}))
        }
        "POST /v1/payment/orders/{id}/receipt" => {
            let order = paid(world, "stripe").await;
            ask("bob", format!("/v1/payment/orders/{}/receipt", agency::id(&order)), json!({}))
        }
        "POST /v1/payment/orders/{id}/verify" => {
            let order = agency::id(&unheard(world).await);
            ask("bob", format!("/v1/payment/orders/{order}/verify"), json!({}))
        }
        "POST /v1/admin/payment/orders/{id}/verify" => ask("admin", at(&unheard(world).await, "/verify"), json!({})),
        "POST /v1/admin/redemption/records/{id}/undo" => {
            world.register("bob", None).await;
            let code = world.codes(json!({"label": "one", "count": 1, "credit": "5", "total_uses": 1})).await.remove(0);
            let redeemed = agency::id(&world.redeem("bob", &code).await.is(201));
            ask("admin", format!("/v1/admin/redemption/records/{redeemed}/undo"), json!({"reason": "sorry"}))
        }
        "POST /v1/admin/users/{id}/erase" => {
            paid(world, "stripe").await;
            let bob = id_of(world, "bob").await;
            ask(
                "admin",
                format!("/v1/admin/users/{bob}/erase"),
                json!({"reason": "sorry", "acknowledge_balance": true}),
            )
        }
        "POST /v1/admin/rewards/{id}/retry" => {
            ordered(world, "stripe").await;
            let status = format!("/v1/admin/users/{}/status", id_of(world, "ann").await);
            world.admin().put(&status, json!({"status": "blocked", "reason": "looked into"})).await.is(200);
            world.settings("payment", |payment| payment["coupons"] = json!([crate::fixtures::coupon()])).await;
            world.order("bob", json!({"offer_id": "o50", "provider": "zpay", "coupon": "TEN"})).await;
            let order = world.order("bob", json!({"offer_id": "o50", "provider": "zpay"})).await;
            world.pay(&order, json!({})).await;
            world.settle().await;
            let reward = agency::id(&world.admin().get("/v1/admin/rewards?state=held").await.is(200)["items"][0]);
            ask("admin", format!("/v1/admin/rewards/{reward}/retry"), Value::Null)
        }
        "POST /v1/admin/webhook-endpoints/{id}/deliveries/{delivery_id}/replay" => {
            let endpoints = "/v1/admin/webhook-endpoints";
            let body = json!({"url": "https://product.test/_sim/webhook", "events": ["user.registered"]});
            let endpoint = agency::id(&world.admin().once().post(endpoints, body).await.is(201));
            world.register("bob", None).await;
            world.settle().await;
            let log = format!("{endpoints}/{endpoint}/deliveries");
            let delivery = agency::id(&world.admin().get(&log).await.is(200)["items"][0]);
            ask("admin", format!("{log}/{delivery}/replay"), json!({}))
        }
        other => panic!("{other}"),
    }
}

/// Sets up a provider event; `told` is the webhook's name and the event.
pub async fn of_provider(world: &World, told: &str) -> Act {
    let zpay = told.contains("/zpay");
    let provider = if zpay { "zpay" } else { "stripe" };
    match told.split(" of ").nth(1).unwrap() {
        "a payment" => Act::Provider(ordered(world, provider).await, json!({"times": 1})),
        "a payment by an invitee" => {
            invited(world).await;
            let order = world.order("bob", json!({"offer_id": "o100", "provider": provider})).await;
            Act::Provider(order, json!({}))
        }
        "a payment of another amount" => Act::Provider(ordered(world, provider).await, json!({"amount": "1.00"})),
        "a payment after the order expired" => {
            let order = ordered(world, provider).await;
            // The provider's page outlives the order by its grace period.
            world.pay(&order, json!({"notify": "now", "delay_seconds": 2_400})).await;
            world.advance(2_401).await;
            world.sign_in("admin").await;
            world.sign_in("bob").await;
            Act::Deliveries
        }
        "a delayed payment" => Act::Provider(ordered(world, provider).await, json!({"action": "pay_later"})),
        "a second payment" => Act::Provider(paid(world, provider).await, json!({"amount": "60"})),
        "a refund" => later(world, provider, json!({"action": "refund", "amount": "30"})).await,
        "a dispute" => later(world, provider, json!({"action": "dispute", "amount": "70"})).await,
        "a dispute that is won" => {
            let Act::Provider(order, dispute) = later(world, provider, json!({"action": "dispute"})).await else {
                unreachable!()
            };
            world.pay(&order, dispute).await;
            world.settle().await;
            world.advance(1).await;
            Act::Provider(order, json!({"action": "dispute_won"}))
        }
        other => panic!("{other}"),
    }
}

/// Applies an action to a payment a while after it was made.
async fn later(world: &World, provider: &str, more: Value) -> Act {
    invited(world).await;
    world.settings("promotion", |settings| settings["enabled"] = json!(true)).await;
    let order = world.order("bob", json!({"offer_id": "o100", "provider": provider})).await;
    world.pay(&order, json!({})).await;
    world.settle().await;
    world.advance(1).await;
    Act::Provider(order, more)
}

/// Sets up the work of a schedule.
pub async fn of_schedule(world: &World, schedule: &'static str) -> Act {
    match schedule {
        "audit" => {
            invited(world).await;
            hundred(world).await;
        }
        "expire-orders" => {
            ordered(world, "stripe").await;
            world.order("bob", json!({"offer_id": "o50", "provider": "zpay"})).await;
            world.advance(31 * 60).await;
        }
        "expire-promotions" => {
            ordered(world, "stripe").await;
            world.settle().await;
            world.advance(40 * 86_400).await;
        }
        "expire-credit" => {
            world.settings("payment", |settings| settings["grant_expiry_days"] = json!(1)).await;
            world.register("bob", None).await;
            for code in world.codes(json!({"label": "c", "count": 2, "credit": "5", "total_uses": 1})).await {
                world.redeem("bob", &code).await.is(201);
            }
            world.settle().await;
            world.advance(86_400).await;
        }
        "mature-commissions" => {
            world.settings("affiliate", |settings| settings["hold_hours"] = json!(24)).await;
            invited(world).await;
            hundred(world).await;
            world.advance(25 * 3_600).await;
        }
        "sign-heads" => {
            invited(world).await;
            hundred(world).await;
            world.advance(26 * 3_600).await;
        }
        "erase-traces" => {
            erase_unseen(world).await;
            world.advance(25 * 3_600).await;
            world.sign_in("admin").await;
            return Act::Tick(schedule);
        }
        "reconcile" => {
            // Finish the reports of the days before the deployment first.
            for _ in 0..2 {
                world.advance(3_600).await;
                world.stack.tick("reconcile").await.unwrap();
            }
            world.sign_in("admin").await;
            let order = ordered(world, "stripe").await;
            world.pay(&order, json!({"notify": "never"})).await;
            world.advance(26 * 3_600).await;
        }
        "poll-payments" => drop(unheard(world).await),
        "poll-payments of a delayed payment of an expired order" => {
            let order = ordered(world, "stripe").await;
            world.pay(&order, json!({"action": "pay_later", "notify": "never"})).await;
            world.advance(31 * 60).await;
            world.stack.tick("expire-orders").await.unwrap();
            world.pay(&order, json!({"action": "pay_succeeds", "notify": "never"})).await;
            world.advance(10 * 60).await;
        }
        "deliver-events" => {
            let body = json!({"url": "https://product.test/_sim/webhook", "events": ["user.registered"]});
            world.admin().once().post("/v1/admin/webhook-endpoints", body).await.is(201);
            world.stack.simulators.answer_events(500, 1);
            world.register("bob", None).await;
            world.settle().await;
            world.advance(120).await;
        }
        "sweep-outbox" => {
            world.open().await;
            world.register("ann", None).await;
            for _ in 0..4 {
                world.stack.faults.script("SendMessageBatch", 0, Fault::ErrorBefore);
            }
            world.register("bob", Some(&world.code("ann").await)).await;
            world.stack.faults.clear();
            world.advance(120).await;
        }
        other => panic!("{other}"),
    }
    for name in ["admin", "bob"] {
        world.sign_in(name).await;
    }
    Act::Tick(schedule.split(" of ").next().unwrap())
}
