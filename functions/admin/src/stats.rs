//! Totals of the platform (R9.2, R3.10), read from the statistics, which are updated within moments.

use std::sync::Arc;

use axum::extract::State;
use shared::account::view::{Admin, StatsRead};
use shared::app::App;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::operations::totals::view::{self as totals, Totals};

/// Get the platform's totals
///
/// Projected from messages, each counted once; updated within moments.
#[utoipa::path(
    get, path = "/v1/admin/stats", operation_id = "getStats", tag = "admin",
    responses((status = 200, body = Totals)),
)]
pub async fn stats(State(app): State<Arc<App>>, _: Admin<StatsRead>) -> Result<Reply<Totals>, Problem> {
    Ok(Reply::ok(totals::now(&app).await?))
}
