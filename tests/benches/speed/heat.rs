//! Units by partition of a mixed workload, and the rate at which each partition that all share is at its limit (performance.md, *Scale*).
//!
//! A partition is shared if operations of people who have nothing to do with each other write or read it. Its partitions are those
//! of one list in all its shards: at high rates the hash fills them evenly.

use std::collections::{BTreeMap, BTreeSet};

use emulator::dynamo::heat::Heat;
use serde_json::json;

use crate::shop::{Shop, digest};

/// Operations of each kind.
const OPERATIONS: usize = 640;
/// Operations after which queues are drained, as many as a batch of messages.
const TOGETHER: usize = 10;
/// Units that a partition takes in a second.
const WRITES: f64 = 1_000.0;
const READS: f64 = 3_000.0;

/// A list or counter, over all its partitions.
#[derive(Default)]
struct Family {
    partitions: BTreeSet<String>,
    groups: BTreeSet<usize>,
    writes: u64,
    half_reads: u64,
}

/// Measures and prints; returns true if every aim is met.
pub async fn run() -> bool {
    let shop = Shop::open().await;
    shop.pays_commissions().await;
    let mut codes = Vec::new();
    for number in 0..OPERATIONS {
        let inviter = shop.invited(&format!("ann{number}"), "", &address(number)).await;
        codes.push(shop.code_of(&inviter).await);
    }
    shop.stack.settle().await.unwrap();
    shop.stack.dynamo.watch();
    let mut tokens = Vec::new();
    let registrations = measured(&shop, async |number| {
        tokens.push(shop.invited(&format!("bob{number}"), &codes[number], &address(number)).await);
    })
    .await;
    let orders = measured(&shop, async |number| shop.pay(&tokens[number]).await).await;
    let redeemed = crate::codes::distinct(&shop, OPERATIONS).await;
    let redemptions = measured(&shop, async |number| {
        let body = Some(json!({"code": redeemed[number]}));
        let (token, ip) = (&tokens[number], address(number));
        shop.send_from(&ip, "POST", "/v1/redemptions", token, &digest(token), body).await;
    })
    .await;
    println!(
        "Units of {OPERATIONS} operations each by people who have nothing to do with each other, consumers included."
    );
    println!("A partition takes {WRITES} write units or {READS} read units a second.\n");
    println!("| operation | shared list | partitions | units each | at its limit with |");
    println!("| --- | --- | ---: | ---: | ---: |");
    let kept = [
        told("registration with a code", &registrations, 20_000.0),
        told("paid order, reward and commission", &orders, 10_000.0),
        told("redemption of distinct codes", &redemptions, 20_000.0),
    ];
    shop.stack.settle().await.unwrap();
    let findings = shop.stack.audit().unwrap();
    assert!(findings.is_empty(), "the auditor finds {findings:#?}");
    !kept.contains(&false)
}

/// An address of another network for each.
fn address(number: usize) -> String {
    format!("10.{}.{}.7", number / 250, number % 250)
}

/// Runs the operations and what follows from them; returns the shared lists.
async fn measured(shop: &Shop, mut operation: impl AsyncFnMut(usize)) -> BTreeMap<String, Family> {
    shop.stack.dynamo.heat();
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut owners: BTreeMap<(String, String), BTreeSet<usize>> = BTreeMap::new();
    let mut heats: Vec<Heat> = Vec::new();
    for group in 0..OPERATIONS / TOGETHER {
        for number in 0..TOGETHER {
            operation(group * TOGETHER + number).await;
        }
        shop.stack.settle().await.unwrap();
        let heat = shop.stack.dynamo.heat();
        for place in heat.keys() {
            owners.entry(place.clone()).or_default().insert(group);
        }
        heats.push(heat);
    }
    for (group, heat) in heats.into_iter().enumerate() {
        for ((index, partition), units) in heat {
            let family = families.entry(format!("{index} {}", nameless(&partition))).or_default();
            if owners[&(index, partition.clone())].len() > 1 {
                family.partitions.insert(partition);
                family.groups.insert(group);
            }
            family.writes += units.write_units;
            family.half_reads += units.half_read_units;
        }
    }
    families.retain(|_, family| !family.partitions.is_empty());
    families
}

/// The partition without its shard, and without ids and hashes.
fn nameless(partition: &str) -> String {
    let part = |part: &str| match part {
        part if part.len() > 12 => "…".to_owned(),
        part if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) => "*".to_owned(),
        part => part.to_owned(),
    };
    let parts: Vec<String> = partition.split('#').map(part).collect();
    // The first partition of a list has no number.
    let parts = if parts.last().is_some_and(|last| last == "*") { &parts[..parts.len() - 1] } else { &parts[..] };
    parts.join("#")
}

/// Prints the lists of an operation, the hottest first; returns true if what everybody shares meets the aim.
fn told(operation: &str, families: &BTreeMap<String, Family>, aim: f64) -> bool {
    let mut rows: Vec<(bool, f64, String)> = Vec::new();
    for (name, family) in families {
        let (writes, reads) = (family.writes as f64, family.half_reads as f64 / 2.0);
        let (units, what, limit) =
            if writes / WRITES >= reads / READS { (writes, "w", WRITES) } else { (reads, "r", READS) };
        let each = units / OPERATIONS as f64;
        // A batch, a shop: what has an id is one partition each.
        let is_one = name.contains('…');
        let partitions = if is_one { 1 } else { family.partitions.len() };
        let rate = limit * partitions as f64 / each;
        let whose = if is_one { " of one" } else { "" };
        let row = format!("| {operation} | `{name}` | {partitions} | {each:.2} {what} | {rate:.0} a second{whose} |");
        rows.push((is_one, rate, row));
    }
    rows.sort_by(|(_, one, _), (_, other, _)| one.total_cmp(other));
    for (.., row) in rows.iter().take(4) {
        println!("{row}");
    }
    let kept = rows.iter().all(|(is_one, rate, _)| *is_one || *rate >= aim);
    if !kept {
        println!("| {operation} | **less than {aim:.0} a second** | | | |");
    }
    kept
}
