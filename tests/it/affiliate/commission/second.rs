//! Commissions of the second level (R6.11).

use serde_json::{Value, json};

use super::{hundred, totals};
use crate::fixtures::refund;
use crate::world::World;

/// Zoe invited Ann, who invited Bob; Ann has ten per cent, Zoe `rate` of what Bob's orders bring.
pub async fn three(world: &World, rate: &str) {
    world
        .settings("payment", |settings| {
            settings["enabled"] = json!(true);
            settings["max_orders_per_minute"] = json!(100);
        })
        .await;
    world
        .settings("affiliate", |settings| {
            settings["enabled"] = json!(true);
            settings["second_level_rate"] = json!(rate);
        })
        .await;
    world.register("zoe", None).await;
    let code = world.code("zoe").await;
    world.register("ann", Some(&code)).await;
    let code = world.code("ann").await;
    world.register("bob", Some(&code)).await;
}

async fn commissions(world: &World, name: &str) -> Vec<Value> {
    world.user(name).get("/v1/affiliate/commissions").await.is(200)["items"].as_array().unwrap().clone()
}

/// Available commission of a user, and the part that was taken back.
async fn account(world: &World, name: &str) -> [String; 2] {
    let of = world.user(name).get("/v1/affiliate").await.is(200)["totals"].clone();
    ["available", "clawed_back"].map(|name| of[name]["amount"].as_str().unwrap().to_owned())
}

/// R6.11: the inviter's inviter has a share of the same base, beside the inviter's own.
#[test]
fn an_order_earns_the_inviters_inviter_a_share_of_the_same_base() {
    World::run(async |world| {
        three(world, "0.05").await;
        let order = hundred(world).await;
        world.settle().await;
        assert_eq!(totals(world).await[1], "1.38888888", "Ann's ten per cent");
        assert_eq!(account(world, "zoe").await, ["0.69444444", "0"], "five per cent of 13.88888888");
        let of_zoe = commissions(world, "zoe").await;
        assert_eq!(of_zoe.len(), 1);
        assert_eq!(
            (&of_zoe[0]["second_level"], &of_zoe[0]["order_id"], &of_zoe[0]["base"]["amount"], &of_zoe[0]["rate"]),
            (&json!(true), &order["id"], &json!("13.88888888"), &json!("0.05"))
        );
        assert_eq!(commissions(world, "ann").await[0]["second_level"], false);
        let invitees = world.user("zoe").get("/v1/affiliate").await.is(200)["invitees"].clone();
        assert_eq!(invitees, 1, "Bob is Ann's invitee");
    });
}

/// R6.11, R4.11: it follows the net of the order as the first level does.
#[test]
fn a_refund_takes_both_levels_back() {
    World::run(async |world| {
        three(world, "0.05").await;
        let order = hundred(world).await;
        world.settle().await;
        refund(world, &order, 3_000).await;
        world.settle().await;
        assert_eq!(account(world, "ann").await, ["0.97222221", "0.41666667"]);
        assert_eq!(account(world, "zoe").await, ["0.4861111", "0.20833334"]);
        refund(world, &order, 7_000).await;
        world.settle().await;
        assert_eq!(account(world, "ann").await[0], "0");
        assert_eq!(account(world, "zoe").await[0], "0");
        assert_eq!(commissions(world, "zoe").await[0]["state"], "reversed");
    });
}

/// R6.11, R6.3: an order that earns the inviter nothing earns the second level nothing either.
#[test]
fn the_second_level_earns_where_the_first_does() {
    World::run(async |world| {
        three(world, "0.05").await;
        for _ in 0..4 {
            hundred(world).await;
        }
        world.settle().await;
        assert_eq!((commissions(world, "ann").await.len(), commissions(world, "zoe").await.len()), (3, 3));
        assert_eq!(account(world, "zoe").await[0], "2.08333332", "three times 0.69444444");
    });
}

/// R6.11: the terms are those of the order's creation, and both levels together are at most the base.
#[test]
fn both_levels_never_earn_more_than_the_base() {
    World::run(async |world| {
        three(world, "0.9").await;
        let ann = world.user("ann").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let policy = json!({"rate": "0.4", "trigger_limit": 0, "can_invite": true});
        world.admin().put(&format!("/v1/admin/users/{ann}/affiliate-policy"), policy).await.is(200);
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        world.settings("affiliate", |settings| settings["second_level_rate"] = json!("0")).await;
        world.pay(&order, json!({})).await;
        world.settle().await;
        assert_eq!(account(world, "ann").await[0], "5.55555555");
        assert_eq!(commissions(world, "zoe").await[0]["rate"], "0.6", "what Ann's rate leaves");
        assert_eq!(account(world, "zoe").await[0], "8.33333332");
        hundred(world).await;
        world.settle().await;
        assert_eq!(commissions(world, "zoe").await.len(), 1, "it is off for later orders");
        let read = world.admin().get("/v1/admin/settings/affiliate").await.is(200);
        let version = format!("\"{}\"", read["version"]);
        let mut settings = read["settings"].clone();
        settings["second_level_rate"] = json!("0.91");
        let answer = world.admin().header("if-match", &version).put("/v1/admin/settings/affiliate", settings).await;
        let problem = answer.refused(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/second_level_rate");
    });
}

/// R6.11, R9.3: an admin reverses one level, and the other stays.
#[test]
fn each_level_is_reversed_by_itself() {
    World::run(async |world| {
        three(world, "0.05").await;
        let order = hundred(world).await;
        world.settle().await;
        let id = commissions(world, "zoe").await[0]["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/admin/commissions/{id}/reverse");
        world.admin().once().post(&path, json!({"reason": "not theirs"})).await.is(200);
        assert_eq!(account(world, "zoe").await[0], "0");
        assert_eq!(account(world, "ann").await[0], "1.38888888");
        refund(world, &order, 3_000).await;
        world.settle().await;
        assert_eq!(account(world, "zoe").await[0], "0", "a reversal is permanent");
        assert_eq!(account(world, "ann").await[0], "0.97222221");
    });
}
