//! Lists: `?limit=&cursor=` in, a page out. A cursor is encrypted and bound to its list and its caller; a forged one is rejected.

use std::fmt::Debug;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use data_encoding::BASE64URL_NOPAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::error::Unspecified;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};

use crate::application::{Application, Requester};
use crate::openapi::{Describe, Operation};
use crate::problem::Problem;
use crate::reply::Reply;
use kernel::refusal::{FieldError, Refusal};
use kernel::secret::Secret;
use table::list::Window;
use table::store::{Cursor, Page};

/// A caller's own list: its filters and its page, sealed to path, caller and filters.
#[derive(Debug)]
pub struct Paging<S, F = Unfiltered> {
    /// The caller.
    pub by: S,
    /// The list's own filters.
    pub filters: F,
    /// The page.
    pub window: Window,
    list: String,
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Listing<T> {
    /// The items of this page, newest first.
    pub items: Vec<T>,
    /// The cursor of the next page; null at the end.
    pub next_cursor: Option<String>,
}

/// A list without filters of its own.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Unfiltered {}

impl IntoParams for Unfiltered {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        Vec::new()
    }
}

/// The page of a list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParameters {
    /// Most items, 1 to 100; 20 if not given.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl<A: Application, S: Requester<A>, F: DeserializeOwned + IntoParams + Debug + Send> FromRequestParts<Arc<A>>
    for Paging<S, F>
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<A>) -> Result<Self, Problem> {
        let by = S::from_request_parts(parts, app).await?;
        known(parts, &[names::<F>(), names::<PageParameters>()].concat())?;
        let filters = query::<F>(parts)?;
        let list = format!("{}:{}:{filters:?}", parts.uri.path(), by.identity());
        let (limit, after) = query::<PageParameters>(parts)?.read(app.secret(), &list)?;
        let window = Window { from: None, to: None, limit, after };
        Ok(Self { by, filters, window, list })
    }
}

impl<S, F> Paging<S, F> {
    /// The answer: a page of views.
    pub fn page<N, T: Serialize>(
        &self,
        app: &impl Application,
        page: Page<N>,
        view: impl FnMut(N) -> T,
    ) -> Reply<Listing<T>> {
        Reply::ok(self.listing(app, page, view))
    }

    /// A page of views, for an answer that has more than them.
    pub fn listing<N, T>(&self, app: &impl Application, page: Page<N>, view: impl FnMut(N) -> T) -> Listing<T> {
        Listing::new(app.secret(), &self.list, page, view)
    }
}

impl<S: Describe, F: IntoParams> Describe for Paging<S, F> {
    fn describe(operation: &mut Operation) {
        S::describe(operation);
        operation.query::<F>().query::<PageParameters>().refusal(&Refusal::MalformedRequest);
        operation.refusal(&Refusal::ForgedCursor).refusal(&Refusal::Invalid(Vec::new()));
    }
}

impl<T> Listing<T> {
    /// The views of a page, with the sealed cursor of the next one.
    pub(crate) fn new<N>(secret: &Secret, list: &str, page: Page<N>, view: impl FnMut(N) -> T) -> Self {
        let next_cursor = page.next.map(|next| seal(secret, list, &next));
        Self { items: page.items.into_iter().map(view).collect(), next_cursor }
    }
}

impl PageParameters {
    /// True if neither limit nor cursor is given.
    pub(crate) fn is_open(&self) -> bool {
        self.limit.is_none() && self.cursor.is_none()
    }

    /// The page's limit and where the page before ended.
    ///
    /// # Rejects
    /// `invalid` for a limit out of range; `forged_cursor` for a cursor of another list, another caller, or nobody.
    pub(crate) fn read(&self, secret: &Secret, list: &str) -> Result<(i32, Option<Cursor>), Refusal> {
        let limit = match self.limit.as_deref().map(str::parse) {
            None => 20,
            Some(Ok(limit @ 1..=100)) => limit,
            Some(_) => return Err(Refusal::field("/limit", "out_of_range", "A limit is 1 to 100.")),
        };
        let position = |cursor: &str| open(secret, list, cursor).ok_or(Refusal::ForgedCursor);
        Ok((limit, self.cursor.as_deref().map(position).transpose()?))
    }
}

/// Parameters of the query, of a route that is not a list.
#[derive(Debug)]
pub struct Parameters<P>(pub P);

impl<P: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(query(parts)?))
    }
}

impl<P: IntoParams> Describe for Parameters<P> {
    fn describe(operation: &mut Operation) {
        operation.query::<P>().refusal(&Refusal::MalformedRequest).refusal(&Refusal::Invalid(Vec::new()));
    }
}

/// Names of the parameters of a query.
pub(crate) fn names<P: IntoParams>() -> Vec<String> {
    P::into_params(|| Some(ParameterIn::Query)).into_iter().map(|parameter| parameter.name).collect()
}

/// Requires that a query has no other parameters: a filter with a typing error would filter nothing.
///
/// # Rejects
/// `invalid` with every unknown one.
pub(crate) fn known(parts: &Parts, known: &[String]) -> Result<(), Refusal> {
    // One that does not decode is rejected where it is read.
    let given = query::<Vec<(String, String)>>(parts).unwrap_or_default();
    let unknown = given.into_iter().filter(|(name, _)| !known.contains(name));
    let detail = || format!("There is no such parameter; known are {}.", known.join(", "));
    let errors = unknown.map(|(name, _)| FieldError::new(format!("/{name}"), "unknown", detail()));
    Refusal::unless_empty(errors.collect())
}

/// Reads parameters of the query.
///
/// # Rejects
/// `malformed_request`, as a [`Problem`], for a query that does not decode, or names a parameter twice.
pub(crate) fn query<T: DeserializeOwned>(parts: &Parts) -> Result<T, QueryRejection> {
    Query::<T>::try_from_uri(&parts.uri).map(|Query(read)| read)
}

impl From<QueryRejection> for Problem {
    fn from(_: QueryRejection) -> Self {
        Self::from(Refusal::MalformedRequest).because("The query could not be read.")
    }
}

/// The cursor of a position in a list; `list` names the list and whose it is.
///
/// Encrypted, since a position holds the ids of others. The nonce follows from list and position, so no two positions share one,
/// and the same position has the same cursor.
pub fn seal(secret: &Secret, list: &str, position: &Cursor) -> String {
    let mut text = serde_json::to_vec(position).unwrap_or_default();
    let nonce = secret.hash("cursor nonce", &[list.as_bytes(), &text]);
    let nonce = *nonce.first_chunk::<NONCE_LEN>().unwrap_or(&[0; NONCE_LEN]);
    let (of, at) = (Aad::from(list.as_bytes()), Nonce::assume_unique_for_key(nonce));
    match cursor_key(secret).map(|key| key.seal_in_place_append_tag(at, of, &mut text)) {
        Ok(Ok(())) => BASE64URL_NOPAD.encode(&[nonce.as_slice(), &text].concat()),
        // A position is short and the key has its length, so this is not reached; an empty cursor opens nothing.
        _ => String::new(),
    }
}

/// The position of a cursor, if it was sealed for this list.
pub fn open(secret: &Secret, list: &str, cursor: &str) -> Option<Cursor> {
    if cursor.len() > 2_048 {
        return None;
    }
    let mut bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?;
    let (nonce, sealed) = bytes.split_first_chunk_mut::<NONCE_LEN>()?;
    let (of, at) = (Aad::from(list.as_bytes()), Nonce::assume_unique_for_key(*nonce));
    let text = cursor_key(secret).ok()?.open_in_place(at, of, sealed).ok()?;
    serde_json::from_slice(text).ok()
}

fn cursor_key(secret: &Secret) -> Result<LessSafeKey, Unspecified> {
    UnboundKey::new(&CHACHA20_POLY1305, &secret.hash("cursor key", &[])).map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
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

    #[test]
    fn a_cursor_shows_nothing_of_its_position() {
        let secret = Secret::new(*b"secret");
        let position = Cursor::from([("pk".to_owned(), "USER#usr_0123456789".to_owned())]);
        let cursor = BASE64URL_NOPAD.decode(seal(&secret, "users:ann", &position).as_bytes()).unwrap();
        for part in [b"USER#".as_slice(), b"usr_", b"0123456789", b"pk"] {
            assert!(!cursor.windows(part.len()).any(|window| window == part), "{cursor:?}");
        }
        assert_ne!(seal(&secret, "users:ann", &position), seal(&secret, "users:bob", &position));
    }

    /// A cursor of an earlier release: its position in clear after half a hash.
    #[test]
    fn a_cursor_that_was_only_signed_does_not_open() {
        let secret = Secret::new(*b"secret");
        let text = br#"{"pk":"USER#usr_1"}"#;
        let before = [secret.hash("cursor", &[b"users:ann", text]).get(..16).unwrap(), text].concat();
        assert_eq!(open(&secret, "users:ann", &BASE64URL_NOPAD.encode(&before)), None);
        assert_eq!(open(&secret, "users:ann", &BASE64URL_NOPAD.encode(text)), None);
    }
}
