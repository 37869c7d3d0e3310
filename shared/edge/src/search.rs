//! Search of a list: filters, page and format from one request.

use std::fmt::Debug;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::IntoParams;

use crate::application::Application;
use crate::export::{Format, JsonOrCsv};
use crate::page::{Listing, Paging, seal};
use crate::problem::Problem;
use kernel::id::UserId;
use kernel::refusal::Refusal;
use table::list::Window;
use table::store::Page;

/// Query parameters of every list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// Earliest time of the items: a time (RFC 3339), or a day in UTC from its beginning.
    pub from: Option<String>,
    /// Latest time of the items: a time (RFC 3339), or a day in UTC to its end.
    pub to: Option<String>,
    /// Maximum number of items, 1 to 100; default 20.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 100)]
    pub limit: Option<String>,
    /// Cursor from `next_cursor` of the previous page.
    pub cursor: Option<String>,
}

/// Filters of a list without filters of its own.
#[derive(Debug, Deserialize)]
pub struct Unfiltered {}

/// Authorised caller of a list.
pub trait Searcher<A>: FromRequestParts<Arc<A>, Rejection = Problem> + Send + Sync {
    /// Account of the caller.
    fn id(&self) -> UserId;
}

/// Search by the authorised caller `S` with the filters `F`.
#[derive(Debug)]
pub struct Search<F, S> {
    /// Authorised caller.
    pub by: S,
    /// Filters of this list.
    pub filters: F,
    /// Page and time range.
    pub window: Window,
    format: Format,
    list: String,
}

impl<A: Application, F: DeserializeOwned + Debug + Send, S: Searcher<A>> FromRequestParts<Arc<A>> for Search<F, S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<A>) -> Result<Self, Problem> {
        // Authorise first, so that an unauthorised caller learns nothing about the filters.
        let by = S::from_request_parts(parts, app).await?;
        let filters = query::<F>(parts)?;
        let common = query::<ListParameters>(parts)?;
        let paging = Paging::from_request_parts(parts, app).await?;
        let Ok(format) = Format::from_request_parts(parts, app).await;
        // A cursor is valid only for the same list with the same filters.
        let times = (common.from.as_deref(), common.to.as_deref());
        let list = format!("{}:{}:{filters:?}:{times:?}", parts.uri.path(), by.id());
        let (from, to) = (begin("/from", common.from.as_deref())?, end("/to", common.to.as_deref())?);
        let after = paging.position(app.secret(), &list)?;
        let window = Window { from, to, limit: paging.limit, after };
        Ok(Self { by, filters, window, format, list })
    }
}

impl<F, S> Search<F, S> {
    /// Response with the found page.
    pub fn found<N, T>(&self, app: &impl Application, page: Page<N>, view: impl Fn(N) -> T) -> JsonOrCsv<T> {
        let next_cursor = page.next.map(|next| seal(app.secret(), &self.list, &next));
        let items = page.items.into_iter().map(view).collect();
        JsonOrCsv { listing: Listing { items, next_cursor }, format: self.format }
    }
}

fn query<T: DeserializeOwned>(parts: &Parts) -> Result<T, Refusal> {
    let read = Query::<T>::try_from_uri(&parts.uri);
    read.map(|Query(read)| read).map_err(|_| Refusal::MalformedRequest)
}

/// Parses a filter; a missing or empty one is `None`.
///
/// # Rejects
/// 422 at `pointer` if `read` does not know the value.
pub fn given<T>(pointer: &str, text: Option<&str>, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Refusal> {
    let unknown = || Refusal::field(pointer, "unknown", "no such value");
    text.filter(|text| !text.is_empty()).map(|text| read(text).ok_or_else(unknown)).transpose()
}

/// Parses a filter by user id.
///
/// # Rejects
/// 422 at `pointer` if it is not a user id.
pub fn user(pointer: &str, text: Option<&str>) -> Result<Option<UserId>, Refusal> {
    given(pointer, text, UserId::parse)
}

fn begin(pointer: &str, text: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    given(pointer, text, |text| text.parse().ok().or_else(|| midnight(text.parse().ok()?)))
}

fn end(pointer: &str, text: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    let last = |day: Date| midnight(day.tomorrow().ok()?)?.checked_sub(1.millisecond()).ok();
    given(pointer, text, |text| text.parse().ok().or_else(|| last(text.parse().ok()?)))
}

fn midnight(day: Date) -> Option<Timestamp> {
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_day_is_a_window_of_all_of_it() {
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        assert_eq!(begin("/from", Some("2026-11-20")).unwrap(), at("2026-11-20T00:00:00Z"));
        assert_eq!(end("/to", Some("2026-11-20")).unwrap(), at("2026-11-20T23:59:59.999Z"));
        assert_eq!(end("/to", Some("2026-11-20T10:00:00Z")).unwrap(), at("2026-11-20T10:00:00Z"));
        assert_eq!(begin("/from", Some("")).unwrap(), None);
        assert!(begin("/from", Some("yesterday")).is_err());
    }
}
