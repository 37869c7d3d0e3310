//! Completions by hand: what closes with them, and the way back (R4.12, F18, F20).

use serde_json::{Value, json};

use crate::affiliate::commission::{invited, totals};
use crate::payment::refunds::paid;
use crate::world::{Answer, World};

fn admins(order: &Value, rest: &str) -> String {
    format!("/v1/admin/payment/orders/{}{rest}", order["id"].as_str().unwrap())
}

async fn complete(world: &World, order: &Value) -> Answer {
    world.admin().once().post(&admins(order, "/complete"), json!({"reason": "seen in the bank"})).await
}

async fn undo(world: &World, order: &Value) -> Answer {
    world.admin().once().post(&admins(order, "/complete/undo"), json!({"reason": "the wrong order"})).await
}

async fn reviews(world: &World) -> Vec<(String, String)> {
    let listed = world.admin().get("/v1/admin/payment/reviews").await.is(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    listed["items"].as_array().unwrap().iter().map(|one| (text(&one["reason"]), text(&one["state"]))).collect()
}

/// F18: completing an order closes its session, so nobody pays it a second time.
#[test]
fn completing_by_hand_closes_the_session() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        complete(world, &order).await.is(200);
        assert_eq!(world.try_to_pay(&order, json!({})).await, 409);
        world.settle().await;
        assert_eq!(world.balance("bob").await, "18.05555554");
    });
}

/// F18: money that is taken after the completion does not confirm it: it is a surplus.
#[test]
fn a_payment_after_a_completion_is_a_surplus() {
    for notify in ["now", "never"] {
        World::run(async |world| {
            world.open().await;
            world.register("bob", None).await;
            let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
            let page = http::Request::get(order["pay_url"].as_str().unwrap()).body(bytes::Bytes::new()).unwrap();
            world.stack.sim(page).await;
            complete(world, &order).await.is(200);
            world.advance(60).await;
            world.pay(&order, json!({"notify": notify})).await;
            world.settle().await;
            world.advance(16 * 3_600).await;
            world.stack.tick("reconcile").await.unwrap();
            world.settle().await;
            world.sign_in("admin").await;
            world.sign_in("bob").await;
            assert_eq!(world.balance("bob").await, "18.05555554");
            let surplus = ("surplus".to_owned(), "open".to_owned());
            assert!(reviews(world).await.contains(&surplus), "{:?}", reviews(world).await);
        });
    }
}

/// F18: a payment that the provider already has is credited as itself, and there is nothing to complete.
#[test]
fn an_order_that_was_paid_at_its_provider_is_not_completed() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        world.pay(&order, json!({"notify": "never"})).await;
        complete(world, &order).await.refused(409, "order_already_paid");
        let file = world.admin().get(&admins(&order, "")).await.is(200);
        assert_eq!(file["status"], "paid");
        assert!(file["provider_payment_id"].as_str().unwrap().starts_with("pi_"));
        assert_eq!(world.balance("bob").await, "18.05555554");
    });
}

/// F20: a completion by mistake is undone: balance, bonus, commission and reward go back by journals of their own.
#[test]
fn an_undone_completion_takes_everything_back() {
    World::run(async |world| {
        world.open().await;
        invited(world).await;
        world.settings("promotion", |settings| settings["enabled"] = json!(true)).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        complete(world, &order).await.is(200);
        world.settle().await;
        assert_eq!((world.balance("bob").await.as_str(), world.balance("ann").await.as_str()), ("18.05555554", "3"));
        assert_eq!(totals(world).await[1], "1.38888888");
        let undone = undo(world, &order).await.is(200);
        assert_eq!((&undone["status"], &undone["net"]["amount"]), (&json!("refunded"), &json!("0.00")));
        world.settle().await;
        assert_eq!((world.balance("bob").await.as_str(), world.balance("ann").await.as_str()), ("0", "0"));
        assert_eq!((totals(world).await[1].as_str(), totals(world).await[4].as_str()), ("0", "1.38888888"));
        let records = world.user("bob").get("/v1/balance/records").await.is(200);
        assert_eq!(records["items"].as_array().unwrap().len(), 4, "two lines there, two lines back");
        undo(world, &order).await.refused(409, "not_completed_by_hand");
        let audits = world.admin().get("/v1/admin/audit").await.is(200);
        let audits = audits["items"].as_array().unwrap().iter();
        assert_eq!(audits.filter(|audit| audit["action"] == "order.completion_undone").count(), 1);
    });
}

/// F20: what was spent of an undone completion becomes debt.
#[test]
fn what_was_spent_of_an_undone_completion_becomes_debt() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        complete(world, &order).await.is(200);
        let bob = world.user("bob").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let body = json!({"amount": "-10", "remark": "spent"});
        world.admin().once().post(&format!("/v1/admin/users/{bob}/adjustments"), body).await.is(200);
        undo(world, &order).await.is(200);
        let me = world.user("bob").get("/v1/me").await.is(200);
        assert_eq!((&me["balance"]["amount"], &me["debt"]["amount"]), (&json!("0"), &json!("10")));
    });
}

/// F20: only a completion that no payment of the provider confirms can be undone.
#[test]
fn only_a_completion_without_a_payment_can_be_undone() {
    World::run(async |world| {
        let order = paid(world, "stripe").await;
        undo(world, &order).await.refused(409, "not_completed_by_hand");
        let unpaid = world.order("bob", json!({"offer_id": "o50", "provider": "zpay"})).await;
        undo(world, &unpaid).await.refused(409, "not_completed_by_hand");
        complete(world, &unpaid).await.is(200);
        world.pay(&unpaid, json!({})).await;
        world.settle().await;
        undo(world, &unpaid).await.refused(409, "not_completed_by_hand");
        assert_eq!(world.balance("bob").await, "24.99999998");
    });
}

/// F20, F18: money that arrives after a completion was undone is a surplus that a person credits.
#[test]
fn a_payment_after_an_undone_completion_is_a_surplus() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        complete(world, &order).await.is(200);
        undo(world, &order).await.is(200);
        world.pay(&order, json!({})).await;
        world.settle().await;
        assert_eq!(world.balance("bob").await, "0");
        assert_eq!(reviews(world).await, [("surplus".to_owned(), "open".to_owned())]);
    });
}
