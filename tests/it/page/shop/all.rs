//! Every page of agents in a filled world: all in its language, fields as their routes take them, what it reads (C2.5, C6.4, C7.1).

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::super::journeys::BOTH;
use super::super::languages::english;
use super::super::schema::{compare, plain};
use super::{agent_in, selling};
use crate::agency::{grant, id, recharge};
use crate::contract::document::operation;
use crate::world::World;

const HOSTILE: &str = "\"><script>shop";
/// Duration of a call.
const CALL: Duration = Duration::from_millis(10);

/// A world with something on every page of agents, and those pages.
async fn filled(world: &World) -> Vec<String> {
    let made = selling(world).await;
    let (b, c) = (&made.shops[1], &made.shops[2]);
    let tag = world.admin().get(&format!("/v1/shops/{c}")).await.headers["etag"].to_str().unwrap().to_owned();
    let shop = world.admin().get(&format!("/v1/shops/{c}")).await.is(200);
    let renamed = json!({"name": HOSTILE, "user_id": shop["user_id"]});
    world.admin().header("if-match", &tag).put(&format!("/v1/shops/{c}"), renamed).await.is(200);
    let packages = json!([{"package_id": made.package, "cost_price": "25"}]);
    let below = grant(world, c, &made.series, json!({"commission_amount": "10", "packages": packages})).await;
    let sale = recharge(world, &made.asset, "120").await;
    let cash = json!({"amount": "20", "payout": {"method": "bank", "account": "1234567890"}});
    world.user("b").once().post("/v1/agency/wallet/withdrawals", cash).await.is(201);
    let (grant, below, sale) = (id(&made.grants[1]), id(&below), id(&sale));
    [
        "/shop".to_owned(),
        "/shop/shops".to_owned(),
        format!("/shop/shops/new?parent={c}"),
        format!("/shop/shops/{b}"),
        format!("/shop/shops/{c}"),
        "/shop/grants".to_owned(),
        "/shop/grants/new".to_owned(),
        format!("/shop/grants/new?shop={c}&series={}", made.series),
        format!("/shop/grants/{grant}"),
        format!("/shop/grants/{below}"),
        format!("/shop/grants/{below}/terms"),
        format!("/shop/grants/{below}/packages"),
        format!("/shop/grants/{below}/delete"),
        "/shop/prices".to_owned(),
        format!("/shop/prices/{grant}/{}", made.package),
        "/shop/assets".to_owned(),
        "/shop/assets/new".to_owned(),
        format!("/shop/assets/{}", made.asset),
        "/shop/sell".to_owned(),
        format!("/shop/sell?asset={}", made.asset),
        format!("/shop/sell?asset={}&package={}", made.asset, made.package),
        format!("/shop/sell?asset={}&amount=10", made.asset),
        "/shop/sales".to_owned(),
        format!("/shop/sales/{sale}"),
        "/shop/commissions".to_owned(),
        "/shop/wallet".to_owned(),
        "/shop/wallet?account=commission".to_owned(),
        "/shop/wallet/withdraw".to_owned(),
        "/shop/wallet/withdrawals".to_owned(),
    ]
    .into()
}

/// Journey 29, C5.9, C7.1: each page is in the visitor's language, all of it, and what people wrote is text.
#[test]
fn every_page_of_agents_is_all_in_its_language() {
    World::run(async |world| {
        let pages = filled(world).await;
        for words in &BOTH {
            let agent = agent_in(world, words, "b").await;
            for path in &pages {
                let page = agent.open(path).await;
                assert_eq!(page.status, 200, "{path}: {}", page.says());
                assert!(!page.text.contains("<script>shop"), "{path}: a name is text");
                if words.lang != "en" {
                    let found: Vec<String> =
                        english(&page).into_iter().filter(|line| !line.contains("script")).collect();
                    assert!(found.is_empty(), "{path}: {found:?}");
                }
                let links = page.root.all("a");
                assert!(links.iter().any(|link| link.text() == words.other), "{path} has the other language");
            }
        }
        let empty = crate::agency::shop(world, "x", None).await;
        for words in &BOTH {
            let agent = agent_in(world, words, "x").await;
            for path in pages.iter().filter(|path| path.matches('/').count() <= 2 || path.ends_with("/new")) {
                let page = agent.open(path.split('?').next().unwrap()).await;
                assert_eq!(page.status, 200, "{path} with nothing: {}", page.says());
            }
        }
        assert!(empty.starts_with("shp_"));
    });
}

/// C6.4: each form's fields are those of its route, of their types.
#[test]
fn the_fields_of_every_form_of_agents_are_those_of_its_route() {
    World::run(async |world| {
        let pages = filled(world).await;
        let agent = agent_in(world, &BOTH[0], "b").await;
        let mut routes = BTreeSet::new();
        for path in &pages {
            for form in agent.open(path).await.root.all("form") {
                let action = form.of("action").unwrap_or_default();
                let Some((_, route)) = action.split_once("/v1/").filter(|_| action.starts_with("/forms/")) else {
                    continue;
                };
                let route = format!("/v1/{route}");
                let known: Vec<_> =
                    ["POST", "PUT", "DELETE"].iter().filter_map(|method| operation(method, &route)).collect();
                assert!(!known.is_empty(), "{path} leads to {route}");
                routes.extend(known.iter().map(|one| one["operationId"].as_str().unwrap()));
                // Rows of lists are compared by the journeys that send them.
                if form.all("*").iter().any(|field| field.of("name").is_some_and(|name| name.contains("[0]"))) {
                    continue;
                }
                let mut body = known.iter().map(|one| &one["requestBody"]["content"]["application/json"]["schema"]);
                if let Some(schema) = body.find(|schema| schema.is_object()) {
                    compare(form, &route, plain(schema));
                }
            }
        }
        for needed in [
            "createShop",
            "changeShop",
            "createGrant",
            "changeGrant",
            "deleteGrant",
            "changeGrantPackages",
            "setRetailPrice",
            "createAsset",
            "moveAsset",
            "createAgencyOrder",
            "transferCommission",
            "withdrawShopCommission",
            "cancelShopWithdrawal",
        ] {
            assert!(routes.contains(needed), "no page has {needed}: {routes:?}");
        }
        world.settle().await;
    });
}

/// C2.5: a page reads its visitor, and beside them at most four sets or lists, of which none waits for more than one other.
#[test]
fn every_page_of_agents_reads_side_by_side() {
    World::run(async |world| {
        let pages = filled(world).await;
        let agent = agent_in(world, &BOTH[0], "b").await;
        let mut over = Vec::new();
        for path in &pages {
            // The process knows the settings, and where the agent's shop is.
            agent.open(path).await;
            world.stack.dynamo.reset();
            world.stack.dynamo.calls_take(CALL);
            let begun = tokio::time::Instant::now();
            agent.open(path).await;
            let depth = begun.elapsed().as_millis() / CALL.as_millis();
            world.stack.dynamo.calls_take(Duration::ZERO);
            let used = world.stack.dynamo.used();
            let calls: u64 = used.values().map(|usage| usage.calls).sum();
            let is_read = used.keys().all(|name| ["BatchGetItem", "GetItem", "Query"].contains(&name.as_str()));
            if calls > 1 + 4 || depth > 2 || !is_read {
                over.push(format!("{path}: {calls} calls, {depth} deep"));
            }
        }
        assert!(over.is_empty(), "{over:#?}");
    });
}
