//! Refunds by an admin, by Stripe and by a gateway (R4.11), confirmed by hand if need be (R4.12).

use emulator::faults::Fault;
use serde_json::{Value, json};

use crate::race::together;
use crate::world::World;

/// Bob has paid ¥100 by `provider`.
pub async fn paid(world: &World, provider: &str) -> Value {
    world.open().await;
    world.register("bob", None).await;
    let order = world.order("bob", json!({"offer_id": "o100", "provider": provider})).await;
    world.pay(&order, json!({})).await;
    world.settle().await;
    assert_eq!(world.balance("bob").await, "18.05555554");
    order
}

/// Applies an action to a payment at its provider and delivers the events.
pub async fn act(world: &World, order: &Value, action: &str, more: Value) {
    // Stripe's timestamps are in seconds, and later events need a later one.
    world.advance(1).await;
    let mut ask = json!({"action": action});
    ask.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.pay(order, ask).await;
    world.settle().await;
}

fn admins(order: &Value, rest: &str) -> String {
    format!("/v1/admin/payment/orders/{}{rest}", order["id"].as_str().unwrap())
}

/// The operator's view of an order: state, net and refunds.
pub async fn file(world: &World, order: &Value) -> (String, String, Vec<(String, String)>) {
    let file = world.admin().get(&admins(order, "")).await.is(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let refunds = file["refunds"].as_array().unwrap().iter();
    let refunds = refunds.map(|refund| (text(&refund["amount"]["amount"]), text(&refund["state"]))).collect();
    (text(&file["status"]), text(&file["net"]["amount"]), refunds)
}

fn seen(status: &str, net: &str, refunds: &[(&str, &str)]) -> (String, String, Vec<(String, String)>) {
    let refunds = refunds.iter().map(|(amount, state)| ((*amount).to_owned(), (*state).to_owned())).collect();
    (status.to_owned(), net.to_owned(), refunds)
}

/// Total refunds at both providers, in fen.
pub fn given_back(world: &World) -> i64 {
    let book = world.stack.simulators.book();
    let stripes: i64 = book.payments.values().map(|payment| payment.refunded).sum();
    stripes + book.trades.values().flat_map(|trade| &trade.refunds).map(|part| part.minor_units().unwrap()).sum::<i64>()
}

async fn audits(world: &World, action: &str) -> usize {
    let audits = world.admin().get("/v1/admin/audit?limit=100").await.is(200);
    audits["items"].as_array().unwrap().iter().filter(|audit| audit["action"] == action).count()
}

/// R4.11: refunding ¥30 of ¥100 leaves 70 % of credit and bonus, rounded down.
/// The user sees amounts and times of refunds.
#[test]
fn an_admin_gives_a_part_back_and_then_the_rest() {
    for provider in ["stripe", "zpay"] {
        World::run(async |world| {
            let order = paid(world, provider).await;
            let path = admins(&order, "/refunds");
            let body = json!({"amount": "30", "reason": "sorry"});
            let refund = world.admin().once().post(&path, body).await.is(201);
            assert_eq!((&refund["state"], &refund["amount"]["amount"]), (&json!("succeeded"), &json!("30.00")));
            assert_eq!(refund["reason"], "sorry");
            world.settle().await;
            // 9.72222221 of credit and 2.91666666 of bonus.
            assert_eq!(world.balance("bob").await, "12.63888887");
            assert_eq!(file(world, &order).await, seen("partially_refunded", "70.00", &[("30.00", "succeeded")]));
            let own = format!("/v1/payment/orders/{}", order["id"].as_str().unwrap());
            let shown = world.user("bob").get(&own).await.is(200);
            let (listed, part) = (world.user("bob").get("/v1/payment/orders").await.is(200), &shown["refunds"][0]);
            assert_eq!((&listed["items"][0], &shown["net"]["amount"]), (&shown, &json!("70.00")));
            assert_eq!(part.as_object().unwrap().keys().collect::<Vec<_>>(), ["amount", "created_at", "state"]);
            world.advance(1).await;
            world.admin().once().post(&path, json!({"reason": "all of it"})).await.is(201);
            world.settle().await;
            assert_eq!(world.balance("bob").await, "0");
            let both = [("30.00", "succeeded"), ("70.00", "succeeded")];
            assert_eq!(file(world, &order).await, seen("refunded", "0.00", &both));
            assert_eq!((given_back(world), audits(world, "order.refund_requested").await), (10_000, 2));
        });
    }
}

/// R4.11: a refund of an invalid amount, of more than the rest, or of an unpaid order is refused.
/// No money moves.
#[test]
fn a_refund_of_more_than_is_left_is_refused() {
    World::run(async |world| {
        let order = paid(world, "stripe").await;
        let unpaid = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        let path = admins(&order, "/refunds");
        for amount in ["0", "-1", "100.01", "1e1", "30.001", "NaN", ""] {
            let problem = world.admin().once().post(&path, json!({"amount": amount, "reason": "x"})).await;
            assert_eq!(problem.refused(422, "invalid")["errors"][0]["pointer"], "/amount", "{amount}");
        }
        let said = world.admin().once().post(&path, json!({"reason": " "})).await.refused(422, "invalid");
        assert_eq!(said["errors"][0]["pointer"], "/reason");
        let nothing = world.admin().once().post(&admins(&unpaid, "/refunds"), json!({"reason": "x"})).await;
        nothing.refused(409, "nothing_to_refund");
        world.admin().once().post(&path, json!({"reason": "all"})).await.is(201);
        world.admin().once().post(&path, json!({"reason": "more"})).await.refused(409, "nothing_to_refund");
        let unknown = "/v1/admin/payment/orders/ord_01arz3ndektsv4rrffq69g5fav/refunds";
        world.admin().once().post(unknown, json!({"reason": "x"})).await.refused(404, "not_found");
        world.admin().post(&path, json!({"reason": "x"})).await.refused(400, "idempotency_key_required");
        world.settle().await;
        assert_eq!((given_back(world), world.balance("bob").await.as_str()), (10_000, "0"));
    });
}

/// R4.11: simultaneous refunds never request more than the rest.
#[test]
fn refunds_at_once_give_no_more_than_is_left() {
    for provider in ["stripe", "zpay"] {
        World::run(async |world| {
            let order = paid(world, provider).await;
            let path = admins(&order, "/refunds");
            let ask = |_| world.admin().once().post(&path, json!({"amount": "30", "reason": "sorry"}));
            let answers = together((0..8).map(ask).collect()).await;
            assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 3);
            world.settle().await;
            assert_eq!(given_back(world), 9_000);
            assert_eq!(file(world, &order).await, seen("partially_refunded", "10.00", &[("30.00", "succeeded"); 3]));
        });
    }
}

/// R1.8, R4.11: one key requests one refund, under repeats and concurrency.
#[test]
fn a_refund_asked_again_with_its_key_is_made_once() {
    for provider in ["stripe", "zpay"] {
        World::run(async |world| {
            let order = paid(world, provider).await;
            let (path, body) = (admins(&order, "/refunds"), json!({"amount": "40", "reason": "sorry"}));
            let answers = together((0..6).map(|_| world.admin().key("k").post(&path, body.clone())).collect()).await;
            assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
            world.settle().await;
            let again = world.admin().key("k").post(&path, body.clone()).await;
            assert_eq!(again.headers["idempotency-replayed"], "true");
            assert_eq!(again.is(201)["state"], "succeeded");
            let other = world.admin().key("k").post(&path, json!({"amount": "41", "reason": "sorry"})).await;
            other.refused(422, "idempotency_key_reused");
            assert_eq!((given_back(world), audits(world, "order.refund_requested").await), (4_000, 1));
            assert_eq!(file(world, &order).await, seen("partially_refunded", "60.00", &[("40.00", "succeeded")]));
        });
    }
}

/// R4.11: after any fault in the call to Stripe, repeating the request completes it, with one refund.
#[test]
fn a_lost_answer_of_stripe_is_asked_for_again() {
    for &fault in Fault::SEEN {
        World::run(async |world| {
            let order = paid(world, "stripe").await;
            let (path, body) = (admins(&order, "/refunds"), json!({"amount": "30", "reason": "sorry"}));
            world.stack.faults.script("Provider", 0, fault);
            world.stack.faults.script("Provider", 0, fault);
            let first = world.admin().key("k").post(&path, body.clone()).await;
            first.refused(503, "outcome_unknown");
            world.stack.faults.clear();
            let open = file(world, &order).await.2;
            assert_eq!(open, [("30.00".to_owned(), "requested".to_owned())], "{fault:?}");
            // Stripe forgets keys after a day; the refund request does not.
            world.advance(25 * 3_600).await;
            world.sign_in("admin").await;
            world.sign_in("bob").await;
            assert_eq!(world.admin().key("k").post(&path, body).await.is(201)["state"], "succeeded", "{fault:?}");
            world.settle().await;
            assert_eq!((given_back(world), world.balance("bob").await.as_str()), (3_000, "12.63888887"), "{fault:?}");
            assert_eq!(file(world, &order).await, seen("partially_refunded", "70.00", &[("30.00", "succeeded")]));
        });
    }
}

/// R4.11: a gateway refund with an unknown result is not requested again.
/// A person checks the gateway and confirms it, once.
#[test]
fn a_gateway_that_does_not_tell_is_asked_once_and_confirmed_by_hand() {
    let rows = [
        (Fault::ReplyLost, json!({}), 3_000, "12.63888887"),
        (Fault::Refused, json!({"amount": "0"}), 0, "18.05555554"),
    ];
    for (fault, amount, given, balance) in rows {
        World::run(async |world| {
            let order = paid(world, "zpay").await;
            let (path, body) = (admins(&order, "/refunds"), json!({"amount": "30", "reason": "sorry"}));
            world.stack.faults.script("Provider", 0, fault);
            for _ in 0..3 {
                assert_eq!(world.admin().key("k").post(&path, body.clone()).await.is(201)["state"], "requested");
            }
            assert_eq!((given_back(world), world.balance("bob").await.as_str()), (given, "18.05555554"));
            let rest = world.admin().once().post(&path, json!({"amount": "70.01", "reason": "more"})).await;
            rest.refused(422, "invalid");
            let id = world.admin().key("k").post(&path, body).await.is(201)["id"].as_str().unwrap().to_owned();
            let confirm = format!("{path}/{id}/confirm");
            let mut seen_there = json!({"reason": "seen at the gateway"});
            seen_there.as_object_mut().unwrap().extend(amount.as_object().unwrap().clone());
            let too_much = world.admin().post(&confirm, json!({"amount": "30.01", "reason": "x"})).await;
            too_much.refused(422, "invalid");
            let said = |_| world.admin().post(&confirm, seen_there.clone());
            let answers = together((0..4).map(said).collect()).await;
            assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
            world.settle().await;
            let state = if given == 0 { "failed" } else { "succeeded" };
            assert_eq!(file(world, &order).await.2, [("30.00".to_owned(), state.to_owned())]);
            assert_eq!(world.balance("bob").await, balance);
            world.admin().post(&confirm, seen_there).await.refused(409, "refund_closed");
            let unknown = format!("{path}/rfd_01arz3ndektsv4rrffq69g5fav/confirm");
            world.admin().post(&unknown, json!({"reason": "x"})).await.refused(404, "not_found");
            assert_eq!(audits(world, "order.refund_confirmed").await, 1);
        });
    }
}

/// R4.11: a refund that the provider refuses has failed, and can be requested again.
#[test]
fn a_refund_that_the_provider_refuses_has_failed() {
    World::run(async |world| {
        let order = paid(world, "stripe").await;
        act(world, &order, "dispute", json!({"amount": "50"})).await;
        let refund = world.admin().once().post(&admins(&order, "/refunds"), json!({"reason": "sorry"})).await.is(201);
        assert_eq!((&refund["state"], &refund["amount"]["amount"]), (&json!("failed"), &json!("50.00")));
        assert!(refund["failure"].as_str().unwrap().contains("charged back"), "{refund}");
        act(world, &order, "dispute_won", json!({})).await;
        world.admin().once().post(&admins(&order, "/refunds"), json!({"reason": "sorry"})).await.is(201);
        world.settle().await;
        let both = [("50.00", "failed"), ("100.00", "succeeded")];
        assert_eq!(file(world, &order).await, seen("refunded", "0.00", &both));
    });
}

/// R4.11: a refund that fails later gives the credit back, for good.
#[test]
fn a_refund_that_fails_later_gives_the_credit_back() {
    World::run(async |world| {
        let order = paid(world, "stripe").await;
        world.admin().once().post(&admins(&order, "/refunds"), json!({"reason": "sorry"})).await.is(201);
        world.settle().await;
        assert_eq!(world.balance("bob").await, "0");
        act(world, &order, "refund_fails", json!({})).await;
        assert_eq!(world.balance("bob").await, "18.05555554");
        assert_eq!(file(world, &order).await, seen("paid", "100.00", &[("100.00", "failed")]));
        act(world, &order, "refund_pending", json!({"amount": "10"})).await;
        let pending = [("100.00", "failed"), ("10.00", "requested")];
        assert_eq!(file(world, &order).await, seen("partially_refunded", "90.00", &pending));
        act(world, &order, "refund_succeeds", json!({})).await;
        let done = [("100.00", "failed"), ("10.00", "succeeded")];
        assert_eq!(file(world, &order).await, seen("partially_refunded", "90.00", &done));
    });
}
