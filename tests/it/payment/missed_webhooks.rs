//! Recovery from lost webhooks by polling (R4.10).

use serde_json::{Value, json};

use crate::world::World;

async fn paid_unheard(world: &World, provider: &str) -> Value {
    let order = world.order("bob", json!({"offer_id": "o100", "provider": provider})).await;
    world.pay(&order, json!({"notify": "never"})).await;
    world.settle().await;
    assert_eq!(world.balance("bob").await, "0");
    order
}

async fn status(world: &World, order: &Value) -> Value {
    let path = format!("/v1/payment/orders/{}", order["id"].as_str().unwrap());
    world.user("bob").get(&path).await.is(200)["status"].clone()
}

/// R4.10: with every webhook dropped, a paid order is credited within moments.
/// A late webhook finds it credited.
#[test]
fn a_paid_order_is_credited_though_every_webhook_is_lost() {
    for provider in ["stripe", "zpay"] {
        World::run(async |world| {
            world.open().await;
            world.register("ann", None).await;
            world.register("bob", Some(&world.code("ann").await)).await;
            let order = paid_unheard(world, provider).await;
            assert_eq!(world.stack.tick("poll-payments").await.unwrap()["asked"], 0, "its time has not come");
            world.advance(20).await;
            let polled = world.stack.tick("poll-payments").await.unwrap();
            assert_eq!((&polled["asked"], &polled["healed"]), (&json!(1), &json!(1)), "{polled}");
            world.settle().await;
            assert_eq!(world.balance("bob").await, "18.05555554");
            assert_eq!(world.balance("ann").await, "3");
            assert_eq!(status(world, &order).await, "paid");
            assert_eq!(world.stack.tick("poll-payments").await.unwrap()["asked"], 0);
        });
    }
}

/// R4.10, R4.4: the provider is always polled before an order expires, so a paid order does not expire.
#[test]
fn an_order_is_asked_about_before_it_expires() {
    for provider in ["stripe", "zpay"] {
        World::run(async |world| {
            world.open().await;
            world.register("bob", None).await;
            let order = paid_unheard(world, provider).await;
            world.advance(31 * 60).await;
            assert_eq!(world.stack.tick("expire-orders").await.unwrap()["expired"], 0);
            world.sign_in("bob").await;
            assert_eq!(status(world, &order).await, "paid");
            assert_eq!(world.balance("bob").await, "18.05555554");
            let unpaid = world.order("bob", json!({"offer_id": "o50", "provider": provider})).await;
            world.advance(31 * 60).await;
            assert_eq!(world.stack.tick("expire-orders").await.unwrap()["expired"], 1);
            world.sign_in("bob").await;
            assert_eq!(status(world, &unpaid).await, "expired");
        });
    }
}

/// R4.10: an unpaid order is polled at growing intervals.
#[test]
fn an_unpaid_order_is_asked_about_on_a_back_off_schedule() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        let mut asked = Vec::new();
        for minute in 1..30 {
            world.advance(60).await;
            if world.stack.tick("poll-payments").await.unwrap()["asked"] == 1 {
                asked.push(minute);
            }
        }
        // Polls at 20 and 60 seconds, 2½, 5, 10 and 20 minutes, each at the next tick.
        assert_eq!(asked, [1, 2, 3, 5, 10, 20]);
    });
}

/// R4.10, R4.4: a cancelled order is polled until its original expiry, since it may have been paid.
#[test]
fn an_order_that_is_given_up_is_asked_about_until_it_would_have_expired() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let cancel = |order: &Value| format!("/v1/payment/orders/{}/cancel", order["id"].as_str().unwrap());
        let paid = paid_unheard(world, "zpay").await;
        assert_eq!(world.user("bob").post(&cancel(&paid), json!({})).await.is(200)["status"], "cancelled");
        world.advance(20).await;
        assert_eq!(world.stack.tick("poll-payments").await.unwrap()["healed"], 1);
        assert_eq!((status(world, &paid).await, world.balance("bob").await), (json!("paid"), "18.05555554".to_owned()));

        let unpaid = world.order("bob", json!({"offer_id": "o50", "provider": "zpay"})).await;
        world.user("bob").post(&cancel(&unpaid), json!({})).await.is(200);
        let mut asked = Vec::new();
        for minute in 1..60 {
            world.advance(60).await;
            assert_eq!(world.stack.tick("expire-orders").await.unwrap()["expired"], 0);
            if world.stack.tick("poll-payments").await.unwrap()["asked"] == 1 {
                asked.push(minute);
            }
        }
        assert_eq!(asked, [1, 2, 3, 5, 10, 20, 30, 40], "and once more after its end");
        world.sign_in("bob").await;
        assert_eq!(status(world, &unpaid).await, "cancelled");
    });
}

/// R4.10: "I have paid" polls at once, also for an expired order.
/// A later webhook finds the payment credited.
#[test]
fn i_have_paid_asks_at_once() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        world.register("eve", None).await;
        let verify = |order: &Value| format!("/v1/payment/orders/{}/verify", order["id"].as_str().unwrap());
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        assert_eq!(world.user("bob").post(&verify(&order), json!({})).await.is(200)["status"], "pending");
        world.user("eve").post(&verify(&order), json!({})).await.refused(404, "not_found");
        world.pay(&order, json!({"notify": "now", "delay_seconds": 60})).await;
        assert_eq!(world.user("bob").post(&verify(&order), json!({})).await.is(200)["status"], "paid");
        assert_eq!(world.balance("bob").await, "18.05555554");
        world.advance(61).await;
        world.settle().await;
        assert_eq!(world.balance("bob").await, "18.05555554");

        let late = world.order("bob", json!({"offer_id": "o10", "provider": "zpay"})).await;
        world.advance(31 * 60).await;
        world.stack.tick("expire-orders").await.unwrap();
        world.sign_in("bob").await;
        world.sign_in("admin").await;
        assert_eq!(status(world, &late).await, "expired");
        world.try_to_pay(&late, json!({"notify": "never"})).await;
        let path = format!("/v1/admin/payment/orders/{}/verify", late["id"].as_str().unwrap());
        let shown = world.admin().post(&path, json!({})).await.is(200);
        assert_eq!((&shown["status"], &shown["late"]), (&json!("paid"), &json!(true)));
    });
}

/// R4.10: polls cost the provider, so a user may poll ten times a minute.
#[test]
fn a_user_asks_ten_times_a_minute_at_most() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        let path = format!("/v1/payment/orders/{}/verify", order["id"].as_str().unwrap());
        for _ in 0..10 {
            world.user("bob").post(&path, json!({})).await.is(200);
        }
        world.user("bob").post(&path, json!({})).await.refused(429, "rate_limited");
        world.advance(61).await;
        world.user("bob").post(&path, json!({})).await.is(200);
    });
}

/// R4.5, R4.10: a wrong amount found by a poll goes to review once, and the order expires.
#[test]
fn a_wrong_amount_that_a_poll_finds_goes_to_review_once() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        world.pay(&order, json!({"notify": "never", "amount": "1.00"})).await;
        for seconds in [20, 60, 31 * 60] {
            world.advance(seconds).await;
            world.stack.tick("poll-payments").await.unwrap();
            world.stack.tick("expire-orders").await.unwrap();
        }
        world.sign_in("bob").await;
        world.sign_in("admin").await;
        assert_eq!(status(world, &order).await, "expired");
        assert_eq!(world.balance("bob").await, "0");
        let reviews = world.admin().get("/v1/admin/payment/reviews").await.is(200);
        assert_eq!(
            (reviews["items"].as_array().unwrap().len(), &reviews["items"][0]["reason"]),
            (1, &json!("amount_mismatch"))
        );
    });
}
