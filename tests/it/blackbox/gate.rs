//! Fault proxy between a process and its services.
//! Identifies each call, blocks it at a chosen moment, and injects faults.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use emulator::connector::{Backend, BoxFuture, ConnectFault};
use emulator::faults::{Fault, Faulty, Plan};
use http::{Request, Response};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tokio::sync::{oneshot, watch};

/// Moment of an invocation, counted in the calls of its process, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The call has arrived but has no effect yet.
    Before(u32),
    /// The call took effect, and its response is not sent yet.
    After(u32),
}

/// Gate of one process.
#[derive(Debug)]
pub struct Gate {
    trail: Trail,
    state: Mutex<State>,
    open: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    calls: Vec<String>,
    wanted: Option<(Moment, oneshot::Sender<String>)>,
    per_mille: u32,
    rng: ChaCha8Rng,
    faults: u64,
}

/// Log of kills, freezes and faults, for diagnosis.
pub type Trail = Arc<Mutex<Vec<String>>>;

impl Gate {
    /// Gate with a fault rate of `per_mille`.
    pub fn new(per_mille: u32, seed: u64, trail: Trail) -> Arc<Self> {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        let state = State { calls: Vec::new(), wanted: None, per_mille, rng, faults: 0 };
        Arc::new(Self { trail, state: Mutex::new(state), open: watch::Sender::new(true) })
    }

    /// Restarts the call count and blocks the call at this moment until [`Gate::open`].
    /// Yields that call's name.
    pub fn shut_at(&self, moment: Moment) -> oneshot::Receiver<String> {
        let (reached, reach) = oneshot::channel();
        let mut state = self.state.lock().unwrap();
        state.calls.clear();
        state.wanted = Some((moment, reached));
        self.open.send_replace(false);
        reach
    }

    /// Releases the blocked call.
    pub fn open(&self) {
        self.state.lock().unwrap().wanted = None;
        self.open.send_replace(true);
    }

    /// Number of calls since the last `calls` or `shut_at`; resets it.
    pub fn calls(&self) -> usize {
        std::mem::take(&mut self.state.lock().unwrap().calls).len()
    }

    /// Number of injected faults.
    pub fn faults(&self) -> u64 {
        self.state.lock().unwrap().faults
    }

    fn arrived(&self, operation: &str) -> u32 {
        let mut state = self.state.lock().unwrap();
        state.calls.push(operation.to_owned());
        state.calls.len() as u32 - 1
    }

    async fn pass(&self, moment: Moment, operation: &str) {
        {
            let mut state = self.state.lock().unwrap();
            let Some((_, reached)) = state.wanted.take_if(|(wanted, _)| *wanted == moment) else { return };
            reached.send(operation.to_owned()).ok();
        }
        self.open.subscribe().wait_for(|open| *open).await.ok();
    }

    /// Fault to inject into this call, if any.
    fn fault(&self, operation: &str, path: &str) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        // A provider error at order creation is final; the payer would have to make another order.
        let wrong = state.rng.next_u32() % 1_000 < state.per_mille && path != "/_sim/stripe/v1/checkout/sessions";
        let fault = wrong.then(|| Fault::ALL[state.rng.next_u32() as usize % Fault::ALL.len()])?;
        state.faults += 1;
        self.trail.lock().unwrap().push(format!("{fault:?} at {operation}"));
        Some(fault)
    }
}

/// Service behind a gate.
#[derive(Debug)]
pub struct Guarded {
    pub gate: Arc<Gate>,
    pub service: Arc<dyn Backend>,
}

#[derive(Debug)]
struct Shared(Arc<dyn Backend>);

impl Backend for Shared {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, ConnectFault>> {
        self.0.call(request)
    }
}

impl Backend for Guarded {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, ConnectFault>> {
        Box::pin(async move {
            let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok());
            let path = request.uri().path().to_owned();
            let other = if path.starts_with("/_sim/") { "Provider" } else { "SendEmail" };
            let operation = target.and_then(|target| target.rsplit('.').next()).unwrap_or(other).to_owned();
            let number = self.gate.arrived(&operation);
            self.gate.pass(Moment::Before(number), &operation).await;
            let plan = Plan::default();
            if let Some(fault) = self.gate.fault(&operation, &path) {
                plan.script(&operation, 0, fault);
            }
            let answer = Faulty { backend: Shared(Arc::clone(&self.service)), plan }.call(request).await;
            self.gate.pass(Moment::After(number), &operation).await;
            answer
        })
    }
}
