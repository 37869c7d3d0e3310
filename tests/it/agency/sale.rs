//! Commissions of a sale (R8.8–R8.10), and clawback on a refund (R4.11).

use emulator::sqs::{Outgoing, Receive};
use serde_json::{Value, json};

use super::{all, asset, chain, earned, fixed, fund, grant, id, open, package, recharge, series, shop, wallet};
use crate::payment::refunds::act;
use crate::world::World;

/// R8.9: a sale pays every level its share above the levels below, on its wallet.
/// Series 100, A 80, B 50, C 30, sold by C: C 30, B 20, A 30, platform 20.
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
        world.settle().await;
        let stats = world.admin().get("/v1/admin/stats").await.is(200);
        let amounts = |pointer: &str, names: &[&str]| -> Vec<String> {
            let of = |name: &&str| stats.pointer(pointer).unwrap()[*name]["amount"].as_str().unwrap().to_owned();
            names.iter().map(of).collect()
        };
        assert_eq!(stats["agency"]["sales"], 1);
        assert_eq!(amounts("/agency", &["amount", "returned", "commission", "platform"]), ["10", "0", "80", "20"]);
        assert_eq!(amounts("/liabilities/agency", &["main", "commission", "debt"]), ["490", "80", "0"]);
        // One-time commission is paid once per asset.
        assert_eq!(earned(&recharge(world, &card, "10").await), all(&[("0", "0"), ("0", "0"), ("0", "0")]));
        assert_eq!(wallet(world, &a).await, ["0", "30", "0"]);
    });
}

/// R8.10: on every sale each level earns its child's cost minus its own.
/// The seller earns its retail price minus its cost.
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

/// R8.12, R4.11: an online sale settles on payment.
/// A refund claws back each level's part and the asset's balance.
/// Spent or transferred money becomes debt.
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
            assert_eq!(
                lines(world, "c", &format!("/v1/assets/{card}/records?")).await,
                all(&[("-50", "50"), ("100", "100")])
            );
            let records = "/v1/agency/wallet/records?account=";
            assert_eq!(lines(world, "b", &format!("{records}main")).await, all(&[("20", "20")]));
            assert_eq!(
                lines(world, "b", &format!("{records}commission&limit=1")).await,
                all(&[("-20", "0"), ("20", "20")])
            );
            assert_eq!(
                lines(world, "a", &format!("{records}commission&shop_id={c}")).await,
                all(&[("-15", "15"), ("30", "30")])
            );
            world.user("c").get(&format!("{records}main&shop_id={a}")).await.refused(404, "not_found");
            let order = world.admin().get(&path).await.is(200);
            assert_eq!((&order["status"], &order["net"]["amount"]), (&json!("partially_refunded"), &json!("50")));
        });
    }
}

/// Amount and balance after each statement line of a list, over all its pages, newest first.
async fn lines(world: &World, name: &str, path: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value["amount"].as_str().unwrap().to_owned();
    let (mut found, mut page) = (Vec::new(), path.to_owned());
    loop {
        let list = world.user(name).get(&page).await.is(200);
        found.extend(
            list["items"].as_array().unwrap().iter().map(|of| (text(&of["amount"]), text(&of["balance_after"]))),
        );
        let Some(next) = list["next_cursor"].as_str() else { return found };
        page = format!("{path}&cursor={next}");
    }
}

/// R8.1, R8.8: sale lists can be filtered, also as CSV; a grant shows the sales of its series.
#[test]
fn sales_can_be_searched_and_each_grant_tells_its_statistic() {
    World::run(async |world| {
        open(world).await;
        let [a, b, c] = chain(world).await;
        let cards = series(world, fixed("100")).await;
        let mut grants = Vec::new();
        for (shop, amount) in [(&a, "80"), (&b, "50"), (&c, "30")] {
            grants.push(id(&grant(world, shop, &cards, json!({"commission_amount": amount})).await));
        }
        for shop in [&b, &c] {
            fund(world, shop, "500").await;
        }
        let (first, second) = (asset(world, &b, &cards, "CARD-1").await, asset(world, &c, &cards, "CARD-2").await);
        let of_b = id(&recharge(world, &first, "10").await);
        world.advance(1).await;
        let of_c = id(&recharge(world, &second, "15.5").await);
        let found = async |name: &str, path: &str| -> Vec<String> {
            let list = world.user(name).get(&format!("/v1/agency/{path}")).await.is(200);
            let of = |item: &Value| item.get("id").unwrap_or(&item["order_id"]).as_str().unwrap().to_owned();
            list["items"].as_array().unwrap().iter().map(of).collect()
        };
        assert_eq!(found("a", "orders").await, [of_c.clone(), of_b.clone()]);
        assert_eq!(found("a", &format!("orders?shop_id={b}")).await, std::slice::from_ref(&of_b));
        assert_eq!(found("a", &format!("orders?asset_id={second}&payment=wallet")).await, std::slice::from_ref(&of_c));
        assert!(found("a", "orders?payment=online").await.is_empty());
        assert!(found("a", "orders?to=2026-01-01").await.is_empty());
        assert_eq!(found("a", &format!("commissions?shop_id={c}")).await, std::slice::from_ref(&of_c));
        assert_eq!(found("c", "orders").await, std::slice::from_ref(&of_c));
        world.user("a").get("/v1/agency/orders?shop_id=x").await.refused(422, "invalid");
        let sheet = world.user("c").header("accept", "text/csv").get("/v1/agency/commissions").await;
        assert!(
            sheet.text.lines().nth(1).unwrap().starts_with(&format!("{of_c},{c},{c},{cards},,30,0,CNY,")),
            "{}",
            sheet.text
        );
        let assets = world.user("a").get(&format!("/v1/assets?shop_id={c}")).await.is(200);
        assert_eq!((assets["items"].as_array().unwrap().len(), id(&assets["items"][0])), (1, second));
        let tally = |count: u64, amount: &str| json!({"sales_count": count, "sales_amount": {"amount": amount, "currency": "CNY"}});
        let expected = [(tally(0, "0"), tally(2, "25.5")), (tally(1, "10"), tally(2, "25.5"))];
        for (grant, (own, all)) in grants.iter().zip(expected) {
            let seen = world.admin().get(&format!("/v1/shop-series-grants/{grant}")).await.is(200);
            assert_eq!(seen["sales"], json!({"self": own, "self_and_sub": all}));
        }
    });
}

/// R8.12: the dead-letter job settles a sale whose message was dead-lettered.
/// No level loses its earnings.
#[test]
fn a_sale_that_the_worker_gave_up_is_settled_by_the_sweep() {
    World::run(async |world| {
        open(world).await;
        let a = shop(world, "a", None).await;
        let cards = series(world, fixed("100")).await;
        grant(world, &a, &cards, json!({"commission_amount": "80"})).await;
        let card = asset(world, &a, &cards, "CARD-1").await;
        fund(world, &a, "500").await;
        world.settle().await;
        let body = json!({"asset_id": card, "kind": "recharge", "amount": "10", "payment": "wallet"});
        let order = id(&world.admin().once().post("/v1/agency/orders", body).await.is(201));
        let queues = &world.stack.queues;
        let letters = queues.receive("RewardQueue.fifo", &Receive::default()).await.unwrap();
        for letter in &letters {
            let dead = Outgoing::fifo(letter.body.clone(), "tree", &letter.message_id);
            queues.send("RewardDeadLetterQueue.fifo", dead).unwrap();
            queues.delete("RewardQueue.fifo", &letter.receipt_handle).unwrap();
        }
        assert_eq!(wallet(world, &a).await, ["490", "0", "0"]);
        world.stack.tick("sweep-outbox").await.unwrap();
        world.settle().await;
        assert_eq!(wallet(world, &a).await, ["490", "80", "0"]);
        let seen = world.admin().get(&format!("/v1/agency/orders/{order}")).await.is(200);
        assert_eq!((letters.len(), &seen["commission"]["state"]), (1, &json!("done")));
        assert_eq!(queues.depth("RewardDeadLetterQueue.fifo").unwrap().visible, 0);
    });
}
