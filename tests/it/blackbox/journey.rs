//! One journey through killed and frozen processes.
//! Clients retry until they get a response, and queues redeliver.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use emulator::sqs::{FunctionReply, Message, Retry, event};
use emulator::stack::Stack;
use http::Request;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::Value;

use super::gate::{Gate, Moment, Trail};
use super::worker::{Answer, Worker};
use crate::processes::Bench;

/// Maximum number of invocations per unit of work.
const REPEATS: usize = 12;
/// Maximum number of killed or frozen invocations per unit of work.
const TROUBLES: usize = 2;
/// Fault rate of calls, per mille.
const FAULTS: u32 = 20;
/// Latest time of a kill that is not tied to a call, in microseconds.
const LATEST: u32 = 60_000;

/// Number of calls per step of an undisturbed invocation.
pub type Calls = BTreeMap<String, u32>;

/// Counts of disturbances.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub invocations: u64,
    pub kills: u64,
    pub freezes: u64,
    pub faults: u64,
    /// Rewards that became `failed` and were retried at the end.
    pub failed_rewards: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        self.invocations += other.invocations;
        self.kills += other.kills;
        self.freezes += other.freezes;
        self.faults += other.faults;
        self.failed_rewards += other.failed_rewards;
    }
}

/// Disturbance of one invocation.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    Kill(Moment),
    KillAfter(Duration),
    Freeze(Moment),
}

/// Unit of work for a function, repeatable.
#[derive(Clone)]
pub enum Work {
    /// A request or a tick for a binary; `step` names it.
    Event { step: String, binary: String, event: Value },
    /// Messages of a queue for its consumer.
    Batch { binary: String, queue: String, size: usize },
}

pub struct Journey {
    pub bench: Bench,
    /// Seed of all disturbances; none without it.
    seed: Option<u64>,
    calm: bool,
    /// Number of the reward worker's next invocations that are killed before they do anything.
    pub hopeless: u32,
    rng: ChaCha8Rng,
    known: Calls,
    pub calls: Calls,
    idle: BTreeMap<String, Vec<Worker>>,
    started: u64,
    pub tally: Tally,
    began: Instant,
    trail: Trail,
}

impl Journey {
    /// Undisturbed journey, or one with the disturbances of a seed over these calls.
    pub async fn new(trouble: Option<(u64, &Calls)>) -> Self {
        let seed = trouble.map(|(seed, _)| seed);
        Self {
            bench: Bench::new().await,
            seed,
            calm: seed.is_none(),
            hopeless: 0,
            rng: ChaCha8Rng::seed_from_u64(seed.unwrap_or(0)),
            known: trouble.map(|(_, calls)| calls.clone()).unwrap_or_default(),
            calls: Calls::new(),
            idle: BTreeMap::new(),
            started: 0,
            tally: Tally::default(),
            began: Instant::now(),
            trail: Trail::default(),
        }
    }

    pub fn stack(&self) -> Arc<Stack> {
        Arc::clone(&self.bench.0.stack)
    }

    /// The trail, one event a line.
    pub fn told(&self) -> String {
        self.trail.lock().unwrap().join("\n")
    }

    /// Ends all disturbances: no more faults and no more kills.
    pub fn calm_down(&mut self) {
        for worker in std::mem::take(&mut self.idle).into_values().flatten() {
            self.gone(worker);
        }
        self.calm = true;
    }

    /// Sends a request until its response is no 5xx, and returns status and body.
    pub async fn ask(&mut self, step: &str, request: &Request<bytes::Bytes>) -> (u64, Value) {
        let (binary, event) = self.bench.0.event(request).unwrap();
        let returned = self.insist(&Work::Event { step: step.to_owned(), binary, event }).await;
        let body = returned["body"].as_str().unwrap_or_default();
        (status(&returned), serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned())))
    }

    /// Runs a schedule until it succeeds.
    pub async fn tick(&mut self, schedule: &str) -> Value {
        let stack = self.stack();
        let mut functions = stack.template.functions.iter();
        let found = functions.find_map(|f| Some((f, f.schedules.iter().find(|of| of.name == schedule)?)));
        let (function, schedule) = found.unwrap();
        let work =
            Work::Event { step: schedule.name.clone(), binary: function.binary.clone(), event: schedule.input.clone() };
        self.insist(&work).await
    }

    /// Hands queued messages to their consumers until no more can be received.
    pub async fn consume(&mut self) {
        let stack = self.stack();
        let mut moved = true;
        while std::mem::take(&mut moved) {
            for function in &stack.template.functions {
                for source in &function.queues {
                    while stack.queues.depth(&source.queue).unwrap().visible > 0 {
                        let (binary, queue) = (function.binary.clone(), source.queue.clone());
                        self.insist(&Work::Batch { binary, queue, size: source.batch_size }).await;
                        moved = true;
                    }
                }
            }
        }
    }

    /// Repeats the work until it succeeds. The seed may disturb the first invocations.
    async fn insist(&mut self, work: &Work) -> Value {
        let mut last = String::new();
        for turn in 0..REPEATS {
            let trouble = if self.hopeless > 0 && work.step() == "reward-worker" {
                self.hopeless -= 1;
                Some(Trouble::Kill(Moment::Before(0)))
            } else {
                (turn < TROUBLES).then(|| self.draw(work.step(), turn)).flatten()
            };
            match self.once(work, trouble).await {
                Ok(returned) if status(&returned) < 500 => return returned,
                Ok(returned) => last = returned.to_string(),
                Err(error) => last = error.to_string(),
            }
            self.note(format!("{}: {last}", work.step()));
        }
        panic!("{} is not done: {last}", work.step());
    }

    fn draw(&mut self, step: &str, turn: usize) -> Option<Trouble> {
        if self.calm {
            return None;
        }
        let calls = self.known.get(step).copied()?.max(1);
        // Lower odds for work with few calls, which is invoked most often, and for repeats.
        let odds = if calls < 4 { 3 } else { 9 } / (1 + 2 * turn as u32);
        if self.rng.next_u32() % 12 >= odds {
            return None;
        }
        let call = self.rng.next_u32() % calls;
        let moment = if self.rng.next_u32().is_multiple_of(2) { Moment::Before(call) } else { Moment::After(call) };
        Some(match self.rng.next_u32() % 10 {
            0..=3 => Trouble::Freeze(moment),
            4 => Trouble::KillAfter(Duration::from_micros(u64::from(self.rng.next_u32() % LATEST))),
            _ => Trouble::Kill(moment),
        })
    }

    /// Invokes a process once. An empty queue counts as success.
    async fn once(&mut self, work: &Work, trouble: Option<Trouble>) -> Answer {
        let stack = self.stack();
        let Some((event, batch)) = work.take(&stack).await else { return Ok(Value::Null) };
        let worker = self.worker(work.binary()).await;
        self.tally.invocations += 1;
        let (step, answer) = (
            work.step(),
            match trouble {
                Some(Trouble::Freeze(moment)) => return self.frozen(work, worker, event, &batch, moment).await,
                Some(Trouble::Kill(moment)) => {
                    let reached = worker.gate.shut_at(moment);
                    let reached =
                        async { reached.await.map_or_else(|_| String::new(), |call| format!("{moment:?} {call}")) };
                    self.unless(work.step(), worker, &event, reached).await
                }
                Some(Trouble::KillAfter(time)) => {
                    let over = async {
                        tokio::time::sleep(time).await;
                        format!("after {time:?}")
                    };
                    self.unless(work.step(), worker, &event, over).await
                }
                None => self.unless(work.step(), worker, &event, std::future::pending()).await,
            },
        );
        let (answer, killed) = answer;
        self.note(format!("{step} {}", if answer.is_ok() { "answered" } else { "ended" }));
        if let Some(moment) = killed {
            self.tally.kills += 1;
            self.note(format!("{step}: killed {moment}"));
        }
        work.settle(&stack, &batch, &answer).await;
        answer
    }

    /// The process's response, or its kill at `moment` and that moment's name.
    async fn unless(
        &mut self,
        step: &str,
        mut worker: Worker,
        event: &Value,
        moment: impl Future<Output = String>,
    ) -> (Answer, Option<String>) {
        let outcome = tokio::select! {
            biased;
            answer = worker.invoke(event) => Ok(answer),
            moment = moment => Err(moment),
        };
        match outcome {
            Ok(answer) => {
                let (calls, known) = (worker.gate.calls() as u32, self.calls.entry(step.to_owned()).or_default());
                *known = calls.max(*known);
                self.back(worker);
                (answer, None)
            }
            Err(moment) => {
                let killed = worker.kill().await;
                self.back(worker);
                (killed, Some(moment))
            }
        }
    }

    /// Freezes the process at a moment, lets others finish the same work, and resumes it.
    /// Its response must match theirs.
    async fn frozen(&mut self, work: &Work, worker: Worker, event: Value, batch: &[Message], moment: Moment) -> Answer {
        let stack = self.stack();
        let frozen = match worker.freeze(&event, moment).await {
            Ok(frozen) => frozen,
            Err((worker, answer)) => {
                self.back(worker);
                work.settle(&stack, batch, &answer).await;
                return answer;
            }
        };
        self.tally.freezes += 1;
        self.note(format!("{}: frozen {moment:?} {}", work.step(), frozen.call));
        let others = Box::pin(self.meanwhile(work)).await;
        let (worker, answer) = frozen.thaw().await;
        self.back(worker);
        work.settle(&stack, batch, &answer).await;
        if let Ok(thawed) = &answer {
            let (status, others) = (status(thawed), others.as_ref().map(|others| (status_and_id(others), others)));
            if let Some((same, others)) = others.filter(|_| status < 500) {
                assert_eq!(status_and_id(thawed), same, "thawed it says {thawed}, the others {others}");
            }
        }
        others.map_or(answer, Ok)
    }

    /// Does the same work with another process during a freeze.
    /// It answers the request, or consumes the batch once that is visible again.
    async fn meanwhile(&mut self, work: &Work) -> Option<Value> {
        let stack = self.stack();
        if let Work::Batch { queue, .. } = work {
            let hidden = stack.queues.spec(queue).unwrap().visibility_timeout_seconds;
            stack.clock.advance(Duration::from_secs(u64::from(hidden) + 1));
        }
        for _ in 0..REPEATS {
            match self.once(work, None).await {
                Ok(returned) if status(&returned) < 500 => return Some(returned),
                other => self.note(format!("{}, meanwhile: {other:?}", work.step())),
            }
        }
        None
    }

    pub async fn worker(&mut self, binary: &str) -> Worker {
        if let Some(worker) = self.idle.get_mut(binary).and_then(Vec::pop) {
            worker.gate.calls();
            return worker;
        }
        self.started += 1;
        let seed = self.seed.unwrap_or(0).wrapping_mul(1_000).wrapping_add(self.started);
        let gate = Gate::new(if self.calm { 0 } else { FAULTS }, seed, Arc::clone(&self.trail));
        Worker::start(&self.bench.0, binary, gate).await
    }

    /// Returns a running process to the pool; drops one that exited.
    pub fn back(&mut self, worker: Worker) {
        worker.gate.open();
        if worker.is_running() {
            self.idle.entry(worker.binary.clone()).or_default().push(worker);
        } else {
            self.gone(worker);
        }
    }

    fn note(&self, what: String) {
        let what = format!("{:>6} ms: {what}", self.began.elapsed().as_millis());
        self.trail.lock().unwrap().push(what);
    }

    fn gone(&mut self, worker: Worker) {
        self.tally.faults += worker.gate.faults();
    }
}

/// Prints the trail of a failed journey.
impl Drop for Journey {
    fn drop(&mut self) {
        if let Some(seed) = self.seed.filter(|_| std::thread::panicking()) {
            let trail = self.told();
            eprintln!("{trail}\nGUERDON_KILL={seed} cargo test -p tests --test it blackbox:: plays it again");
        }
    }
}

impl Work {
    fn step(&self) -> &str {
        match self {
            Self::Event { step, .. } => step,
            Self::Batch { binary, .. } => binary,
        }
    }

    fn binary(&self) -> &str {
        match self {
            Self::Event { binary, .. } | Self::Batch { binary, .. } => binary,
        }
    }

    /// Event to hand over and its messages; `None` for an empty queue.
    async fn take(&self, stack: &Stack) -> Option<(Value, Vec<Message>)> {
        match self {
            Self::Event { event, .. } => Some((event.clone(), Vec::new())),
            Self::Batch { queue, size, .. } => {
                let batch = stack.queues.poll_once(queue, *size).await.unwrap();
                (!batch.is_empty()).then(|| (event(queue, &batch), batch))
            }
        }
    }

    /// Deletes the messages that were consumed; the others reappear.
    async fn settle(&self, stack: &Stack, batch: &[Message], answer: &Answer) {
        let Self::Batch { queue, .. } = self else { return };
        let reply = answer.as_ref().map_or(FunctionReply::AllFailed, |returned| FunctionReply::read(batch, returned));
        stack.queues.settle(queue, batch, &reply, Retry::AtOnce).await.unwrap();
    }
}

/// HTTP status of a function's return value; a value without one counts as 200.
fn status(returned: &Value) -> u64 {
    returned["statusCode"].as_u64().unwrap_or(200)
}

/// Part of a response that repeats must share: the status and the id of the created entity.
fn status_and_id(returned: &Value) -> (u64, Value) {
    let body: Value = serde_json::from_str(returned["body"].as_str().unwrap_or_default()).unwrap_or_default();
    let id = if body["id"].is_null() { body["user"]["id"].clone() } else { body["id"].clone() };
    (status(returned), id)
}
