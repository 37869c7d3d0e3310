//! The bill of a thousand operations, from counted requests, units and messages: infra/README.md says the same.
//!
//! Fixed beside the counts: list prices, and 50 ms for a run of a function. Free tiers, traffic and logs are left out. A message is
//! sent, received and deleted by itself, as when few come; a queue's idle polls are in the bill of an idle month (`.ci/costs.py`).

#![allow(clippy::float_arithmetic, reason = "a bill in dollars, no money of anybody's")]

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::json;

use crate::documents::assert_block;
use crate::world::World;

/// List prices in USD, as published in 2025.
struct Prices {
    region: &'static str,
    request: f64,
    write_unit: f64,
    read_unit: f64,
}

const PRICES: [Prices; 2] = [
    Prices { region: "us-east-1", request: 1.00e-6, write_unit: 0.625e-6, read_unit: 0.125e-6 },
    Prices { region: "eu-central-1", request: 1.20e-6, write_unit: 0.7625e-6, read_unit: 0.1525e-6 },
];
/// A run of a function: its request, and 50 ms of 256 MB on arm64.
const RUN: f64 = 0.20e-6 + 0.05 * 0.25 * 0.000_013_333_4;
/// A call of a FIFO queue, the dearer kind; each message is three.
const QUEUE_CALL: f64 = 0.50e-6;

/// Counts of an operation, until everything behind it is at rest.
#[derive(Debug)]
struct Counted {
    name: &'static str,
    requests: u64,
    messages: u64,
    half_reads: u64,
    writes: u64,
}

impl Counted {
    /// USD for a thousand.
    fn bill(&self, prices: &Prices) -> f64 {
        let of = |count: u64, price: f64| f64::from(u32::try_from(count).unwrap()) * price * 1000.0;
        of(self.requests, prices.request + RUN)
            + of(self.messages, 3.0 * QUEUE_CALL + RUN)
            + of(self.half_reads, prices.read_unit / 2.0)
            + of(self.writes, prices.write_unit)
    }
}

/// Counts an operation of so many requests, and all that follows from it.
async fn counted(world: &World, name: &'static str, requests: u64, operation: impl AsyncFnOnce()) -> Counted {
    // Changed settings are read again once a minute; that read is not counted.
    world.nobody().get("/v1/settings/public").await.is(200);
    world.stack.dynamo.reset();
    let before = world.stack.queues.sent();
    operation().await;
    world.settle().await;
    let used = world.stack.dynamo.used();
    let sum = |of: fn(&emulator::dynamo::Usage) -> u64| used.values().map(of).sum();
    let messages = world.stack.queues.sent() - before;
    Counted {
        name,
        requests,
        messages,
        half_reads: sum(|usage| usage.half_read_units),
        writes: sum(|usage| usage.write_units),
    }
}

async fn all(world: &World) -> Vec<Counted> {
    world.open().await;
    world.register("ann", None).await;
    world.settle().await;
    let code = world.code("ann").await;
    let codes = world.codes(json!({"label": "x", "count": 2, "credit": "5", "total_uses": 1})).await;
    // The first journal of a deployment also fixes its currency.
    world.redeem("ann", &codes[0]).await.is(201);
    world.settle().await;
    let registration =
        counted(world, "a registration with a code", 1, async || drop(world.register("bob", Some(&code)).await)).await;
    let paid = async |name: &str| {
        let order = world.order(name, json!({"offer_id": "o100", "provider": "zpay"})).await;
        world.pay(&order, json!({})).await;
    };
    let order = counted(world, "a paid order", 2, async || paid("ann").await).await;
    let invited =
        counted(world, "a paid order of somebody invited, with the inviter's reward", 2, async || paid("bob").await)
            .await;
    let redemption =
        counted(world, "a redemption", 1, async || drop(world.redeem("bob", &codes[1]).await.is(201))).await;
    let list = counted(world, "a page of a list, 50 orders", 1, async || {
        drop(world.admin().get("/v1/admin/payment/orders?limit=50").await.is(200));
    });
    vec![registration, order, invited, redemption, list.await]
}

fn table(all: &[Counted]) -> String {
    let regions: Vec<&str> = PRICES.iter().map(|prices| prices.region).collect();
    let mut table = format!(
        "| operation | requests | messages | read units | write units | USD for 1 000, {} |\n",
        regions.join(" | ")
    );
    writeln!(table, "| --- | --- | --- | --- | --- |{}", " --- |".repeat(PRICES.len())).unwrap();
    for one in all {
        let bills: Vec<String> = PRICES.iter().map(|prices| format!("{:.3}", one.bill(prices))).collect();
        let reads = f64::from(u32::try_from(one.half_reads).unwrap()) / 2.0;
        let Counted { name, requests, messages, writes, .. } = one;
        writeln!(table, "| {name} | {requests} | {messages} | {reads} | {writes} | {} |", bills.join(" | ")).unwrap();
    }
    table
}

/// deploy.md §5: a thousand paid orders are at most five cents.
#[test]
fn the_bill_of_a_thousand_operations_is_as_the_manual_says() {
    World::run(async |world| {
        let all = all(world).await;
        assert_block("infra", "operations-cost", &table(&all));
        assert!(all[1].bill(&PRICES[0]) <= 0.05, "{:?}", all[1]);
    });
}

/// `.ci/costs.py` bills an idle month by what a tick reads when there is nothing to do.
#[test]
fn an_idle_tick_reads_what_the_bill_says() {
    World::run(async |world| {
        let said = include_str!("../../.ci/costs.py").split("READS = {").nth(1).and_then(|rest| rest.split('}').next());
        let said: BTreeMap<String, f64> = serde_json::from_str(&format!("{{{}}}", said.unwrap())).unwrap();
        world.open().await;
        world.settle().await;
        let mut counted = BTreeMap::new();
        for function in &world.stack.template.functions {
            for schedule in &function.schedules {
                // Settings are read once a minute, whoever asks.
                world.nobody().get("/v1/settings/public").await.is(200);
                world.stack.dynamo.reset();
                world.stack.tick(schedule.input["schedule"].as_str().unwrap()).await.unwrap();
                let halves: u64 = world.stack.dynamo.used().values().map(|usage| usage.half_read_units).sum();
                let name = schedule.input["schedule"].as_str().unwrap().to_owned();
                counted.insert(name, f64::from(u32::try_from(halves).unwrap()) / 2.0);
            }
        }
        assert_eq!(counted, said, "write the counted units into READS of .ci/costs.py, then .ci/costs.py --write");
    });
}
