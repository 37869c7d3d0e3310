//! Grants, their ceilings and prices, on pages (R8.3–R8.6, R8.10).

use serde_json::json;

use super::super::client::Shown;
use super::super::journeys::BOTH;
use super::{agent_in, input, refused_at, selling};
use crate::agency::{GRANTS, chain, grant, id, open, package, series};
use crate::world::World;

pub const GRANT: [&str; 2] = ["Grant it", "授权"];
pub const SAVE: [&str; 2] = ["Save", "保存"];
pub const MOVE: [&str; 2] = ["Move them too", "一并调整"];

/// A tier of amounts sold by the shop itself.
pub fn tier(threshold: &str, amount: &str) -> serde_json::Value {
    json!({"dimension": "sales_amount", "scope": "self", "threshold": threshold, "amount": amount})
}

/// Texts of the rows of the table in the card with this id.
pub fn rows(page: &Shown, card: &str) -> Vec<String> {
    let sections = page.root.all("section");
    let section = sections.iter().find(|section| section.of("aria-labelledby") == Some(card));
    let section = section.unwrap_or_else(|| panic!("no card {card}: {}", page.says()));
    let bodies = section.all("tbody");
    bodies.iter().flat_map(|body| body.all("tr")).map(|row| row.text()).collect()
}

/// R8.4: what is granted stands beside its ceiling; above it, the tier and its bound are said at the field.
#[test]
fn a_grant_above_the_ceiling_is_refused_at_its_tier() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            open(world).await;
            let [a, b, _] = chain(world).await;
            let cards =
                series(world, json!({"type": "tiered", "tiers": [tier("100", "100"), tier("150", "150")]})).await;
            let own = json!({"commission_tiers": [
                {"threshold": "100", "amount": "80"}, {"threshold": "150", "amount": "120"},
            ]});
            grant(world, &a, &cards, own).await;
            let agent = agent_in(world, words, "a").await;
            let choose = agent.open("/shop/grants/new").await;
            let next = ["Continue", "继续"][index];
            let page = agent.press(&choose, next, &[("shop", &b), ("series", &cards)]).await;
            let said = page.says();
            for bound in [["At most 80 CNY", "最多 80 CNY"], ["At most 120 CNY", "最多 120 CNY"]] {
                assert!(said.contains(bound[index]), "{said}");
            }
            let with = |low: &'static str, high: &'static str| {
                [("commission_tiers[0].amount", low), ("commission_tiers[1].amount", high)]
            };
            let over = agent.press(&page, GRANT[index], &with("50", "121")).await;
            refused_at(&over, "commission_tiers[1].amount", "120 CNY");
            assert_eq!(input(&over, "commission_tiers[0].amount").of("value"), Some("50"), "entries stay");
            let over = agent.press(&over, GRANT[index], &with("80.01", "100")).await;
            refused_at(&over, "commission_tiers[0].amount", "80 CNY");
            let wrong = agent.press(&over, GRANT[index], &with("a", "100")).await;
            refused_at(&wrong, "commission_tiers[0].amount", ["in digits", "数字金额"][index]);
            let made = agent.press(&wrong, GRANT[index], &with("50", "100")).await;
            assert_eq!((made.status, made.heading().contains("Cards")), (200, true), "{}", made.says());
            let terms = rows(&made, "part");
            assert!(terms[0].contains("50") && terms[0].contains("80"), "own and ceiling: {terms:?}");
            assert!(terms[1].contains("100") && terms[1].contains("120"), "{terms:?}");
            // Another tab of the same form.
            let twice = agent.press(&page, GRANT[index], &with("1", "1")).await;
            let known = ["has a grant of this series already", "已有此系列的授权"][index];
            assert!(twice.status == 422 && twice.says().contains(known), "{}", twice.says());
            // Below, the ceiling is B's own; nothing of A's is told.
            let below = agent_in(world, words, "b").await.open(&made.path).await;
            assert!(!below.says().contains("120"), "{}", below.says());
        });
    }
}

/// R8.3, R8.6: packages are granted at their costs, one without a cost is left out, and one below the own cost is said at its row.
#[test]
fn packages_are_granted_at_no_less_than_the_own_cost() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let made = selling(world).await;
            let year = package(world, &made.series, "YEAR", "500", "100").await;
            let add = json!({"packages": [{"package_id": year, "cost_price": "120"}]});
            let path = format!("{GRANTS}/{}/packages", id(&made.grants[1]));
            for (grant, tag) in [(&made.grants[0], "\"1\""), (&made.grants[1], "\"1\"")] {
                let path = format!("{GRANTS}/{}/packages", id(grant));
                world.admin().header("if-match", tag).put(&path, add.clone()).await.is(200);
            }
            assert!(path.contains("packages"));
            let agent = agent_in(world, words, "b").await;
            let page = agent.open(&format!("/shop/grants/new?shop={}&series={}", made.shops[2], made.series)).await;
            let (month, far) = ("packages[0].cost_price", "packages[1].cost_price");
            assert_eq!(input(&page, month).of("value"), Some("20"), "it begins with the own cost");
            let with =
                |one: &'static str, other: &'static str| [("commission_amount", "10"), (month, one), (far, other)];
            let below = agent.press(&page, GRANT[index], &with("19.99", "130")).await;
            refused_at(&below, month, "20 CNY");
            let wrong = agent.press(&below, GRANT[index], &with("", "x")).await;
            refused_at(&wrong, far, ["in digits", "数字金额"][index]);
            let granted = agent.press(&wrong, GRANT[index], &with("", "130")).await;
            assert_eq!(granted.status, 200, "{}", granted.says());
            let packages = rows(&granted, "packages");
            assert!(packages.len() == 1 && packages[0].contains("YEAR") && packages[0].contains("130"), "{packages:?}");
            // Afterwards one is added and one is taken away.
            let page = agent.open(&format!("{}/packages", granted.path)).await;
            let (kept, take) = ("packages[1].cost_price:unless=packages[1].remove", "packages[1].remove:bool");
            assert_eq!(input(&page, kept).of("value"), Some("130"));
            let changed = agent.press(&page, SAVE[index], &[(month, "25"), (take, "true")]).await;
            let packages = rows(&changed, "packages");
            assert!(packages.len() == 1 && packages[0].contains("MONTH") && packages[0].contains("25"), "{packages:?}");
        });
    }
}

/// R8.5: lowering a grant below what was granted further lists what is affected, with old and new terms, and moves it on a second press.
#[test]
fn a_lowered_grant_lists_what_it_moves_and_moves_it_when_asked() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let made = selling(world).await;
            let packages = json!([{"package_id": made.package, "cost_price": "22"}]);
            let below = json!({"commission_amount": "45", "packages": packages});
            let c = grant(world, &made.shops[2], &made.series, below).await;
            let agent = agent_in(world, words, "a").await;
            let own = format!("/shop/grants/{}", id(&made.grants[1]));
            let page = agent.open(&format!("{own}/terms")).await;
            let asked = agent.press(&page, SAVE[index], &[("commission_amount", "40")]).await;
            assert_eq!(asked.status, 422, "{}", asked.says());
            let listed = rows(&asked, "affected-title");
            assert!(listed.len() == 1 && listed[0].starts_with('c'), "{listed:?}");
            assert!(listed[0].contains("45") && listed[0].contains("40"), "old and new: {listed:?}");
            let amount = async |grant: &serde_json::Value| {
                let grant = world.admin().get(&format!("{GRANTS}/{}", id(grant))).await.is(200);
                grant["commission_amount"]["amount"].as_str().unwrap().to_owned()
            };
            assert_eq!((amount(&made.grants[1]).await, amount(&c).await), ("50".into(), "45".into()), "nothing yet");
            let moved = agent.press(&asked, MOVE[index], &[]).await;
            assert_eq!((moved.status, moved.path.as_str()), (200, own.as_str()), "{}", moved.says());
            assert_eq!((amount(&made.grants[1]).await, amount(&c).await), ("40".into(), "40".into()));
            // A cost above the child's: its cost and retail price go up.
            let page = agent.open(&format!("{own}/packages")).await;
            let cost = "packages[0].cost_price:unless=packages[0].remove";
            let asked = agent.press(&page, SAVE[index], &[(cost, "60")]).await;
            let listed = rows(&asked, "affected-title");
            assert!(listed[0].contains("22") && listed[0].contains("60"), "{listed:?}");
            let moved = agent.press(&asked, MOVE[index], &[]).await;
            assert_eq!(moved.status, 200, "{}", moved.says());
            let c = world.admin().get(&format!("{GRANTS}/{}", id(&c))).await.is(200);
            let package = &c["packages"][0];
            assert_eq!(
                (&package["cost_price"]["amount"], &package["retail_price"]["amount"]),
                (&json!("60"), &json!("60"))
            );
            // Taken away, it goes below, too.
            let page = agent.open(&format!("{own}/packages")).await;
            let asked = agent.press(&page, SAVE[index], &[("packages[0].remove:bool", "true")]).await;
            assert!(rows(&asked, "affected-title")[0].contains(["not granted any more", "不再授权"][index]));
            assert_eq!(agent.press(&asked, MOVE[index], &[]).await.status, 200);
            assert!(
                world.admin().get(&format!("{GRANTS}/{}", id(&c))).await.is(200)["packages"]
                    .as_array()
                    .unwrap()
                    .is_empty()
            );
        });
    }
}

/// R8.6: the shop above disables, enables and deletes; a grant with grants below stays; its holder and others can't.
#[test]
fn a_grant_is_disabled_enabled_and_deleted_by_the_shop_above() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let made = selling(world).await;
            let c = grant(world, &made.shops[2], &made.series, json!({})).await;
            let agent = agent_in(world, words, "a").await;
            let own = format!("/shop/grants/{}", id(&made.grants[1]));
            let page = agent.open(&own).await;
            let page = agent.press(&page, ["Disable", "停用"][index], &[]).await;
            assert!(page.says().contains(["The grant is disabled", "授权已停用"][index]), "{}", page.says());
            let shut = agent_in(world, words, "b").await.open(&format!("/shop/sell?asset={}", made.asset)).await;
            assert!(shut.says().contains(["no working grant", "没有此系列的有效授权"][index]), "{}", shut.says());
            let page = agent.press(&page, ["Enable", "启用"][index], &[]).await;
            assert!(page.says().contains(["works again", "已恢复"][index]), "{}", page.says());
            let question = agent.open(&format!("{own}/delete")).await;
            let kept = agent.press(&question, ["Delete it", "确认删除"][index], &[]).await;
            assert!(kept.status == 422 && kept.says().contains(["Delete those first", "请先删除那些授权"][index]));
            // The holder sees their own grant and can't change it; another's is no page.
            let holder = agent_in(world, words, "c").await;
            assert_eq!(holder.open(&format!("/shop/grants/{}", id(&c))).await.status, 200);
            for part in ["terms", "packages", "delete"] {
                assert_eq!(holder.open(&format!("/shop/grants/{}/{part}", id(&c))).await.status, 404, "{part}");
            }
            assert_eq!(holder.open(&own).await.status, 404);
            let above = agent_in(world, words, "b").await;
            let question = above.open(&format!("/shop/grants/{}/delete", id(&c))).await;
            let gone = above.press(&question, ["Delete it", "确认删除"][index], &[]).await;
            assert_eq!((gone.status, gone.path.as_str()), (200, "/shop/grants"), "{}", gone.says());
            assert!(gone.says().contains(["The grant is deleted", "授权已删除"][index]), "{}", gone.says());
        });
    }
}

/// R8.10: a shop sets its own prices and shelf; below its cost is said at the field, with the cost.
#[test]
fn a_shop_sets_its_own_prices() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let made = selling(world).await;
            let agent = agent_in(world, words, "b").await;
            let list = agent.open("/shop/prices").await;
            // 50 less 20.
            assert!(rows(&list, "series-0")[0].contains("30"), "{}", list.says());
            let page = agent.open(&format!("/shop/prices/{}/{}", id(&made.grants[1]), made.package)).await;
            let below = agent.press(&page, SAVE[index], &[("retail_price", "19.99")]).await;
            refused_at(&below, "retail_price", "20 CNY");
            let list = agent.press(&below, SAVE[index], &[("retail_price", "65.5"), ("on_shelf:bool", "false")]).await;
            assert_eq!((list.status, list.path.as_str()), (200, "/shop/prices"), "{}", list.says());
            let row = rows(&list, "series-0").remove(0);
            assert!(row.contains("65.5") && row.contains("45.5"), "the margin: {row}");
            assert!(row.contains(["Not sold", "已下架"][index]), "{row}");
            let foreign = format!("/shop/prices/{}/{}", id(&made.grants[0]), made.package);
            assert_eq!(agent.open(&foreign).await.status, 404, "another's price");
        });
    }
}

/// R8.7: a forced recharge that the platform decides is said, with the amount, in place of its fields.
#[test]
fn a_forced_recharge_of_the_platform_is_locked() {
    World::run(async |world| {
        open(world).await;
        let [a, b, _] = chain(world).await;
        let body = json!({"name": "First", "code": "FIRST", "commission": {"type": "fixed", "amount": "9"},
            "trigger": {"type": "first_recharge", "threshold": "300"}});
        let first = id(&world.admin().post("/v1/series", body).await.is(201));
        let open_one = series(world, json!({"type": "fixed", "amount": "9"})).await;
        for series in [&first, &open_one] {
            grant(world, &a, series, json!({"commission_amount": "9"})).await;
        }
        for (index, words) in BOTH.iter().enumerate() {
            let agent = agent_in(world, words, "a").await;
            let page = agent.open(&format!("/shop/grants/new?shop={b}&series={first}")).await;
            assert!(page.says().contains("300 CNY") && !page.text.contains("forced_recharge"), "{}", page.says());
            let page = agent.open(&format!("/shop/grants/new?shop={b}&series={open_one}")).await;
            assert!(page.text.contains("forced_recharge.enabled:bool"));
            if index == 1 {
                let entries = [
                    ("commission_amount", "5"),
                    ("forced_recharge.enabled:bool", "true"),
                    ("forced_recharge.amount", "70"),
                ];
                let made = agent.press(&page, GRANT[index], &entries).await;
                assert!(made.status == 200 && made.says().contains("70"), "{}", made.says());
            }
        }
    });
}
