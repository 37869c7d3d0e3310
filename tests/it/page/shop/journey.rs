//! Journey 24: two shops, a tiered series, a grant above the ceiling refused at the tier, a sale by wallet with its chain level by level,
//! the parent lowered with what is affected listed, and that moved, too.

use serde_json::json;

use super::super::journeys::BOTH;
use super::grants::{GRANT, MOVE, SAVE, rows, tier};
use super::{agent_in, refused_at};
use crate::agency::{fund, grant, id, open, package, series, shop};
use crate::world::{PASSWORD, World};

/// Journey 24, R8: all of it by pages, in both languages.
#[test]
fn agents_run_their_shops_by_pages() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            open(world).await;
            let a = shop(world, "a", None).await;
            let all = |threshold: &str, amount: &str| {
                let mut tier = tier(threshold, amount);
                tier["scope"] = json!("self_and_sub");
                tier
            };
            let tiers = json!({"type": "tiered", "tiers": [all("100", "100"), all("150", "150")]});
            let cards = series(world, tiers).await;
            let month = package(world, &cards, "MONTH", "200", "10").await;
            let own = json!([{"threshold": "100", "amount": "80"}, {"threshold": "150", "amount": "120"}]);
            let packages = json!([{"package_id": month, "cost_price": "12"}]);
            let first = grant(world, &a, &cards, json!({"commission_tiers": own, "packages": packages})).await;
            // The second shop, for Bob, who tells his account number.
            world.register("bob", None).await;
            let theirs = super::super::signing_in::signed_in(world, words, "bob", PASSWORD).await;
            let number = theirs.open("/account").await.says();
            let number = format!("usr_{}", &number.split("usr_").nth(1).unwrap()[..26]);
            let ann = agent_in(world, words, "a").await;
            let page = ann.open("/shop/shops/new").await;
            let made = [("name", "Bob's"), ("user_id:?", number.as_str())];
            let page = ann.press(&page, ["Make the shop", "创建店铺"][index], &made).await;
            assert_eq!((page.status, page.heading().as_str()), (200, "Bob's"), "{}", page.says());
            let page = ann.open(&page.link(["Grant a series to it", "向其授权系列"][index])).await;
            let page = ann.press(&page, ["Continue", "继续"][index], &[]).await;
            // Above the ceiling at the second tier.
            let with = |high: &'static str| {
                [
                    ("commission_tiers[0].amount", "50"),
                    ("commission_tiers[1].amount", high),
                    ("packages[0].cost_price", "20"),
                ]
            };
            let over = ann.press(&page, GRANT[index], &with("121")).await;
            refused_at(&over, "commission_tiers[1].amount", "120 CNY");
            let granted = ann.press(&over, GRANT[index], &with("100")).await;
            assert_eq!(granted.status, 200, "{}", granted.says());
            // Bob takes a card in and sells for it, checked before.
            let b = world.admin().get("/v1/shops").await.is(200)["items"][0]["id"].as_str().unwrap().to_owned();
            fund(world, &b, "1000").await;
            let bob = agent_in(world, words, "bob").await;
            let page = bob.open("/shop/assets/new").await;
            let page = bob.press(&page, ["Take in", "登记"][index], &[("identifier", "sim 8986")]).await;
            assert_eq!((page.status, page.heading().as_str()), (200, "SIM8986"), "{}", page.says());
            let found = bob.open("/shop/sell?identifier=sim8986").await;
            let checked = bob.press(&found, ["Check the purchase", "查看购买"][index], &[("package", &month)]).await;
            let chain = rows(&checked, "earn");
            // 200 sold: the tier from 150 on. Bob's own 100, and 200 less 20.
            assert!(chain.len() == 1 && chain[0].contains("100") && chain[0].contains("180"), "{chain:?}");
            let sold = bob.press(&checked, ["Sell and pay", "销售并付款"][index], &[]).await;
            assert_eq!((sold.status, sold.path.starts_with("/shop/sales/")), (200, true), "{}", sold.says());
            world.settle().await;
            let seen = bob.open(&sold.path).await;
            assert_eq!(rows(&seen, "chain").len(), 1, "Bob sees his own level");
            let above = rows(&ann.open(&sold.path).await, "chain");
            // Ann: 120 less Bob's 100, and 20 less 12.
            assert!(above.len() == 2 && above[0].contains("Bob's") && above[1].starts_with('a'), "{above:?}");
            assert!(above[1].contains("20") && above[1].contains('8') && above[1].contains("150"), "{above:?}");
            let wallet = world.admin().get(&format!("/v1/agency/wallet?shop_id={a}")).await.is(200);
            assert_eq!(wallet["commission"]["amount"], "28");
            // Ann's own is lowered by an admin in the platform's place; then hers to Bob by herself.
            let terms = ann.open(&format!("{}/terms", granted.path)).await;
            let lower = [("commission_tiers[0].amount", "30"), ("commission_tiers[1].amount", "40")];
            let lowered = ann.press(&terms, SAVE[index], &lower).await;
            assert_eq!(lowered.status, 200, "nothing is below Bob: {}", lowered.says());
            let bobs =
                id(&world.admin().get(&format!("/v1/shop-series-grants?shop_id={b}")).await.is(200)["items"][0]
                    .clone());
            let whose = format!("/shop/grants/{bobs}/terms?for={a}");
            let admin = super::super::admin::admin_in(world, words).await;
            let up = admin.press(&admin.open(&whose).await, SAVE[index], &[("commission_tiers[1].amount", "90")]).await;
            assert_eq!(up.status, 200, "an admin acts for the shop: {}", up.says());
            // A third level, so that lowering moves somebody.
            let page = bob.open("/shop/shops/new").await;
            let page = bob.press(&page, ["Make the shop", "创建店铺"][index], &[("name", "Third")]).await;
            let page = bob.open(&page.link(["Grant a series to it", "向其授权系列"][index])).await;
            let page = bob.press(&page, ["Continue", "继续"][index], &[]).await;
            let third = [
                ("commission_tiers[0].amount", "30"),
                ("commission_tiers[1].amount", "85"),
                ("packages[0].cost_price", ""),
            ];
            let third = bob.press(&page, GRANT[index], &third).await;
            assert_eq!(third.status, 200, "{}", third.says());
            let terms = ann.open(&format!("{}/terms", granted.path)).await;
            let asked = ann.press(&terms, SAVE[index], &[("commission_tiers[1].amount", "60")]).await;
            let listed = rows(&asked, "affected-title");
            assert!(listed.len() == 1 && listed[0].contains("Third"), "{listed:?}");
            assert!(listed[0].contains("85") && listed[0].contains("60"), "{listed:?}");
            let moved = ann.press(&asked, MOVE[index], &[]).await;
            assert_eq!(moved.status, 200, "{}", moved.says());
            assert!(rows(&ann.open(&third.path).await, "part")[1].contains("60"));
            assert_eq!(first["version"], 1);
            world.settle().await;
        });
    }
}
