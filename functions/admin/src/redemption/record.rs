//! Redemptions as the operator sees them (R7.8).

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::app::App;
use shared::domain::code::CodeText;
use shared::domain::redemption;
use shared::edge::page::Listing;
use shared::edge::problem::Problem;
use shared::edge::view::redemption::Redemption;
use shared::usecase::codes::{self, RedemptionFilter};
use shared::usecase::redeem::Redeemed;
use utoipa::{IntoParams, ToSchema};

use shared::edge::search::{AdminSearch, Common, given, user};
use shared::edge::sheet::{Row, Sheet};

/// A redemption with who made it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminRedemption {
    /// Who.
    pub user_id: String,
    /// The code's batch.
    pub batch_id: String,
    /// Which of their uses of the code it is.
    pub number: u32,
    /// What was redeemed; the code in full.
    #[serde(flatten)]
    pub redemption: Redemption,
}

impl Row for AdminRedemption {
    const COLUMNS: &'static [&'static str] = &[
        "redeemed_at",
        "id",
        "user_id",
        "code",
        "batch_id",
        "number",
        "benefit.kind",
        "benefit.plan_id",
        "benefit.unit",
        "benefit.quantity",
        "subscription.id",
        "subscription.previous_expires_at",
        "subscription.expires_at",
        "credit.amount",
        "credit.currency",
    ];
}

impl From<redemption::Redemption> for AdminRedemption {
    fn from(of: redemption::Redemption) -> Self {
        let shown = Redemption::from(Redeemed::from(&of));
        Self {
            user_id: of.user.to_string(),
            batch_id: of.of.batch.to_string(),
            number: of.number,
            redemption: Redemption { code: of.code.to_string(), ..shown },
        }
    }
}

/// Filters of the redemptions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Redemptions {
    /// By whom.
    user: Option<String>,
    /// Of which code.
    code: Option<String>,
}

/// Redemptions
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/admin/redemption/records", operation_id = "listAllRedemptions", tag = "admin",
    security(("bearer" = [])), params(Redemptions, Common),
    responses(
        (status = 200, content((Listing<AdminRedemption> = "application/json"), (String = "text/csv"))),
        (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
pub async fn records(
    State(app): State<Arc<App>>,
    search: AdminSearch<Redemptions>,
) -> Result<Sheet<AdminRedemption>, Problem> {
    let filter = RedemptionFilter {
        user: user("/user", search.filters.user.as_deref())?,
        code: given("/code", search.filters.code.as_deref(), CodeText::parse)?,
    };
    let page = codes::redemptions(&app, &filter, &search.window).await?;
    Ok(search.found(&app, page, AdminRedemption::from))
}
