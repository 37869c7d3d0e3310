//! Waiting time of the main operations, from the calls that wait for each other: infra/README.md says the same.
//!
//! Every call of the database takes the same virtual time, and a transaction a little more, so that what an operation takes is its
//! longest chain of calls, however many go side by side. What follows the last transaction delays the answer, not the effect.
//! Each call is then weighed by its published median. Network, gateway, provider and the function's own work come on top.

use std::fmt::Write;
use std::time::Duration;

use emulator::sqs::Retry;
use serde_json::json;

use crate::affiliate::commission::{hundred, invited};
use crate::documents::assert_block;
use crate::world::World;

/// Virtual time of a call.
const CALL: Duration = Duration::from_millis(100);
/// Virtual time of a transaction beyond that, by which they are counted.
const MORE: Duration = Duration::from_millis(1);

/// Published medians in tenths of a millisecond. A read, a delete and a send to a queue have none of their own: they are taken as a write.
const PLAIN: u64 = 76;
const TRANSACTION: u64 = 250;
/// From the send to the consumer of a FIFO queue.
const TO_CONSUMER: u64 = 280;

/// The longest chain of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Chain {
    /// Calls of the database, transactions included, one after another.
    calls: u64,
    /// Transactions among them.
    transactions: u64,
    /// Sends after the last transaction: one, since those to several queues go side by side.
    sends: u64,
    /// Calls of the database after the last transaction; none of them is its effect.
    after: u64,
}

impl Chain {
    /// Tenths of a millisecond until the last transaction is there, or all is read.
    fn to_effect(self) -> u64 {
        (self.calls - self.transactions - self.after) * PLAIN + self.transactions * TRANSACTION
    }

    fn to_answer(self) -> u64 {
        self.to_effect() + (self.sends + self.after) * PLAIN
    }

    /// Until a consumer's transaction is there, of what this one sends.
    fn then(self, consumer: Self) -> u64 {
        self.to_effect() + TO_CONSUMER + consumer.to_effect()
    }
}

/// Plays an operation and returns its chain.
async fn chain(world: &World, operation: impl AsyncFnOnce()) -> Chain {
    // Changed settings are read again once a minute, which is no operation's.
    world.nobody().get("/v1/settings/public").await.is(200);
    world.stack.faults.calls();
    world.stack.dynamo.calls_take(CALL);
    world.stack.dynamo.transactions_take(MORE);
    let begun = tokio::time::Instant::now();
    operation().await;
    let took = u64::try_from(begun.elapsed().as_millis()).unwrap();
    world.stack.dynamo.calls_take(Duration::ZERO);
    world.stack.dynamo.transactions_take(Duration::ZERO);
    let calls = world.stack.faults.calls();
    let committed = calls.iter().rposition(|call| call == "TransactWriteItems");
    let is_send = |call: &&String| call.starts_with("SendMessage");
    let later = committed.map_or(&[][..], |last| &calls[last + 1..]);
    let call = u64::try_from(CALL.as_millis()).unwrap();
    Chain {
        calls: took / call,
        transactions: took % call,
        sends: u64::from(later.iter().any(|call| is_send(&call))),
        after: u64::try_from(later.iter().filter(|call| !is_send(call)).count()).unwrap(),
    }
}

/// The operations of the table, the consumer of the inviter's reward last.
async fn all(world: &World) -> Vec<(&'static str, Chain)> {
    invited(world).await;
    hundred(world).await;
    let code = world.code("ann").await;
    let codes = world.codes(json!({"label": "x", "count": 1, "credit": "5", "total_uses": 1})).await;
    let mut rows = Vec::new();
    let registered = chain(world, async || drop(world.register("eve", Some(&code)).await)).await;
    rows.push(("registration with a code", registered));
    world.settle().await;
    let order = json!({"offer_id": "o100", "provider": "zpay"});
    let mut placed = serde_json::Value::Null;
    let ordered = chain(world, async || placed = world.order("eve", order).await).await;
    rows.push(("order, besides its provider", ordered));
    world.settle().await;
    world.pay(&placed, json!({})).await;
    let credited = chain(world, async || assert!(world.stack.pump_webhooks().await)).await;
    rows.push(("payment's notification", credited));
    let pump =
        async || assert!(world.stack.pump("reward-worker", "RewardQueue.fifo", 10, Retry::AtOnce).await.unwrap());
    let rewarded = chain(world, pump).await;
    world.settle().await;
    let redeemed = chain(world, async || drop(world.redeem("eve", &codes[0]).await.is(201))).await;
    rows.push(("redemption of a balance code", redeemed));
    world.settle().await;
    let body = json!({"amount": "1", "to": "balance"});
    let withdrawn = async || drop(world.user("ann").once().post("/v1/affiliate/withdrawals", body).await.is(201));
    rows.push(("withdrawal to the balance", chain(world, withdrawn).await));
    world.settle().await;
    let listed = async || drop(world.admin().get("/v1/admin/payment/orders").await.is(200));
    rows.push(("page of all orders", chain(world, listed).await));
    rows.push(("reward and commission of one payment", rewarded));
    rows
}

fn ms(tenths: u64) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn table(rows: &[(&str, Chain)]) -> String {
    let mut table =
        "| operation | calls one after another | of them transactions | ms to its effect | ms to the answer |\n\
                     | --- | ---: | ---: | ---: | ---: |\n"
            .to_owned();
    for (name, chain) in rows {
        let (calls, transactions) = (chain.calls + chain.sends, chain.transactions);
        let (effect, answer) = (ms(chain.to_effect()), ms(chain.to_answer()));
        writeln!(table, "| {name} | {calls} | {transactions} | {effect} | {answer} |").unwrap();
    }
    let of = |wanted: &str| rows.iter().find(|(name, _)| name.starts_with(wanted)).unwrap().1;
    let longest = of("payment's").then(of("reward"));
    writeln!(
        table,
        "| **the longest: from a payment's notification to the inviter's reward** | | | **{}** | |",
        ms(longest)
    )
    .unwrap();
    table
}

/// performance.md, *Latency budget*: calls that wait for each other, times their published medians.
#[test]
fn the_waiting_time_of_each_operation_is_as_the_manual_says() {
    World::run(async |world| {
        assert_block("infra", "latency", &table(&all(world).await));
    });
}
