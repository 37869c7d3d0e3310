//! For each mutating route: its set-up and a request for it.

use serde_json::{Value, json};

use super::imports::of_imports;
use super::money::{of_money, of_provider, of_schedule};
use super::risk::of_risk;
use super::second_factor::of_second_factor;
use super::ways_in::of_ways_in;
use crate::affiliate::commission::payouts::above_the_limit;
use crate::affiliate::commission::{hundred, invited};
use crate::agency::{self, GRANTS};
use crate::operations::budget::budget;
use crate::world::{PASSWORD, World};

/// An act, ready to be repeated.
pub enum Act {
    /// A request of a client.
    Ask(Ask),
    /// An action at the provider on an order's payment, with its events.
    Provider(Value, Value),
    /// Provider events that are due.
    Deliveries,
    /// A tick of a schedule.
    Tick(&'static str),
}

/// A request.
pub struct Ask {
    /// User name, service key, or empty for no caller.
    pub by: String,
    pub path: String,
    pub body: Value,
    /// Version for `If-Match`.
    pub version: Option<u64>,
}

pub fn ask(by: &str, path: impl Into<String>, body: Value) -> Act {
    Act::Ask(Ask { by: by.to_owned(), path: path.into(), body, version: None })
}

fn change(path: impl Into<String>, version: u64, body: Value) -> Act {
    Act::Ask(Ask { by: "admin".to_owned(), path: path.into(), body, version: Some(version) })
}

pub async fn id_of(world: &World, name: &str) -> String {
    agency::id(&world.user(name).get("/v1/me").await.is(200))
}

/// Sets up an operation and returns its act.
pub async fn prepare(world: &World, operation: &'static str) -> Act {
    let path = operation.split(' ').nth(1).unwrap();
    if let Some(schedule) = operation.strip_prefix("schedule ") {
        return Box::pin(of_schedule(world, schedule)).await;
    }
    if path.starts_with("/v1/webhooks/") {
        return Box::pin(of_provider(world, operation)).await;
    }
    if let Some(act) = path.strip_prefix("/v1/admin/risk/cases/") {
        return Box::pin(of_risk(world, act)).await;
    }
    if path.starts_with("/v1/admin/import/") {
        return Box::pin(of_imports(world, path)).await;
    }
    let at_providers =
        ["/refunds", "/confirm", "/resolve", "/verify", "/receipt", "/undo", "/erase", "/retry", "/replay"];
    if path.contains("/second-factor") {
        return Box::pin(of_second_factor(world, operation)).await;
    }
    let ways_in = ["/v1/sessions", "/v1/password-resets", "/v1/registrations/", "/v1/me", "/v1/mails"];
    if ways_in.iter().any(|prefix| path.starts_with(prefix)) || path.ends_with("/sessions") {
        return Box::pin(of_ways_in(world, operation)).await;
    }
    if !path.starts_with("/v1/service/") && at_providers.iter().any(|suffix| path.ends_with(suffix)) {
        return Box::pin(of_money(world, operation)).await;
    }
    if path.contains("/payout-batches") || path.starts_with("/v1/service/withdrawals") {
        return Box::pin(of_payouts(world, operation)).await;
    }
    if path.starts_with("/v1/service/") {
        return Box::pin(of_backend(world, path)).await;
    }
    if operation.ends_with(" of two") {
        let asked = above_the_limit(world).await;
        let path = format!("/v1/admin/withdrawals/{asked}/approve");
        let body = json!({"reference": "SEPA 17"});
        if operation.ends_with("second of two") {
            world.user("eve").post(&path, body.clone()).await.is(200);
        }
        return ask("admin", path, body);
    }
    if operation.ends_with(" of a shop") || path.starts_with(agency::cash::CASH) {
        return Box::pin(of_shop_cash(world, operation)).await;
    }
    let agencys = ["/v1/shop", "/v1/series", "/v1/assets", "/v1/agency", "/v1/admin/shops"];
    if agencys.iter().any(|prefix| path.starts_with(prefix)) {
        return Box::pin(of_agency(world, operation)).await;
    }
    if path.contains("redemption") || path.contains("plans") {
        return Box::pin(of_codes(world, operation)).await;
    }
    if path.contains("affiliate/") || path.contains("withdrawals") || path.contains("commissions") {
        return Box::pin(of_commission(world, operation)).await;
    }
    Box::pin(of_people(world, operation)).await
}

async fn of_people(world: &World, route: &str) -> Act {
    world.open().await;
    world.register("bob", None).await;
    let user = format!("/v1/admin/users/{}", id_of(world, "bob").await);
    let order = json!({"offer_id": "o100", "provider": "stripe"});
    match route {
        "POST /v1/registrations" => {
            let body =
                json!({"email": "ann@example.com", "password": PASSWORD, "referral_code": world.code("bob").await});
            ask("", "/v1/registrations", body)
        }
        "POST /v1/registrations within a budget" => {
            let body =
                json!({"email": "ann@example.com", "password": PASSWORD, "referral_code": world.code("bob").await});
            world
                .settings("referral", |settings| {
                    settings["registration"] = json!({"inviter_reward": "1", "invitee_reward": "1"});
                    settings["budget"] = json!("1.5");
                })
                .await;
            ask("", "/v1/registrations", body)
        }
        "POST /v1/referral/inviter" => {
            world.settings("referral", |settings| settings["late_bind_days"] = json!(7)).await;
            world.register("ann", None).await;
            let body = json!({"referral_code": world.code("ann").await});
            ask("bob", "/v1/referral/inviter", body)
        }
        "POST /v1/admin/payment/orders/{id}/bonus/release" => {
            world.settings("promotion", |settings| settings["enabled"] = json!(true)).await;
            budget(world, "promotion", "1").await;
            world.register("cid", None).await;
            let made = world.order("cid", order).await;
            world.pay(&made, json!({"times": 1})).await;
            world.settle().await;
            budget(world, "promotion", "5").await;
            let path = format!("/v1/admin/payment/orders/{}/bonus/release", agency::id(&made));
            ask("admin", path, json!({"reason": "a good month"}))
        }
        "POST /v1/payment/orders" => ask("bob", "/v1/payment/orders", order),
        "POST /v1/payment/orders with a coupon" => ask("bob", "/v1/payment/orders", with_coupon(world, order).await),
        "POST /v1/payment/orders/{id}/cancel with a coupon" => {
            let order = with_coupon(world, order).await;
            let order = agency::id(&world.order("bob", order).await);
            ask("bob", format!("/v1/payment/orders/{order}/cancel"), json!({}))
        }
        "POST /v1/payment/orders/{id}/cancel" => {
            let order = agency::id(&world.order("bob", order).await);
            ask("bob", format!("/v1/payment/orders/{order}/cancel"), json!({}))
        }
        "POST /v1/admin/payment/orders/{id}/complete" => {
            let order = agency::id(&world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await);
            ask("admin", format!("/v1/admin/payment/orders/{order}/complete"), json!({"reason": "paid in cash"}))
        }
        "PUT /v1/admin/settings/{area}" => {
            let path = "/v1/admin/settings/redemption";
            let mut settings = world.admin().get(path).await.is(200)["settings"].clone();
            settings["enabled"] = json!(false);
            change(path, 0, settings)
        }
        "PUT /v1/admin/users/{id}/status" => {
            ask("admin", format!("{user}/status"), json!({"status": "blocked", "reason": "fraud"}))
        }
        "PUT /v1/admin/users/{id}/role" => {
            ask("admin", format!("{user}/role"), json!({"role": "admin", "scopes": ["stats:read"]}))
        }
        "PUT /v1/admin/users/{id}/affiliate-policy" => {
            let body = json!({"rate": "0.2", "trigger_limit": 5, "can_invite": true});
            ask("admin", format!("{user}/affiliate-policy"), body)
        }
        "PUT /v1/admin/users/{id}/inviter" => {
            world.register("ann", None).await;
            world.register("cid", Some(&world.code("ann").await)).await;
            world.settle().await;
            let (inviter, user) = (id_of(world, "bob").await, id_of(world, "cid").await);
            let body = json!({"inviter_id": inviter, "reason": "a friend"});
            ask("admin", format!("/v1/admin/users/{user}/inviter"), body)
        }
        "PUT /v1/admin/users/{id}/invite-code" => {
            ask("admin", format!("{user}/invite-code"), json!({"code": "BOBSOWN"}))
        }
        "POST /v1/admin/users/{id}/adjustments" => {
            ask("admin", format!("{user}/adjustments"), json!({"amount": "2.5", "remark": "sorry"}))
        }
        "POST /v1/admin/service-keys" => {
            ask("admin", "/v1/admin/service-keys", json!({"name": "billing", "scopes": ["users:read"]}))
        }
        "DELETE /v1/admin/service-keys/{id}" => {
            let body = json!({"name": "billing", "scopes": ["users:read"]});
            let key = agency::id(&world.admin().post("/v1/admin/service-keys", body).await.is(201));
            ask("admin", format!("/v1/admin/service-keys/{key}"), Value::Null)
        }
        _ => of_endpoints(world, route).await,
    }
}

async fn of_endpoints(world: &World, route: &str) -> Act {
    let endpoints = "/v1/admin/webhook-endpoints";
    let body = json!({"url": "https://product.test/_sim/webhook", "events": ["user.registered"]});
    if route.starts_with("POST") {
        return ask("admin", endpoints, body);
    }
    let endpoint = agency::id(&world.admin().once().post(endpoints, body.clone()).await.is(201));
    let mut body = body;
    body["events"] = json!(["order.paid"]);
    ask("admin", format!("{endpoints}/{endpoint}"), body)
}

async fn of_commission(world: &World, route: &str) -> Act {
    invited(world).await;
    world.settings("affiliate", |settings| settings["min_cash_withdrawal"] = json!("0.1")).await;
    hundred(world).await;
    let withdrawals = "/v1/affiliate/withdrawals";
    let payout = json!({"method": "bank", "account": "DE02120300000000202051"});
    let cash = json!({"amount": "1", "to": "cash", "payout": &payout});
    let asked = async || agency::id(&world.user("ann").once().post(withdrawals, cash.clone()).await.is(201));
    let less = json!({"amount": "0.3", "to": "cash", "payout": payout});
    let asked_again = async || agency::id(&world.user("ann").once().post(withdrawals, less.clone()).await.is(201));
    match route {
        "POST /v1/affiliate/codes" => ask("ann", "/v1/affiliate/codes", json!({"label": "newsletter"})),
        "DELETE /v1/affiliate/codes/{code}" => {
            let made = world.user("ann").once().post("/v1/affiliate/codes", json!({})).await.is(201);
            ask("ann", format!("/v1/affiliate/codes/{}", made["code"].as_str().unwrap()), Value::Null)
        }
        "POST /v1/affiliate/withdrawals" => ask("ann", withdrawals, cash.clone()),
        "POST /v1/affiliate/withdrawals/{id}/cancel" => {
            ask("ann", format!("{withdrawals}/{}/cancel", asked().await), json!({}))
        }
        "POST /v1/admin/withdrawals/{id}/approve" => {
            ask("admin", format!("/v1/admin/withdrawals/{}/approve", asked().await), json!({"reference": "SEPA 17"}))
        }
        "POST /v1/admin/withdrawals/{id}/reject" => ask(
            "admin",
            format!("/v1/admin/withdrawals/{}/reject", asked().await),
            json!({"reason": "unknown account"}),
        ),
        "POST /v1/admin/withdrawals/approve" => {
            let ids = [asked().await, asked_again().await];
            ask("admin", "/v1/admin/withdrawals/approve", json!({"ids": ids, "reference": "SEPA 17"}))
        }
        "POST /v1/admin/withdrawals/reject" => {
            let ids = [asked().await, asked_again().await];
            ask("admin", "/v1/admin/withdrawals/reject", json!({"ids": ids, "reason": "unknown accounts"}))
        }
        "POST /v1/admin/commissions" => {
            let body = json!({"user_id": id_of(world, "ann").await, "amount": "-2.5", "reason": "a mistake"});
            ask("admin", "/v1/admin/commissions", body)
        }
        "POST /v1/admin/commissions/release" => {
            budget(world, "affiliate", "1").await;
            hundred(world).await;
            hundred(world).await;
            budget(world, "affiliate", "5").await;
            let made = world.admin().get("/v1/admin/commissions?state=held").await.is(200);
            ask("admin", "/v1/admin/commissions/release", json!({"ids": ids_of(&made), "reason": "a good month"}))
        }
        "POST /v1/admin/commissions/reverse" => {
            hundred(world).await;
            let made = world.admin().get("/v1/admin/commissions").await.is(200);
            ask("admin", "/v1/admin/commissions/reverse", json!({"ids": ids_of(&made), "reason": "their own account"}))
        }
        "POST /v1/admin/commissions/{id}/release" => {
            budget(world, "affiliate", "1").await;
            hundred(world).await;
            budget(world, "affiliate", "5").await;
            let made = world.admin().get("/v1/admin/commissions?state=held").await.is(200);
            let path = format!("/v1/admin/commissions/{}/release", made["items"][0]["id"].as_str().unwrap());
            ask("admin", path, json!({"reason": "a good month"}))
        }
        "POST /v1/admin/commissions/{id}/reverse" => {
            let made = world.admin().get("/v1/admin/commissions").await.is(200);
            let path = format!("/v1/admin/commissions/{}/reverse", made["items"][0]["id"].as_str().unwrap());
            ask("admin", path, json!({"reason": "their own account"}))
        }
        other => panic!("{other}"),
    }
}

/// Two withdrawals are gathered, or are in a batch that is settled or dropped.
async fn of_payouts(world: &World, route: &str) -> Act {
    use crate::affiliate::commission::batches::{BATCHES, cash, gather, id, rich, settler};
    rich(world).await;
    let asked = [cash(world, "10").await, cash(world, "2.5").await];
    if route == "POST /v1/admin/payout-batches" {
        return ask("admin", BATCHES, json!({"method": "bank"}));
    }
    let path = |verb: &str, batch: &Value| format!("{BATCHES}/{}/{verb}", id(batch));
    let key = settler(world).await;
    let batch = gather(world).await;
    let settle = format!("/v1/service/withdrawals/{}/settle", asked[0]);
    match route {
        "POST /v1/admin/payout-batches/{id}/close" => {
            ask("admin", path("close", &batch), json!({"reference": "SEPA 17"}))
        }
        "POST /v1/admin/payout-batches/{id}/fail" => {
            ask("admin", path("fail", &batch), json!({"ids": asked, "reason": "unknown accounts"}))
        }
        "POST /v1/admin/payout-batches/{id}/drop" => {
            ask("admin", path("drop", &batch), json!({"reason": "a wrong file"}))
        }
        "POST /v1/service/withdrawals/{id}/settle" => {
            ask(&key, settle, json!({"outcome": "paid", "reference": "SEPA 17"}))
        }
        _ => ask(&key, settle, json!({"outcome": "failed", "reason": "unknown account"})),
    }
}

fn ids_of(list: &Value) -> Vec<Value> {
    list["items"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect()
}

/// A shop with commission asks for cash, takes it back, or hears from an admin.
async fn of_shop_cash(world: &World, route: &str) -> Act {
    use agency::cash::{CASH, bank, cash, sold};
    sold(world).await;
    if route == "POST /v1/agency/wallet/withdrawals" {
        return ask("a", CASH, json!({"amount": "10", "payout": bank()}));
    }
    let asked = cash(world, "a", "10").await;
    match route {
        "POST /v1/agency/wallet/withdrawals/{id}/cancel" => ask("a", format!("{CASH}/{asked}/cancel"), json!({})),
        "POST /v1/admin/withdrawals/{id}/approve of a shop" => {
            ask("admin", format!("/v1/admin/withdrawals/{asked}/approve"), json!({"reference": "SEPA 17"}))
        }
        "POST /v1/admin/withdrawals/{id}/reject of a shop" => {
            ask("admin", format!("/v1/admin/withdrawals/{asked}/reject"), json!({"reason": "unknown account"}))
        }
        other => panic!("{other}"),
    }
}

async fn of_codes(world: &World, route: &str) -> Act {
    world.register("bob", None).await;
    let plan = world.plan(json!({"name": "Pro", "quota": 1, "on_sale": true})).await;
    let batches = "/v1/admin/redemption/batches";
    let credit =
        json!({"label": "credit", "count": 2, "credit": "5", "total_uses": 104, "expires_at": "2026-12-31T00:00:00Z"});
    let made = world.admin().once().post(batches, credit.clone()).await.is(201);
    let code = made["codes"][0].as_str().unwrap().to_owned();
    let codes = "/v1/admin/redemption/codes";
    match route {
        "POST /v1/redemptions" => ask("bob", "/v1/redemptions", json!({"code": code})),
        "POST /v1/admin/redemption/batches" => {
            let time =
                json!({"label": "t", "count": 5, "plan_id": plan, "unit": "day", "quantity": 1, "total_uses": 0});
            ask("admin", batches, time)
        }
        "PUT /v1/admin/redemption/batches/{id}/status" => {
            ask("admin", format!("{batches}/{}/status", agency::id(&made)), json!({"enabled": false}))
        }
        "POST /v1/admin/redemption/batches/{id}/codes" => {
            ask("admin", format!("{batches}/{}/codes", agency::id(&made)), json!({"count": 3}))
        }
        "PUT /v1/admin/redemption/batches/{id}/expiry" => {
            let later = json!({"expires_at": "2027-01-31T00:00:00Z"});
            ask("admin", format!("{batches}/{}/expiry", agency::id(&made)), later)
        }
        "PUT /v1/admin/redemption/codes/{code}" => ask("admin", format!("{codes}/{code}"), json!({"total_uses": 107})),
        "PUT /v1/admin/redemption/codes/{code}/status" => {
            ask("admin", format!("{codes}/{code}/status"), json!({"enabled": false}))
        }
        "DELETE /v1/admin/redemption/codes/{code}" => ask("admin", format!("{codes}/{code}"), Value::Null),
        "POST /v1/admin/redemption/codes/delete" => {
            ask("admin", format!("{codes}/delete"), json!({"codes": made["codes"]}))
        }
        "POST /v1/admin/plans" => ask("admin", "/v1/admin/plans", json!({"name": "Max", "quota": 0, "on_sale": true})),
        "PUT /v1/admin/plans/{id}" => {
            change(format!("/v1/admin/plans/{plan}"), 1, json!({"name": "Pro", "quota": 2, "on_sale": false}))
        }
        other => panic!("{other}"),
    }
}

async fn of_backend(world: &World, path: &str) -> Act {
    invited(world).await;
    let key = world.service_key("billing", &["users:write", "ledger:write", "purchases:write"]).await;
    let new = json!({"external_id": "c-1", "referral_code": world.code("ann").await});
    if path == "/v1/service/users" {
        return ask(&key, path, new);
    }
    let ida = agency::id(&world.holder(&key).post("/v1/service/users", new).await.is(201));
    let money = json!({"amount": "5", "related_id": "job-1", "remark": "a job"});
    let credits = format!("/v1/service/users/{ida}/credits");
    let purchase = json!({
        "user_id": ida, "external_order_id": "o-1", "amount": "50", "currency": "CNY", "paid_at": "2026-11-20T10:00:00Z",
    });
    match path {
        "/v1/service/users/{id}/credits" => ask(&key, credits, money),
        "/v1/service/users/{id}/debits" => {
            world
                .holder(&key)
                .once()
                .post(&credits, json!({"amount": "7", "related_id": "j", "remark": "r"}))
                .await
                .is(200);
            ask(&key, format!("/v1/service/users/{ida}/debits"), money)
        }
        "/v1/service/purchases" => ask(&key, path, purchase),
        "/v1/service/purchases/{external_order_id}/refunds" => {
            world.holder(&key).once().post("/v1/service/purchases", purchase).await.is(201);
            ask(&key, "/v1/service/purchases/o-1/refunds", json!({"amount": "20", "refund_id": "r-1"}))
        }
        "/v1/service/purchases/{external_order_id}/corrections" => {
            world.holder(&key).once().post("/v1/service/purchases", purchase).await.is(201);
            let refund = json!({"amount": "20", "refund_id": "r-1"});
            world.holder(&key).once().post("/v1/service/purchases/o-1/refunds", refund).await.is(201);
            world.settle().await;
            let body = json!({"refund_id": "r-1", "amount": "2", "reason": "a digit too many"});
            ask(&key, "/v1/service/purchases/o-1/corrections", body)
        }
        other => panic!("{other}"),
    }
}

/// Two shops with a grant each, a package and a card; B's wallet has money and commission.
async fn of_agency(world: &World, route: &str) -> Act {
    agency::open(world).await;
    let a = agency::shop(world, "a", None).await;
    let b = agency::shop(world, "b", Some(&a)).await;
    let cards = agency::series(world, agency::fixed("100")).await;
    let month = agency::package(world, &cards, "MONTH", "50", "10").await;
    let packages = |cost: &str| json!([{"package_id": month, "cost_price": cost}]);
    let top = agency::grant(world, &a, &cards, json!({"commission_amount": "80", "packages": packages("15")})).await;
    let series = json!({"name": "Cards", "code": "CARDS2", "commission": {"type": "fixed", "amount": "90"},
        "trigger": {"type": "accumulated_recharge", "threshold": "10"}});
    match route {
        "POST /v1/shops" => return ask("admin", "/v1/shops", json!({"name": "c", "parent_id": b})),
        "PUT /v1/shops/{id}" => {
            let lone = agency::shop(world, "lone", None).await;
            return change(format!("/v1/shops/{lone}"), 1, json!({"name": "lone", "parent_id": a}));
        }
        "POST /v1/series" => return ask("admin", "/v1/series", series),
        "PUT /v1/series/{id}" => {
            let mut lower = series;
            lower["code"] = json!("CARDS");
            lower["adjust_children"] = json!(true);
            lower["commission"]["amount"] = json!("60");
            let version = world.admin().get(&format!("/v1/series/{cards}")).await.is(200)["version"].as_u64().unwrap();
            return change(format!("/v1/series/{cards}"), version, lower);
        }
        "POST /v1/series/{id}/packages" => {
            let body = json!({"name": "Year", "code": "YEAR", "price": "500", "cost_price": "100"});
            return ask("admin", format!("/v1/series/{cards}/packages"), body);
        }
        "PUT /v1/series/{id}/packages/{package_id}" => {
            let body = json!({"name": "Month", "code": "MONTH", "price": "55", "cost_price": "10"});
            return change(format!("/v1/series/{cards}/packages/{month}"), 1, body);
        }
        "POST /v1/shop-series-grants" => {
            let mut body = json!({"shop_id": b, "series_id": cards, "commission_amount": "50"});
            body["packages"] = packages("20");
            return ask("admin", GRANTS, body);
        }
        _ => {}
    }
    let grant = agency::grant(world, &b, &cards, json!({"commission_amount": "50", "packages": packages("20")})).await;
    of_grant(world, route, [&b, &cards, &month], (&top, &grant)).await
}

async fn of_grant(world: &World, route: &str, [b, cards, month]: [&str; 3], (top, low): (&Value, &Value)) -> Act {
    let version = async |grant: &Value| {
        let seen = world.admin().get(&format!("{GRANTS}/{}", agency::id(grant))).await.is(200);
        (format!("{GRANTS}/{}", agency::id(grant)), seen["version"].as_u64().unwrap())
    };
    let ((top, top_version), (low, low_version)) = (version(top).await, version(low).await);
    match route {
        "PUT /v1/shop-series-grants/{id}" => {
            return change(top, top_version, json!({"commission_amount": "40", "adjust_children": true}));
        }
        "DELETE /v1/shop-series-grants/{id}" => return ask("admin", low, Value::Null),
        "PUT /v1/shop-series-grants/{id}/packages" => {
            let body = json!({"packages": [{"package_id": month, "cost_price": "25"}], "adjust_children": true});
            return change(format!("{top}/packages"), top_version, body);
        }
        "PUT /v1/shop-series-grants/{id}/packages/{package_id}/retail" => {
            let body = json!({"retail_price": "70", "on_shelf": true});
            return change(format!("{low}/packages/{month}/retail"), low_version, body);
        }
        "POST /v1/assets" => {
            let body = json!({"kind": "card", "shop_id": b, "series_id": cards, "identifier": "CARD-1"});
            return ask("admin", "/v1/assets", body);
        }
        "POST /v1/admin/shops/{id}/adjustments" => {
            let body = json!({"amount": "10", "remark": "paid in"});
            return ask("admin", format!("/v1/admin/shops/{b}/adjustments"), body);
        }
        _ => {}
    }
    let card = agency::asset(world, b, cards, "CARD-1").await;
    agency::fund(world, b, "100").await;
    agency::recharge(world, &card, "20").await;
    match route {
        "PUT /v1/assets/{id}" => {
            let shop = agency::shop(world, "c", Some(b)).await;
            let part = json!({"commission_amount": "10", "packages": [{"package_id": month, "cost_price": "30"}]});
            agency::grant(world, &shop, cards, part).await;
            ask("admin", format!("/v1/assets/{card}"), json!({"shop_id": shop}))
        }
        "POST /v1/agency/orders" => {
            let body = json!({"asset_id": card, "kind": "recharge", "amount": "10", "payment": "wallet"});
            ask("b", "/v1/agency/orders", body)
        }
        "POST /v1/agency/wallet/transfers" => ask("b", "/v1/agency/wallet/transfers", json!({"amount": "5"})),
        other => panic!("{other}"),
    }
}

/// The order with a coupon, which the settings have.
async fn with_coupon(world: &World, order: Value) -> Value {
    world.settings("payment", |payment| payment["coupons"] = json!([crate::fixtures::coupon()])).await;
    let mut order = order;
    order["coupon"] = json!("TEN");
    order
}
