//! What a sale pays the chain (R8.8–R8.10), and what a refund takes back of it (R4.11).

use serde_json::{Value, json};

use super::{all, asset, chain, earned, fixed, fund, grant, id, open, package, recharge, series, wallet};
use crate::returns::act;
use crate::world::World;

/// R8.9: series 100, A 80, B 50, C 30, sold by C: C 30, B 20, A 30, platform 20; each has it on its wallet.
#[test]
fn a_sale_pays_every_level_what_it_holds_above_those_below() {
    World::run(async |world| {
        open(world).await;
        let [a, b, c] = chain(world).await;
        let cards = series(world, fixed("100")).await;
        for (shop, amount) in [(&a, "80"), (&b, "50"), (&c, "30")] {
            grant(world, shop, &cards, json!({"commission_amount": amount})).await;
        }
        let card = asset(world, &c, &cards, "CARD-1").await;
        fund(world, &c, "500").await;
        let order = recharge(world, &card, "10").await;
        assert_eq!((&order["status"], &order["commission"]["state"]), (&json!("paid"), &json!("done")));
        assert_eq!(earned(&order), all(&[("30", "0"), ("20", "0"), ("30", "0")]));
        let commission = &order["commission"];
        assert_eq!((&commission["pool"]["amount"], &commission["platform"]["amount"]), (&json!("100"), &json!("20")));
        assert_eq!(wallet(world, &c).await, ["490", "30", "0"]);
        assert_eq!(wallet(world, &b).await, ["0", "20", "0"]);
        assert_eq!(wallet(world, &a).await, ["0", "30", "0"]);
        let seen = world.admin().get(&format!("/v1/assets/{card}")).await.is(200);
        assert_eq!((&seen["balance"]["amount"], &seen["commission_order_id"]), (&json!("10"), &json!(id(&order))));
        // Once per asset, ever.
        assert_eq!(earned(&recharge(world, &card, "10").await), all(&[("0", "0"), ("0", "0"), ("0", "0")]));
        assert_eq!(wallet(world, &a).await, ["0", "30", "0"]);
    });
}

/// R8.10: each level earns its child's cost less its own, the seller its retail price less its cost, on every sale.
#[test]
fn every_sale_pays_the_differences_of_the_prices() {
    World::run(async |world| {
        open(world).await;
        let [a, b, c] = chain(world).await;
        let cards = series(world, Value::Null).await;
        let month = package(world, &cards, "MONTH", "50", "10").await;
        for (shop, cost) in [(&a, "10"), (&b, "15.5"), (&c, "20")] {
            grant(world, shop, &cards, json!({"packages": [{"package_id": month, "cost_price": cost}]})).await;
        }
        let card = asset(world, &c, &cards, "CARD-1").await;
        fund(world, &c, "500").await;
        for sale in 1..=2 {
            let body = json!({"asset_id": card, "kind": "purchase", "package_ids": [month], "payment": "wallet"});
            let order = world.admin().once().post("/v1/agency/orders", body).await.is(201);
            world.settle().await;
            let order = world.admin().get(&format!("/v1/agency/orders/{}", id(&order))).await.is(200);
            assert_eq!(earned(&order), all(&[("0", "30"), ("0", "4.5"), ("0", "5.5")]), "sale {sale}");
        }
        assert_eq!(wallet(world, &c).await, ["400", "60", "0"]);
        assert_eq!(wallet(world, &a).await, ["0", "11", "0"]);
    });
}

/// R8.12, R4.11: an online sale is settled when its payment comes, and a refund takes back each level's part and the asset's balance;
/// what was moved away is owed.
#[test]
fn a_refund_of_an_online_sale_takes_back_what_it_paid() {
    for provider in ["stripe", "zpay"] {
        World::run(async |world| {
            open(world).await;
            let [a, b, c] = chain(world).await;
            let cards = series(world, fixed("100")).await;
            for (shop, amount) in [(&a, "80"), (&b, "50"), (&c, "30")] {
                grant(world, shop, &cards, json!({"commission_amount": amount})).await;
            }
            let card = asset(world, &c, &cards, "CARD-1").await;
            let body = json!({"asset_id": card, "kind": "recharge", "amount": "100", "payment": "online", "provider": provider});
            let made = world.user("c").once().post("/v1/agency/orders", body).await.is(201);
            assert_eq!((&made["status"], &made["commission"]["state"]), (&json!("pending"), &json!("pending")));
            assert!(made["pay_url"].is_string(), "{made}");
            let payment = json!({"id": made["payment_order_id"], "provider": provider});
            world.pay(&payment, json!({"notify": "twice"})).await;
            world.settle().await;
            let path = format!("/v1/agency/orders/{}", id(&made));
            let paid = world.user("c").get(&path).await.is(200);
            assert_eq!((&paid["status"], &paid["commission"]["state"]), (&json!("paid"), &json!("done")));
            assert_eq!(earned(&paid), all(&[("30", "0")]), "an agent sees its own shop and those below");
            assert_eq!(world.balance("c").await, "0", "the payment credits nobody's balance");
            let transfer = json!({"amount": "20"});
            world.user("b").once().post("/v1/agency/wallet/transfers", transfer).await.is(201);
            assert_eq!(wallet(world, &b).await, ["20", "0", "0"]);
            if provider == "stripe" {
                act(world, &payment, "refund", json!({"amount": "50"})).await;
            } else {
                let refund = format!("/v1/admin/payment/orders/{}/refunds", made["payment_order_id"].as_str().unwrap());
                world.admin().once().post(&refund, json!({"amount": "50", "reason": "sorry"})).await.is(201);
                world.settle().await;
            }
            assert_eq!(wallet(world, &c).await, ["0", "15", "0"]);
            assert_eq!(wallet(world, &b).await, ["20", "0", "10"], "what was moved away is owed");
            assert_eq!(wallet(world, &a).await, ["0", "15", "0"]);
            let seen = world.admin().get(&format!("/v1/assets/{card}")).await.is(200);
            assert_eq!(seen["balance"]["amount"], "50");
            let order = world.admin().get(&path).await.is(200);
            assert_eq!((&order["status"], &order["net"]["amount"]), (&json!("partially_refunded"), &json!("50")));
        });
    }
}
