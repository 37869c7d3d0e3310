//! Refunds and disputes in any order (faults.md, Webhooks; P1, P4, P8).
//! Before the payment, in parts, above it, after its credit was spent; disputes won, lost and reopened. The auditor of every
//! world checks at its end that the ledger follows the net.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::payment::refunds::{act, file, paid};
use crate::payment::webhooks::tell;
use crate::world::World;

/// State and net of an order, and Bob's balance.
async fn stands(world: &World, order: &Value) -> (String, String, String) {
    let (status, net, _) = file(world, order).await;
    (status, net, world.balance("bob").await)
}

fn is(status: &str, net: &str, balance: &str) -> (String, String, String) {
    (status.to_owned(), net.to_owned(), balance.to_owned())
}

async fn debt(world: &World) -> String {
    world.user("bob").get("/v1/me").await.is(200)["debt"]["amount"].as_str().unwrap().to_owned()
}

async fn adjust(world: &World, name: &str, amount: &str) {
    let id = world.user(name).get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
    let body = json!({"amount": amount, "remark": "by hand"});
    world.admin().once().post(&format!("/v1/admin/users/{id}/adjustments"), body).await;
}

/// The simulated Stripe's relevant events, oldest first.
fn events(world: &World) -> Vec<Value> {
    let said = |event: &Value| {
        let kind = event["type"].as_str().unwrap();
        ["checkout.session.", "charge.refunded", "refund.", "charge.dispute."]
            .iter()
            .any(|start| kind.starts_with(start))
    };
    world.stack.simulators.book().events.into_iter().filter(said).collect()
}

/// Applies actions at Stripe without delivering their events.
async fn unheard(world: &World, order: &Value, actions: &[(&str, Value)]) {
    for (action, more) in actions {
        world.advance(1).await;
        let mut ask = json!({"action": action, "notify": "never"});
        ask.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.pay(order, ask).await;
    }
}

/// R4.5, R4.11: after an early refund or dispute, the payment credits only the net.
/// This holds whether Stripe is reachable meanwhile or not.
#[test]
fn what_went_back_before_the_payment_came_is_not_credited() {
    for reachable in [true, false] {
        for (action, status, balance) in
            [("refund", "partially_refunded", "12.63888887"), ("dispute", "disputed", "12.63888887")]
        {
            World::run(async |world| {
                world.open().await;
                world.register("bob", None).await;
                let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
                unheard(world, &order, &[("pay", json!({})), (action, json!({"amount": "30"}))]).await;
                let mut told = events(world);
                told.rotate_left(1);
                if !reachable {
                    world.stack.faults.randomly_at("Provider", 1_000, 1);
                }
                for (index, event) in told.iter().enumerate() {
                    tell(world, event).await.is(200);
                    let credited = reachable || index + 1 == told.len();
                    assert_eq!(world.balance("bob").await, if credited { balance } else { "0" }, "{action} {index}");
                }
                assert_eq!(stands(world, &order).await, is(status, "70.00", balance));
                let promotion = world.user("bob").get("/v1/promotion").await.is(200);
                assert_eq!(promotion["status"], "used");
            });
        }
    }
}

/// R4.11: partial refunds take their parts, together never more than the whole payment.
/// A refund above the payment takes only the rest.
#[test]
fn refunds_in_parts_and_above_what_was_paid_take_all_and_no_more() {
    World::run(async |world| {
        let order = paid(world, "stripe").await;
        act(world, &order, "refund", json!({"amount": "0.01"})).await;
        assert_eq!(stands(world, &order).await, is("partially_refunded", "99.99", "18.05374998"));
        act(world, &order, "refund", json!({"amount": "59.99"})).await;
        assert_eq!(stands(world, &order).await, is("partially_refunded", "40.00", "7.22222221"));
        act(world, &order, "dispute", json!({})).await;
        assert_eq!(stands(world, &order).await, is("disputed", "0.00", "0"));
        act(world, &order, "dispute_lost", json!({})).await;
        assert_eq!(stands(world, &order).await, is("refunded", "0.00", "0"));
        act(world, &order, "dispute_reinstated", json!({})).await;
        assert_eq!(stands(world, &order).await, is("partially_refunded", "40.00", "7.22222221"));
        act(world, &order, "refund", json!({})).await;
        assert_eq!((stands(world, &order).await, debt(world).await), (is("refunded", "0.00", "0"), "0".to_owned()));
    });
}

/// R1.7, R4.11: spent credit becomes debt; later credit pays it first.
#[test]
fn a_refund_after_the_credit_was_spent_is_a_debt() {
    World::run(async |world| {
        let order = paid(world, "stripe").await;
        adjust(world, "bob", "-10").await;
        act(world, &order, "refund", json!({})).await;
        assert_eq!(stands(world, &order).await, is("refunded", "0.00", "0"));
        assert_eq!(debt(world).await, "10");
        adjust(world, "bob", "4").await;
        assert_eq!((world.balance("bob").await.as_str(), debt(world).await.as_str()), ("0", "6"));
        act(world, &order, "refund_fails", json!({})).await;
        assert_eq!((world.balance("bob").await.as_str(), debt(world).await.as_str()), ("12.05555554", "0"));
    });
}

/// R4.4, R4.11: an open or lost dispute takes its amount, a won one returns it, and it can be reopened.
/// An inquiry takes nothing.
#[test]
fn a_dispute_takes_its_amount_until_it_is_won() {
    World::run(async |world| {
        let order = paid(world, "stripe").await;
        let (whole, part) = (is("paid", "100.00", "18.05555554"), is("disputed", "60.00", "10.83333331"));
        act(world, &order, "inquire", json!({"amount": "40"})).await;
        assert_eq!(stands(world, &order).await, whole);
        act(world, &order, "dispute", json!({})).await;
        assert_eq!(stands(world, &order).await, part);
        act(world, &order, "dispute_updated", json!({})).await;
        assert_eq!(stands(world, &order).await, part);
        act(world, &order, "dispute_won", json!({})).await;
        assert_eq!(stands(world, &order).await, whole);
        act(world, &order, "dispute_reopened", json!({})).await;
        assert_eq!(stands(world, &order).await, part);
        act(world, &order, "dispute_lost", json!({})).await;
        assert_eq!(stands(world, &order).await, is("partially_refunded", "60.00", "10.83333331"));
        act(world, &order, "dispute_reinstated", json!({})).await;
        assert_eq!(stands(world, &order).await, whole);
        // A dispute about money that is already refunded changes only the state.
        act(world, &order, "refund", json!({})).await;
        act(world, &order, "dispute", json!({})).await;
        assert_eq!(stands(world, &order).await, is("disputed", "0.00", "0"));
        act(world, &order, "dispute_lost", json!({})).await;
        assert_eq!(stands(world, &order).await, is("refunded", "0.00", "0"));
    });
}

/// R3.6, R4.11: the inviter's reward needs the invitee's net total at the threshold.
/// A reward for registering stays.
#[test]
fn a_reward_goes_back_with_the_payment_that_earned_it() {
    World::run(async |world| {
        world.open().await;
        world.settings("referral", |settings| settings["registration"]["inviter_reward"] = json!("1")).await;
        world.register("ann", None).await;
        let code = world.code("ann").await;
        world.register("bob", Some(&code)).await;
        world.settle().await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        world.pay(&order, json!({})).await;
        world.settle().await;
        for (action, more, balance, state) in [
            ("refund", json!({"amount": "80"}), "4", "granted"),
            ("refund", json!({"amount": "0.01"}), "1", "reversed"),
            ("refund_fails", json!({}), "4", "granted"),
            ("dispute", json!({}), "1", "reversed"),
            ("dispute_lost", json!({}), "1", "reversed"),
            ("dispute_reinstated", json!({}), "4", "granted"),
        ] {
            act(world, &order, action, more).await;
            assert_eq!(world.balance("ann").await, balance, "{action}");
            let rewards = world.user("ann").get("/v1/referral/rewards").await.is(200);
            let qualified = |reward: &&Value| reward["trigger"] == "qualified";
            assert_eq!(
                rewards["items"].as_array().unwrap().iter().find(qualified).unwrap()["state"],
                state,
                "{action}"
            );
        }
    });
}

/// Final state: state, net and refunds of the order, balance and debt, and the inviter's balance.
/// A seed shuffles and repeats the events.
fn told_so(seed: Option<u64>) -> String {
    let (send, receive) = std::sync::mpsc::channel();
    World::run(async |world| {
        world.open().await;
        world.register("ann", None).await;
        let code = world.code("ann").await;
        world.register("bob", Some(&code)).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        let none = json!({});
        let happened = [
            ("pay", none.clone()),
            ("refund", json!({"amount": "30"})),
            ("refund_pending", json!({"amount": "5"})),
            ("refund_fails", none.clone()),
            ("dispute", json!({"amount": "60"})),
            ("dispute_won", none.clone()),
            ("refund", json!({"amount": "20"})),
            ("dispute_reopened", none.clone()),
            ("dispute_lost", none.clone()),
        ];
        unheard(world, &order, &happened).await;
        let mut told = events(world);
        assert_eq!(told.len(), 16);
        if let Some(seed) = seed {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let again: Vec<Value> = told.iter().filter(|_| rng.next_u32() % 4 == 0).cloned().collect();
            told.extend(again);
            for index in (1..told.len()).rev() {
                told.swap(index, rng.next_u32() as usize % (index + 1));
            }
            if rng.next_u32() % 2 == 0 {
                world.stack.faults.randomly_at("Provider", 700, seed);
            }
        }
        for event in &told {
            world.insist(async || tell(world, event).await).await.is(200);
        }
        world.stack.faults.clear();
        world.settle().await;
        let end = (stands(world, &order).await, file(world, &order).await.2, debt(world).await);
        send.send(format!("{end:?} {}", world.balance("ann").await)).unwrap();
    });
    receive.recv().unwrap()
}

/// R4.11: every order of delivery, with repeats, ends in the same balances, debts and states.
#[test]
fn every_order_of_delivery_ends_the_same() {
    let in_order = told_so(None);
    // ¥100 − 30 − 20 − 60: nothing is left.
    assert!(in_order.contains("(\"refunded\", \"0.00\", \"0\")"), "{in_order}");
    for seed in 0..24 {
        assert_eq!(told_so(Some(seed)), in_order, "seed {seed}");
    }
}
