//! Selling for cards and devices, on pages (R8.7–R8.12).

use serde_json::json;

use super::super::journeys::BOTH;
use super::grants::rows;
use super::{agent_in, input, refused_at, selling};
use crate::agency::{GRANTS, asset, grant, id, wallet};
use crate::world::World;

const CHECK: [&str; 2] = ["Check the recharge", "查看充值"];
const SELL: [&str; 2] = ["Sell and pay", "销售并付款"];
const WAY: &str = "payment/provider/method";

/// R8.8: an asset is taken in once; its number is found however it is typed, and goes straight to the sale.
#[test]
fn an_asset_is_taken_in_once_and_found_by_its_number() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let made = selling(world).await;
            let agent = agent_in(world, words, "b").await;
            let take = ["Take in", "登记"][index];
            let page = agent.open("/shop/assets/new").await;
            let short = agent.press(&page, take, &[("identifier", "x")]).await;
            refused_at(&short, "identifier", ["4 to 64", "4 至 64"][index]);
            let taken = agent.press(&short, take, &[("identifier", "89860001")]).await;
            refused_at(&taken, "identifier", ["with this number already", "编号相同"][index]);
            let page = agent.press(&taken, take, &[("identifier", "IMEI-77"), ("kind", "device")]).await;
            assert_eq!((page.status, page.heading().as_str()), (200, "IMEI-77"), "{}", page.says());
            let found = agent.open("/shop/sell?identifier=8986%200001").await;
            assert!(found.path.contains(&made.asset), "{}", found.path);
            let none = agent.open("/shop/sell?identifier=nowhere").await;
            assert!(none.says().contains(["Nothing of yours", "没有此编号"][index]), "{}", none.says());
            assert_eq!(agent.open("/shop/sell?identifier=x").await.status, 422);
            // Above, it is seen and moved; from below it is not.
            let above = agent_in(world, words, "a").await;
            let page = above.open(&format!("/shop/assets/{}", made.asset)).await;
            let moved = above.press(&page, ["Move it", "转移"][index], &[("shop_id", &made.shops[0])]).await;
            assert_eq!(moved.status, 200, "{}", moved.says());
            assert_eq!(agent.open(&format!("/shop/assets/{}", made.asset)).await.status, 404, "it is A's now");
            let back = above.press(&moved, ["Move it", "转移"][index], &[("shop_id", &made.shops[2])]).await;
            let refused = ["no working grant", "没有此系列的有效授权"][index];
            assert!(back.status == 422 && back.says().contains(refused), "{}", back.says());
        });
    }
}

/// R8.7: a forced recharge is told before the sale, offered with its amount, and demanded at the way to pay.
#[test]
fn a_forced_recharge_is_told_and_offered() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let made = selling(world).await;
            let forced = json!({"forced_recharge": {"enabled": true, "amount": "300"}});
            let path = format!("{GRANTS}/{}", id(&made.grants[1]));
            world.admin().header("if-match", "\"1\"").put(&path, forced).await.is(200);
            let agent = agent_in(world, words, "b").await;
            let page = agent.open(&format!("/shop/sell?asset={}", made.asset)).await;
            assert!(page.says().contains("300 CNY"), "{}", page.says());
            let checked = agent.press(&page, CHECK[index], &[("amount", "200")]).await;
            assert!(checked.says().contains(["too little", "金额不足"][index]), "{}", checked.says());
            let refused = agent.press(&checked, SELL[index], &[]).await;
            let said = refused.says();
            assert!(refused.status == 422 && said.contains(["at least 300 CNY", "至少 300 CNY"][index]), "{said}");
            let offered = agent.open(&page.link(["Recharge with 300 CNY", "充值 300 CNY"][index])).await;
            let sold = agent.press(&offered, SELL[index], &[]).await;
            assert_eq!(sold.status, 200, "{}", sold.says());
            world.settle().await;
            assert_eq!(wallet(world, &made.shops[1]).await, ["700", "50", "0"]);
            let page = agent.open(&format!("/shop/sell?asset={}", made.asset)).await;
            assert!(
                !page.says().contains("300 CNY") || !page.says().contains(["Before anything else", "须先为其"][index])
            );
            world.settle().await;
        });
    }
}

/// R8.12: more than the wallet has is said at the way to pay; nothing chosen and an amount that is none at their fields.
#[test]
fn what_can_not_be_sold_is_said_at_its_field() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let made = selling(world).await;
            let agent = agent_in(world, words, "b").await;
            let path = format!("/shop/sell?asset={}", made.asset);
            let page = agent.open(&path).await;
            for wrong in ["0", "a", "1.001", "-1"] {
                let refused = agent.press(&page, CHECK[index], &[("amount", wrong)]).await;
                refused_at(&refused, "amount", ["", ""][index]);
                assert_eq!(input(&refused, "amount").of("value"), Some(wrong));
            }
            let none = agent.press(&page, ["Check the purchase", "查看购买"][index], &[]).await;
            assert!(none.status == 422 && none.says().contains(["at least one package", "至少选择一个套餐"][index]));
            let gone = agent.open(&format!("{path}&kind=purchase&package=pkg_01m7w6c38029x193xqrjx9657c")).await;
            assert!(
                gone.status == 422 && gone.says().contains(["sell this package any more", "不再销售此套餐"][index])
            );
            let checked = agent.press(&page, CHECK[index], &[("amount", "1000.01")]).await;
            let refused = agent.press(&checked, SELL[index], &[]).await;
            let said = ["You have less than that to spend", "可用余额不足"][index];
            assert!(refused.status == 422 && refused.says().contains(said), "{}", refused.says());
            assert_eq!(wallet(world, &made.shops[1]).await, ["1000", "0", "0"]);
            // Another shop's wallet is not offered, and its price is the seller's own.
            let above = agent_in(world, words, "a").await.open(&format!("{path}&amount=10")).await;
            assert!(!above.text.contains("value=\"wallet//\""), "{}", above.says());
            assert_eq!(agent_in(world, words, "c").await.open(&path).await.status, 404);
        });
    }
}

/// R8.12: an online sale leads to its payment; paid, the chain is there; a refund shows in what is left.
#[test]
fn an_online_sale_is_paid_on_the_page_of_its_order() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let made = selling(world).await;
            let agent = agent_in(world, words, "b").await;
            let page = agent.open(&format!("/shop/sell?asset={}&package={}", made.asset, made.package)).await;
            let sold = agent.press(&page, SELL[index], &[(WAY, "online/zpay/alipay")]).await;
            assert_eq!(sold.status, 200, "{}", sold.says());
            assert!(sold.says().contains(["the payment is awaited", "等待付款"][index]), "{}", sold.says());
            let pay = sold.link(["Pay now", "去付款"][index]);
            let order = agent.open(&pay).await;
            assert!(order.status == 200 && order.root.all("svg").len() > 1, "with its code: {}", order.says());
            let payment = pay.rsplit('/').next().unwrap();
            world.pay(&json!({"id": payment, "provider": "zpay"}), json!({})).await;
            world.settle().await;
            let paid = agent.open(&sold.path).await;
            assert!(
                rows(&paid, "chain")[0].contains("50") && rows(&paid, "chain")[0].contains("30"),
                "{}",
                paid.says()
            );
            let refund = json!({"amount": "25", "reason": "goodwill"});
            world.admin().once().post(&format!("/v1/admin/payment/orders/{payment}/refunds"), refund).await.is(201);
            world.settle().await;
            let left = agent.open(&sold.path).await;
            assert!(
                rows(&left, "chain")[0].contains("25") && rows(&left, "chain")[0].contains("15"),
                "{}",
                left.says()
            );
            assert!(left.says().contains(["Partly refunded", "部分退款"][index]), "{}", left.says());
        });
    }
}

/// R8.8, C3.1: sales and commissions are those of the own tree, by filters; the file has the same rows and no formula.
#[test]
fn sales_and_commissions_are_those_of_the_own_tree() {
    World::run(async |world| {
        let made = selling(world).await;
        grant(world, &made.shops[2], &made.series, json!({"commission_amount": "5"})).await;
        let other = asset(world, &made.shops[2], &made.series, "8986-0002").await;
        crate::agency::fund(world, &made.shops[2], "100").await;
        for (asset, amount) in [(&made.asset, "20"), (&other, "30")] {
            crate::agency::recharge(world, asset, amount).await;
        }
        let count = |page: &super::Shown| page.root.all("tbody").first().map_or(0, |body| body.all("tr").len());
        for words in &BOTH {
            let (a, b, c) = (
                agent_in(world, words, "a").await,
                agent_in(world, words, "b").await,
                agent_in(world, words, "c").await,
            );
            for (agent, sales, commissions) in [(&a, 2, 5), (&b, 2, 3), (&c, 1, 1)] {
                assert_eq!(count(&agent.open("/shop/sales").await), sales);
                assert_eq!(count(&agent.open("/shop/commissions").await), commissions);
            }
            let of = |filter: &str| format!("/shop/sales?{filter}");
            for (filter, rows) in [
                (format!("shop={}", made.shops[1]), 1),
                (format!("asset={other}"), 1),
                ("payment=online".to_owned(), 0),
                ("from=2020-01-01&to=2020-01-02".to_owned(), 0),
                (format!("series={}", made.series), 2),
            ] {
                assert_eq!(count(&b.open(&of(&filter)).await), rows, "{filter}");
            }
            assert_eq!(b.open("/shop/sales?from=yesterday").await.status, 422);
            let foreign = c.open(&of(&format!("shop={}", made.shops[1]))).await;
            assert_eq!(count(&foreign), 0, "nothing of another's");
            let file = b.ask("GET", &format!("/shop/sales.csv?shop={}", made.shops[2]), None, &[]).await;
            assert_eq!(file.text.lines().count(), 2, "{}", file.text);
            assert!(file.headers["content-disposition"].to_str().unwrap().contains("sales--"), "{:?}", file.headers);
            let file = c.ask("GET", "/shop/commissions.csv", None, &[]).await;
            assert_eq!(file.text.lines().count(), 2, "{}", file.text);
        }
    });
}
