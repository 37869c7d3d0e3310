//! The Lambda side: HTTP requests, problem documents, queue batches, telemetry.
//!
//! A function is either a set of routes ([`routes`]), a consumer of a queue ([`batch`]) or a schedule's target. The types here show in a
//! handler's signature who may call it and what it takes: an [`application::Identity`], [`path::Id`],
//! [`body::Body`], [`idempotency::Idempotent`], [`page::Paging`], [`search::Search`].

pub mod application;
pub mod batch;
pub mod body;
pub mod client;
pub mod cookies;
pub mod export;
pub mod forms;
pub mod idempotency;
pub mod openapi;
pub mod page;
pub mod path;
pub mod problem;
pub mod reply;
pub mod sealed;
pub mod search;
pub mod serve;
pub mod version;
pub mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use lambda_http::RequestExt;
use lambda_http::request::{LambdaRequest, RequestContext};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use self::application::{Application, FormHost};
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
///
/// The form adapter stands in front of them, and of what only forms reach.
pub fn routes<A: FormHost>(api: Api<Arc<A>>, app: Arc<A>) -> Router {
    let (routes, behind_forms) = api.into_routers();
    let routes = routes
        .method_not_allowed_fallback(|| async { Problem::from(Refusal::MethodNotAllowed) })
        .with_state(Arc::clone(&app));
    let behind_forms = routes.clone().merge(behind_forms.with_state(Arc::clone(&app)));
    let with_forms = routes.merge(forms::adapter(behind_forms, Arc::clone(&app)));
    with_forms.layer(middleware::from_fn_with_state(app, with_origin))
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

/// Characters that are percent-encoded in a query, which comes as the caller wrote it.
const IN_QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A request that can be turned into one of `http`, whatever the gateway hands over.
///
/// An HTTP API decodes the path: a `?`, `%` or space of an id would name something else or be no path at all, so it is escaped
/// again. Only an escaped `/` is lost for good: it divides the path and meets no route. A path with dot segments would be joined
/// to another one, and meets no route either. The query is escaped where it has to be. A scheme or host that can't stand in a URL
/// is left out, and a body that is not the base64 it claims to be is an empty one, which no route takes.
pub fn escaped(mut request: LambdaRequest) -> LambdaRequest {
    if let LambdaRequest::ApiGatewayV2(event) = &mut request {
        let path = event.raw_path.take().filter(|path| !path.split('/').any(is_dots)).unwrap_or_else(|| "/".to_owned());
        event.raw_path = Some(utf8_percent_encode(&path, IN_PATH).to_string());
        let query = event.raw_query_string.take();
        event.raw_query_string = query.map(|query| utf8_percent_encode(&query, IN_QUERY).to_string());
        let scheme = event.headers.get("x-forwarded-proto").map(HeaderValue::as_bytes);
        if !matches!(scheme, None | Some(b"http" | b"https")) {
            event.headers.remove("x-forwarded-proto");
        }
        if !event.headers.get(HOST).is_some_and(|host| host.to_str().is_ok_and(is_host)) {
            event.headers.remove(HOST);
        }
        event.request_context.domain_name = event.request_context.domain_name.take().filter(|name| is_host(name));
        let wrong = |body: &String| event.is_base64_encoded && data_encoding::BASE64.decode(body.as_bytes()).is_err();
        if event.body.as_ref().is_some_and(wrong) {
            event.body = None;
        }
    }
    request
}

/// True for `.` and `..`, which a URL drops, however often they are escaped.
fn is_dots(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    matches!(plain.trim_matches(|c: char| c.is_control()), "." | "..")
}

/// True for a plain host name or address, with or without a port.
fn is_host(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    text.bytes().all(plain) && url::Url::parse(&format!("https://{text}/")).is_ok()
}

async fn with_origin<A: Application>(State(app): State<Arc<A>>, request: Request, next: Next) -> Response {
    let mut origin = Origin {
        user_agent: header(&request, "user-agent").map(|agent| agent.chars().take(200).collect()),
        ..Origin::default()
    };
    if let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() {
        origin.request_id = context.request_id.clone().unwrap_or_default();
        origin.client_ip = client::client(app.origins(), request.headers(), context.http.source_ip.clone());
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
        return Problem::from(Refusal::NoSuchRoute).into_response();
    }
    response
}

fn header(request: &Request, name: &str) -> Option<String> {
    Some(request.headers().get(name)?.to_str().ok()?.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::{Value, json};

    use super::*;

    /// An event of an HTTP API with changes, as the request that a route gets.
    fn taken(changes: &[(&str, Value)]) -> http::Request<lambda_http::Body> {
        let mut event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": "/v1/webhooks/zpay", "rawQueryString": "",
            "headers": {"host": "api.example.com"}, "isBase64Encoded": false,
            "requestContext": {
                "accountId": "1", "apiId": "a", "domainName": "api.example.com", "domainPrefix": "api",
                "requestId": "r", "routeKey": "$default", "stage": "$default", "time": "", "timeEpoch": 0,
                "http": {"method": "POST", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "x"},
            },
        });
        for (pointer, value) in changes {
            match pointer.rsplit_once('/').unwrap() {
                ("", name) => event[name] = value.clone(),
                (parent, name) => event.pointer_mut(parent).unwrap()[name] = value.clone(),
            }
        }
        escaped(serde_json::from_value(event).unwrap()).into()
    }

    /// faults.md, webhooks: a query that is no query of a URL is escaped and read as it was written.
    #[test]
    fn a_raw_query_of_any_characters_is_taken() {
        for (raw, escaped) in [
            ("name=<b>\"x y\"</b>&money=1", "name=%3Cb%3E%22x%20y%22%3C/b%3E&money=1"),
            ("a=%3C&b=%zz", "a=%3C&b=%zz"),
            ("name=两|{}^`\\", "name=%E4%B8%A4%7C%7B%7D%5E%60%5C"),
            ("a=1#b", "a=1%23b"),
            ("a\n=\u{0}", "a%0A=%00"),
        ] {
            assert_eq!(taken(&[("/rawQueryString", json!(raw))]).uri().query(), Some(escaped), "{raw}");
        }
    }

    /// faults.md, webhooks: an odd scheme, host or base64 body is no panic.
    #[test]
    fn an_odd_scheme_host_or_body_is_no_panic() {
        for proto in ["", "ht tp", "1https", "https,http", "javascript", "://"] {
            assert_eq!(
                taken(&[("/headers/x-forwarded-proto", json!(proto))]).uri().path(),
                "/v1/webhooks/zpay",
                "{proto}"
            );
        }
        for host in ["", "a b", "a:b", "[::1", "user@host", "%zz", "a/b", "xn--"] {
            let request = taken(&[("/headers/host", json!(host)), ("/requestContext/domainName", json!(host))]);
            assert_eq!(request.uri().path(), "/v1/webhooks/zpay", "{host}");
        }
        for body in ["!", "a", "YQ", "Y Q==", "两"] {
            let request = taken(&[("/isBase64Encoded", json!(true)), ("/body", json!(body))]);
            assert!(request.body().is_empty(), "{body}");
        }
        let request = taken(&[("/isBase64Encoded", json!(true)), ("/body", json!("YQ=="))]);
        assert_eq!(request.body().as_ref(), b"a");
    }

    /// A path with dot segments is not the path that it would be without them.
    #[test]
    fn a_path_with_dot_segments_meets_no_route() {
        for path in [
            "/v1/x/../webhooks/zpay",
            "/v1/./webhooks/zpay",
            "/v1/x/%2e%2E/webhooks/zpay",
            "/v1/x/.%2e/webhooks/zpay",
            "/..",
        ] {
            assert_eq!(taken(&[("/rawPath", json!(path))]).uri().path(), "/", "{path}");
        }
        assert_eq!(taken(&[("/rawPath", json!("/v1/a..b/.c/..."))]).uri().path(), "/v1/a..b/.c/...");
    }
}
