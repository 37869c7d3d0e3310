//! The operator's product, simulated under `/_sim/webhook`.
//! It stores the outbound events that it receives.
//!
//! `POST` stores an event and returns 204, `GET` lists the events, `DELETE` clears them, and `PUT {"status", "times"}` sets the
//! status of the next responses, and with `body` what they say from then on. Every host under `.test` is this product, except those whose names imply a private address.

use std::collections::VecDeque;
use std::net::IpAddr;

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError, SharedDnsResolver};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::problem;

/// Maximum number of stored events.
const KEPT: usize = 1_000;

/// A received event.
#[derive(Debug, Clone, Serialize)]
pub struct Heard {
    /// Time of arrival.
    pub at: Timestamp,
    /// Path with query.
    pub path: String,
    /// Header `webhook-id`.
    pub id: String,
    /// Header `webhook-timestamp`.
    pub timestamp: String,
    /// Header `webhook-signature`.
    pub signature: String,
    /// The exact body.
    pub body: String,
    /// Status of the response.
    pub status: u16,
}

impl Heard {
    /// The body as JSON.
    pub fn said(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// The product's stored events and its planned responses.
#[derive(Debug, Default)]
pub struct Hook {
    /// Received events, oldest first.
    pub heard: Vec<Heard>,
    answers: VecDeque<u16>,
    /// Body of the responses; one that is set makes a success 200 in place of 204.
    says: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    status: u16,
    times: u32,
    /// Body of the responses from now on, as a chat answers.
    body: Option<String>,
}

impl Hook {
    /// Sets the status of the next `times` responses.
    pub fn answers(&mut self, status: u16, times: u32) {
        self.answers = (0..times).map(|_| status).collect();
    }

    /// Sets the body of the responses from now on.
    pub fn says(&mut self, body: &str) {
        body.clone_into(&mut self.says);
    }

    /// Handles a request.
    pub fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        match *request.method() {
            Method::POST => {
                let status = self.answers.pop_front().and_then(|status| StatusCode::from_u16(status).ok());
                let success = if self.says.is_empty() { StatusCode::NO_CONTENT } else { StatusCode::OK };
                let status = status.unwrap_or(success);
                self.keep(request, now, status);
                let mut response = Response::new(Bytes::from(self.says.clone()));
                *response.status_mut() = status;
                response
            }
            Method::PUT => match serde_json::from_slice::<Answers>(request.body()) {
                Ok(Answers { status, times, body }) => {
                    self.answers(status, times);
                    if let Some(body) = body {
                        self.says(&body);
                    }
                    super::json(StatusCode::OK, &json!({"status": status, "times": times}))
                }
                Err(error) => problem(StatusCode::BAD_REQUEST, &error.to_string()),
            },
            Method::DELETE => {
                self.heard.clear();
                super::json(StatusCode::OK, &json!({}))
            }
            _ => super::json(StatusCode::OK, &json!({ "items": self.heard })),
        }
    }

    fn keep(&mut self, request: &Request<Bytes>, at: Timestamp, status: StatusCode) {
        let header = |name: &str| {
            let value = request.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        if self.heard.len() >= KEPT {
            self.heard.remove(0);
        }
        self.heard.push(Heard {
            at,
            path: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signature: header("webhook-signature"),
            body: String::from_utf8_lossy(request.body()).into_owned(),
            status: status.as_u16(),
        });
    }
}

/// A connector for outbound events.
/// Those for the simulated product go through `near`, all others through `far`; without `far` they fail.
pub fn road(base_url: &str, near: SharedHttpConnector, far: Option<SharedHttpConnector>) -> SharedHttpConnector {
    SharedHttpConnector::new(Road { here: format!("{base_url}/_sim/"), near, far })
}

#[derive(Debug)]
struct Road {
    here: String,
    near: SharedHttpConnector,
    far: Option<SharedHttpConnector>,
}

impl HttpConnector for Road {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let url = request.uri();
        let host = url.parse::<http::Uri>().ok().and_then(|url| url.host().map(str::to_owned));
        let near = url.starts_with(&self.here) || host.is_some_and(|host| host.ends_with(".test"));
        match (near, &self.far) {
            (true, _) => self.near.call(request),
            (false, Some(far)) => far.call(request),
            (false, None) => HttpConnectorFuture::ready(Err(ConnectorError::io("there is no way out".into()))),
        }
    }
}

/// A DNS resolver for the local stack's host names.
pub fn names() -> SharedDnsResolver {
    SharedDnsResolver::new(Names)
}

#[derive(Debug)]
struct Names;

impl ResolveDns for Names {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        let (public, private) = (IpAddr::from([93, 184, 215, 14]), IpAddr::from([10, 0, 0, 1]));
        DnsFuture::ready(match name {
            "private.test" => Ok(vec![private]),
            "mixed.test" => Ok(vec![public, private]),
            name if name.ends_with(".test") => Ok(vec![public]),
            _ => Err(ResolveDnsError::new("there is no such name")),
        })
    }
}
