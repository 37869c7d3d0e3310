//! HTTP API client with an admin session.

use std::io::Write;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use data_encoding::HEXLOWER;
use http_body_util::{BodyExt, Limited};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shared::kernel::fault::Chain;
use shared::payment::gateway::http::internet;
use shared::table::system::Entropy;
use tokio::sync::Mutex;

use crate::args::Page;
use crate::trouble::{Problem, Trouble};

/// Request timeout: the gateway's limit for a function.
const PATIENCE: Duration = Duration::from_secs(30);
/// Maximum size of a buffered response, in bytes.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// Attempts of a repeatable request while the service returns 503.
const TRIES: u32 = 3;
/// Items of a list.
#[derive(Debug)]
pub struct Listed {
    pub rows: Vec<Value>,
    /// True if the list has more items than were asked for.
    pub more: bool,
}

/// Maximum page size of a list.
const PAGE: u32 = 100;

/// Credentials of an admin.
#[derive(Clone)]
pub struct Credentials {
    pub email: String,
    pub password: String,
    /// Code of the second factor, for an admin who has one.
    pub totp: Option<String>,
}

/// A client of the API at one base URL.
pub struct Api {
    connector: SharedHttpConnector,
    base: String,
    credentials: Option<Credentials>,
    token: Mutex<Option<String>>,
}

/// A request to send.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub method: &'a str,
    /// The path with its query.
    pub path: &'a str,
    /// The JSON body.
    pub body: Option<&'a Value>,
    /// Additional headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// Safe to repeat: the request is a read, or has an idempotency key.
    pub repeatable: bool,
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The server's time from the `Date` header.
    pub date: Option<String>,
    /// The origin whose pages may read it, from the `Access-Control-Allow-Origin` header.
    pub allowed_origin: Option<String>,
    pub body: Vec<u8>,
}

impl Answer {
    /// True if the session of the request was over, so that it did nothing.
    fn is_from_an_expired_session(&self) -> bool {
        let problem = || serde_json::from_slice::<Problem>(&self.body);
        self.status == 401 && problem().is_ok_and(|problem| problem.code == "token_expired")
    }

    /// The body as JSON; null if empty.
    ///
    /// # Rejects
    /// Any status other than 2xx, with its problem document.
    pub fn json(self) -> Result<Value, Trouble> {
        if !(200..300).contains(&self.status) {
            return Err(refused(self.status, &self.body));
        }
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).map_err(|_| Trouble::Failed("the answer is no JSON; is --url right?".into()))
    }
}

fn refused(status: u16, body: &[u8]) -> Trouble {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) if !problem.code.is_empty() => Trouble::Refused(Box::new(problem)),
        _ => Trouble::Failed(format!("the API answered {status} without a problem document; is --url right?")),
    }
}

impl Api {
    /// A client for `base`; the first request that needs an admin signs in.
    pub fn new(base: &str, credentials: Option<Credentials>) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        Self { connector: internet(PATIENCE), base, credentials, token: Mutex::new(None) }
    }

    /// The e-mail of the admin to sign in as.
    pub fn email(&self) -> Option<&str> {
        self.credentials.as_ref().map(|known| known.email.as_str())
    }

    /// Sends a GET request.
    ///
    /// # Rejects
    /// Any request that the API refuses.
    pub async fn get(&self, path: &str) -> Result<Value, Trouble> {
        self.send(Ask { method: "GET", path, body: None, headers: &[], repeatable: true }).await?.json()
    }

    /// Sends a POST request with an idempotency key derived from path and body.
    /// The same command run again returns the first response.
    ///
    /// # Rejects
    /// Any request that the API refuses.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Trouble> {
        self.post_keyed(path, body, &key_of(path, body)).await
    }

    /// Sends a POST request with this `Idempotency-Key`.
    ///
    /// # Rejects
    /// Any request that the API refuses.
    pub async fn post_keyed(&self, path: &str, body: &Value, key: &str) -> Result<Value, Trouble> {
        let headers = [("idempotency-key", key)];
        self.send(Ask { method: "POST", path, body: Some(body), headers: &headers, repeatable: true }).await?.json()
    }

    /// Replaces a document, if its version is still `version`.
    ///
    /// # Rejects
    /// Any request that the API refuses.
    pub async fn put(&self, path: &str, body: &Value, version: &str) -> Result<Value, Trouble> {
        let headers = [("if-match", version)];
        self.send(Ask { method: "PUT", path, body: Some(body), headers: &headers, repeatable: false }).await?.json()
    }

    /// Replaces a part of a thing that has no version; the same request again has the same effect.
    ///
    /// # Rejects
    /// Any request that the API refuses.
    pub async fn replace(&self, path: &str, body: &Value) -> Result<Value, Trouble> {
        self.send(Ask { method: "PUT", path, body: Some(body), headers: &[], repeatable: true }).await?.json()
    }

    /// Deletes a thing.
    ///
    /// # Rejects
    /// Any request that the API refuses.
    pub async fn delete(&self, path: &str) -> Result<(), Trouble> {
        self.send(Ask { method: "DELETE", path, body: None, headers: &[], repeatable: true }).await?.json().map(drop)
    }

    /// A new idempotency key, for a request that is to take effect each time that its command runs.
    pub fn fresh_key(&self) -> String {
        format!("cli-{}", HEXLOWER.encode(&Entropy::system().bytes::<16>()))
    }

    /// The newest items of a list, page by page, up to the limit of `page`.
    ///
    /// # Rejects
    /// Any request that the API refuses.
    pub async fn list(&self, path: &str, filters: &[(&str, Option<&str>)], page: &Page) -> Result<Listed, Trouble> {
        let wanted = if page.all { usize::MAX } else { usize::try_from(page.limit).unwrap_or(usize::MAX) };
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let left = u32::try_from(wanted.saturating_sub(items.len())).unwrap_or(PAGE).min(PAGE);
            let mut query = form_urlencoded::Serializer::new(String::new());
            let times = [("from", page.from.as_deref()), ("to", page.to.as_deref()), ("cursor", cursor.as_deref())];
            for (name, value) in filters.iter().copied().chain(times) {
                if let Some(value) = value {
                    query.append_pair(name, value);
                }
            }
            query.append_pair("limit", &left.to_string());
            let mut answer = self.get(&format!("{path}?{}", query.finish())).await?;
            match answer.get_mut("items").map(Value::take) {
                Some(Value::Array(more)) => items.extend(more),
                _ => return Err(Trouble::Failed(format!("{path} answered no list"))),
            }
            cursor = answer.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
            if cursor.is_none() || items.len() >= wanted {
                let more = cursor.is_some() || items.len() > wanted;
                items.truncate(wanted);
                return Ok(Listed { rows: items, more });
            }
        }
    }

    /// Streams a response body to `to` and returns its length in bytes.
    ///
    /// # Rejects
    /// Any request that the API refuses.
    pub async fn download(&self, path: &str, to: &mut dyn Write) -> Result<u64, Trouble> {
        let token = self.token().await?;
        let authorization = format!("Bearer {token}");
        let ask = Ask { method: "GET", path, body: None, headers: &[], repeatable: true };
        let mut response = self.exchange(&ask, Some(&authorization)).await?;
        let (status, mut body) = (response.status().as_u16(), response.take_body());
        if !(200..300).contains(&status) {
            return Err(refused(status, &whole(body).await?));
        }
        let mut written = 0_u64;
        while let Some(frame) = body.frame().await {
            let broken = |_| Trouble::Unreachable("the connection broke in the middle of the answer".to_owned());
            if let Ok(chunk) = frame.map_err(broken)?.into_data() {
                to.write_all(&chunk)?;
                written = written.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
            }
        }
        Ok(written)
    }

    /// Sends a request as an admin; signs in anew when the session's time is over, as in a long run.
    ///
    /// # Rejects
    /// A failed sign-in. Any status of the request itself is returned as a response.
    pub async fn send(&self, ask: Ask<'_>) -> Result<Answer, Trouble> {
        let authorization = format!("Bearer {}", self.token().await?);
        let answer = self.answer(&ask, Some(&authorization)).await?;
        if !answer.is_from_an_expired_session() {
            return Ok(answer);
        }
        *self.token.lock().await = None;
        let authorization = format!("Bearer {}", self.token().await?);
        self.answer(&ask, Some(&authorization)).await
    }

    /// Sends a request without credentials.
    ///
    /// # Errors
    /// Fails when the API can't be reached. Any status is returned as a response.
    pub async fn anonymous(&self, ask: Ask<'_>) -> Result<Answer, Trouble> {
        self.answer(&ask, None).await
    }

    async fn answer(&self, ask: &Ask<'_>, authorization: Option<&str>) -> Result<Answer, Trouble> {
        for left in (0..TRIES).rev() {
            let mut response = self.exchange(ask, authorization).await?;
            let status = response.status().as_u16();
            if status != 503 || !ask.repeatable || left == 0 {
                let header = |name: &str| response.headers().get(name).map(str::to_owned);
                let (date, allowed_origin) = (header("date"), header("access-control-allow-origin"));
                return Ok(Answer { status, date, allowed_origin, body: whole(response.take_body()).await? });
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Err(Trouble::Failed("tries without end".to_owned()))
    }

    async fn exchange(&self, ask: &Ask<'_>, authorization: Option<&str>) -> Result<HttpResponse, Trouble> {
        let url = format!("{}{}", self.base, ask.path);
        let wrong = |_| Trouble::Usage(format!("{url} is no address"));
        let (url, host) = reached(&url);
        let mut request = http::Request::builder().method(ask.method).uri(&url).header("accept", "application/json");
        let agent = concat!("guerdon-cli/", env!("CARGO_PKG_VERSION"));
        request = request.header("user-agent", agent);
        if let Some(host) = &host {
            request = request.header("host", host);
        }
        for (name, value) in ask.headers.iter().copied().chain(authorization.map(|value| ("authorization", value))) {
            request = request.header(name, value);
        }
        let body = match ask.body.filter(|body| !body.is_null()) {
            Some(body) => {
                request = request.header("content-type", "application/json");
                SdkBody::from(body.to_string())
            }
            None => SdkBody::empty(),
        };
        let request = HttpRequest::try_from(request.body(body).map_err(wrong)?)
            .map_err(|_| Trouble::Usage(format!("{url} is no address")))?;
        let unreachable = |error| {
            // A connector's error tells its own source already.
            Trouble::Unreachable(format!("{} can't be reached: {}", self.base, Chain(&error)))
        };
        self.connector.call(request).await.map_err(unreachable)
    }

    async fn token(&self) -> Result<String, Trouble> {
        let mut known = self.token.lock().await;
        if let Some(token) = known.as_ref() {
            return Ok(token.clone());
        }
        let token = self.sign_in().await?;
        *known = Some(token.clone());
        Ok(token)
    }

    async fn sign_in(&self) -> Result<String, Trouble> {
        let missing = || {
            let said =
                "this command signs in as an admin: set GUERDON_ADMIN_EMAIL and GUERDON_ADMIN_PASSWORD, or use --local";
            Trouble::Usage(said.to_owned())
        };
        let Credentials { email, password, totp } = self.credentials.as_ref().ok_or_else(missing)?;
        let body = json!({"email": email, "password": password, "totp": totp});
        let ask = Ask { method: "POST", path: "/v1/sessions", body: Some(&body), headers: &[], repeatable: true };
        let session = self.anonymous(ask).await?.json()?;
        let token = session.get("access_token").and_then(Value::as_str);
        token.map(str::to_owned).ok_or_else(|| Trouble::Failed("the API signs nobody in; is --url right?".to_owned()))
    }
}

/// The URL to connect to, and the host to ask for: a name below `.localhost` is this machine (RFC 6761), whoever resolves names.
fn reached(url: &str) -> (String, Option<String>) {
    let named = || {
        let uri: http::Uri = url.parse().ok()?;
        let authority = uri.authority().filter(|authority| authority.host().ends_with(".localhost"))?;
        let here = match authority.port_u16() {
            Some(port) => format!("127.0.0.1:{port}"),
            None => "127.0.0.1".to_owned(),
        };
        Some((url.replacen(authority.as_str(), &here, 1), Some(authority.to_string())))
    };
    named().unwrap_or_else(|| (url.to_owned(), None))
}

async fn whole(body: SdkBody) -> Result<Vec<u8>, Trouble> {
    let body = Limited::new(body, MAX_ANSWER).collect().await;
    let body = body.map_err(|_| Trouble::Unreachable("the connection broke in the middle of the answer".to_owned()))?;
    Ok(body.to_bytes().to_vec())
}

/// The idempotency key of a request: equal requests have equal keys.
pub fn key_of(path: &str, body: &Value) -> String {
    let hash = Sha256::digest(format!("{path}\n{body}"));
    format!("cli-{}", HEXLOWER.encode(&hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_below_localhost_is_this_machine() {
        let host = Some("a1.execute-api.localhost:4566".to_owned());
        let url = "http://a1.execute-api.localhost:4566/v1/health";
        assert_eq!(reached(url), ("http://127.0.0.1:4566/v1/health".to_owned(), host));
        for other in ["http://localhost:3000/v1", "https://x.localhost.example.com/v1", "no address"] {
            assert_eq!(reached(other), (other.to_owned(), None));
        }
    }
}
