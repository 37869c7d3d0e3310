//! Redemptions per second of one hot code and of distinct codes (performance.md).
//! Users must not queue at one item.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::rates::{CLIENTS, TRANSACTION, at_once};
use crate::shop::Shop;

/// Number of redeeming users.
const CROWD: usize = 1_024;

/// Code kinds, each with its minimum rate as a share of the rate of distinct codes.
const KINDS: [(&str, Kind, f64); 3] = [
    ("distinct codes", Kind::Distinct, 1.0),
    ("one code with 128 shards", Kind::One(100_000), 0.5),
    ("one unlimited code", Kind::One(0), 0.9),
];

#[derive(Clone, Copy)]
enum Kind {
    Distinct,
    One(u64),
}

/// Measures and prints; returns true if the ratios are met.
pub async fn run() -> bool {
    println!("\nRedemptions for balance with {CLIENTS} clients, {} ms a transaction.\n", TRANSACTION.as_millis());
    println!(
        "{:<26} {:>5} {:>9} {:>9} {:>10} {:>7} {:>9}",
        "", "done", "seconds", "a second", "conflicts", "ratio", "at least"
    );
    let (mut kept, mut distinct) = (true, 0.0);
    for (what, kind, least) in KINDS {
        let (took, conflicts) = redemptions(kind).await;
        let rate = CROWD as f64 / took.as_secs_f64();
        if distinct == 0.0 {
            distinct = rate;
        }
        let ratio = rate / distinct;
        kept &= ratio >= least;
        let seconds = took.as_secs_f64();
        println!("{what:<26} {CROWD:>5} {seconds:>9.2} {rate:>9.0} {conflicts:>10} {ratio:>7.2} {least:>9.2}");
    }
    if !kept {
        println!("\nA hot code is slower than it may be.");
    }
    kept
}

async fn redemptions(kind: Kind) -> (Duration, u64) {
    let shop = Arc::new(Shop::open().await);
    let mut tokens = Vec::new();
    for number in 0..CROWD {
        tokens.push(shop.register(&format!("bob{number}")).await);
    }
    let codes = codes(&shop, kind).await;
    shop.stack.settle().await.unwrap();
    let (tokens, codes) = (Arc::new(tokens), Arc::new(codes));
    shop.stack.dynamo.transactions_take(TRANSACTION);
    let begun = Instant::now();
    at_once(CLIENTS, CROWD, {
        let shop = Arc::clone(&shop);
        move |job| {
            let (shop, tokens, codes) = (Arc::clone(&shop), Arc::clone(&tokens), Arc::clone(&codes));
            async move {
                let body = json!({"code": codes[job % codes.len()]});
                shop.post("/v1/redemptions", &tokens[job], &tokens[job], body).await;
            }
        }
    })
    .await;
    let took = begun.elapsed();
    let conflicts = shop.stack.dynamo.conflicts();
    shop.stack.dynamo.transactions_take(Duration::ZERO);
    shop.check(0).await;
    (took, conflicts)
}

/// One code per user, or one for all.
async fn codes(shop: &Shop, kind: Kind) -> Vec<String> {
    match kind {
        Kind::Distinct => distinct(shop, CROWD).await,
        Kind::One(total) => made(shop, 1, total).await,
    }
}

/// Codes for balance, each good for one use.
pub async fn distinct(shop: &Shop, count: usize) -> Vec<String> {
    made(shop, count, 1).await
}

async fn made(shop: &Shop, count: usize, total: u64) -> Vec<String> {
    let mut codes = Vec::new();
    while codes.len() < count {
        let some = (count - codes.len()).min(100);
        let body = json!({"label": "bench", "count": some, "credit": "1", "total_uses": total});
        let key = format!("batch{}", codes.len());
        let made = shop.post("/v1/admin/redemption/batches", &shop.admin, &key, body).await;
        codes.extend(made["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()));
    }
    codes
}
