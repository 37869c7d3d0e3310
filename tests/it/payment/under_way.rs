//! Payments that are under way when their order ends (R4.10, F4).

use serde_json::{Value, json};

use crate::world::World;

async fn ordered(world: &World, provider: &str) -> Value {
    world.open().await;
    world.register("bob", None).await;
    world.order("bob", json!({"offer_id": "o100", "provider": provider})).await
}

fn path(order: &Value) -> String {
    format!("/v1/payment/orders/{}", order["id"].as_str().unwrap())
}

/// State of the order, and whether a payment is under way.
async fn state(world: &World, order: &Value) -> (String, bool) {
    world.sign_in("bob").await;
    let shown = world.user("bob").get(&path(order)).await.is(200);
    (shown["status"].as_str().unwrap().to_owned(), shown["processing"].as_bool().unwrap())
}

fn is(status: &str, processing: bool) -> (String, bool) {
    (status.to_owned(), processing)
}

/// Lets the schedules run; true if a provider was asked about an order.
async fn tick(world: &World) -> bool {
    world.stack.tick("expire-orders").await.unwrap();
    world.stack.tick("poll-payments").await.unwrap()["asked"] != 0
}

/// Lets so many minutes pass, with the schedules every five minutes of the first hour and twice a day from then on.
/// Returns the minutes at which a provider was asked.
async fn pass(world: &World, minutes: u64) -> Vec<u64> {
    let (mut asked, mut now) = (Vec::new(), 0);
    while now < minutes {
        let step = if now < 60 { 5 } else { 12 * 60 };
        now += step;
        world.advance(step * 60).await;
        if tick(world).await {
            asked.push(now);
        }
    }
    asked
}

/// F4: a delayed method that succeeds two days after its order expired is credited though every webhook is lost.
/// Until then its user sees that a payment is under way.
#[test]
fn a_delayed_payment_that_succeeds_days_later_is_credited_though_nobody_tells() {
    World::run(async |world| {
        let order = ordered(world, "stripe").await;
        world.pay(&order, json!({"action": "pay_later", "notify": "never"})).await;
        pass(world, 60).await;
        assert_eq!(state(world, &order).await, is("expired", true));
        let listed = world.user("bob").get("/v1/payment/orders?processing=true").await.is(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
        pass(world, 2 * 24 * 60).await;
        world.pay(&order, json!({"action": "pay_succeeds", "notify": "never"})).await;
        let asked = pass(world, 2 * 24 * 60).await;
        assert_eq!(asked.len(), 1, "daily by now, and not any more once it is credited: {asked:?}");
        assert_eq!(state(world, &order).await, is("paid", false));
        let listed = world.user("bob").get("/v1/payment/orders?processing=true").await.is(200);
        assert_eq!(listed["items"], json!([]));
        world.settle().await;
        assert_ne!(world.balance("bob").await, "0");
    });
}

/// F4: the polls back off to one a day and end after two weeks; nothing counts as under way then.
#[test]
fn an_open_end_is_looked_for_less_and_less_and_for_two_weeks() {
    World::run(async |world| {
        let order = ordered(world, "stripe").await;
        world.pay(&order, json!({"action": "pay_later", "notify": "never"})).await;
        pass(world, 30).await;
        world.settle().await;
        let mut now = 0;
        let daily = (1..=14).map(|day| day * 24 * 60);
        for minute in [10, 30, 60, 120, 240, 480, 960].into_iter().chain(daily) {
            assert_eq!(state(world, &order).await, is("expired", true), "minute {minute}");
            world.advance((minute - 1 - now) * 60).await;
            assert!(!tick(world).await, "before minute {minute}");
            world.advance(60).await;
            assert!(tick(world).await, "minute {minute}");
            now = minute;
        }
        world.advance(3 * 86_400).await;
        assert!(!tick(world).await, "after two weeks");
        assert_eq!(state(world, &order).await, is("expired", false));
    });
}

/// F4: an event tells that a delayed payment is under way, and another how it ended.
#[test]
fn a_delayed_payment_is_shown_as_processing_until_an_event_tells_its_end() {
    for (end, status) in [("pay_succeeds", "paid"), ("pay_fails", "failed")] {
        World::run(async |world| {
            let order = ordered(world, "stripe").await;
            world.pay(&order, json!({"action": "pay_later"})).await;
            world.settle().await;
            assert_eq!(state(world, &order).await, is("pending", true));
            world.pay(&order, json!({"action": end})).await;
            world.settle().await;
            assert_eq!(state(world, &order).await, is(status, false));
        });
    }
}

/// F4: an expired order whose delayed payment fails stays expired, and nothing is under way any more.
#[test]
fn a_delayed_payment_that_fails_after_its_order_expired_leaves_nothing_under_way() {
    for notify in ["now", "never"] {
        World::run(async |world| {
            let order = ordered(world, "stripe").await;
            world.pay(&order, json!({"action": "pay_later"})).await;
            world.settle().await;
            pass(world, 35).await;
            assert_eq!(state(world, &order).await, is("expired", true));
            world.pay(&order, json!({"action": "pay_fails", "notify": notify})).await;
            world.settle().await;
            pass(world, 60).await;
            assert_eq!(state(world, &order).await, is("expired", false));
            assert_eq!(pass(world, 3 * 24 * 60).await, [0_u64; 0]);
        });
    }
}

/// F4: a poll that learns of the failure of a pending order's delayed payment ends the order.
#[test]
fn a_delayed_payment_whose_failure_nobody_told_fails_its_order() {
    World::run(async |world| {
        let order = ordered(world, "stripe").await;
        world.pay(&order, json!({"action": "pay_later", "notify": "never"})).await;
        world.pay(&order, json!({"action": "pay_fails", "notify": "never"})).await;
        let path = format!("{}/verify", path(&order));
        let shown = world.user("bob").post(&path, json!({})).await.is(200);
        assert_eq!((&shown["status"], &shown["processing"]), (&json!("failed"), &json!(false)));
    });
}

/// F4: a card that pays in the session that outlives a short order is credited though the webhook is lost.
#[test]
fn a_card_that_pays_in_the_still_open_session_is_credited() {
    World::run(async |world| {
        world.open().await;
        world.settings("payment", |settings| settings["order_expire_minutes"] = json!(5)).await;
        world.register("bob", None).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        pass(world, 10).await;
        assert_eq!(state(world, &order).await, is("expired", false));
        world.advance(15 * 60).await;
        world.pay(&order, json!({"notify": "never"})).await;
        pass(world, 60).await;
        assert_eq!(state(world, &order).await, is("paid", false));
        assert_eq!(world.balance("bob").await, "18.05555554");
    });
}

/// F4: an order that is paid after the last poll of its time is found by the one after its end, once.
#[test]
fn an_order_that_is_paid_in_the_last_second_is_found_after_its_end() {
    for provider in ["stripe", "zpay"] {
        World::run(async |world| {
            let order = ordered(world, provider).await;
            let unpaid = world.order("bob", json!({"offer_id": "o50", "provider": provider})).await;
            let page = http::Request::get(order["pay_url"].as_str().unwrap()).body(bytes::Bytes::new()).unwrap();
            world.stack.sim(page).await;
            pass(world, 30).await;
            assert_eq!(state(world, &order).await, is("expired", false));
            world.pay(&order, json!({"notify": "never"})).await;
            assert_eq!(pass(world, 24 * 60).await, [10]);
            assert_eq!(state(world, &order).await, is("paid", false));
            assert_eq!(state(world, &unpaid).await, is("expired", false));
        });
    }
}

/// R4.10: an order whose delayed payment is under way can't be cancelled, and the answer says why.
#[test]
fn cancelling_says_that_a_payment_is_under_way() {
    World::run(async |world| {
        let order = ordered(world, "stripe").await;
        world.pay(&order, json!({"action": "pay_later", "notify": "never"})).await;
        let cancel = format!("{}/cancel", path(&order));
        world.user("bob").post(&cancel, json!({})).await.refused(409, "payment_under_way");
        assert_eq!(state(world, &order).await, is("pending", true));
        world.pay(&order, json!({"action": "pay_fails", "notify": "never"})).await;
        world.user("bob").post(&cancel, json!({})).await.refused(409, "order_not_pending");
        assert_eq!(state(world, &order).await, is("failed", false));
    });
}
