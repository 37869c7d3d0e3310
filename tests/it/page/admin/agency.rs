//! The agency's pages for staff (C3.4, journey 24): the tree, series, grants, assets, sales, wallets.

use serde_json::json;
use shared::account::model::scope::AdminScope;

use super::super::client::{Browser, Shown};
use super::{admin_in, clerk_in};
use crate::agency::{chain, fixed, fund, grant, id, open, package, series, shop};
use crate::page::journeys::BOTH;
use crate::world::World;

/// Operations that forms of the agency's pages call.
pub const FORMS: &[&str] = &[
    "createShop",
    "changeShop",
    "createSeries",
    "changeSeries",
    "createPackage",
    "changePackage",
    "createGrant",
    "changeGrant",
    "deleteGrant",
    "changeGrantPackages",
    "setRetailPrice",
    "createAsset",
    "moveAsset",
    "createAgencyOrder",
    "transferCommission",
    "adjustShop",
];

/// An agency with something on every page of it, and those pages.
pub async fn filled(world: &World) -> Vec<String> {
    world.settings("agency", |agency| agency["enabled"] = json!(true)).await;
    let a = shop(world, "a", None).await;
    let b = shop(world, "b", Some(&a)).await;
    let tier = |threshold: &str| json!({"dimension": "sales_amount", "scope": "self_and_sub", "operator": ">=", "threshold": threshold, "amount": threshold});
    let of = series(world, json!({"type": "tiered", "tiers": [tier("100"), tier("150")]})).await;
    let fixed = series(world, fixed("100")).await;
    let small = package(world, &of, "CARD-S", "50", "10").await;
    package(world, &of, "CARD-M", "90", "20").await;
    let terms = |amount: &str| json!({"commission_tiers": [{"threshold": "100", "amount": amount}, {"threshold": "150", "amount": amount}], "packages": [{"package_id": small, "cost_price": "12"}]});
    grant(world, &a, &of, terms("80")).await;
    let below = id(&grant(world, &b, &of, terms("50")).await);
    let asset = crate::agency::asset(world, &b, &of, "CARD-0001").await;
    fund(world, &b, "500").await;
    let sale = id(&crate::agency::recharge(world, &asset, "120").await);
    let mut pages: Vec<String> = [
        "shops",
        "shops/new",
        "series",
        "series/new",
        "grants",
        "grants/new",
        "assets",
        "assets/new",
        "sales",
        "sales/commissions",
    ]
    .iter()
    .map(|page| format!("/admin/{page}"))
    .collect();
    pages.extend([
        format!("/admin/shops/{a}"),
        format!("/admin/shops/{b}"),
        format!("/admin/shops/{b}/wallet"),
        format!("/admin/shops/{b}/wallet?account=commission"),
        format!("/admin/shops/{b}/adjust"),
        format!("/admin/shops/{b}/adjust?amount=5&remark=x"),
        format!("/admin/series/{of}"),
        format!("/admin/series/{fixed}"),
        format!("/admin/series/{of}/packages/new"),
        format!("/admin/series/{of}/packages/{small}"),
        format!("/admin/grants/new?shop={b}&series={fixed}"),
        format!("/admin/grants/new?shop={a}&series={fixed}"),
        format!("/admin/grants/{below}"),
        format!("/admin/grants/{below}/packages"),
        format!("/admin/grants/{below}/packages/{small}"),
        format!("/admin/grants/{below}/delete"),
        format!("/admin/assets/{asset}"),
        format!("/admin/assets/{asset}/sell"),
        format!("/admin/assets/{asset}/sell?package={small}"),
        format!("/admin/assets/{asset}/sell?amount=5"),
        format!("/admin/sales/{sale}"),
    ]);
    pages
}

/// Presses a button of the page with these entries, and asserts that it went well.
async fn pressed(browser: &Browser<'_>, page: &Shown, button: &str, entries: &[(&str, &str)]) -> Shown {
    let page = browser.press(page, button, entries).await;
    assert!(page.status == 200 && page.root.all("h1").len() == 1, "{button}: {} {}", page.status, page.says());
    assert!(!page.text.contains("role=\"alert\""), "{button}: {}", page.says());
    page
}

/// Last part of a page's path.
fn last(page: &Shown) -> String {
    page.path.rsplit('/').next().unwrap().to_owned()
}

/// The field with this name.
fn is_wrong(page: &Shown, name: &str) -> bool {
    let inputs = page.root.all("input");
    inputs.iter().any(|one| one.of("name") == Some(name) && one.of("aria-invalid") == Some("true"))
}

/// Journey 24, R8.1–R8.9: two shops, a tiered series, grants under their ceilings, a sale by wallet with its chain, and a parent
/// lowered with those below, all by forms.
#[test]
fn an_agency_is_built_and_sells_by_forms() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            open(world).await;
            let browser = admin_in(world, words).await;
            let say = |both: [&'static str; 2]| both[index];
            let make_shop = say(["Make the shop", "创建店铺"]);
            let form = browser.open("/admin/shops/new").await;
            let a = last(&pressed(&browser, &form, make_shop, &[("name", "A")]).await);
            let form = browser.open(&format!("/admin/shops/new?parent={a}")).await;
            let b = last(&pressed(&browser, &form, make_shop, &[("name", "B"), ("parent_id:null", &a)]).await);
            let tiers = [
                ("name", "Cards"),
                ("code", "CARDS"),
                ("commission.type", "tiered"),
                ("commission.tiers[0].threshold", "100"),
                ("commission.tiers[0].amount", "100"),
                ("commission.tiers[1].threshold", "150"),
                ("commission.tiers[1].amount", "150"),
                ("trigger.threshold", "10"),
            ];
            let form = browser.open("/admin/series/new").await;
            let page = pressed(&browser, &form, say(["Make the series", "创建系列"]), &tiers).await;
            let series = last(&page);
            let form = browser.open(&page.link(say(["New package", "新建套餐"]))).await;
            let entries = [("name", "Monthly"), ("code", "M"), ("price", "300"), ("cost_price", "20")];
            pressed(&browser, &form, say(["Make the package", "创建套餐"]), &entries).await;

            let make_grant = say(["Make the grant", "授权"]);
            let of_a = [
                ("commission_tiers[0].amount", "80"),
                ("commission_tiers[1].amount", "120"),
                ("packages[0].cost_price:?", "30"),
            ];
            let form = browser.open(&format!("/admin/grants/new?shop={a}&series={series}")).await;
            let first = pressed(&browser, &form, make_grant, &of_a).await;
            let form = browser.open(&format!("/admin/grants/new?shop={b}&series={series}")).await;
            let above = [("commission_tiers[0].amount", "90"), ("commission_tiers[1].amount", "100")];
            let refused = browser.press(&form, make_grant, &above).await;
            assert!(is_wrong(&refused, "commission_tiers[0].amount"), "R8.4: {}", refused.says());
            let cheap = [("commission_tiers[0].amount", "50"), ("packages[0].cost_price:?", "25")];
            let refused = browser.press(&refused, make_grant, &cheap).await;
            assert!(is_wrong(&refused, "packages[0].cost_price:?"), "R8.3: {}", refused.says());
            let dear = [("packages[0].cost_price:?", "40")];
            let second = pressed(&browser, &refused, make_grant, &dear).await;
            assert!(second.says().contains("150"), "{}", second.says());

            let form = browser.open("/admin/assets/new").await;
            let entries = [("identifier", "CARD-0001"), ("shop_id", b.as_str()), ("series_id", series.as_str())];
            let asset = pressed(&browser, &form, say(["Take it in", "入库"]), &entries).await;
            fund(world, &b, "500").await;
            let sell = browser.open(&format!("{}/sell", asset.path)).await;
            let recharge = say(["See what has to be paid", "查看应付金额"]);
            let price = browser.press(&sell, recharge, &[("amount", "160")]).await;
            let sale =
                pressed(&browser, &price, say(["Sell", "确认出售"]), &[("payment/provider/method", "wallet//")]).await;
            world.settle().await;
            let sale = browser.open(&sale.path).await;
            // B's statistic is 160 as is A's: tier 150, B 100, A 120 − 100, platform 150 − 120.
            let rows = sale.root.all("tr").iter().map(|row| row.text()).collect::<Vec<_>>();
            let earns = |name: &str, amount: &str| rows.iter().any(|row| row.starts_with(name) && row.contains(amount));
            assert!(earns("B", "100CNY") && earns("A", "20CNY"), "R8.9: {rows:?}");
            assert!(earns(say(["Platform", "平台"]), "30CNY"), "R8.9: {rows:?}");

            let save = say(["Save", "保存"]);
            let lower = [("commission_tiers[1].amount", "90")];
            let asked = browser.press(&browser.open(&first.path).await, save, &lower).await;
            let affected = say(["Grants below that are affected", "受影响的下级授权"]);
            assert!(asked.says().contains(affected) && asked.says().contains("B"), "R8.5: {}", asked.says());
            assert!(asked.says().contains("90"), "{}", asked.says());
            pressed(&browser, &asked, say(["Move them too", "一并调整"]), &[]).await;
            let moved = world.admin().get(&format!("/v1/shop-series-grants/{}", last(&second))).await.is(200);
            assert_eq!(moved["commission_tiers"][1]["amount"]["amount"], "90", "R8.5");
            let tree = browser.open("/admin/shops").await;
            assert!(tree.text.contains("aria-level=\"2\""), "{}", tree.text);
            world.settle().await;
        });
    }
}

/// R8.5, R8.6: packages are added, priced and taken away in one form; a cost raised above those below asks to move them.
#[test]
fn packages_of_a_grant_are_changed_in_one_form() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            open(world).await;
            let [a, b, _] = chain(world).await;
            let of = series(world, fixed("100")).await;
            let mut ids = Vec::new();
            for code in ["S", "M", "L"] {
                ids.push(package(world, &of, code, "50", "10").await);
            }
            let costs = |cost: &str| json!([{"package_id": ids[0], "cost_price": cost}, {"package_id": ids[1], "cost_price": cost}]);
            let first = id(&grant(world, &a, &of, json!({"commission_amount": "80", "packages": costs("12")})).await);
            let below = id(&grant(world, &b, &of, json!({"commission_amount": "50", "packages": costs("15")})).await);
            let browser = admin_in(world, words).await;
            let save = ["Save", "保存"][index];
            let form = browser.open(&format!("/admin/grants/{first}/packages")).await;
            let low = [("packages[1].cost_price:?", "13"), ("packages[2].cost_price:?", "9")];
            let refused = browser.press(&form, save, &low).await;
            assert!(is_wrong(&refused, "packages[2].cost_price:?"), "R8.3: {}", refused.says());
            let entries = [
                ("packages[0].cost_price:?", ""),
                ("packages[1].cost_price:?", "20"),
                ("packages[2].cost_price:?", "11"),
            ];
            let asked = browser.press(&refused, save, &entries).await;
            let gone = ["S is taken away", "收回 S"][index];
            assert!(asked.says().contains(gone), "R8.5: {}", asked.says());
            pressed(&browser, &asked, ["Move them too", "一并调整"][index], &[]).await;
            let read = async |id: &str| world.admin().get(&format!("/v1/shop-series-grants/{id}")).await.is(200);
            let held = |grant: &serde_json::Value| -> Vec<(String, String)> {
                let all = grant["packages"].as_array().unwrap().iter();
                let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
                all.map(|one| (text(&one["code"]), text(&one["cost_price"]["amount"]))).collect()
            };
            let pairs = |all: &[(&str, &str)]| crate::agency::all(all);
            assert_eq!(held(&read(&first).await), pairs(&[("M", "20"), ("L", "11")]));
            assert_eq!(held(&read(&below).await), pairs(&[("M", "20")]));
            let form = browser.open(&format!("/admin/grants/{below}/packages/{}", ids[1])).await;
            let refused = browser.press(&form, save, &[("retail_price", "19")]).await;
            assert!(is_wrong(&refused, "retail_price"), "R8.10: {}", refused.says());
            pressed(&browser, &refused, save, &[("retail_price", "35")]).await;
            let now = read(&below).await;
            assert_eq!(
                (&now["packages"][0]["retail_price"]["amount"], &now["packages"][0]["on_shelf"]),
                (&json!("35"), &json!(true))
            );
            let delete = ["Delete the grant", "删除授权"][index];
            let question = browser.open(&format!("/admin/grants/{first}/delete")).await;
            let refused = browser.press(&question, delete, &[]).await;
            assert_eq!(refused.status, 422, "R8.6: {}", refused.says());
            let question = browser.open(&format!("/admin/grants/{below}/delete")).await;
            let page = pressed(&browser, &question, delete, &[]).await;
            assert!(page.says().contains(["Deleted", "已删除"][index]), "{}", page.says());
        });
    }
}

/// R8.2: a series with grants keeps its shape; a package's cost above a grant's asks to move it; two admins do not overwrite each other.
#[test]
fn a_series_in_use_changes_in_amounts_only() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            open(world).await;
            let [a, ..] = chain(world).await;
            let tier = |threshold: &str, amount: &str| json!({"dimension": "sales_amount", "scope": "self", "operator": ">=", "threshold": threshold, "amount": amount});
            let of = series(world, json!({"type": "tiered", "tiers": [tier("100", "100")]})).await;
            let small = package(world, &of, "S", "50", "10").await;
            let terms = json!({"commission_tiers": [{"threshold": "100", "amount": "80"}], "packages": [{"package_id": small, "cost_price": "12"}]});
            let granted = id(&grant(world, &a, &of, terms).await);
            let browser = admin_in(world, words).await;
            let save = ["Save", "保存"][index];
            let stale = browser.open(&format!("/admin/series/{of}")).await;
            assert!(
                stale.root.all("select").iter().all(|one| one.of("name") != Some("commission.type")),
                "it is fixed"
            );
            let asked = browser.press(&stale, save, &[("commission.tiers[0].amount", "70")]).await;
            assert!(asked.says().contains("70"), "R8.5: {}", asked.says());
            pressed(&browser, &asked, ["Move them too", "一并调整"][index], &[]).await;
            let read = world.admin().get(&format!("/v1/shop-series-grants/{granted}")).await.is(200);
            assert_eq!(read["commission_tiers"][0]["amount"]["amount"], "70");
            let late = browser.press(&stale, save, &[("name", "Other")]).await;
            assert_eq!(late.status, 422, "R9.1: {}", late.says());
            let form = browser.open(&format!("/admin/series/{of}/packages/{small}")).await;
            let asked = browser.press(&form, save, &[("cost_price", "15")]).await;
            pressed(&browser, &asked, ["Move them too", "一并调整"][index], &[]).await;
            let read = world.admin().get(&format!("/v1/shop-series-grants/{granted}")).await.is(200);
            assert_eq!(read["packages"][0]["cost_price"]["amount"], "15");
        });
    }
}

/// R8.12: a wallet is adjusted after its question in numbers, commission moves to the main account, an asset's balance pays; a clerk
/// with `grants:write` sees wallets and moves nothing.
#[test]
fn money_of_shops_moves_by_admins_only() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            open(world).await;
            let a = shop(world, "a", None).await;
            let of = series(world, fixed("100")).await;
            let small = package(world, &of, "S", "50", "10").await;
            let terms = json!({"commission_amount": "80", "packages": [{"package_id": small, "cost_price": "12"}]});
            grant(world, &a, &of, terms).await;
            let asset = crate::agency::asset(world, &a, &of, "CARD-0001").await;
            let browser = admin_in(world, words).await;
            let form = browser.open(&format!("/admin/shops/{a}/adjust")).await;
            let next = ["Check", "核对"][index];
            let low = browser.press(&form, next, &[("amount", "-5"), ("remark", "x")]).await;
            assert!(is_wrong(&low, "amount"), "{}", low.says());
            let question = browser.press(&low, next, &[("amount", "200"), ("remark", "paid in")]).await;
            let act =
                question.root.all("button").iter().map(|one| one.text()).find(|text| text.contains("200")).unwrap();
            let page = pressed(&browser, &question, act.trim(), &[]).await;
            assert!(page.says().contains("200"), "{}", page.says());
            crate::agency::recharge(world, &asset, "60").await;
            let wallet = browser.open(&format!("/admin/shops/{a}/wallet")).await;
            let transfer = ["Move to the main account", "转入主账户"][index];
            let much = browser.press(&wallet, transfer, &[("amount", "81")]).await;
            assert!(is_wrong(&much, "amount"), "{}", much.says());
            pressed(&browser, &much, transfer, &[("amount", "80")]).await;
            assert_eq!(crate::agency::wallet(world, &a).await, ["220", "0", "0"]);
            let sell = browser.open(&format!("/admin/assets/{asset}/sell?package={small}")).await;
            let sale =
                pressed(&browser, &sell, ["Sell", "确认出售"][index], &[("payment/provider/method", "asset//")]).await;
            assert!(sale.path.starts_with("/admin/sales/ago_"), "{}", sale.path);
            world.settle().await;
            let earned = browser.open("/admin/sales/commissions").await;
            assert!(earned.says().contains("38"), "R8.10: {}", earned.says());
            let file = browser.open(&earned.link(["As CSV", "导出 CSV"][index])).await;
            assert!(file.text.contains("38") && file.text.contains("one_time"), "C3.1: {}", file.text);
            let sales = browser.open("/admin/sales?payment=asset").await;
            let file = browser.open(&sales.link(["As CSV", "导出 CSV"][index])).await;
            let id = sale.path.strip_prefix("/admin/sales/").unwrap();
            assert!(file.text.lines().count() == 2 && file.text.contains(id), "C3.1: {}", file.text);
            let clerk = clerk_in(world, words, "cid", &[AdminScope::GrantsWrite]).await;
            let page = clerk.open(&format!("/admin/shops/{a}/wallet")).await;
            assert!(page.status == 200 && !page.says().contains(transfer), "{}", page.says());
            assert_eq!(clerk.open(&format!("/admin/assets/{asset}/sell")).await.status, 403);
            world.settle().await;
        });
    }
}

/// C5.3: a form of the agency is not taken from staff who have been away.
#[test]
fn staff_who_have_been_away_change_nothing_of_the_agency() {
    World::run(async |world| {
        open(world).await;
        let browser = admin_in(world, &BOTH[0]).await;
        let form = browser.open("/admin/shops/new").await;
        world.advance(31 * 60).await;
        let page = browser.press(&form, "Make the shop", &[("name", "A")]).await;
        assert_eq!(page.heading(), "Sign in");
        let again = admin_in(world, &BOTH[0]).await.open("/admin/shops").await;
        assert!(again.says().contains("No shops yet"), "{}", again.says());
    });
}
