//! The agency (R8): shops, series, grants, assets, orders, and commissions of a sale.

pub mod cash;
mod grant;
mod order;
mod preview;
mod random;
mod sale;
mod shop;

use serde_json::{Value, json};

use crate::world::{Answer, World};

/// Switches the agency on in its default currency.
pub async fn open(world: &World) {
    world.open().await;
    world.settings("agency", |agency| agency["enabled"] = json!(true)).await;
}

pub fn id(of: &Value) -> String {
    of["id"].as_str().unwrap().to_owned()
}

/// Creates a shop below `parent` (null is the platform), run by a new user of the same name.
pub async fn shop(world: &World, name: &str, parent: Option<&str>) -> String {
    let told = world.register(name, None).await;
    let body = json!({"name": name, "parent_id": parent, "user_id": told["user"]["id"]});
    let shop = id(&world.admin().post("/v1/shops", body).await.is(201));
    // The agent's new rights ended the session of the registration (R2.11).
    world.sign_in(name).await;
    shop
}

/// Creates shop A, B below it, and C below B.
pub async fn chain(world: &World) -> [String; 3] {
    let a = shop(world, "a", None).await;
    let b = shop(world, "b", Some(&a)).await;
    let c = shop(world, "c", Some(&b)).await;
    [a, b, c]
}

/// Creates a series with this commission and a code of its own, triggered by any first payment.
pub async fn series(world: &World, commission: Value) -> String {
    let known = world.admin().get("/v1/series?limit=100").await.is(200)["items"].as_array().unwrap().len();
    let code = if known == 0 { "CARDS".to_owned() } else { format!("CARDS-{known}") };
    coded_series(world, &code, commission).await
}

/// Creates a series with this code and commission.
pub async fn coded_series(world: &World, code: &str, commission: Value) -> String {
    let trigger = json!({"type": "accumulated_recharge", "threshold": "10"});
    let body = json!({"name": "Cards", "code": code, "commission": commission, "trigger": trigger});
    id(&world.admin().post("/v1/series", body).await.is(201))
}

pub fn fixed(amount: &str) -> Value {
    json!({"type": "fixed", "amount": amount})
}

/// Creates a package of the series.
pub async fn package(world: &World, series: &str, code: &str, price: &str, cost: &str) -> String {
    let body = json!({"name": code, "code": code, "price": price, "cost_price": cost});
    id(&world.admin().post(&format!("/v1/series/{series}/packages"), body).await.is(201))
}

pub const GRANTS: &str = "/v1/shop-series-grants";

/// Grants a series to a shop as the shop's admin.
pub async fn try_grant(world: &World, shop: &str, series: &str, terms: Value) -> Answer {
    let mut body = json!({"shop_id": shop, "series_id": series});
    body.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
    world.admin().post(GRANTS, body).await
}

pub async fn grant(world: &World, shop: &str, series: &str, terms: Value) -> Value {
    try_grant(world, shop, series, terms).await.is(201)
}

/// Creates an asset of a shop.
pub async fn asset(world: &World, shop: &str, series: &str, identifier: &str) -> String {
    let body = json!({"kind": "card", "shop_id": shop, "series_id": series, "identifier": identifier});
    id(&world.admin().post("/v1/assets", body).await.is(201))
}

/// Funds a shop's main account.
pub async fn fund(world: &World, shop: &str, amount: &str) {
    let body = json!({"amount": amount, "remark": "paid in"});
    world.admin().once().post(&format!("/v1/admin/shops/{shop}/adjustments"), body).await.is(200);
}

/// Balances of a shop: main, commission and debt.
pub async fn wallet(world: &World, shop: &str) -> [String; 3] {
    let wallet = world.admin().get(&format!("/v1/agency/wallet?shop_id={shop}")).await.is(200);
    ["main", "commission", "debt"].map(|part| wallet[part]["amount"].as_str().unwrap().to_owned())
}

/// Recharges an asset from its shop's wallet and settles the order.
pub async fn recharge(world: &World, asset: &str, amount: &str) -> Value {
    let body = json!({"asset_id": asset, "kind": "recharge", "amount": amount, "payment": "wallet"});
    let order = world.admin().once().post("/v1/agency/orders", body).await.is(201);
    world.settle().await;
    world.admin().get(&format!("/v1/agency/orders/{}", id(&order))).await.is(200)
}

/// Earnings per level of an order: one-time commission and price difference, from the selling shop up.
pub fn earned(order: &Value) -> Vec<(String, String)> {
    let levels = order["commission"]["levels"].as_array().unwrap().iter();
    let text = |value: &Value| value["amount"].as_str().unwrap().to_owned();
    levels.map(|level| (text(&level["one_time"]), text(&level["difference"]))).collect()
}

pub fn all(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect()
}
