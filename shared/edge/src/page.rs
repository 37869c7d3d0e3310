//! Paging of lists: `?limit=&cursor=`.
//!
//! A cursor is sealed to its list and its caller; a forged one is rejected.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use crate::problem::Problem;
use kernel::refusal::Refusal;
use kernel::secret::Secret;
use table::store::Cursor;

/// Requested page of a list.
#[derive(Debug, Clone)]
pub struct Paging {
    /// Maximum of items, 1 to 100.
    pub limit: i32,
    /// Cursor as received, not yet verified.
    pub cursor: Option<String>,
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Listing<T> {
    /// Items of the page, newest first.
    pub items: Vec<T>,
    /// Cursor of the next page; null on the last page.
    pub next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Asked {
    limit: Option<String>,
    cursor: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(asked) = Query::<Asked>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::from(Refusal::MalformedRequest).because("The query could not be read."))?;
        let limit = match asked.limit.as_deref().map(str::parse) {
            None => 20,
            Some(Ok(limit @ 1..=100)) => limit,
            Some(_) => return Err(Refusal::field("/limit", "out_of_range", "A limit is 1 to 100.").into()),
        };
        Ok(Self { limit, cursor: asked.cursor })
    }
}

impl Paging {
    /// Opens the cursor; `None` for the first page.
    ///
    /// # Rejects
    /// [`Refusal::ForgedCursor`] for a cursor of another list or caller, or a forged one.
    pub fn position(&self, secret: &Secret, list: &str) -> Result<Option<Cursor>, Refusal> {
        self.cursor.as_deref().map(|cursor| open(secret, list, cursor).ok_or(Refusal::ForgedCursor)).transpose()
    }
}

/// Seals a position as a cursor; `list` identifies the list and its caller.
pub fn seal(secret: &Secret, list: &str, position: &Cursor) -> String {
    let said = serde_json::to_vec(position).unwrap_or_default();
    let mut bytes = secret.hash("cursor", &[list.as_bytes(), &said]).iter().take(16).copied().collect::<Vec<_>>();
    bytes.extend_from_slice(&said);
    BASE64URL_NOPAD.encode(&bytes)
}

fn open(secret: &Secret, list: &str, cursor: &str) -> Option<Cursor> {
    if cursor.len() > 2_048 {
        return None;
    }
    let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?;
    let (proof, said) = bytes.split_at_checked(16)?;
    let right = secret.hash("cursor", &[list.as_bytes(), said]);
    if !bool::from(right.get(..16)?.ct_eq(proof)) {
        return None;
    }
    serde_json::from_slice(said).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_only_for_its_list_and_unchanged() {
        let secret = Secret::new(*b"secret");
        let position = Cursor::from([("pk".to_owned(), "ORDER#1".to_owned())]);
        let cursor = seal(&secret, "orders:ann", &position);
        assert_eq!(open(&secret, "orders:ann", &cursor), Some(position));
        assert_eq!(open(&secret, "orders:bob", &cursor), None);
        assert_eq!(open(&secret, "orders:ann", &format!("{cursor}A")), None);
        assert_eq!(open(&secret, "orders:ann", "x"), None);
    }
}
