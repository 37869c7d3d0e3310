//! Refunds that the operator's staff asks for (R4.11).

use std::sync::Arc;

use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::json;
use shared::account::adjust_balance::said;
use shared::account::view::{Admin, OrdersRefund};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::{Idempotent, RequiresIdempotencyKey};
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::RefundId;
use shared::kernel::refusal::Refusal;
use shared::payment::confirm_refund::{ConfirmRefund, confirm_refund};
use shared::payment::model::order::Order;
use shared::payment::model::refund::RefundLine;
use shared::payment::payments_of::payments_of;
use shared::payment::refund_order::{RefundOrder, Requested, refund_order};
use shared::payment::view::RefundView;
use utoipa::ToSchema;

use super::order::named;

/// What is to be given back, or was.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundAsk {
    /// How much, in pay currency; all that is left, or was asked for, if absent. In a confirmation `0` says that the refund was not
    /// made.
    amount: Option<String>,
    /// Why, 1 to 500 characters.
    reason: String,
}

impl RefundAsk {
    fn said(&self) -> Result<String, Refusal> {
        said("/reason", &self.reason).map_err(Refusal::from)
    }
}

/// Give money of an order back
///
/// Asks its provider, once: repeated with its key the request goes on where it stopped. The ledger follows what the provider says.
#[utoipa::path(
    post, path = "/v1/admin/payment/orders/{id}/refunds", operation_id = "refundOrder", tag = "admin",
    security(("bearer" = [])), request_body = RefundAsk,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses(
        (status = 201, body = RefundView), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "`nothing_to_refund`", body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
pub async fn refund(
    State(app): State<Arc<App>>,
    admin: Admin<OrdersRefund>,
    Path(id): Path<String>,
    key: RequiresIdempotencyKey,
    body: Body<RefundAsk>,
) -> Result<Reply<RefundView>, Problem> {
    let (order, reason) = (named(&id)?, body.value.said()?);
    let bound = json!({"order": id, "body": body.raw});
    let ctx = key.bind(&app, &admin.id.to_string(), &bound);
    let ask = RefundOrder { order, amount: body.value.amount, reason, admin: admin.id };
    let done = refund_order(&app, &ctx, &ask).await?;
    Ok(Reply::created(shown(&app, done.answer).await?).replayed(done.replayed))
}

/// Say how a refund ended
///
/// For a gateway that did not: somebody has looked there. Of a Stripe order it asks Stripe again.
#[utoipa::path(
    post, path = "/v1/admin/payment/orders/{id}/refunds/{refund_id}/confirm", operation_id = "confirmRefund",
    tag = "admin", security(("bearer" = [])), request_body = RefundAsk,
    params(("id" = String, Path), ("refund_id" = String, Path)),
    responses(
        (status = 200, body = RefundView), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "`refund_closed`", body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
pub async fn confirm(
    State(app): State<Arc<App>>,
    admin: Admin<OrdersRefund>,
    Path((id, refund)): Path<(String, String)>,
    key: Idempotent,
    body: Body<RefundAsk>,
) -> Result<Reply<RefundView>, Problem> {
    let (order, refund, reason) = (named(&id)?, asked(&refund)?, body.value.said()?);
    let bound = json!({"order": id, "refund": refund, "body": body.raw});
    let ctx = key.bind(&app, &admin.id.to_string(), &bound);
    let ask = ConfirmRefund { order, refund, amount: body.value.amount, reason, admin: admin.id };
    let done = confirm_refund(&app, &ctx, &ask).await?;
    Ok(Reply::ok(shown(&app, done.answer).await?).replayed(done.replayed))
}

fn asked(id: &str) -> Result<RefundId, Refusal> {
    RefundId::parse(id).ok_or(Refusal::NotFound)
}

/// The refund as it stands now.
async fn shown(app: &App, of: Requested) -> Result<RefundView, Error> {
    let gone = || Fault::bug("a refund that was there is not");
    let order = app.store.get::<Order>(&Order::key(of.order)).await?.ok_or_else(gone)?;
    let payments = payments_of(app, [&*order]).await?;
    let lines: Vec<RefundLine> = payments.get(&of.order).map(|p| p.refund_lines()).unwrap_or_default();
    let line = lines.into_iter().find(|line| line.id == of.refund.to_string());
    Ok(line.ok_or_else(gone)?.into())
}
