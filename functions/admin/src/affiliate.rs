//! The affiliate programme as the operator sees it: commissions and withdrawals (R6.6, R6.7).

use std::sync::Arc;

use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::account::adjust_balance::said;
use shared::account::view::{Admin, AdminSearch, WithdrawalsApprove};
use shared::affiliate::close_withdrawal::{CloseWithdrawal, ClosedBy, close_withdrawal};
use shared::affiliate::model::commission::{self, CommissionState};
use shared::affiliate::model::withdrawal::{self, WithdrawalResolution, WithdrawalState};
use shared::affiliate::reverse_commission::{ReverseCommission, reverse_commission};
use shared::affiliate::view::WithdrawalView;
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::Idempotent;
use shared::edge::page::Listing;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::view::Amount;
use shared::kernel::id::{CommissionId, WithdrawalId};
use shared::kernel::refusal::Refusal;
use shared::operations::search::{self, CommissionFilter, WithdrawalFilter};
use utoipa::{IntoParams, ToSchema};

use super::reason::Reason;
use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::search::{ListParameters, given, user as user_filter};

/// A commission as the operator sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminCommission {
    /// Which.
    pub id: String,
    /// The order that earned it.
    pub order_id: String,
    /// Who gets it.
    pub beneficiary: String,
    /// Whose order it is.
    pub invitee: String,
    /// Which of the invitee's commissions it is.
    pub number: u32,
    /// The order's credit without bonus.
    pub base: Amount,
    /// Which part of it.
    pub rate: String,
    /// What the order earned, before anything was taken back.
    pub amount: Amount,
    /// What is left of it.
    pub left: Amount,
    /// `pending`, `available`, `partially_reversed` or `reversed`.
    pub state: &'static str,
    /// Why an admin took it back.
    pub reason: Option<String>,
    /// From when on it can be withdrawn.
    #[schema(value_type = String, format = DateTime)]
    pub available_at: Timestamp,
    /// When it was earned.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl CsvRow for AdminCommission {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "order_id",
        "beneficiary",
        "invitee",
        "number",
        "base.amount",
        "rate",
        "amount.amount",
        "left.amount",
        "amount.currency",
        "state",
        "reason",
        "available_at",
    ];
}

impl AdminCommission {
    fn of(of: &commission::Commission, now: Timestamp) -> Self {
        Self {
            id: of.id.to_string(),
            order_id: of.order.to_string(),
            beneficiary: of.beneficiary.to_string(),
            invitee: of.invitee.to_string(),
            number: of.number,
            base: of.base.into(),
            rate: of.rate.normalize().to_string(),
            amount: of.amount.into(),
            left: of.left().into(),
            state: of.state(now).as_str(),
            reason: of.denied.clone(),
            available_at: of.available_at,
            created_at: of.created_at,
        }
    }
}

/// Filters of the commissions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Commissions {
    /// `pending`, `available`, `partially_reversed` or `reversed`.
    state: Option<String>,
    /// Of which inviter, by id.
    inviter: Option<String>,
}

/// All commissions
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/admin/commissions", operation_id = "listAllCommissions", tag = "admin",
    security(("bearer" = [])),
    params(Commissions, ListParameters),
    responses(
        (status = 200, content((Listing<AdminCommission> = "application/json"), (String = "text/csv"))),
        (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
pub async fn commissions(
    State(app): State<Arc<App>>,
    search: AdminSearch<Commissions>,
) -> Result<JsonOrCsv<AdminCommission>, Problem> {
    use CommissionState::{Available, PartiallyReversed, Pending, Reversed};
    let all = [Pending, Available, PartiallyReversed, Reversed];
    let state = |text: &str| all.into_iter().find(|state| state.as_str() == text);
    let filter = CommissionFilter {
        beneficiary: user_filter("/inviter", search.filters.inviter.as_deref())?,
        state: given("/state", search.filters.state.as_deref(), state)?,
    };
    let page = search::commissions(&app, &filter, &search.window).await?;
    let now = app.clock.now();
    Ok(search.found(&app, page, |of| AdminCommission::of(&of, now)))
}

/// Take a commission back for good
///
/// What was withdrawn of it is owed by later commissions.
#[utoipa::path(
    post, path = "/v1/admin/commissions/{id}/reverse", operation_id = "reverseCommission", tag = "admin",
    security(("bearer" = [])), request_body = Reason,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 200, body = AdminCommission), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
pub async fn reverse(
    State(app): State<Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    key: Idempotent,
    body: Body<Reason>,
) -> Result<Reply<AdminCommission>, Problem> {
    let commission = CommissionId::parse(&id).ok_or(Refusal::NotFound)?;
    let reason = body.value.read()?;
    let bound = json!({"id": id, "reason": reason});
    let ctx = key.bind(&app, &admin.id.to_string(), &bound);
    let done = reverse_commission(&app, &ctx, &ReverseCommission { commission, reason, admin: admin.id }).await?;
    Ok(Reply::ok(AdminCommission::of(&done.answer, app.clock.now())).replayed(done.replayed))
}

/// A withdrawal as the operator sees it: with everything that is needed to pay it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminWithdrawal {
    /// Which.
    pub id: String,
    /// Whose.
    pub user: String,
    /// How much.
    pub amount: Amount,
    /// `balance` or `cash`.
    pub to: &'static str,
    /// `done`, `requested`, `paid`, `rejected` or `cancelled`.
    pub state: &'static str,
    /// Where cash goes.
    pub payout: Option<AdminPayout>,
    /// The reference of the payment.
    pub reference: Option<String>,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it came to its end.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub settled_at: Option<Timestamp>,
}

/// Where cash goes.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminPayout {
    /// By which method.
    pub method: String,
    /// The payout account there.
    pub account: String,
    /// Its owner's name.
    pub name: Option<String>,
}

impl CsvRow for AdminWithdrawal {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "user",
        "amount.amount",
        "amount.currency",
        "to",
        "state",
        "payout.method",
        "payout.account",
        "payout.name",
        "reference",
        "reason",
        "settled_at",
    ];
}

impl From<withdrawal::Withdrawal> for AdminWithdrawal {
    fn from(of: withdrawal::Withdrawal) -> Self {
        let payout = |of: withdrawal::Payout| AdminPayout { method: of.method, account: of.account, name: of.name };
        Self {
            id: of.id.to_string(),
            user: of.user.to_string(),
            amount: of.amount.into(),
            to: of.to.as_str(),
            state: of.state.as_str(),
            payout: of.payout.map(payout),
            reference: of.reference,
            reason: of.reason,
            created_at: of.created_at,
            settled_at: of.settled_at,
        }
    }
}

/// Filters of the withdrawals.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Withdrawals {
    /// `done`, `requested`, `paid`, `rejected` or `cancelled`.
    state: Option<String>,
    /// Whose, by id.
    user: Option<String>,
}

/// All withdrawals
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/admin/withdrawals", operation_id = "listAllWithdrawals", tag = "admin",
    security(("bearer" = [])),
    params(Withdrawals, ListParameters),
    responses(
        (status = 200, content((Listing<AdminWithdrawal> = "application/json"), (String = "text/csv"))),
        (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
pub async fn withdrawals(
    State(app): State<Arc<App>>,
    search: AdminSearch<Withdrawals, WithdrawalsApprove>,
) -> Result<JsonOrCsv<AdminWithdrawal>, Problem> {
    let filter = WithdrawalFilter {
        user: user_filter("/user", search.filters.user.as_deref())?,
        state: given("/state", search.filters.state.as_deref(), WithdrawalState::parse)?,
    };
    let page = search::withdrawals(&app, &filter, &search.window).await?;
    Ok(search.found(&app, page, AdminWithdrawal::from))
}

/// What shows that a withdrawal was paid.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The bank's or the wallet's reference.
    #[schema(example = "SEPA 2026-11-20 0017")]
    reference: String,
}

/// Say that a cash withdrawal was paid
#[utoipa::path(
    post, path = "/v1/admin/withdrawals/{id}/approve", operation_id = "approveWithdrawal", tag = "admin",
    security(("bearer" = [])), request_body = Reference,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 200, body = WithdrawalView), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "`withdrawal_closed`", body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
pub async fn approve(
    State(app): State<Arc<App>>,
    admin: Admin<WithdrawalsApprove>,
    Path(id): Path<String>,
    key: Idempotent,
    body: Body<Reference>,
) -> Result<Reply<WithdrawalView>, Problem> {
    let reference = said("/reference", &body.value.reference).map_err(Refusal::from)?;
    settle(&app, &admin, &id, &key, WithdrawalResolution::Paid(reference)).await
}

/// Reject a cash withdrawal
///
/// Its amount is available again.
#[utoipa::path(
    post, path = "/v1/admin/withdrawals/{id}/reject", operation_id = "rejectWithdrawal", tag = "admin",
    security(("bearer" = [])), request_body = Reason,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 200, body = WithdrawalView), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "`withdrawal_closed`", body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
pub async fn reject(
    State(app): State<Arc<App>>,
    admin: Admin<WithdrawalsApprove>,
    Path(id): Path<String>,
    key: Idempotent,
    body: Body<Reason>,
) -> Result<Reply<WithdrawalView>, Problem> {
    let reason = body.value.read()?;
    settle(&app, &admin, &id, &key, WithdrawalResolution::Rejected(reason)).await
}

async fn settle(
    app: &App,
    admin: &Admin<WithdrawalsApprove>,
    id: &str,
    key: &Idempotent,
    verdict: WithdrawalResolution,
) -> Result<Reply<WithdrawalView>, Problem> {
    let withdrawal = WithdrawalId::parse(id).ok_or(Refusal::NotFound)?;
    let said = match &verdict {
        WithdrawalResolution::Paid(said) | WithdrawalResolution::Rejected(said) => said.as_str(),
        WithdrawalResolution::Cancelled => "",
    };
    let ctx = key.bind(app, &admin.id.to_string(), &json!({"id": id, "said": said}));
    let done =
        close_withdrawal(app, &ctx, &CloseWithdrawal { withdrawal, verdict, who: ClosedBy::Admin(admin.id) }).await?;
    Ok(Reply::ok(done.answer.into()).replayed(done.replayed))
}
