//! A function's process behind its gate: killed, frozen and resumed by signals.

use std::sync::Arc;

use emulator::deployed::{Deployed, Deployment};
use emulator::runtime_api::InvokeError;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::gate::{Gate, Guarded, Moment};
use crate::processes::PATIENCE;

/// Result of an invocation.
pub type Answer = Result<Value, InvokeError>;

/// A process and its gate.
pub struct Worker {
    pub binary: String,
    pub gate: Arc<Gate>,
    deployed: Deployed,
}

/// Process frozen in the middle of an invocation.
pub struct Frozen {
    /// Call at which the process is frozen.
    pub call: String,
    pid: Pid,
    gate: Arc<Gate>,
    running: JoinHandle<(Worker, Answer)>,
}

impl Worker {
    /// Starts a process and waits until it polls for an event.
    pub async fn start(deployment: &Deployment, binary: &str, gate: Arc<Gate>) -> Self {
        let between = |service| Arc::new(Guarded { gate: Arc::clone(&gate), service }) as _;
        let mut deployed = deployment.start_behind(binary, between).await.unwrap();
        let started = deployed.process.started_in().await;
        assert!(started.is_some(), "{binary} does not start: {}", deployed.process.output());
        gate.calls();
        Self { binary: binary.to_owned(), gate, deployed }
    }

    pub async fn invoke(&mut self, event: &Value) -> Answer {
        self.deployed.process.invoke(event, PATIENCE).await
    }

    /// Kills the process, as a failing machine would.
    pub async fn kill(&mut self) -> Answer {
        self.deployed.process.kill("killed by the test").await;
        Err(InvokeError::Exited("killed by the test".to_owned()))
    }

    pub fn is_running(&self) -> bool {
        self.deployed.process.id().is_some()
    }

    /// Starts an invocation and stops the process at `moment`.
    /// Fails with the response if the invocation ends before that.
    pub async fn freeze(self, event: &Value, moment: Moment) -> Result<Frozen, (Self, Answer)> {
        let (gate, event) = (Arc::clone(&self.gate), event.clone());
        let pid = Pid::from_raw(self.deployed.process.id().unwrap() as i32).unwrap();
        let reached = gate.shut_at(moment);
        let mut running = tokio::spawn(async move {
            let mut worker = self;
            let answer = worker.deployed.process.invoke(&event, 3 * PATIENCE).await;
            (worker, answer)
        });
        let call = tokio::select! {
            biased;
            ended = &mut running => return Err(ended.unwrap()),
            call = reached => call.unwrap(),
        };
        kill_process(pid, Signal::STOP).unwrap();
        // Wait until the process is stopped. Don't reap it: it is its runtime's child.
        waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT).unwrap();
        Ok(Frozen { call, pid, gate, running })
    }
}

impl Frozen {
    /// Resumes the process and waits for its response.
    pub async fn thaw(self) -> (Worker, Answer) {
        kill_process(self.pid, Signal::CONT).unwrap();
        self.gate.open();
        self.running.await.unwrap()
    }
}
