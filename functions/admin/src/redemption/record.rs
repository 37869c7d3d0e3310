//! Redemptions for the operator (R7.8).

use shared::kernel::id::BatchId;
use shared::kernel::id::UserId;
use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::account::view::{Admin, AdminSearch, Dangerous};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::idempotency::RequiresIdempotencyKey;
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::search::{named, user};
use shared::kernel::id::RedemptionId;
use shared::redemption::codes::{self, RedemptionFilter};
use shared::redemption::model::redemption;
use shared::redemption::redeem::Redeemed;
use shared::redemption::undo_redemption::{Undo, undo_redemption};
use shared::redemption::view::RedemptionView;
use utoipa::{IntoParams, ToSchema};

use crate::reason::Reason;

/// A redemption with its user.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminRedemption {
    /// Id of the user who redeemed the code.
    pub user_id: UserId,
    /// Id of the code's batch.
    pub batch_id: BatchId,
    /// Id of the code.
    #[schema(example = "bat_01k9x2m4n6p8r0s2t4v6w8y0a1.17")]
    pub code_id: String,
    /// Number of this use among the user's uses of the code.
    pub number: u32,
    /// Reason why it was reversed.
    pub undone_because: Option<String>,
    /// The redemption.
    #[serde(flatten)]
    pub redemption: RedemptionView,
}

impl CsvRow for AdminRedemption {
    const COLUMNS: &'static [&'static str] = &[
        "redeemed_at",
        "id",
        "user_id",
        "code",
        "batch_id",
        "code_id",
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
        "undone_at",
        "undone_because",
    ];
}

impl From<redemption::Redemption> for AdminRedemption {
    fn from(of: redemption::Redemption) -> Self {
        Self {
            user_id: of.user,
            batch_id: of.of.batch,
            code_id: of.of.to_string(),
            number: of.number,
            undone_because: of.undone.as_ref().map(|undone| undone.reason.clone()),
            redemption: Redeemed::from(&of).into(),
        }
    }
}

/// Filters of the redemptions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Redemptions {
    /// Id of the user.
    #[param(inline, value_type = Option<UserId>)]
    user: Option<String>,
    /// The redeemed code, or its id.
    code: Option<String>,
}

/// List redemptions
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/admin/redemption/records", operation_id = "listAllRedemptions", tag = "admin",
    responses((status = 200, content((Listing<AdminRedemption> = "application/json"), (String = "text/csv")))),
)]
pub async fn records(
    State(app): State<Arc<App>>,
    search: AdminSearch<Redemptions>,
) -> Result<JsonOrCsv<AdminRedemption>, Problem> {
    let filter = RedemptionFilter {
        user: user("/user", search.filters.user.as_deref())?,
        code: named("/code", search.filters.code.as_deref())?,
    };
    let page = search.rows(async |window| codes::redemptions(&app, &filter, &window).await).await?;
    Ok(search.found(&app, page, AdminRedemption::from))
}

/// Reverse a redemption
///
/// Takes back its balance: credit already spent becomes debt. Removes its remaining plan time. Its use becomes available again, also
/// for the same user.
#[utoipa::path(
    post, path = "/v1/admin/redemption/records/{id}/undo", operation_id = "undoRedemption", tag = "admin",
    responses((status = 200, body = AdminRedemption)),
)]
pub async fn undo(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(redemption): Id<RedemptionId>,
    key: RequiresIdempotencyKey,
    body: Body<Reason>,
) -> Result<Reply<AdminRedemption>, Problem> {
    let reason = body.value.read()?;
    let ctx = key.bind(&app, &admin, &body);
    let done = undo_redemption(&app, &ctx, &Undo { redemption, reason, admin: admin.id }).await?;
    Ok(Reply::ok(done.answer.into()).replayed(done.replayed))
}
