//! The functions' release binaries: size, start against the least function there can be, memory after the first request.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use emulator::connector::{Backend, BoxFuture, ConnectFault};
use emulator::gateway::{Arrival, event};
use emulator::runtime_api::{FunctionProcess, cargo};
use emulator::sqs::SqsBackend;
use emulator::template::Function;
use http::{Request, Response};
use serde_json::{Value, json};
use shared::provider::stripe::signature::sign;
use tokio::net::TcpListener;

use crate::shop::{Shop, setup};

/// Megabytes of 1,000,000 bytes that a stripped binary may have.
const SIZE: f64 = 9.0;
/// How many times the start of the least function a function's may take.
const START: f64 = 3.0;
/// Starts of each binary; the middle one counts.
const STARTS: usize = 21;
const PATIENCE: Duration = Duration::from_secs(20);

/// A database that has nothing and says so at once: what a function reads while it starts is no part of its own start.
#[derive(Debug)]
struct Nothing;

impl Backend for Nothing {
    fn call(&self, _: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, ConnectFault>> {
        let nothing = Response::builder().header("content-type", "application/x-amz-json-1.0");
        Box::pin(async { nothing.body(Bytes::from_static(b"{}")).map_err(|_| ConnectFault::Reset) })
    }
}

/// Builds, measures and prints; whether every budget is kept.
pub async fn run() -> bool {
    let release = built();
    let shop = Shop::open().await;
    let names: Vec<String> = shop.stack.template.functions.iter().map(|function| function.binary.clone()).collect();
    let starts = starts(&release, &names).await;
    let hello = starts["hello"];
    println!(
        "\nRelease binaries of {} on this machine. Hello world starts in {:.1} ms.\n",
        std::env::consts::ARCH,
        ms(hello)
    );
    println!("{:<16} {:>14} {:>18} {:>22}", "", "MB (at most 9)", "start (at most 3×)", "MB after first request");
    let mut kept = true;
    for function in &shop.stack.template.functions {
        let path = release.join(&function.binary);
        let size = std::fs::metadata(&path).unwrap().len() as f64 / 1e6;
        let ratio = ms(starts[&function.binary]) / ms(hello);
        let resident = resident(&shop, function, &path).await;
        let broken = size > SIZE || ratio > START;
        kept &= !broken;
        let verdict = if broken { "  over budget" } else { "" };
        println!("{:<16} {size:>14.2} {ratio:>18.2} {resident:>22.1}{verdict}", function.binary);
    }
    println!("\nOver plain HTTP and without TLS; the database answers at once while the start is measured.");
    kept
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Where the release binaries are, after building them.
fn built() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf();
    let build = ["build", "--release", "--workspace", "--exclude", "local", "--bins", "--example", "hello"];
    let built = cargo().args(build).current_dir(&root).status().unwrap();
    assert!(built.success(), "the binaries can't be built");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("release")
}

/// How long each takes from its start to asking for an event: the middle of many, in turns, so that all have the same weather.
async fn starts(release: &Path, names: &[String]) -> BTreeMap<String, Duration> {
    let mut environment = setup().environment();
    let nothing = serve(Arc::new(Nothing)).await;
    for service in ["DYNAMODB", "SQS", "SESV2"] {
        environment.insert(format!("AWS_ENDPOINT_URL_{service}"), nothing.clone());
    }
    environment.insert("MAIL_FROM".to_owned(), "no-reply@guerdon.test".to_owned());
    let mut all: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    for _ in 0..STARTS {
        for name in names.iter().map(String::as_str).chain(["hello"]) {
            let path = if name == "hello" { release.join("examples/hello") } else { release.join(name) };
            let mut process = FunctionProcess::spawn(&path, name, &environment).await.unwrap();
            let Some(took) = process.started_in().await else { panic!("{name} did not start: {}", process.output()) };
            all.entry(name.to_owned()).or_default().push(took);
        }
    }
    let middle = |(name, mut times): (String, Vec<Duration>)| {
        times.sort();
        (name, times[times.len() / 2])
    };
    all.into_iter().map(middle).collect()
}

/// Resident megabytes after a first request that reads the database.
async fn resident(shop: &Shop, function: &Function, path: &Path) -> f64 {
    let stack = &shop.stack;
    let mut environment = setup().environment();
    for (service, backend) in [
        ("DYNAMODB", Arc::new(stack.dynamo.clone()) as Arc<dyn Backend>),
        ("SQS", Arc::new(SqsBackend(stack.queues.clone()))),
        ("SESV2", Arc::clone(&stack.mailbox) as Arc<dyn Backend>),
    ] {
        environment.insert(format!("AWS_ENDPOINT_URL_{service}"), serve(backend).await);
    }
    environment.insert("MAIL_FROM".to_owned(), "no-reply@guerdon.test".to_owned());
    let mut process = FunctionProcess::spawn(path, &function.binary, &environment).await.unwrap();
    let answer = process.invoke(&first(shop, function), PATIENCE).await;
    let answer = answer.unwrap_or_else(|error| panic!("{}: {error}: {}", function.binary, process.output()));
    let status = answer["statusCode"].as_u64().unwrap_or(200);
    assert_eq!(status, 200, "{}: {answer}", function.binary);
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id().unwrap())).unwrap();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    kilobytes.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1_024.0 / 1e6
}

async fn serve(backend: Arc<dyn Backend>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(emulator::http::serve(listener, backend));
    format!("http://{address}")
}

/// A first event: a page that the operator may see, a provider's webhook, a message, or a tick.
fn first(shop: &Shop, function: &Function) -> Value {
    let pages = function.routes.iter().filter(|route| route.method == "GET" && route.path.starts_with("/v1/"));
    let page = pages.filter(|route| !route.path.contains('{')).map(|route| route.path.as_str()).min();
    if let Some(page) = page {
        return request(shop, Request::get(page).header("authorization", format!("Bearer {}", shop.admin)), "");
    }
    if let Some(schedule) = function.schedules.first() {
        return schedule.input.clone();
    }
    if function.queues.is_empty() {
        let event = json!({"id": "evt_1", "object": "event", "created": 1, "livemode": false, "type": "plan.created",
            "data": {"object": {}}})
        .to_string();
        let signature = sign(&setup().providers.stripe_webhook_secret, event.as_bytes(), shop.stack.clock.now());
        let webhook = Request::post("/v1/webhooks/stripe").header("stripe-signature", signature.unwrap());
        return request(shop, webhook.header("content-type", "application/json"), &event);
    }
    let user = shop.stack.app.ulid();
    let user = shared::domain::id::UserId::new(user);
    let told = json!({"id": "obx_1.0", "message": {"kind": "user_registered", "user": user, "inviter": null}});
    json!({"Records": [{
        "messageId": "m1", "receiptHandle": "h1", "body": told.to_string(), "attributes": {"MessageGroupId": "g"},
        "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q", "md5OfBody": "",
    }]})
}

fn request(shop: &Shop, request: http::request::Builder, body: &str) -> Value {
    let request = request.header("host", "127.0.0.1:3000").body(Bytes::from(body.to_owned())).unwrap();
    let matched = shop.stack.template.route(request.method().as_str(), request.uri().path()).unwrap();
    let arrival = Arrival { client_ip: "203.0.113.7", request_id: "r1", at: shop.stack.clock.now() };
    event(&request, &matched, &arrival)
}
