//! Problem documents (RFC 9457): how a refusal or a fault is answered.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use kernel::fault::{Error, Fault};
use kernel::money::MoneyError;
use kernel::refusal::{FieldError, Refusal};

/// What a caller is told when a request is not carried out.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// A URN that ends with the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// One sentence for a person.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The request's id, as the log has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The stable code.
    pub code: &'static str,
    /// For 422: which fields and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<FieldError>>,
    /// For `forced_recharge_required`: how much at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// For `ceiling_exceeded`: the threshold of the tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<String>,
    /// For refusals about a package: which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package_id: Option<String>,
    /// For `children_above`: the grants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affected: Option<Vec<String>>,
    /// Seconds for `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<u32>,
    /// The methods a path takes, for 405.
    #[serde(skip)]
    pub allow: Option<String>,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (code, status, title) = (refusal.code(), refusal.status(), refusal.title());
        let mut problem = Self::new(status, code, title);
        match refusal {
            Refusal::Invalid(errors) => problem.errors = Some(errors),
            Refusal::RateLimited { retry_after } => problem.retry_after = Some(retry_after),
            Refusal::ForcedRechargeRequired { amount } => problem.amount = Some(amount.normalize().to_string()),
            Refusal::CeilingExceeded { threshold } => {
                problem.threshold = threshold.map(|threshold| threshold.normalize().to_string());
            }
            Refusal::PackageNotInSeries { package }
            | Refusal::PackageNotGranted { package }
            | Refusal::CostBelowParent { package } => problem.package_id = Some(package.to_string()),
            Refusal::ChildrenAbove { affected } => {
                problem.affected = Some(affected.iter().map(ToString::to_string).collect());
            }
            _ => {}
        }
        problem
    }
}

impl From<Fault> for Problem {
    /// The fault is logged here, once; the caller only learns what to do.
    fn from(fault: Fault) -> Self {
        tracing::error!(%fault, "fault");
        let (code, detail) = match fault {
            Fault::OutcomeUnknown { .. } => {
                ("outcome_unknown", "Repeat with the same Idempotency-Key to learn the outcome.")
            }
            _ => ("unavailable", "Nothing was changed; repeat the request."),
        };
        let mut problem = Self::new(503, code, "The service can't answer right now.");
        problem.detail = Some(detail.to_owned());
        problem.retry_after = Some(1);
        problem
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => refusal.into(),
            Error::Fault(fault) => fault.into(),
        }
    }
}

impl From<MoneyError> for Problem {
    fn from(error: MoneyError) -> Self {
        Error::from(error).into()
    }
}

impl Problem {
    fn new(status: u16, code: &'static str, title: &'static str) -> Self {
        Self {
            kind: format!("urn:guerdon:problem:{code}"),
            title,
            status,
            detail: None,
            instance: None,
            code,
            errors: None,
            amount: None,
            threshold: None,
            package_id: None,
            affected: None,
            retry_after: None,
            allow: None,
        }
    }

    /// The same with a sentence of advice.
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        self.instance = table::request::request_id();
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let allow = self.allow.take();
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = allow.and_then(|allow| HeaderValue::from_str(&allow).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        response
    }
}
