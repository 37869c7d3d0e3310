//! A world: all of Guerdon in this process, with its own clock, randomness and data.
//! At its end everything is drained and the auditor checks every item.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use emulator::clock::MovableClock;
use emulator::gateway::NO_ANSWER;
use emulator::stack::{Setup, Stack};
use http::{Request, StatusCode};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};
use shared::account::create_admin::create_admin;
use shared::account::model::identity::{Email, Password};
use shared::operations::auditor::{audit, rebuild, unchanged};
use shared::table::item::Item;
use shared::table::system::Entropy;

use crate::operations::audit::book::against;

pub const PASSWORD: &str = "correct horse battery";

/// All of Guerdon, with its users.
pub struct World {
    pub stack: Stack,
    tokens: Mutex<BTreeMap<String, String>>,
    keys: Mutex<u64>,
    seen: Mutex<Vec<Item>>,
}

/// Response of the API.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
}

/// A caller with a token, or an anonymous one.
pub struct Caller<'a> {
    world: &'a World,
    token: Option<String>,
    key: Option<String>,
    headers: Vec<(String, String)>,
    address: String,
}

/// Secret by which the operator's CDN proves itself.
pub const CDN: &str = "what the operator's own CDN sends";
/// Client address of a caller without another.
const ADDRESS: &str = "203.0.113.7";

impl World {
    /// Runs a test in a new world; its seed decides every random value.
    pub fn run<F: AsyncFnOnce(&World)>(test: F) {
        Self::seeded(1, test);
    }

    /// Runs a test in a new world with this seed.
    pub fn seeded<F: AsyncFnOnce(&World)>(seed: u64, test: F) {
        Self::played(seed, test);
    }

    /// Runs a test in a new world and returns the stored items after the drain.
    pub fn left_by<F: AsyncFnOnce(&World)>(test: F) -> Vec<Item> {
        Self::played(1, test)
    }

    /// Runs a test in a new world whose passwords cost this much to hash: memory in KiB, and passes.
    pub fn hashing<F: AsyncFnOnce(&World)>(password_cost: (u32, u32), test: F) {
        Self::played_in(Setup { password_cost, ..Setup::in_memory() }, 1, test);
    }

    /// Runs a test in a deployment that moves no real money, and says so.
    pub fn testing<F: AsyncFnOnce(&World)>(test: F) {
        Self::played_in(Setup { test_mode: true, ..Setup::in_memory() }, 1, test);
    }

    fn played<F: AsyncFnOnce(&World)>(seed: u64, test: F) -> Vec<Item> {
        Self::played_in(Setup::in_memory(), seed, test)
    }

    fn played_in<F: AsyncFnOnce(&World)>(setup: Setup, seed: u64, test: F) -> Vec<Item> {
        // The SDK draws its retry jitter from this thread's generator.
        fastrand::seed(seed);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let world = World::new(setup, seed).await;
            test(&world).await;
            world.at_rest().await;
            world.seen.into_inner().unwrap()
        })
    }

    async fn new(setup: Setup, seed: u64) -> Self {
        let clock = MovableClock::with_tokio("2026-11-20T10:00:00Z".parse().unwrap());
        let rng = Arc::new(Mutex::new(ChaCha8Rng::seed_from_u64(seed)));
        let entropy = Entropy::new(move |bytes| rng.lock().unwrap().fill_bytes(bytes));
        let setup = Setup { clock, entropy, origin_secret: CDN.to_owned(), ..setup };
        let stack = Stack::start(setup).await.unwrap();
        let admin = Email::parse("admin@localhost").unwrap();
        create_admin(&stack.app, &admin, &Password::parse(PASSWORD).unwrap()).await.unwrap();
        let world = Self { stack, tokens: Mutex::default(), keys: Mutex::new(0), seen: Mutex::default() };
        world.sign_in("admin").await;
        world
    }

    /// Checks that data which may never change is as it was at the previous check (L5, A1, P6).
    fn look(&self) {
        let items = self.stack.items().unwrap();
        let mut seen = self.seen.lock().unwrap();
        let findings = unchanged(&seen, &items);
        assert!(findings.is_empty(), "since the last look {findings:#?}");
        *seen = items;
    }

    /// Ends the world: stops faults, drains everything, and runs the auditor.
    /// No queue may have messages left. The auditor must find nothing in the table and against the providers' books.
    async fn at_rest(&self) {
        self.stack.faults.clear();
        self.swept().await;
        for queue in &self.stack.template.queues {
            let depth = self.stack.queues.depth(&queue.spec.name).unwrap();
            assert_eq!((depth.visible, depth.in_flight, depth.delayed), (0, 0, 0), "left in {}", queue.logical_id);
        }
        assert_eq!(self.stack.guard.seen().denied, [""; 0], "no function is denied what it does");
        crate::strict::grants::record(&self.stack);
        self.look();
        let items = self.seen.lock().unwrap();
        let findings: Vec<_> =
            audit(&items).into_iter().chain(against(&self.stack.simulators.book(), &items)).collect();
        assert!(findings.is_empty(), "the auditor finds {findings:#?}");
        assert_eq!(rebuild(&items).differences, [], "what is stored is what journals and facts say");
    }

    /// Caller without a token.
    pub fn nobody(&self) -> Caller<'_> {
        Caller { world: self, token: None, key: None, headers: Vec::new(), address: ADDRESS.to_owned() }
    }

    /// User registered under this name, or `admin`.
    pub fn user(&self, name: &str) -> Caller<'_> {
        let token = self.tokens.lock().unwrap().get(name).cloned();
        Caller { token: Some(token.unwrap_or_else(|| panic!("nobody is called {name}"))), ..self.nobody() }
    }

    /// The operator's admin.
    pub fn admin(&self) -> Caller<'_> {
        self.user("admin")
    }

    /// Creates a service key and returns it.
    pub async fn service_key(&self, name: &str, scopes: &[&str]) -> String {
        let body = json!({"name": name, "scopes": scopes});
        let made = self.admin().post("/v1/admin/service-keys", body).await.is(201);
        made["key"].as_str().unwrap().to_owned()
    }

    /// Caller with this token or service key.
    pub fn holder(&self, token: &str) -> Caller<'_> {
        Caller { token: Some(token.to_owned()), ..self.nobody() }
    }

    /// Registers a user and returns the response.
    pub async fn register(&self, name: &str, code: Option<&str>) -> Value {
        let mut body = json!({"email": format!("{name}@example.com"), "password": PASSWORD});
        if let Some(code) = code {
            body["referral_code"] = json!(code);
        }
        let answer = self.nobody().post("/v1/registrations", body).await.is(201);
        let token = answer["session"]["access_token"].as_str().unwrap().to_owned();
        self.tokens.lock().unwrap().insert(name.to_owned(), token);
        answer
    }

    /// Repeats a request until its outcome is known.
    pub async fn insist(&self, ask: impl AsyncFn() -> Answer) -> Answer {
        for _ in 0..60 {
            let answer = ask().await;
            if !answer.is_to_be_repeated() {
                return answer;
            }
            assert!(answer.status == 500 || answer.headers.contains_key("retry-after"));
            self.advance(2).await;
        }
        panic!("nobody ever knows what came of it");
    }

    /// Signs a user in again, after their token expired.
    pub async fn sign_in(&self, name: &str) {
        let email = if name == "admin" { "admin@localhost".to_owned() } else { format!("{name}@example.com") };
        let body = json!({"email": email, "password": PASSWORD});
        let answer = self.insist(async || self.nobody().post("/v1/sessions", body.clone()).await).await;
        let token = answer.is(200)["access_token"].as_str().unwrap().to_owned();
        self.tokens.lock().unwrap().insert(name.to_owned(), token);
    }

    /// Goes on with another access token of a user.
    pub fn take_up(&self, name: &str, token: &str) {
        self.tokens.lock().unwrap().insert(name.to_owned(), token.to_owned());
    }

    /// Primary invite code of a user.
    pub async fn code(&self, name: &str) -> String {
        self.user(name).get("/v1/referral").await.is(200)["code"].as_str().unwrap().to_owned()
    }

    /// Changes an area's settings.
    pub async fn settings(&self, area: &str, change: impl FnOnce(&mut Value)) {
        let path = format!("/v1/admin/settings/{area}");
        let read = self.admin().get(&path).await.is(200);
        let mut settings = read["settings"].clone();
        change(&mut settings);
        let version = format!("\"{}\"", read["version"]);
        self.admin().header("if-match", &version).put(&path, settings).await.is(200);
    }

    /// Switches on payment, promotion and referral: ¥20 to qualify, 3 USD for the inviter.
    pub async fn open(&self) {
        self.settings("payment", |settings| settings["enabled"] = json!(true)).await;
        self.settings("promotion", |settings| settings["enabled"] = json!(true)).await;
        self.settings("referral", |settings| {
            settings["enabled"] = json!(true);
            settings["qualified"]["inviter_reward"] = json!("3");
        })
        .await;
    }

    /// Creates an order and returns it.
    pub async fn order(&self, name: &str, body: Value) -> Value {
        self.user(name).once().post("/v1/payment/orders", body).await.is(201)
    }

    /// Pays at a provider; `more` adds to the page's form.
    pub async fn pay(&self, order: &Value, more: Value) {
        let answer = self.try_to_pay(order, more).await;
        assert!((200..400).contains(&answer), "the provider answers {answer}");
    }

    /// Pays at a provider, which may refuse a late payment; returns its status.
    pub async fn try_to_pay(&self, order: &Value, more: Value) -> u16 {
        let mut body = json!({"provider": order["provider"], "order_id": order["id"], "action": "pay"});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let request = Request::post("/_sim/pay").header("content-type", "application/json");
        let request = request.header("host", "127.0.0.1:3000").body(Bytes::from(body.to_string())).unwrap();
        self.stack.sim(request).await.status().as_u16()
    }

    /// Delivers webhooks and drains queues until nothing changes.
    pub async fn settle(&self) {
        self.stack.settle().await.unwrap();
        self.look();
    }

    /// Settles, and sweeps the outbox for messages unsent after their commit.
    pub async fn swept(&self) {
        for _ in 0..3 {
            self.advance(61).await;
            self.stack.tick("sweep-outbox").await.unwrap();
            self.stack.settle().await.unwrap();
        }
    }

    /// Advances the clock.
    pub async fn advance(&self, seconds: u64) {
        self.stack.clock.advance(Duration::from_secs(seconds));
    }

    /// Creates a plan and returns its id.
    pub async fn plan(&self, body: Value) -> String {
        self.admin().post("/v1/admin/plans", body).await.is(201)["id"].as_str().unwrap().to_owned()
    }

    /// Creates a batch of at most 100 codes and returns them.
    pub async fn codes(&self, body: Value) -> Vec<String> {
        let made = self.admin().once().post("/v1/admin/redemption/batches", body).await.is(201);
        made["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect()
    }

    /// Redeems a code under a fresh key.
    pub async fn redeem(&self, name: &str, code: &str) -> Answer {
        self.user(name).once().post("/v1/redemptions", json!({"code": code})).await
    }

    /// Balance of a user.
    pub async fn balance(&self, name: &str) -> String {
        self.user(name).get("/v1/me").await.is(200)["balance"]["amount"].as_str().unwrap().to_owned()
    }

    async fn send(&self, request: Request<Bytes>, address: String) -> Answer {
        let (method, path) = (request.method().to_string(), request.uri().to_string());
        let asked = String::from_utf8_lossy(request.body()).into_owned();
        let address = at_home(&path, &asked).filter(|_| address == ADDRESS).unwrap_or(address);
        let response = self.stack.http(request, &address).await;
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.to_vec()).unwrap();
        crate::contract::document::check(&method, &path, &asked, parts.status.as_u16(), &text);
        crate::contract::document::check_headers(&method, &path, parts.status.as_u16(), &parts.headers);
        Answer { status: parts.status.as_u16(), headers: parts.headers, text }
    }
}

/// Client address of a registration: people register at home, in a network each.
fn at_home(path: &str, body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok().filter(|_| path == "/v1/registrations")?;
    let email = body["email"].as_str()?;
    let hash = email.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let [a, b, c, _] = hash.wrapping_mul(0x9e37_79b1).to_be_bytes();
    Some(format!("10.{a}.{b}.{c}"))
}

impl<'w> Caller<'w> {
    /// Adds a fresh `Idempotency-Key`.
    pub fn once(self) -> Self {
        let number = {
            let mut keys = self.world.keys.lock().unwrap();
            *keys += 1;
            *keys
        };
        self.key(&format!("key-{number}"))
    }

    /// Adds this `Idempotency-Key`.
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Calls from this client address.
    pub fn from(mut self, address: &str) -> Self {
        self.address = address.to_owned();
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn get(&self, path: &str) -> impl Future<Output = Answer> + use<'w> {
        self.world.send(self.request("GET", path, None), self.address.clone())
    }

    pub fn post(&self, path: &str, body: Value) -> impl Future<Output = Answer> + use<'w> {
        self.world.send(self.request("POST", path, Some(body.to_string())), self.address.clone())
    }

    pub fn put(&self, path: &str, body: Value) -> impl Future<Output = Answer> + use<'w> {
        self.world.send(self.request("PUT", path, Some(body.to_string())), self.address.clone())
    }

    /// Sends any method with a raw body.
    pub fn raw(&self, method: &str, path: &str, body: &str) -> impl Future<Output = Answer> + use<'w> {
        self.world.send(self.request(method, path, Some(body.to_owned())), self.address.clone())
    }

    fn request(&self, method: &str, path: &str, body: Option<String>) -> Request<Bytes> {
        let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:3000");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(key) = &self.key {
            request = request.header("idempotency-key", key);
        }
        if body.is_some() && !self.headers.iter().any(|(name, _)| name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Bytes::from(body.unwrap_or_default())).unwrap()
    }
}

impl Answer {
    /// True if the outcome is unknown: the function says so, or ended before its response.
    pub fn is_to_be_repeated(&self) -> bool {
        self.status == 503 || (self.status == 500 && self.text == NO_ANSWER)
    }

    /// Returns the body, after asserting the status.
    #[track_caller]
    pub fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&self.text).unwrap_or(Value::String(self.text))
        }
    }

    /// Returns the code of the problem document.
    #[track_caller]
    pub fn is_problem(&self) -> String {
        let problem: Value = serde_json::from_str(&self.text).unwrap();
        problem["code"].as_str().unwrap_or_else(|| panic!("{} {}", self.status, self.text)).to_owned()
    }

    /// Returns the problem document, after asserting status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!(self.headers.get("content-type").unwrap(), "application/problem+json", "{}", self.text);
        let problem = self.is(status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(StatusCode::from_u16(status).unwrap().as_u16(), problem["status"], "{problem}");
        problem
    }
}
