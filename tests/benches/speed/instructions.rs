//! Instructions of the release binaries, counted by callgrind: to the first request for an event, of the first event, of one more.
//!
//! They are the same in every run, but on a busy machine a process so slow gives up what it waits for, and is counted again. A count
//! is the difference of two whole runs.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use emulator::deployed::Deployment;
use emulator::stack::Setup;
use http::Request;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::binaries::{self, FUNCTIONS, built, first};
use crate::codes;
use crate::shop::{PASSWORD, Shop};

/// Events after the first, over which a warm one is the mean.
const MORE: u32 = 8;
/// Starts of a process before the bench gives up.
const TRIES: usize = 5;
/// A process under callgrind is some fifty times slower.
const PATIENCE: Duration = Duration::from_secs(120);
/// Aims in millions: to the first request for an event, of the first event, and of one more (performance.md).
const AIMS: [f64; 3] = [5.0, 8.0, 1.4];
/// Most millions to the first request for an event.
const MOST: f64 = 8.0;

/// Operations whose warm cost is counted, and the function of each.
const WARM: [(&str, &str); 4] = [
    ("registration", "a registration with a code"),
    ("payment-webhook", "a payment's notification, credited with bonus"),
    ("redemption", "a redemption of a code"),
    ("admin", "a page of 20 codes"),
];

/// The binaries under callgrind, beside a stack.
struct Counter {
    deployment: Deployment,
    shop: Shop,
    valgrind: PathBuf,
    release: PathBuf,
    /// Scripts in place of the binaries, and what callgrind writes.
    folder: PathBuf,
}

/// Builds, counts and prints; returns true if every budget is met, or nothing can count here.
pub async fn run() -> bool {
    let found = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|folder| folder.join("valgrind")).find(|valgrind| valgrind.is_file())
    });
    let Some(valgrind) = found else {
        println!("valgrind is absent: no instructions are counted");
        return true;
    };
    let release = built(FUNCTIONS);
    let folder = std::env::temp_dir().join(format!("guerdon-instructions-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let deployment = Deployment::new(&folder, Setup::in_memory()).await.unwrap();
    let shop = Shop::over(Arc::clone(&deployment.stack)).await;
    let counter = Counter { deployment, shop, valgrind, release, folder };
    let kept = counter.starts().await;
    counter.warm().await;
    std::fs::remove_dir_all(&counter.folder).unwrap();
    kept
}

impl Counter {
    /// Prints what each function needs to its start, for a first event and for one more.
    async fn starts(&self) -> bool {
        println!(
            "\nMillions of instructions of the binaries, {}, over plain HTTP and without TLS.\n",
            std::env::consts::ARCH
        );
        println!("{:<16} {:>12} {:>14} {:>12}", "", "to its start", "first event", "one more");
        println!("{:<16} {:>12} {:>14} {:>12}", "aim", AIMS[0], AIMS[1], AIMS[2]);
        let mut kept = true;
        for function in &self.shop.stack.template.functions {
            let mut runs = [0; 3];
            for (run, events) in [0, 1, 1 + MORE].into_iter().enumerate() {
                let mut all = Vec::new();
                for _ in 0..events {
                    all.push(first(&self.deployment, &self.shop, function).await);
                }
                runs[run] = self.counted(&function.binary, &all).await;
            }
            let each = [millions(runs[0]), millions(runs[1] - runs[0]), millions(runs[2] - runs[1]) / f64::from(MORE)];
            kept &= each[0] <= MOST;
            let verdict = if each[0] > MOST {
                "  over budget"
            } else if each.iter().zip(AIMS).any(|(count, aim)| *count > aim) {
                "  above the aim"
            } else {
                ""
            };
            println!("{:<16} {:>12.2} {:>14.2} {:>12.2}{verdict}", function.binary, each[0], each[1], each[2]);
        }
        kept
    }

    /// Prints what one more of the main operations needs.
    async fn warm(&self) {
        println!("\n{:<46} {:>12}", "one more", "millions");
        for (binary, what) in WARM {
            let events = self.events(binary).await;
            let (one, more) = events.split_at(1);
            let (first, more) = (self.counted(binary, one).await, self.counted(binary, more).await);
            println!("{what:<46} {:>12.2}", millions(more - first) / f64::from(MORE));
        }
    }

    /// As many events of an operation as two runs need: one, and one with [`MORE`].
    async fn events(&self, binary: &str) -> Vec<Value> {
        let mut events = Vec::new();
        let invite = self.shop.code_of(&self.shop.ann).await;
        let codes = codes::distinct(&self.shop, usize::try_from(MORE).unwrap() + 2).await;
        for (number, code) in codes.iter().enumerate() {
            let event = match binary {
                "registration" => {
                    let email = format!("new{number}@example.com");
                    let body = json!({"email": email, "password": PASSWORD, "referral_code": invite});
                    self.event(Request::post("/v1/registrations"), "", &body.to_string())
                }
                "payment-webhook" => {
                    let token = self.shop.register(&format!("payer{number}")).await;
                    let told = self.shop.paid(&token).await;
                    self.deployment.event(&told).unwrap().1
                }
                "redemption" => {
                    let token = self.shop.register(&format!("holder{number}")).await;
                    let request = Request::post("/v1/redemptions").header("idempotency-key", format!("k{number}"));
                    self.event(request, &token, &json!({"code": code}).to_string())
                }
                _ => self.event(Request::get("/v1/admin/redemption/codes?limit=20"), &self.shop.admin, ""),
            };
            events.push(event);
        }
        events
    }

    fn event(&self, request: http::request::Builder, token: &str, body: &str) -> Value {
        let request =
            if token.is_empty() { request } else { request.header("authorization", format!("Bearer {token}")) };
        binaries::request(&self.deployment, request.header("content-type", "application/json"), body)
    }

    /// Instructions of a process that handles these events and is then ended.
    async fn counted(&self, binary: &str, events: &[Value]) -> u64 {
        for _ in 0..TRIES {
            if let Some(count) = self.try_to_count(binary, events).await {
                return count;
            }
        }
        panic!("{binary} did not start in {TRIES} tries");
    }

    /// The same; `None` when the process gave up before it asked for an event.
    async fn try_to_count(&self, binary: &str, events: &[Value]) -> Option<u64> {
        let counts = self.folder.join(format!("{binary}.counts"));
        let script = self.folder.join(binary);
        let text = format!(
            "#!/bin/sh\nexec {} --tool=callgrind --callgrind-out-file={} {} \"$@\"\n",
            self.valgrind.display(),
            counts.display(),
            self.release.join(binary).display()
        );
        std::fs::write(&script, text).unwrap();
        std::fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
        let mut deployed = self.deployment.start(binary).await.unwrap();
        let process = &mut deployed.process;
        let started = tokio::time::timeout(PATIENCE, process.started_in()).await;
        if !matches!(started, Ok(Some(_))) {
            return None;
        }
        for event in events {
            let answer = process.invoke(event, PATIENCE).await;
            let answer = answer.unwrap_or_else(|error| panic!("{binary}: {error}: {}", process.output()));
            let status = answer["statusCode"].as_u64().unwrap_or(200);
            // `service` reads who asks, and refuses an admin.
            assert!(status < 300 || (binary == "service" && status == 403), "{binary}: {answer}");
        }
        let pid = i32::try_from(process.id().unwrap()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let output = process.output_at_end().await;
        let report = std::fs::read_to_string(counts).unwrap_or_else(|error| panic!("{error}: {output}"));
        let total = report.lines().find_map(|line| line.strip_prefix("totals: ")).unwrap();
        Some(total.split(' ').next().unwrap().parse().unwrap())
    }
}

fn millions(count: u64) -> f64 {
    count as f64 / 1e6
}
