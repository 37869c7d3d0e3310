//! Money that went back elsewhere, told to nobody or by a person (R4.10–R4.12, F3, F8, F9).

use emulator::faults::Fault;
use serde_json::{Value, json};

use crate::payment::refunds::paid;
use crate::world::{Answer, World};

fn admins(order: &Value, rest: &str) -> String {
    format!("/v1/admin/payment/orders/{}{rest}", order["id"].as_str().unwrap())
}

async fn record(world: &World, order: &Value, body: Value) -> Answer {
    world.admin().once().post(&admins(order, "/refunds"), body).await
}

/// State and net of the order, and the bob's balance.
async fn seen(world: &World, order: &Value) -> (String, String, String) {
    let file = world.admin().get(&admins(order, "")).await.is(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&file["status"]), text(&file["net"]["amount"]), world.balance("bob").await)
}

fn is(status: &str, net: &str, balance: &str) -> (String, String, String) {
    (status.to_owned(), net.to_owned(), balance.to_owned())
}

/// F9: a refund that was made at the gateway's own dashboard is recorded with its reference, once.
#[test]
fn a_refund_made_at_the_gateway_is_recorded_by_its_reference() {
    World::run(async |world| {
        let order = paid(world, "zpay").await;
        world.pay(&order, json!({"action": "refund", "amount": "30"})).await;
        let body = json!({"amount": "30", "reason": "asked by mail", "made_elsewhere": true, "reference": "R-17"});
        let made = record(world, &order, body.clone()).await.is(201);
        assert_eq!((&made["state"], &made["amount"]["amount"]), (&json!("succeeded"), &json!("30.00")));
        assert_eq!(made["reason"], "asked by mail");
        assert_eq!(seen(world, &order).await, is("partially_refunded", "70.00", "12.63888887"));
        let again = record(world, &order, body).await.refused(422, "invalid");
        assert_eq!(again["errors"][0]["pointer"], "/reference");
        let above = json!({"amount": "70.01", "reason": "x", "made_elsewhere": true, "reference": "R-18"});
        assert_eq!(record(world, &order, above).await.refused(422, "invalid")["errors"][0]["pointer"], "/amount");
        for body in [
            json!({"reason": "x", "made_elsewhere": true}),
            json!({"reason": "x", "reference": "R-19"}),
            json!({"reason": "x", "made_elsewhere": true, "reference": ""}),
        ] {
            assert_eq!(record(world, &order, body).await.refused(422, "invalid")["errors"][0]["pointer"], "/reference");
        }
        world.pay(&order, json!({"action": "refund", "amount": "70"})).await;
        let rest = json!({"reason": "the rest", "made_elsewhere": true, "reference": "R-20"});
        record(world, &order, rest).await.is(201);
        assert_eq!(seen(world, &order).await, is("refunded", "0.00", "0"));
    });
}

/// F9, F3: at Stripe the reference has to be one of its refunds; recording adds the reason and takes back once.
#[test]
fn a_refund_made_at_stripes_dashboard_is_recorded_by_its_id() {
    World::run(async |world| {
        let order = paid(world, "stripe").await;
        let unknown = json!({"reason": "x", "made_elsewhere": true, "reference": "re_unknown"});
        record(world, &order, unknown).await.refused(422, "invalid");
        assert_eq!(seen(world, &order).await, is("paid", "100.00", "18.05555554"));
        world.advance(1).await;
        world.pay(&order, json!({"action": "refund", "amount": "30", "notify": "never"})).await;
        let id = world.stack.simulators.book().refunds.keys().next().unwrap().clone();
        let body = json!({"reason": "by the dashboard", "made_elsewhere": true, "reference": id});
        let made = record(world, &order, body.clone()).await.is(201);
        assert_eq!((&made["amount"]["amount"], &made["reason"]), (&json!("30.00"), &json!("by the dashboard")));
        assert_eq!(seen(world, &order).await, is("partially_refunded", "70.00", "12.63888887"));
        record(world, &order, body).await.refused(422, "invalid");
        assert_eq!(seen(world, &order).await, is("partially_refunded", "70.00", "12.63888887"));
    });
}

/// F9: a refund that the gateway refused can be confirmed as made by hand; twice it can't.
#[test]
fn a_refund_that_the_gateway_refused_can_be_confirmed_as_made() {
    World::run(async |world| {
        let order = paid(world, "zpay").await;
        // Made at the dashboard before, so that the gateway refuses it.
        world.pay(&order, json!({"action": "refund"})).await;
        let body = json!({"amount": "30", "reason": "sorry"});
        let failed = world.admin().once().post(&admins(&order, "/refunds"), body).await.is(201);
        assert_eq!(failed["state"], "failed");
        let path = admins(&order, &format!("/refunds/{}/confirm", failed["id"].as_str().unwrap()));
        let zero = json!({"amount": "0", "reason": "it was not"});
        world.admin().once().post(&path, zero).await.refused(409, "refund_closed");
        let more = json!({"amount": "30.01", "reason": "more"});
        world.admin().once().post(&path, more).await.refused(422, "invalid");
        let made = world.admin().once().post(&path, json!({"reason": "seen there"})).await.is(200);
        assert_eq!((&made["state"], &made["failure"]), (&json!("succeeded"), &Value::Null));
        assert_eq!(seen(world, &order).await, is("partially_refunded", "70.00", "12.63888887"));
        world.admin().once().post(&path, json!({"reason": "again"})).await.refused(409, "refund_closed");
        // The rest of what the gateway gave back.
        let rest = json!({"reason": "the rest", "made_elsewhere": true, "reference": "R-1"});
        record(world, &order, rest).await.is(201);
    });
}

/// F3: "I have paid" and the admin's verification read the refunds and disputes that nobody told.
#[test]
fn a_verification_reads_what_went_back() {
    for by in ["bob", "admin"] {
        World::run(async |world| {
            let order = paid(world, "stripe").await;
            world.advance(1).await;
            world.pay(&order, json!({"action": "refund", "amount": "30", "notify": "never"})).await;
            world.pay(&order, json!({"action": "dispute", "amount": "20", "notify": "never"})).await;
            let path = match by {
                "bob" => format!("/v1/payment/orders/{}/verify", order["id"].as_str().unwrap()),
                _ => admins(&order, "/verify"),
            };
            for _ in 0..2 {
                let shown = world.user(by).post(&path, json!({})).await.is(200);
                assert_eq!((&shown["status"], &shown["net"]["amount"]), (&json!("disputed"), &json!("50.00")));
            }
            world.settle().await;
            assert_eq!(world.balance("bob").await, "9.02777777");
        });
    }
}

/// F3: an admin's refund that Stripe refuses, since it was given back before, takes over what Stripe has.
#[test]
fn a_refund_that_stripe_has_made_already_is_taken_over() {
    World::run(async |world| {
        let order = paid(world, "stripe").await;
        world.advance(1).await;
        world.pay(&order, json!({"action": "refund", "notify": "never"})).await;
        let refused = world.admin().once().post(&admins(&order, "/refunds"), json!({"reason": "sorry"})).await.is(201);
        assert_eq!(refused["state"], "failed");
        assert_eq!(seen(world, &order).await, is("refunded", "0.00", "0"));
    });
}

const REVIEWS: &str = "/v1/admin/payment/reviews";

/// Bob paid ¥60 of ¥100; the review is resolved as due for its refund.
async fn due(world: &World, provider: &str) -> (Value, String) {
    world.open().await;
    world.register("bob", None).await;
    let order = world.order("bob", json!({"offer_id": "o100", "provider": provider})).await;
    world.pay(&order, json!({"amount": "60.00"})).await;
    world.settle().await;
    let review = world.admin().get(REVIEWS).await.is(200)["items"][0]["id"].as_str().unwrap().to_owned();
    let confirm = format!("{REVIEWS}/{review}/confirm");
    world.admin().once().post(&confirm, json!({"reference": "R-1"})).await.refused(409, "refund_not_due");
    let body = json!({"action": "refund_due", "reason": "not theirs"});
    world.admin().once().post(&format!("{REVIEWS}/{review}/resolve"), body).await.is(200);
    (order, confirm)
}

/// F8: a gateway reports no refund: a person confirms it, and the money leaves suspense.
#[test]
fn a_refund_due_of_a_gateway_is_confirmed_by_a_person() {
    World::run(async |world| {
        let (order, confirm) = due(world, "zpay").await;
        world.pay(&order, json!({"action": "refund", "amount": "60"})).await;
        let done = world.admin().key("k").post(&confirm, json!({"reference": "R-1"})).await.is(200);
        assert_eq!((&done["state"], &done["remaining"]["amount"]), (&json!("refunded"), &json!("0.00")));
        let again = world.admin().key("k").post(&confirm, json!({"reference": "R-1"})).await.is(200);
        assert_eq!(again, done);
        world.admin().once().post(&confirm, json!({"reference": "R-2"})).await.refused(409, "review_closed");
    });
}

/// F8: of many confirmations at once one is made.
#[test]
fn one_of_many_confirmations_at_once_is_made() {
    World::run(async |world| {
        let (order, confirm) = due(world, "zpay").await;
        world.pay(&order, json!({"action": "refund", "amount": "60"})).await;
        let one = |number: u32| world.admin().once().post(&confirm, json!({"reference": format!("R-{number}")}));
        let answers = crate::race::together((0..8).map(one).collect()).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
        for answer in answers.into_iter().filter(|answer| answer.status != 200) {
            answer.refused(409, "review_closed");
        }
    });
}

/// F8: Stripe is asked: what it still holds is not confirmed, what it gave back is.
#[test]
fn a_refund_due_of_stripe_is_confirmed_by_asking_stripe() {
    World::run(async |world| {
        let (order, confirm) = due(world, "stripe").await;
        world.admin().once().post(&confirm, json!({"reference": "re_1"})).await.refused(422, "invalid");
        world.advance(1).await;
        world.pay(&order, json!({"action": "refund", "notify": "never"})).await;
        world.stack.faults.script("Provider", 0, Fault::ErrorBefore);
        let done =
            world.insist(async || world.admin().key("k").post(&confirm, json!({"reference": "re_1"})).await).await;
        assert_eq!(done.is(200)["state"], "refunded");
    });
}

const REPORTS: &str = "/v1/admin/payment/reconciliations";

/// Advances to 01:00 of the next day, and lets the report of the day before be made.
async fn reported(world: &World) {
    for _ in 0..24 {
        world.advance(3_600).await;
        world.stack.tick("expire-orders").await.unwrap();
    }
    for _ in 0..2 {
        world.stack.tick("reconcile").await.unwrap();
        world.settle().await;
    }
    world.sign_in("admin").await;
    world.sign_in("bob").await;
}

/// State of Stripe's report of a day, its differences, and its sums by the provider, our orders and our ledger.
async fn report(world: &World, date: &str) -> (String, u64, [String; 3]) {
    let listed = world.admin().get(&format!("{REPORTS}?from={date}&to={date}")).await.is(200);
    let found = listed["items"].as_array().unwrap().iter().find(|report| report["provider"] == "stripe").unwrap();
    let sum = |side: &str| found["sums"][0][side]["amount"].as_str().unwrap_or_default().to_owned();
    let sums = ["book", "orders", "ledger"].map(sum);
    (found["state"].as_str().unwrap().to_owned(), found["differences"].as_u64().unwrap(), sums)
}

/// F3: refunds and disputes made a day after the payment, and told to nobody, are found by the report of their day.
/// The report of the payment's day is made again with what is left.
#[test]
fn a_refund_or_dispute_of_a_later_day_is_found_and_reopens_the_earlier_days_line() {
    for (action, status) in [("refund", "partially_refunded"), ("dispute", "disputed")] {
        World::run(async |world| {
            let order = paid(world, "stripe").await;
            reported(world).await;
            let whole = ["100.00", "100.00", "100.00"].map(str::to_owned);
            assert_eq!(report(world, "2026-11-20").await, ("done".to_owned(), 0, whole));
            world.pay(&order, json!({"action": action, "amount": "30", "notify": "never"})).await;
            reported(world).await;
            assert_eq!(seen(world, &order).await, is(status, "70.00", "12.63888887"));
            let left = ["70.00", "70.00", "70.00"].map(str::to_owned);
            assert_eq!(report(world, "2026-11-20").await, ("done".to_owned(), 0, left.clone()));
            assert_eq!(report(world, "2026-11-21").await.1, 0);
            let pages = |items: &[shared::table::item::Item]| {
                items.iter().filter(|item| shared::table::item::text(item, "type") == Some("reconciliation")).count()
            };
            let before = pages(&world.stack.items().unwrap());
            reported(world).await;
            assert_eq!(report(world, "2026-11-20").await, ("done".to_owned(), 0, left));
            assert!(pages(&world.stack.items().unwrap()) > before);
        });
    }
}
