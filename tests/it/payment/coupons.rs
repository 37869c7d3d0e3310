//! Coupons on orders (R12.2).

use serde_json::{Value, json};

use super::refunds::act;
use crate::world::World;

/// A coupon that takes 10 % off.
fn ten_percent() -> Value {
    json!({"code": "TEN", "discount": "10%", "bonus": "0", "starts_at": null, "ends_at": null, "min_amount": "0",
        "offers": "", "total": 0, "per_user": 1, "first_order": false, "paused": false})
}

fn with(fields: Value) -> Value {
    let mut coupon = ten_percent();
    coupon.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    coupon
}

/// Top-ups are on, with these coupons; Bob has an account.
async fn open(world: &World, coupons: Value) {
    world.open().await;
    world.settings("promotion", |settings| settings["enabled"] = json!(false)).await;
    world
        .settings("payment", |settings| {
            settings["coupons"] = coupons;
            settings["max_orders_per_minute"] = json!(100);
        })
        .await;
    world.register("bob", None).await;
}

fn hundred(coupon: &str) -> Value {
    json!({"amount": "100", "provider": "zpay", "coupon": coupon})
}

async fn refused(world: &World, name: &str, body: Value) -> String {
    let problem = world.user(name).once().post("/v1/payment/orders", body).await.refused(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/coupon", "{problem}");
    problem["errors"][0]["code"].as_str().unwrap().to_owned()
}

/// Lets the orders expire.
async fn expire(world: &World) {
    world.advance(31 * 60).await;
    world.stack.tick("expire-orders").await.unwrap();
    world.sign_in("bob").await;
    world.sign_in("ann").await;
}

async fn order(world: &World, of: &Value) -> Value {
    let path = format!("/v1/payment/orders/{}", of["id"].as_str().unwrap());
    world.user("bob").get(&path).await.is(200)
}

fn coupon(state: &str, discount: &str, bonus: &str) -> Value {
    json!({"code": "TEN", "discount": {"amount": discount, "currency": "CNY"},
        "bonus": {"amount": bonus, "currency": "USD"}, "state": state})
}

/// R12.2, R4.11
#[test]
fn a_coupon_takes_off_the_charge_and_adds_an_entry_that_follows_refunds() {
    World::run(async |world| {
        open(world, json!([with(json!({"bonus": "20%"}))])).await;
        let price = world.user("bob").get("/v1/payment/price?amount=100&coupon=ten").await.is(200);
        assert_eq!((&price["charge"]["amount"], &price["total"]["amount"]), (&json!("90.00"), &json!("16.66666665")));
        let made = world.order("bob", json!({"amount": "100", "provider": "stripe", "coupon": "ten"})).await;
        assert_eq!(made["charge"]["amount"], "90.00");
        assert_eq!(made["coupon"], coupon("reserved", "10.00", "2.77777777"));
        world.pay(&made, json!({})).await;
        world.settle().await;
        assert_eq!(world.balance("bob").await, "16.66666665", "13.88888888 and 2.77777777");
        assert_eq!(order(world, &made).await["coupon"]["state"], "used");
        act(world, &made, "refund", json!({"amount": "45.00"})).await;
        assert_eq!(world.balance("bob").await, "8.33333332", "half of each part, rounded down");
        act(world, &made, "refund", json!({"amount": "45.00"})).await;
        assert_eq!(world.balance("bob").await, "0");
        assert_eq!(refused(world, "bob", hundred("TEN")).await, "user_limit", "a refund gives no use back");
    });
}

/// R12.2: a coupon that changes changes no order.
#[test]
fn what_a_coupon_did_is_a_snapshot_on_the_order() {
    World::run(async |world| {
        open(world, json!([ten_percent()])).await;
        let made = world.order("bob", hundred("TEN")).await;
        world.settings("payment", |settings| settings["coupons"] = json!([])).await;
        world.pay(&made, json!({})).await;
        world.settle().await;
        assert_eq!(world.balance("bob").await, "13.88888888");
        assert_eq!(order(world, &made).await["coupon"], coupon("used", "10.00", "0"));
        assert_eq!(refused(world, "bob", hundred("TEN")).await, "unknown");
    });
}

/// R12.2: an order that ends unpaid gives its use back, however it ends.
#[test]
fn an_open_order_reserves_a_use_and_gives_it_back_when_it_ends_unpaid() {
    World::run(async |world| {
        open(world, json!([with(json!({"total": 1, "per_user": 0}))])).await;
        world.register("ann", None).await;
        let cancelled = world.order("bob", hundred("TEN")).await;
        assert_eq!(refused(world, "ann", hundred("TEN")).await, "used_up");
        let path = format!("/v1/payment/orders/{}/cancel", cancelled["id"].as_str().unwrap());
        assert_eq!(world.user("bob").post(&path, json!({})).await.is(200)["coupon"]["state"], "released");
        let expired = world.order("bob", hundred("TEN")).await;
        assert_eq!(refused(world, "ann", hundred("TEN")).await, "used_up");
        expire(world).await;
        assert_eq!(order(world, &expired).await["coupon"]["state"], "released");
        let paid = world.user("ann").once().post("/v1/payment/orders", hundred("TEN")).await.is(201);
        world.pay(&paid, json!({})).await;
        world.settle().await;
        assert_eq!(refused(world, "bob", hundred("TEN")).await, "used_up", "a paid order keeps its use");
    });
}

/// R12.2, R4.5: a payment that comes after the use was given back is credited, without the coupon.
#[test]
fn a_late_payment_is_credited_with_what_it_buys_without_the_coupon() {
    World::run(async |world| {
        open(world, json!([with(json!({"total": 1, "per_user": 0, "bonus": "5"}))])).await;
        let late = world.order("bob", hundred("TEN")).await;
        let path = format!("/v1/payment/orders/{}/cancel", late["id"].as_str().unwrap());
        world.user("bob").post(&path, json!({})).await.is(200);
        let other = world.order("bob", hundred("TEN")).await;
        world.pay(&other, json!({})).await;
        world.settle().await;
        world.pay(&late, json!({})).await;
        world.settle().await;
        assert_eq!(order(world, &late).await["coupon"]["state"], "lapsed");
        assert_eq!(order(world, &late).await["credit"]["amount"], "12.49999999", "90 of 100");
        assert_eq!(world.balance("bob").await, "31.38888887", "18.88888888 and 12.49999999");
        let path = format!("/v1/admin/payment/orders/{}/explain", late["id"].as_str().unwrap());
        let told = world.admin().get(&path).await.is(200);
        let decision = told["decisions"].as_array().unwrap().iter().find(|one| one["subject"] == "coupon").unwrap();
        assert_eq!(decision["outcome"], "lapsed");
    });
}

/// R12.2: a payment of a slow method keeps the use until the provider says how it ended.
#[test]
fn a_payment_under_way_keeps_its_coupon_beyond_the_orders_end() {
    for (end, state, balance) in [("pay_succeeds", "used", "13.88888888"), ("pay_fails", "released", "0")] {
        World::run(async |world| {
            open(world, json!([with(json!({"total": 1, "per_user": 0}))])).await;
            let made = world.order("bob", json!({"amount": "100", "provider": "stripe", "coupon": "TEN"})).await;
            world.register("ann", None).await;
            world.pay(&made, json!({"action": "pay_later"})).await;
            world.settle().await;
            expire(world).await;
            let shown = order(world, &made).await;
            assert_eq!((&shown["status"], &shown["coupon"]["state"]), (&json!("expired"), &json!("reserved")));
            assert_eq!(refused(world, "bob", hundred("TEN")).await, "used_up");
            world.pay(&made, json!({"action": end})).await;
            world.settle().await;
            assert_eq!(order(world, &made).await["coupon"]["state"], state);
            assert_eq!(world.balance("bob").await, balance);
        });
    }
}

/// R12.2
#[test]
fn a_coupon_for_the_first_order_is_for_one_order_in_all() {
    World::run(async |world| {
        let first = |code: &str| with(json!({"code": code, "first_order": true, "per_user": 0}));
        open(world, json!([first("TEN"), first("HELLO")])).await;
        let made = world.order("bob", hundred("TEN")).await;
        assert_eq!(refused(world, "bob", hundred("HELLO")).await, "first_order_only", "one is reserved");
        world.pay(&made, json!({})).await;
        world.settle().await;
        assert_eq!(refused(world, "bob", hundred("TEN")).await, "first_order_only");
        world.register("ann", None).await;
        let plain = json!({"amount": "10", "provider": "zpay"});
        let plain = world.user("ann").once().post("/v1/payment/orders", plain).await.is(201);
        world.pay(&plain, json!({})).await;
        world.settle().await;
        assert_eq!(refused(world, "ann", hundred("TEN")).await, "first_order_only", "an order was paid before");
    });
}

/// R12.2: the terms that a coupon is refused for, each by its code.
#[test]
fn a_coupon_that_does_not_fit_is_refused_with_its_reason_and_nothing_is_made() {
    World::run(async |world| {
        let of = |code: &str, fields: Value| {
            let mut coupon = with(fields);
            coupon["code"] = json!(code);
            coupon
        };
        open(
            world,
            json!([
                of("LATER", json!({"starts_at": "2099-01-01T00:00:00Z"})),
                of("OVER", json!({"ends_at": "2020-01-01T00:00:00Z"})),
                of("PAUSED", json!({"paused": true})),
                of("OFFER", json!({"offers": "o10"})),
                of("LARGE", json!({"min_amount": "100.01"})),
                of("ALL", json!({"discount": "100"})),
            ]),
        )
        .await;
        for (code, why) in [
            ("LATER", "not_valid_now"),
            ("OVER", "expired"),
            ("PAUSED", "not_valid_now"),
            ("OFFER", "other_offer"),
            ("LARGE", "below_minimum"),
            ("ALL", "nothing_to_pay"),
            ("NONE", "unknown"),
            ("no code", "unknown"),
        ] {
            assert_eq!(refused(world, "bob", hundred(code)).await, why, "{code}");
        }
        assert_eq!(world.user("bob").get("/v1/payment/orders").await.is(200)["items"], json!([]));
    });
}

/// R12.2, R9.1
#[test]
fn settings_take_only_coupons_that_mean_something() {
    World::run(async |world| {
        open(world, json!([])).await;
        let read = world.admin().get("/v1/admin/settings/payment").await.is(200);
        let version = format!("\"{}\"", read["version"]);
        for (coupons, pointer, code) in [
            (json!([ten_percent(), with(json!({"code": "ten"}))]), "/coupons/1/code", "duplicate"),
            (json!([with(json!({"discount": "0"}))]), "/coupons/0/discount", "no_effect"),
            (json!([with(json!({"discount": "100%"}))]), "/coupons/0/discount", "out_of_range"),
            (json!([with(json!({"discount": "0.001"}))]), "/coupons/0/discount", "too_many_digits"),
            (json!([with(json!({"discount": "a lot"}))]), "/coupons/0/discount", "not_an_amount_or_percent"),
            (json!([with(json!({"offers": "o10, o11"}))]), "/coupons/0/offers", "unknown_offer"),
            (json!([with(json!({"code": "a b"}))]), "/coupons/0/code", "out_of_range"),
            (
                json!([with(json!({"starts_at": "2026-12-02T00:00:00Z", "ends_at": "2026-12-01T00:00:00Z"}))]),
                "/coupons/0/ends_at",
                "out_of_range",
            ),
        ] {
            let mut settings = read["settings"].clone();
            settings["coupons"] = coupons.clone();
            let answer = world.admin().header("if-match", &version).put("/v1/admin/settings/payment", settings).await;
            let problem = answer.refused(422, "invalid");
            let found: Vec<(&str, &str)> = problem["errors"]
                .as_array()
                .unwrap()
                .iter()
                .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
                .collect();
            assert_eq!(found, [(pointer, code)], "{coupons}");
        }
    });
}
