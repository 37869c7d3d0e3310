//! HTTP server: `/_local` and `/_sim` are handled here, everything else by the gateway.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use emulator::gateway;
use emulator::stack::{Stack, Trouble};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::control;
use crate::data::Data;

/// The running stack with its data folder.
pub struct Local {
    pub stack: Arc<Stack>,
    pub data: Data,
    /// Wakes the tasks that deliver webhooks and watch schedules.
    pub woken: Notify,
    /// Revision of the saved state; locked while it is saved, so that no older state overwrites a newer one.
    saved: Mutex<u64>,
    port: u16,
}

impl Local {
    /// Serves a stack at a port.
    pub fn new(stack: Arc<Stack>, data: Data, port: u16) -> Self {
        Self { stack, data, woken: Notify::new(), saved: Mutex::new(0), port }
    }

    /// Saves the simulated providers' state if it changed; everything else is stored as it is written.
    ///
    /// # Errors
    /// Fails when it can't be written.
    pub fn keep(&self) -> std::io::Result<()> {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let revision = self.stack.simulators.revision();
        if *saved != revision {
            self.stack.save_book(self.data.folder())?;
            *saved = revision;
        }
        Ok(())
    }

    /// Reports if a request for `/_local` or `/_sim` comes from this machine's own pages.
    /// Pages of other origins must not move money, simulated or not.
    fn is_own(&self, headers: &HeaderMap) -> bool {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let ours = |host: &str| {
            let bare = host.strip_suffix(&format!(":{}", self.port)).unwrap_or(host);
            matches!(bare, "127.0.0.1" | "localhost" | "[::1]")
        };
        let origin = text("origin").is_none_or(|origin| origin.strip_prefix("http://").is_some_and(ours));
        text("host").is_some_and(ours) && origin
    }
}

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// Fails when the listener fails.
pub async fn serve(listener: TcpListener, local: Arc<Local>) -> Result<(), Trouble> {
    let router = Router::new().fallback(answer).with_state(local);
    axum::serve(listener, router).with_graceful_shutdown(stopped()).await?;
    Ok(())
}

async fn stopped() {
    let mut terminated = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(terminated) => terminated,
        Err(error) => {
            tracing::warn!(%error, "SIGTERM can't be heard");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

async fn answer(State(local): State<Arc<Local>>, request: Request<Body>) -> Response {
    let (method, path) = (request.method().clone(), shown(request.uri().path()));
    let response = answered(&local, request).await;
    let status = response.status().as_u16();
    // What a developer looks for first when a request was refused.
    let code = response.extensions().get::<ProblemCode>().map(|code| code.0.as_str());
    tracing::info!(%method, path, status, code, "request");
    response
}

/// Code of the problem document that an answer is.
#[derive(Debug, Clone)]
struct ProblemCode(String);

impl ProblemCode {
    fn of(response: &axum::http::Response<Bytes>) -> Option<Self> {
        let kind = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
        let problem: serde_json::Value = serde_json::from_slice(response.body()).ok()?;
        let code = problem.get("code")?.as_str()?;
        kind.starts_with("application/problem+json").then(|| Self(code.to_owned()))
    }
}

/// A path for the log, which never holds a redemption code.
fn shown(path: &str) -> String {
    match path.split_once("/redemption/codes/") {
        Some((before, rest)) => {
            let after = rest.split_once('/').map(|(_, after)| format!("/{after}")).unwrap_or_default();
            format!("{before}/redemption/codes/{{code}}{after}")
        }
        None => path.to_owned(),
    }
}

async fn answered(local: &Arc<Local>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, gateway::MAX_REQUEST).await else {
        return gateway::too_large().map(Body::from).into_response();
    };
    let request = Request::from_parts(parts, body);
    let path = request.uri().path().to_owned();
    let private = path.starts_with("/_local") || path.starts_with("/_sim");
    if private && !local.is_own(request.headers()) {
        return (StatusCode::FORBIDDEN, "only for pages of this machine\n").into_response();
    }
    let response = if path.starts_with("/_local") {
        return control::answer(local, request).await;
    } else if path.starts_with("/_sim") {
        let response = local.stack.sim(request).await;
        // Deliver webhooks now, so that a payment made with curl is credited before the next request.
        local.stack.pump_webhooks().await;
        response
    } else {
        local.stack.http(request, "127.0.0.1").await
    };
    if let Err(error) = local.keep() {
        tracing::error!(%error, "the providers' book can't be kept");
    }
    local.woken.notify_one();
    let code = ProblemCode::of(&response);
    let mut response = response.map(|body: Bytes| Body::from(body)).into_response();
    if let Some(code) = code {
        response.extensions_mut().insert(code);
    }
    response
}
