//! Money in review, and its resolution by a person (R4.5, R4.12).
//! The auditor of every world checks that suspense agrees with the providers' books (P4, P8).

use serde_json::{Value, json};

use crate::payment::refunds::act;
use crate::payment::webhooks::{completed, tell, with};
use crate::race::together;
use crate::world::{Answer, World};

const REVIEWS: &str = "/v1/admin/payment/reviews";

/// Bob has an order of ¥100 by `provider` and paid ¥60 of it.
async fn short(world: &World, provider: &str) -> (Value, String) {
    world.open().await;
    world.register("bob", None).await;
    let order = world.order("bob", json!({"offer_id": "o100", "provider": provider})).await;
    world.pay(&order, json!({"amount": "60.00"})).await;
    world.settle().await;
    let review = newest(world).await;
    assert_eq!((&review["reason"], &review["remaining"]["amount"]), (&json!("amount_mismatch"), &json!("60.00")));
    (order, review["id"].as_str().unwrap().to_owned())
}

async fn newest(world: &World) -> Value {
    world.admin().get(REVIEWS).await.is(200)["items"][0].clone()
}

/// State of the newest review item, and its remaining money in suspense.
async fn state(world: &World) -> (String, String) {
    let review = newest(world).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&review["state"]), text(&review["remaining"]["amount"]))
}

fn is(state: &str, left: &str) -> (String, String) {
    (state.to_owned(), left.to_owned())
}

async fn resolve(world: &World, review: &str, body: Value) -> Answer {
    world.admin().once().post(&format!("{REVIEWS}/{review}/resolve"), body).await
}

/// R4.12: the received amount is credited by a new paid order, without bonus.
/// The original order can still be paid.
#[test]
fn money_in_review_is_credited_by_a_new_order_over_what_was_received() {
    for provider in ["stripe", "zpay"] {
        World::run(async |world| {
            let (order, review) = short(world, provider).await;
            let body = json!({"action": "credit", "order_id": order["id"], "reason": "it was them"});
            let path = format!("{REVIEWS}/{review}/resolve");
            let done = world.admin().key("k").post(&path, body.clone()).await.is(200);
            assert_eq!((&done["state"], &done["remaining"]["amount"]), (&json!("credited"), &json!("0.00")));
            assert_eq!(done["resolution"]["reason"], "it was them");
            assert_eq!(world.admin().key("k").post(&path, body).await.is(200)["state"], "credited");
            // ¥60 at 7.2.
            assert_eq!(world.balance("bob").await, "8.33333333");
            let made = format!("/v1/payment/orders/{}", done["resolution"]["order_id"].as_str().unwrap());
            let made = world.user("bob").get(&made).await.is(200);
            assert_eq!((&made["status"], &made["charge"]["amount"]), (&json!("paid"), &json!("60.00")));
            assert_eq!((&made["bonus"]["amount"], &made["provider"]), (&json!("0"), &json!(provider)));
            let audits = world.admin().get("/v1/admin/audit").await.is(200)["items"].clone();
            let mut audits = audits.as_array().unwrap().iter().filter(|audit| audit["action"] == "review.resolved");
            assert_eq!((&audits.next().unwrap()["reason"], audits.next()), (&json!("it was them"), None));
            world.settle().await;
            let totals = world.admin().get("/v1/admin/payment/orders/summary").await.is(200);
            assert_eq!((&totals["orders"], &totals["charge"]["amount"]), (&json!(1), &json!("60.00")));
            if provider == "stripe" {
                act(world, &made, "refund", json!({"amount": "30", "order_id": order["id"]})).await;
                assert_eq!(world.balance("bob").await, "4.16666666");
                return;
            }
            // The original order is paid after all.
            world.pay(&order, json!({"amount": "100"})).await;
            world.settle().await;
            assert_eq!(world.balance("bob").await, "26.38888887");
        });
    }
}

/// R4.5, R4.12: money credited by a person is not reviewed again on a repeated event.
/// It follows its refunds.
#[test]
fn a_payment_that_a_person_credited_stays_credited() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        let event = completed(world, &order).await;
        let wrong = [("/id", json!("evt_short")), ("/data/object/amount_total", json!(6_000))];
        tell(world, &with(&event, &wrong)).await.is(200);
        let review = newest(world).await["id"].as_str().unwrap().to_owned();
        let body = json!({"action": "credit", "order_id": order["id"], "reason": "it was them"});
        resolve(world, &review, body).await.is(200);
        for changes in
            [&[][..], &[("/id", json!("evt_again")), ("/type", json!("checkout.session.async_payment_succeeded"))]]
        {
            tell(world, &with(&event, changes)).await.is(200);
        }
        world
            .user("bob")
            .post(&format!("/v1/payment/orders/{}/verify", order["id"].as_str().unwrap()), json!({}))
            .await;
        assert_eq!(world.balance("bob").await, "8.33333333");
        // What the provider says beyond it is a fact that does not fit, and one review of its own (F2).
        let listed = world.admin().get(REVIEWS).await.is(200);
        let reasons: Vec<&str> =
            listed["items"].as_array().unwrap().iter().map(|item| item["reason"].as_str().unwrap()).collect();
        assert_eq!(reasons, ["payment_differs", "amount_mismatch"]);
    });
}

/// R4.12: of simultaneous decisions one is made.
#[test]
fn one_of_many_decisions_at_once_is_made() {
    World::run(async |world| {
        let (order, review) = short(world, "stripe").await;
        let credit = json!({"action": "credit", "order_id": order["id"], "reason": "a"});
        let others = [json!({"action": "refund_due", "reason": "b"}), json!({"action": "ignore", "reason": "c"})];
        let bodies = [credit.clone(), credit.clone(), others[0].clone(), others[1].clone(), credit.clone()];
        let answers = together(bodies.into_iter().map(|body| resolve(world, &review, body)).collect()).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
        for answer in answers.into_iter().filter(|answer| answer.status != 200) {
            answer.refused(409, "review_closed");
        }
        resolve(world, &review, credit).await.refused(409, "review_closed");
        let given = if state(world).await.0 == "credited" { "8.33333333" } else { "0" };
        assert_eq!(world.balance("bob").await, given);
    });
}

/// R4.5: a later event that credits the payment closes its review item.
/// A decision at the same time credits it once in total.
#[test]
fn a_later_event_that_fits_closes_the_item() {
    for decided in [None, Some("ignore"), Some("refund_due")] {
        World::run(async |world| {
            world.open().await;
            world.register("bob", None).await;
            let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
            let event = completed(world, &order).await;
            let wrong = [("/id", json!("evt_short")), ("/data/object/amount_total", json!(6_000))];
            tell(world, &with(&event, &wrong)).await.is(200);
            let review = newest(world).await["id"].as_str().unwrap().to_owned();
            if let Some(action) = decided {
                resolve(world, &review, json!({"action": action, "reason": "x"})).await.is(200);
            }
            let credit = json!({"action": "credit", "order_id": order["id"], "reason": "x"});
            let (told, resolved) = tokio::join!(tell(world, &event), resolve(world, &review, credit.clone()));
            told.is(200);
            assert_eq!(state(world).await.0, "credited");
            let by_person = resolved.status == 200;
            assert!(!by_person || decided.is_none());
            if !by_person {
                resolved.refused(409, "review_closed");
                assert_eq!(world.balance("bob").await, "18.05555554");
            }
            resolve(world, &review, credit).await.refused(409, "review_closed");
        });
    }
}

/// R4.11, R4.12: an item to be refunded closes once all of its money went back.
/// Ignored money leaves suspense only when it goes back, by a refund or a dispute.
#[test]
fn money_that_goes_back_leaves_suspense() {
    for (action, decided, gone) in
        [("refund_due", "refund_due", "refunded"), ("ignore", "ignored", "ignored"), ("", "open", "refunded")]
    {
        World::run(async |world| {
            let (order, review) = short(world, "stripe").await;
            if !action.is_empty() {
                let done = resolve(world, &review, json!({"action": action, "reason": "because"})).await.is(200);
                assert_eq!((&done["state"], &done["resolution"]["reason"]), (&json!(decided), &json!("because")));
            }
            assert_eq!(state(world).await, is(decided, "60.00"));
            act(world, &order, "refund", json!({"amount": "20"})).await;
            assert_eq!(state(world).await, is(decided, "40.00"));
            act(world, &order, "dispute", json!({"amount": "40"})).await;
            assert_eq!(state(world).await, is(gone, "0.00"));
            act(world, &order, "dispute_won", json!({})).await;
            let back = if action == "ignore" { "ignored" } else { "open" };
            assert_eq!(state(world).await, is(back, "40.00"));
            act(world, &order, "refund", json!({})).await;
            assert_eq!(state(world).await, is(gone, "0.00"));
            assert_eq!(world.balance("bob").await, "0");
        });
    }
}

/// R4.12: partly refunded money in review is credited with the rest.
#[test]
fn what_is_left_of_money_in_review_is_credited() {
    World::run(async |world| {
        let (order, review) = short(world, "stripe").await;
        act(world, &order, "refund", json!({"amount": "24"})).await;
        let body = json!({"action": "credit", "order_id": order["id"], "reason": "the rest is theirs"});
        let done = resolve(world, &review, body).await.is(200);
        // 8.33333333 × 36 ÷ 60.
        assert_eq!(world.balance("bob").await, "4.99999999");
        let made = format!("/v1/payment/orders/{}", done["resolution"]["order_id"].as_str().unwrap());
        let made = world.user("bob").get(&made).await.is(200);
        assert_eq!((&made["status"], &made["net"]["amount"]), (&json!("partially_refunded"), &json!("36.00")));
        act(world, &order, "refund_fails", json!({})).await;
        assert_eq!(world.balance("bob").await, "8.33333333");
    });
}

/// R4.12: an invalid decision is rejected with its pointer, and changes nothing.
#[test]
fn a_decision_that_makes_no_sense_changes_nothing() {
    World::run(async |world| {
        let (order, review) = short(world, "stripe").await;
        let other = "ord_01arz3ndektsv4rrffq69g5fav";
        for (body, pointer) in [
            (json!({"action": "credit", "reason": "x"}), "/order_id"),
            (json!({"action": "credit", "order_id": "ord_", "reason": "x"}), "/order_id"),
            (json!({"action": "credit", "order_id": other, "reason": "x"}), "/order_id"),
            (json!({"action": "ignore", "order_id": order["id"], "reason": "x"}), "/order_id"),
            (json!({"action": "keep", "reason": "x"}), "/action"),
            (json!({"action": "ignore", "reason": ""}), "/reason"),
        ] {
            let problem = resolve(world, &review, body.clone()).await.refused(422, "invalid");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
        }
        let good = json!({"action": "ignore", "reason": "x"});
        resolve(world, "rvw_01arz3ndektsv4rrffq69g5fav", good.clone()).await.refused(404, "not_found");
        let keyless = world.admin().post(&format!("{REVIEWS}/{review}/resolve"), good).await;
        keyless.refused(400, "idempotency_key_required");
        assert_eq!((state(world).await, world.balance("bob").await.as_str()), (is("open", "60.00"), "0"));
        let sheet = world.admin().header("accept", "text/csv").get(REVIEWS).await;
        assert!(sheet.text.lines().next().unwrap().ends_with("remaining.amount,resolution.reason,resolution.order_id"));
    });
}

/// R4.5, R4.12: an item without money of its own can only be ignored.
#[test]
fn a_claim_on_another_orders_payment_can_only_be_ignored() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        let second = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        let event = completed(world, &order).await;
        tell(world, &event).await.is(200);
        let names = [
            ("/id", json!("evt_other")),
            ("/data/object/client_reference_id", second["id"].clone()),
            ("/data/object/metadata/order_id", second["id"].clone()),
        ];
        tell(world, &with(&event, &names)).await.is(200);
        let review = newest(world).await;
        assert_eq!((&review["reason"], &review["remaining"]["amount"]), (&json!("other_order"), &json!("0.00")));
        let id = review["id"].as_str().unwrap();
        for body in [
            json!({"action": "credit", "order_id": second["id"], "reason": "x"}),
            json!({"action": "refund_due", "reason": "x"}),
        ] {
            let problem = resolve(world, id, body).await.refused(422, "invalid");
            assert_eq!(problem["errors"][0]["code"], "no_money");
        }
        resolve(world, id, json!({"action": "ignore", "reason": "x"})).await.is(200);
        assert_eq!((state(world).await.0.as_str(), world.balance("bob").await.as_str()), ("ignored", "18.05555554"));
    });
}
