//! Credit lots: granted credit that expires (R12.3).

use serde_json::{Value, json};
use shared::kernel::id::OrderId;
use shared::payment::effects::of_refund;

use super::refunds::{act, paid};
use crate::world::World;

const DAY: u64 = 86_400;
const CREDIT: &str = "13.88888888";
const BONUS: &str = "4.16666666";

/// Sets the days after which credit that is granted from now on expires.
async fn expiring(world: &World, days: u32) {
    world.settings("payment", |settings| settings["grant_expiry_days"] = json!(days)).await;
}

/// Lets time pass and expires what is over; returns how many lots gave something back.
pub async fn later(world: &World, seconds: u64) -> u64 {
    world.settle().await;
    world.advance(seconds).await;
    let did = world.stack.tick("expire-credit").await.unwrap();
    assert_eq!((&did["failed"], &did["left"]), (&json!(0), &json!(0)));
    world.settle().await;
    for name in ["admin", "bob"] {
        world.sign_in(name).await;
    }
    did["expired"].as_u64().unwrap()
}

/// Balance, its paid and granted part, debt.
pub async fn purse(world: &World, name: &str) -> [String; 4] {
    let me = world.user(name).get("/v1/me").await.is(200);
    ["balance", "paid", "granted", "debt"].map(|part| me[part]["amount"].as_str().unwrap().to_owned())
}

async fn adjust(world: &World, name: &str, body: Value) {
    let id = world.user(name).get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
    world.admin().once().post(&format!("/v1/admin/users/{id}/adjustments"), body).await.is(200);
}

async fn spend(world: &World, name: &str, amount: &str) {
    adjust(world, name, json!({"amount": format!("-{amount}"), "remark": "used"})).await;
}

async fn owe(world: &World, name: &str, amount: &str) {
    adjust(world, name, json!({"amount": format!("-{amount}"), "remark": "owed", "allow_debt": true})).await;
}

/// Type, amount and related id of Bob's newest entry.
async fn newest(world: &World) -> [Value; 3] {
    let records = world.user("bob").get("/v1/balance/records").await.is(200);
    let record = &records["items"][0];
    [record["type"].clone(), record["amount"]["amount"].clone(), record["related_id"].clone()]
}

/// Bob, whom Ann invited, has paid ¥100; both have their rewards.
async fn friends(world: &World) -> Value {
    world.open().await;
    world.settings("referral", |settings| settings["registration"]["invitee_reward"] = json!("2")).await;
    world.register("ann", None).await;
    let code = world.code("ann").await;
    world.register("bob", Some(&code)).await;
    let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
    world.pay(&order, json!({})).await;
    world.settle().await;
    order
}

async fn codes(world: &World, credit: &str, count: u32) -> Vec<String> {
    world.codes(json!({"label": "credit", "count": count, "credit": credit, "total_uses": 1})).await
}

fn stored(world: &World, kind: &str) -> Vec<Value> {
    let items = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
    items.into_iter().filter(|item| item["type"]["S"] == kind).collect()
}

/// R12.3: granted credit is spent first, its rest expires at its time and not before, once, and is an entry.
#[test]
fn granted_credit_is_spent_first_and_its_rest_expires_once() {
    World::run(async |world| {
        expiring(world, 30).await;
        let order = paid(world, "zpay").await;
        assert_eq!(purse(world, "bob").await, ["18.05555554", CREDIT, BONUS, "0"]);
        spend(world, "bob", "1").await;
        assert_eq!(purse(world, "bob").await, ["17.05555554", CREDIT, "3.16666666", "0"]);
        assert_eq!(later(world, 30 * DAY - 60).await, 0, "a minute is left");
        world.advance(60).await;
        let (one, two) = tokio::join!(world.stack.tick("expire-credit"), world.stack.tick("expire-credit"));
        let ended = [one.unwrap(), two.unwrap()].map(|did| did["expired"].as_u64().unwrap());
        assert_eq!(ended.iter().sum::<u64>(), 1, "{ended:?}");
        assert_eq!(later(world, 0).await, 0);
        assert_eq!(purse(world, "bob").await, [CREDIT, CREDIT, "0", "0"]);
        assert_eq!(newest(world).await, [json!("expiry"), json!("-3.16666666"), order["id"].clone()]);
        let users = world.admin().get("/v1/admin/users?email=bob@example.com").await.is(200);
        assert_eq!(
            (&users["items"][0]["paid"]["amount"], &users["items"][0]["granted"]["amount"]),
            (&json!(CREDIT), &json!("0"))
        );
    });
}

/// R12.3: while nothing expires no lot is written, and an account says nothing of lots.
#[test]
fn no_lot_is_written_while_nothing_expires() {
    World::run(async |world| {
        let order = paid(world, "stripe").await;
        let code = codes(world, "5", 1).await.remove(0);
        world.redeem("bob", &code).await.is(201);
        act(world, &order, "refund", json!({"amount": "30.00"})).await;
        spend(world, "bob", "1").await;
        assert_eq!(purse(world, "bob").await, ["16.63888887", "16.63888887", "0", "0"]);
        assert_eq!(stored(world, "credit_lot"), Vec::<Value>::new());
        assert!(stored(world, "user").iter().all(|user| user["accounts"]["M"]["lots"].is_null()));
    });
}

/// R12.3: one item per grant, with the expiry of the day it was made; a spend writes none, and the oldest is used first.
#[test]
fn a_lot_keeps_its_expiry_and_the_oldest_is_spent_first() {
    World::run(async |world| {
        world.register("bob", None).await;
        for (days, code) in [10, 20, 0].into_iter().zip(codes(world, "5", 3).await) {
            expiring(world, days).await;
            world.redeem("bob", &code).await.is(201);
        }
        assert_eq!(
            (stored(world, "credit_lot").len(), purse(world, "bob").await),
            (2, ["15", "5", "10", "0"].map(String::from))
        );
        let lots = stored(world, "credit_lot");
        spend(world, "bob", "2").await;
        assert_eq!(stored(world, "credit_lot"), lots, "a spend touches no lot");
        assert_eq!(later(world, 10 * DAY).await, 1);
        assert_eq!(newest(world).await[1], "-3", "2 of the oldest were spent");
        assert_eq!(purse(world, "bob").await, ["10", "5", "5", "0"]);
        spend(world, "bob", "7").await;
        assert_eq!(later(world, 10 * DAY).await, 0, "it was spent whole");
        assert_eq!(purse(world, "bob").await, ["3", "3", "0", "0"]);
        assert_eq!(stored(world, "credit_lot").len(), 2, "an empty lot stays as the record of it");
    });
}

/// R12.3, R4.11: a refund takes a bonus back from its own lot, and what is left of that expires.
#[test]
fn a_refund_takes_from_its_own_lot() {
    World::run(async |world| {
        expiring(world, 30).await;
        let code = codes(world, "5", 1).await.remove(0);
        let order = paid(world, "stripe").await;
        world.redeem("bob", &code).await.is(201);
        act(world, &order, "refund", json!({"amount": "30.00"})).await;
        assert_eq!(purse(world, "bob").await, ["17.63888887", "9.72222221", "7.91666666", "0"]);
        act(world, &order, "refund", json!({"amount": "70.00"})).await;
        assert_eq!(purse(world, "bob").await, ["5", "0", "5", "0"], "the code's credit is untouched");
        act(world, &order, "refund_fails", json!({})).await;
        assert_eq!(later(world, 30 * DAY).await, 2);
        let [balance, paid, granted, debt] = purse(world, "bob").await;
        assert_eq!((&balance, granted.as_str(), debt.as_str()), (&paid, "0", "0"));
    });
}

/// R12.3: what is left of a lot after a refund expires when it always did, whatever the setting is by then.
#[test]
fn a_take_back_does_not_move_the_expiry() {
    World::run(async |world| {
        expiring(world, 30).await;
        let order = paid(world, "stripe").await;
        expiring(world, 60).await;
        act(world, &order, "refund", json!({"amount": "30.00"})).await;
        assert_eq!(purse(world, "bob").await[2], "2.91666666");
        assert_eq!(later(world, 30 * DAY).await, 1);
        assert_eq!(purse(world, "bob").await, ["9.72222221", "9.72222221", "0", "0"]);
    });
}

/// R12.3, R4.11: what expired of a bonus is not taken back a second time; what was spent of it is.
#[test]
fn a_refund_after_the_expiry_takes_what_was_spent() {
    for (spent, debt) in [("0", "0"), ("1", "1"), ("4.16666666", BONUS)] {
        World::run(async |world| {
            expiring(world, 30).await;
            let order = paid(world, "stripe").await;
            if spent != "0" {
                spend(world, "bob", spent).await;
            }
            later(world, 30 * DAY).await;
            assert_eq!(purse(world, "bob").await, [CREDIT, CREDIT, "0", "0"]);
            let id = OrderId::parse(order["id"].as_str().unwrap()).unwrap();
            let told = of_refund(&world.stack.app, id, None).await.unwrap();
            assert_eq!(told.debt.then.amount().normalize().to_string(), debt, "what the page says before");
            act(world, &order, "refund", json!({})).await;
            assert_eq!(purse(world, "bob").await, ["0", "0", "0", debt]);
            act(world, &order, "refund_fails", json!({})).await;
            let [balance, _, granted, owed] = purse(world, "bob").await;
            assert_eq!(owed, "0", "the bonus is granted again: {balance}, {granted}");
            let again = u64::from(spent != BONUS);
            assert_eq!(later(world, 30 * DAY).await, again, "what the debt left of it expires again");
            assert_eq!(purse(world, "bob").await, [CREDIT, CREDIT, "0", "0"]);
        });
    }
}

/// R12.3, R3.7: rewards of both sides expire; one that is reversed after it expired takes nothing.
#[test]
fn rewards_expire_and_are_reversed_once() {
    World::run(async |world| {
        expiring(world, 30).await;
        let order = friends(world).await;
        assert_eq!(purse(world, "ann").await, ["3", "0", "3", "0"]);
        assert_eq!(purse(world, "bob").await[2], "6.16666666", "bonus and own reward");
        world.advance(30 * DAY).await;
        assert_eq!(world.stack.tick("expire-credit").await.unwrap()["expired"], 3);
        world.settle().await;
        for name in ["admin", "ann", "bob"] {
            world.sign_in(name).await;
        }
        assert_eq!(purse(world, "ann").await, ["0", "0", "0", "0"]);
        act(world, &order, "refund", json!({})).await;
        assert_eq!(purse(world, "ann").await, ["0", "0", "0", "0"], "it is not taken a second time");
        assert_eq!(purse(world, "bob").await, ["0", "0", "0", "0"]);
        act(world, &order, "refund_fails", json!({})).await;
        assert_eq!(purse(world, "ann").await, ["3", "0", "3", "0"], "it is granted again");
    });
}

/// R12.3, R1.7: a top-up pays debt from its bonus first, and the lot is what that leaves.
#[test]
fn a_bonus_pays_debt_before_paid_credit() {
    World::run(async |world| {
        world.open().await;
        expiring(world, 30).await;
        world.register("bob", None).await;
        owe(world, "bob", "2").await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        world.pay(&order, json!({})).await;
        world.settle().await;
        assert_eq!(purse(world, "bob").await, ["16.05555554", CREDIT, "2.16666666", "0"]);
        assert_eq!(later(world, 30 * DAY).await, 1);
        assert_eq!(purse(world, "bob").await, [CREDIT, CREDIT, "0", "0"]);
    });
}

/// R12.3, R4.11: a bonus that never expires is taken back from the paid part, and given back by a failed refund as it was.
#[test]
fn a_bonus_that_never_expires_leaves_the_lots_alone() {
    World::run(async |world| {
        let order = paid(world, "stripe").await;
        expiring(world, 30).await;
        let code = codes(world, "5", 1).await.remove(0);
        world.redeem("bob", &code).await.is(201);
        act(world, &order, "refund", json!({})).await;
        assert_eq!(purse(world, "bob").await, ["5", "0", "5", "0"]);
        act(world, &order, "refund_fails", json!({})).await;
        assert_eq!(later(world, 30 * DAY).await, 1, "the code's credit");
        assert_eq!(purse(world, "bob").await, ["18.05555554", "18.05555554", "0", "0"]);
    });
}

/// R12.3, R1.7: a code that pays debt leaves a smaller lot; one that is undone after it expired takes what was spent.
#[test]
fn codes_expire_and_pay_debt_first() {
    World::run(async |world| {
        expiring(world, 30).await;
        world.register("bob", None).await;
        let codes = codes(world, "5", 2).await;
        owe(world, "bob", "2").await;
        let first = world.redeem("bob", &codes[0]).await.is(201);
        assert_eq!(purse(world, "bob").await, ["3", "0", "3", "0"]);
        spend(world, "bob", "1").await;
        assert_eq!(later(world, 30 * DAY).await, 1);
        assert_eq!(purse(world, "bob").await, ["0", "0", "0", "0"]);
        world.redeem("bob", &codes[1]).await.is(201);
        let path = format!("/v1/admin/redemption/records/{}/undo", first["id"].as_str().unwrap());
        world.admin().once().post(&path, json!({"reason": "by mistake"})).await.is(200);
        world.settle().await;
        assert_eq!(purse(world, "bob").await, ["2", "0", "2", "0"], "3 of 5 were used: 2 for the debt");
    });
}
