//! Lists as JSON or CSV (RFC 4180), safe to open in a spreadsheet.
//!
//! CSV has all rows of the filter, up to [`ROWS_MAX`]; above that the request is refused. With `limit` or `cursor` it has one page,
//! and the header `Next-Cursor` has the cursor of the next one. A cell that a spreadsheet would read as a formula gets a leading
//! apostrophe (R4.12). With `?bom=1` the text begins with a byte order mark, which Excel needs to read it as UTF-8.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::IntoParams;

use crate::page::Listing;
use crate::reply::Reply;

/// A list item that has a CSV form.
pub trait CsvRow: Serialize {
    /// CSV columns as paths in the item's JSON form, `charge.amount`.
    const COLUMNS: &'static [&'static str];
}

/// Maximum rows of one CSV.
pub const ROWS_MAX: usize = 10_000;
/// Beginning of a text that has to arrive with a byte order mark: two, since the Lambda adapter decodes texts and takes one off.
pub const BOM: &str = "\u{feff}\u{feff}";

/// Response format of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Json,
    Csv {
        /// True to begin with a byte order mark.
        bom: bool,
    },
}

/// Form of a list as CSV.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CsvParameters {
    /// `1` to begin a CSV with a byte order mark, so that Excel reads it as UTF-8.
    #[serde(default)]
    pub bom: Option<String>,
}

impl CsvParameters {
    /// True to begin with a byte order mark.
    pub fn has_bom(&self) -> bool {
        matches!(self.bom.as_deref(), Some("1" | "true"))
    }
}

/// True if the query has `bom=1`.
pub fn has_bom(parts: &Parts) -> bool {
    let query = parts.uri.query().unwrap_or_default();
    query.split('&').any(|pair| pair == "bom=1" || pair == "bom=true")
}

impl<S: Send + Sync> FromRequestParts<S> for Format {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let accepted = parts.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let csv = |range: &str| range.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/csv");
        let csv = accepted.flat_map(|value| value.split(',')).any(csv);
        Ok(if csv { Self::Csv { bom: has_bom(parts) } } else { Self::Json })
    }
}

/// A page of a list with its response format.
#[derive(Debug)]
pub struct JsonOrCsv<T> {
    pub listing: Listing<T>,
    pub format: Format,
}

impl<T, E> JsonOrCsv<Result<T, E>> {
    /// The page, or the first error among its items.
    ///
    /// # Errors
    /// The first item's error.
    pub fn whole(self) -> Result<JsonOrCsv<T>, E> {
        let items = self.listing.items.into_iter().collect::<Result<_, _>>()?;
        Ok(JsonOrCsv { listing: Listing { items, next_cursor: self.listing.next_cursor }, format: self.format })
    }
}

impl<T: CsvRow> IntoResponse for JsonOrCsv<T> {
    fn into_response(self) -> Response {
        let Format::Csv { bom } = self.format else { return Reply::ok(self.listing).into_response() };
        let rows = self.listing.items.iter().map(|item| serde_json::to_value(item).unwrap_or_default());
        let mut response = sheet(csv(T::COLUMNS, rows), bom);
        let headers = response.headers_mut();
        if let Some(cursor) = self.listing.next_cursor.and_then(|cursor| HeaderValue::from_str(&cursor).ok()) {
            headers.insert(HeaderName::from_static("next-cursor"), cursor);
        }
        response
    }
}

/// Response with a CSV, after a byte order mark if wanted.
pub fn sheet(text: String, bom: bool) -> Response {
    let mut response = if bom { format!("{BOM}{text}") } else { text }.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// CSV text of rows, with a header line.
pub fn csv(columns: &[&str], rows: impl Iterator<Item = Value>) -> String {
    let mut text = line(columns.iter().map(|column| (*column).to_owned()));
    for row in rows {
        text.push_str(&line(columns.iter().map(|column| content(&row, column))));
    }
    text
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let mut line = cells.map(|content| cell(&content)).collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

/// Text of a field by path: JSON for a list or object, empty for null.
pub fn content(row: &Value, path: &str) -> String {
    let found = path.split('.').try_fold(row, |value, name| value.get(name));
    match found {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn cell(content: &str) -> String {
    let formula = content.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let safe = if formula { format!("'{content}") } else { content.to_owned() };
    if safe.contains(['"', ',', '\r', '\n', '\t', '\'']) || safe.trim() != safe {
        format!("\"{}\"", safe.replace('"', "\"\""))
    } else {
        safe
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    /// R4.12: a cell never starts as a formula.
    #[test]
    fn no_cell_is_a_formula() {
        for bad in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"] {
            assert_eq!(cell(bad), format!("\"'{bad}\""));
        }
        assert_eq!(cell("1-1"), "1-1");
    }

    #[test]
    fn quotes_commas_and_line_breaks_stay_in_their_cell() {
        assert_eq!(cell("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(cell("a\nb"), "\"a\nb\"");
    }

    #[test]
    fn a_sheet_has_its_columns_even_without_rows() {
        let columns = ["id", "charge.amount", "refunds", "paid_at", "nothing.at.all"];
        assert_eq!(csv(&columns, std::iter::empty()), "id,charge.amount,refunds,paid_at,nothing.at.all\r\n");
        let row = json!({"id": "ord_1", "charge": {"amount": "100.00"}, "refunds": [], "paid_at": null});
        assert_eq!(csv(&columns, [row].into_iter()).lines().nth(1).unwrap(), "ord_1,100.00,[],,");
    }
}
