//! Explanation of an order (R9.3).

use shared::operations::model::explain::Subject;
use shared::payment::model::order::OrderStatus;
use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use shared::account::view::{Admin, OrdersRead};
use shared::app::App;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::view::Amount;
use shared::kernel::id::OrderId;
use shared::kernel::refusal::Refusal;
use shared::operations::explain::facts;
use shared::operations::model::explain;
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

/// Outcome of one decision.
#[derive(Debug, Serialize, ToSchema)]
pub struct Decision {
    /// Subject of the decision.
    /// One of `price`, `payment`, `credit`, `tier`, `bonus`, `inviter_reward`, `invitee_reward`, `commission`.
    pub subject: Subject,
    /// Outcome in a word: `credited`, `below_threshold`, `already_used`, `limit_reached` …
    pub outcome: &'static str,
    /// Resulting amount, if there is one.
    pub amount: Option<Amount>,
    /// Reason in a sentence, with the numbers used.
    pub because: String,
    /// Time of the decision, if known.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

impl From<explain::Explained> for Decision {
    fn from(of: explain::Explained) -> Self {
        Self {
            subject: of.subject,
            outcome: of.outcome,
            amount: of.amount.map(Amount::from),
            because: of.because,
            at: of.at,
        }
    }
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
