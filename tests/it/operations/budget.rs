//! Budgets of programmes (R10.4): the part of a month's grants above them is held, with its reason, until it is released.

use serde_json::{Value, json};

use super::admin::id_of;
use crate::affiliate::commission::{hundred, invited, totals};
use crate::fixtures::refund;
use crate::world::World;

/// Sets a programme's budget.
pub async fn budget(world: &World, area: &str, amount: &str) {
    world.settings(area, |settings| settings["budget"] = json!(amount)).await;
}

/// A programme's budget, its use and what is left.
pub async fn left(world: &World, programme: &str) -> [Value; 3] {
    let shown = world.admin().get("/v1/admin/budgets").await.is(200);
    let of = shown["items"].as_array().unwrap().iter().find(|of| of["programme"] == programme).unwrap();
    ["budget", "spent", "remaining"].map(|name| of[name]["amount"].clone())
}

async fn rewards(world: &World, of: &str) -> Vec<[Value; 2]> {
    let list = world.admin().get(&format!("/v1/admin/rewards?{of}")).await.is(200);
    list["items"].as_array().unwrap().iter().map(|of| ["state", "hold"].map(|name| of[name].clone())).collect()
}

async fn explained(world: &World, order: &Value, subject: &str) -> Value {
    let path = format!("/v1/admin/payment/orders/{}/explain", order["id"].as_str().unwrap());
    let told = world.admin().get(&path).await.is(200);
    told["decisions"].as_array().unwrap().iter().find(|of| of["subject"] == subject).unwrap()["outcome"].clone()
}

/// R10.4: rewards above the month's budget are held for it, on both sides; a retry grants them once there is room, and a new month has
/// a budget of its own.
#[test]
fn rewards_above_the_budget_are_held_until_there_is_room() {
    World::run(async |world| {
        world.open().await;
        world
            .settings("referral", |settings| {
                settings["registration"] = json!({"inviter_reward": "2", "invitee_reward": "1"});
                settings["budget"] = json!("7");
            })
            .await;
        world.register("ann", None).await;
        let code = world.code("ann").await;
        for (name, balance) in [("bob", "1"), ("cid", "1"), ("dan", "1"), ("eve", "0")] {
            let made = world.register(name, Some(&code)).await;
            assert_eq!(made["referral"]["applied"], true, "{name}: a reward that is held loses no attribution");
            world.settle().await;
            assert_eq!(world.balance(name).await, balance, "{name}");
        }
        assert_eq!(left(world, "referral").await, [json!("7"), json!("7"), json!("0")]);
        assert_eq!(world.balance("ann").await, "4", "two of four");
        let held = vec![[json!("held"), json!("budget")]; 3];
        assert_eq!(rewards(world, "state=held").await, held);
        let own = world.user("ann").get("/v1/referral/rewards?limit=10").await.is(200);
        assert!(own["items"][0].get("hold").is_none(), "its user is told that it is held, not why");
        let list = world.admin().get("/v1/admin/rewards?state=held").await.is(200);
        let retry = format!("/v1/admin/rewards/{}/retry", list["items"][0]["id"].as_str().unwrap());
        assert_eq!(world.admin().post(&retry, Value::Null).await.is(200)["hold"], Value::Null);
        world.settle().await;
        assert_eq!(rewards(world, "state=held").await, held, "there is no room yet");
        budget(world, "referral", "9").await;
        world.admin().post(&retry, Value::Null).await.is(200);
        world.settle().await;
        assert_eq!(rewards(world, "state=held").await.len(), 2);
        // December.
        world.advance(15 * 86_400).await;
        for name in ["admin", "ann", "eve"] {
            world.sign_in(name).await;
        }
        assert_eq!(left(world, "referral").await, [json!("9"), json!("0"), json!("9")]);
        for reward in list["items"].as_array().unwrap() {
            let retry = format!("/v1/admin/rewards/{}/retry", reward["id"].as_str().unwrap());
            world.admin().post(&retry, Value::Null).await;
        }
        world.settle().await;
        assert_eq!((world.balance("ann").await, world.balance("eve").await), ("8".to_owned(), "1".to_owned()));
    });
}

/// R10.4: a commission above the budget is held in the pending part, whatever its hold time; it is released with a reason, from the budget
/// of the month in which it is.
#[test]
fn commissions_above_the_budget_are_held_until_they_are_released() {
    World::run(async |world| {
        invited(world).await;
        world.settings("affiliate", |settings| settings["default_trigger_limit"] = json!(0)).await;
        budget(world, "affiliate", "2").await;
        hundred(world).await;
        let order = hundred(world).await;
        assert_eq!(totals(world).await, ["1.38888888", "1.38888888", "0", "0", "0", "0"]);
        assert_eq!(left(world, "affiliate").await, [json!("2"), json!("1.38888888"), json!("0.61111112")]);
        assert_eq!(explained(world, &order, "commission").await, "over_budget");
        let own = world.user("ann").get("/v1/affiliate/commissions").await.is(200)["items"].clone();
        let held = own.as_array().unwrap().iter().find(|of| of["state"] == "held").unwrap();
        assert!(held.get("hold").is_none(), "its user is told that it is under review, not why");
        let all = json!({"amount": "2", "to": "balance"});
        world.user("ann").once().post("/v1/affiliate/withdrawals", all).await.refused(409, "insufficient_available");
        world.advance(86_400).await;
        world.sign_in("admin").await;
        world.settle().await;
        let held = world.admin().get("/v1/admin/commissions?state=held").await.is(200)["items"][0].clone();
        assert_eq!(held["hold"], "budget");
        let release = format!("/v1/admin/commissions/{}/release", held["id"].as_str().unwrap());
        let because = json!({"reason": "a good month"});
        world.admin().post(&release, because.clone()).await.refused(409, "budget_exceeded");
        world.admin().post(&release, json!({"reason": ""})).await.refused(422, "invalid");
        budget(world, "affiliate", "2.77777776").await;
        assert_eq!(world.admin().post(&release, because.clone()).await.is(200)["hold"], Value::Null);
        world.admin().post(&release, because).await.refused(409, "not_held");
        world.sign_in("ann").await;
        assert_eq!(totals(world).await, ["0", "2.77777776", "0", "0", "0", "0"]);
        assert_eq!(left(world, "affiliate").await, [json!("2.77777776"), json!("2.77777776"), json!("0")]);
    });
}

/// R10.4, R4.11: a held commission follows its order: refunded, nothing is left to release; its take-back frees no budget.
#[test]
fn a_held_commission_is_taken_back_with_its_order() {
    World::run(async |world| {
        invited(world).await;
        budget(world, "affiliate", "2").await;
        let first = hundred(world).await;
        let second = hundred(world).await;
        for order in [&first, &second] {
            refund(world, order, 10_000).await;
        }
        world.settle().await;
        assert_eq!(totals(world).await, ["0", "0", "0", "0", "2.77777776", "0"]);
        assert_eq!(left(world, "affiliate").await[1], "1.38888888");
        let id = second["id"].as_str().unwrap().replace("ord_", "cms_");
        let release = format!("/v1/admin/commissions/{id}/release");
        world.admin().post(&release, json!({"reason": "x"})).await.refused(409, "not_held");
    });
}

/// R10.4: a commission whose beneficiary is blocked when it is released waits for them.
#[test]
fn a_commission_released_for_a_blocked_user_waits_for_them() {
    World::run(async |world| {
        invited(world).await;
        budget(world, "affiliate", "1").await;
        hundred(world).await;
        let status = format!("/v1/admin/users/{}/status", id_of(world, "ann").await);
        world.admin().put(&status, json!({"status": "blocked", "reason": "looked into"})).await.is(200);
        let held = world.admin().get("/v1/admin/commissions?state=held").await.is(200)["items"][0].clone();
        let release = format!("/v1/admin/commissions/{}/release", held["id"].as_str().unwrap());
        budget(world, "affiliate", "0").await;
        let released = world.admin().post(&release, json!({"reason": "no budget any more"})).await.is(200);
        assert_eq!((&released["state"], &released["hold"]), (&json!("held"), &json!("blocked")));
        world.admin().put(&status, json!({"status": "active", "reason": "cleared"})).await.is(200);
        world.settle().await;
        world.sign_in("ann").await;
        assert_eq!(totals(world).await[1], "1.38888888");
    });
}

/// R10.4, R5: a bonus above the budget uses the promotion and is not credited; refunds cut it, and an admin releases the rest.
#[test]
fn a_bonus_above_the_budget_is_held_until_it_is_released() {
    World::run(async |world| {
        world.open().await;
        world.settings("promotion", |settings| settings["enabled"] = json!(true)).await;
        budget(world, "promotion", "5").await;
        let pay = async |name: &str| {
            world.register(name, None).await;
            let order = world.order(name, json!({"offer_id": "o100", "provider": "stripe"})).await;
            world.pay(&order, json!({"times": 2})).await;
            world.settle().await;
            order
        };
        pay("ann").await;
        let order = pay("bob").await;
        assert_eq!((&*world.balance("ann").await, &*world.balance("bob").await), ("18.05555554", "13.88888888"));
        let own = format!("/v1/payment/orders/{}", order["id"].as_str().unwrap());
        let shown = world.user("bob").get(&own).await.is(200);
        let amounts = ["bonus", "total"].map(|name| shown[name]["amount"].clone());
        assert_eq!((amounts, &shown["bonus_held"]), ([json!("4.16666666"), json!("13.88888888")], &json!(true)));
        assert_eq!(world.user("bob").get("/v1/promotion").await.is(200)["status"], "used");
        assert_eq!(explained(world, &order, "bonus").await, "over_budget");
        refund(world, &order, 3_000).await;
        world.settle().await;
        assert_eq!(world.balance("bob").await, "9.72222221");
        let release = format!("/v1/admin/payment/orders/{}/bonus/release", order["id"].as_str().unwrap());
        let because = json!({"reason": "a good month"});
        world.admin().post(&release, because.clone()).await.refused(409, "budget_exceeded");
        budget(world, "promotion", "10").await;
        world.admin().post(&release, because.clone()).await.is(200);
        assert_eq!(world.balance("bob").await, "12.63888887", "with the part that the refund leaves");
        world.admin().post(&release, because).await.refused(409, "not_held");
        refund(world, &order, 7_000).await;
        world.settle().await;
        assert_eq!(world.balance("bob").await, "0");
        assert_eq!(left(world, "promotion").await, [json!("10"), json!("8.33333332"), json!("1.66666668")]);
        let stats = world.admin().get("/v1/admin/stats").await.is(200);
        assert_eq!(stats["liabilities"]["balance"]["amount"], "18.05555554");
    });
}

/// R10.4: a budget that is lowered below what was granted grants nothing more; without one, everything is granted and not counted.
#[test]
fn a_budget_is_lowered_raised_and_taken_away() {
    World::run(async |world| {
        world.open().await;
        world.settings("referral", |settings| settings["registration"]["invitee_reward"] = json!("1")).await;
        world.register("ann", None).await;
        let code = world.code("ann").await;
        let next = async |number: u32| {
            let name = format!("user{number}");
            world.register(&name, Some(&code)).await;
            world.balance(&name).await
        };
        for (number, (amount, expected, spent)) in (0..).zip([
            ("3", "1", "1"),
            ("2", "1", "2"),
            ("1", "0", "2"),
            ("3", "1", "3"),
            ("0", "1", ""),
            ("4", "1", "4"),
        ]) {
            budget(world, "referral", amount).await;
            assert_eq!(next(number).await, expected, "{number}: {amount}");
            assert_eq!(left(world, "referral").await[1].as_str().unwrap_or_default(), spent, "{number}: {amount}");
        }
        world.settle().await;
    });
}
