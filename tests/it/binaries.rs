//! The built binaries under the real Lambda Runtime API: one success and one refusal of each, with database and queues over HTTP.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use data_encoding::BASE64;
use emulator::clock::MovableClock;
use emulator::connector::Backend;
use emulator::gateway::{Arrival, event};
use emulator::runtime_api::{FunctionProcess, cargo};
use emulator::sim::SimConfig;
use emulator::sqs::SqsBackend;
use emulator::stack::{Setup, Stack};
use http::Request;
use serde_json::{Value, json};
use shared::app::Entropy;
use shared::domain::identity::{Email, Password};
use shared::provider::stripe::signature::sign;
use shared::usecase::create_admin::create_admin;
use tokio::net::TcpListener;

const PASSWORD: &str = "correct horse battery";
const PATIENCE: Duration = Duration::from_secs(20);

/// The stack that the binaries share, and where they find it.
struct Bench {
    stack: Stack,
    environment: BTreeMap<String, String>,
}

async fn serve(backend: Arc<dyn Backend>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(emulator::http::serve(listener, backend));
    format!("http://{address}")
}

impl Bench {
    async fn new() -> Self {
        let base = "http://127.0.0.1:3000";
        let setup = Setup {
            base_url: base.to_owned(),
            data: None,
            clock: MovableClock::real(),
            entropy: Entropy::system(),
            secret: "a secret".to_owned(),
            signing_key: BASE64.encode(&[7; 32]),
            password_cost: (8, 1),
            providers: SimConfig::new(base),
            private_endpoints: false,
        };
        let mut environment = setup.environment();
        let stack = Stack::start(setup).await.unwrap();
        let endpoints = [
            ("AWS_ENDPOINT_URL_DYNAMODB", serve(Arc::new(stack.dynamo.clone())).await),
            ("AWS_ENDPOINT_URL_SQS", serve(Arc::new(SqsBackend(stack.queues.clone()))).await),
            ("AWS_ENDPOINT_URL_SESV2", serve(Arc::clone(&stack.mailbox) as Arc<dyn Backend>).await),
            ("MAIL_FROM", "no-reply@guerdon.test".to_owned()),
        ];
        environment.extend(endpoints.map(|(name, value)| (name.to_owned(), value)));
        Self { stack, environment }
    }

    async fn start(&self, binary: &str) -> FunctionProcess {
        let path = built().join(binary);
        FunctionProcess::spawn(&path, binary, &self.environment).await.unwrap()
    }

    /// Gives a binary a request of the gateway and takes status and body.
    async fn ask(&self, binary: &str, request: http::request::Builder, body: &str) -> (u64, String) {
        let request = request.header("host", "127.0.0.1:3000").body(Bytes::from(body.to_owned())).unwrap();
        let matched = self.stack.template.route(request.method().as_str(), request.uri().path()).unwrap();
        assert_eq!(matched.function.binary, binary);
        let arrival = Arrival { client_ip: "203.0.113.7", request_id: "r1", at: self.stack.clock.now() };
        let event = event(&request, &matched, &arrival);
        let returned = self.start(binary).await.invoke(&event, PATIENCE).await.unwrap();
        (returned["statusCode"].as_u64().unwrap(), returned["body"].as_str().unwrap_or_default().to_owned())
    }

    async fn hand(&self, binary: &str, event: &Value) -> Value {
        self.start(binary).await.invoke(event, PATIENCE).await.unwrap()
    }
}

/// Where the binaries are, after building them.
fn built() -> PathBuf {
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    BUILT
        .get_or_init(|| {
            let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf();
            let built = cargo().args(["build", "--workspace", "--bins"]).current_dir(&root).status();
            assert!(built.unwrap().success(), "the binaries can't be built");
            let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
            target.join("debug")
        })
        .clone()
}

fn post(path: &str) -> http::request::Builder {
    Request::post(path).header("content-type", "application/json")
}

fn record(body: &str) -> Value {
    json!({"Records": [{
        "messageId": "m1", "receiptHandle": "h1", "body": body, "attributes": {"MessageGroupId": "g"},
        "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q", "md5OfBody": "",
    }]})
}

/// R2.1, R2.5, R4.7, R4.8: each function's binary does its work and refuses what it should.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_binary_does_its_work_and_refuses_what_it_should() {
    let bench = Bench::new().await;
    let admin = Email::parse("admin@localhost").unwrap();
    create_admin(&bench.stack.app, &admin, &Password::parse(PASSWORD).unwrap()).await.unwrap();

    let ann = json!({"email": "ann@example.com", "password": PASSWORD}).to_string();
    let (status, body) = bench.ask("registration", post("/v1/registrations"), &ann).await;
    assert_eq!(status, 201, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    let token = format!("Bearer {}", body["session"]["access_token"].as_str().unwrap());
    let user = body["user"]["id"].as_str().unwrap().to_owned();
    let taken = json!({"email": "Ann@example.com", "password": "another password"}).to_string();
    assert_eq!(bench.ask("registration", post("/v1/registrations"), &taken).await.0, 409);

    for (binary, path) in
        [("referral", "/v1/referral"), ("redemption", "/v1/redemptions"), ("payment", "/v1/payment/config")]
    {
        assert_eq!(bench.ask(binary, Request::get(path).header("authorization", &token), "").await.0, 200);
        assert_eq!(bench.ask(binary, Request::get(path), "").await.0, 401);
    }

    let credentials = json!({"email": "admin@localhost", "password": PASSWORD}).to_string();
    let (_, signed_in) = bench.ask("registration", post("/v1/sessions"), &credentials).await;
    let signed_in: Value = serde_json::from_str(&signed_in).unwrap();
    let admin = format!("Bearer {}", signed_in["access_token"].as_str().unwrap());
    let users = |token: &str| Request::get("/v1/admin/users").header("authorization", token);
    assert_eq!(bench.ask("admin", users(&admin), "").await.0, 200);
    assert_eq!(bench.ask("admin", users(&token), "").await.0, 403);

    let event = json!({"id": "evt_1", "object": "event", "created": 1, "livemode": false, "type": "plan.created",
        "data": {"object": {}}});
    let event = event.to_string();
    let secret = SimConfig::new("http://127.0.0.1:3000").stripe_webhook_secret;
    let signature = sign(&secret, event.as_bytes(), bench.stack.clock.now()).unwrap();
    let webhook = |signature: &str| post("/v1/webhooks/stripe").header("stripe-signature", signature);
    let told = bench.ask("payment-webhook", webhook(&signature), &event).await;
    assert_eq!(told, (200, r#"{"received":true}"#.to_owned()));
    assert_eq!(bench.ask("payment-webhook", webhook("t=1,v1=00"), &event).await.0, 400);

    let registered = json!({"id": "obx_1.0", "message": {"kind": "user_registered", "user": user, "inviter": null}});
    for binary in ["reward-worker", "statistics", "notifier"] {
        assert_eq!(bench.hand(binary, &record(&registered.to_string())).await["batchItemFailures"], json!([]));
        let poison = bench.hand(binary, &record("poison")).await;
        assert_eq!(poison["batchItemFailures"], json!([{"itemIdentifier": "m1"}]), "{binary}");
    }

    let mut scheduler = bench.start("scheduler").await;
    let swept = scheduler.invoke(&json!({"schedule": "sweep-outbox"}), PATIENCE).await.unwrap();
    assert_eq!(swept["outbox"]["failed"], 0);
    assert!(scheduler.invoke(&json!({"schedule": "nonsense"}), PATIENCE).await.is_err());
}
