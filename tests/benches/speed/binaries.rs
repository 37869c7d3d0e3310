//! Release binaries: size, start time relative to a minimal function, memory after the first request.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use emulator::connector::{Backend, BoxFuture, ConnectFault};
use emulator::deployed::{Deployment, build};
use emulator::runtime_api::FunctionProcess;
use emulator::stack::Setup;
use emulator::stack::functions::operations;
use emulator::template::Function;
use http::{Request, Response};
use serde_json::{Value, json};
use shared::account::browser::open_for;
use shared::account::model::identity::Email;
use shared::operations::search::by_email;
use shared::payment::gateway::stripe::signature::sign;

use crate::shop::Shop;

/// Maximum size of a stripped binary, in megabytes of 1,000,000 bytes.
const SIZE: f64 = 9.0;
/// Functions that may be larger. Users' pages have the texts of two languages (C2.6); the others have more routes, pages or schedules
/// than the rest, and the aim for them is less: 8, and 10 for `admin`. `opt-level = "z"` makes them larger still.
const LARGER: [(&str, f64); 6] = [
    (PAGES, 10.0),
    (STAFF_PAGES, 14.5),
    ("admin", 14.5),
    ("agency", 10.0),
    ("registration", 10.5),
    ("scheduler", 11.0),
];
/// Maximum start time of the pages, as a multiple of the least function's (C2.6).
const PAGES_START: f64 = 2.0;
/// Maximum resident megabytes of the pages after the first one (C2.6).
const PAGES_RESIDENT: f64 = 12.0;
/// The functions that render pages.
const PAGES: &str = "console";
const STAFF_PAGES: &str = "back-office";
/// Maximum start time of a function, as a multiple of the minimal function's.
const START: f64 = 3.2;
/// The minimal function.
const HELLO: &str = "examples/hello";
/// Words of cargo for the functions' binaries and the minimal one.
pub const FUNCTIONS: &[&str] = &["--workspace", "--exclude", "local", "--bins", "--example", "hello"];
/// Starts of each binary; the median counts.
const STARTS: usize = 21;
const PATIENCE: Duration = Duration::from_secs(20);

/// An empty database that responds at once, so that reads during a function's start take no time.
#[derive(Debug)]
struct Nothing;

impl Backend for Nothing {
    fn call(&self, _: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, ConnectFault>> {
        let nothing = Response::builder().header("content-type", "application/x-amz-json-1.0");
        Box::pin(async { nothing.body(Bytes::from_static(b"{}")).map_err(|_| ConnectFault::Reset) })
    }
}

/// Builds, measures and prints; returns true if every budget is met.
pub async fn run() -> bool {
    let release = built(FUNCTIONS);
    let deployment = Deployment::new(&release, Setup::in_memory()).await.unwrap();
    let shop = Shop::over(Arc::clone(&deployment.stack)).await;
    let names: Vec<String> = shop.stack.template.functions.iter().map(|function| function.binary.clone()).collect();
    let starts = starts(&deployment, &release, &names).await;
    let hello = starts[HELLO];
    let least = names.iter().map(|name| starts[name]).min().unwrap();
    println!(
        "\nRelease binaries of {} on this machine. Hello world starts in {:.1} ms.\n",
        std::env::consts::ARCH,
        ms(hello)
    );
    println!("{:<16} {:>14} {:>20} {:>22}", "", "MB", "start (at most 3.6×)", "MB after first request");
    let mut kept = true;
    for function in &shop.stack.template.functions {
        let path = release.join(&function.binary);
        let size = std::fs::metadata(&path).unwrap().len() as f64 / 1e6;
        let ratio = ms(starts[&function.binary]) / ms(hello);
        let resident = resident(&deployment, &shop, function).await;
        let is_pages = function.binary == PAGES;
        let most = LARGER.iter().find(|(name, _)| *name == function.binary).map_or(SIZE, |(_, most)| *most);
        let is_slow = ratio > START || (is_pages && ms(starts[PAGES]) > PAGES_START * ms(least));
        let broken = size > most || is_slow || (is_pages && resident > PAGES_RESIDENT);
        kept &= !broken;
        let verdict = if broken { "  over budget" } else { "" };
        println!("{:<16} {size:>14.2} {ratio:>20.2} {resident:>22.1}{verdict}", function.binary);
    }
    println!("\nOver plain HTTP and without TLS; the database answers at once while the start is measured.");
    kept
}

/// Folder of the release binaries: `GUERDON_BINARIES`, or else built here.
pub fn built(words: &[&str]) -> PathBuf {
    std::env::var_os("GUERDON_BINARIES").map_or_else(|| build("release", words).unwrap(), PathBuf::from)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Median time from start to the first request for an event.
/// The binaries take turns, so that all run under the same load.
async fn starts(deployment: &Deployment, release: &Path, names: &[String]) -> BTreeMap<String, Duration> {
    let mut all: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    for _ in 0..STARTS {
        for name in names {
            let mut deployed = deployment.start_behind(name, |_| Arc::new(Nothing)).await.unwrap();
            let took = started(name, &mut deployed.process).await;
            all.entry(name.to_owned()).or_default().push(took);
        }
        // It is no function of the template, and needs no variables.
        let mut process = FunctionProcess::spawn(release.join(HELLO), "hello", &BTreeMap::new()).await.unwrap();
        let took = started(HELLO, &mut process).await;
        all.entry(HELLO.to_owned()).or_default().push(took);
    }
    let middle = |(name, mut times): (String, Vec<Duration>)| {
        times.sort();
        (name, times[times.len() / 2])
    };
    all.into_iter().map(middle).collect()
}

async fn started(name: &str, process: &mut FunctionProcess) -> Duration {
    let Some(took) = process.started_in().await else { panic!("{name} did not start: {}", process.output()) };
    took
}

/// Resident megabytes after a first request that reads the database.
async fn resident(deployment: &Deployment, shop: &Shop, function: &Function) -> f64 {
    let mut deployed = deployment.start(&function.binary).await.unwrap();
    let process = &mut deployed.process;
    let answer = process.invoke(&first(deployment, shop, function).await, PATIENCE).await;
    let answer = answer.unwrap_or_else(|error| panic!("{}: {error}: {}", function.binary, process.output()));
    let status = answer["statusCode"].as_u64().unwrap_or(200);
    // `service` reads who asks, and refuses an admin.
    assert_eq!(status, if function.binary == "service" { 403 } else { 200 }, "{}: {answer}", function.binary);
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id().unwrap())).unwrap();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    kilobytes.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1_024.0 / 1e6
}

/// A first event: a page of the admin's, an admin's list, a provider's webhook, a message, or a tick.
pub async fn first(deployment: &Deployment, shop: &Shop, function: &Function) -> Value {
    if let Some((_, page)) =
        [(PAGES, "/home"), (STAFF_PAGES, "/admin")].iter().find(|(name, _)| *name == function.binary)
    {
        let app = &shop.stack.app;
        let admin = by_email(app, &Email::parse("admin@localhost").unwrap()).await.unwrap().unwrap();
        let cookie = open_for(app, admin).await.unwrap().cookie;
        return request(deployment, Request::get(*page).header("cookie", format!("__Host-session={cookie}")), "");
    }
    let pages =
        operations(&function.binary).into_iter().filter(|(method, path)| method == "GET" && path.starts_with("/v1/"));
    let page = pages.map(|(_, path)| path).filter(|path| !path.contains('{')).min();
    if let Some(page) = page {
        return request(deployment, Request::get(page).header("authorization", format!("Bearer {}", shop.admin)), "");
    }
    if let Some(schedule) = function.schedules.first() {
        return schedule.input.clone();
    }
    if function.queues.is_empty() {
        let event = json!({"id": "evt_1", "object": "event", "created": 1, "livemode": false, "type": "plan.created",
            "data": {"object": {}}})
        .to_string();
        let signature =
            sign(&shop.stack.simulators.config().stripe_webhook_secret, event.as_bytes(), shop.stack.clock.now());
        let webhook = Request::post("/v1/webhooks/stripe").header("stripe-signature", signature.unwrap());
        return request(deployment, webhook.header("content-type", "application/json"), &event);
    }
    let user = shop.stack.app.ulid();
    let user = shared::kernel::id::UserId::new(user);
    let told = json!({"id": "obx_1.0", "message": {"kind": "user_registered", "user": user, "inviter": null}});
    json!({"Records": [{
        "messageId": "m1", "receiptHandle": "h1", "body": told.to_string(), "attributes": {"MessageGroupId": "g"},
        "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q", "md5OfBody": "",
    }]})
}

pub fn request(deployment: &Deployment, request: http::request::Builder, body: &str) -> Value {
    let request = request.header("host", "127.0.0.1:3000").body(Bytes::from(body.to_owned())).unwrap();
    deployment.event(&request).unwrap().1
}
