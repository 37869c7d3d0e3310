//! What the operator's staff does to shops beside what agents do (R8.12).

use std::sync::Arc;

use axum::extract::{Path, State};
use serde_json::json;
use shared::account::view::Admin;
use shared::account::view::Record;
use shared::agency::wallets::{AdjustShop, adjust_shop, first_record};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::RequiresIdempotencyKey;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::id::{ShopId, UserId};
use shared::kernel::refusal::Refusal;

use super::user::Adjustment;

/// Adjusts what a shop can spend
///
/// The record shows the amount with its sign. A debit above the balance is refused.
#[utoipa::path(
    post, path = "/v1/admin/shops/{id}/adjustments", operation_id = "adjustShop", tag = "admin",
    security(("bearer" = [])), request_body = Adjustment,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses(
        (status = 200, body = Record), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "`insufficient_balance`", body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
pub async fn adjust(
    State(app): State<Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    key: RequiresIdempotencyKey,
    body: Body<Adjustment>,
) -> Result<Reply<Record>, Problem> {
    let ask = asked(&body.value, &id, admin.id)?;
    let bound = json!({"shop": id, "body": body.raw});
    let ctx = key.bind(&app, &admin.id.to_string(), &bound);
    let done = adjust_shop(&app, &ctx, &ask).await?;
    Ok(Reply::ok(Record::from(first_record(&done.answer)?)).replayed(done.replayed))
}

fn asked(body: &Adjustment, shop: &str, admin: UserId) -> Result<AdjustShop, Refusal> {
    let shop = ShopId::parse(shop).ok_or(Refusal::NotFound)?;
    let (amount, remark) = body.said()?;
    Ok(AdjustShop { shop, amount, remark, admin })
}
