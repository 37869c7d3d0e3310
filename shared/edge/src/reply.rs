//! JSON responses with status and headers.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use table::execute::Answered;

/// JSON response.
#[derive(Debug)]
pub struct Reply<T> {
    status: StatusCode,
    body: T,
    replayed: bool,
    version: Option<u64>,
}

impl<T: Serialize> Reply<T> {
    /// Response with status 200.
    pub fn ok(body: T) -> Self {
        Self { status: StatusCode::OK, body, replayed: false, version: None }
    }

    /// Response with status 201.
    pub fn created(body: T) -> Self {
        Self { status: StatusCode::CREATED, ..Self::ok(body) }
    }

    /// Response with status 202.
    pub fn accepted(body: T) -> Self {
        Self { status: StatusCode::ACCEPTED, ..Self::ok(body) }
    }

    /// Sets the header `Idempotency-Replayed` if this is a stored first answer.
    pub fn replayed(mut self, replayed: bool) -> Self {
        self.replayed = replayed;
        self
    }

    /// Sets the `ETag` of a versioned document.
    pub fn version(mut self, version: u64) -> Self {
        self.version = Some(version);
        self
    }
}

impl<T: Serialize> From<Answered<T>> for Reply<T> {
    fn from(done: Answered<T>) -> Self {
        Self::ok(done.answer).replayed(done.replayed)
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.replayed {
            headers.insert(HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));
        }
        if let Some(version) = self.version
            && let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\""))
        {
            headers.insert(header::ETAG, tag);
        }
        response
    }
}
