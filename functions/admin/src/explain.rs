//! Explanation of an order (R9.3).

use shared::payment::model::order::OrderStatus;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use shared::account::view::{Admin, OrdersRead};
use shared::app::App;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::id::OrderId;
use shared::kernel::refusal::Refusal;
use shared::operations::explain::facts;
use shared::operations::view::Decision;
use utoipa::ToSchema;

/// Decisions about an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    /// Id of the order.
    pub order_id: OrderId,
    /// State of the order.
    pub status: OrderStatus,
    /// Decisions, in the order in which they are taken.
    pub decisions: Vec<Decision>,
}

/// Explain an order
///
/// Derived from stored data: price, credit, tier, bonus, rewards and commission, each with the reason why it was granted or not.
#[utoipa::path(
    get, path = "/v1/admin/payment/orders/{id}/explain", operation_id = "explainOrder", tag = "admin",
    responses((status = 200, body = Explanation)),
)]
pub async fn explain(
    State(app): State<Arc<App>>,
    _: Admin<OrdersRead>,
    Id(id): Id<OrderId>,
) -> Result<Reply<Explanation>, Problem> {
    let facts = facts(&app, id).await?.ok_or(Refusal::NotFound)?;
    let decisions = facts.explain()?.into_iter().map(Decision::from).collect();
    Ok(Reply::ok(Explanation { order_id: id, status: facts.order.status, decisions }))
}
