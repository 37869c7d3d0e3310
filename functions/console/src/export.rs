//! Lists as files for a spreadsheet (C3.1): all rows of a filter, or both halves of its days when they are too many.

use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::ToSpan;
use maud::html;
use serde::Serialize;
use serde_json::Value;
use shared::edge::export::csv;
use shared::kernel::fault::{Error, Fault};
use shared::table::list::Window;
use shared::table::store::Page;

use crate::admin::filters::{self, Days};
use crate::frame;
use crate::visit::Visit;

/// Most rows of a file.
pub const ROWS_MAX: usize = 5_000;
/// Rows per read of a file.
const TOGETHER: i32 = 100;

/// All rows of a list, read page by page; `None` when they are more than a file may have.
///
/// # Errors
/// Whatever `read` fails with.
pub async fn rows<T: Serialize, F: Future<Output = Result<Page<T>, Error>>>(
    mut window: Window,
    read: impl Fn(Window) -> F,
) -> Result<Option<Vec<Value>>, Error> {
    let mut rows = Vec::new();
    loop {
        let page = read(window.clone()).await?;
        rows.extend(values(&page.items)?);
        if rows.len() > ROWS_MAX {
            return Ok(None);
        }
        match page.next {
            Some(next) => window.after = Some(next),
            None => return Ok(Some(rows)),
        }
    }
}

/// Rows as a sheet takes them.
///
/// # Errors
/// A bug for a row that has no such form: none is left out.
pub fn values<T: Serialize>(rows: &[T]) -> Result<Vec<Value>, Fault> {
    rows.iter().map(|row| serde_json::to_value(row).map_err(Fault::bug)).collect()
}

/// A list of some days as a file; `what` is its name, and `back` the list's page.
pub async fn list<T: Serialize, F: Future<Output = Result<Page<T>, Error>>>(
    visit: &Visit,
    (what, back): (&str, &str),
    columns: &[&str],
    days: Days,
    read: impl Fn(Window) -> F,
) -> Response {
    let (from, to) = days.times();
    match rows(Window { from, to, limit: TOGETHER, after: None }, read).await {
        Ok(Some(rows)) => file(&name(visit, what, days), csv(columns, rows.into_iter())),
        Ok(None) => too_many(visit, days, back),
        Err(error) => frame::error(visit, error),
    }
}

/// Name of the file: with the days that it is about.
fn name(visit: &Visit, what: &str, days: Days) -> String {
    let today = filters::day(visit.app.clock.now());
    let to = days.to.unwrap_or(today);
    match days.from {
        Some(from) => format!("{what}-{from}--{to}.csv"),
        None => format!("{what}--{to}.csv"),
    }
}

/// A sheet for a spreadsheet.
pub fn file(name: &str, text: String) -> Response {
    saved(name, "text/csv; charset=utf-8", text)
}

/// A file of this type to be saved.
pub fn saved(name: &str, kind: &'static str, text: String) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    response
}

/// The page in place of a file that would be too long: both halves of its days.
fn too_many(visit: &Visit, days: Days, back: &str) -> Response {
    let text = &visit.text;
    let today = filters::day(visit.app.clock.now());
    let to = days.to.unwrap_or(today);
    let from = days.from.unwrap_or_else(|| to.checked_sub(90.days()).unwrap_or(to));
    let length = from.until(to).map_or(0, |span| span.get_days());
    let middle = from.checked_add((length / 2).days()).unwrap_or(to);
    let after = middle.tomorrow().unwrap_or(to);
    let halves = [(from, middle), (after, to)].map(|(from, to)| (from.to_string(), to.to_string()));
    let main = html! {
        div.stack {
            p { (text.csv_too_many()) }
            @for (from, to) in &halves {
                p { a.btn href=(visit.anew(&[("from", from), ("to", to)])) download { (text.csv_of_days(from.as_str(), to.as_str())) } }
            }
            p { a.btn.bare href=(back) { (text.go_back()) } }
        }
    };
    frame::message(visit, StatusCode::UNPROCESSABLE_ENTITY, &text.csv_is_too_long(), main)
}
