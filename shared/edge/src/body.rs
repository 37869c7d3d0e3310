//! Request bodies, read strictly.

use axum::body::{Body as Stream, to_bytes};
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use crate::openapi::{Describe, Operation};
use crate::problem::Problem;
use kernel::refusal::Refusal;
use kernel::shape::field_error;

/// Size limit of a request body, in bytes.
pub const MAX_BODY: usize = 64 * 1024;
/// Size limit of a webhook body, in bytes.
pub const MAX_WEBHOOK: usize = 256 * 1024;

/// Size limit of a body with a list of up to 10 000 texts, in bytes.
pub const MAX_LIST: usize = 512 * 1024;

/// A JSON body of at most `LIMIT` bytes.
#[derive(Debug)]
pub struct Body<T, const LIMIT: usize = MAX_BODY> {
    /// Its typed form.
    pub value: T,
    /// Its JSON form, for fingerprints.
    pub raw: Value,
}

/// Raw bytes of a webhook body, for its signature.
#[derive(Debug)]
pub struct Raw(pub Bytes);

impl<T, S, const LIMIT: usize> FromRequest<S> for Body<T, LIMIT>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let json = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(is_json);
        if !json {
            return Err(Problem::from(Refusal::UnsupportedMediaType).because("Send application/json."));
        }
        let bytes = read(request.into_body(), LIMIT).await?;
        // Decode from the text, not from `raw`: only so a duplicate field is an error.
        let raw = serde_json::from_slice(&bytes).map_err(|error| malformed(&bytes, &error))?;
        let mut text = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut text).map_err(|error| Refusal::from(field_error(&error)))?;
        Ok(Self { value, raw })
    }
}

/// A body that may be left out.
impl<T, S> OptionalFromRequest<S> for Body<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, MAX_BODY).await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let request = Request::from_parts(parts, Stream::from(bytes));
        <Self as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        Ok(Self(read(request.into_body(), MAX_WEBHOOK).await?))
    }
}

impl<T: ToSchema, const LIMIT: usize> Describe for Body<T, LIMIT> {
    fn describe(operation: &mut Operation) {
        operation.body::<T>().refusal(&Refusal::MalformedRequest).refusal(&Refusal::BodyTooLarge);
        operation.refusal(&Refusal::UnsupportedMediaType).refusal(&Refusal::Invalid(Vec::new()));
    }
}

impl<T: ToSchema> Describe for Option<Body<T>> {
    fn describe(operation: &mut Operation) {
        Body::<T>::describe(operation);
        operation.body_may_be_left_out();
    }
}

impl Describe for Raw {
    fn describe(operation: &mut Operation) {
        operation.refusal(&Refusal::BodyTooLarge);
    }
}

fn malformed(bytes: &Bytes, error: &serde_json::Error) -> Problem {
    let advice = match bytes.trim_ascii().is_empty() {
        true => "The body is empty; send a JSON object.".to_owned(),
        false => format!("The body is not JSON: {error}."),
    };
    Problem::from(Refusal::MalformedRequest).because(advice)
}

async fn read(body: Stream, limit: usize) -> Result<Bytes, Problem> {
    to_bytes(body, limit).await.map_err(|_| Problem::from(Refusal::BodyTooLarge))
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}
