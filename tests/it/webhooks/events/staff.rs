//! Events for the operator's staff: payments in review, cases of risk, failed rewards.

use emulator::sqs::{Outgoing, Receive};
use serde_json::{Value, json};

use super::kinds::{once, told};
use super::{endpoint, heard};
use crate::operations::risk::{held_case, programmes};
use crate::payment::reconciliation::{bob, next_day, ordered, reconcile};
use crate::payment::refunds::act;
use crate::world::World;

const KINDS: [&str; 4] = ["review.opened", "case.*", "reward.*", "order.paid"];

/// Bob's payment of ¥60 for an order of ¥100, in review.
pub async fn short(world: &World) -> Value {
    let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
    world.pay(&order, json!({"amount": "60.00", "notify": "twice"})).await;
    world.settle().await;
    order
}

/// R4.5: a payment that needs a person is told once, however often the provider tells it, and again when its money comes back.
#[test]
fn a_review_that_opens_is_told_once() {
    World::run(async |world| {
        world.open().await;
        endpoint(world, &KINDS).await;
        world.register("bob", None).await;
        let order = short(world).await;
        let said = once(world, "review.opened");
        let review = world.admin().get("/v1/admin/payment/reviews").await.is(200)["items"][0].clone();
        for field in ["id", "provider", "payment_id", "order_id", "reason", "received", "state", "created_at"] {
            assert_eq!(said[field], review[field], "{field}");
        }
        assert_eq!((&said["order_id"], &said["reason"]), (&order["id"], &json!("amount_mismatch")));
        assert!(told(world, "order.paid").is_empty());
        act(world, &order, "refund", json!({})).await;
        once(world, "review.opened");
        act(world, &order, "refund_fails", json!({})).await;
        assert_eq!(told(world, "review.opened").len(), 2, "the money is there again");
        for heard in heard(world) {
            assert!(!heard.body.contains("bob"), "{}", heard.body);
        }
    });
}

/// R4.10: a difference that the daily report finds is told, once.
#[test]
fn a_difference_of_the_daily_report_is_told_once() {
    World::run(async |world| {
        bob(world).await;
        let order = ordered(world, "stripe", json!({})).await;
        endpoint(world, &["review.*"]).await;
        world.stack.simulators.clear();
        next_day(world).await;
        for _ in 0..2 {
            reconcile(world).await;
            world.settle().await;
        }
        let said = once(world, "review.opened");
        assert_eq!((&said["reason"], &said["order_id"]), (&json!("difference"), &order["id"]));
    });
}

/// R10.2: a case is told when it opens, without addresses and hashes, and not when it is decided.
#[test]
fn a_case_that_opens_is_told_once() {
    World::run(async |world| {
        endpoint(world, &KINDS).await;
        let invitee = held_case(world).await;
        let said = once(world, "case.opened");
        assert_eq!((&said["invitee_id"], &said["state"]), (&json!(invitee), &json!("held")));
        let evidence = json!([{"rule": "email_alias", "class": "same_mailbox", "effect": "hold"}]);
        assert_eq!(said["evidence"], evidence);
        assert!(!said.to_string().contains('@'), "{said}");
        let path = format!("/v1/admin/risk/cases/{invitee}/release");
        world.admin().post(&path, json!({"reason": "looked into"})).await.is(200);
        world.settle().await;
        once(world, "case.opened");
    });
}

/// Makes the next message of the reward queue a dead letter, which the job drains.
async fn given_up(world: &World) {
    let queues = &world.stack.queues;
    let letter = queues.receive("RewardQueue.fifo", &Receive::default()).await.unwrap().remove(0);
    queues.delete("RewardQueue.fifo", &letter.receipt_handle).unwrap();
    let dead = |number: &str| Outgoing::fifo(letter.body.clone(), "ann", number);
    queues.send("RewardDeadLetterQueue.fifo", dead(&letter.receipt_handle)).unwrap();
    world.stack.tick("sweep-outbox").await.unwrap();
    world.settle().await;
}

/// R3.7: a reward that fails is told, and again if its retry fails, too.
#[test]
fn a_reward_that_fails_is_told_each_time_it_does() {
    World::run(async |world| {
        let code = programmes(world).await;
        endpoint(world, &KINDS).await;
        world.register("bob", Some(&code)).await;
        given_up(world).await;
        let said = once(world, "reward.failed");
        let rewards = world.admin().get("/v1/admin/rewards?state=failed").await.is(200)["items"].clone();
        assert_eq!(rewards.as_array().unwrap().len(), 1, "{rewards}");
        assert_eq!((&said["id"], &said["state"]), (&rewards[0]["id"], &json!("failed")));
        assert_eq!(said["amount"]["amount"], "2");
        let retry = format!("/v1/admin/rewards/{}/retry", said["id"].as_str().unwrap());
        world.admin().once().post(&retry, json!({})).await.is(200);
        given_up(world).await;
        assert_eq!(told(world, "reward.failed").len(), 2);
        world.admin().once().post(&retry, json!({})).await.is(200);
        world.settle().await;
        assert_eq!(told(world, "reward.failed").len(), 2);
        assert_eq!(told(world, "reward.granted").iter().filter(|one| one["id"] == said["id"]).count(), 1);
    });
}
