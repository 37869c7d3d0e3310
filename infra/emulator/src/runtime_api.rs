//! The Lambda Runtime API: a function's process gets its next event here and posts its result.
//!
//! One process handles one invocation at a time; start more processes for concurrency.
//! [`RuntimeApi`] is the server for one process, [`FunctionProcess`] a built function binary with its server.

mod error;
mod process;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::{get, post};
use bytes::Bytes;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use ulid::Ulid;

use crate::clock::machine_time;
pub use error::InvokeError;
pub use process::{FunctionProcess, cargo};

/// Maximum size of an event or result, in bytes (6 MB).
const MAX_BYTES: usize = 6 * 1024 * 1024;

/// The server for one function process.
#[derive(Debug)]
pub struct RuntimeApi {
    addr: SocketAddr,
    shared: Arc<Shared>,
    queue: mpsc::Sender<Invocation>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    next: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    /// The request id and receiver of the current invocation, if any.
    waiting: Mutex<Option<(String, oneshot::Sender<Answer>)>>,
    init_error: watch::Sender<Option<InvokeError>>,
    /// Time of the function's first request for an event.
    asked: watch::Sender<Option<Instant>>,
}

type Answer = Result<Value, InvokeError>;

#[derive(Debug)]
struct Invocation {
    id: String,
    event: Bytes,
    deadline_ms: i64,
}

impl RuntimeApi {
    /// Starts the server for the function `name` on a free port of 127.0.0.1.
    pub async fn start(name: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let (queue, next) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            next: tokio::sync::Mutex::new(next),
            waiting: Mutex::new(None),
            init_error: watch::Sender::new(None),
            asked: watch::Sender::new(None),
        });
        let router = routes(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "runtime API ended");
            }
        });
        Ok(Self { addr, shared, queue, server })
    }

    /// The server's address: the value of `AWS_LAMBDA_RUNTIME_API`.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits for the function's first request for an event, which ends its initialisation.
    /// `None` if it fails instead.
    pub async fn asked(&self) -> Option<Instant> {
        let (mut asked, mut failed) = (self.shared.asked.subscribe(), self.shared.init_error.subscribe());
        tokio::select! {
            asked = asked.wait_for(Option::is_some) => *asked.ok()?,
            _ = init_failed(&mut failed) => None,
        }
    }

    /// Sends one event to the function and waits up to `time_left` for its result.
    ///
    /// # Rejects
    /// See [`InvokeError`].
    pub async fn invoke(&self, event: &Value, time_left: Duration) -> Answer {
        let mut init_error = self.shared.init_error.subscribe();
        if let Some(error) = init_error.borrow_and_update().clone() {
            return Err(error);
        }
        let id = request_id();
        let (reply, answer) = oneshot::channel();
        self.shared.expect(&id, reply)?;
        // However this call ends, the result no longer has a receiver.
        let _done = Waiting { shared: &self.shared, id: &id };
        let left = SignedDuration::try_from(time_left).unwrap_or(SignedDuration::MAX);
        let deadline = machine_time().saturating_add(left).unwrap_or(jiff::Timestamp::MAX);
        let invocation =
            Invocation { id: id.clone(), event: event.to_string().into(), deadline_ms: deadline.as_millisecond() };
        let answered = async {
            if self.queue.send(invocation).await.is_err() {
                return Err(InvokeError::Exited("its server has stopped".to_owned()));
            }
            tokio::select! {
                answer = answer => answer.unwrap_or(Err(InvokeError::Exited("nobody answered".to_owned()))),
                error = init_failed(&mut init_error) => Err(error),
            }
        };
        tokio::time::timeout(time_left, answered).await.unwrap_or(Err(InvokeError::TimedOut))
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn init_failed(errors: &mut watch::Receiver<Option<InvokeError>>) -> InvokeError {
    match errors.wait_for(Option::is_some).await.ok().and_then(|error| error.clone()) {
        Some(error) => error,
        None => std::future::pending().await,
    }
}

/// Removes the receiver when an invocation is over.
struct Waiting<'a> {
    shared: &'a Shared,
    id: &'a str,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.shared.waiting(self.id);
    }
}

impl Shared {
    fn expect(&self, id: &str, reply: oneshot::Sender<Answer>) -> Result<(), InvokeError> {
        let mut waiting = self.lock();
        if waiting.is_some() {
            return Err(InvokeError::Busy);
        }
        *waiting = Some((id.to_owned(), reply));
        Ok(())
    }

    /// Takes the receiver of the result of `id`.
    fn waiting(&self, id: &str) -> Option<oneshot::Sender<Answer>> {
        self.lock().take_if(|(waiting, _)| waiting == id).map(|(_, reply)| reply)
    }

    fn is_waiting(&self, id: &str) -> bool {
        self.lock().as_ref().is_some_and(|(waiting, _)| waiting == id)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(String, oneshot::Sender<Answer>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::max(MAX_BYTES))
        .with_state(shared)
}

/// Waits for an event. A function that disconnects while waiting loses no event.
async fn next(State(shared): State<Arc<Shared>>) -> Result<Response<Body>, StatusCode> {
    shared.asked.send_if_modified(|asked| asked.is_none() && asked.replace(Instant::now()).is_none());
    let mut next = shared.next.lock().await;
    while let Some(Invocation { id, event, deadline_ms }) = next.recv().await {
        if !shared.is_waiting(&id) {
            continue;
        }
        return Response::builder()
            .header("content-type", "application/json")
            .header("lambda-runtime-aws-request-id", &id)
            .header("lambda-runtime-deadline-ms", deadline_ms)
            .header("lambda-runtime-invoked-function-arn", function_arn(&shared.name))
            .header("lambda-runtime-trace-id", trace_id(&id))
            .body(Body::from(event))
            .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR);
    }
    Err(StatusCode::GONE)
}

type Accepted = (StatusCode, axum::Json<Value>);

async fn response(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Accepted {
    // An empty result means `null`.
    let answer = match body.is_empty() {
        true => Ok(Value::Null),
        false => serde_json::from_slice(&body).map_err(|error| InvokeError::Unreadable(error.to_string())),
    };
    reply(&shared, &id, answer)
}

async fn error(State(shared): State<Arc<Shared>>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Accepted {
    let (kind, message) = reported(&headers, &body);
    reply(&shared, &id, Err(InvokeError::Function { kind, message }))
}

async fn init_error(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Accepted {
    let (kind, message) = reported(&headers, &body);
    shared.init_error.send_replace(Some(InvokeError::Init { kind, message }));
    accepted()
}

fn reply(shared: &Shared, id: &str, answer: Answer) -> Accepted {
    // An ended invocation is handled like an unknown request id.
    match shared.waiting(id).and_then(|reply| reply.send(answer).ok()) {
        Some(()) => accepted(),
        None => {
            let error = json!({ "errorMessage": "Invalid request ID", "errorType": "InvalidRequestID" });
            (StatusCode::BAD_REQUEST, axum::Json(error))
        }
    }
}

fn accepted() -> Accepted {
    (StatusCode::ACCEPTED, axum::Json(json!({ "status": "OK" })))
}

/// `errorType` and `errorMessage` of an error report; the header supplies a type missing from the body.
fn reported(headers: &HeaderMap, body: &[u8]) -> (String, String) {
    let report: Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |name: &str| report.get(name).and_then(Value::as_str).map(str::to_owned);
    let header = || headers.get("lambda-runtime-function-error-type")?.to_str().ok().map(str::to_owned);
    let kind = field("errorType").or_else(header).unwrap_or_else(|| "Unhandled".to_owned());
    (kind, field("errorMessage").unwrap_or_default())
}

/// A request id in Lambda's format.
#[allow(clippy::disallowed_methods, reason = "request ids are Lambda's, not the application's")]
fn request_id() -> String {
    let hex = format!("{:032x}", u128::from(Ulid::generate()));
    let mut id = hex;
    for dash in [20, 16, 12, 8] {
        id.insert(dash, '-');
    }
    id
}

fn trace_id(id: &str) -> String {
    let hex: String = id.chars().filter(|c| *c != '-').collect();
    let (time, rest) = hex.split_at_checked(8).unwrap_or_default();
    format!("Root=1-{time}-{rest};Sampled=0")
}

fn function_arn(name: &str) -> String {
    format!("arn:aws:lambda:{}:{}:function:{name}", crate::sqs::REGION, crate::sqs::ACCOUNT)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use http_body_util::{BodyExt, Full};
    use hyper_util::rt::TokioIo;

    const LONG: Duration = Duration::from_secs(60);

    /// Sends one request on its own connection.
    async fn ask(addr: SocketAddr, method: &str, path: &str, body: &str) -> http::Response<Bytes> {
        let stream = tokio::net::TcpStream::connect(addr).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let request = http::Request::builder().method(method).uri(format!("/2018-06-01/runtime/{path}"));
        let request = request.header("host", "runtime").body(Full::new(Bytes::from(body.to_owned()))).unwrap();
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        connection.abort();
        http::Response::from_parts(parts, body)
    }

    fn header<'a>(response: &'a http::Response<Bytes>, name: &str) -> &'a str {
        response.headers()[name].to_str().unwrap()
    }

    /// A function that handles `n` events with `answer`.
    fn function(
        api: &RuntimeApi,
        n: usize,
        answer: fn(Value) -> (&'static str, String),
    ) -> JoinHandle<Vec<StatusCode>> {
        let addr = api.addr();
        tokio::spawn(async move {
            let mut statuses = Vec::new();
            for _ in 0..n {
                let event = ask(addr, "GET", "invocation/next", "").await;
                let id = header(&event, "lambda-runtime-aws-request-id").to_owned();
                let (route, body) = answer(serde_json::from_slice(event.body()).unwrap());
                statuses.push(ask(addr, "POST", &format!("invocation/{id}/{route}"), &body).await.status());
            }
            statuses
        })
    }

    #[tokio::test]
    async fn a_function_has_started_when_it_asks_for_the_first_time() {
        let api = RuntimeApi::start("echo").await.unwrap();
        assert!(tokio::time::timeout(Duration::ZERO, api.asked()).await.is_err(), "nobody has asked");
        let function = function(&api, 1, |_| ("response", "1".to_owned()));
        let asked = api.asked().await;
        assert_eq!(api.invoke(&json!({}), LONG).await, Ok(json!(1)));
        function.await.unwrap();
        assert!(asked.is_some() && api.asked().await == asked, "the first time stays");
    }

    #[tokio::test]
    async fn a_function_gets_events_and_answers_them_in_turn() {
        let api = RuntimeApi::start("echo").await.unwrap();
        let function = function(&api, 2, |event| ("response", json!({ "got": event }).to_string()));
        assert_eq!(api.invoke(&json!(1), LONG).await, Ok(json!({ "got": 1 })));
        assert_eq!(api.invoke(&json!(2), LONG).await, Ok(json!({ "got": 2 })));
        assert_eq!(function.await.unwrap(), [StatusCode::ACCEPTED, StatusCode::ACCEPTED]);
    }

    #[tokio::test]
    async fn an_event_carries_id_deadline_arn_and_trace() {
        let api = RuntimeApi::start("echo").await.unwrap();
        let addr = api.addr();
        let function = tokio::spawn(async move {
            let event = ask(addr, "GET", "invocation/next", "").await;
            let id = header(&event, "lambda-runtime-aws-request-id").to_owned();
            assert_eq!(id.len(), 36);
            ask(addr, "POST", &format!("invocation/{id}/response"), "null").await;
            event
        });
        assert_eq!(api.invoke(&json!({}), LONG).await, Ok(Value::Null));
        let event = function.await.unwrap();
        let deadline: i64 = header(&event, "lambda-runtime-deadline-ms").parse().unwrap();
        let left = deadline - machine_time().as_millisecond();
        assert!((1..=60_000).contains(&left), "{left}");
        let arn = header(&event, "lambda-runtime-invoked-function-arn");
        assert_eq!(arn, "arn:aws:lambda:us-east-1:000000000000:function:echo");
        assert!(header(&event, "lambda-runtime-trace-id").starts_with("Root=1-"));
    }

    #[tokio::test]
    async fn a_reported_error_is_the_answer() {
        let api = RuntimeApi::start("fail").await.unwrap();
        let report = |_| ("error", json!({ "errorType": "Panic", "errorMessage": "oh" }).to_string());
        let function = function(&api, 1, report);
        let error = InvokeError::Function { kind: "Panic".to_owned(), message: "oh".to_owned() };
        assert_eq!(api.invoke(&json!({}), LONG).await, Err(error));
        function.await.unwrap();
    }

    #[tokio::test]
    async fn a_function_that_cannot_start_fails_every_invocation() {
        let api = RuntimeApi::start("fail").await.unwrap();
        let body = json!({ "errorType": "Config", "errorMessage": "no table" }).to_string();
        assert_eq!(ask(api.addr(), "POST", "init/error", &body).await.status(), StatusCode::ACCEPTED);
        let error = InvokeError::Init { kind: "Config".to_owned(), message: "no table".to_owned() };
        assert_eq!(api.invoke(&json!({}), LONG).await, Err(error));
    }

    #[tokio::test]
    async fn an_answer_after_the_deadline_is_refused_and_its_event_is_not_handed_out() {
        let api = RuntimeApi::start("late").await.unwrap();
        assert_eq!(api.invoke(&json!("late"), Duration::from_millis(1)).await, Err(InvokeError::TimedOut));
        let late = ask(api.addr(), "POST", "invocation/00000000/response", "1").await;
        assert_eq!(late.status(), StatusCode::BAD_REQUEST);
        let function = function(&api, 1, |event| ("response", event.to_string()));
        assert_eq!(api.invoke(&json!("next"), LONG).await, Ok(json!("next")));
        function.await.unwrap();
    }
}
