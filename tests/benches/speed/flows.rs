//! The flows of a user over HTTP, against the local stack or any other back end that speaks epay: rates, and time to the answer.
//!
//! The requests stand in a file (`flows.json`; `GUERDON_FLOWS` names another), so that one client measures all. `{{name}}` in paths,
//! headers and bodies is a variable: of the file, of an earlier answer, or `n`, `run`, `key` and `code`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use shared::payment::gateway::zpay::sign;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use crate::binaries::built;
use crate::shop::{PASSWORD, opening};

/// Users of a row: each plays every flow once.
const USERS: usize = 256;
const CLIENTS: [usize; 2] = [1, 32];
const ADMIN: &str = "admin@localhost";

type Variables = BTreeMap<String, String>;

/// Measures and prints; no budget applies.
pub async fn run() -> bool {
    let other = std::env::var("GUERDON_FLOWS").ok();
    let mut profile: Value = match &other {
        Some(path) => serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap(),
        None => serde_json::from_str(include_str!("flows.json")).unwrap(),
    };
    let base = profile["base_url"].as_str().unwrap().to_owned();
    let mut stack = None;
    if other.is_none() {
        let data = std::env::temp_dir().join(format!("guerdon-flows-{}", std::process::id()));
        stack = Some((started(&base, &data).await, data));
        opened(&base, &mut profile).await;
    }
    println!(
        "\nFlows over HTTP against {base}, {USERS} users a row. Times are those of the back end, without the provider's.\n"
    );
    println!("{:<24} {:>8} {:>9} {:>8} {:>8} {:>12}", "", "clients", "a second", "p50 ms", "p99 ms", "CPU ms each");
    let profile = Arc::new(profile);
    for (row, clients) in CLIENTS.into_iter().enumerate() {
        let mut users: Vec<Variables> = (0..USERS).map(|user| begin(&profile, row * USERS + user)).collect();
        for flow in profile["flows"].as_array().unwrap() {
            let process = stack.as_ref().and_then(|(child, _)| child.id());
            let (before, begun) = (process.map(cpu), Instant::now());
            let mut times;
            (users, times) = played(&base, &profile, flow, users, clients).await;
            let took = begun.elapsed().as_secs_f64();
            let cpu = process.zip(before).map_or("-".to_owned(), |(process, before)| {
                format!("{:.2}", (cpu(process) - before).as_secs_f64() * 1e3 / USERS as f64)
            });
            times.sort();
            let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
            let name = flow["name"].as_str().unwrap();
            println!("{name:<24} {clients:>8} {:>9.0} {:>8.2} {:>8.2} {cpu:>12}", USERS as f64 / took, at(50), at(99));
        }
    }
    println!("\nCompare rows of one run on one machine only.");
    if let Some((mut child, data)) = stack {
        child.kill().await.unwrap();
        std::fs::remove_dir_all(data).unwrap();
    }
    true
}

fn begin(profile: &Value, number: usize) -> Variables {
    let mut variables: Variables =
        profile["variables"].as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value))).collect();
    let code = profile["codes"].get(number).map(text).unwrap_or_default();
    let run = format!("{:x}", std::process::id());
    variables.extend([("n".to_owned(), number.to_string()), ("run".to_owned(), run), ("code".to_owned(), code)]);
    variables
}

/// Plays a flow for every user; returns the users with what they took, and the time that each waited for the back end.
async fn played(
    base: &str,
    profile: &Arc<Value>,
    flow: &Value,
    users: Vec<Variables>,
    clients: usize,
) -> (Vec<Variables>, Vec<Duration>) {
    let share = users.len().div_ceil(clients);
    let mut running = JoinSet::new();
    for (client, users) in users.chunks(share).enumerate() {
        let (base, profile, flow, users) = (base.to_owned(), Arc::clone(profile), flow.clone(), users.to_vec());
        running.spawn(async move {
            let mut line = Line::new(&base).await;
            let mut done = Vec::with_capacity(users.len());
            for mut user in users {
                let mut waited = Duration::ZERO;
                for (place, step) in flow["steps"].as_array().unwrap().iter().enumerate() {
                    user.insert("key".to_owned(), format!("{}-{}-{place}", user["run"], user["n"]));
                    let begun = Instant::now();
                    line.step(&profile, step, &mut user).await;
                    if step["provider"] != json!(true) {
                        waited += begun.elapsed();
                    }
                }
                done.push((user, waited));
            }
            (client, done)
        });
    }
    let mut all = running.join_all().await;
    all.sort_by_key(|(client, _)| *client);
    all.into_iter().flat_map(|(_, done)| done).unzip()
}

/// A connection of one client.
struct Line {
    base: String,
    sender: SendRequest<Full<Bytes>>,
}

impl Line {
    async fn new(base: &str) -> Self {
        let address = base.strip_prefix("http://").expect("a back end over plain HTTP");
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { base: base.to_owned(), sender }
    }

    async fn step(&mut self, profile: &Value, step: &Value, user: &mut Variables) {
        let mut path = filled(step["path"].as_str().unwrap(), user);
        if let Some(fields) = step["epay"].as_object() {
            let fields: Variables =
                fields.iter().map(|(name, value)| (name.clone(), filled(&text(value), user))).collect();
            let pairs = || fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let sign = sign(pairs(), profile["epay_key"].as_str().unwrap());
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(pairs()).append_pair("sign", &sign).append_pair("sign_type", "MD5");
            path = format!("{path}?{}", query.finish());
        }
        let path = path.strip_prefix(&self.base).unwrap_or(&path);
        let mut request = Request::builder().method(step["method"].as_str().unwrap()).uri(path);
        for (name, value) in step["headers"].as_object().into_iter().flatten() {
            request = request.header(name, filled(&text(value), user));
        }
        let body = if step["json"].is_null() { String::new() } else { filled(&step["json"].to_string(), user) };
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let (status, answer) = self.ask(request, body).await;
        let ok = (200..400).contains(&status) && step["contains"].as_str().is_none_or(|part| answer.contains(part));
        assert!(ok, "{} {path}: {status} {answer}", step["method"]);
        let read: Value = serde_json::from_str(&answer).unwrap_or_default();
        for (name, pointer) in step["take"].as_object().into_iter().flatten() {
            let found = read.pointer(pointer.as_str().unwrap()).unwrap_or_else(|| panic!("no {pointer} in {answer}"));
            user.insert(name.clone(), text(found));
        }
    }

    async fn ask(&mut self, request: http::request::Builder, body: String) -> (u16, String) {
        let host = self.base.trim_start_matches("http://");
        let request = request.header("host", host).body(Full::from(body)).unwrap();
        self.sender.ready().await.unwrap();
        let response: Response<_> = self.sender.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        let answer = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&answer).into_owned())
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn filled(text: &str, variables: &Variables) -> String {
    let mut filled = text.to_owned();
    for (name, value) in variables {
        filled = filled.replace(&format!("{{{{{name}}}}}"), value);
    }
    filled
}

/// CPU time of a process so far, user and system.
fn cpu(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // `utime` and `stime`, in hundredths of a second on Linux.
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

/// Starts the release build of the local stack on a new folder.
async fn started(base: &str, data: &Path) -> Child {
    let port = base.rsplit(':').next().unwrap();
    let mut stack = Command::new(built(&["--package", "local", "--bins"]).join("guerdon-local"));
    stack.args(["--port", port, "--data"]).arg(data).env("GUERDON_ADMIN_PASSWORD", PASSWORD).env("LOG_LEVEL", "WARN");
    let child = stack.stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    for _ in 0..600 {
        if TcpStream::connect(base.trim_start_matches("http://")).await.is_ok() {
            return child;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the local stack does not start");
}

/// Opens the local stack's programmes, and gives the flows an inviter and codes.
async fn opened(base: &str, profile: &mut Value) {
    let mut line = Line::new(base).await;
    let mut vars = Variables::from([("run".to_owned(), "0".to_owned())]);
    let post = |path: &str, json: Value| json!({"method": "POST", "path": path, "json": json});
    let mut sign_in = post("/v1/sessions", json!({"email": ADMIN, "password": PASSWORD}));
    sign_in["take"] = json!({"admin": "/access_token"});
    line.step(profile, &sign_in, &mut vars).await;
    let bearer = format!("Bearer {}", vars["admin"]);
    for (area, changes) in opening().into_iter().chain([("affiliate", vec![("/enabled", json!(true))])]) {
        let path = format!("/v1/admin/settings/{area}");
        let read = Request::get(&path).header("authorization", &bearer);
        let mut document: Value = serde_json::from_str(&line.ask(read, String::new()).await.1).unwrap();
        for (pointer, value) in changes {
            *document["settings"].pointer_mut(pointer).unwrap() = value;
        }
        let version = format!("\"{}\"", document["version"]);
        let write = Request::put(&path).header("authorization", &bearer).header("if-match", version);
        let write = write.header("content-type", "application/json");
        assert_eq!(line.ask(write, document["settings"].to_string()).await.0, 200, "{area}");
    }
    let mut codes = Vec::new();
    while codes.len() < USERS * CLIENTS.len() {
        let key = format!("batch-{}", codes.len());
        let write = Request::post("/v1/admin/redemption/batches").header("authorization", &bearer);
        let write = write.header("idempotency-key", key).header("content-type", "application/json");
        let body = json!({"label": "bench", "count": 100, "credit": "1", "total_uses": 1});
        let made: Value = serde_json::from_str(&line.ask(write, body.to_string()).await.1).unwrap();
        codes.extend(made["codes"].as_array().unwrap().iter().cloned());
    }
    profile["codes"] = Value::Array(codes);
    let mut ann = post("/v1/registrations", json!({"email": "ann@example.com", "password": PASSWORD}));
    ann["take"] = json!({"token": "/session/access_token"});
    line.step(profile, &ann, &mut vars).await;
    let of_ann = json!({"method": "GET", "path": "/v1/referral", "headers": {"authorization": "Bearer {{token}}"},
        "take": {"invite_code": "/code"}});
    line.step(profile, &of_ann, &mut vars).await;
    profile["variables"]["invite_code"] = json!(vars["invite_code"]);
}
