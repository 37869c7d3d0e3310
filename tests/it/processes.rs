//! The built function binaries as processes beside a stack: what the tests of binaries and the black box stand on.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use emulator::deployed::{Deployment, build, own_profile};
use emulator::stack::Setup;
use http::Request;
use serde_json::{Value, json};
use shared::account::create_admin::create_admin;
use shared::account::model::identity::{Email, Password};

use crate::env::wished;

pub const PASSWORD: &str = "correct horse battery";
/// The longest that an invocation may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A stack, its functions' binaries, and an admin.
pub struct Bench(pub Deployment);

impl Bench {
    pub async fn new() -> Self {
        let deployment = Deployment::new(built(), Setup::in_memory()).await.unwrap();
        let admin = Email::parse("admin@localhost").unwrap();
        create_admin(&deployment.stack.app, &admin, &Password::parse(PASSWORD).unwrap()).await.unwrap();
        Self(deployment)
    }

    /// Gives a new process of a binary a request of the gateway and takes status and body.
    pub async fn ask(&self, binary: &str, request: http::request::Builder, body: &str) -> (u64, String) {
        let request = request.header("host", "127.0.0.1:3000").body(Bytes::from(body.to_owned())).unwrap();
        let (goes_to, event) = self.0.event(&request).unwrap();
        assert_eq!(goes_to, binary);
        let returned = self.hand(binary, &event).await;
        (returned["statusCode"].as_u64().unwrap(), returned["body"].as_str().unwrap_or_default().to_owned())
    }

    /// Gives a new process of a binary any event and takes what it returns.
    pub async fn hand(&self, binary: &str, event: &Value) -> Value {
        self.0.start(binary).await.unwrap().process.invoke(event, PATIENCE).await.unwrap()
    }

    /// Sends a request of the set-up to the handlers in this process, and answers the body.
    pub async fn inside(&self, method: &str, path: &str, token: &str, body: Value) -> Value {
        let answer = self.0.stack.http(asked(method, path, token, &body), "203.0.113.7").await;
        let text = String::from_utf8(answer.body().to_vec()).unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {} {text}", answer.status());
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Changes settings of an area.
    pub async fn settings(&self, admin: &str, area: &str, change: impl FnOnce(&mut Value)) {
        let path = format!("/v1/admin/settings/{area}");
        let read = self.inside("GET", &path, admin, Value::Null).await;
        let mut settings = read["settings"].clone();
        change(&mut settings);
        let mut request = asked("PUT", &path, admin, &settings);
        let version = format!("\"{}\"", read["version"]);
        request.headers_mut().insert("if-match", version.parse().unwrap());
        let answer = self.0.stack.http(request, "203.0.113.7").await;
        assert_eq!(answer.status(), 200, "{:?}", answer.body());
    }

    /// Signs somebody in, by the handlers in this process.
    pub async fn sign_in(&self, email: &str) -> String {
        let credentials = json!({"email": email, "password": PASSWORD});
        let signed_in = self.inside("POST", "/v1/sessions", "", credentials).await;
        signed_in["access_token"].as_str().unwrap().to_owned()
    }
}

/// A request under a key that is the same whenever it is repeated.
pub fn asked(method: &str, path: &str, token: &str, body: &Value) -> Request<Bytes> {
    let key = format!("{path}-{body}").replace(|c: char| !c.is_ascii_alphanumeric(), "");
    let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:3000");
    request = request.header("content-type", "application/json").header("idempotency-key", &key[..key.len().min(200)]);
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let body = if method == "GET" { Bytes::new() } else { Bytes::from(body.to_string()) };
    request.body(body).unwrap()
}

/// Where the binaries are, after building them; `GUERDON_BINARIES` says where they are built already.
pub fn built() -> &'static Path {
    static BUILT: OnceLock<std::path::PathBuf> = OnceLock::new();
    let build = || build(&own_profile().unwrap(), &["--workspace", "--bins"]).unwrap();
    BUILT.get_or_init(|| wished("GUERDON_BINARIES").unwrap_or_else(build))
}
