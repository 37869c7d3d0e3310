//! Search of a list: filters, page and format from one request.

use std::fmt::Debug;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::IntoParams;

use crate::application::{Application, Requester};
use crate::export::{CsvParameters, Format, JsonOrCsv, ROWS_MAX};
use crate::openapi::{Describe, Operation};
use crate::page::{Listing, PageParameters, known, names, query};
use crate::problem::Problem;
use kernel::fault::Error;
use kernel::id::{Identifier, UserId};
use kernel::refusal::Refusal;
use kernel::typed;
use table::list::Window;
use table::store::Page;

/// The time that a list is about.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TimeParameters {
    /// Not before: a time, or a day (UTC).
    pub from: Option<String>,
    /// Latest time of the items: a time (RFC 3339), or a day in UTC to its end.
    pub to: Option<String>,
}

/// A list of the operator or an agent: filters, time, page and form, from one request.
#[derive(Debug)]
pub struct Search<F, S> {
    /// The caller.
    pub by: S,
    /// The list's own filters.
    pub filters: F,
    /// The page, and the time that it is about.
    pub window: Window,
    format: Format,
    /// True for a CSV of all rows.
    whole: bool,
    list: String,
}

impl<A: Application, F: DeserializeOwned + IntoParams + Debug + Send, S: Requester<A>> FromRequestParts<Arc<A>>
    for Search<F, S>
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<A>) -> Result<Self, Problem> {
        // The caller first: a stranger learns nothing about filters.
        let by = S::from_request_parts(parts, app).await?;
        let own = [names::<F>(), names::<TimeParameters>(), names::<PageParameters>(), names::<CsvParameters>()];
        known(parts, &own.concat())?;
        let filters = query::<F>(parts)?;
        let times = query::<TimeParameters>(parts)?;
        let Ok(format) = Format::from_request_parts(parts, app).await;
        // A position only makes sense in the same list, filtered alike.
        let (from, to) = (times.from.as_deref(), times.to.as_deref());
        let list = format!("{}:{}:{filters:?}:{:?}", parts.uri.path(), by.identity(), (from, to));
        let (from, to) = (begin("/from", from)?, end("/to", to)?);
        let page = query::<PageParameters>(parts)?;
        let whole = format != Format::Json && page.is_open();
        let (limit, after) = page.read(app.secret(), &list)?;
        let window = Window { from, to, limit, after };
        Ok(Self { by, filters, window, format, whole, list })
    }
}

/// Items per page while all rows are read.
const TOGETHER: i32 = 100;
/// Maximum pages that are read for one CSV; a selective filter gives pages with few rows or none.
const PAGES: usize = 1_000;

impl<F, S> Search<F, S> {
    /// Reads what the request asks for: one page, or all rows for a CSV (G14).
    ///
    /// # Rejects
    /// `range_too_large` for a CSV of more than [`ROWS_MAX`] rows; whatever `read` rejects.
    pub async fn rows<N, E, W>(&self, read: impl Fn(Window) -> W) -> Result<Page<N>, Error>
    where
        Error: From<E>,
        W: Future<Output = Result<Page<N>, E>>,
    {
        if !self.whole {
            return Ok(read(self.window.clone()).await?);
        }
        let mut window = Window { limit: TOGETHER, ..self.window.clone() };
        let mut items = Vec::new();
        for _ in 0..PAGES {
            let page = read(window.clone()).await?;
            items.extend(page.items);
            if items.len() > ROWS_MAX {
                break;
            }
            match page.next {
                Some(next) => window.after = Some(next),
                None => return Ok(Page { items, next: None }),
            }
        }
        Err(Refusal::RangeTooLarge.into())
    }

    /// The answer: a page of views, in the form that the caller accepts.
    pub fn found<N, T>(&self, app: &impl Application, page: Page<N>, view: impl Fn(N) -> T) -> JsonOrCsv<T> {
        JsonOrCsv { listing: Listing::new(app.secret(), &self.list, page, view), format: self.format }
    }
}

impl<F: IntoParams, S: Describe> Describe for Search<F, S> {
    fn describe(operation: &mut Operation) {
        S::describe(operation);
        operation.query::<F>().query::<TimeParameters>().query::<PageParameters>().query::<CsvParameters>();
        operation.refusal(&Refusal::MalformedRequest).refusal(&Refusal::ForgedCursor);
        operation.refusal(&Refusal::Invalid(Vec::new())).refusal(&Refusal::RangeTooLarge);
    }
}

/// Texts that a bound of a list takes.
const A_TIME: &str = "A time such as 2026-11-20T10:00:00Z, or a day such as 2026-11-20; up to 9999-12-31T23:59:59Z.";

/// Reads a filter by an id or one of some names; a blank one filters nothing.
///
/// # Rejects
/// `invalid` at `pointer` for another text, with what would be right.
pub fn named<T: Identifier>(pointer: &str, text: Option<&str>) -> Result<Option<T>, Refusal> {
    given(pointer, text, &T::expected(), T::parse)
}

/// Reads a filter; a blank one filters nothing. `right` says what would be right.
///
/// # Rejects
/// `invalid` at `pointer` for a text that `read` does not know.
pub fn given<T>(
    pointer: &str,
    text: Option<&str>,
    right: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Refusal> {
    let unknown = || Refusal::field(pointer, "unknown", right);
    text.filter(|text| !text.is_empty()).map(|text| read(text).ok_or_else(unknown)).transpose()
}

/// Reads a time.
///
/// # Rejects
/// 422 at `pointer`.
pub fn time(pointer: &str, text: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    let wrong = || Refusal::field(pointer, "not_a_time", "A time as RFC 3339 writes it, such as 2026-11-20T10:00:00Z.");
    text.map(|text| text.parse().map_err(|_| wrong())).transpose()
}

/// Reads a filter by user.
///
/// # Rejects
/// `invalid` for a text that is not an id.
pub fn user(pointer: &str, text: Option<&str>) -> Result<Option<UserId>, Refusal> {
    named(pointer, text)
}

fn begin(pointer: &str, text: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    given(pointer, text, A_TIME, |text| typed::time(text).or_else(|| midnight(text.parse().ok()?)))
}

fn end(pointer: &str, text: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    let last = |day: Date| match day.tomorrow() {
        Ok(next) => midnight(next)?.checked_sub(1.millisecond()).ok(),
        Err(_) => Some(Timestamp::MAX),
    };
    given(pointer, text, A_TIME, |text| typed::time(text).or_else(|| last(text.parse().ok()?)))
}

/// Midnight at which a day begins (UTC); the last days that there are end with the last instant.
fn midnight(day: Date) -> Option<Timestamp> {
    Some(day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |zoned| zoned.timestamp()))
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
        // G13: the last second and the last day that there are.
        for last in ["9999-12-31T23:59:59Z", "9999-12-31", "9999-12-31T23:59:59.999Z"] {
            assert_eq!(end("/to", Some(last)).unwrap(), Some(Timestamp::MAX), "{last}");
            assert!(begin("/from", Some(last)).unwrap().is_some(), "{last}");
        }
        assert!(begin("/from", Some("yesterday")).is_err());
    }
}
