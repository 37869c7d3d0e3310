//! Test bench for accounts: the whole stack in one process, called through the gateway.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use emulator::clock::MovableClock;
use emulator::ses::Sent;
use emulator::sim::SimConfig;
use emulator::stack::{Setup, Stack, TABLE};
use http::HeaderMap;
use serde_json::{Value, json};
use shared::account::model::identity::Email;
use shared::account::model::user::User;
use shared::kernel::id::UserId;
use shared::operations::model::settings::{AnySettings, Area};
use shared::operations::settings::SettingsRecord;
use shared::referral::model::referral::{Invite, InviteCode};
use shared::table::context::Ctx;
use shared::table::item::{Entity, Versioned};

pub const PASSWORD: &str = "correct horse battery";

#[derive(Clone)]
pub struct Desk(pub Arc<Audited>);

/// The stack. On drop it drains its queues, and the auditor checks the table.
pub struct Audited(Stack);

impl std::ops::Deref for Audited {
    type Target = Stack;
    fn deref(&self) -> &Stack {
        &self.0
    }
}

impl Drop for Audited {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // A drop can't await, so this runs on a thread of its own.
            std::thread::scope(|scope| scope.spawn(|| rest(&self.0)).join()).unwrap();
            assert_eq!(self.0.guard.seen().denied, [""; 0], "no function is denied what it does");
            crate::strict::grants::record(&self.0);
            let findings = self.0.audit().unwrap();
            assert!(findings.is_empty(), "the auditor finds {findings:#?}");
        }
    }
}

/// Response of the API.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// Returns the response after asserting its status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// Asserts a problem document with this status and code.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
    }

    pub fn text(&self, pointer: &str) -> String {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{pointer} in {}", self.body))
            .to_owned()
    }

    pub fn retry_after(&self) -> u64 {
        self.headers["retry-after"].to_str().unwrap().parse().unwrap()
    }
}

fn rest(stack: &Stack) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        stack.faults.clear();
        stack.clock.advance(Duration::from_secs(120));
        stack.tick("sweep-outbox").await.unwrap();
        stack.settle().await.unwrap();
    });
}

impl Desk {
    pub async fn open() -> Self {
        let base = "https://guerdon.test";
        let setup = Setup {
            base_url: base.to_owned(),
            clock: MovableClock::standing("2026-11-20T10:00:00Z".parse().unwrap()),
            providers: SimConfig::new(base),
            ..Setup::in_memory()
        };
        Self(Arc::new(Audited(Stack::start(setup).await.unwrap())))
    }

    /// Desk with e-mail verification on.
    pub async fn verifying() -> Self {
        let desk = Self::open().await;
        desk.settings(Area::Identity, json!({"email_verification": true})).await;
        desk
    }

    /// Desk with the referral programme on; also returns Ann, who has an invite code.
    pub async fn with_referral(change: Value) -> (Self, User) {
        let desk = Self::open().await;
        desk.settings(Area::Referral, merged(json!({"enabled": true}), change)).await;
        let ann = desk.ann().await;
        (desk, ann)
    }

    /// Creates Ann, whose primary code is `ANNSCODE`.
    pub async fn ann(&self) -> User {
        let ann = self.registered("ann@example.com").await;
        let code = InviteCode::parse("ANNSCODE").unwrap();
        let ann = self.user(&ann.text("/user/id")).await.into_inner();
        let ann = User { invite_code: Some(code.clone()), ..ann };
        self.write(&ann).await;
        self.write(&Invite::primary(code, &ann, ann.created_at)).await;
        ann
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        self.send_from("203.0.113.7", method, path, headers, body).await
    }

    /// Sends a request from a client address.
    pub async fn send_from(
        &self,
        address: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let bytes = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let asked = String::from_utf8_lossy(&bytes).into_owned();
        let response = self.0.http(request.body(bytes).unwrap(), address).await;
        let (parts, body) = response.into_parts();
        let text = String::from_utf8_lossy(&body);
        crate::contract::document::check(method, path, &asked, parts.status.as_u16(), &text);
        crate::contract::document::check_headers(method, path, parts.status.as_u16(), &parts.headers);
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[], Some(body)).await
    }

    pub async fn post_with_key(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send("POST", path, &[("idempotency-key", key)], Some(body)).await
    }

    pub async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<(&str, &str)> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        self.send("GET", path, &headers, None).await
    }

    pub async fn register(&self, body: &Value) -> Answer {
        self.post("/v1/registrations", body).await
    }

    pub async fn registered(&self, email: &str) -> Answer {
        self.register(&json!({"email": email, "password": PASSWORD})).await.is(201)
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.post("/v1/sessions", &json!({"email": email, "password": password})).await
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        self.post("/v1/sessions/refresh", &json!({"refresh_token": token})).await
    }

    /// Writes the first version of a settings document: the defaults with a change.
    pub async fn settings(&self, area: Area, change: Value) {
        let document = merged(AnySettings::defaults(area).document(), change);
        let document = AnySettings::parse(area, document).unwrap().document();
        self.write(&SettingsRecord { area, version: 1, document: document.to_string() }).await;
        self.0.app.settings.forget();
    }

    /// Writes an entity, replacing the stored one.
    pub async fn write<T: Entity + Clone>(&self, noun: &T) {
        let app = &self.0.app;
        app.execute(&Ctx::system(), || async {
            let mut tx = app.tx();
            tx.upsert(app.store.get::<T>(&noun.own_key()).await?.as_ref(), noun);
            Ok(((), tx))
        })
        .await
        .unwrap();
    }

    pub async fn user(&self, id: &str) -> Versioned<User> {
        self.0.app.store.get(&User::key(UserId::parse(id).unwrap())).await.unwrap().unwrap()
    }

    /// Counts the items of a type.
    pub fn items(&self, kind: &str) -> usize {
        self.scan().iter().filter(|item| item["type"]["S"] == kind).count()
    }

    pub fn scan(&self) -> Vec<Value> {
        self.0.dynamo.scan(TABLE).unwrap()
    }

    pub fn later(&self, seconds: u64) {
        self.0.clock.advance(Duration::from_secs(seconds));
    }

    /// Drains the queues and returns all mail sent to `to`.
    pub async fn mail(&self, to: &str) -> Vec<Sent> {
        self.0.settle().await.unwrap();
        let to = Email::parse(to).unwrap();
        self.0.mailbox.sent(Some(to.as_str()))
    }

    /// Ten symbols in the last mail to `to`.
    pub async fn symbols(&self, to: &str) -> String {
        let mails = self.mail(to).await;
        let text = &mails.last().expect("a mail").text;
        let is_code = |word: &&str| word.len() == 11 && word.as_bytes().get(5) == Some(&b'-');
        text.split_whitespace().find(is_code).unwrap_or_else(|| panic!("no symbols in {text}")).to_owned()
    }

    /// Token of the link in the last mail to `to`.
    pub async fn link_token(&self, to: &str) -> String {
        let mails = self.mail(to).await;
        let text = &mails.last().expect("a mail").text;
        let link = text.split_whitespace().find_map(|word| word.split_once("#token="));
        link.unwrap_or_else(|| panic!("no link in {text}")).1.to_owned()
    }

    /// Code in the last mail to `to`.
    pub async fn code(&self, to: &str) -> String {
        let mails = self.mail(to).await;
        let text = &mails.last().expect("a mail").text;
        let code: Vec<&str> =
            text.split_whitespace().filter(|word| word.len() == 6 && word.parse::<u32>().is_ok()).collect();
        let [code] = code.as_slice() else { panic!("one code in {text}") };
        (*code).to_owned()
    }

    /// Measures `work`: SDK calls to the database and write units of its transactions.
    /// Calls sent after the commit are left out.
    pub async fn cost<F: Future<Output = Answer>>(&self, work: F) -> (Vec<(String, u64)>, u64, Answer) {
        self.0.dynamo.reset();
        let answer = work.await;
        let used = self.0.dynamo.used();
        let units = used.get("TransactWriteItems").map_or(0, |usage| usage.write_units);
        let calls = used.into_iter().filter(|(name, _)| name != "DeleteItem");
        (calls.map(|(name, usage)| (name, usage.calls)).collect(), units, answer)
    }
}

/// Wrong code: any code but this one.
pub fn other_than(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

fn merged(mut document: Value, change: Value) -> Value {
    match (&mut document, change) {
        (Value::Object(fields), Value::Object(changes)) => {
            for (name, change) in changes {
                let before = fields.remove(&name).unwrap_or(Value::Null);
                fields.insert(name, merged(before, change));
            }
            document
        }
        (_, change) => change,
    }
}
