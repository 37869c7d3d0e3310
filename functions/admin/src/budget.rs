//! Budgets of programmes for the operator (R10.4).

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use shared::account::view::Admin;
use shared::app::App;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::view::Amount;
use shared::kernel::month::Month;
use shared::operations::budget::use_of;
use shared::operations::model::budget::BudgetedProgramme;
use utoipa::ToSchema;

/// A programme's budget for the current month.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BudgetOfMonth)]
pub struct Budget {
    /// Programme: `referral`, `promotion` or `affiliate`.
    pub programme: BudgetedProgramme,
    /// The month, in UTC, as `2026-11`.
    pub month: String,
    /// The most that it grants in the month, in ledger currency; null for no limit.
    pub budget: Option<Amount>,
    /// Sum of the grants that were taken from it; take-backs are not subtracted. Null without a budget.
    pub spent: Option<Amount>,
    /// Amount left to grant; null without a budget.
    pub remaining: Option<Amount>,
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
    let month = Month::of(app.clock.now()).to_string();
    let [first, second, third] = BudgetedProgramme::ALL.map(|programme| use_of(&app, programme));
    let (first, second, third) = tokio::try_join!(first, second, third)?;
    let items = BudgetedProgramme::ALL.into_iter().zip([first, second, third]).map(|(programme, of)| Budget {
        programme,
        month: month.clone(),
        budget: of.map(|of| of.budget.amount.into()),
        spent: of.map(|of| of.spent.into()),
        remaining: of.map(|of| of.remaining.into()),
    });
    Ok(Reply::ok(Budgets { items: items.collect() }))
}
