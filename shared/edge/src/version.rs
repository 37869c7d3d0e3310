//! The `If-Match` header: the version of a document that a change is made to (R9.1, R8.6).

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;

use crate::openapi::{Describe, Operation};
use crate::problem::Problem;
use kernel::refusal::Refusal;

/// The version that `If-Match` names.
#[derive(Debug, Clone, Copy)]
pub struct IfMatch(pub u64);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    /// # Rejects
    /// `precondition_required` without the header; `version_mismatch` for a tag that is not one version.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(if_match(&parts.headers)?))
    }
}

impl Describe for IfMatch {
    fn describe(operation: &mut Operation) {
        operation.header("If-Match", true, "The version that was read, as its `ETag`");
        operation.versioned().refusal(&Refusal::PreconditionRequired).refusal(&Refusal::VersionMismatch);
    }
}

fn if_match(headers: &HeaderMap) -> Result<u64, Refusal> {
    let mut all = headers.get_all(IF_MATCH).iter();
    let tag = all.next().ok_or(Refusal::PreconditionRequired)?.to_str().unwrap_or_default();
    let tag = tag.trim();
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    let version = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(tag);
    // Digits alone: `+7` and the like are no version's name.
    let version = Some(version).filter(|version| version.bytes().all(|byte| byte.is_ascii_digit()));
    let version = version.and_then(|version| version.parse().ok()).filter(|_| all.next().is_none());
    version.ok_or(Refusal::VersionMismatch)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// R9.1: `If-Match` is one version, in any spelling, or matches none.
    #[test]
    fn if_match_names_one_version_or_none() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_MATCH, value.parse().unwrap());
            if_match(&headers)
        };
        assert_eq!(if_match(&HeaderMap::new()), Err(Refusal::PreconditionRequired));
        for seven in ["\"7\"", "7", "W/\"7\"", "W/7", " 7 "] {
            assert_eq!(read(seven), Ok(7), "{seven}");
        }
        for other in ["*", "\"7", "7\"", "+7", "\"7\", \"8\"", "7, 8", "\"-1\"", "\"\"", "W/"] {
            assert_eq!(read(other), Err(Refusal::VersionMismatch), "{other}");
        }
    }
}
