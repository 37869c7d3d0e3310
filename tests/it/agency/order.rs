//! Assets and agency orders (R8.7, R8.8, R8.11, R8.12).
//! Forced recharges, triggers, payment methods, snapshots.

use serde_json::{Value, json};

use super::{GRANTS, all, asset, chain, earned, fixed, fund, grant, id, open, package, recharge, series, shop, wallet};
use crate::race::together;
use crate::world::{Answer, World};

const ORDERS: &str = "/v1/agency/orders";

/// Shop A with a granted series of this trigger, platform rule and own rule.
async fn selling(world: &World, trigger: (&str, &str), platform: Value, own: Value) -> (String, String) {
    open(world).await;
    let a = shop(world, "a", None).await;
    let trigger = json!({"type": trigger.0, "threshold": trigger.1});
    let body =
        json!({"name": "S", "code": "S", "commission": fixed("100"), "trigger": trigger, "forced_recharge": platform});
    let cards = id(&world.admin().post("/v1/series", body).await.is(201));
    let month = package(world, &cards, "MONTH", "50", "10").await;
    let packages = json!([{"package_id": month, "cost_price": "20"}]);
    let terms = json!({"commission_amount": "60", "packages": packages, "forced_recharge": own});
    grant(world, &a, &cards, terms).await;
    fund(world, &a, "100000").await;
    (asset(world, &a, &cards, "CARD-1").await, month)
}

async fn try_recharge(world: &World, asset: &str, amount: &str, payment: &str) -> Answer {
    let body = json!({"asset_id": asset, "kind": "recharge", "amount": amount, "payment": payment});
    let answer = world.admin().once().post(ORDERS, body).await;
    world.settle().await;
    answer
}

/// Pre-check of a recharge: whether a minimum applies, its amount, and whether `amount` is allowed.
async fn check(world: &World, asset: &str, amount: &str) -> (bool, String, bool) {
    let path = format!("/v1/assets/{asset}/recharge-check");
    let said = world.admin().post(&path, json!({"amount": amount})).await.is(200);
    let required = &said["forced_recharge"];
    let needed = required["amount"]["amount"].as_str().unwrap().to_owned();
    (required["required"].as_bool().unwrap(), needed, said["allowed"].as_bool().unwrap())
}

fn on(amount: &str) -> Value {
    json!({"enabled": true, "amount": amount})
}

fn off() -> Value {
    json!({"enabled": false})
}

/// R8.7: pre-check and order creation demand the same forced recharge.
/// Platform off and shop 10000 demand 10000. Platform 20000 and shop off demand 20000. `first_recharge` always demands one: the
/// threshold where no amount is set.
#[test]
fn pre_check_and_order_demand_the_same_forced_recharge() {
    let rows = [
        (("accumulated_recharge", "300"), off(), on("10000"), "10000"),
        (("accumulated_recharge", "300"), on("20000"), off(), "20000"),
        (("accumulated_recharge", "300"), on("20000"), on("10000"), "20000"),
        (("accumulated_recharge", "300"), on("0"), off(), "300"),
        (("accumulated_recharge", "300"), off(), off(), "0"),
        (("first_recharge", "300"), off(), off(), "300"),
        (("first_recharge", "300"), off(), on("5"), "300"),
        (("first_recharge", "300"), on("400"), on("5"), "400"),
    ];
    for (trigger, platform, own, needed) in rows {
        World::run(async |world| {
            let (card, month) = selling(world, trigger, platform, own).await;
            let required = needed != "0";
            assert_eq!(check(world, &card, "1").await, (required, needed.to_owned(), !required), "{trigger:?}");
            let path = format!("/v1/assets/{card}/purchase-check");
            let said = world.admin().post(&path, json!({"package_ids": [month]})).await.is(200);
            assert_eq!((&said["price"]["amount"], &said["allowed"]), (&json!("50"), &json!(!required)));
            let tried = try_recharge(world, &card, "1", "wallet").await;
            if required {
                assert_eq!(tried.refused(409, "forced_recharge_required")["amount"], needed);
                let bought = json!({"asset_id": card, "kind": "purchase", "package_ids": [month], "payment": "wallet"});
                world.admin().once().post(ORDERS, bought).await.refused(409, "forced_recharge_required");
                assert_eq!(check(world, &card, needed).await, (true, needed.to_owned(), true));
                try_recharge(world, &card, needed, "wallet").await.is(201);
                let triggered = check(world, &card, "1").await;
                assert_eq!(triggered, (false, "0".to_owned(), true), "until the one-time commission is paid");
            } else {
                tried.is(201);
            }
        });
    }
}

/// R8.7: a grant shows the effective forced recharge.
/// One sent while the platform decides is stored and ignored.
#[test]
fn a_forced_recharge_sent_while_locked_is_ignored() {
    World::run(async |world| {
        let (_, _) = selling(world, ("first_recharge", "300"), off(), off()).await;
        let grants = world.admin().get(GRANTS).await.is(200);
        let path = format!("{GRANTS}/{}", grants["items"][0]["id"].as_str().unwrap());
        let body = json!({"forced_recharge": on("7")});
        let changed = world.admin().header("if-match", "\"1\"").put(&path, body).await.is(200);
        let forced = &changed["forced_recharge"];
        assert_eq!(
            (&forced["locked"], &forced["enabled"], &forced["amount"]["amount"]),
            (&json!(true), &json!(true), &json!("300"))
        );
    });
}

/// R8.8: any single payment at the threshold triggers, once: 200 does not, 500 then does.
#[test]
fn a_first_recharge_triggers_at_the_threshold() {
    World::run(async |world| {
        let (card, _) = selling(world, ("first_recharge", "300"), on("100"), off()).await;
        for (amount, pays) in [("200", "0"), ("500", "60"), ("500", "0")] {
            assert_eq!(earned(&recharge(world, &card, amount).await), all(&[(pays, "0")]), "{amount}");
        }
    });
}

/// R8.8: an accumulated recharge triggers when the total reaches the threshold: 200, then 150.
#[test]
fn an_accumulated_recharge_triggers_when_the_total_is_there() {
    World::run(async |world| {
        let (card, _) = selling(world, ("accumulated_recharge", "300"), off(), off()).await;
        for (amount, pays) in [("200", "0"), ("150", "60"), ("1000", "0")] {
            assert_eq!(earned(&recharge(world, &card, amount).await), all(&[(pays, "0")]), "{amount}");
        }
    });
}

/// R8.8, R8.12: an admin's offline order neither triggers nor counts, and credits the asset.
/// Agents can't make one.
#[test]
fn an_offline_order_neither_triggers_nor_counts() {
    World::run(async |world| {
        let (card, month) = selling(world, ("accumulated_recharge", "300"), off(), off()).await;
        let made = try_recharge(world, &card, "1000", "offline").await.is(201);
        let order = world.admin().get(&format!("{ORDERS}/{}", id(&made))).await.is(200);
        assert_eq!((&order["commission"]["state"], earned(&order)), (&json!("done"), all(&[("0", "0")])));
        let seen = world.admin().get(&format!("/v1/assets/{card}")).await.is(200);
        assert_eq!((&seen["balance"]["amount"], &seen["paid"]["amount"]), (&json!("1000"), &json!("0")));
        let bought = json!({"asset_id": card, "kind": "purchase", "package_ids": [month], "payment": "offline"});
        world.user("a").once().post(ORDERS, bought.clone()).await.refused(403, "forbidden");
        let made = world.admin().once().post(ORDERS, bought).await.is(201);
        world.settle().await;
        let order = world.admin().get(&format!("{ORDERS}/{}", id(&made))).await.is(200);
        assert_eq!(earned(&order), all(&[("0", "30")]), "a sale pays its difference all the same");
        assert_eq!(earned(&recharge(world, &card, "300").await), all(&[("60", "0")]));
    });
}

/// R8.12: an asset spends its recharged balance, never more, and spending triggers nothing.
#[test]
fn an_asset_spends_its_own_balance() {
    World::run(async |world| {
        let (card, month) = selling(world, ("accumulated_recharge", "300"), off(), off()).await;
        let bought = json!({"asset_id": card, "kind": "purchase", "package_ids": [month], "payment": "asset"});
        world.admin().once().post(ORDERS, bought.clone()).await.refused(409, "insufficient_balance");
        recharge(world, &card, "120").await;
        let answers = together((0..4).map(|_| world.admin().once().post(ORDERS, bought.clone())).collect()).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 2, "{answers:?}");
        world.settle().await;
        let seen = world.admin().get(&format!("/v1/assets/{card}")).await.is(200);
        assert_eq!((&seen["balance"]["amount"], &seen["paid"]["amount"]), (&json!("20"), &json!("120")));
        let itself = json!({"asset_id": card, "kind": "recharge", "amount": "5", "payment": "asset"});
        world.admin().once().post(ORDERS, itself).await.refused(422, "invalid");
    });
}

/// R8.12: a wallet pays only its own shop's orders, within its balance.
/// Of concurrent debits exactly as many succeed as fit.
#[test]
fn a_wallet_pays_what_it_has_for_its_own_shop() {
    World::run(async |world| {
        open(world).await;
        let [a, b, _] = chain(world).await;
        let cards = series(world, Value::Null).await;
        grant(world, &a, &cards, json!({})).await;
        grant(world, &b, &cards, json!({})).await;
        let card = asset(world, &b, &cards, "CARD-1").await;
        let body = json!({"asset_id": card, "kind": "recharge", "amount": "10", "payment": "wallet"});
        world.user("b").once().post(ORDERS, body.clone()).await.refused(409, "insufficient_balance");
        fund(world, &b, "65").await;
        world.user("a").once().post(ORDERS, body.clone()).await.refused(403, "forbidden");
        world.user("b").post(ORDERS, body.clone()).await.refused(400, "idempotency_key_required");
        let answers = together((0..32).map(|_| world.user("b").once().post(ORDERS, body.clone())).collect()).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 6, "{answers:?}");
        world.settle().await;
        assert_eq!(wallet(world, &b).await, ["5", "0", "0"]);
        let again = world
            .user("b")
            .key("same")
            .post(ORDERS, json!({"asset_id": card, "kind": "recharge", "amount": "5", "payment": "wallet"}))
            .await
            .is(201);
        let replay = world
            .user("b")
            .key("same")
            .post(ORDERS, json!({"asset_id": card, "kind": "recharge", "amount": "5", "payment": "wallet"}))
            .await;
        assert_eq!(
            (replay.headers["idempotency-replayed"].to_str().unwrap().to_owned(), replay.is(201)["id"].clone()),
            ("true".to_owned(), again["id"].clone())
        );
        world.settle().await;
        assert_eq!(wallet(world, &b).await, ["0", "0", "0"]);
        world
            .admin()
            .once()
            .post(&format!("/v1/admin/shops/{b}/adjustments"), json!({"amount": "-1", "remark": "x"}))
            .await
            .refused(409, "insufficient_balance");
    });
}

/// R8.9: each level's tier follows its own statistics, including the triggering sale.
/// With B's sales at 120 and A's at 160: A 50, B 70, pool 150. With A's at 90: A 0, B 50, pool 100.
#[test]
fn a_tier_counts_by_the_sales_of_each_level() {
    for (others, pays, pool, platform) in
        [("40", [("50", "0"), ("70", "0")], "150", "30"), ("0", [("50", "0"), ("0", "0")], "100", "50")]
    {
        World::run(async |world| {
            open(world).await;
            let a = shop(world, "a", None).await;
            let b = shop(world, "b", Some(&a)).await;
            let tier = |at: &str, amount: &str, scope: &str| json!({"dimension": "sales_amount", "scope": scope, "threshold": at, "amount": amount});
            let scope = if others == "0" { "self" } else { "self_and_sub" };
            let tiers = json!([tier("100", "100", scope), tier("150", "150", scope)]);
            let cards = series(world, json!({"type": "tiered", "tiers": tiers})).await;
            let own = |low: &str, high: &str| json!({"commission_tiers": [{"threshold": "100", "amount": low}, {"threshold": "150", "amount": high}]});
            grant(world, &a, &cards, own("80", "120")).await;
            grant(world, &b, &cards, own("50", "100")).await;
            fund(world, &a, "1000").await;
            fund(world, &b, "1000").await;
            let elsewhere = asset(world, &a, &cards, "CARD-0").await;
            if others != "0" {
                recharge(world, &elsewhere, others).await;
            }
            let card = asset(world, &b, &cards, "CARD-1").await;
            // Nothing triggers below 10; the last recharge does, at a total of 120.
            for _ in 0..4 {
                recharge(
                    world,
                    &asset(world, &b, &cards, &format!("X-{}", world.stack.clock.now().as_nanosecond())).await,
                    "9",
                )
                .await;
                world.advance(1).await;
            }
            let order = recharge(world, &card, "84").await;
            assert_eq!(earned(&order), all(&pays), "{order}");
            let commission = &order["commission"];
            assert_eq!(
                (&commission["pool"]["amount"], &commission["platform"]["amount"]),
                (&json!(pool), &json!(platform))
            );
        });
    }
}

/// R8.11: later changes to grants, prices and the series don't affect an existing order.
#[test]
fn later_edits_do_not_reach_an_order() {
    World::run(async |world| {
        open(world).await;
        let a = shop(world, "a", None).await;
        let cards = series(world, fixed("100")).await;
        let month = package(world, &cards, "MONTH", "50", "10").await;
        let packages = json!([{"package_id": month, "cost_price": "20"}]);
        let made = grant(world, &a, &cards, json!({"commission_amount": "60", "packages": packages})).await;
        let card = asset(world, &a, &cards, "CARD-1").await;
        let body = json!({"asset_id": card, "kind": "purchase", "package_ids": [month], "payment": "online", "provider": "zpay"});
        let order = world.user("a").once().post(ORDERS, body).await.is(201);
        let path = format!("{GRANTS}/{}", id(&made));
        world.admin().header("if-match", "\"1\"").put(&path, json!({"commission_amount": "1"})).await.is(200);
        let dearer = json!({"packages": [{"package_id": month, "cost_price": "45"}]});
        world.admin().header("if-match", "\"2\"").put(&format!("{path}/packages"), dearer).await.is(200);
        world.pay(&json!({"id": order["payment_order_id"], "provider": "zpay"}), json!({})).await;
        world.settle().await;
        let order = world.admin().get(&format!("{ORDERS}/{}", id(&order))).await.is(200);
        assert_eq!(earned(&order), all(&[("60", "30")]));
        assert_eq!(order["packages"][0]["retail_price"]["amount"], "50");
    });
}

/// R8.6: no order is accepted at or below a disabled grant.
/// Nor is one for a package off the shelf, or with the agency off.
#[test]
fn nothing_is_sold_under_a_disabled_grant() {
    World::run(async |world| {
        open(world).await;
        let [a, b, _] = chain(world).await;
        let cards = series(world, fixed("100")).await;
        let month = package(world, &cards, "MONTH", "50", "10").await;
        let packages = json!({"packages": [{"package_id": month, "cost_price": "20"}]});
        let top = id(&grant(world, &a, &cards, packages.clone()).await);
        let low = id(&grant(world, &b, &cards, packages).await);
        let card = asset(world, &b, &cards, "CARD-1").await;
        fund(world, &b, "500").await;
        let body = json!({"asset_id": card, "kind": "purchase", "package_ids": [month], "payment": "wallet"});
        let status = async |tag: &str, status: &str| {
            let put =
                world.admin().header("if-match", tag).put(&format!("{GRANTS}/{top}"), json!({"status": status})).await;
            put.is(200)
        };
        status("\"1\"", "disabled").await;
        world.user("b").once().post(ORDERS, body.clone()).await.refused(409, "grant_disabled");
        world
            .user("b")
            .post(&format!("/v1/assets/{card}/recharge-check"), json!({"amount": "1"}))
            .await
            .refused(409, "grant_disabled");
        status("\"2\"", "active").await;
        let retail = json!({"retail_price": "50", "on_shelf": false});
        let path = format!("{GRANTS}/{low}/packages/{month}/retail");
        world.user("b").header("if-match", "\"1\"").put(&path, retail).await.is(200);
        let off_shelf = world.user("b").once().post(ORDERS, body.clone()).await.refused(422, "invalid");
        assert_eq!(off_shelf["errors"][0]["pointer"], "/package_ids/0");
        world.settings("agency", |agency| agency["enabled"] = json!(false)).await;
        world.user("b").once().post(ORDERS, body).await.refused(409, "programme_off");
    });
}

/// R8.1, R8.8: a shop sees, moves and sells assets of its own subtree; an asset's identifier is unique.
#[test]
fn an_asset_is_its_shops_and_moves_within_the_tree() {
    World::run(async |world| {
        open(world).await;
        let [a, b, c] = chain(world).await;
        let other = shop(world, "x", None).await;
        let cards = series(world, fixed("100")).await;
        for shop in [&a, &b, &other] {
            grant(world, shop, &cards, json!({"commission_amount": "10"})).await;
        }
        let new = |shop: &str, identifier: &str| json!({"kind": "card", "shop_id": shop, "series_id": cards, "identifier": identifier});
        let made = world.user("a").post("/v1/assets", new(&b, "sim-1")).await.is(201);
        assert_eq!(made["identifier"], "SIM-1");
        world.user("x").post("/v1/assets", new(&other, "SIM-1")).await.refused(409, "identifier_taken");
        world.user("x").post("/v1/assets", new(&b, "SIM-2")).await.refused(404, "not_found");
        world.user("a").post("/v1/assets", new(&c, "SIM-2")).await.refused(409, "grant_disabled");
        world.user("a").post("/v1/assets", new(&b, "a b")).await.refused(422, "invalid");
        let path = format!("/v1/assets/{}", id(&made));
        world.user("x").get(&path).await.refused(404, "not_found");
        world.user("b").get(&path).await.is(200);
        world.user("x").put(&path, json!({"shop_id": other})).await.refused(404, "not_found");
        world.user("a").put(&path, json!({"shop_id": other})).await.refused(404, "not_found");
        world.user("a").put(&path, json!({"shop_id": a, "kind": "device"})).await.refused(422, "invalid");
        assert_eq!(world.user("a").put(&path, json!({"shop_id": a})).await.is(200)["shop_id"], a);
        world.user("b").get(&path).await.refused(404, "not_found");
        fund(world, &a, "50").await;
        let sold = recharge(world, &id(&made), "20").await;
        assert_eq!((&sold["shop_id"], earned(&sold)), (&json!(a), all(&[("10", "0")])));
        let body = json!({"asset_id": id(&made), "kind": "recharge", "amount": "5", "payment": "wallet"});
        world.user("x").once().post(ORDERS, body).await.refused(404, "not_found");
        assert_eq!(world.user("x").get(ORDERS).await.is(200)["items"], json!([]));
        assert_eq!(world.user("a").get(ORDERS).await.is(200)["items"].as_array().unwrap().len(), 1);
        assert_eq!(world.user("b").get(ORDERS).await.is(200)["items"], json!([]), "the selling shop was A");
        assert_eq!(world.user("a").get("/v1/assets").await.is(200)["items"].as_array().unwrap().len(), 1);
        let body = json!({"name": "x", "parent_id": a});
        world.admin().header("if-match", "\"2\"").put(&format!("/v1/shops/{other}"), body).await;
    });
}

/// R8.12: an invalid order is rejected with the field's pointer, and nothing is debited.
#[test]
fn what_is_no_order_is_refused() {
    World::run(async |world| {
        let (card, month) = selling(world, ("accumulated_recharge", "300"), off(), off()).await;
        let base = json!({"asset_id": card, "kind": "recharge", "amount": "10", "payment": "wallet"});
        let rows: [(&str, Value, &str); 11] = [
            ("amount", json!("0"), "/amount"),
            ("amount", json!("1.001"), "/amount"),
            ("amount", json!("-5"), "/amount"),
            ("amount", json!("1e3"), "/amount"),
            ("amount", json!("1000000001"), "/amount"),
            ("payment", json!("cash"), "/payment"),
            ("payment", json!("online"), "/provider"),
            ("kind", json!("gift"), "/kind"),
            ("kind", json!("purchase"), "/package_ids"),
            ("package_ids", json!([month]), "/amount"),
            ("provider", json!("stripe"), "/provider"),
        ];
        for (field, value, pointer) in rows {
            let mut body = base.clone();
            body[field] = value.clone();
            let refused = world.admin().once().post(ORDERS, body).await.refused(422, "invalid");
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{field} {value}");
        }
        let unknown = json!({"asset_id": "ast_01arz3ndektsv4rrffq69g5fav", "kind": "recharge", "amount": "10", "payment": "wallet"});
        world.admin().once().post(ORDERS, unknown).await.refused(404, "not_found");
        for packages in [json!([]), json!([month, month]), json!(["pkg_x"]), json!(["pkg_01arz3ndektsv4rrffq69g5fav"])]
        {
            let body = json!({"asset_id": card, "kind": "purchase", "package_ids": packages, "payment": "wallet"});
            world.admin().once().post(ORDERS, body).await.refused(422, "invalid");
        }
        let shop = world.admin().get("/v1/shops").await.is(200)["items"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(wallet(world, &shop).await, ["100000", "0", "0"]);
    });
}

/// R9.1: the agency's currency is fixed by its first journal, not before.
#[test]
fn the_currency_is_fixed_once_money_moved() {
    World::run(async |world| {
        open(world).await;
        let a = shop(world, "a", None).await;
        world.settings("agency", |agency| agency["currency"] = json!("USD")).await;
        fund(world, &a, "5").await;
        let read = world.admin().get("/v1/admin/settings/agency").await.is(200);
        let mut settings = read["settings"].clone();
        settings["currency"] = json!("EUR");
        let tag = format!("\"{}\"", read["version"]);
        let put = world.admin().header("if-match", &tag).put("/v1/admin/settings/agency", settings).await;
        put.refused(409, "currency_in_use");
        assert_eq!(
            world.user("a").get("/v1/agency/wallet").await.is(200)["main"],
            json!({"amount": "5", "currency": "USD"})
        );
    });
}

/// G19: a series' code is unique over the deployment, at creation and at a change; a freed code can be taken.
#[test]
fn a_series_code_is_one_series() {
    World::run(async |world| {
        open(world).await;
        let body = |code: &str| {
            let trigger = json!({"type": "first_recharge", "threshold": "300"});
            json!({"name": "S", "code": code, "commission": fixed("100"), "trigger": trigger, "forced_recharge": off()})
        };
        let make = |code: &str| world.admin().once().post("/v1/series", body(code));
        let first = id(&make("SIM-1").await.is(201));
        make(" sim\u{2013}1 ").await.refused(409, "series_code_taken");
        let second = id(&make("SIM-2").await.is(201));
        let change = async |series: &str, version: &str, code: &str| {
            world.admin().header("if-match", version).put(&format!("/v1/series/{series}"), body(code)).await
        };
        change(&second, "\"1\"", "SIM-1").await.refused(409, "series_code_taken");
        change(&first, "\"1\"", "SIM-3").await.is(200);
        change(&second, "\"1\"", "SIM-1").await.is(200);
        let both = together(vec![make("SIM-9"), make("SIM-9")]).await;
        let mut statuses: Vec<u16> = both.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
    });
}
