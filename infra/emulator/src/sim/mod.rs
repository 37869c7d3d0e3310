//! Provider simulators: a Zpay gateway and Stripe's API, with their own state, under `/_sim/`.
//!
//! They sign like the real providers and do not depend on the functions: they know only the secrets, their own base URL and the
//! notification URLs. They have no clock; the caller passes the time and makes the deliveries that are due.

mod book;
mod endpoints;
mod hook;
mod page;
mod pay;
mod post;
mod returns;
mod stripe;
mod stripe_objects;
mod wire;
mod zpay;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

pub use book::{
    Book, Content, Dispute, DisputeStatus, KeptAnswer, Parcel, PaymentStatus, Refund, RefundStatus, Session,
    SessionStatus, StripePayment, Trade,
};
pub use hook::{Heard, names, road};
pub use post::Delivery;
pub use wire::{AtTime, connector, https};

/// Secrets and base URL of both simulated providers.
#[derive(Debug, Clone)]
pub struct SimConfig {
    /// Base URL of the stack, without a trailing slash: `http://127.0.0.1:3000`.
    pub base_url: String,
    /// Id of the Zpay merchant.
    pub zpay_pid: String,
    /// Signing key of the Zpay merchant.
    pub zpay_key: String,
    /// Secret key that simulated Stripe accepts.
    pub stripe_secret_key: String,
    /// Secret that signs Stripe's webhooks.
    pub stripe_webhook_secret: String,
}

impl SimConfig {
    /// The documented defaults, for a stack at `base_url`.
    pub fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            zpay_pid: "1000".to_owned(),
            zpay_key: "local-zpay-key-0123456789".to_owned(),
            stripe_secret_key: "sk_test_local".to_owned(),
            stripe_webhook_secret: "whsec_local_0123456789abcdef".to_owned(),
        }
    }

    /// Reads `ZPAY_PID`, `ZPAY_KEY`, `STRIPE_SECRET_KEY` and `STRIPE_WEBHOOK_SECRET`, with defaults for unset variables.
    /// A variable that is set but empty stays empty, which disables the provider.
    pub fn read(base_url: &str, lookup: impl Fn(&str) -> Option<String>) -> Self {
        let default = Self::new(base_url);
        Self {
            zpay_pid: lookup("ZPAY_PID").unwrap_or(default.zpay_pid),
            zpay_key: lookup("ZPAY_KEY").unwrap_or(default.zpay_key),
            stripe_secret_key: lookup("STRIPE_SECRET_KEY").unwrap_or(default.stripe_secret_key),
            stripe_webhook_secret: lookup("STRIPE_WEBHOOK_SECRET").unwrap_or(default.stripe_webhook_secret),
            base_url: default.base_url,
        }
    }

    /// `ZPAY_API_URL` for functions that use the simulator.
    pub fn zpay_api_url(&self) -> String {
        format!("{}/_sim/zpay", self.base_url)
    }

    /// `STRIPE_API_URL` for functions that use the simulator.
    pub fn stripe_api_url(&self) -> String {
        format!("{}/_sim/stripe", self.base_url)
    }

    fn stripe_webhook_url(&self) -> String {
        format!("{}/v1/webhooks/stripe", self.base_url)
    }
}

/// Both simulators with their state.
#[derive(Debug)]
pub struct Simulators {
    config: SimConfig,
    kept: Mutex<Kept>,
    hook: Mutex<hook::Hook>,
}

#[derive(Debug)]
struct Kept {
    book: Book,
    revision: u64,
}

impl Simulators {
    /// The simulators with a saved state.
    pub fn new(config: SimConfig, book: Book) -> Self {
        Self { config, kept: Mutex::new(Kept { book, revision: 0 }), hook: Mutex::default() }
    }

    /// The secrets and base URL.
    pub fn config(&self) -> &SimConfig {
        &self.config
    }

    /// A copy of the state.
    pub fn book(&self) -> Book {
        self.lock().book.clone()
    }

    /// Revision of the state, which changes whenever the state may have changed; the owner saves it then.
    pub fn revision(&self) -> u64 {
        self.lock().revision
    }

    /// Clears the state.
    pub fn clear(&self) {
        self.change(|book| *book = Book::default());
    }

    /// Handles a request under `/_sim/`.
    pub async fn handle(&self, request: Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        let asked = Asked::of(&request);
        if let ["_sim", "webhook", ..] = asked.path.as_slice() {
            return self.hook().handle(&request, now);
        }
        self.change(|book| {
            stripe::expire_sessions(book, now);
            let mut desk = Desk { config: &self.config, book, now };
            match asked.path.as_slice() {
                ["_sim", "pay"] => pay::handle(&mut desk, &asked),
                ["_sim", "stripe", "pay", session] => page::of_session(&desk, session),
                ["_sim", "stripe", "v1", rest @ ..] => stripe::handle(&mut desk, &asked, rest),
                ["_sim", "zpay", "pay", trade_no] => page::of_trade(&desk, trade_no),
                ["_sim", "zpay", script] => zpay::handle(&mut desk, &asked, script),
                _ => problem(StatusCode::NOT_FOUND, "no such page"),
            }
        })
    }

    /// All notifications due at `now`, each once.
    /// A notification is due again later unless it is acknowledged.
    pub fn due(&self, now: Timestamp) -> Vec<Delivery> {
        self.change(|book| {
            stripe::expire_sessions(book, now);
            post::due(book, &self.config, now)
        })
    }

    /// Time of the next notification; `None` if none is pending.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.lock().book.parcels.values().map(|parcel| parcel.due_at).min()
    }

    /// Records the response to a delivery.
    /// Stripe expects a 2xx, Zpay the literal `success`; otherwise it is retried.
    pub fn delivered(&self, id: u64, status: u16, body: &[u8]) {
        self.change(|book| post::delivered(book, id, status, body));
    }

    fn change<T>(&self, change: impl FnOnce(&mut Book) -> T) -> T {
        let mut kept = self.lock();
        kept.revision = kept.revision.saturating_add(1);
        change(&mut kept.book)
    }

    /// The events that the simulated product received, oldest first.
    pub fn heard(&self) -> Vec<Heard> {
        self.hook().heard.clone()
    }

    /// Sets the simulated product's response to the next `times` events.
    pub fn answer_events(&self, status: u16, times: u32) {
        self.hook().answers(status, times);
    }

    /// Sets the body of the simulated product's responses to events, as a chat answers.
    pub fn say_to_events(&self, body: &str) {
        self.hook().says(body);
    }

    fn hook(&self) -> MutexGuard<'_, hook::Hook> {
        self.hook.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Context of one request to a simulator.
struct Desk<'a> {
    config: &'a SimConfig,
    book: &'a mut Book,
    now: Timestamp,
}

/// A parsed request.
struct Asked<'a> {
    request: &'a Request<Bytes>,
    path: Vec<&'a str>,
    /// Query and form fields together; the last value of a repeated field wins.
    fields: BTreeMap<String, String>,
}

impl<'a> Asked<'a> {
    fn of(request: &'a Request<Bytes>) -> Self {
        let path = request.uri().path().split('/').filter(|part| !part.is_empty()).collect();
        let query = request.uri().query().unwrap_or_default();
        let mut fields: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        if !Self::header_of(request, header::CONTENT_TYPE.as_str()).starts_with("application/json") {
            fields.extend(form_urlencoded::parse(request.body()).into_owned());
        }
        Self { request, path, fields }
    }

    fn header_of(request: &'a Request<Bytes>, name: &str) -> &'a str {
        request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn header(&self, name: &str) -> &'a str {
        Self::header_of(self.request, name)
    }

    fn is(&self, method: &Method) -> bool {
        self.request.method() == method
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

fn json(status: StatusCode, body: &Value) -> Response<Bytes> {
    answer(status, "application/json", body.to_string())
}

fn problem(status: StatusCode, detail: &str) -> Response<Bytes> {
    json(status, &json!({ "error": detail }))
}

#[cfg(test)]
mod tests;
