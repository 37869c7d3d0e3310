//! Races: 64 clients ask at the same instant, in worlds whose transactions take their time, so that they really meet. Each operation is
//! played for a round or two, each from another seed: `GUERDON_ROUNDS=1000` plays so many, `GUERDON_FIRST_ROUND=5000` from there
//! on, `GUERDON_ROUND=17` that one.
//!
//! What everybody was told is held against what came of it. Who was told 2xx is told the same again by the same key, and it is there (J1);
//! of who was refused, nothing is there (J2); who was told 503, or nothing, asks again with the same key until it tells (J3). Each test counts
//! what is there then. At the end of each round the world comes to rest and is audited.

mod agency;
mod money;
mod payment;
mod people;
mod redeem;

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

/// How many ask at once.
pub const CLIENTS: usize = 64;
/// How much work a round of an operation is, with all its repetitions.
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

/// What each client was told in the end.
#[derive(Debug, Default)]
pub struct Told {
    /// By client: 2xx, and the body.
    pub made: BTreeMap<usize, Value>,
    /// By client: 4xx, and the problem's code.
    pub refused: BTreeMap<usize, String>,
}

/// A request, boxed: clients of one round may ask for different things.
pub type Asked<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

/// Plays an operation's rounds; one that fails says how to play it again.
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

/// All operations together are one part of the report.
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
    /// A number below `bound`, by the seed.
    pub fn below(&self, bound: u32) -> u32 {
        self.rng.borrow_mut().next_u32() % bound
    }

    /// From now on transactions take so many milliseconds as the seed says, and meet; in every fourth round so long that patience ends. In every
    /// second one some of them go wrong, too, so that nobody knows what became of them.
    pub fn contend(&self) -> u32 {
        let takes = if self.seed % 4 == 2 { 150 + self.below(150) } else { 2 + self.below(24) };
        self.world.stack.dynamo.transactions_take(Duration::from_millis(u64::from(takes)));
        if self.seed.is_multiple_of(2) {
            self.world.stack.faults.randomly_at("TransactWriteItems", 60, self.seed);
        }
        takes
    }

    /// Transactions take no time any more, and none goes wrong.
    pub fn calm(&self) {
        self.world.stack.dynamo.transactions_take(Duration::ZERO);
        self.world.stack.faults.clear();
    }

    /// A while that the seed draws, below so many milliseconds.
    pub fn soon(&self, milliseconds: u32) -> Duration {
        Duration::from_millis(u64::from(self.below(milliseconds)))
    }

    /// So many clients ask within a few milliseconds. In every second round one of eight hangs up before it is told, wherever its
    /// request is then. Who was not told, or was told 503, asks again, the same.
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

    /// Whoever was told that it is made is told the same again (J1); a dozen of them are asked.
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
    /// How many were told that it is made, if everybody else was refused with this code.
    #[track_caller]
    pub fn made_or(&self, code: &str) -> usize {
        assert!(self.refused.values().all(|refused| refused == code), "{:?}", self.refused);
        self.made.len()
    }

    /// The one thing that all who were not refused were told of.
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

/// Whether one of many was woken, and whom to wake then.
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
