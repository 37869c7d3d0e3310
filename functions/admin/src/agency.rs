//! Actions on shops reserved to the operator's staff (R8.12).

use std::sync::Arc;

use axum::extract::State;
use shared::account::view::Record;
use shared::account::view::{Admin, Dangerous};
use shared::agency::wallets::{AdjustShop, adjust_shop, first_record};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::RequiresIdempotencyKey;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::id::ShopId;
use shared::kernel::refusal::code;

use super::user::Adjustment;

/// Adjust a shop's main balance
///
/// The statement line shows the signed amount. A debit above the balance is refused.
#[utoipa::path(
    post, path = "/v1/admin/shops/{id}/adjustments", operation_id = "adjustShop", tag = "admin",
    responses((status = 200, body = Record), code::InsufficientBalance),
)]
pub async fn adjust(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(shop): Id<ShopId>,
    key: RequiresIdempotencyKey,
    body: Body<Adjustment>,
) -> Result<Reply<Record>, Problem> {
    let (amount, remark) = body.value.without_debt()?.said()?;
    let ask = AdjustShop { shop, amount, remark, admin: admin.id };
    let ctx = key.bind(&app, &admin, &body);
    let done = adjust_shop(&app, &ctx, &ask).await?;
    Ok(Reply::ok(Record::from(first_record(&done.answer)?)).replayed(done.replayed))
}
