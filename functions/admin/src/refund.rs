//! Refunds requested by the operator's staff (R4.11).

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use shared::account::adjust_balance::said;
use shared::account::view::{Admin, Dangerous, OrdersRefund};
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
use shared::payment::record_refund::{RecordRefund, record_refund};
use shared::payment::refund_order::{RefundOrder, Requested, refund_order};
use shared::payment::view::RefundView;
use utoipa::ToSchema;

/// A refund to request, or one made elsewhere to record.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundAsk {
    /// Amount in pay currency; if absent, all that can be refunded.
    amount: Option<String>,
    /// Reason, 1 to 500 characters.
    reason: String,
    /// True if the refund was made elsewhere, such as at the gateway's own dashboard: it is recorded, and the provider is not
    /// asked for one.
    #[serde(default)]
    made_elsewhere: bool,
    /// Reference of the refund that was made elsewhere, 1 to 500 characters; at Stripe its id, `re_…`.
    reference: Option<String>,
}

/// Result of a refund as an admin saw it at the gateway.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundConfirmation {
    /// Amount in pay currency; if absent, the requested amount. `0` means that no refund was made.
    amount: Option<String>,
    /// Reason, 1 to 500 characters.
    reason: String,
}

impl RefundAsk {
    /// The reference of a refund that was made elsewhere.
    fn elsewhere(&self) -> Result<Option<String>, Refusal> {
        match (self.made_elsewhere, &self.reference) {
            (false, None) => Ok(None),
            (true, Some(reference)) => said("/reference", reference).map(Some).map_err(Refusal::from),
            (true, None) => Err(Refusal::field("/reference", "required", "The reference of the refund.")),
            (false, Some(_)) => Err(Refusal::field("/reference", "unexpected", "Only with made_elsewhere.")),
        }
    }
}

/// Refund an order
///
/// Requests the refund from the provider once; a retry with the same key resumes it. The ledger follows the provider's result.
/// With `made_elsewhere` a refund is recorded that was made without this API.
#[utoipa::path(
    post, path = "/v1/admin/payment/orders/{id}/refunds", operation_id = "refundOrder", tag = "admin",
    responses((status = 201, body = RefundView), code::NothingToRefund),
)]
pub async fn refund(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous<OrdersRefund>>,
    Id(order): Id<OrderId>,
    key: RequiresIdempotencyKey,
    body: Body<RefundAsk>,
) -> Result<Reply<RefundView>, Problem> {
    let reason = said("/reason", &body.value.reason).map_err(Refusal::from)?;
    let elsewhere = body.value.elsewhere()?;
    let ctx = key.bind(&app, &admin, &body);
    let (amount, admin) = (body.value.amount, admin.id);
    let done = match elsewhere {
        Some(reference) => record_refund(&app, &ctx, &RecordRefund { order, amount, reference, reason, admin }).await?,
        None => refund_order(&app, &ctx, &RefundOrder { order, amount, reason, admin }).await?,
    };
    Ok(Reply::created(shown(&app, done.answer).await?).replayed(done.replayed))
}

/// Confirm the result of a refund
///
/// For a gateway that does not report it: the admin has checked there. One that it refused can be confirmed as made after all.
/// For a Stripe order, Stripe is polled again.
#[utoipa::path(
    post, path = "/v1/admin/payment/orders/{id}/refunds/{refund_id}/confirm", operation_id = "confirmRefund",
    tag = "admin",
    responses((status = 200, body = RefundView), code::RefundClosed),
)]
pub async fn confirm(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous<OrdersRefund>>,
    Ids(order, refund): Ids<OrderId, RefundId>,
    key: Idempotent,
    body: Body<RefundConfirmation>,
) -> Result<Reply<RefundView>, Problem> {
    let reason = said("/reason", &body.value.reason).map_err(Refusal::from)?;
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
