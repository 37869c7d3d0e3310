//! Looking before selling: the pre-check, assets by their printed number, who would earn what (R8.7–R8.9).

use serde_json::{Value, json};

use super::{all, asset, chain, earned, fixed, fund, grant, id, open, package, series};
use crate::world::{Caller, World};

const ORDERS: &str = "/v1/agency/orders";

/// R8.7, R8.9: the pre-check says who would earn what, and the sale pays that; each caller sees its own tree.
#[test]
fn the_pre_check_says_what_the_sale_then_pays() {
    World::run(async |world| {
        open(world).await;
        let [a, b, _] = chain(world).await;
        let cards = series(world, fixed("100")).await;
        let month = package(world, &cards, "MONTH", "50", "10").await;
        for (shop, amount, cost) in [(&a, "80", "12"), (&b, "50", "20")] {
            let packages = json!([{"package_id": month, "cost_price": cost}]);
            grant(world, shop, &cards, json!({"commission_amount": amount, "packages": packages})).await;
        }
        let card = asset(world, &b, &cards, "8986-0001").await;
        fund(world, &b, "100").await;
        let path = format!("/v1/assets/{card}/purchase-check");
        let check = async |caller: Caller<'_>, payment: Value| {
            let said = caller.post(&path, json!({"package_ids": [month], "payment": payment})).await.is(200);
            said["commission"].clone()
        };
        let expected = check(world.admin(), Value::Null).await;
        assert_eq!((&expected["triggered"], &expected["pool"]["amount"]), (&json!(true), &json!("100")));
        assert_eq!(expected["platform"]["amount"], "20");
        let own = check(world.user("b"), json!("online")).await;
        assert_eq!((own["levels"].as_array().unwrap().len(), &own["pool"]), (1, &Value::Null), "{own}");
        let spent = check(world.admin(), json!("asset")).await;
        assert_eq!((&spent["triggered"], &spent["pool"]["amount"]), (&json!(false), &json!("0")));
        world.admin().post(&path, json!({"package_ids": [month], "payment": "coins"})).await.refused(422, "invalid");
        let lines = world.admin().get(&format!("/v1/agency/wallet/records?shop_id={b}")).await.is(200);
        assert_eq!(lines["items"].as_array().unwrap().len(), 1, "asking wrote nothing");
        let body = json!({"asset_id": card, "kind": "purchase", "package_ids": [month], "payment": "wallet"});
        let order = world.admin().once().post(ORDERS, body).await.is(201);
        world.settle().await;
        let order = world.admin().get(&format!("{ORDERS}/{}", id(&order))).await.is(200);
        assert_eq!(order["commission"]["levels"], expected["levels"]);
        assert_eq!(earned(&order), all(&[("50", "30"), ("30", "8")]));
        let again = check(world.admin(), Value::Null).await;
        assert_eq!((&again["triggered"], &again["levels"][0]["one_time"]["amount"]), (&json!(false), &json!("0")));
    });
}

/// R8.9: the pre-check counts the sale that it is about, as its settlement does.
#[test]
fn the_pre_check_of_a_tiered_series_counts_the_sale_itself() {
    World::run(async |world| {
        open(world).await;
        let [a, ..] = chain(world).await;
        let tier = json!({"dimension": "sales_count", "scope": "self", "threshold": "1", "amount": "9"});
        let cards = series(world, json!({"type": "tiered", "tiers": [tier]})).await;
        grant(world, &a, &cards, json!({"commission_tiers": [{"threshold": "1", "amount": "7"}]})).await;
        let card = asset(world, &a, &cards, "8986-0002").await;
        let said = world.user("a").post(&format!("/v1/assets/{card}/recharge-check"), json!({"amount": "10"})).await;
        let level = said.is(200)["commission"]["levels"][0].clone();
        assert_eq!((&level["tier"], &level["one_time"]["amount"]), (&json!("1"), &json!("7")), "{level}");
    });
}

/// R8.8: an asset is found by its printed number, however that is written, by whoever may see it.
#[test]
fn an_asset_is_found_by_its_number() {
    World::run(async |world| {
        open(world).await;
        let [a, b, _] = chain(world).await;
        let cards = series(world, fixed("10")).await;
        for shop in [&a, &b] {
            grant(world, shop, &cards, json!({})).await;
        }
        let card = asset(world, &b, &cards, "SIM-8986-01").await;
        asset(world, &b, &cards, "SIM-8986-02").await;
        let found = async |who: &str, filter: &str| {
            let path = format!("/v1/assets?identifier={filter}");
            let items = world.user(who).get(&path).await.is(200)["items"].as_array().unwrap().clone();
            items.iter().map(id).collect::<Vec<_>>()
        };
        for typed in ["SIM-8986-01", "sim8986-01", "%20sim-898601"] {
            assert_eq!(found("b", typed).await, std::slice::from_ref(&card), "{typed}");
            assert_eq!(found("a", typed).await, std::slice::from_ref(&card), "from above");
            assert_eq!(found("c", typed).await, Vec::<String>::new(), "not from below");
        }
        assert_eq!(found("b", "SIM-8986-03").await, Vec::<String>::new());
        let other = format!("SIM-8986-01&shop_id={a}");
        assert_eq!(found("a", &other).await, Vec::<String>::new(), "the other filters hold, too");
        world.user("b").get("/v1/assets?identifier=x").await.refused(422, "invalid");
    });
}
