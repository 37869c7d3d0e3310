//! Views of the operator that have to add up, be whole, and be readable elsewhere (G2, G8, G13–G15).

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::affiliate::commission::{hundred, invited};
use crate::agency::{asset, chain, fixed, grant, id, open, series};
use crate::fixtures::refund;
use crate::payment::refunds::act;
use crate::world::World;

fn amount(of: &Value) -> Decimal {
    of["amount"].as_str().map_or(Decimal::ZERO, |amount| amount.parse().unwrap())
}

async fn all(world: &World, path: &str) -> Vec<Value> {
    let path = format!("{path}{}limit=100", if path.contains('?') { "&" } else { "?" });
    world.admin().get(&path).await.is(200)["items"].as_array().unwrap().clone()
}

/// G2, R9.2: the statistics count pending orders by the orders; a cancelled one is pending no more.
#[test]
fn cancelled_orders_are_not_counted_as_pending() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        for ends in [true, true, false] {
            let order = world.order("bob", json!({"offer_id": "o10", "provider": "stripe"})).await;
            if ends {
                let path = format!("/v1/payment/orders/{}/cancel", order["id"].as_str().unwrap());
                world.user("bob").post(&path, json!({})).await.is(200);
            }
        }
        world.settle().await;
        let by_status = world.admin().get("/v1/admin/stats").await.is(200)["orders"]["by_status"].clone();
        for (status, count) in by_status.as_object().unwrap() {
            let listed = all(world, &format!("/v1/admin/payment/orders?status={status}")).await;
            assert_eq!(count, &json!(listed.len()), "{status}");
        }
        assert_eq!((&by_status["pending"], &by_status["cancelled"]), (&json!(1), &json!(2)));
    });
}

/// G8, R8.9: an agency order's pool is the sum of its levels and the platform, before and after a refund, to the digit.
#[test]
fn an_agency_orders_pool_adds_up_after_a_refund() {
    World::run(async |world| {
        open(world).await;
        let [a, b, c] = chain(world).await;
        let cards = series(world, fixed("10")).await;
        for (shop, commission) in [(&a, "8"), (&b, "4.8"), (&c, "3")] {
            grant(world, shop, &cards, json!({"commission_amount": commission})).await;
        }
        let card = asset(world, &c, &cards, "CARD-1").await;
        let body =
            json!({"asset_id": card, "kind": "recharge", "amount": "100", "payment": "online", "provider": "stripe"});
        let made = world.user("c").once().post("/v1/agency/orders", body).await.is(201);
        let payment = json!({"id": made["payment_order_id"], "provider": "stripe"});
        world.pay(&payment, json!({})).await;
        world.settle().await;
        let path = format!("/v1/agency/orders/{}", id(&made));
        for (taken, pool) in [("0", "10"), ("33.33", "6.667"), ("66.67", "0")] {
            if taken != "0" {
                act(world, &payment, "refund", json!({"amount": taken})).await;
            }
            let commission = world.admin().get(&path).await.is(200)["commission"].clone();
            let levels: Decimal =
                commission["levels"].as_array().unwrap().iter().map(|level| amount(&level["one_time"])).sum();
            assert_eq!(commission["pool"]["amount"], pool, "{commission}");
            assert_eq!(amount(&commission["pool"]), levels + amount(&commission["platform"]), "{commission}");
            let stats = world.admin().get("/v1/admin/stats").await.is(200)["agency"].clone();
            assert_eq!(
                amount(&stats["commission"]) + amount(&stats["platform"]),
                amount(&commission["pool"]),
                "{stats}"
            );
        }
    });
}

/// G8: the totals of an affiliate, an order's total, and the referral counts add up, before and after a refund.
#[test]
fn every_view_with_a_sum_adds_up() {
    World::run(async |world| {
        invited(world).await;
        world.settings("promotion", |settings| settings["enabled"] = json!(true)).await;
        let order = hundred(world).await;
        let path = format!("/v1/payment/orders/{}", order["id"].as_str().unwrap());
        for refunded in [0, 3_000, 7_000] {
            if refunded > 0 {
                refund(world, &order, refunded).await;
            }
            let totals = world.user("ann").get("/v1/affiliate").await.is(200)["totals"].clone();
            let parts = ["pending", "available", "held", "withdrawn", "clawed_back"];
            let sum: Decimal = parts.iter().map(|part| amount(&totals[*part])).sum();
            assert_eq!(amount(&totals["earned"]), sum, "{totals}");
            let shown = world.user("bob").get(&path).await.is(200);
            assert_eq!(amount(&shown["total"]), amount(&shown["credit"]) + amount(&shown["bonus"]), "{shown}");
            let back: Decimal = shown["refunds"].as_array().unwrap().iter().map(|one| amount(&one["amount"])).sum();
            assert_eq!(amount(&shown["charge"]) - back, amount(&shown["net"]), "{shown}");
            let stats = world.admin().get("/v1/admin/stats").await.is(200);
            let left = amount(&stats["commissions"]["earned"]) - amount(&stats["commissions"]["reversed"]);
            let due = &stats["liabilities"]["commission"];
            let parts: Decimal = ["pending", "available", "held"].iter().map(|part| amount(&due[*part])).sum();
            assert_eq!(left, parts - amount(&due["debt"]), "{stats}");
        }
    });
}

/// G14: a CSV has all rows of the filter; with a limit it is a page, whose header says where the next one begins.
/// G15: `?bom=1` begins it with a byte order mark.
#[test]
fn a_csv_has_all_rows_of_its_filter() {
    World::run(async |world| {
        for number in 0..25 {
            world.register(&format!("user{number}"), None).await;
        }
        world.settle().await;
        let sheet = async |query: &str| {
            let path = format!("/v1/admin/users{query}");
            let answer = world.admin().header("accept", "text/csv").get(&path).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            answer
        };
        let whole = sheet("").await;
        let users = all(world, "/v1/admin/users").await.len();
        assert!(users > 25);
        assert_eq!((whole.text.lines().count(), whole.headers.get("next-cursor")), (1 + users, None));
        let page = sheet("?limit=20").await;
        assert_eq!((page.text.lines().count(), page.headers.contains_key("next-cursor")), (21, true));
        assert!(!whole.text.starts_with('\u{feff}'));
        assert_eq!(sheet("?bom=1").await.text, format!("\u{feff}{}", whole.text));
        let days = world.admin().header("accept", "text/csv").get("/v1/admin/stats/daily?bom=1").await;
        assert!(days.status == 200 && days.text.starts_with("\u{feff}date,"), "{}", days.text);
    });
}

/// G13: times are taken to the end of the year 9999, in filters and in bodies; an error names the end.
#[test]
fn the_end_of_9999_is_a_time() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        for last in ["9999-12-31T23:59:59Z", "9999-12-31"] {
            let path = format!("/v1/admin/users?from=2026-01-01&to={last}");
            assert_eq!(world.admin().get(&path).await.is(200)["items"].as_array().unwrap().len(), 2, "{last}");
        }
        let batch = json!({
            "label": "x", "count": 1, "credit": "1", "total_uses": 1, "expires_at": "9999-12-31T23:59:59Z",
        });
        let code = world.codes(batch).await.remove(0);
        world.redeem("bob", &code).await.is(201);
        let refused = world.admin().get("/v1/admin/users?to=10000-01-01").await.refused(422, "invalid");
        assert!(refused["errors"][0]["detail"].as_str().unwrap().contains("9999-12-31T23:59:59Z"), "{refused}");
    });
}

/// R5.1: with `enrol_existing`, an account that signed up before the promotion was on has its window from the sign-up, and the
/// bonus of that tier; without it, and after the window, it has none.
#[test]
fn who_signed_up_before_the_promotion_is_enrolled_within_the_window() {
    World::run(async |world| {
        world.open().await;
        world.settings("promotion", |settings| settings["enabled"] = json!(false)).await;
        world.register("bob", None).await;
        world.register("cid", None).await;
        world.advance(30 * 3_600).await;
        for name in ["admin", "bob", "cid"] {
            world.sign_in(name).await;
        }
        let status = async || world.user("bob").get("/v1/promotion").await.is(200)["status"].clone();
        world.settings("promotion", |settings| settings["enabled"] = json!(true)).await;
        assert_eq!(status().await, "none");
        world.settings("promotion", |settings| settings["enrol_existing"] = json!(true)).await;
        assert_eq!(status().await, "active");
        hundred(world).await;
        assert_eq!((world.balance("bob").await, status().await), ("16.66666665".to_owned(), json!("used")));
        let stats = world.admin().get("/v1/admin/stats").await.is(200);
        assert_eq!(stats["promotions"]["used"], 1);
        world.advance(43 * 3_600).await;
        world.sign_in("cid").await;
        assert_eq!(world.user("cid").get("/v1/promotion").await.is(200)["status"], "none");
    });
}
