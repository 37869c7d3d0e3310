//! Problem documents (RFC 9457) for refusals and faults.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use kernel::fault::{Chain, Error, Fault};
use kernel::money::MoneyError;
use kernel::refusal::{FieldError, Refusal};

/// Advice after a fault that passes.
pub(crate) const REPEAT: &str = "Nothing was changed; repeat the request.";
/// Advice after a call whose outcome is unknown.
pub(crate) const REPEAT_WITH_KEY: &str = "Repeat with the same Idempotency-Key to learn the outcome.";
/// Advice after a fault that does not pass.
pub(crate) const DEFECT: &str = "A defect of the service; a repetition does not help. Report the id in instance.";

/// Problem document (RFC 9457) of a request that was not carried out.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// URN of the problem type: `urn:guerdon:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// Summary of the problem, one sentence for a person.
    pub title: &'static str,
    /// HTTP status code.
    pub status: u16,
    /// Advice for the caller, if there is any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
    /// Id of the request, as in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub instance: Option<String>,
    /// Stable code of the problem, for programs.
    pub code: &'static str,
    /// Errors by field, only for status 422 `invalid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub errors: Option<Vec<FieldError>>,
    /// Least amount to pay, only for `forced_recharge_required`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub amount: Option<String>,
    /// Threshold of the tier above the ceiling, only for `ceiling_exceeded`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub threshold: Option<String>,
    /// Id of the package, only for `package_not_in_series`, `package_not_granted` and `cost_below_parent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub package_id: Option<String>,
    /// Ids of the grants above the new bound, only for `children_above`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub affected: Option<Vec<String>>,
    /// Value of the header `Retry-After`, in seconds.
    #[serde(skip)]
    pub retry_after: Option<u32>,
    /// Value of the header `Allow`, for status 405.
    #[serde(skip)]
    pub allow: Option<String>,
}

const CODE_LOOKS: &str = "A code has 16 letters and digits in four groups, such as ABCD-EFGH-2345-WXYZ; spaces, hyphens and case don't matter.";
const VERSION_LOOKS: &str = "If-Match names one version, as the ETag of the answer to GET: \"7\".";

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (code, status, title) = (refusal.code(), refusal.status(), refusal.title());
        let mut problem = Self::new(status, code, title);
        match refusal {
            Refusal::Invalid(errors) => problem.errors = Some(errors),
            Refusal::RateLimited { limit, retry_after } => {
                let limit = if limit.is_empty() { String::new() } else { format!("At most {limit}. ") };
                problem.detail = Some(format!("{limit}Try again in {retry_after} seconds."));
                problem.retry_after = Some(retry_after);
            }
            // The same for every code, so that it does not say if one exists.
            Refusal::CodeNotFound => problem.detail = Some(CODE_LOOKS.to_owned()),
            Refusal::VersionMismatch => problem.detail = Some(VERSION_LOOKS.to_owned()),
            Refusal::ForcedRechargeRequired { amount } => problem.amount = Some(amount.normalize().to_string()),
            Refusal::InsufficientAvailable { available } => {
                let most = available.map_or_else(|| "Nothing".to_owned(), |available| format!("At most {available}"));
                problem.detail = Some(format!("{most} can be withdrawn."));
            }
            Refusal::TooFewPayingInvitees { paying, needed } => {
                problem.detail = Some(format!("{paying} of the {needed} invitees that it needs have paid."));
            }
            Refusal::CeilingExceeded { threshold } => {
                problem.threshold = threshold.map(|threshold| threshold.normalize().to_string());
            }
            Refusal::PackageNotInSeries { package }
            | Refusal::PackageNotGranted { package }
            | Refusal::CostBelowParent { package } => problem.package_id = Some(package.to_string()),
            Refusal::BalanceLeft { figures } => {
                let figures: Vec<String> = figures.iter().map(|(name, amount)| format!("{name} {amount}")).collect();
                problem.detail = Some(format!("Left are {}.", figures.join(", ")));
            }
            Refusal::ChildrenAbove { affected } => {
                problem.affected = Some(affected.iter().map(ToString::to_string).collect());
            }
            _ => {}
        }
        problem
    }
}

impl From<Fault> for Problem {
    /// Logs the fault, at this one place; the caller only gets advice.
    fn from(fault: Fault) -> Self {
        tracing::error!(fault = %Chain(&fault), "fault");
        if !fault.passes() {
            return Self::new(500, "internal_error", "The service can't answer this request.").because(DEFECT);
        }
        let (code, detail) = match fault {
            Fault::OutcomeUnknown { .. } => ("outcome_unknown", REPEAT_WITH_KEY),
            _ => ("unavailable", REPEAT),
        };
        let mut problem = Self::new(503, code, "The service can't answer right now.").because(detail);
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

    /// Sets the advice.
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
        let challenge = match self.code {
            "token_expired" => "Bearer realm=\"guerdon\", error=\"invalid_token\", error_description=\"expired\"",
            _ => "Bearer realm=\"guerdon\"",
        };
        let allow = self.allow.take();
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(allow) = allow.and_then(|allow| HeaderValue::from_str(&allow).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(fault: Fault) -> (u16, &'static str, bool) {
        let problem = Problem::from(fault);
        let code = problem.code;
        let response = problem.into_response();
        (response.status().as_u16(), code, response.headers().contains_key(header::RETRY_AFTER))
    }

    #[test]
    fn only_a_fault_that_passes_asks_for_a_repetition() {
        assert_eq!(answer(Fault::bug("impossible")), (500, "internal_error", false));
        assert_eq!(answer(Fault::item("USER#1/USER", "no version")), (500, "internal_error", false));
        assert_eq!(answer(Fault::unavailable("GetItem", "timeout")), (503, "unavailable", true));
        assert_eq!(answer(Fault::outcome_unknown("TransactWriteItems", "timeout")), (503, "outcome_unknown", true));
        assert_eq!(answer(Fault::Contention { attempts: 9, last: String::new() }), (503, "unavailable", true));
    }
}
