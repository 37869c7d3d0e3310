//! Every page of staff in a filled world: all in its language, fields as their routes take them, what it reads (C2.5, C6.4, C7.1).

use serde_json::json;

use super::super::languages::english;
use super::super::schema::compared;
use super::admin_in;
use crate::affiliate::commission::{hundred, invited};
use crate::page::journeys::BOTH;
use crate::redemption::{credit, pro, time_on};
use crate::world::World;

/// A world with something on every page of people and configuration, and those pages.
pub async fn filled(world: &World) -> Vec<String> {
    invited(world).await;
    hundred(world).await;
    let agency = super::agency::filled(world).await;
    let plan = pro(world, 0).await;
    let mut codes = Vec::new();
    for batch in [time_on(&plan, "half_year", 1, 2), credit("5", 1, 2)] {
        let code = world.codes(batch).await.remove(0);
        world.redeem("ann", &code).await.is(201);
        codes.push(code.replace('-', ""));
    }
    let batch = json!({"label": "\"><script>many", "count": 500, "credit": "1", "total_uses": 1});
    let batch = world.admin().once().post("/v1/admin/redemption/batches", batch).await.is(202);
    let ann = world.user("ann").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
    let key = json!({"name": "billing", "scopes": ["users:read"]});
    let key = world.admin().once().post("/v1/admin/service-keys", key).await.is(201);
    let hook = json!({"url": "https://product.test/_sim/webhook", "events": ["order.*"]});
    let hook = world.admin().once().post("/v1/admin/webhook-endpoints", hook).await.is(201);
    world.settings("payment", |settings| settings["exchange_rate"] = json!("7.3")).await;
    let list = async |path: &str| world.admin().get(path).await.is(200)["items"][0]["id"].as_str().unwrap().to_owned();
    let (undone, share) = (list("/v1/admin/redemption/records").await, list("/v1/admin/commissions").await);
    let text = |value: &serde_json::Value| value["id"].as_str().unwrap().to_owned();
    let areas = shared::operations::model::settings::Area::ALL;
    let mut pages: Vec<String> = areas.iter().map(|area| format!("/admin/settings/{}", area.as_str())).collect();
    pages.extend(
        [
            "/admin/settings",
            "/admin/users",
            "/admin/plans",
            "/admin/plans/new",
            "/admin/batches",
            "/admin/batches/new",
            "/admin/codes",
            "/admin/redemptions",
            "/admin/keys",
            "/admin/webhooks",
            "/admin/referrals",
            "/admin/rewards",
            "/admin/commissions",
            "/admin/risk",
            "/admin/audit",
        ]
        .map(str::to_owned),
    );
    pages.extend([
        format!("/admin/users/{ann}"),
        format!("/admin/users/{ann}/programmes"),
        format!("/admin/users/{ann}/adjust"),
        format!("/admin/users/{ann}/adjust?amount=-100&remark=x"),
        format!("/admin/users/{ann}/commission"),
        format!("/admin/users/{ann}/role"),
        format!("/admin/users/{ann}/second-factor"),
        format!("/admin/users/{ann}/erase"),
        format!("/admin/plans/{plan}"),
        format!("/admin/batches/{}", text(&batch)),
        format!("/admin/batches/{}/status", text(&batch)),
        format!("/admin/codes/{}", codes[0]),
        format!("/admin/codes/{}", codes[1]),
        format!("/admin/codes/delete?code={}", codes[0]),
        format!("/admin/redemptions/{undone}/undo"),
        format!("/admin/keys/{}/revoke", text(&key)),
        format!("/admin/webhooks/{}", text(&hook)),
        format!("/admin/webhooks/{}/delete", text(&hook)),
        format!("/admin/commissions/{share}/release"),
        format!("/admin/commissions/{share}/reverse"),
        format!("/admin/commissions/together?act=reverse&id={share}"),
        "/admin/withdrawals/together?act=pay".to_owned(),
    ]);
    pages.extend(agency);
    pages
}

/// Journey 29, C7.1: each page is in the visitor's language, all of it.
#[test]
fn every_page_of_people_and_configuration_is_all_in_its_language() {
    World::run(async |world| {
        let pages = filled(world).await;
        for words in &BOTH {
            let browser = admin_in(world, words).await;
            for path in &pages {
                let page = browser.open(path).await;
                assert_eq!(page.status, 200, "{path}: {}", page.says());
                assert!(!page.text.contains("<script>many"), "{path}: a label is text");
                if words.accept != BOTH[0].accept {
                    let found: Vec<String> = english(&page).into_iter().filter(|line| !is_data(line)).collect();
                    assert!(found.is_empty(), "{path}: {found:?}");
                }
            }
        }
        world.settle().await;
    });
}

/// Lines that are somebody's own words.
fn is_data(line: &str) -> bool {
    ["credit codes", "codes: ", "script>", "CARD"].iter().any(|known| line.contains(known))
}

/// C6.4: each form's fields are those of its route, of their types.
#[test]
fn the_fields_of_every_form_of_staff_are_those_of_its_route() {
    World::run(async |world| {
        let pages = filled(world).await;
        let browser = admin_in(world, &BOTH[0]).await;
        let routes = compared(&browser, &pages, |_| false).await;
        let of_people =
            ["adjustBalance", "setRole", "eraseUser", "setStatus", "createBatch", "resumeBatch", "editCode"];
        for needed in of_people.iter().chain(super::agency::FORMS) {
            assert!(routes.contains(needed), "no page has {needed}: {routes:?}");
        }
        world.settle().await;
    });
}

/// Pages that read one thing by what another one says, and how deep: an order by its payments, a refund by its order.
/// Of the newest lines of the ledger a partition may have more than its share, which is another round.
const DEEPER: &[(&str, u32)] = &[("/admin/orders/ord_", 6), ("/admin/ledger", 5)];

/// C2.5: a page of staff reads its visitor, and then at most eight lists or sets of items. A list is one read, of its keys and then of
/// their items; what the items name is read after it, and nothing after that.
#[test]
fn every_page_of_staff_reads_side_by_side() {
    World::run(async |world| {
        let mut pages = filled(world).await;
        pages.extend(super::reach::troubled(world).await);
        pages.extend(
            ["", "/orders", "/reviews", "/withdrawals", "/ledger", "/stats", "/reconciliations"]
                .map(|page| format!("/admin{page}")),
        );
        let browser = admin_in(world, &BOTH[0]).await;
        let mut dear = Vec::new();
        for path in &pages {
            let (batches, items, lists, depth) = super::super::costs::calls(world, &browser, path).await;
            // The first call is that of the visitor.
            let usual = 1 + 3;
            let known = DEEPER.iter().find(|(page, _)| path.contains(page)).map_or(usual, |(_, depth)| *depth);
            if batches + items - 1 > 8 || lists > 8 || depth > known {
                dear.push(format!("{path}: {batches} + {items} + {lists}, {depth} deep"));
            }
        }
        assert!(dear.is_empty(), "{}", dear.join("\n"));
    });
}
