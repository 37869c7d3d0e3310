//! Yearly totals of all affiliates, for tax reports (R6.12).

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::Response;
use shared::account::view::Admin;
use shared::affiliate::years::of_year;
use shared::affiliate::years::view::{self, AffiliateOfYear};
use shared::app::App;
use shared::edge::export::{CsvParameters, sheet};
use shared::edge::page::{Listing, Paging, Parameters};
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::fault::Fault;
use shared::kernel::refusal::code;
use shared::kernel::year::Year;

/// List the affiliates of a calendar year with their totals
///
/// Users with lines in their commission account in that year (UTC), those who signed up last first. The totals are the sums of their
/// statements' lines, and moments old. Shops of agents are none of them.
#[utoipa::path(
    get, path = "/v1/admin/affiliate/years/{year}", operation_id = "listAffiliateYear", tag = "admin",
    responses((status = 200, body = Listing<AffiliateOfYear>)),
)]
pub async fn list(
    State(app): State<Arc<App>>,
    list: Paging<Admin>,
    Id(year): Id<Year>,
) -> Result<Reply<Listing<AffiliateOfYear>>, Problem> {
    let page = view::with_people(&app, of_year(&app, year, &list.window).await?).await?;
    Ok(list.page(&app, page, |of| of))
}

/// Export the affiliates of a calendar year as CSV
///
/// All of the list, for a spreadsheet.
#[utoipa::path(
    get, path = "/v1/admin/affiliate/years/{year}/export.csv", operation_id = "exportAffiliateYear", tag = "admin",
    responses((status = 200, body = String, content_type = "text/csv"), code::RangeTooLarge),
)]
pub async fn export(
    State(app): State<Arc<App>>,
    _: Admin,
    Parameters(csv): Parameters<CsvParameters>,
    Id(year): Id<Year>,
) -> Result<Response, Problem> {
    let mut response = sheet(view::sheet(&app, year).await?, csv.has_bom());
    let name = HeaderValue::from_str(&format!("attachment; filename=\"affiliates-{year}.csv\"")).map_err(Fault::bug)?;
    response.headers_mut().insert(CONTENT_DISPOSITION, name);
    Ok(response)
}
