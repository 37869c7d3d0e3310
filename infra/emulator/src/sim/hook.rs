//! The operator's product, simulated under `/_sim/webhook`: it keeps the events that it is told of.
//!
//! `POST` stores one and answers 204, `GET` lists what was heard, `DELETE` forgets it, and `PUT {"status", "times"}` lets the next
//! ones be answered otherwise. Any host under `.test` stands here, but for those whose names say that they are private.

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

/// Most events that are kept.
const KEPT: usize = 1_000;

/// An event as it arrived.
#[derive(Debug, Clone, Serialize)]
pub struct Heard {
    /// When.
    pub at: Timestamp,
    /// Where, with its query.
    pub path: String,
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub timestamp: String,
    /// `webhook-signature`.
    pub signature: String,
    /// What was said, to the byte.
    pub body: String,
    /// What it was answered.
    pub status: u16,
}

impl Heard {
    /// What was said, as JSON.
    pub fn said(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// What the product keeps, and how it answers next.
#[derive(Debug, Default)]
pub struct Hook {
    /// The oldest first.
    pub heard: Vec<Heard>,
    answers: VecDeque<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    status: u16,
    times: u32,
}

impl Hook {
    /// Lets the next `times` events be answered with `status`.
    pub fn answers(&mut self, status: u16, times: u32) {
        self.answers = (0..times).map(|_| status).collect();
    }

    /// Answers a request.
    pub fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        match *request.method() {
            Method::POST => {
                let status = self.answers.pop_front().and_then(|status| StatusCode::from_u16(status).ok());
                let status = status.unwrap_or(StatusCode::NO_CONTENT);
                self.keep(request, now, status);
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = status;
                response
            }
            Method::PUT => match serde_json::from_slice::<Answers>(request.body()) {
                Ok(Answers { status, times }) => {
                    self.answers(status, times);
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

/// The way of events: what goes to the simulated product stays in this process; what goes elsewhere is sent by `far`, if there is any
/// way out at all.
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

/// The names that the local stack knows.
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
