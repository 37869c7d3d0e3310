//! The `If-Match` header: optimistic locking of documents (R9.1, R8.6).

use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;

use kernel::refusal::Refusal;

/// The version in `If-Match`; a malformed tag matches no version.
///
/// # Rejects
/// [`Refusal::PreconditionRequired`] without the header; [`Refusal::VersionMismatch`] unless it is exactly one version.
pub fn if_match(headers: &HeaderMap) -> Result<u64, Refusal> {
    let mut all = headers.get_all(IF_MATCH).iter();
    let tag = all.next().ok_or(Refusal::PreconditionRequired)?.to_str().unwrap_or_default();
    let version = tag.trim().strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    let version = version.and_then(|version| version.parse().ok()).filter(|_| all.next().is_none());
    version.ok_or(Refusal::VersionMismatch)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// R9.1: `If-Match` is one version or matches none.
    #[test]
    fn if_match_names_one_version_or_none() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_MATCH, value.parse().unwrap());
            if_match(&headers)
        };
        assert_eq!(if_match(&HeaderMap::new()), Err(Refusal::PreconditionRequired));
        assert_eq!(read("\"7\""), Ok(7));
        for other in ["*", "7", "W/\"7\"", "\"7\", \"8\"", "\"-1\"", "\"\""] {
            assert_eq!(read(other), Err(Refusal::VersionMismatch), "{other}");
        }
    }
}
