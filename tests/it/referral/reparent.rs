//! Another inviter for a user, by an admin (R3.12).

use serde_json::{Value, json};

use crate::agency::id;
use crate::fixtures::refund;
use crate::world::{Answer, World};

/// Bob is Ann's invitee, and Cid invites nobody yet. A registration is worth 1, ¥150 are worth 3; ten per cent are commission.
async fn open(world: &World) {
    world.open().await;
    world
        .settings("referral", |settings| {
            settings["registration"]["inviter_reward"] = json!("1");
            settings["qualified"]["threshold"] = json!("150");
        })
        .await;
    world.settings("promotion", |settings| settings["enabled"] = json!(false)).await;
    world.settings("payment", |settings| settings["max_orders_per_minute"] = json!(100)).await;
    world.settings("affiliate", |settings| settings["enabled"] = json!(true)).await;
    world.register("ann", None).await;
    world.register("bob", Some(&world.code("ann").await)).await;
    world.register("cid", None).await;
    world.settle().await;
}

async fn me(world: &World, name: &str) -> String {
    id(&world.user(name).get("/v1/me").await.is(200))
}

async fn give(world: &World, user: &str, inviter: &str) -> Answer {
    let path = format!("/v1/admin/users/{}/inviter", me(world, user).await);
    let body = json!({"inviter_id": me(world, inviter).await, "reason": "the wrong link"});
    world.admin().once().put(&path, body).await
}

fn reason(answer: Answer) -> String {
    let problem = answer.refused(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/inviter_id");
    problem["errors"][0]["code"].as_str().unwrap().to_owned()
}

async fn order(world: &World, user: &str) -> Value {
    world.order(user, json!({"offer_id": "o100", "provider": "stripe"})).await
}

async fn pay(world: &World, order: &Value) {
    world.pay(order, json!({})).await;
    world.settle().await;
}

/// Balance, commission earned, and the counts of invitees, of those who qualified, and of those listed.
async fn of(world: &World, name: &str) -> [String; 5] {
    let earned = world.user(name).get("/v1/affiliate").await.is(200)["totals"]["earned"]["amount"].clone();
    let stats = world.user(name).get("/v1/referral").await.is(200)["stats"].clone();
    let listed = world.user(name).get("/v1/referral/invitees").await.is(200)["items"].as_array().unwrap().len();
    let earned = earned.as_str().unwrap().to_owned();
    [
        world.balance(name).await,
        earned,
        stats["invitees"].to_string(),
        stats["qualified"].to_string(),
        listed.to_string(),
    ]
}

/// R3.12: what was earned before stays with the earlier inviter, and what is reached and paid later is the new one's.
#[test]
fn earlier_rewards_and_commissions_stay_and_later_ones_are_the_new_inviters() {
    World::run(async |world| {
        open(world).await;
        let first = order(world, "bob").await;
        pay(world, &first).await;
        assert_eq!(of(world, "ann").await, ["1", "1.38888888", "1", "0", "1"]);
        let made = give(world, "bob", "cid").await.is(200);
        assert_eq!(made["inviter"], json!(me(world, "cid").await));
        world.settle().await;
        assert_eq!(of(world, "ann").await, ["1", "1.38888888", "1", "0", "0"]);
        assert_eq!(of(world, "cid").await, ["0", "0", "0", "0", "1"]);
        let audits = world.admin().get("/v1/admin/audit").await.is(200);
        let set = |one: &&Value| one["action"] == "user.inviter_set" && one["reason"] == "the wrong link";
        assert_eq!(audits["items"].as_array().unwrap().iter().filter(set).count(), 1);
        let second = order(world, "bob").await;
        pay(world, &second).await;
        assert_eq!(of(world, "ann").await, ["1", "1.38888888", "1", "0", "0"]);
        assert_eq!(of(world, "cid").await, ["3", "1.38888888", "0", "1", "1"]);
        refund(world, &first, 10_000).await;
        assert_eq!(
            of(world, "ann").await[1..3],
            ["1.38888888", "1"],
            "the commission of the first order is Ann's debt"
        );
        assert_eq!(of(world, "cid").await[0], "0", "the threshold is not reached any more");
        let again = order(world, "bob").await;
        pay(world, &again).await;
        assert_eq!(of(world, "cid").await[0], "3");
    });
}

/// R3.12: a reward that was reached before stays with the earlier inviter through refunds and later payments.
#[test]
fn a_threshold_that_was_reached_before_stays_the_earlier_inviters() {
    World::run(async |world| {
        open(world).await;
        for _ in 0..2 {
            pay(world, &order(world, "bob").await).await;
        }
        assert_eq!(of(world, "ann").await, ["4", "2.77777776", "1", "1", "1"]);
        give(world, "bob", "cid").await.is(200);
        let later = order(world, "bob").await;
        pay(world, &later).await;
        assert_eq!(of(world, "ann").await, ["4", "2.77777776", "1", "1", "0"]);
        assert_eq!(of(world, "cid").await, ["0", "1.38888888", "0", "0", "1"]);
        refund(world, &later, 10_000).await;
        assert_eq!(of(world, "ann").await[0], "4", "¥200 are left");
        give(world, "bob", "ann").await.is(200);
        world.settle().await;
        assert_eq!(of(world, "ann").await, ["4", "2.77777776", "1", "1", "1"]);
    });
}

/// R3.12: a reward that was reached before, and fell by a refund, is the earlier inviter's again once the threshold is reached again.
#[test]
fn a_reward_that_fell_is_reached_again_for_the_earlier_inviter() {
    World::run(async |world| {
        open(world).await;
        let first = order(world, "bob").await;
        pay(world, &first).await;
        pay(world, &order(world, "bob").await).await;
        assert_eq!(of(world, "ann").await[0], "4");
        give(world, "bob", "cid").await.is(200);
        refund(world, &first, 10_000).await;
        assert_eq!([of(world, "ann").await[0].clone(), of(world, "cid").await[0].clone()], ["1", "0"]);
        pay(world, &order(world, "bob").await).await;
        assert_eq!([of(world, "ann").await[0].clone(), of(world, "cid").await[0].clone()], ["4", "0"]);
    });
}

/// R3.12, R4.1: the commission of an order that was made before and paid later is the earlier inviter's; the threshold that it reaches
/// is the new one's.
#[test]
fn an_order_made_before_and_paid_later_earns_commission_for_its_own_inviter() {
    World::run(async |world| {
        open(world).await;
        pay(world, &order(world, "bob").await).await;
        let before = order(world, "bob").await;
        give(world, "bob", "cid").await.is(200);
        pay(world, &before).await;
        assert_eq!(of(world, "ann").await, ["1", "2.77777776", "1", "0", "0"]);
        assert_eq!(of(world, "cid").await, ["3", "0", "0", "1", "1"]);
        refund(world, &before, 10_000).await;
        assert_eq!(of(world, "cid").await[0], "0");
    });
}

/// R3.12: the registration's reward is the first inviter's, also when its message comes late.
#[test]
fn a_registration_that_is_not_processed_yet_is_the_first_inviters() {
    World::run(async |world| {
        open(world).await;
        world.register("dan", Some(&world.code("ann").await)).await;
        give(world, "dan", "cid").await.is(200);
        world.settle().await;
        assert_eq!(of(world, "ann").await[..3], ["2", "0", "2"]);
        assert_eq!(of(world, "cid").await, ["0", "0", "0", "0", "1"]);
    });
}

/// R3.12: who had no inviter is bound like one who names theirs late, and the inviter gets a code if they have none.
#[test]
fn a_user_without_an_inviter_is_given_one() {
    World::run(async |world| {
        open(world).await;
        pay(world, &order(world, "cid").await).await;
        world.register("dan", None).await;
        give(world, "cid", "dan").await.is(200);
        world.settle().await;
        assert_eq!(of(world, "dan").await, ["0", "0", "1", "0", "1"]);
        for _ in 0..2 {
            pay(world, &order(world, "cid").await).await;
        }
        assert_eq!(of(world, "dan").await, ["3", "2.77777776", "1", "1", "1"], "the first order is from before");
    });
}

/// R3.12: an inviter who cannot be theirs is refused, and nobody comes under somebody whom they invited.
#[test]
fn an_inviter_who_cannot_be_theirs_is_refused() {
    World::run(async |world| {
        open(world).await;
        assert_eq!(reason(give(world, "ann", "ann").await), "own");
        assert_eq!(reason(give(world, "ann", "bob").await), "circle");
        give(world, "cid", "bob").await.is(200);
        assert_eq!(reason(give(world, "ann", "cid").await), "circle", "along a chain of two");
        let ann = me(world, "ann").await;
        let path = format!("/v1/admin/users/{ann}/inviter");
        let nobody = "usr_01arz3ndektsv4rrffq69g5fav";
        let body = json!({"inviter_id": nobody, "reason": "a test"});
        assert_eq!(reason(world.admin().put(&path, body.clone()).await), "unknown");
        let elsewhere = format!("/v1/admin/users/{nobody}/inviter");
        world.admin().put(&elsewhere, json!({"inviter_id": ann, "reason": "a test"})).await.refused(404, "not_found");
        let problem = world.admin().put(&path, json!({"inviter_id": ann, "reason": " "})).await.refused(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/reason");
        let status = format!("/v1/admin/users/{}/status", me(world, "cid").await);
        world.register("dan", None).await;
        let cid = me(world, "cid").await;
        world.admin().put(&status, json!({"status": "blocked", "reason": "fraud"})).await.is(200);
        let dan = format!("/v1/admin/users/{}/inviter", me(world, "dan").await);
        let body = json!({"inviter_id": cid, "reason": "a test"});
        assert_eq!(reason(world.admin().put(&dan, body).await), "inviter_blocked");
        let audits = world.admin().get("/v1/admin/audit").await.is(200);
        let set = audits["items"].as_array().unwrap().iter().filter(|one| one["action"] == "user.inviter_set").count();
        assert_eq!(set, 1, "only what was changed");
        give(world, "bob", "ann").await.is(200);
        let audits = world.admin().get("/v1/admin/audit").await.is(200);
        let set = audits["items"].as_array().unwrap().iter().filter(|one| one["action"] == "user.inviter_set").count();
        assert_eq!(set, 1, "the inviter they have is no change");
    });
}
