//! Bonuses of offers and amounts (R12.1).

use serde_json::{Value, json};

use super::refunds::act;
use crate::world::World;

/// A top-up of ¥100 buys 13.88888888 USD; the promotion's first tier adds 4.16666666.
const CREDIT: &str = "13.88888888";
const WITH_PROMOTION: &str = "18.05555554";

/// Top-ups are on; the promotion is too if `promotion`. Bob has an account.
async fn open(world: &World, promotion: bool, change: impl FnOnce(&mut Value)) {
    world.open().await;
    world.settings("promotion", |settings| settings["enabled"] = json!(promotion)).await;
    world.settings("payment", change).await;
    world.register("bob", None).await;
}

fn tier(from: &str, bonus: &str, stackable: bool) -> Value {
    json!({"from": from, "bonus": bonus, "stackable": stackable})
}

fn give_on_hundred(bonus: &'static str, stackable: bool) -> impl FnOnce(&mut Value) {
    move |settings| settings["bonus_tiers"] = json!([tier("100", bonus, stackable)])
}

async fn buy(world: &World, amount: &str) -> Value {
    let order = world.order("bob", json!({"amount": amount, "provider": "zpay"})).await;
    world.pay(&order, json!({})).await;
    world.settle().await;
    let path = format!("/v1/payment/orders/{}", order["id"].as_str().unwrap());
    world.user("bob").get(&path).await.is(200)
}

/// Promotion's bonus, bonus of the amount, and total.
fn parts(order: &Value) -> [&str; 3] {
    ["bonus", "amount_bonus", "total"].map(|name| order[name]["amount"].as_str().unwrap())
}

/// Types and amounts of Bob's entries, oldest first.
async fn entries(world: &World) -> Vec<(String, String)> {
    let records = world.user("bob").get("/v1/balance/records").await.is(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = records["items"].as_array().unwrap().iter().rev();
    all.map(|record| (text(&record["type"]), text(&record["amount"]["amount"]))).collect()
}

fn entry(of: &str, amount: &str) -> (String, String) {
    (of.to_owned(), amount.to_owned())
}

/// R12.1, R4.11
#[test]
fn an_offers_bonus_is_an_entry_of_its_own_and_follows_refunds() {
    World::run(async |world| {
        open(world, false, |settings| settings["offers"][2]["bonus"] = json!("2.5")).await;
        let config = world.user("bob").get("/v1/payment/config").await.is(200);
        assert_eq!(config["offers"][2]["bonus"], json!({"amount": "2.5", "currency": "USD"}));
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        assert_eq!(parts(&order), ["0", "2.5", "16.38888888"], "what a payment would give");
        world.pay(&order, json!({})).await;
        world.settle().await;
        assert_eq!(world.balance("bob").await, "16.38888888");
        assert_eq!(entries(world).await, [entry("payment", CREDIT), entry("promotion", "2.5")]);
        act(world, &order, "refund", json!({"amount": "30.00"})).await;
        assert_eq!(world.balance("bob").await, "11.47222221", "70 % of each part, rounded down");
        act(world, &order, "refund", json!({"amount": "70.00"})).await;
        assert_eq!(world.balance("bob").await, "0");
        let path = format!("/v1/payment/orders/{}", order["id"].as_str().unwrap());
        let order = world.user("bob").get(&path).await.is(200);
        assert_eq!(parts(&order), ["0", "2.5", "16.38888888"], "it shows what the payment gave");
    });
}

/// R12.1: each tier holds from its amount on; an offer's own bonus comes first.
#[test]
fn the_highest_tier_that_an_amount_reaches_gives_the_bonus() {
    World::run(async |world| {
        open(world, false, |settings| {
            settings["bonus_tiers"] = json!([tier("100", "10%", false), tier("500", "20%", false)]);
            settings["offers"][3]["bonus"] = json!("1");
            settings["max_orders_per_minute"] = json!(10);
        })
        .await;
        let mut expected = rust_decimal::Decimal::ZERO;
        for (amount, bonus) in [("99.99", "0"), ("100", "1.38888888"), ("499.99", "6.94430555"), ("500", "13.88888888")]
        {
            let order = buy(world, amount).await;
            assert_eq!(parts(&order)[1], bonus, "{amount}");
            expected += parts(&order)[2].parse::<rust_decimal::Decimal>().unwrap();
            assert_eq!(world.balance("bob").await, expected.normalize().to_string(), "{amount}");
        }
        let order = world.order("bob", json!({"offer_id": "o500", "provider": "zpay"})).await;
        assert_eq!(parts(&order)[1], "1", "the offer's own");
    });
}

/// R12.1, R5.1: the promotion that is less is not used up by the order.
#[test]
fn of_two_bonuses_that_do_not_stack_the_higher_is_given() {
    World::run(async |world| {
        open(world, true, give_on_hundred("50%", false)).await;
        let order = buy(world, "100").await;
        assert_eq!(parts(&order), ["0", "6.94444444", "20.83333332"]);
        assert_eq!(world.balance("bob").await, "20.83333332");
        assert_eq!(world.user("bob").get("/v1/promotion").await.is(200)["status"], "active");
        assert_eq!(explained(world, &order, "bonus").await["outcome"], "less_than_amount_bonus");
        assert_eq!(explained(world, &order, "amount_bonus").await["amount"]["amount"], "6.94444444");
    });
    World::run(async |world| {
        open(world, true, give_on_hundred("10%", false)).await;
        let order = buy(world, "100").await;
        assert_eq!(parts(&order), ["4.16666666", "0", WITH_PROMOTION]);
        assert_eq!(world.balance("bob").await, WITH_PROMOTION);
        assert_eq!(explained(world, &order, "amount_bonus").await["outcome"], "less_than_promotion");
        let second = buy(world, "100").await;
        assert_eq!(parts(&second), ["0", "1.38888888", "15.27777776"], "the promotion is used once");
    });
}

/// The decision about one subject of an order.
async fn explained(world: &World, order: &Value, subject: &str) -> Value {
    let path = format!("/v1/admin/payment/orders/{}/explain", order["id"].as_str().unwrap());
    let all = world.admin().get(&path).await.is(200);
    let decisions = all["decisions"].as_array().unwrap();
    decisions.iter().find(|decision| decision["subject"] == subject).unwrap().clone()
}

/// R12.1
#[test]
fn bonuses_that_stack_are_given_together() {
    World::run(async |world| {
        open(world, true, give_on_hundred("10%", true)).await;
        let order = buy(world, "100").await;
        assert_eq!(parts(&order), ["4.16666666", "1.38888888", "19.44444442"]);
        assert_eq!(world.balance("bob").await, "19.44444442");
        let promotion = entry("promotion", "4.16666666");
        assert_eq!(entries(world).await, [entry("payment", CREDIT), promotion, entry("promotion", "1.38888888")]);
        let totals = world.admin().get("/v1/admin/stats").await.is(200);
        assert_eq!(totals["orders"]["bonus"]["amount"], "5.55555554");
        assert_eq!(totals["promotions"]["by_tier"][0]["bonus"]["amount"], "4.16666666");
    });
}

/// R12.1: an order keeps what it was offered, as it keeps its price, even when it is paid late.
#[test]
fn an_order_keeps_the_bonus_it_was_offered() {
    World::run(async |world| {
        open(world, false, give_on_hundred("10%", false)).await;
        let order = world.order("bob", json!({"amount": "100", "provider": "zpay"})).await;
        world.settings("payment", |settings| settings["bonus_tiers"] = json!([])).await;
        world.advance(40 * 60).await;
        world.stack.tick("expire-orders").await.unwrap();
        world.pay(&order, json!({})).await;
        world.settle().await;
        world.sign_in("bob").await;
        assert_eq!(world.balance("bob").await, "15.27777776");
        assert_eq!(parts(&buy(world, "100").await)[1], "0");
    });
}

/// R12.1, R9.1
#[test]
fn wrong_bonuses_are_refused_at_their_place() {
    World::run(async |world| {
        world.open().await;
        let read = world.admin().get("/v1/admin/settings/payment").await.is(200);
        let version = format!("\"{}\"", read["version"]);
        for (tiers, pointer, code) in [
            (json!([tier("100", "101%", false)]), "/bonus_tiers/0/bonus", "not_an_amount_or_percent"),
            (json!([tier("100", "ten", false)]), "/bonus_tiers/0/bonus", "not_an_amount_or_percent"),
            (json!([tier("0", "1", false)]), "/bonus_tiers/0/from", "out_of_range"),
            (json!([tier("100", "1", false), tier("100", "2", false)]), "/bonus_tiers/1/from", "not_ascending"),
            (json!([tier("1.001", "1", false)]), "/bonus_tiers/0/from", "too_many_digits"),
        ] {
            let mut settings = read["settings"].clone();
            settings["bonus_tiers"] = tiers;
            let answer = world.admin().header("if-match", &version).put("/v1/admin/settings/payment", settings).await;
            let problem = answer.refused(422, "invalid");
            assert_eq!(
                (&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]),
                (&json!(pointer), &json!(code))
            );
        }
    });
}
