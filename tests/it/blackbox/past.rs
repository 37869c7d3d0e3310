//! State before the journey begins, made in this process and partly in the past.

use emulator::clock::machine_time;
use emulator::faults::Fault;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::journey::Journey;
use super::story::pay;
use crate::processes::{Bench, PASSWORD};

/// Users, tokens and codes that exist from the start.
pub struct Cast {
    /// An admin's token.
    pub admin: String,
    /// Ann's token.
    pub ann: String,
    /// Ann's invite code.
    pub code: String,
    /// A redemption code.
    pub gift: String,
    /// Service key of the operator's backend.
    pub backend: String,
    /// Id of Ivy's shop.
    pub shop: String,
    /// Id of a card asset of Ivy's shop.
    pub card: String,
}

/// Sets up a past two hours ago: all features on, Cid invited by Ann while the queues were down.
/// Cid left two orders, one of them paid without a webhook.
pub async fn past(journey: &Journey) -> Cast {
    let (bench, stack) = (&journey.bench, journey.stack());
    stack.clock.set(machine_time().checked_sub(SignedDuration::from_hours(2)).unwrap());
    let admin = bench.sign_in("admin@localhost").await;
    bench.settings(&admin, "payment", |payment| payment["enabled"] = json!(true)).await;
    bench.settings(&admin, "promotion", |promotion| promotion["enabled"] = json!(true)).await;
    bench
        .settings(&admin, "referral", |referral| {
            referral["enabled"] = json!(true);
            referral["qualified"]["inviter_reward"] = json!("3");
            referral["registration"] = json!({"inviter_reward": "1", "invitee_reward": "0.5"});
        })
        .await;
    bench
        .settings(&admin, "affiliate", |affiliate| {
            affiliate["enabled"] = json!(true);
            affiliate["min_cash_withdrawal"] = json!("0.5");
        })
        .await;
    let batch = json!({"label": "gift", "count": 1, "credit": "5", "total_uses": 3});
    let batch = bench.inside("POST", "/v1/admin/redemption/batches", &admin, batch).await;
    let ann = json!({"email": "ann@example.com", "password": PASSWORD});
    let ann = bench.inside("POST", "/v1/registrations", "", ann).await["session"]["access_token"].clone();
    let code = bench.inside("GET", "/v1/referral", ann.as_str().unwrap(), Value::Null).await["code"].clone();
    for _ in 0..8 {
        stack.faults.script("SendMessageBatch", 0, Fault::ErrorBefore);
    }
    let cid = json!({"email": "cid@example.com", "password": PASSWORD, "referral_code": code});
    let cid = bench.inside("POST", "/v1/registrations", "", cid).await["session"]["access_token"].clone();
    stack.faults.clear();
    for (amount, paid) in [("10", false), ("20", true)] {
        let body = json!({"amount": amount, "provider": "stripe"});
        let order = bench.inside("POST", "/v1/payment/orders", cid.as_str().unwrap(), body).await;
        if paid {
            pay(journey, &order, "never", stack.clock.now()).await;
        }
    }
    let (shop, card) = selling(bench, &admin).await;
    let scopes = json!({"name": "billing", "scopes": ["ledger:write"]});
    let backend = text(&bench.inside("POST", "/v1/admin/service-keys", &admin, scopes).await["key"]);
    stack.clock.set(machine_time());
    let (admin, ann) = (bench.sign_in("admin@localhost").await, bench.sign_in("ann@example.com").await);
    Cast { admin, ann, code: text(&code), gift: text(&batch["codes"][0]), backend, shop, card }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Creates Ivy's funded shop and a card asset in it; returns both ids.
async fn selling(bench: &Bench, admin: &str) -> (String, String) {
    bench.settings(admin, "agency", |agency| agency["enabled"] = json!(true)).await;
    let make = |path: &str, body: Value| {
        let path = path.to_owned();
        async move { bench.inside("POST", &path, admin, body).await }
    };
    let ivy = json!({"email": "ivy@example.com", "password": PASSWORD});
    let ivy = bench.inside("POST", "/v1/registrations", "", ivy).await["user"]["id"].clone();
    let shop = make("/v1/shops", json!({"name": "ivy", "parent_id": null, "user_id": ivy})).await;
    let series = json!({
        "name": "Cards", "code": "CARDS", "commission": {"type": "fixed", "amount": "100"},
        "trigger": {"type": "accumulated_recharge", "threshold": "10"},
    });
    let series = make("/v1/series", series).await;
    let grant = json!({"shop_id": shop["id"], "series_id": series["id"], "commission_amount": "60"});
    make("/v1/shop-series-grants", grant).await;
    let card = json!({"kind": "card", "shop_id": shop["id"], "series_id": series["id"], "identifier": "CARD-1"});
    let card = make("/v1/assets", card).await;
    let paid_in = json!({"amount": "1000", "remark": "paid in"});
    make(&format!("/v1/admin/shops/{}/adjustments", text(&shop["id"])), paid_in).await;
    (text(&shop["id"]), text(&card["id"]))
}
