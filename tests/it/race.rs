//! Races: 64 clients send at the same instant while transactions take time, so that they overlap.
//! Each operation runs a round or two, each with another seed: `GUERDON_ROUNDS=1000` runs that many, `GUERDON_FIRST_ROUND=5000`
//! starts there, `GUERDON_ROUND=17` runs that one.
//!
//! The responses are compared with the final state. After a 2xx the same key returns the same again, and the entity exists (J1).
//! After a refusal nothing exists (J2). After a 503 or no response, the client repeats with the same key until it is clear (J3).
//! Each test counts the entities. At the end of each round the world is drained and audited.

mod agency;
mod money;
mod payment;
mod people;
mod redeem;
mod torn;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::env::wished;
use crate::facts;
use crate::world::{Answer, World};

/// Number of simultaneous clients.
pub const CLIENTS: usize = 64;
/// Work of a round with all its repeats; decides the default number of rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Light,
    Heavy,
}

/// One round of an operation.
pub struct Round<'a> {
    pub world: &'a World,
    pub seed: u64,
    rng: RefCell<ChaCha8Rng>,
    unknown: Cell<u64>,
}

/// Final responses of all clients.
#[derive(Debug, Default)]
pub struct Told {
    /// Bodies of 2xx responses by client.
    pub made: BTreeMap<usize, Value>,
    /// Problem codes of 4xx responses by client.
    pub refused: BTreeMap<usize, String>,
}

/// Boxed request, since clients of one round may send different ones.
pub type Asked<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

/// Runs an operation's rounds; a failing round prints how to replay it.
pub fn race(name: &str, weight: Weight, round: impl AsyncFn(&Round<'_>)) {
    let seeds = match wished("GUERDON_ROUND") {
        Some(seed) => seed..=seed,
        None => {
            let first: u64 = wished("GUERDON_FIRST_ROUND").unwrap_or(1);
            let rounds = wished::<u64>("GUERDON_ROUNDS").unwrap_or(if weight == Weight::Light { 2 } else { 1 });
            first..=first + rounds - 1
        }
    };
    let (mut rounds, mut met, mut unknown) = (0_u64, 0, 0);
    for seed in seeds {
        let replay = Replay { name, seed };
        World::seeded(seed, async |world| {
            let (rng, nobody) = (RefCell::new(ChaCha8Rng::seed_from_u64(seed)), Cell::new(0));
            let played = Round { world, seed, rng, unknown: nobody };
            round(&played).await;
            met += world.stack.dynamo.conflicts();
            unknown += played.unknown.get();
        });
        drop(replay);
        rounds += 1;
    }
    note(name, json!({"clients": CLIENTS, "rounds": rounds, "conflicts": met, "asked_again": unknown}));
}

/// Adds to the report; all operations together are one part of it.
fn note(name: &str, facts: Value) {
    static ALL: Mutex<BTreeMap<String, Value>> = Mutex::new(BTreeMap::new());
    let mut all = ALL.lock().unwrap();
    all.insert(name.to_owned(), facts);
    facts::note("races", &json!(*all));
}

struct Replay<'a> {
    name: &'a str,
    seed: u64,
}

impl Drop for Replay<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { name, seed } = self;
            eprintln!("GUERDON_ROUND={seed} cargo test -p tests --test it race::{name} plays it again");
        }
    }
}

impl Round<'_> {
    /// Draws a number below `bound`.
    pub fn below(&self, bound: u32) -> u32 {
        self.rng.borrow_mut().next_u32() % bound
    }

    /// Makes transactions slow from now on, so that they overlap; returns their milliseconds.
    /// In every fourth round they take so long that the retry budget is spent. In every second round some of them fail, so that
    /// outcomes are indeterminate.
    pub fn contend(&self) -> u32 {
        let takes = if self.seed % 4 == 2 { 150 + self.below(150) } else { 2 + self.below(24) };
        self.world.stack.dynamo.transactions_take(Duration::from_millis(u64::from(takes)));
        if self.seed.is_multiple_of(2) {
            self.world.stack.faults.randomly_at("TransactWriteItems", 60, self.seed);
        }
        takes
    }

    /// Ends slow transactions and faults.
    pub fn calm(&self) {
        self.world.stack.dynamo.transactions_take(Duration::ZERO);
        self.world.stack.faults.clear();
    }

    /// Draws a duration below this many milliseconds.
    pub fn soon(&self, milliseconds: u32) -> Duration {
        Duration::from_millis(u64::from(self.below(milliseconds)))
    }

    /// Sends `clients` requests within a few milliseconds.
    /// In every second round one client of eight hangs up, wherever its request is then. A client without a response, or with a
    /// 503, repeats the same request.
    pub async fn at_once<F: Future<Output = Answer>>(&self, clients: usize, ask: impl Fn(usize) -> F) -> Told {
        let takes = self.contend();
        let asked = (0..clients).map(|client| {
            let hangs_up = self.seed.is_multiple_of(2) && self.below(8) == 0;
            let patience = if hangs_up { self.soon(3 * takes) } else { Duration::from_secs(60) };
            later(self.soon(10), tokio::time::timeout(patience, ask(client)))
        });
        let answers = together(asked.collect()).await;
        self.calm();
        let mut told = Told::default();
        for (client, answer) in answers.into_iter().enumerate() {
            let mut answer = answer.ok();
            let answer = loop {
                match answer {
                    Some(answer) if !answer.is_to_be_repeated() => break answer,
                    Some(answer) => assert!(answer.status == 500 || answer.headers.contains_key("retry-after")),
                    None => {}
                }
                self.unknown.set(self.unknown.get() + 1);
                answer = Some(ask(client).await);
            };
            match answer.status {
                status @ 200..300 => drop(told.made.insert(client, answer.is(status))),
                400..500 => drop(told.refused.insert(client, answer.is_problem())),
                _ => panic!("client {client} is told {} {}", answer.status, answer.text),
            }
        }
        told
    }

    /// Repeats a dozen of the successful requests, which must return the same id (J1).
    pub async fn again<F: Future<Output = Answer>>(&self, told: &Told, ask: impl Fn(usize) -> F) {
        for (client, body) in told.made.iter().step_by(told.made.len() / 12 + 1) {
            let answer = ask(*client).await;
            assert!((200..300).contains(&answer.status), "client {client}: {} {}", answer.status, answer.text);
            let again: Value = serde_json::from_str(&answer.text).unwrap();
            assert_eq!(again["id"], body["id"], "client {client} is told of another one");
        }
    }
}

impl Told {
    /// Number of successes; asserts that all other clients got this code.
    #[track_caller]
    pub fn made_or(&self, code: &str) -> usize {
        assert!(self.refused.values().all(|refused| refused == code), "{:?}", self.refused);
        self.made.len()
    }

    /// The value at `pointer` that all successful responses share.
    #[track_caller]
    pub fn one(&self, pointer: &str) -> Value {
        let mut all: Vec<&Value> = self.made.values().map(|body| body.pointer(pointer).unwrap()).collect();
        all.dedup();
        assert_eq!(all.len(), 1, "{:?}", self.made);
        all[0].clone()
    }
}

async fn later<T>(soon: Duration, asked: impl Future<Output = T>) -> T {
    tokio::time::sleep(soon).await;
    asked.await
}

/// Runs requests interleaved at every call to the database: each is polled when it was woken.
pub async fn together<T>(asked: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut pending: Vec<_> =
        asked.into_iter().map(|future| (Box::pin(future), None, Arc::new(Woken::default()))).collect();
    std::future::poll_fn(|context| {
        let mut done = true;
        for (future, answer, woken) in &mut pending {
            if answer.is_some() {
                continue;
            }
            if woken.take(context.waker()) {
                let waker = Waker::from(Arc::clone(woken));
                *answer = match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    Poll::Ready(ready) => Some(ready),
                    Poll::Pending => None,
                };
            }
            done &= answer.is_some();
        }
        if done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    pending.into_iter().map(|(_, answer, _)| answer.unwrap()).collect()
}

/// Wake-up flag of one future, and the waker of all.
struct Woken {
    woken: AtomicBool,
    all: Mutex<Option<Waker>>,
}

impl Default for Woken {
    fn default() -> Self {
        Self { woken: AtomicBool::new(true), all: Mutex::new(None) }
    }
}

impl Woken {
    fn take(&self, all: &Waker) -> bool {
        *self.all.lock().unwrap() = Some(all.clone());
        self.woken.swap(false, Ordering::SeqCst)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        if let Some(all) = self.all.lock().unwrap().take() {
            all.wake();
        }
    }
}
