//! The Lambda side: HTTP requests, problem documents, queue batches, telemetry.
//!
//! A function is either a set of routes ([`routes`]), a consumer of a queue ([`batch`]) or a schedule's target. The types here show in a
//! handler's signature who may call it and what it takes: an [`application::Identity`], [`path::Id`],
//! [`body::Body`], [`idempotency::Idempotent`], [`page::Paging`], [`search::Search`].

pub mod application;
pub mod batch;
pub mod body;
pub mod export;
pub mod idempotency;
pub mod openapi;
pub mod page;
pub mod path;
pub mod problem;
pub mod reply;
pub mod search;
pub mod serve;
pub mod version;
pub mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use lambda_http::RequestExt;
use lambda_http::request::{LambdaRequest, RequestContext};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use self::application::Application;
use self::openapi::Api;
use self::problem::Problem;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::request::{ORIGIN, Origin};

/// Context of the current request, without an idempotency key.
pub fn context() -> Ctx {
    Ctx::natural(table::request::request_id().unwrap_or_default())
}

/// A function's routes as one service: with its state, request ids, and problems for unknown methods.
pub fn routes<A: Application>(api: Api<Arc<A>>, app: Arc<A>) -> Router {
    api.into_router()
        .method_not_allowed_fallback(|| async { Problem::from(Refusal::MethodNotAllowed) })
        .with_state(app)
        .layer(middleware::from_fn(with_origin))
}

/// Characters that are percent-encoded in a path segment.
const IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A request with its path escaped again. An HTTP API hands it over decoded: a `?`, `%` or space of an id would name something else
/// or be no path at all. Only an escaped `/` is lost for good: it divides the path and meets no route.
pub fn escaped(mut request: LambdaRequest) -> LambdaRequest {
    if let LambdaRequest::ApiGatewayV2(event) = &mut request
        && let Some(path) = event.raw_path.take()
    {
        event.raw_path = Some(utf8_percent_encode(&path, IN_PATH).to_string());
    }
    request
}

async fn with_origin(request: Request, next: Next) -> Response {
    let mut origin = Origin {
        user_agent: header(&request, "user-agent").map(|agent| agent.chars().take(200).collect()),
        ..Origin::default()
    };
    if let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() {
        origin.request_id = context.request_id.clone().unwrap_or_default();
        origin.client_ip = context.http.source_ip.clone();
    }
    let method = request.method().clone();
    ORIGIN
        .scope(origin.clone(), async move {
            let response = as_problem(next.run(request).await);
            let status = response.status().as_u16();
            tracing::info!(%method, status, request_id = origin.request_id, "answered");
            response.into_response()
        })
        .await
}

/// Turns the router's own plain-text rejection of an undecodable path or query into a problem.
fn as_problem(response: Response) -> Response {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if response.status() == StatusCode::BAD_REQUEST && kind.starts_with("text/plain") {
        return Problem::from(Refusal::MalformedRequest).because("The path or query can't be decoded.").into_response();
    }
    if response.status() == StatusCode::NOT_FOUND && kind.is_empty() {
        return Problem::from(Refusal::NotFound).into_response();
    }
    response
}

fn header(request: &Request, name: &str) -> Option<String> {
    Some(request.headers().get(name)?.to_str().ok()?.to_owned())
}
