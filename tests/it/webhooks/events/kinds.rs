//! Each kind of event is delivered once, with the right subject.

use serde_json::{Value, json};

use super::{endpoint, heard};
use crate::affiliate::commission::{hundred, invited};
use crate::agency::cash;
use crate::fixtures::refund;
use crate::payment::refunds::{act, paid};
use crate::world::World;

/// Delivered events of a kind, in order of arrival.
pub fn told(world: &World, kind: &str) -> Vec<Value> {
    let all = heard(world).into_iter().map(|one| one.said());
    all.filter(|said| said["type"] == kind).map(|said| said["data"].clone()).collect()
}

/// The only delivered event of a kind.
#[track_caller]
pub fn once(world: &World, kind: &str) -> Value {
    let mut all = told(world, kind);
    assert_eq!(all.len(), 1, "{kind}: {all:#?}");
    all.remove(0)
}

async fn id(world: &World, name: &str) -> Value {
    world.user(name).get("/v1/me").await.is(200)["id"].clone()
}

async fn all_kinds(world: &World) {
    endpoint(
        world,
        &[
            "user.registered",
            "user.referred",
            "order.paid",
            "order.refunded",
            "order.reinstated",
            "reward.granted",
            "redemption.completed",
            "commission.accrued",
            "commission.available",
            "commission.reversed",
            "withdrawal.requested",
            "withdrawal.completed",
            "withdrawal.paid",
            "withdrawal.rejected",
            "withdrawal.cancelled",
        ],
    )
    .await;
}

#[test]
fn a_paid_and_refunded_order_and_its_reward_are_told() {
    World::run(async |world| {
        world.open().await;
        all_kinds(world).await;
        world.register("ann", None).await;
        world.settle().await;
        let code = world.code("ann").await;
        world.register("bob", Some(&code)).await;
        world.settle().await;
        let users = told(world, "user.registered");
        assert_eq!((&users[0]["id"], &users[0]["invited_by"]), (&id(world, "ann").await, &Value::Null));
        assert_eq!((&users[1]["id"], &users[1]["invited_by"]), (&id(world, "bob").await, &id(world, "ann").await));
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        world.pay(&order, json!({"times": 2})).await;
        world.settle().await;
        let paid = once(world, "order.paid");
        assert_eq!(
            (&paid["id"], &paid["user_id"], &paid["status"]),
            (&order["id"], &id(world, "bob").await, &json!("paid"))
        );
        assert_eq!(paid["total"], json!({"amount": "18.05555554", "currency": "USD"}));
        assert!(paid.get("pay_url").is_none());
        let reward = once(world, "reward.granted");
        assert_eq!((&reward["user_id"], &reward["invitee_id"]), (&id(world, "ann").await, &id(world, "bob").await));
        assert_eq!((&reward["amount"]["amount"], &reward["state"]), (&json!("3"), &json!("granted")));
        for units in [1_000, 2_000] {
            refund(world, &order, units).await;
        }
        let refunded = told(world, "order.refunded");
        assert_eq!(
            refunded.iter().map(|one| one["net"]["amount"].as_str().unwrap()).collect::<Vec<_>>(),
            ["90.00", "70.00"]
        );
        assert_eq!(refunded[0]["status"], "partially_refunded");
        assert_eq!(refunded[1]["refunds"].as_array().unwrap().len(), 2);
        once(world, "order.paid");
        once(world, "reward.granted");
    });
}

/// R3.12: the product is told of an inviter who was named after the sign-up.
#[test]
fn an_inviter_who_is_named_later_is_told() {
    World::run(async |world| {
        world.open().await;
        world.settings("referral", |settings| settings["late_bind_days"] = json!(1)).await;
        all_kinds(world).await;
        world.register("ann", None).await;
        world.register("bob", None).await;
        let body = json!({"referral_code": world.code("ann").await});
        world.user("bob").once().post("/v1/referral/inviter", body).await.is(200);
        world.settle().await;
        let said = once(world, "user.referred");
        assert_eq!((&said["id"], &said["invited_by"]), (&id(world, "bob").await, &id(world, "ann").await));
        assert_eq!(told(world, "user.registered").len(), 2);
    });
}

/// F19: the product is told that a dispute was won, and that a refund failed.
#[test]
fn money_that_comes_back_is_told() {
    for (away, back) in [("dispute", "dispute_won"), ("refund", "refund_fails")] {
        World::run(async |world| {
            let order = paid(world, "stripe").await;
            endpoint(world, &["order.*"]).await;
            act(world, &order, away, json!({})).await;
            assert_eq!(once(world, "order.refunded")["net"]["amount"], "0.00");
            act(world, &order, back, json!({})).await;
            let told = once(world, "order.reinstated");
            assert_eq!((&told["id"], &told["status"]), (&order["id"], &json!("paid")));
            assert_eq!(told["net"]["amount"], "100.00");
        });
    }
}

/// F19: a group of events is all of its kinds and no other.
#[test]
fn a_group_of_events_is_all_of_its_kinds() {
    World::run(async |world| {
        world.open().await;
        let made = endpoint(world, &["order.*", "user.registered"]).await;
        assert_eq!(made["events"], json!(["user.registered", "order.*"]));
        world.register("ann", None).await;
        let code = world.code("ann").await;
        world.register("bob", Some(&code)).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        world.pay(&order, json!({})).await;
        world.settle().await;
        let mut kinds: Vec<Value> = heard(world).into_iter().map(|one| one.said()["type"].clone()).collect();
        kinds.sort_by_key(ToString::to_string);
        assert_eq!(kinds, ["order.paid", "user.registered", "user.registered"]);
        let wrong = json!({"url": "https://product.test/_sim/webhook", "events": ["ord*"]});
        world.admin().once().post("/v1/admin/webhook-endpoints", wrong).await.refused(422, "invalid");
    });
}

#[test]
fn a_reward_of_the_sign_up_itself_is_told() {
    World::run(async |world| {
        world.open().await;
        world.settings("referral", |settings| settings["registration"]["invitee_reward"] = json!("1")).await;
        all_kinds(world).await;
        world.register("ann", None).await;
        world.register("bob", Some(&world.code("ann").await)).await;
        world.settle().await;
        let reward = once(world, "reward.granted");
        assert_eq!((&reward["user_id"], &reward["side"]), (&id(world, "bob").await, &json!("invitee")));
    });
}

#[test]
fn a_redemption_is_told_without_its_code() {
    World::run(async |world| {
        all_kinds(world).await;
        world.register("ann", None).await;
        let code = world.codes(json!({"label": "x", "count": 1, "credit": "5", "total_uses": 1})).await.remove(0);
        world.redeem("ann", &code).await.is(201);
        world.settle().await;
        let told = once(world, "redemption.completed");
        assert_eq!((&told["user_id"], &told["credit"]["amount"]), (&id(world, "ann").await, &json!("5")));
        assert!(!told.to_string().contains(&code[..4]), "{told}");
    });
}

#[test]
fn a_commission_that_waits_is_told_when_it_is_earned_available_and_reversed() {
    World::run(async |world| {
        invited(world).await;
        world.settings("affiliate", |settings| settings["hold_hours"] = json!(48)).await;
        all_kinds(world).await;
        let order = hundred(world).await;
        world.settle().await;
        let accrued = once(world, "commission.accrued");
        assert_eq!((&accrued["user_id"], &accrued["order_id"]), (&id(world, "ann").await, &order["id"]));
        assert_eq!((&accrued["state"], &accrued["amount"]["amount"]), (&json!("pending"), &json!("1.38888888")));
        assert!(told(world, "commission.available").is_empty());
        world.advance(48 * 3_600 + 1).await;
        world.stack.tick("mature-commissions").await.unwrap();
        world.settle().await;
        assert_eq!(once(world, "commission.available")["state"], "available");
        refund(world, &order, 5_000).await;
        let reversed = once(world, "commission.reversed");
        assert_eq!(
            (&reversed["state"], &reversed["remaining"]["amount"]),
            (&json!("partially_reversed"), &json!("0.69444444"))
        );
        once(world, "commission.accrued");
        once(world, "commission.available");
    });
}

#[test]
fn a_commission_without_a_hold_time_is_earned_and_available_at_once() {
    World::run(async |world| {
        invited(world).await;
        all_kinds(world).await;
        hundred(world).await;
        world.settle().await;
        assert_eq!(once(world, "commission.accrued")["id"], once(world, "commission.available")["id"]);
    });
}

#[test]
fn withdrawals_are_told_in_every_state_without_where_the_cash_goes() {
    World::run(async |world| {
        invited(world).await;
        world.settings("affiliate", |settings| settings["min_cash_withdrawal"] = json!("0.1")).await;
        hundred(world).await;
        world.settle().await;
        all_kinds(world).await;
        world
            .user("ann")
            .once()
            .post("/v1/affiliate/withdrawals", json!({"amount": "0.5", "to": "balance"}))
            .await
            .is(201);
        let payout = json!({"method": "bank", "account": "DE02120300000000202051", "name": "Ann"});
        let mut asked = Vec::new();
        for _ in 0..3 {
            let body = json!({"amount": "0.1", "to": "cash", "payout": payout});
            let made = world.user("ann").once().post("/v1/affiliate/withdrawals", body).await.is(201);
            asked.push(made["id"].as_str().unwrap().to_owned());
        }
        world.settle().await;
        let path = |index: usize, verb| format!("/v1/admin/withdrawals/{}/{verb}", asked[index]);
        world.admin().post(&path(0, "approve"), json!({"reference": "SEPA 17"})).await.is(200);
        world.admin().post(&path(1, "reject"), json!({"reason": "unknown account"})).await.is(200);
        world.user("ann").post(&format!("/v1/affiliate/withdrawals/{}/cancel", asked[2]), json!({})).await.is(200);
        world.settle().await;
        assert_eq!(told(world, "withdrawal.requested").len(), 3);
        assert_eq!(once(world, "withdrawal.completed")["to"], "balance");
        for (kind, index) in [("paid", 0), ("rejected", 1), ("cancelled", 2)] {
            let told = once(world, &format!("withdrawal.{kind}"));
            assert_eq!((&told["id"], &told["state"]), (&json!(asked[index]), &json!(kind)));
            assert_eq!((&told["user_id"], &told["amount"]["amount"]), (&id(world, "ann").await, &json!("0.1")));
        }
        for heard in heard(world) {
            assert!(!heard.body.contains("2051") && !heard.body.contains("SEPA"), "{}", heard.body);
        }
    });
}

/// R6.6: cash of a shop is told in every state, with its shop and without where the cash goes.
#[test]
fn cash_of_a_shop_is_told_in_every_state() {
    World::run(async |world| {
        let [a, ..] = cash::sold(world).await;
        all_kinds(world).await;
        let mut asked = Vec::new();
        for _ in 0..3 {
            asked.push(cash::cash(world, "a", "5").await);
        }
        let path = |index: usize, verb| format!("/v1/admin/withdrawals/{}/{verb}", asked[index]);
        world.admin().post(&path(0, "approve"), json!({"reference": "SEPA 17"})).await.is(200);
        world.admin().post(&path(1, "reject"), json!({"reason": "unknown account"})).await.is(200);
        world.user("a").post(&format!("{}/{}/cancel", cash::CASH, asked[2]), json!({})).await.is(200);
        world.settle().await;
        assert_eq!(told(world, "withdrawal.requested").len(), 3);
        for (kind, index) in [("paid", 0), ("rejected", 1), ("cancelled", 2)] {
            let told = once(world, &format!("withdrawal.{kind}"));
            assert_eq!((&told["id"], &told["shop_id"]), (&json!(asked[index]), &json!(a)));
            let (agent, amount) = (id(world, "a").await, json!({"amount": "5", "currency": "CNY"}));
            assert_eq!((&told["user_id"], &told["amount"]), (&agent, &amount));
        }
        for heard in heard(world) {
            assert!(!heard.body.contains("2051") && !heard.body.contains("SEPA"), "{}", heard.body);
        }
    });
}
