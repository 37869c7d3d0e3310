//! Faults between a function and its services: the state is before or after, never between.
//!
//! Each call can fail in ten ways, and a run injects one of them at each call. `GUERDON_TURN=17` shifts the choice. Ten turns in
//! a row cover all ten, as does one run with `GUERDON_FAULTS=all`.

mod every;

use emulator::faults::Fault;
use serde_json::{Value, json};

use crate::affiliate::commission::{invited, totals};
use crate::env::wished;
use crate::payment::refunds::{act, file, given_back, paid};
use crate::world::{Answer, World};

/// True if a run injects every kind of fault at every call.
pub fn is_every_kind() -> bool {
    wished::<String>("GUERDON_FAULTS").is_some_and(|wanted| wanted == "all")
}

/// Shift of the fault kinds from call to call.
pub fn turn() -> usize {
    wished("GUERDON_TURN").unwrap_or(0)
}

/// Kinds of faults to inject at this place in this run.
pub fn kinds_at(place: usize) -> &'static [Fault] {
    const ALL: &[Fault] = &Fault::ALL;
    if is_every_kind() { ALL } else { &ALL[(place + turn()) % ALL.len()..][..1] }
}

/// True if this run injects this kind of fault into the nth call of a service operation.
pub fn is_met(operation: &str, nth: u32, kind: Fault) -> bool {
    kinds_at(operation.len() + nth as usize).contains(&kind)
}

/// Repeats a request with the same key until it returns 201.
async fn insist(world: &World, name: &str, key: &str, path: &str, body: Value) -> Value {
    told(world, name, key, path, body).await.is(201)
}

async fn told(world: &World, name: &str, key: &str, path: &str, body: Value) -> Answer {
    let caller = || if name.is_empty() { world.nobody() } else { world.user(name) };
    world.insist(async || caller().key(key).post(path, body.clone()).await).await
}

/// R1.8: any single fault in registration, order or payment has no effect on the end.
/// The end is one account, one order, one credit and one reward.
#[test]
fn any_single_fault_in_the_main_job_has_no_effect_on_its_end() {
    for fault in Fault::ALL {
        for operation in ["TransactWriteItems", "BatchGetItem", "GetItem", "PutItem", "SendMessageBatch", "DeleteItem"]
        {
            for nth in (0..4).filter(|nth| is_met(operation, *nth, fault)) {
                World::run(async |world| {
                    world.open().await;
                    world.register("ann", None).await;
                    let code = world.code("ann").await;
                    world.stack.faults.script(operation, nth, fault);
                    let bob =
                        json!({"email": "bob@example.com", "password": "correct horse battery", "referral_code": code});
                    insist(world, "", "r", "/v1/registrations", bob).await;
                    world.sign_in("bob").await;
                    let ask = json!({"offer_id": "o100", "provider": "stripe"});
                    let order = insist(world, "bob", "o", "/v1/payment/orders", ask).await;
                    world.pay(&order, json!({})).await;
                    for _ in 0..3 {
                        world.settle().await;
                        world.advance(400).await;
                        world.stack.tick("sweep-outbox").await.ok();
                    }
                    world.stack.faults.clear();
                    world.settle().await;
                    world.sign_in("bob").await;
                    world.sign_in("ann").await;
                    let at = format!("{fault:?} at {operation} {nth}");
                    assert_eq!(world.balance("bob").await, "18.05555554", "{at}");
                    assert_eq!(world.balance("ann").await, "3", "{at}");
                });
            }
        }
    }
}

/// R1.8, R7.3: any single fault in a redemption leaves one use taken and one effect.
#[test]
fn any_single_fault_in_a_redemption_has_no_effect_on_its_end() {
    for fault in Fault::ALL {
        for (operation, calls) in
            [("TransactWriteItems", 2), ("BatchGetItem", 2), ("Query", 1), ("SendMessageBatch", 1)]
        {
            for nth in (0..calls).filter(|nth| is_met(operation, *nth, fault)) {
                World::run(async |world| {
                    world.register("ann", None).await;
                    let plan = world.plan(json!({"name": "Pro", "quota": 2, "on_sale": true})).await;
                    let money = json!({"label": "credit", "count": 1, "credit": "5", "total_uses": 200});
                    let time = json!({"label": "t", "count": 1, "plan_id": plan, "unit": "day", "quantity": 1, "total_uses": 5});
                    let at = format!("{fault:?} at {operation} {nth}");
                    for body in [money, time] {
                        let code = world.codes(body).await.remove(0);
                        world.settle().await;
                        world.stack.faults.script(operation, nth, fault);
                        insist(world, "ann", &code, "/v1/redemptions", json!({"code": code})).await;
                        world.stack.faults.clear();
                        let shown = world.admin().get(&format!("/v1/admin/redemption/codes?code={code}")).await.is(200);
                        assert_eq!(shown["items"][0]["used"], 1, "{at}");
                        world.redeem("ann", &code).await.refused(409, "already_redeemed");
                    }
                    assert_eq!(world.balance("ann").await, "5", "{at}");
                    let listed = world.user("ann").get("/v1/subscriptions").await.is(200);
                    assert!(listed["items"][0]["expires_at"].as_str().unwrap().starts_with("2026-11-21T10:0"), "{at}");
                });
            }
        }
    }
}

/// R6.3, R6.5, R6.6: any single fault on a commission's way has no effect on the end.
/// The way leads from the order to the withdrawal.
/// The end is one commission, one journal entry and one decision.
#[test]
fn any_single_fault_on_a_commissions_way_has_no_effect_on_its_end() {
    for fault in Fault::ALL {
        for (operation, calls) in
            [("TransactWriteItems", 4), ("BatchGetItem", 3), ("Query", 2), ("SendMessageBatch", 2)]
        {
            for nth in (0..calls).filter(|nth| is_met(operation, *nth, fault)) {
                World::run(async |world| {
                    invited(world).await;
                    world.settings("affiliate", |settings| settings["min_cash_withdrawal"] = json!("0.1")).await;
                    let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
                    world.stack.faults.script(operation, nth, fault);
                    world.pay(&order, json!({})).await;
                    for _ in 0..3 {
                        world.settle().await;
                        world.advance(100).await;
                        world.stack.tick("sweep-outbox").await.ok();
                    }
                    world.stack.faults.clear();
                    world.settle().await;
                    world.stack.faults.script(operation, nth.min(1), fault);
                    let balance = json!({"amount": "1", "to": "balance"});
                    insist(world, "ann", "b", "/v1/affiliate/withdrawals", balance).await;
                    world.stack.faults.script(operation, nth.min(1), fault);
                    let payout = json!({"method": "bank", "account": "DE02120300000000202051"});
                    let cash = json!({"amount": "0.3", "to": "cash", "payout": payout});
                    let asked = insist(world, "ann", "c", "/v1/affiliate/withdrawals", cash).await;
                    let approve = format!("/v1/admin/withdrawals/{}/approve", asked["id"].as_str().unwrap());
                    world.stack.faults.script(operation, nth.min(1), fault);
                    world.insist(async || world.admin().post(&approve, json!({"reference": "SEPA"})).await).await;
                    world.stack.faults.clear();
                    let at = format!("{fault:?} at {operation} {nth}");
                    assert_eq!(totals(world).await, ["0", "0.08888888", "0", "1.3", "0", "0"], "{at}");
                    assert_eq!(world.balance("ann").await, "1", "{at}");
                });
            }
        }
    }
}

/// R7.1: any single fault while a large batch is made leaves it complete, with the same codes.
#[test]
fn any_single_fault_while_a_batch_is_made_leaves_it_whole_in_the_end() {
    for fault in Fault::ALL {
        for nth in (0..5).filter(|nth| is_met("TransactWriteItems", *nth, fault)) {
            World::run(async |world| {
                let body = json!({"label": "big", "count": 250, "credit": "1", "total_uses": 1});
                world.stack.faults.script("TransactWriteItems", nth, fault);
                let ask = async || world.admin().key("big").post("/v1/admin/redemption/batches", body.clone()).await;
                let begun = world.insist(ask).await;
                let path = format!("/v1/admin/redemption/batches/{}", begun.is(202)["id"].as_str().unwrap());
                for _ in 0..4 {
                    world.settle().await;
                    world.advance(200).await;
                    world.stack.tick("sweep-outbox").await.ok();
                }
                world.stack.faults.clear();
                world.settle().await;
                let batch = world.admin().get(&path).await.is(200);
                assert_eq!((&batch["state"], &batch["created"]), (&json!("ready"), &json!(250)), "{fault:?} at {nth}");
                assert_eq!(world.admin().get(&format!("{path}/export.csv")).await.text.lines().count(), 251);
            });
        }
    }
}

/// Drains everything though some messages were not sent.
async fn rest(world: &World) {
    rest_without(world, "nobody").await;
}

/// Drains everything when the user `gone` can't sign in any more.
async fn rest_without(world: &World, gone: &str) {
    for _ in 0..3 {
        world.settle().await;
        world.advance(400).await;
        world.stack.tick("sweep-outbox").await.ok();
    }
    world.stack.faults.clear();
    world.settle().await;
    for name in ["admin", "bob"].into_iter().filter(|name| *name != gone) {
        world.sign_in(name).await;
    }
}

/// Calls of a refund, and the number of each.
const REFUND: [(&str, u32); 5] =
    [("TransactWriteItems", 2), ("GetItem", 3), ("BatchGetItem", 1), ("SendMessageBatch", 1), ("Provider", 1)];

/// Representative kinds: not applied, applied with the response lost, and a concurrent write.
const KINDS: [Fault; 4] = [Fault::Refused, Fault::ReplyLost, Fault::ErrorAfter, Fault::Conflict];

/// R1.8, R4.11: any single fault in an admin's refund by Stripe leaves one refund, in the ledger too.
#[test]
fn any_single_fault_in_a_refund_by_stripe_has_no_effect_on_its_end() {
    for fault in KINDS {
        for (operation, nth) in
            REFUND.iter().flat_map(|(operation, calls)| (0..*calls).map(move |nth| (*operation, nth)))
        {
            World::run(async |world| {
                let order = paid(world, "stripe").await;
                let path = format!("/v1/admin/payment/orders/{}/refunds", order["id"].as_str().unwrap());
                world.stack.faults.script(operation, nth, fault);
                let body = json!({"amount": "30", "reason": "sorry"});
                let refund = insist(world, "admin", "k", &path, body).await;
                let at = format!("{fault:?} at {operation} {nth}");
                assert_eq!(refund["state"], "succeeded", "{at}");
                rest(world).await;
                assert_eq!((given_back(world), world.balance("bob").await.as_str()), (3_000, "12.63888887"), "{at}");
                assert_eq!(file(world, &order).await.2.len(), 1, "{at}");
            });
        }
    }
}

/// R1.8, R4.11: any single fault in a gateway refund leads to at most one call of the gateway.
/// A person confirms an unknown result.
#[test]
fn any_single_fault_in_a_refund_by_a_gateway_never_gives_back_twice() {
    for fault in KINDS {
        for (operation, nth) in
            REFUND.iter().flat_map(|(operation, calls)| (0..*calls).map(move |nth| (*operation, nth)))
        {
            World::run(async |world| {
                let order = paid(world, "zpay").await;
                let path = format!("/v1/admin/payment/orders/{}/refunds", order["id"].as_str().unwrap());
                world.stack.faults.script(operation, nth, fault);
                let body = json!({"amount": "30", "reason": "sorry"});
                let refund = insist(world, "admin", "k", &path, body).await;
                let at = format!("{fault:?} at {operation} {nth}");
                let given = given_back(world);
                if refund["state"] == "requested" {
                    let confirm = format!("{path}/{}/confirm", refund["id"].as_str().unwrap());
                    let mut seen = json!({"reason": "looked there"});
                    if given == 0 {
                        seen["amount"] = json!("0");
                    }
                    told(world, "admin", "c", &confirm, seen).await.is(200);
                }
                rest(world).await;
                let (balance, state) =
                    if given == 0 { ("18.05555554", "failed") } else { ("12.63888887", "succeeded") };
                assert_eq!((given_back(world), world.balance("bob").await.as_str()), (given, balance), "{at}");
                assert_eq!(file(world, &order).await.2, [("30.00".to_owned(), state.to_owned())], "{at}");
                assert!(given == 0 || given == 3_000, "{at}");
            });
        }
    }
}

/// R1.8, R4.11, R4.12: any single fault in a reversal or a decision leaves the same end.
/// Reversals are refunds and disputes; decisions resolve reviews. The end is balances and reviews.
#[test]
fn any_single_fault_in_a_reversal_or_a_decision_has_no_effect_on_its_end() {
    for fault in KINDS {
        for (operation, calls) in
            [("TransactWriteItems", 3), ("GetItem", 2), ("BatchGetItem", 2), ("SendMessageBatch", 1)]
        {
            for nth in 0..calls {
                World::run(async |world| {
                    let order = paid(world, "stripe").await;
                    world.pay(&order, json!({"amount": "60"})).await;
                    world.settle().await;
                    let review = world.admin().get("/v1/admin/payment/reviews").await.is(200)["items"][0].clone();
                    world.stack.faults.script(operation, nth, fault);
                    world.pay(&order, json!({"action": "refund", "amount": "30"})).await;
                    world.pay(&order, json!({"action": "dispute", "amount": "70"})).await;
                    rest(world).await;
                    let at = format!("{fault:?} at {operation} {nth}");
                    assert_eq!(world.balance("bob").await, "0", "{at}");
                    act(world, &order, "dispute_won", json!({})).await;
                    world.stack.faults.script(operation, nth, fault);
                    let path = format!("/v1/admin/payment/reviews/{}/resolve", review["id"].as_str().unwrap());
                    let body = json!({"action": "credit", "order_id": order["id"], "reason": "theirs"});
                    let done = told(world, "admin", "k", &path, body).await.is(200);
                    assert_eq!(done["state"], "credited", "{at}");
                    rest(world).await;
                    assert_eq!(world.balance("bob").await, "20.9722222", "{at}");
                });
            }
        }
    }
}

/// R1.8, R7.8: any single fault while a redemption is undone returns credit and use once.
#[test]
fn any_single_fault_while_a_redemption_is_taken_back_has_no_effect_on_its_end() {
    for fault in KINDS {
        for (operation, calls) in [("TransactWriteItems", 2), ("Query", 1), ("GetItem", 5), ("SendMessageBatch", 1)] {
            for nth in 0..calls {
                World::run(async |world| {
                    world.register("bob", None).await;
                    let code = json!({"label": "one", "count": 1, "credit": "5", "total_uses": 1});
                    let code = world.codes(code).await.remove(0);
                    let redeemed = world.redeem("bob", &code).await.is(201);
                    world.stack.faults.script(operation, nth, fault);
                    let path = format!("/v1/admin/redemption/records/{}/undo", redeemed["id"].as_str().unwrap());
                    told(world, "admin", "k", &path, json!({"reason": "sorry"})).await.is(200);
                    rest(world).await;
                    let at = format!("{fault:?} at {operation} {nth}");
                    assert_eq!(world.balance("bob").await, "0", "{at}");
                    world.redeem("bob", &code).await.is(201);
                    assert_eq!(world.balance("bob").await, "5", "{at}");
                });
            }
        }
    }
}

/// R1.8: any single fault in an erasure leaves no personal data in the end.
#[test]
fn any_single_fault_in_an_erasure_leaves_no_trace_in_the_end() {
    for fault in KINDS {
        for (operation, calls) in
            [("TransactWriteItems", 4), ("BatchGetItem", 4), ("GetItem", 4), ("Query", 3), ("SendMessageBatch", 1)]
        {
            for nth in 0..calls {
                World::run(async |world| {
                    let order = paid(world, "stripe").await;
                    let me = world.user("bob").get("/v1/me").await.is(200);
                    world.stack.faults.script(operation, nth, fault);
                    let path = format!("/v1/admin/users/{}/erase", me["id"].as_str().unwrap());
                    told(world, "admin", "k", &path, json!({"reason": "sorry", "acknowledge_balance": true}))
                        .await
                        .is(200);
                    rest_without(world, "bob").await;
                    let path = format!("/v1/admin/payment/orders/{}", order["id"].as_str().unwrap());
                    let file = world.admin().get(&path).await.is(200);
                    let at = format!("{fault:?} at {operation} {nth}");
                    assert_eq!((&file["client_ip"], &file["user"]["email"]), (&Value::Null, &Value::Null), "{at}");
                    assert!(file["events"].as_array().unwrap().iter().all(|event| event["raw"].is_null()), "{at}");
                });
            }
        }
    }
}
