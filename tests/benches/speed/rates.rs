//! Registrations and complete payments per second on the embedded database, sequential and with 64 clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::shop::Shop;

pub const CLIENTS: usize = 64;
/// Operations per client, in sequence.
const EACH: usize = 8;
/// Median latency that AWS publishes for a transaction of five items.
pub const TRANSACTION: Duration = Duration::from_millis(25);

/// One row of the printed table.
struct Row {
    what: &'static str,
    how: String,
    done: usize,
    took: Duration,
    conflicts: u64,
}

/// Measures and prints; no budget applies.
pub async fn run() -> bool {
    println!(
        "Rates on the embedded database, Argon2 at its least. A payment is an order, the provider's page, its webhook"
    );
    println!("and what the queues' consumers make of it: Ann's reward, statistics. Everybody was invited by Ann.\n");
    println!("{:<14} {:<36} {:>5} {:>9} {:>9} {:>10}", "", "", "done", "seconds", "a second", "conflicts");
    for (clients, takes) in [(1, Duration::ZERO), (CLIENTS, Duration::ZERO), (CLIENTS, TRANSACTION)] {
        for row in [registrations(clients, takes).await, payments(clients, takes).await] {
            let (seconds, conflicts) = (row.took.as_secs_f64(), row.conflicts);
            let rate = row.done as f64 / seconds;
            println!("{:<14} {:<36} {:>5} {seconds:>9.2} {rate:>9.0} {conflicts:>10}", row.what, row.how, row.done);
        }
    }
    println!("\nEach row's money was audited. Compare rows of one run only.");
    true
}

fn how(clients: usize, takes: Duration) -> String {
    let who = if clients == 1 { "one after another".to_owned() } else { format!("{clients} clients") };
    if takes.is_zero() { who } else { format!("{who}, {} ms a transaction", takes.as_millis()) }
}

async fn registrations(clients: usize, takes: Duration) -> Row {
    let shop = Arc::new(Shop::open().await);
    let jobs = CLIENTS * EACH;
    shop.stack.dynamo.transactions_take(takes);
    let begun = Instant::now();
    at_once(clients, jobs, {
        let shop = Arc::clone(&shop);
        move |job| {
            let shop = Arc::clone(&shop);
            async move {
                shop.register(&format!("bob{job}")).await;
            }
        }
    })
    .await;
    let took = begun.elapsed();
    let conflicts = shop.stack.dynamo.conflicts();
    shop.stack.dynamo.transactions_take(Duration::ZERO);
    shop.check(0).await;
    Row { what: "registrations", how: how(clients, takes), done: jobs, took, conflicts }
}

async fn payments(clients: usize, takes: Duration) -> Row {
    let shop = Arc::new(Shop::open().await);
    let jobs = CLIENTS * EACH;
    let mut tokens = Vec::new();
    for job in 0..jobs {
        tokens.push(shop.register(&format!("bob{job}")).await);
    }
    shop.stack.settle().await.unwrap();
    let tokens = Arc::new(tokens);
    shop.stack.dynamo.transactions_take(takes);
    let begun = Instant::now();
    let done = Arc::new(AtomicBool::new(false));
    let consumer = tokio::spawn({
        let (shop, done) = (Arc::clone(&shop), Arc::clone(&done));
        async move { shop.consume(&done).await }
    });
    at_once(clients, jobs, {
        let shop = Arc::clone(&shop);
        move |job| {
            let (shop, tokens) = (Arc::clone(&shop), Arc::clone(&tokens));
            async move { shop.pay(&tokens[job]).await }
        }
    })
    .await;
    done.store(true, Ordering::SeqCst);
    consumer.await.unwrap();
    let took = begun.elapsed();
    let conflicts = shop.stack.dynamo.conflicts();
    shop.stack.dynamo.transactions_take(Duration::ZERO);
    shop.check(jobs as u64).await;
    Row { what: "payments", how: how(clients, takes), done: jobs, took, conflicts }
}

/// Runs `jobs` jobs with `clients` clients, each taking the next job.
pub async fn at_once<F: Future<Output = ()> + Send + 'static>(
    clients: usize,
    jobs: usize,
    job: impl Fn(usize) -> F + Clone + Send + 'static,
) {
    let next = Arc::new(AtomicUsize::new(0));
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..clients {
        let (next, job) = (Arc::clone(&next), job.clone());
        running.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= jobs {
                    return;
                }
                job(number).await;
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}
