//! A deployment to measure: the in-memory stack on the machine's clock.
//! All features are enabled, and Ann is the inviter of all users.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use emulator::sqs::Retry;
use emulator::stack::{Setup, Stack};
use http::Request;
use serde_json::{Value, json};
use shared::account::create_admin::create_admin;
use shared::account::model::identity::{Email, Password};

/// Address of requests.
const HERE: &str = "203.0.113.7";
pub const PASSWORD: &str = "correct horse battery";
/// Ann's reward per paying invitee, in ledger currency.
pub const REWARD: u64 = 3;

/// Changes of settings that open payments, the promotion and the referral programme, by area.
pub fn opening() -> [(&'static str, Vec<(&'static str, Value)>); 4] {
    [
        ("payment", vec![("/enabled", json!(true))]),
        ("promotion", vec![("/enabled", json!(true))]),
        ("identity", vec![("/max_signups_per_network", json!(0))]),
        ("referral", vec![("/enabled", json!(true)), ("/qualified/inviter_reward", json!(REWARD.to_string()))]),
    ]
}

pub struct Shop {
    pub stack: Arc<Stack>,
    pub admin: String,
    pub ann: String,
    code: String,
}

impl Shop {
    pub async fn open() -> Self {
        Self::over(Arc::new(Stack::start(Setup::in_memory()).await.unwrap())).await
    }

    pub async fn over(stack: Arc<Stack>) -> Self {
        let admin = Email::parse("admin@localhost").unwrap();
        create_admin(&stack.app, &admin, &Password::parse(PASSWORD).unwrap()).await.unwrap();
        let mut shop = Self { stack, admin: String::new(), ann: String::new(), code: String::new() };
        let credentials = json!({"email": "admin@localhost", "password": PASSWORD});
        shop.admin = text(&shop.post("/v1/sessions", "", "", credentials).await["access_token"]);
        for (area, changes) in opening() {
            shop.set(area, &changes).await;
        }
        shop.ann = shop.register("ann").await;
        shop.code = shop.code_of(&shop.ann).await;
        shop
    }

    async fn set(&self, area: &str, changes: &[(&str, Value)]) {
        let path = format!("/v1/admin/settings/{area}");
        let mut document = self.send("GET", &path, &self.admin, "", None).await;
        for (pointer, value) in changes {
            *document["settings"].pointer_mut(pointer).unwrap() = value.clone();
        }
        let request = Request::put(&path)
            .header("host", "127.0.0.1:3000")
            .header("authorization", format!("Bearer {}", self.admin))
            .header("content-type", "application/json")
            .header("if-match", format!("\"{}\"", document["version"]))
            .body(Bytes::from(document["settings"].to_string()));
        let answer = self.stack.http(request.unwrap(), "203.0.113.7").await;
        assert_eq!(answer.status(), 200, "{:?}", answer.body());
    }

    /// Registers a user, with Ann's code once it exists; returns the access token.
    pub async fn register(&self, name: &str) -> String {
        self.invited(name, &self.code, HERE).await
    }

    /// Registers a user, with an inviter's code unless it is empty, from an address; returns the access token.
    pub async fn invited(&self, name: &str, code: &str, ip: &str) -> String {
        let mut body = json!({"email": format!("{name}@example.com"), "password": PASSWORD});
        if !code.is_empty() {
            body["referral_code"] = json!(code);
        }
        text(&self.send_from(ip, "POST", "/v1/registrations", "", "", Some(body)).await["session"]["access_token"])
    }

    /// Invite code of a user.
    pub async fn code_of(&self, token: &str) -> String {
        text(&self.send("GET", "/v1/referral", token, "", None).await["code"])
    }

    /// Turns commissions on.
    pub async fn pays_commissions(&self) {
        self.set("affiliate", &[("/enabled", json!(true))]).await;
    }

    /// Orders, pays at the provider, and delivers the webhook.
    pub async fn pay(&self, token: &str) {
        self.pay_at_provider(token).await;
        self.stack.pump_webhooks().await;
    }

    /// Orders and pays at the provider; returns the notification that it would send.
    pub async fn paid(&self, token: &str) -> Request<Bytes> {
        self.pay_at_provider(token).await;
        self.stack.simulators.due(self.stack.clock.now()).remove(0).request
    }

    async fn pay_at_provider(&self, token: &str) {
        let order = json!({"offer_id": "o100", "provider": "zpay"});
        let order = self.post("/v1/payment/orders", token, token, order).await;
        let page = Request::get(order["pay_url"].as_str().unwrap()).body(Bytes::new()).unwrap();
        let now = || self.stack.clock.now();
        self.stack.simulators.handle(page, now()).await;
        let click = json!({"provider": "zpay", "order_id": order["id"], "action": "pay"});
        let click = Request::post("/_sim/pay")
            .header("content-type", "application/json")
            .header("host", "127.0.0.1:3000")
            .body(Bytes::from(click.to_string()));
        let answer = self.stack.simulators.handle(click.unwrap(), now()).await;
        assert!(answer.status().is_success() || answer.status().is_redirection(), "{:?}", answer.body());
    }

    /// Delivers due messages to the queues' consumers until `done` is set and no message is left.
    pub async fn consume(&self, done: &std::sync::atomic::AtomicBool) {
        loop {
            let last = done.load(std::sync::atomic::Ordering::SeqCst);
            let moved = self.stack.pump_queues(Retry::AtOnce).await.unwrap();
            match (moved, last) {
                (false, true) => return,
                (false, false) => tokio::time::sleep(Duration::from_millis(1)).await,
                (true, _) => {}
            }
        }
    }

    /// Asserts that the stack is idle, Ann has a reward for each of `payments`, and the auditor finds nothing.
    pub async fn check(&self, payments: u64) {
        self.stack.settle().await.unwrap();
        let balance = &self.send("GET", "/v1/me", &self.ann, "", None).await["balance"]["amount"];
        assert_eq!(text(balance), (payments * REWARD).to_string(), "Ann's rewards");
        let findings = self.stack.audit().unwrap();
        assert!(findings.is_empty(), "the auditor finds {findings:#?}");
    }

    pub async fn post(&self, path: &str, token: &str, key: &str, body: Value) -> Value {
        self.send("POST", path, token, &digest(key), Some(body)).await
    }

    async fn send(&self, method: &str, path: &str, token: &str, key: &str, body: Option<Value>) -> Value {
        self.send_from(HERE, method, path, token, key, body).await
    }

    pub async fn send_from(
        &self,
        ip: &str,
        method: &str,
        path: &str,
        token: &str,
        key: &str,
        body: Option<Value>,
    ) -> Value {
        let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:3000");
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !key.is_empty() {
            request = request.header("idempotency-key", key);
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = request.header("content-type", "application/json").body(Bytes::from(body)).unwrap();
        let answer = self.stack.http(request, ip).await;
        assert!(answer.status().is_success(), "{method} {path}: {:?}", answer.body());
        serde_json::from_slice(answer.body()).unwrap_or_default()
    }
}

/// The end of a token, its signature: a distinct idempotency key per token.
pub fn digest(key: &str) -> String {
    key.chars().skip(key.chars().count().saturating_sub(40)).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
