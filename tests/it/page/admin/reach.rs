//! Every route of the admin and agency API can be reached from a page, or a note says why not.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::client::Browser;
use super::{admin_in, all};
use crate::contract::document::{merged, operation};
use crate::page::journeys::BOTH;
use crate::world::World;
use console::admin::pages::PAGES;

/// Operations that read, and the page of staff that shows what they answer.
const SHOWN_ON: &[(&str, &str)] = &[
    ("listAudit", "/admin/audit"),
    ("listAllCommissions", "/admin/commissions"),
    ("listAllOrders", "/admin/orders"),
    ("summariseOrders", "/admin/orders"),
    ("getOrderFile", "/admin/orders/{id}"),
    ("explainOrder", "/admin/orders/{id}"),
    ("listReconciliations", "/admin/reconciliations"),
    ("getReconciliation", "/admin/reconciliations/{date}"),
    ("listReviews", "/admin/reviews"),
    ("listPlans", "/admin/plans"),
    ("getPlan", "/admin/plans/{id}"),
    ("listAllRecords", "/admin/ledger"),
    ("listBatches", "/admin/batches"),
    ("getBatch", "/admin/batches/{id}"),
    ("exportBatch", "/admin/batches/{id}/export.csv"),
    ("listCodes", "/admin/codes"),
    ("listAllRedemptions", "/admin/redemptions"),
    ("listReferrals", "/admin/referrals"),
    ("listAllRewards", "/admin/rewards"),
    ("listServiceKeys", "/admin/keys"),
    ("getSettings", "/admin/settings/{area}"),
    ("simulateMonth", "/admin/simulations/{area}"),
    ("listCoupons", "/admin/coupons"),
    ("listRiskCases", "/admin/risk"),
    ("listBudgets", "/admin/settings/{area}"),
    ("getStats", "/admin"),
    ("getWaiting", "/admin"),
    ("getDailyStats", "/admin/stats"),
    ("getLiabilities", "/admin/liabilities"),
    ("listUsers", "/admin/users"),
    ("getUser", "/admin/users/{id}"),
    ("getUserBalance", "/admin/ledger"),
    ("listWebhookEndpoints", "/admin/webhooks"),
    ("listDeliveries", "/admin/webhooks/{id}"),
    ("listPayoutBatches", "/admin/payout-batches"),
    ("getPayoutBatch", "/admin/payout-batches/{id}"),
    ("getPayoutCsv", "/admin/payout-batches/{id}/file.csv"),
    ("getPayoutTransfer", "/admin/payout-batches/{id}/file.xml"),
    ("listAllWithdrawals", "/admin/withdrawals"),
    ("listAffiliateYear", "/admin/affiliate-years"),
    ("exportAffiliateYear", "/admin/affiliate-years.csv"),
    ("listShopWithdrawals", "/admin/withdrawals"),
    ("listAgencyCommissions", "/admin/sales/commissions"),
    ("listAgencyOrders", "/admin/sales"),
    ("getAgencyOrder", "/admin/sales/{id}"),
    ("getWallet", "/admin/shops/{id}/wallet"),
    ("listWalletRecords", "/admin/shops/{id}/wallet"),
    ("listAssets", "/admin/assets"),
    ("getAsset", "/admin/assets/{id}"),
    ("listAssetRecords", "/admin/assets/{id}"),
    ("checkPurchase", "/admin/assets/{id}/sell"),
    ("checkRecharge", "/admin/assets/{id}/sell"),
    ("listSeries", "/admin/series"),
    ("getSeries", "/admin/series/{id}"),
    ("listPackages", "/admin/series/{id}"),
    ("listGrants", "/admin/grants"),
    ("getGrant", "/admin/grants/{id}"),
    ("listShops", "/admin/shops"),
    ("getShop", "/admin/shops/{id}"),
];

/// Operations that no page of staff has, and why.
const WITHOUT: &[(&str, &str)] = &[
    ("withdrawShopCommission", "a shop's agent asks for cash; staff pays or rejects it"),
    ("cancelShopWithdrawal", "a shop's agent takes the wish back; staff rejects it"),
    ("importUsers", "a file of many lines, which the command line reads, and goes on with after a stop"),
    ("importCodes", "as importUsers"),
    ("importBalances", "as importUsers"),
    ("importReferrals", "as importUsers"),
    ("deleteCode", "a single code is deleted as several are, after the same question"),
];

/// Operations of the API's document with one of these tags.
fn operations() -> BTreeSet<&'static str> {
    let paths = merged()["paths"].as_object().unwrap().values();
    let all = paths.flat_map(|path| path.as_object().unwrap().values());
    let is_ours = |one: &&Value| {
        one["tags"].as_array().is_some_and(|tags| tags.iter().any(|tag| tag == "admin" || tag == "agency"))
    };
    all.filter(is_ours).map(|one| one["operationId"].as_str().unwrap()).collect()
}

/// The operation that a form leads to; a form without fields deletes where its route can.
fn called(form: &super::super::markup::Element) -> Option<&'static str> {
    let action = form.of("action")?;
    let (_, route) = action.strip_prefix("/forms/")?.split_once('/')?;
    let own = ["form", "once", "version"];
    let is_bare = form.all("*").iter().filter_map(|one| one.of("name")).all(|name| own.contains(&name));
    let methods = if is_bare { ["DELETE", "POST", "PUT"] } else { ["POST", "PUT", "DELETE"] };
    let known = methods.iter().find_map(|method| operation(method, &format!("/{route}")));
    known.map(|one| one["operationId"].as_str().unwrap())
}

/// Pages whose forms need something that went wrong or waits: what they are about, made here.
pub async fn troubled(world: &World) -> Vec<String> {
    let text = |value: &Value| value["id"].as_str().unwrap().to_owned();
    let gateway = async || world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
    // Its commission exceeds the budget.
    world.settings("affiliate", |settings| settings["budget"] = json!("0.01")).await;
    let paid = gateway().await;
    world.pay(&paid, json!({})).await;
    world.settle().await;
    let paid = text(&paid);
    let held = world.admin().get("/v1/admin/commissions?state=held").await.is(200)["items"][0].clone();
    let refund = json!({"amount": "10", "reason": "a test"});
    world.admin().once().post(&format!("/v1/admin/payment/orders/{paid}/refunds"), refund).await.is(201);
    let refund = world.admin().get(&format!("/v1/admin/payment/orders/{paid}")).await.is(200)["refunds"][0].clone();
    let (open, by_hand) = (text(&gateway().await), text(&gateway().await));
    let complete = json!({"reason": "a test"});
    world.admin().once().post(&format!("/v1/admin/payment/orders/{by_hand}/complete"), complete).await.is(200);
    let mut reviews = Vec::new();
    for _ in 0..2 {
        world.pay(&gateway().await, json!({"amount": "60.00"})).await;
        world.settle().await;
        reviews.push(text(&world.admin().get("/v1/admin/payment/reviews?state=open").await.is(200)["items"][0]));
        if reviews.len() == 1 {
            let due = json!({"action": "refund_due", "reason": "a test"});
            let route = format!("/v1/admin/payment/reviews/{}/resolve", reviews[0]);
            world.admin().once().post(&route, due).await.is(200);
        }
    }
    world.settings("affiliate", |settings| settings["min_cash_withdrawal"] = json!("0.1")).await;
    let cash = json!({"amount": "0.1", "to": "cash", "payout": {"method": "bank", "account": "DE0012345678"}});
    let cash = text(&world.user("ann").once().post("/v1/affiliate/withdrawals", cash).await.is(201));
    let other = json!({"amount": "0.1", "to": "cash", "payout": {"method": "paypal", "account": "ann@example.com"}});
    let other = text(&world.user("ann").once().post("/v1/affiliate/withdrawals", other).await.is(201));
    let batch = world.admin().once().post("/v1/admin/payout-batches", json!({"method": "paypal"})).await;
    let batch = format!("/admin/payout-batches/{}", text(&batch.is(201)));
    vec![
        format!("/admin/orders/{paid}"),
        format!("/admin/orders/{paid}/bonus"),
        format!("/admin/commissions/{}/release", text(&held)),
        format!("/admin/commissions/together?act=release&id={}", text(&held)),
        format!("/admin/orders/{open}"),
        format!("/admin/orders/{paid}/refund?amount=5"),
        format!("/admin/orders/{paid}/refunds/{}", text(&refund)),
        format!("/admin/orders/{open}/complete"),
        format!("/admin/orders/{by_hand}/undo"),
        format!("/admin/reviews/{}/confirm", reviews[0]),
        format!("/admin/reviews/{}/resolve?action=ignore", reviews[1]),
        format!("/admin/withdrawals/{cash}/pay"),
        format!("/admin/withdrawals/{cash}/reject"),
        format!("/admin/withdrawals/together?act=pay&id={cash}"),
        format!("/admin/withdrawals/together?act=reject&id={cash}"),
        "/admin/payout-batches/new".to_owned(),
        format!("{batch}/act?act=close"),
        format!("{batch}/act?act=fail&id={other}"),
        format!("{batch}/act?act=drop"),
    ]
}

/// A reward that is held since its inviter is blocked.
async fn held_reward(world: &World) {
    world
        .settings("referral", |settings| {
            settings["enabled"] = json!(true);
            settings["qualified"]["inviter_reward"] = json!("3");
        })
        .await;
    let inviter = world.register("zed", None).await;
    let code = world.code("zed").await;
    world.register("yan", Some(&code)).await;
    let status = format!("/v1/admin/users/{}/status", inviter["user"]["id"].as_str().unwrap());
    world.admin().put(&status, json!({"status": "blocked", "reason": "a test"})).await.is(200);
    let order = world.order("yan", json!({"offer_id": "o100", "provider": "stripe"})).await;
    world.pay(&order, json!({})).await;
    world.settle().await;
}

/// The pages that decide about a case of risk.
async fn held_case(world: &World) -> [String; 4] {
    world.settings("risk", |settings| settings["email_alias"] = json!("hold")).await;
    let code = world.code("ann").await;
    let mut case = Value::Null;
    for name in ["pat", "pat+1"] {
        case = world.register(name, Some(&code)).await["user"]["id"].clone();
        world.settle().await;
    }
    let case = case.as_str().unwrap();
    [
        format!("/admin/risk/{case}/release"),
        format!("/admin/risk/{case}/reject"),
        format!("/admin/risk/together?act=release&id={case}"),
        format!("/admin/risk/together?act=reject&id={case}"),
    ]
}

/// The page of an endpoint whose last delivery failed.
async fn failed_delivery(world: &World) -> String {
    let hook = world.admin().get("/v1/admin/webhook-endpoints").await.is(200)["items"][0].clone();
    let change = json!({"url": hook["url"], "events": ["user.registered"], "enabled": true});
    let id = hook["id"].as_str().unwrap();
    world.admin().put(&format!("/v1/admin/webhook-endpoints/{id}"), change).await.is(200);
    world.stack.simulators.answer_events(503, 1);
    world.register("eve", None).await;
    world.swept().await;
    format!("/admin/webhooks/{id}")
}

async fn forms_of(browser: &Browser<'_>, pages: &[String]) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for page in pages {
        found.extend(browser.open(page).await.root.all("form").iter().filter_map(|form| called(form)));
    }
    found
}

/// C3.4: whatever the admin and the agency API can do is reached from a page of staff: it shows what is read, and has a form for what is
/// changed; the exceptions are named.
#[test]
fn every_route_of_the_admin_and_agency_api_is_reached_from_a_page() {
    for (operation, page) in SHOWN_ON {
        assert!(PAGES.iter().any(|(known, _)| known == page), "{operation}: there is no page {page}");
    }
    World::run(async |world| {
        let mut pages = all::filled(world).await;
        pages.extend(troubled(world).await);
        held_reward(world).await;
        pages.extend(held_case(world).await);
        pages.push(failed_delivery(world).await);
        let batch =
            json!({"label": "few", "count": 1, "credit": "1", "total_uses": 1, "expires_at": "2027-01-31T00:00:00Z"});
        let batch = world.admin().once().post("/v1/admin/redemption/batches", batch).await.is(201);
        pages.push(format!("/admin/batches/{}", batch["id"].as_str().unwrap()));
        // One that is still being made.
        let batch = json!({"label": "many", "count": 500, "credit": "1", "total_uses": 1});
        let batch = world.admin().once().post("/v1/admin/redemption/batches", batch).await.is(202);
        pages.push(format!("/admin/batches/{}", batch["id"].as_str().unwrap()));
        // One that ends.
        let batch =
            json!({"label": "ends", "count": 1, "credit": "1", "total_uses": 1, "expires_at": "2027-01-01T00:00:00Z"});
        let batch = world.admin().once().post("/v1/admin/redemption/batches", batch).await.is(201);
        pages.push(format!("/admin/batches/{}", batch["id"].as_str().unwrap()));
        let browser = admin_in(world, &BOTH[0]).await;
        let reached = forms_of(&browser, &pages).await;
        let shown: BTreeSet<&str> = SHOWN_ON.iter().map(|(operation, _)| *operation).collect();
        let without: BTreeSet<&str> = WITHOUT.iter().map(|(operation, _)| *operation).collect();
        let all = operations();
        let known: BTreeSet<&str> = reached.iter().chain(&shown).chain(&without).copied().collect();
        let missing: Vec<&&str> = all.difference(&known).collect();
        assert!(missing.is_empty(), "no page has {missing:?}");
        let gone: Vec<&&str> = shown.union(&without).filter(|operation| !all.contains(**operation)).collect();
        assert!(gone.is_empty(), "the API has no {gone:?}");
        let needless: Vec<&&str> = without.intersection(&reached).collect();
        assert!(needless.is_empty(), "a page has {needless:?}");
        world.settle().await;
    });
}
