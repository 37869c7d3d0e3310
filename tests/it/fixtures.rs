//! World with everything: one run that creates every kind of item.
//! It is played once and shared by the auditor's tests and the storage tests.

use std::sync::OnceLock;

use bytes::Bytes;
use emulator::iam::Seen;
use emulator::sim::Book;
use emulator::stack::TABLE;
use http::Request;
use serde_json::{Value, json};
use shared::table::item::Item;
use shared::table::json::item;

use crate::world::World;

/// Final state of the world.
pub struct Scene {
    /// All items in DynamoDB's JSON.
    pub items: Vec<Value>,
    /// The providers' records.
    pub book: Book,
    /// Permissions used, calls denied and messages sent by the functions.
    pub done: Seen,
}

/// The scene, played on first use.
pub fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(|| {
        let played = OnceLock::new();
        World::run(async |world| {
            play(world).await;
            let items = world.stack.dynamo.scan(TABLE).unwrap();
            let book = world.stack.simulators.book();
            played.set(Scene { items, book, done: world.stack.guard.seen() }).ok().unwrap();
        });
        played.into_inner().unwrap()
    })
}

/// Decodes items from DynamoDB's JSON.
pub fn read(items: &[Value]) -> Vec<Item> {
    items.iter().map(|json| item(json).unwrap()).collect()
}

/// Plays the scene. Add here whatever creates a new entity.
async fn play(world: &World) {
    world.open().await;
    // First, since short-lived items of the others would end meanwhile.
    lots(world).await;
    registrations(world).await;
    payments(world).await;
    access(world).await;
    redemptions(world).await;
    commissions(world).await;
    backend(world).await;
    agency(world).await;
    events(world).await;
    mails(world).await;
    alarm(world).await;
    moved_in(world).await;
    levels(world).await;
    world.settle().await;
}

/// Two codes of Tea's credit that expires: she spent a part of the first, whose rest has expired.
async fn lots(world: &World) {
    world.register("tea", None).await;
    let tea = world.user("tea").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
    let credit = json!({"label": "lots", "count": 2, "credit": "5", "total_uses": 1});
    let codes = world.codes(credit).await;
    for (days, code) in [1, 30].into_iter().zip(&codes) {
        world.settings("payment", |payment| payment["grant_expiry_days"] = json!(days)).await;
        world.redeem("tea", code).await.is(201);
        let used = json!({"amount": "-2", "remark": "used"});
        world.admin().once().post(&format!("/v1/admin/users/{tea}/adjustments"), used).await.is(200);
        if days == 1 {
            world.settle().await;
            world.advance(25 * 3_600).await;
            world.stack.tick("expire-credit").await.unwrap();
            for name in ["admin", "tea"] {
                world.sign_in(name).await;
            }
        }
    }
    world.settings("payment", |payment| payment["grant_expiry_days"] = json!(0)).await;
    world.settle().await;
}

/// Kim invited Sue, who invited somebody of the backend; a purchase of theirs earns both of them something.
async fn levels(world: &World) {
    world.settings("affiliate", |settings| settings["second_level_rate"] = json!("0.05")).await;
    let code = world.code("kim").await;
    world.register("sue", Some(&code)).await;
    let key = world.service_key("levels", &["users:write", "purchases:write"]).await;
    let body = json!({"external_id": "c-3", "referral_code": world.code("sue").await});
    let theirs = world.holder(&key).post("/v1/service/users", body).await.is(201);
    let purchase = json!({
        "user_id": theirs["id"], "external_order_id": "o-9", "amount": "20", "currency": "CNY",
        "paid_at": world.stack.clock.now(),
    });
    world.holder(&key).once().post("/v1/service/purchases", purchase).await.is(201);
    world.settle().await;
}

/// Lia and Max move in from another system: she with her code and her balance, he with her as his inviter.
async fn moved_in(world: &World) {
    let send = async |kind: &str, lines: Value| {
        let body = json!({"source": "old-site", "dry_run": false, "lines": lines});
        let done = world.admin().once().post(&format!("/v1/admin/import/{kind}"), body).await.is(200);
        assert!(!done.to_string().contains("refused"), "{done}");
    };
    let hash = crate::operations::import::BCRYPT;
    let lia = json!({"email": "lia@example.com", "password_hash": hash, "signed_up_at": "2024-02-29T10:00:00Z"});
    send("users", json!([lia, {"external_id": "old-7"}])).await;
    send("codes", json!([{"email": "lia@example.com", "code": "LIAS2024"}])).await;
    send("referrals", json!([{"external_id": "old-7", "inviter_email": "lia@example.com"}])).await;
    send("balances", json!([{"email": "lia@example.com", "amount": "12.34567891"}])).await;
}

/// An endpoint receives Kim's registration; a second endpoint is deleted.
async fn events(world: &World) {
    world.settings("identity", |settings| settings["email_verification"] = json!(false)).await;
    let make = |path: &str| {
        let body = json!({"url": format!("https://product.test/_sim/webhook{path}"), "events": ["user.registered"]});
        world.admin().post("/v1/admin/webhook-endpoints", body)
    };
    make("").await.is(201);
    let gone = make("/old").await.is(201);
    let path = format!("/v1/admin/webhook-endpoints/{}", gone["id"].as_str().unwrap());
    world.admin().raw("DELETE", &path, "").await.is(204);
    world.register("kim", None).await;
}

/// Hal wants no mail of rewards, and the last mail to him bounces.
async fn mails(world: &World) {
    world.sign_in("hal").await;
    let kinds = ["payment_credited", "reward_granted", "withdrawal_settled", "promotion_ending"];
    let choice = kinds.into_iter().map(|kind| (kind.to_owned(), json!(kind != "reward_granted"))).collect();
    world.user("hal").put("/v1/me/mails", choice).await.is(200);
    let event = crate::account::notices::bounced(world, "hal@example.com");
    assert_eq!(crate::account::notices::told(world, &event).await["stopped"], 1);
}

/// An alarm of the deployment stands.
async fn alarm(world: &World) {
    let event =
        crate::operations::alarms::event("guerdon-ReviewsOpened-1AB2CD3EF4GH", "ALARM", "2026-11-20T10:00:00.000+0000");
    world.stack.event(&event).await.unwrap();
}

/// Two shops sell: recharges by wallet and online, a partial refund, a purchase, a deleted grant.
async fn agency(world: &World) {
    use crate::agency::{asset, fund, grant, id, package, recharge, series, shop};
    world.settings("agency", |agency| agency["enabled"] = json!(true)).await;
    let top = shop(world, "ivy", None).await;
    let low = shop(world, "jim", Some(&top)).await;
    let tier = |threshold: &str, amount: &str| json!({"dimension": "sales_amount", "scope": "self_and_sub", "threshold": threshold, "amount": amount});
    let tiers = json!([tier("5", "3"), tier("1000", "4")]);
    let cards = series(world, json!({"type": "tiered", "tiers": tiers})).await;
    let month = package(world, &cards, "MONTH", "9.9", "4").await;
    let own = |amount: &str| json!([{"threshold": "5", "amount": amount}, {"threshold": "1000", "amount": amount}]);
    for (shop, amount, cost) in [(&top, "2.5", "5"), (&low, "1", "6")] {
        let packages = json!([{"package_id": month, "cost_price": cost}]);
        grant(world, shop, &cards, json!({"commission_tiers": own(amount), "packages": packages})).await;
    }
    let other = series(world, Value::Null).await;
    let gone = grant(world, &top, &other, json!({})).await;
    world.admin().raw("DELETE", &format!("/v1/shop-series-grants/{}", id(&gone)), "").await.is(200);
    let card = asset(world, &low, &cards, "CARD-1").await;
    fund(world, &low, "100").await;
    recharge(world, &card, "20").await;
    for payment in ["wallet", "asset"] {
        let body = json!({"asset_id": card, "kind": "purchase", "package_ids": [month], "payment": payment});
        world.admin().once().post("/v1/agency/orders", body).await.is(201);
    }
    let body = json!({"asset_id": card, "kind": "recharge", "amount": "30", "payment": "online", "provider": "stripe"});
    let online = world.user("jim").once().post("/v1/agency/orders", body).await.is(201);
    let payment = json!({"id": online["payment_order_id"], "provider": "stripe"});
    world.pay(&payment, json!({})).await;
    world.settle().await;
    refund(world, &payment, 1_000).await;
    world.user("ivy").once().post("/v1/agency/wallet/transfers", json!({"amount": "1"})).await.is(201);
    cash(world).await;
}

/// Jim's shop asks for cash: one is paid, one waits.
async fn cash(world: &World) {
    world.settings("agency", |agency| agency["min_cash_withdrawal"] = json!("0.1")).await;
    let payout = json!({"method": "bank", "account": "DE02120300000000202052", "name": "Jim"});
    let ask = async |amount: &str| {
        let body = json!({"amount": amount, "payout": payout.clone()});
        crate::agency::id(&world.user("jim").once().post("/v1/agency/wallet/withdrawals", body).await.is(201))
    };
    let paid = ask("0.25").await;
    let approve = format!("/v1/admin/withdrawals/{paid}/approve");
    world.admin().post(&approve, json!({"reference": "SEPA 18"})).await.is(200);
    ask("0.1").await;
    let batch = json!({"method": "bank", "currency": "CNY"});
    world.admin().once().post("/v1/admin/payout-batches", batch).await.is(201);
    ask("0.5").await;
    world.settle().await;
}

/// Gil's commissions on Hal's orders: one partly clawed back, one on hold; withdrawals in every state.
async fn commissions(world: &World) {
    world.settings("identity", |settings| settings["email_verification"] = json!(false)).await;
    world.settings("affiliate", |settings| settings["enabled"] = json!(true)).await;
    world.register("gil", None).await;
    let made = world.user("gil").once().post("/v1/affiliate/codes", json!({"label": "newsletter"})).await.is(201);
    world.register("hal", made["code"].as_str()).await;
    let first = world.order("hal", json!({"offer_id": "o500", "provider": "stripe"})).await;
    world.settings("affiliate", |settings| settings["hold_hours"] = json!(48)).await;
    let second = world.order("hal", json!({"offer_id": "o100", "provider": "zpay"})).await;
    for order in [&first, &second] {
        world.pay(order, json!({})).await;
    }
    world.settle().await;
    world.settings("affiliate", |settings| settings["min_cash_withdrawal"] = json!("0.5")).await;
    let balance = json!({"amount": "1.5", "to": "balance"});
    world.user("gil").once().post("/v1/affiliate/withdrawals", balance).await.is(201);
    let payout = json!({"method": "bank", "account": "DE02120300000000202051", "name": "Gil"});
    let cash = json!({"amount": "0.75", "to": "cash", "payout": payout});
    let mut asked = Vec::new();
    for _ in 0..3 {
        let made = world.user("gil").once().post("/v1/affiliate/withdrawals", cash.clone()).await.is(201);
        asked.push(made["id"].as_str().unwrap().to_owned());
    }
    let path = |index: usize, verb| format!("/v1/admin/withdrawals/{}/{verb}", asked[index]);
    world.admin().post(&path(0, "approve"), json!({"reference": "SEPA 17"})).await.is(200);
    world.admin().post(&path(1, "reject"), json!({"reason": "unknown account"})).await.is(200);
    world.settle().await;
    refund(world, &first, 30_000).await;
}

/// The operator's backend registers Ida, who has no e-mail, and Jon, whom Gil invited.
/// It moves Ida's balance, reports Jon's purchase and refund, and a refund of an unknown purchase.
async fn backend(world: &World) {
    let scopes = ["users:write", "ledger:write", "purchases:write"];
    let key = world.service_key("billing", &scopes).await;
    let old = world.admin().post("/v1/admin/service-keys", json!({"name": "old", "scopes": ["users:read"]})).await;
    let old = format!("/v1/admin/service-keys/{}", old.is(201)["id"].as_str().unwrap());
    world.admin().raw("DELETE", &old, "").await.is(204);
    let register = |body: Value| world.holder(&key).post("/v1/service/users", body);
    let ida = register(json!({"external_id": "c-1", "referral_code": "NOSUCHCODE"})).await.is(201);
    let jon = json!({"external_id": "c-2", "email": "jon@example.com", "referral_code": world.code("gil").await});
    let jon = register(jon).await.is(201);
    for (verb, amount) in [("credits", "7.5"), ("debits", "2.25")] {
        let path = format!("/v1/service/users/{}/{verb}", ida["id"].as_str().unwrap());
        let body = json!({"amount": amount, "related_id": "job-1", "remark": "a job"});
        world.holder(&key).once().post(&path, body).await.is(200);
    }
    let purchase = json!({
        "user_id": jon["id"], "external_order_id": "o-1", "amount": "50", "currency": "CNY",
        "paid_at": world.stack.clock.now(),
    });
    world.holder(&key).once().post("/v1/service/purchases", purchase).await.is(201);
    for (order, amount) in [("o-1", "5"), ("o-2", "3")] {
        let path = format!("/v1/service/purchases/{order}/refunds");
        world.holder(&key).once().post(&path, json!({"amount": amount, "refund_id": "r-1"})).await.is(201);
    }
}

/// Codes for balance, for plan time, unlimited, and with shards, redeemed by Dave and Carol.
async fn redemptions(world: &World) {
    world.sign_in("dave").await;
    let plan = world.plan(json!({"name": "Pro", "quota": 0, "on_sale": true, "traffic_bytes": 1_000})).await;
    let month =
        json!({"label": "months", "count": 1, "plan_id": plan, "unit": "month", "quantity": 1, "total_uses": 2});
    let credit = json!({"label": "credit", "count": 2, "credit": "5", "total_uses": 0});
    let crowd = json!({"label": "crowd", "count": 1, "credit": "0.5", "total_uses": 200});
    for body in [month, credit, crowd] {
        let code = world.codes(body).await.remove(0);
        for name in ["dave", "carol"] {
            world.redeem(name, &code).await.is(201);
        }
    }
    let brought = json!({"label": "brought", "codes": ["OLD-SHOP-1", "OLD-SHOP-2"], "credit": "1", "total_uses": 1,
        "expires_at": "2026-12-01T00:00:00Z"});
    let brought = world.admin().once().post("/v1/admin/redemption/batches", brought).await.is(201);
    let path = format!("/v1/admin/redemption/batches/{}/expiry", brought["id"].as_str().unwrap());
    world.admin().put(&path, json!({"expires_at": "2027-01-01T00:00:00Z"})).await.is(200);
    world.redeem("dave", "old-shop-2").await.is(201);
}

async fn registrations(world: &World) {
    world
        .settings("referral", |settings| {
            settings["registration"]["inviter_reward"] = json!("1");
            settings["max_invitees_per_user"] = json!(10);
            settings["budget"] = json!("1000");
        })
        .await;
    world.register("ann", None).await;
    for (name, inviter) in [("bob", "ann"), ("carol", "bob")] {
        let code = world.code(inviter).await;
        world.register(name, Some(&code)).await;
    }
    world.settings("referral", |settings| settings["registration"]["inviter_reward"] = json!("0")).await;
    let code = world.code("ann").await;
    world.register("dave", Some(&code)).await;
    world.settle().await;
}

async fn payments(world: &World) {
    let bobs = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
    world.pay(&bobs, json!({"times": 2, "card": "fp_of_bob"})).await;
    let carols = world.order("carol", json!({"amount": "5", "provider": "zpay"})).await;
    world.pay(&carols, json!({})).await;
    world.settle().await;
    for (name, order) in [("bob", &bobs), ("carol", &carols)] {
        let receipt = format!("/v1/payment/orders/{}/receipt", order["id"].as_str().unwrap());
        world.user(name).post(&receipt, json!({})).await.is(200);
    }
    refund(world, &bobs, 3_000).await;
    let daves = world.order("dave", json!({"amount": "50", "provider": "zpay"})).await;
    let complete = format!("/v1/admin/payment/orders/{}/complete", daves["id"].as_str().unwrap());
    world.admin().once().post(&complete, json!({"reason": "seen in the bank"})).await.is(200);
    let cancelled = world.order("carol", json!({"amount": "7", "provider": "zpay"})).await;
    let cancel = format!("/v1/payment/orders/{}/cancel", cancelled["id"].as_str().unwrap());
    world.user("carol").post(&cancel, json!({})).await.is(200);
    for amount in ["2.5", "-0.5"] {
        let bob = world.user("bob").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/admin/users/{bob}/adjustments");
        world.admin().once().post(&path, json!({"amount": amount, "remark": "by hand"})).await;
    }
    world.order("carol", json!({"amount": "8", "provider": "zpay"})).await;
    world.settle().await;
    world.advance(30 * 3_600).await;
    world.stack.tick("expire-orders").await.unwrap();
    world.stack.tick("reconcile").await.unwrap();
    world.stack.tick("sign-heads").await.unwrap();
    for name in ["admin", "ann", "bob", "carol"] {
        world.sign_in(name).await;
    }
    world.settings("payment", |payment| payment["coupons"] = json!([coupon()])).await;
    world.order("carol", json!({"amount": "9", "provider": "stripe", "coupon": "TEN"})).await;
    world.settle().await;
}

/// A coupon of 10 % off and 20 % more credit, for five orders.
pub fn coupon() -> Value {
    json!({"code": "TEN", "discount": "10%", "bonus": "20%", "starts_at": null, "ends_at": null, "min_amount": "0",
        "offers": "", "total": 5, "per_user": 0, "first_order": false, "paused": false})
}

/// Refunds a part of an order's first payment at Stripe.
pub async fn refund(world: &World, order: &Value, units: i64) {
    let book = world.stack.simulators.book();
    let intent = book.payments_of(order["id"].as_str().unwrap())[0].intent.clone();
    let request = Request::post("/_sim/stripe/v1/refunds")
        .header("authorization", format!("Bearer {}", world.stack.simulators.config().stripe_secret_key))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(format!("payment_intent={intent}&amount={units}")))
        .unwrap();
    assert_eq!(world.stack.sim(request).await.status().as_u16(), 200);
    world.settle().await;
}

/// An admin with a second factor, a pending sign-up and a change of e-mail.
async fn access(world: &World) {
    crate::account::second_factor::second_admin(world, "olga").await;
    crate::account::second_factor::enrolled(world, "olga").await;
    world.sign_in("ann").await;
    let change = json!({"email": "ann@new.example.com", "password": crate::world::PASSWORD});
    world.user("ann").put("/v1/me/email", change).await.is(202);
    world.settings("identity", |settings| settings["email_verification"] = json!(true)).await;
    let eve = json!({"email": "eve@example.com", "password": "correct horse battery"});
    world.nobody().post("/v1/registrations", eve).await.is(201);
}
