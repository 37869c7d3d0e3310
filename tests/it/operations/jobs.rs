//! Scheduled jobs: expiry of orders and promotions, and the outbox sweep (R4.4, R5.5, R5.6).

use std::time::Duration;

use std::sync::Arc;

use aws_credential_types::Credentials;
use bytes::Bytes;
use emulator::connector::{Backend, BoxFuture, ConnectFault, client};
use emulator::faults::Fault;
use emulator::sqs::{self, SqsBackend};
use emulator::stack::TABLE;
use http::{Request, Response};
use serde_json::{Value, json};
use shared::app::App;
use shared::kernel::id::{OutboxId, RedemptionId, UserId};
use shared::message::Message;
use shared::redemption::undo_redemption::{Undo, undo_redemption};
use shared::table::aws::Aws;
use shared::table::outbox::Outbox;
use shared::table::queue::{Queues, Urls};

use crate::world::World;
use shared::table::context::Ctx;

async fn bob(world: &World) {
    world.open().await;
    world.register("bob", None).await;
    world.settle().await;
}

async fn order(world: &World, amount: &str) -> Value {
    world.order("bob", json!({"amount": amount, "provider": "stripe"})).await
}

async fn statuses(world: &World) -> Vec<String> {
    let list = world.user("bob").get("/v1/payment/orders").await.is(200);
    list["items"].as_array().unwrap().iter().map(|order| order["status"].as_str().unwrap().to_owned()).collect()
}

async fn tick(world: &World, schedule: &str) -> Value {
    world.stack.tick(schedule).await.unwrap()
}

fn outbox(world: &World) -> usize {
    let items = world.stack.dynamo.scan(TABLE).unwrap();
    items.iter().filter(|item| item["type"]["S"] == "outbox").count()
}

/// R4.4: an order expires once and not before its time, however often the schedule fires.
#[test]
fn an_unpaid_order_expires_once() {
    World::run(async |world| {
        bob(world).await;
        order(world, "10").await;
        world.advance(20 * 60).await;
        world.sign_in("bob").await;
        order(world, "20").await;
        world.advance(9 * 60 + 50).await;
        assert_eq!(tick(world, "expire-orders").await, json!({"expired": 0, "failed": 0, "left": 0}));
        world.advance(11).await;
        let (one, two) = tokio::join!(world.stack.tick("expire-orders"), world.stack.tick("expire-orders"));
        let ended = [one.unwrap(), two.unwrap()].map(|did| did["expired"].as_u64().unwrap());
        assert_eq!(ended.iter().sum::<u64>(), 1, "{ended:?}");
        assert_eq!(tick(world, "expire-orders").await["expired"], 0);
        world.sign_in("bob").await;
        assert_eq!(statuses(world).await, ["pending", "expired"]);
    });
}

/// R4.4: paid, cancelled and failed orders do not expire.
#[test]
fn only_pending_orders_expire() {
    World::run(async |world| {
        bob(world).await;
        let paid = order(world, "10").await;
        world.advance(1).await;
        let cancelled = order(world, "20").await;
        world.pay(&paid, json!({})).await;
        world.settle().await;
        let path = format!("/v1/payment/orders/{}/cancel", cancelled["id"].as_str().unwrap());
        world.user("bob").post(&path, json!({})).await.is(200);
        world.advance(3_600).await;
        assert_eq!(tick(world, "expire-orders").await["expired"], 0);
        world.sign_in("bob").await;
        assert_eq!(statuses(world).await, ["cancelled", "paid"]);
    });
}

/// R4.4, R4.5: an order paid and expired at the same instant ends paid, in either order.
#[test]
fn an_order_paid_while_it_expires_is_paid() {
    for seed in 0..8 {
        World::seeded(seed, async |world| {
            bob(world).await;
            let order = order(world, "100").await;
            world.pay(&order, json!({"delay_seconds": 1_800})).await;
            world.advance(1_800).await;
            let (did, settled) = tokio::join!(world.stack.tick("expire-orders"), world.stack.settle());
            did.unwrap();
            settled.unwrap();
            world.sign_in("bob").await;
            assert_eq!(statuses(world).await, ["paid"]);
            assert_eq!(world.balance("bob").await, "18.05555554");
        });
    }
}

/// V2: an order that can't expire now is left to the next tick, and blocks no other.
#[test]
fn a_tick_with_faults_leaves_the_rest_to_the_next() {
    World::run(async |world| {
        bob(world).await;
        for amount in ["10", "20", "30"] {
            order(world, amount).await;
        }
        world.advance(31 * 60).await;
        world.stack.faults.randomly(400, 7);
        for _ in 0..3 {
            world.stack.tick("expire-orders").await.ok();
        }
        world.stack.faults.clear();
        tick(world, "expire-orders").await;
        world.sign_in("bob").await;
        assert_eq!(statuses(world).await, ["expired"; 3]);
    });
}

/// A damaged item is left alone and reported, and the others expire.
#[test]
fn a_damaged_order_holds_up_no_other() {
    World::run(async |world| {
        bob(world).await;
        let first = order(world, "10").await;
        order(world, "20").await;
        let items = world.stack.dynamo.scan(TABLE).unwrap();
        let whole = items.iter().find(|item| item["id"]["S"] == first["id"] && item["type"]["S"] == "order").unwrap();
        let mut damaged = whole.clone();
        damaged.as_object_mut().unwrap().remove("charge");
        let put =
            |item: &Value| world.stack.dynamo.apply("PutItem", &json!({"TableName": TABLE, "Item": item})).unwrap();
        put(&damaged);
        world.advance(31 * 60).await;
        assert_eq!(tick(world, "expire-orders").await, json!({"expired": 1, "failed": 1, "left": 0}));
        put(whole);
        assert_eq!(tick(world, "expire-orders").await, json!({"expired": 1, "failed": 0, "left": 0}));
    });
}

/// R5.5: a promotion's end becomes visible once, after its last instant.
#[test]
fn a_promotion_ends_once() {
    World::run(async |world| {
        bob(world).await;
        world.advance(72 * 3_600 - 60).await;
        assert_eq!(tick(world, "expire-promotions").await["expired"], 0);
        world.advance(61).await;
        assert_eq!(tick(world, "expire-promotions").await["expired"], 1);
        assert_eq!(tick(world, "expire-promotions").await["expired"], 0);
        world.settle().await;
        world.sign_in("admin").await;
        let stats = world.admin().get("/v1/admin/stats").await.is(200);
        assert_eq!(stats["promotions"]["expired"], 1, "{stats}");
    });
}

/// O1: the sweep sends unsent messages, and none before it is a minute old.
#[test]
fn the_sweep_sends_what_was_left_behind() {
    World::run(async |world| {
        bob(world).await;
        let order = order(world, "100").await;
        for _ in 0..6 {
            world.stack.faults.script("SendMessageBatch", 0, Fault::Refused);
        }
        world.pay(&order, json!({})).await;
        world.stack.pump_webhooks().await;
        world.stack.faults.clear();
        let left = outbox(world);
        assert!(left > 0, "nothing was left behind");
        world.advance(50).await;
        assert_eq!(tick(world, "sweep-outbox").await["outbox"]["sent"], 0, "still being sent");
        world.advance(20).await;
        let swept = tick(world, "sweep-outbox").await["outbox"].clone();
        assert_eq!((swept["sent"].as_u64(), swept["failed"].as_u64()), (u64::try_from(left).ok(), Some(0)));
        assert!(swept["oldest_seconds"].as_i64().unwrap() >= 60, "{swept}");
        assert_eq!(outbox(world), 0);
    });
}

/// O1: while a queue is down nothing is lost, and the sweep reports the age of the oldest message.
#[test]
fn a_queue_that_is_away_loses_nothing() {
    World::run(async |world| {
        bob(world).await;
        for _ in 0..60 {
            world.stack.faults.script("SendMessageBatch", 0, Fault::ErrorBefore);
        }
        world.register("eve", None).await;
        world.advance(600).await;
        let swept = tick(world, "sweep-outbox").await["outbox"].clone();
        assert_eq!((&swept["sent"], &swept["failed"]), (&json!(0), &json!(1)), "{swept}");
        assert!(swept["oldest_seconds"].as_i64().unwrap() >= 600, "{swept}");
        world.stack.faults.clear();
        assert_eq!(tick(world, "sweep-outbox").await["outbox"]["sent"], 1);
    });
}

/// performance.md, *Scale*: what a minute leaves behind is sent within a tick, its partitions side by side.
#[test]
fn ten_thousand_promises_are_sent_within_a_tick() {
    World::run(async |world| {
        let told = world.register("bob", None).await;
        world.settle().await;
        let (app, user) = (&world.stack.app, UserId::parse(told["user"]["id"].as_str().unwrap()).unwrap());
        let messages = vec![serde_json::to_value(Message::BalanceChanged { user }).unwrap()];
        let first = Outbox { id: OutboxId::new(app.ulid()), at: app.clock.now(), messages };
        let mut tx = app.tx();
        tx.insert(&first);
        app.store.commit(&tx).await.unwrap();
        let items = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
        let first = items.into_iter().find(|item| item["type"]["S"] == "outbox").unwrap();
        for _ in 1..10_000 {
            let id = OutboxId::new(app.ulid());
            let mut item = first.clone();
            (item["pk"]["S"], item["sk"]["S"]) = (json!(Outbox::key(id).pk), json!(Outbox::key(id).sk));
            item["id"]["S"] = json!(id.to_string());
            let put = json!({"TableName": emulator::stack::TABLE, "Item": item});
            world.stack.dynamo.apply("PutItem", &put).unwrap();
        }
        world.advance(61).await;
        // A send and a delete together, in AWS's slowest hundredth.
        world.stack.dynamo.calls_take(Duration::from_millis(80));
        let begun = tokio::time::Instant::now();
        let swept = tick(world, "sweep-outbox").await["outbox"].clone();
        let took = begun.elapsed();
        world.stack.dynamo.calls_take(Duration::ZERO);
        assert_eq!((&swept["sent"], outbox(world)), (&json!(10_000), 0));
        assert!(took < Duration::from_secs(20), "{took:?}");
    });
}

/// O1: one sweep sends all unsent messages, over all pages of the index.
#[test]
fn a_sweep_goes_on_after_the_first_page() {
    World::run(async |world| {
        let told = world.register("bob", None).await;
        world.settle().await;
        let (app, user) = (&world.stack.app, UserId::parse(told["user"]["id"].as_str().unwrap()).unwrap());
        let ids = std::iter::repeat_with(|| OutboxId::new(app.ulid()));
        let of_one_shard = ids.filter(|id| Outbox::key(*id).pk == "OUTBOX#0").take(110);
        for id in of_one_shard {
            let mut tx = app.tx();
            let messages = vec![serde_json::to_value(Message::BalanceChanged { user }).unwrap()];
            tx.insert(&Outbox { id, at: app.clock.now(), messages });
            app.store.commit(&tx).await.unwrap();
        }
        assert_eq!(outbox(world), 110);
        world.advance(61).await;
        assert_eq!(tick(world, "sweep-outbox").await["outbox"]["sent"], 110);
        assert_eq!(outbox(world), 0);
    });
}

/// A queue that rejects the last entry of each batch.
#[derive(Debug)]
struct Partly(SqsBackend);

impl Backend for Partly {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, ConnectFault>> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let mut asked: Value = serde_json::from_slice(&body).unwrap();
            let entries = asked["Entries"].as_array_mut().filter(|entries| entries.len() > 1);
            let Some(left) = entries.and_then(Vec::pop) else {
                return self.0.call(Request::from_parts(parts, body)).await;
            };
            let answer = self.0.call(Request::from_parts(parts, Bytes::from(asked.to_string()))).await?;
            Ok(answer.map(|told| {
                let mut told: Value = serde_json::from_slice(&told).unwrap();
                told["Failed"] = json!([{"Id": left["Id"], "SenderFault": false, "Code": "InternalError"}]);
                Bytes::from(told.to_string())
            }))
        })
    }
}

/// The application with such queues.
fn partly(world: &World) -> App {
    let aws = Aws {
        http: client(Arc::new(Partly(SqsBackend(world.stack.queues.clone())))),
        region: sqs::REGION.to_owned(),
        credentials: Credentials::new("local", "local", None, None, "local"),
    };
    let urls = Urls {
        reward: sqs::url("RewardQueue.fifo"),
        reward_dead: sqs::url("RewardDeadLetterQueue.fifo"),
        mail: sqs::url("MailQueue"),
        statistics: sqs::url("StatisticsQueue"),
    };
    let mut app = App::clone(&world.stack.app);
    app.executor.queues = Queues::new(aws.sqs(Some("http://sqs.local".to_owned())), urls);
    app
}

/// O1: a rejected entry stays in the outbox until it is accepted, though the rest was accepted.
#[test]
fn what_a_queue_did_not_take_of_a_batch_stays_promised() {
    World::run(async |world| {
        bob(world).await;
        let code = world.codes(json!({"label": "x", "count": 1, "credit": "1", "total_uses": 1})).await.remove(0);
        let redeemed = world.redeem("bob", &code).await.is(201);
        world.settle().await;
        assert_eq!(outbox(world), 0);
        let ask = Undo {
            redemption: RedemptionId::parse(redeemed["id"].as_str().unwrap()).unwrap(),
            reason: "sent to the wrong person".to_owned(),
            admin: UserId::new(ulid::Ulid::from_parts(1, 1)),
        };
        undo_redemption(&partly(world), &Ctx::system(), &ask).await.unwrap();
        world.settle().await;
        let stats = world.admin().get("/v1/admin/stats").await.is(200);
        assert_eq!((&stats["redemptions"]["undone"], outbox(world)), (&json!(1), 1), "one of two was taken");
        world.advance(61).await;
        assert_eq!(tick(world, "sweep-outbox").await["outbox"]["sent"], 1);
        assert_eq!(outbox(world), 0);
    });
}

/// V2: a damaged outbox item stays for a person and its age is reported; the others are sent.
#[test]
fn a_damaged_promise_holds_up_no_other() {
    World::run(async |world| {
        bob(world).await;
        for _ in 0..60 {
            world.stack.faults.script("SendMessageBatch", 0, Fault::Refused);
        }
        world.register("eve", None).await;
        world.register("joe", None).await;
        world.stack.faults.clear();
        let items = world.stack.dynamo.scan(TABLE).unwrap();
        let whole = items.iter().find(|item| item["type"]["S"] == "outbox").unwrap();
        let mut damaged = whole.clone();
        damaged["messages"] = json!({"S": "what"});
        let put =
            |item: &Value| world.stack.dynamo.apply("PutItem", &json!({"TableName": TABLE, "Item": item})).unwrap();
        put(&damaged);
        world.advance(300).await;
        let swept = tick(world, "sweep-outbox").await["outbox"].clone();
        assert_eq!((&swept["sent"], &swept["failed"]), (&json!(1), &json!(1)), "{swept}");
        world.advance(300).await;
        let swept = tick(world, "sweep-outbox").await["outbox"].clone();
        assert!(swept["oldest_seconds"].as_i64().unwrap() >= 600, "{swept}");
        put(whole);
    });
}

#[test]
fn nobody_ticks_for_an_unknown_schedule() {
    World::run(async |world| {
        world.stack.tick("make-money").await.unwrap_err();
        for event in [json!({}), json!({"schedule": "make-money"}), json!({"schedule": 1}), Value::Null] {
            ::scheduler::tick(std::sync::Arc::clone(&world.stack.app), event).await.unwrap_err();
        }
    });
}
