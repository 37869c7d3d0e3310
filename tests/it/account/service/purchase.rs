//! Outside purchases of backend users: they earn like online payments and credit nothing (R2.6, R4.11).

use std::sync::Arc;

use emulator::faults::Fault;
use emulator::sqs::{self, FunctionReply, Retry};
use serde_json::{Value, json};

use super::{ALL, anns_invitee, backend, balance_of, bought};
use crate::fault::is_met;
use crate::race::together;
use crate::world::World;

async fn rewards(world: &World, name: &str) -> Vec<(String, String)> {
    let listed = world.user(name).get("/v1/referral/rewards").await.is(200);
    let items = listed["items"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    items.map(|reward| (text(&reward["trigger"]), text(&reward["state"]))).collect()
}

/// R2.6, R3.6: purchases reach the threshold as online payments do, and credit nothing.
#[test]
fn purchases_that_reach_the_threshold_reward_the_inviter() {
    World::run(async |world| {
        world.open().await;
        let key = backend(world).await;
        let user = anns_invitee(world, &key).await;
        let report = |body: Value| world.holder(&key).once().post("/v1/service/purchases", body);
        let first = report(bought(&user, "o-1", "12.50")).await.is(201);
        assert_eq!(first["base"], json!({"amount": "1.73611111", "currency": "USD"}));
        assert_eq!(first["net"], json!({"amount": "12.50", "currency": "CNY"}));
        world.settle().await;
        assert_eq!((rewards(world, "ann").await.len(), world.balance("ann").await), (0, "0".to_owned()));
        report(bought(&user, "o-2", "7.50")).await.is(201);
        world.settle().await;
        assert_eq!(rewards(world, "ann").await, [("qualified".to_owned(), "granted".to_owned())]);
        assert_eq!(world.balance("ann").await, "3");
        assert_eq!(balance_of(world, &key, &user).await, "0", "a purchase credits nothing");
        let invitees = world.user("ann").get("/v1/referral/invitees").await.is(200);
        assert_eq!(invitees["items"][0]["paid_total"]["amount"], "20.00", "{invitees}");
    });
}

/// R2.6: a key reads back its own purchases, one by one or newest first, and nobody else's.
#[test]
fn a_key_lists_and_reads_the_purchases_that_it_reported() {
    World::run(async |world| {
        world.open().await;
        let (key, other) = (backend(world).await, backend(world).await);
        let user = anns_invitee(world, &key).await;
        let mut reported = Vec::new();
        for id in ["o-1", "o-2", "o-3"] {
            let made = world.holder(&key).once().post("/v1/service/purchases", bought(&user, id, "30")).await.is(201);
            reported.insert(0, made);
            world.advance(1).await;
        }
        let refund = json!({"amount": "12", "refund_id": "r-1"});
        reported[1] = world.holder(&key).once().post("/v1/service/purchases/o-2/refunds", refund).await.is(201);
        let mut listed = Vec::new();
        let mut path = "/v1/service/purchases?limit=2".to_owned();
        loop {
            let page = world.holder(&key).get(&path).await.is(200);
            listed.extend(page["items"].as_array().unwrap().clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/service/purchases?limit=2&cursor={next}");
        }
        assert_eq!(listed, reported);
        let one = world.holder(&key).get("/v1/service/purchases/o-2").await.is(200);
        assert_eq!((&one, &one["net"]["amount"]), (&reported[1], &json!("18.00")));
        assert_eq!(world.holder(&other).get("/v1/service/purchases").await.is(200)["items"], json!([]));
        world.holder(&other).get("/v1/service/purchases/o-2").await.refused(404, "not_found");
        world.holder(&key).get("/v1/service/purchases/o-4").await.refused(404, "not_found");
    });
}

/// deploy.md D8: the gateway decodes paths, so an id that a refund's path can't hold is rejected.
#[test]
fn a_purchase_whose_refund_could_not_be_told_is_refused() {
    World::run(async |world| {
        world.open().await;
        let key = backend(world).await;
        let user = anns_invitee(world, &key).await;
        for id in ["o/1", "/", ".", ".."] {
            let answer = world.holder(&key).once().post("/v1/service/purchases", bought(&user, id, "30")).await;
            assert_eq!(answer.refused(422, "invalid")["errors"][0]["pointer"], "/external_order_id", "{id}");
        }
        let refund = json!({"amount": "10", "refund_id": "r-1"});
        let path = "/v1/service/purchases/o%2F1/refunds";
        world.holder(&key).once().post(path, refund).await.refused(404, "no_such_route");
    });
}

/// R4.11, R2.6: a refund of a purchase takes the reward back.
/// A repeat counts once.
#[test]
fn a_refund_of_a_purchase_takes_the_reward_back() {
    World::run(async |world| {
        world.open().await;
        let key = backend(world).await;
        let user = anns_invitee(world, &key).await;
        world.holder(&key).once().post("/v1/service/purchases", bought(&user, "o?1%ü", "30")).await.is(201);
        world.settle().await;
        assert_eq!(world.balance("ann").await, "3");
        let refund = |id: &str, amount: &str| {
            let body = json!({"amount": amount, "refund_id": id});
            world.holder(&key).once().post("/v1/service/purchases/o%3F1%25%C3%BC/refunds", body)
        };
        let body = json!({"amount": "10", "refund_id": "r-1"});
        let path = "/v1/service/purchases/o%3F1%25%C3%BC/refunds";
        let first = world.holder(&key).key("first").post(path, body.clone()).await.is(201);
        for _ in 0..2 {
            let after = refund("r-1", "10").await.is(201);
            assert_eq!(after["net"]["amount"], "20.00", "{after}");
        }
        world.settle().await;
        assert_eq!(world.balance("ann").await, "3", "the threshold is ¥20");
        let again = world.holder(&key).key("first").post(path, body).await;
        assert_eq!(again.headers.get("idempotency-replayed").unwrap(), "true");
        assert_eq!(again.is(201), first);
        let after = refund("r-2", "0.01").await.is(201);
        assert_eq!(after["refunds"].as_array().unwrap().len(), 2);
        world.settle().await;
        assert_eq!(rewards(world, "ann").await, [("qualified".to_owned(), "reversed".to_owned())]);
        assert_eq!(world.balance("ann").await, "0");
        assert_eq!(refund("r-3", "19.99").await.is(201)["net"]["amount"], "0.00");
        world.settle().await;
        world.holder(&key).once().post("/v1/service/purchases", bought(&user, "o-2", "20")).await.is(201);
        world.settle().await;
        assert_eq!(world.balance("ann").await, "3", "it is reinstated when the threshold is reached again");
    });
}

/// R4.11: a refund that comes before its purchase leaves only the net.
#[test]
fn a_refund_before_its_purchase_leaves_only_the_net() {
    World::run(async |world| {
        world.open().await;
        let key = backend(world).await;
        let user = anns_invitee(world, &key).await;
        let early = json!({"amount": "10", "refund_id": "r-1"});
        let known = world.holder(&key).once().post("/v1/service/purchases/o-1/refunds", early).await.is(201);
        assert_eq!((&known["user_id"], &known["net"]), (&Value::Null, &Value::Null));
        let told = world.holder(&key).once().post("/v1/service/purchases", bought(&user, "o-1", "25")).await.is(201);
        assert_eq!((&told["net"]["amount"], &told["base"]["amount"]), (&json!("15.00"), &json!("3.47222222")));
        world.settle().await;
        assert_eq!(world.balance("ann").await, "0", "¥15 of ¥20");
    });
}

/// R1.8, R2.6: a purchase is unique per key and external id.
/// A repeat finds it, a differing repeat is refused, and another key has its own ids.
#[test]
fn an_external_order_id_is_one_purchase_per_key() {
    World::run(async |world| {
        world.open().await;
        let key = backend(world).await;
        let user = anns_invitee(world, &key).await;
        let body = bought(&user, "o-1", "12");
        let asks = (0..16).map(|_| world.holder(&key).once().post("/v1/service/purchases", body.clone()));
        let answers: Vec<Value> = together(asks.collect()).await.into_iter().map(|answer| answer.is(201)).collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        let other = world.holder(&key).once().post("/v1/service/purchases", bought(&user, "o-1", "13")).await;
        assert_eq!(other.refused(422, "invalid")["errors"][0]["pointer"], "/external_order_id");
        world.settle().await;
        assert_eq!(world.balance("ann").await, "0", "¥12 once");
        let shop = world.service_key("shop", &ALL).await;
        let theirs = world.holder(&shop).once().post("/v1/service/purchases", body).await.is(201);
        assert_ne!(theirs["id"], answers[0]["id"]);
        world.settle().await;
        assert_eq!(world.balance("ann").await, "3", "two purchases of ¥12");
    });
}

/// G16, R2.6: a refund above what is left of its purchase is refused and says how much that is.
/// A wrong one is corrected with a reason, for good; rewards and commission follow.
#[test]
fn a_refund_above_its_purchase_is_refused_and_a_wrong_one_is_corrected() {
    World::run(async |world| {
        world.open().await;
        world.settings("affiliate", |settings| settings["enabled"] = json!(true)).await;
        let key = backend(world).await;
        let user = anns_invitee(world, &key).await;
        world.holder(&key).once().post("/v1/service/purchases", bought(&user, "o-1", "100")).await.is(201);
        let refund = |id: &str, amount: &str| {
            let body = json!({"amount": amount, "refund_id": id});
            world.holder(&key).once().post("/v1/service/purchases/o-1/refunds", body)
        };
        let correct = |id: &str, amount: &str| {
            let body = json!({"refund_id": id, "amount": amount, "reason": "a digit too many"});
            world.holder(&key).once().post("/v1/service/purchases/o-1/corrections", body)
        };
        refund("r-0", "100.01").await.refused(422, "invalid");
        refund("r-1", "90").await.is(201);
        let refused = refund("r-2", "10.01").await.refused(422, "invalid");
        assert_eq!(refused["errors"][0]["pointer"], "/amount");
        assert!(refused["errors"][0]["detail"].as_str().unwrap().contains("10.00 CNY"), "{refused}");
        world.settle().await;
        assert_eq!((commission(world).await, world.balance("ann").await), ("0.13888888".to_owned(), "0".to_owned()));
        correct("r-2", "1").await.refused(404, "not_found");
        correct("r-1", "100.01").await.refused(422, "invalid");
        let corrected = correct("r-1", "9").await.is(200);
        assert_eq!(corrected["net"]["amount"], "91.00");
        assert_eq!(corrected["refunds"][0]["corrected_because"], "a digit too many");
        assert_eq!(refund("r-1", "90").await.is(201)["net"]["amount"], "91.00", "a late repeat changes nothing");
        world.settle().await;
        assert_eq!((commission(world).await, world.balance("ann").await), ("1.26388888".to_owned(), "3".to_owned()));
        let audit = world.admin().get("/v1/admin/audit?actor=service:billing").await.is(200);
        assert_eq!(audit["items"][0]["action"], "purchase.refund_corrected", "{audit}");
        assert_eq!(correct("r-1", "0").await.is(200)["net"]["amount"], "100.00");
        world.settle().await;
        assert_eq!(commission(world).await, "1.38888888");
    });
}

/// G7, R2.6: a purchase paid before its user had an inviter counts for nothing, nor do its refunds.
/// A back-dated one is under the hold from its report.
#[test]
fn only_purchases_paid_since_the_bond_count() {
    World::run(async |world| {
        world.open().await;
        world
            .settings("affiliate", |settings| {
                settings["enabled"] = json!(true);
                settings["hold_hours"] = json!(48);
            })
            .await;
        let key = backend(world).await;
        let user = anns_invitee(world, &key).await;
        let paid_at = |id: &str, at: &str| {
            let mut body = bought(&user, id, "100");
            body["paid_at"] = json!(at);
            world.holder(&key).once().post("/v1/service/purchases", body)
        };
        for (id, at) in [("o-1", "2020-01-01T00:00:00Z"), ("o-2", "2026-11-19T23:59:59Z")] {
            paid_at(id, at).await.is(201);
        }
        let back = json!({"amount": "10", "refund_id": "r-1"});
        world.holder(&key).once().post("/v1/service/purchases/o-1/refunds", back).await.is(201);
        world.settle().await;
        assert_eq!(rewards(world, "ann").await, []);
        let invitees = world.user("ann").get("/v1/referral/invitees").await.is(200);
        assert_eq!(invitees["items"][0]["paid_total"]["amount"], "0.00");
        let totals = async || world.user("ann").get("/v1/affiliate").await.is(200)["totals"].clone();
        assert_eq!(totals().await["earned"]["amount"], "0");
        let bond = world.stack.app.clock.now();
        world.advance(72 * 3_600).await;
        world.sign_in("ann").await;
        paid_at("o-3", &bond.to_string()).await.is(201);
        world.settle().await;
        let totals = totals().await;
        assert_eq!((&totals["pending"]["amount"], &totals["available"]["amount"]), (&json!("1.38888888"), &json!("0")));
        assert_eq!(rewards(world, "ann").await, [("qualified".to_owned(), "granted".to_owned())]);
    });
}

/// R2.6: an invalid purchase is rejected field by field.
#[test]
fn a_purchase_that_cannot_count_is_refused() {
    World::run(async |world| {
        world.open().await;
        let key = backend(world).await;
        let user = anns_invitee(world, &key).await;
        let refused = async |field: &str, value: Value, pointer: &str| {
            let mut body = bought(&user, "o-1", "12");
            body[field] = value;
            let answer = world.holder(&key).once().post("/v1/service/purchases", body).await;
            assert_eq!(answer.refused(422, "invalid")["errors"][0]["pointer"], pointer);
        };
        refused("amount", json!("12.345"), "/amount").await;
        refused("amount", json!("0"), "/amount").await;
        refused("currency", json!("USD"), "/currency").await;
        refused("paid_at", json!("2026-11-20T10:30:00Z"), "/paid_at").await;
        refused("paid_at", json!("yesterday"), "/paid_at").await;
        refused("user_id", json!("usr_01k9zq4r7x8m2v5b3n6c1d0fgj"), "/user_id").await;
        refused("external_order_id", json!(""), "/external_order_id").await;
    });
}

/// R2.6, R6.3: a purchase earns its inviter a commission on its base; a refund takes its share back.
#[test]
fn a_purchase_earns_the_inviter_commission() {
    World::run(async |world| {
        world.settings("affiliate", |settings| settings["enabled"] = json!(true)).await;
        let key = backend(world).await;
        let user = anns_invitee(world, &key).await;
        world.holder(&key).once().post("/v1/service/purchases", bought(&user, "o-1", "100")).await.is(201);
        world.settle().await;
        assert_eq!(commission(world).await, "1.38888888");
        let half = json!({"amount": "50", "refund_id": "r-1"});
        world.holder(&key).once().post("/v1/service/purchases/o-1/refunds", half).await.is(201);
        world.settle().await;
        assert_eq!(commission(world).await, "0.69444444");
        let commissions = world.admin().get("/v1/admin/commissions").await.is(200);
        let path = format!("/v1/admin/commissions/{}/reverse", commissions["items"][0]["id"].as_str().unwrap());
        world.admin().post(&path, json!({"reason": "fraud"})).await.is(200);
        assert_eq!(commission(world).await, "0");
    });
}

/// R1.8, R6.3: redelivered messages of one purchase make one commission and one reward.
#[test]
fn a_purchase_that_the_queue_tells_again_earns_once() {
    World::run(async |world| {
        world.open().await;
        world.settings("affiliate", |settings| settings["enabled"] = json!(true)).await;
        let key = backend(world).await;
        let user = anns_invitee(world, &key).await;
        world.settle().await;
        world.holder(&key).once().post("/v1/service/purchases", bought(&user, "o-1", "100")).await.is(201);
        let worker = world.stack.template.functions.iter().find(|function| function.binary == "reward-worker").unwrap();
        let queue = &worker.queues[0].queue;
        for _ in 0..3 {
            let told = world.stack.queues.poll_once(queue, 10).await.unwrap();
            assert_eq!(told.len(), 1);
            let event = serde_json::from_value(sqs::event(queue, &told)).unwrap();
            let answer = reward_worker::batch(Arc::clone(&world.stack.app), event).await;
            assert_eq!(serde_json::to_value(answer).unwrap()["batchItemFailures"], json!([]));
            world.stack.queues.settle(queue, &told, &FunctionReply::AllFailed, Retry::AtOnce).await.unwrap();
        }
        world.settle().await;
        assert_eq!(commission(world).await, "1.38888888");
        assert_eq!(world.balance("ann").await, "3");
        let commissions = world.user("ann").get("/v1/affiliate/commissions").await.is(200);
        assert_eq!(commissions["items"].as_array().unwrap().len(), 1, "{commissions}");
        assert_eq!(rewards(world, "ann").await.len(), 1);
    });
}

/// R1.8, R2.6: any single fault in a purchase or its refund has no effect on the end.
/// Each call fails once, the kinds of fault in turn.
#[test]
fn any_single_fault_on_a_purchases_way_has_no_effect_on_its_end() {
    for fault in Fault::ALL {
        for (operation, calls) in
            [("TransactWriteItems", 2), ("BatchGetItem", 2), ("GetItem", 2), ("SendMessageBatch", 1), ("DeleteItem", 1)]
        {
            for nth in (0..calls).filter(|nth| is_met(operation, *nth, fault)) {
                World::run(async |world| {
                    world.open().await;
                    world.settings("affiliate", |settings| settings["enabled"] = json!(true)).await;
                    let key = backend(world).await;
                    let user = anns_invitee(world, &key).await;
                    world.settle().await;
                    let half = json!({"amount": "50", "refund_id": "r-1"});
                    for (path, body) in [
                        ("/v1/service/purchases", bought(&user, "o-1", "100")),
                        ("/v1/service/purchases/o-1/refunds", half),
                    ] {
                        world.stack.faults.script(operation, nth, fault);
                        let ask = async || world.holder(&key).key(path).post(path, body.clone()).await;
                        world.insist(ask).await.is(201);
                        for _ in 0..2 {
                            world.settle().await;
                            world.advance(100).await;
                            world.stack.tick("sweep-outbox").await.ok();
                        }
                        world.stack.faults.clear();
                    }
                    world.settle().await;
                    let at = format!("{fault:?} at {operation} {nth}");
                    assert_eq!(commission(world).await, "0.69444444", "{at}");
                    assert_eq!(world.balance("ann").await, "3", "{at}");
                    assert_eq!(balance_of(world, &key, &user).await, "0", "{at}");
                });
            }
        }
    }
}

/// R2.6: a purchase belongs to its key; another key's refund of the same id does not touch it.
#[test]
fn a_refund_by_another_key_touches_nothing() {
    World::run(async |world| {
        world.open().await;
        let key = backend(world).await;
        let user = anns_invitee(world, &key).await;
        let mine = world.holder(&key).once().post("/v1/service/purchases", bought(&user, "o-1", "30")).await.is(201);
        world.settle().await;
        let shop = world.service_key("shop", &ALL).await;
        let all = json!({"amount": "30", "refund_id": "r-1"});
        let theirs = world.holder(&shop).once().post("/v1/service/purchases/o-1/refunds", all).await.is(201);
        assert_ne!(theirs["id"], mine["id"]);
        assert_eq!((&theirs["user_id"], &theirs["net"]), (&Value::Null, &Value::Null));
        world.settle().await;
        assert_eq!(world.balance("ann").await, "3");
        let again = world.holder(&key).once().post("/v1/service/purchases", bought(&user, "o-1", "30")).await.is(201);
        assert_eq!(again["net"]["amount"], "30.00");
    });
}

/// Ann's available commission.
async fn commission(world: &World) -> String {
    let shown = world.user("ann").get("/v1/affiliate").await.is(200);
    shown["totals"]["available"]["amount"].as_str().unwrap().to_owned()
}
