//! Searching a list: its filters, its page, its form, read from one request.

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

/// What every list takes.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// Not before: a time, or a day (UTC).
    pub from: Option<String>,
    /// Not after: a time, or a day (UTC) with all of it.
    pub to: Option<String>,
    /// Most items, 1 to 100; 20 if not given.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 100)]
    pub limit: Option<String>,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

/// A list without filters of its own.
#[derive(Debug, Deserialize)]
pub struct Unfiltered {}

/// Whose list it is.
pub trait Searcher<A>: FromRequestParts<Arc<A>, Rejection = Problem> + Send + Sync {
    /// Their account.
    fn id(&self) -> UserId;
}

/// The search of a list with filters of its own, by whoever may see it.
#[derive(Debug)]
pub struct Search<F, S> {
    /// Who searches.
    pub by: S,
    /// Its own filters.
    pub filters: F,
    /// Which page.
    pub window: Window,
    format: Format,
    list: String,
}

impl<A: Application, F: DeserializeOwned + Debug + Send, S: Searcher<A>> FromRequestParts<Arc<A>> for Search<F, S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<A>) -> Result<Self, Problem> {
        // First who asks: a stranger is told nothing about filters.
        let by = S::from_request_parts(parts, app).await?;
        let filters = query::<F>(parts)?;
        let common = query::<ListParameters>(parts)?;
        let paging = Paging::from_request_parts(parts, app).await?;
        let Ok(format) = Format::from_request_parts(parts, app).await;
        // A position only makes sense in the same list, filtered alike.
        let times = (common.from.as_deref(), common.to.as_deref());
        let list = format!("{}:{}:{filters:?}:{times:?}", parts.uri.path(), by.id());
        let (from, to) = (begin("/from", common.from.as_deref())?, end("/to", common.to.as_deref())?);
        let after = paging.position(app.secret(), &list)?;
        let window = Window { from, to, limit: paging.limit, after };
        Ok(Self { by, filters, window, format, list })
    }
}

impl<F, S> Search<F, S> {
    /// The page that was found.
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

/// What a filter says; a blank one says nothing.
///
/// # Rejects
/// 422 at `pointer` for what `read` does not know.
pub fn given<T>(pointer: &str, text: Option<&str>, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Refusal> {
    let unknown = || Refusal::field(pointer, "unknown", "no such value");
    text.filter(|text| !text.is_empty()).map(|text| read(text).ok_or_else(unknown)).transpose()
}

/// The user that a filter names.
///
/// # Rejects
/// 422 for what is not an id.
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
