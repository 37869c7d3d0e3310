//! Payments concurrent with everything else that happens to their orders.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Asked, CLIENTS, Weight, later, race, together};
use crate::payment::webhooks::{completed, tell};
use crate::world::World;

fn path(order: &Value) -> String {
    format!("/v1/payment/orders/{}", order["id"].as_str().unwrap())
}

/// R4.6, P3: the same event 32 times at once is acknowledged each time and credits once.
#[test]
fn an_event_heard_many_times_credits_once() {
    race("payment::an_event_heard_many_times_credits_once", Weight::Light, async |round| {
        let world = round.world;
        world.open().await;
        world.register("ann", None).await;
        let code = world.code("ann").await;
        world.register("bob", Some(&code)).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        let event = completed(world, &order).await;
        let told = round.at_once(CLIENTS / 2, |_| tell(world, &event)).await;
        assert_eq!(told.made_or("none is refused"), CLIENTS / 2);
        assert_eq!(world.balance("bob").await, "18.05555554");
        world.swept().await;
        assert_eq!(world.balance("ann").await, "3");
    });
}

/// R12.2: of 64 orders at the same instant as many hold the coupon as it has uses; the others are told, and nothing is lost.
#[test]
fn a_coupon_is_never_used_above_its_total() {
    race("payment::a_coupon_is_never_used_above_its_total", Weight::Heavy, async |round| {
        let world = round.world;
        world.open().await;
        let coupon = json!({"code": "TEN", "discount": "10%", "bonus": "0", "starts_at": null, "ends_at": null,
            "min_amount": "0", "offers": "", "total": 10, "per_user": 3, "first_order": false, "paused": false});
        world
            .settings("payment", |payment| {
                payment["max_orders_per_minute"] = json!(60);
                payment["coupons"] = json!([coupon]);
            })
            .await;
        let names = ["ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal"];
        for name in names {
            world.register(name, None).await;
        }
        let body = json!({"offer_id": "o100", "provider": "zpay", "coupon": "TEN"});
        let ask = |client: usize| {
            let key = format!("order-with-coupon-{client}");
            world.user(names[client % names.len()]).key(&key).post("/v1/payment/orders", body.clone())
        };
        let told = round.at_once(CLIENTS, ask).await;
        assert_eq!(told.made_or("invalid"), 10, "as many as the coupon has");
        let listed = world.admin().get("/v1/admin/coupons").await.is(200);
        assert_eq!(listed["items"][0]["used"], 10);
        round.calm();
        world.advance(31 * 60).await;
        world.stack.tick("expire-orders").await.unwrap();
        world.sign_in("admin").await;
        let listed = world.admin().get("/v1/admin/coupons").await.is(200);
        assert_eq!(listed["items"][0]["used"], 0, "nobody paid");
    });
}

/// R4.12: of 64 orders at the same instant each gets a receipt of its own; the numbers have no gap, whatever fails meanwhile.
#[test]
fn receipts_at_once_have_numbers_without_a_gap() {
    race("payment::receipts_at_once_have_numbers_without_a_gap", Weight::Light, async |round| {
        let world = round.world;
        world.open().await;
        world.settings("payment", |payment| payment["max_orders_per_minute"] = json!(60)).await;
        let names = ["ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal"];
        let mut orders = Vec::new();
        for name in names {
            world.register(name, None).await;
        }
        for client in 0..CLIENTS {
            let order = world.order(names[client % names.len()], json!({"offer_id": "o10", "provider": "zpay"})).await;
            world.pay(&order, json!({})).await;
            orders.push(format!("{}/receipt", path(&order)));
        }
        world.settle().await;
        let ask = |client: usize| world.user(names[client % names.len()]).post(&orders[client], json!({}));
        let told = round.at_once(CLIENTS, ask).await;
        assert_eq!(told.made_or("none is refused"), CLIENTS);
        let mut given: Vec<&str> = told.made.values().map(|made| made["reference"].as_str().unwrap()).collect();
        given.sort_unstable();
        let all: Vec<String> = (1..=CLIENTS).map(|number| format!("R-2026-{number:06}")).collect();
        assert_eq!(given, all);
    });
}

/// R5.1: of many orders paid at the same instant one gets the promotion's bonus.
#[test]
fn payments_at_once_share_one_bonus() {
    race("payment::payments_at_once_share_one_bonus", Weight::Heavy, async |round| {
        let world = round.world;
        world.open().await;
        world.settings("payment", |payment| payment["max_orders_per_minute"] = json!(60)).await;
        world.register("bob", None).await;
        let mut events = Vec::new();
        for _ in 0..8 {
            let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
            events.push(completed(world, &order).await);
        }
        let told = round.at_once(CLIENTS, |client| tell(world, &events[client % 8])).await;
        assert_eq!(told.made_or("none is refused"), CLIENTS);
        assert_eq!(world.balance("bob").await, "115.2777777", "eight times 13.88888888, and 4.16666666 once");
    });
}

/// R4.4, R4.6, R4.7: simultaneous payment, expiry, cancellation and polls end consistent.
/// Paid orders are credited, unpaid ones over.
#[test]
fn an_order_is_paid_or_over() {
    race("payment::an_order_is_paid_or_over", Weight::Light, async |round| {
        let world = round.world;
        world.open().await;
        world.settings("promotion", |promotion| promotion["enabled"] = json!(false)).await;
        world.settings("payment", |payment| payment["max_orders_per_minute"] = json!(60)).await;
        world.register("bob", None).await;
        let mut orders = Vec::new();
        for number in 0..CLIENTS / 4 {
            let provider = if number % 2 == 0 { "stripe" } else { "zpay" };
            orders.push(world.order("bob", json!({"amount": "7.2", "provider": provider})).await);
        }
        world.advance(1_799).await;
        world.sign_in("bob").await;
        round.contend();
        let mut asked: Vec<std::pin::Pin<Box<dyn Future<Output = ()> + '_>>> = Vec::new();
        for order in &orders {
            let (pays, cancels, looks) = (round.below(3) > 0, round.below(3) == 0, round.below(3) == 0);
            let notify = ["now", "twice", "never"][round.below(3) as usize];
            let click = later(round.soon(2_000), world.try_to_pay(order, json!({"notify": notify})));
            if pays {
                asked.push(Box::pin(async {
                    click.await;
                }));
            }
            for (wanted, verb) in [(cancels, "cancel"), (looks, "verify")] {
                let (soon, path) = (round.soon(2_000), format!("{}/{verb}", path(order)));
                let ask: Asked<'_> =
                    Box::pin(later(soon, async move { world.user("bob").post(&path, json!({})).await }));
                if wanted {
                    asked.push(Box::pin(async {
                        let answer = ask.await;
                        let known = answer.is_to_be_repeated() || [200, 409].contains(&answer.status);
                        assert!(known, "{} {}", answer.status, answer.text);
                    }));
                }
            }
        }
        for _ in 0..8 {
            let soon = round.soon(2_000);
            asked.push(Box::pin(later(soon, async {
                world.stack.pump_webhooks().await;
            })));
        }
        for schedule in ["expire-orders", "expire-orders", "poll-payments", "expire-orders"] {
            let soon = round.soon(2_000);
            asked.push(Box::pin(later(soon, async move { while world.stack.tick(schedule).await.is_err() {} })));
        }
        together(asked).await;
        round.calm();
        world.swept().await;
        is_paid_or_over(world, &orders).await;
    });
}

/// F18, F20: of many completions by hand at once, of payments' events and of undoing, each order is credited once.
#[test]
fn completions_and_events_at_once_credit_once() {
    race("payment::completions_and_events_at_once_credit_once", Weight::Light, async |round| {
        let world = round.world;
        world.open().await;
        world.settings("promotion", |promotion| promotion["enabled"] = json!(false)).await;
        world.settings("payment", |payment| payment["max_orders_per_minute"] = json!(60)).await;
        world.register("bob", None).await;
        let told = world.order("bob", json!({"amount": "7.2", "provider": "stripe"})).await;
        let event = completed(world, &told).await;
        let cash = world.order("bob", json!({"amount": "7.2", "provider": "zpay"})).await;
        let at = |order: &Value| format!("/v1/admin/payment/orders/{}/complete", order["id"].as_str().unwrap());
        let (told_at, cash_at) = (at(&told), at(&cash));
        let done = round
            .at_once(CLIENTS / 2, async |client| match client % 3 {
                0 => tell(world, &event).await,
                1 => world.admin().key(&format!("t{client}")).post(&told_at, json!({"reason": "seen"})).await,
                _ => world.admin().key(&format!("c{client}")).post(&cash_at, json!({"reason": "cash"})).await,
            })
            .await;
        assert!(done.refused.values().all(|code| code == "order_already_paid"), "{done:?}");
        let cashed = done.made.keys().filter(|client| **client % 3 == 2).count();
        assert_eq!(cashed, 1, "one completion of the order that was paid in cash");
        world.swept().await;
        assert_eq!(world.balance("bob").await, "2");
        let undo = format!("{cash_at}/undo");
        let undone = round
            .at_once(CLIENTS / 4, async |client| {
                world.admin().key(&format!("u{client}")).post(&undo, json!({"reason": "wrong"})).await
            })
            .await;
        assert_eq!(undone.made.len(), 1, "{undone:?}");
        assert!(undone.refused.values().all(|code| code == "not_completed_by_hand"), "{undone:?}");
        assert_eq!(world.balance("bob").await, "1");
    });
}

/// F3: verifications and the webhook of a refund at once take it back once.
#[test]
fn verifications_and_events_of_a_refund_at_once_take_back_once() {
    race("payment::verifications_and_events_of_a_refund_at_once_take_back_once", Weight::Light, async |round| {
        let world = round.world;
        let order = crate::payment::refunds::paid(world, "stripe").await;
        world.advance(1).await;
        world.pay(&order, json!({"action": "refund", "amount": "30", "notify": "twice"})).await;
        let verify = format!("/v1/admin/payment/orders/{}/verify", order["id"].as_str().unwrap());
        round.contend();
        let mut asked: Vec<std::pin::Pin<Box<dyn Future<Output = ()> + '_>>> = Vec::new();
        for _ in 0..CLIENTS / 8 {
            let (soon, later_on) = (round.soon(500), round.soon(500));
            let verify = &verify;
            asked.push(Box::pin(later(soon, async move {
                world.admin().post(verify, json!({})).await;
            })));
            asked.push(Box::pin(later(later_on, async {
                world.stack.pump_webhooks().await;
            })));
        }
        together(asked).await;
        round.calm();
        world.swept().await;
        let shown = world.user("bob").get(&path(&order)).await.is(200);
        assert_eq!((&shown["net"]["amount"], shown["refunds"].as_array().unwrap().len()), (&json!("70.00"), 1));
        assert_eq!(world.balance("bob").await, "12.63888887");
    });
}

/// Asserts that every order is credited if its provider has the money, and over otherwise.
/// All are within the hour, but those paid right after the last poll whose notification was lost. Reconciliation settles these.
async fn is_paid_or_over(world: &World, orders: &[Value]) {
    for seconds in [900, 900, 900, 900, 26 * 3_600, 3_600] {
        world.advance(seconds).await;
        for schedule in ["poll-payments", "expire-orders", "reconcile"] {
            world.stack.tick(schedule).await.unwrap();
        }
        world.settle().await;
    }
    world.sign_in("bob").await;
    let book = world.stack.simulators.book();
    let mut credited = Decimal::ZERO;
    for order in orders {
        let id = order["id"].as_str().unwrap();
        let took = book.trade_of(id).is_some_and(|trade| trade.ended_at.is_some()) || !book.payments_of(id).is_empty();
        let shown = world.user("bob").get(&path(order)).await.is(200);
        let status = shown["status"].as_str().unwrap();
        assert_eq!(took, status == "paid", "{took} {shown}");
        assert!(["paid", "expired", "cancelled"].contains(&status), "{shown}");
        credited += if took { Decimal::ONE } else { Decimal::ZERO };
    }
    assert_eq!(world.balance("bob").await, credited.to_string());
}
