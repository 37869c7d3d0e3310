//! A whole stack behind a socket, and commands run against it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use data_encoding::BASE64;
use emulator::connector::{Backend, BoxFuture, ConnectFault};
use emulator::sqs::Receive;
use emulator::stack::{Setup, Stack};
use guerdon::Outside;
use http::{Request, Response};
use serde_json::{Value, json};
use shared::account::create_admin::create_admin;
use shared::account::model::identity::{Email, Password};
use shared::table::aws::Environment;
use tokio::net::TcpListener;

/// Password of everybody here.
pub const PASSWORD: &str = "correct horse battery";

/// A stack and its address.
#[derive(Clone)]
pub struct Bench {
    pub stack: Arc<Stack>,
    pub url: String,
    /// SQS operation to refuse.
    pub refused: Arc<Mutex<Option<&'static str>>>,
}

/// Result of a command.
#[derive(Debug)]
pub struct Ran {
    pub status: u8,
    pub out: String,
    pub err: String,
}

/// Server like that of `cargo run`: the API, and AWS requests under `/_local/aws`.
struct Front {
    stack: Arc<Stack>,
    refused: Arc<Mutex<Option<&'static str>>>,
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Front")
    }
}

impl Backend for Front {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, ConnectFault>> {
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            let target = request.headers().get("x-amz-target").map(|target| target.to_str().unwrap().to_owned());
            let refused = *self.refused.lock().unwrap();
            if refused.is_some_and(|operation| target == Some(format!("AmazonSQS.{operation}"))) {
                let body = json!({"__type": "com.amazonaws.sqs#OverLimit", "message": "no"}).to_string();
                return Ok(Response::builder().status(400).body(Bytes::from(body)).unwrap());
            }
            Ok(match path.strip_prefix("/_local/aws/") {
                Some(service) => self.stack.aws(service.trim_end_matches('/'), request).await,
                None if path.starts_with("/_sim/") => self.stack.sim(request).await,
                None => self.stack.http(request, "127.0.0.1").await,
            })
        })
    }
}

struct Given(BTreeMap<&'static str, String>);

impl Environment for Given {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

impl Bench {
    /// Runs a test against its own stack.
    pub fn run<F: AsyncFnOnce(&Bench)>(test: F) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stack = Arc::new(Stack::start(Setup::in_memory()).await.unwrap());
            let admin = Email::parse("admin@localhost").unwrap();
            create_admin(&stack.app, &admin, &Password::parse(PASSWORD).unwrap()).await.unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let refused = Arc::new(Mutex::new(None));
            let front = Front { stack: Arc::clone(&stack), refused: Arc::clone(&refused) };
            tokio::spawn(emulator::http::serve(listener, Arc::new(front)));
            let bench = Bench { stack, url, refused };
            bench.settle().await;
            test(&bench).await;
        });
    }

    /// Runs `guerdon --local` with these space-separated words.
    pub async fn guerdon(&self, words: &str) -> Ran {
        let said: Vec<&str> = words.split_whitespace().collect();
        self.words(&said).await
    }

    /// Runs `guerdon --local` with words that may contain spaces.
    pub async fn words(&self, words: &[&str]) -> Ran {
        let has = |option: &str| words.contains(&option);
        let mut all = vec!["--local", "--data", "no-such-folder"];
        for (option, value) in
            [("--url", self.url.as_str()), ("--admin-email", "admin@localhost"), ("--admin-password", PASSWORD)]
        {
            if !has(option) {
                all.extend([option, value]);
            }
        }
        all.extend(words);
        self.bare(&all).await
    }

    /// Runs `guerdon` with exactly these words.
    pub async fn bare(&self, words: &[&str]) -> Ran {
        let given = Given(BTreeMap::from([
            ("APP_SECRET", "a secret of at least thirty-two bytes".to_owned()),
            ("CODE_SECRET", "1:a-code-secret-of-thirty-two-bytes-or-more".to_owned()),
            ("SIGNING_KEY", BASE64.encode(&[7; 32])),
            ("LEDGER_KEY", BASE64.encode(&[8; 32])),
        ]));
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let words = ["guerdon"].iter().chain(words).map(|word| (*word).into());
        let outside = Outside { environment: &given, out: &mut out, err: &mut err };
        let status = guerdon::run(words, outside).await;
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { status, out: text(out), err: text(err) }
    }

    /// Runs a command and returns its output as JSON.
    pub async fn json(&self, words: &str) -> Value {
        let ran = self.guerdon(&format!("{words} -o json")).await;
        assert_eq!(ran.status, 0, "{words}: {}{}", ran.out, ran.err);
        serde_json::from_str(&ran.out).unwrap()
    }

    /// Delivers webhooks and drains the queues until nothing changes.
    pub async fn settle(&self) {
        self.stack.settle().await.unwrap();
    }

    /// Sends a user's request under its own key and returns the body.
    pub async fn api(&self, method: &str, path: &str, token: Option<&str>, body: Value) -> Value {
        let key = format!("{path}-{body}").replace(|c: char| !c.is_ascii_alphanumeric(), "");
        let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:3000");
        request =
            request.header("content-type", "application/json").header("idempotency-key", &key[..key.len().min(200)]);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if method == "GET" { Bytes::new() } else { Bytes::from(body.to_string()) };
        let answer = self.stack.http(request.body(body).unwrap(), "203.0.113.7").await;
        let text = String::from_utf8(answer.body().to_vec()).unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {} {text}", answer.status());
        serde_json::from_str(&text).unwrap()
    }

    /// Registers a user and returns their token.
    pub async fn register(&self, name: &str, code: Option<&str>) -> String {
        let mut body = json!({"email": format!("{name}@example.com"), "password": PASSWORD});
        if let Some(code) = code {
            body["referral_code"] = json!(code);
        }
        let answer = self.api("POST", "/v1/registrations", None, body).await;
        answer["session"]["access_token"].as_str().unwrap().to_owned()
    }

    /// Balance of the token's user.
    pub async fn balance(&self, token: &str) -> String {
        let me = self.api("GET", "/v1/me", Some(token), Value::Null).await;
        me["balance"]["amount"].as_str().unwrap().to_owned()
    }

    /// Pays an order at its provider.
    pub async fn pay(&self, order: &Value, more: Value) {
        let mut body = json!({"provider": order["provider"], "order_id": order["id"], "action": "pay"});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let request = Request::post("/_sim/pay").header("content-type", "application/json");
        let request = request.header("host", "127.0.0.1:3000").body(Bytes::from(body.to_string())).unwrap();
        let status = self.stack.sim(request).await.status().as_u16();
        assert!((200..400).contains(&status), "the provider answers {status}");
    }

    /// Registers Ann and her invitee Bob; the message of Bob's registration becomes a dead letter.
    /// Returns Ann's token.
    pub async fn park_registration(&self) -> String {
        let reward = "settings set referral enabled=true registration.inviter_reward=2";
        self.json(reward).await;
        let ann = self.register("ann", None).await;
        let code = self.api("GET", "/v1/referral", Some(&ann), Value::Null).await["code"].as_str().unwrap().to_owned();
        self.settle().await;
        self.register("bob", Some(&code)).await;
        // The consumer receives it and never deletes it, until the queue dead-letters it.
        let take = Receive { max: 10, visibility_timeout_seconds: Some(0), ..Receive::default() };
        while self.stack.queues.depth("RewardQueue.fifo").unwrap().visible > 0 {
            self.stack.queues.receive("RewardQueue.fifo", &take).await.unwrap();
        }
        assert_eq!(self.stack.queues.depth("RewardDeadLetterQueue.fifo").unwrap().visible, 1);
        self.settle().await;
        ann
    }
}
