//! Budgets of programmes for the operator (R10.4).

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use shared::account::view::Admin;
use shared::app::App;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::view::Amount;
use shared::operations::budget::{BudgetUse, uses};
use shared::operations::model::budget::Programme;
use utoipa::ToSchema;

/// A programme's budget for the current month.
#[derive(Debug, Serialize, ToSchema)]
pub struct Budget {
    /// Programme: `referral`, `promotion` or `affiliate`.
    pub programme: Programme,
    /// The month, in UTC, as `2026-11`.
    pub month: String,
    /// The most that it grants in the month, in ledger currency; null for no limit.
    pub budget: Option<Amount>,
    /// Sum of the grants that were taken from it; take-backs are not subtracted.
    pub spent: Amount,
    /// Amount left to grant; null for no limit.
    pub remaining: Option<Amount>,
}

impl From<BudgetUse> for Budget {
    fn from(of: BudgetUse) -> Self {
        Self {
            programme: of.programme,
            month: of.month.strftime("%Y-%m").to_string(),
            budget: of.budget.map(Amount::from),
            spent: of.spent.into(),
            remaining: of.remaining.map(Amount::from),
        }
    }
}

/// Budgets of all programmes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Budgets {
    /// One of each programme.
    pub items: Vec<Budget>,
}

/// Show the budgets of the current month
#[utoipa::path(
    get, path = "/v1/admin/budgets", operation_id = "listBudgets", tag = "admin",
    responses((status = 200, body = Budgets)),
)]
pub async fn budgets(State(app): State<Arc<App>>, _: Admin) -> Result<Reply<Budgets>, Problem> {
    let items = uses(&app).await?.into_iter().map(Budget::from).collect();
    Ok(Reply::ok(Budgets { items }))
}
