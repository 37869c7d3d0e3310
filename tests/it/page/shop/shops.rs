//! Shops and their tree, on pages (R8.1).

use super::super::journeys::BOTH;
use super::{agent_in, refused_at, selling};
use crate::agency::recharge;
use crate::world::{PASSWORD, World};

/// C3.3: the overview has the money, the sales of thirty days as a chart with its table, the series and the shops below.
#[test]
fn the_overview_shows_money_sales_series_and_shops() {
    World::run(async |world| {
        let made = selling(world).await;
        recharge(world, &made.asset, "120.5").await;
        for (index, words) in BOTH.iter().enumerate() {
            let page = agent_in(world, words, "b").await.open("/shop").await;
            let said = page.says();
            // 1000 less 120.5; B's own part of the one-time commission.
            for figure in ["879.5", "50CNY", "120.5"] {
                assert!(said.replace([' ', '\n'], "").contains(figure), "{figure}: {said}");
            }
            let chart = page.root.all("svg").into_iter().find(|svg| svg.of("role") == Some("img")).unwrap();
            assert_eq!(chart.all("g").len(), 30, "a bar for each day");
            assert!(chart.all("desc")[0].text().contains("120.5 CNY"), "{}", chart.all("desc")[0].text());
            assert!(said.contains(["1 sale", "1 笔销售"][index]), "{said}");
            assert!(said.contains("Cards") && page.root.all("a").iter().any(|a| a.text() == "c"), "{said}");
            let above = agent_in(world, words, "a").await.open("/shop").await.says().replace([' ', '\n'], "");
            // The difference between its 80 and B's 50.
            assert!(above.contains("30CNY"), "{above}");
        }
        world.settle().await;
    });
}

/// R8.1: the tree says the level of each shop, and has nothing of other trees or of what is above.
#[test]
fn the_tree_has_the_own_shop_and_those_below() {
    World::run(async |world| {
        selling(world).await;
        crate::agency::shop(world, "x", None).await;
        let levels = |page: &super::Shown| {
            let all = page.root.all("li");
            let of =
                |li: &&super::super::markup::Element| Some((li.of("aria-level")?.to_owned(), li.all("a")[0].text()));
            all.iter().filter_map(of).collect::<Vec<_>>()
        };
        let of = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(level, name)| ((*level).to_owned(), (*name).to_owned())).collect::<Vec<_>>()
        };
        for words in &BOTH {
            let a = agent_in(world, words, "a").await;
            assert_eq!(levels(&a.open("/shop/shops").await), of(&[("1", "a"), ("2", "b"), ("3", "c")]));
            let b = agent_in(world, words, "b").await;
            let page = b.open("/shop/shops").await;
            assert_eq!(levels(&page), of(&[("1", "b"), ("2", "c")]));
            assert!(page.says().contains("c***@e***.com") && !page.text.contains("c@example.com"), "masked");
        }
    });
}

/// R8.1: a shop is made and given to somebody, whose account says its number; what is wrong is said at its field.
#[test]
fn a_shop_is_made_below_and_given_to_somebody() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let made = selling(world).await;
            world.register("dora", None).await;
            let id = async |name: &str| world.user(name).get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
            let (c, dora) = (id("c").await, id("dora").await);
            let theirs = super::super::signing_in::signed_in(world, words, "dora", PASSWORD).await;
            assert!(theirs.open("/account").await.says().contains(&dora), "they can tell it");
            let agent = agent_in(world, words, "b").await;
            let (make, save) = (["Make the shop", "创建店铺"][index], ["Save", "保存"][index]);
            let page = agent.open("/shop/shops/new").await;
            let with = |user| [("name", "Corner <b>shop</b>"), ("user_id:?", user)];
            let unknown = agent.press(&page, make, &with("usr_01m7w6c38029x193xqrjx9657c")).await;
            refused_at(&unknown, "user_id:?", ["Nobody here has this", "没有此账户编号"][index]);
            assert_eq!(super::input(&unknown, "name").of("value"), Some("Corner <b>shop</b>"), "entries stay");
            let taken = agent.press(&unknown, make, &with(&c)).await;
            refused_at(&taken, "user_id:?", ["runs a shop already", "此人已有店铺"][index]);
            let nameless = agent.press(&taken, make, &[("name", ""), ("user_id:?", "")]).await;
            assert_eq!(nameless.status, 422, "{}", nameless.says());
            let shop = agent.press(&nameless, make, &with(&dora)).await;
            assert_eq!((shop.status, shop.heading().as_str()), (200, "Corner <b>shop</b>"), "{}", shop.says());
            assert!(shop.says().contains("d***@e***.com"), "{}", shop.says());
            // Renamed, it stays with its agent.
            let renamed = agent.press(&shop, save, &[("name", "Corner")]).await;
            assert_eq!(renamed.heading(), "Corner");
            assert!(renamed.says().contains("d***@e***.com"), "{}", renamed.says());
            // While nothing depends on its place it moves.
            let moved = agent.press(&renamed, save, &[("parent_id", &made.shops[2])]).await;
            let shops = world.admin().get("/v1/shops").await.is(200);
            let corner = shops["items"].as_array().unwrap().iter().find(|shop| shop["name"] == "Corner").unwrap();
            assert_eq!((&corner["parent_id"], &corner["level"]), (&serde_json::json!(made.shops[2]), &4.into()));
            assert_eq!(moved.status, 200);
            // Two tabs: the second is told that somebody was faster.
            let late = agent.press(&renamed, save, &[("name", "Late")]).await;
            assert_eq!(late.status, 422, "{}", late.says());
        });
    }
}

/// R8.1: a shop that is not below is no page, whatever is asked for.
#[test]
fn a_shop_of_others_is_no_page() {
    World::run(async |world| {
        let made = selling(world).await;
        let x = crate::agency::shop(world, "x", None).await;
        let agent = agent_in(world, &BOTH[0], "b").await;
        for shop in [&made.shops[0], &x, &"shp_none".to_owned()] {
            for path in [format!("/shop/shops/{shop}"), format!("/shop/shops/{shop}?for={shop}")] {
                let page = agent.open(&path).await;
                assert_eq!(page.status, 404, "{path}: {}", page.says());
            }
        }
        let whole = agent.open(&format!("/shop/shops?for={}", made.shops[0])).await;
        let names: Vec<String> = whole
            .root
            .all("li")
            .iter()
            .filter(|li| li.of("aria-level").is_some())
            .map(|li| li.all("a")[0].text())
            .collect();
        assert_eq!(names, ["b", "c"], "an agent does not choose");
        let moved = world.admin().get(&format!("/v1/shops/{}", made.shops[1])).await;
        moved.is(200);
    });
}
