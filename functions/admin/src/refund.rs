//! Refunds requested by the operator's staff (R4.11).

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use shared::account::adjust_balance::said;
use shared::account::view::{Admin, OrdersRefund};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::{Idempotent, RequiresIdempotencyKey};
use shared::edge::path::{Id, Ids};
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::{OrderId, RefundId};
use shared::kernel::refusal::{Refusal, code};
use shared::payment::confirm_refund::{ConfirmRefund, confirm_refund};
use shared::payment::model::order::Order;
use shared::payment::model::refund::RefundLine;
use shared::payment::payments_of::payments_of;
use shared::payment::refund_order::{RefundOrder, Requested, refund_order};
use shared::payment::view::RefundView;
use utoipa::ToSchema;

/// A refund to request or to confirm.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundAsk {
    /// Amount in pay currency.
    /// If absent: all that can be refunded, or the requested amount. In a confirmation, `0` means that no refund was made.
    amount: Option<String>,
    /// Reason, 1 to 500 characters.
    reason: String,
}

impl RefundAsk {
    fn said(&self) -> Result<String, Refusal> {
        said("/reason", &self.reason).map_err(Refusal::from)
    }
}

/// Refund an order
///
/// Requests the refund from the provider once; a retry with the same key resumes it. The ledger follows the provider's result.
#[utoipa::path(
    post, path = "/v1/admin/payment/orders/{id}/refunds", operation_id = "refundOrder", tag = "admin",
    responses((status = 201, body = RefundView), code::NothingToRefund),
)]
pub async fn refund(
    State(app): State<Arc<App>>,
    admin: Admin<OrdersRefund>,
    Id(order): Id<OrderId>,
    key: RequiresIdempotencyKey,
    body: Body<RefundAsk>,
) -> Result<Reply<RefundView>, Problem> {
    let reason = body.value.said()?;
    let ctx = key.bind(&app, &admin, &body);
    let ask = RefundOrder { order, amount: body.value.amount, reason, admin: admin.id };
    let done = refund_order(&app, &ctx, &ask).await?;
    Ok(Reply::created(shown(&app, done.answer).await?).replayed(done.replayed))
}

/// Confirm the result of a refund
///
/// For a gateway that does not report it: the admin has checked there. For a Stripe order, Stripe is polled again.
#[utoipa::path(
    post, path = "/v1/admin/payment/orders/{id}/refunds/{refund_id}/confirm", operation_id = "confirmRefund",
    tag = "admin",
    responses((status = 200, body = RefundView), code::RefundClosed),
)]
pub async fn confirm(
    State(app): State<Arc<App>>,
    admin: Admin<OrdersRefund>,
    Ids(order, refund): Ids<OrderId, RefundId>,
    key: Idempotent,
    body: Body<RefundAsk>,
) -> Result<Reply<RefundView>, Problem> {
    let reason = body.value.said()?;
    let ctx = key.bind(&app, &admin, &body);
    let ask = ConfirmRefund { order, refund, amount: body.value.amount, reason, admin: admin.id };
    let done = confirm_refund(&app, &ctx, &ask).await?;
    Ok(Reply::ok(shown(&app, done.answer).await?).replayed(done.replayed))
}

/// Render the refund in its current state.
async fn shown(app: &App, of: Requested) -> Result<RefundView, Error> {
    let gone = || Fault::bug("a refund that was there is not");
    let order = app.store.get::<Order>(&Order::key(of.order)).await?.ok_or_else(gone)?;
    let payments = payments_of(app, [&*order]).await?;
    let lines: Vec<RefundLine> = payments.get(&of.order).map(|p| p.refund_lines()).unwrap_or_default();
    let line = lines.into_iter().find(|line| line.id == of.refund.to_string());
    Ok(line.ok_or_else(gone)?.into())
}
