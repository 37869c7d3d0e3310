//! Liabilities of the platform by kind and month of expiry (R12.4).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use shared::account::view::{Admin, StatsRead};
use shared::app::App;
use shared::edge::export::{CsvParameters, CsvRow, Format, csv, sheet};
use shared::edge::page::Parameters;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::operations::liabilities::view::{self, LiabilityLine, LiabilityReport};

/// Get the platform's liabilities by kind and month of expiry
///
/// The sums of balances, commission and wallets are those of the ledger, moments old. Outstanding redemption codes count whether they
/// are enabled or not, until they expire.
#[utoipa::path(
    get, path = "/v1/admin/liabilities", operation_id = "getLiabilities", tag = "admin",
    responses((status = 200, content((LiabilityReport = "application/json"), (String = "text/csv")))),
)]
pub async fn liabilities(
    State(app): State<Arc<App>>,
    _: Admin<StatsRead>,
    Parameters(_csv): Parameters<CsvParameters>,
    format: Format,
) -> Result<Response, Problem> {
    let report = view::now(&app).await?;
    let Format::Csv { bom } = format else { return Ok(Reply::ok(report).into_response()) };
    let rows = report.lines.iter().map(|line| serde_json::to_value(line).unwrap_or_default());
    Ok(sheet(csv(LiabilityLine::COLUMNS, rows), bom))
}
