//! The affiliate programme for the operator: commissions and withdrawals (R6.6, R6.7).

use shared::affiliate::model::withdrawal::Destination;
use shared::kernel::id::{OrderId, ShopId, UserId};
use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::{said, signed_amount};
use shared::account::view::{Admin, AdminSearch, Dangerous, WithdrawalsApprove};
use shared::affiliate::close_withdrawal::{CloseWithdrawal, ClosedBy, close_withdrawal};
use shared::affiliate::model::commission::{self, CommissionState};
use shared::affiliate::model::withdrawal::{self, WithdrawalResolution, WithdrawalState};
use shared::affiliate::payout_account;
use shared::affiliate::post_commission::{PostCommission, post_commission};
use shared::affiliate::release_commission::{ReleaseCommission, release_commission};
use shared::affiliate::reverse_commission::{ReverseCommission, reverse_commission};
use shared::affiliate::view::WithdrawalView;
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::{Idempotent, RequiresIdempotencyKey};
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::view::Amount;
use shared::kernel::id::{CommissionId, PayoutBatchId, WithdrawalId};
use shared::kernel::refusal::{Refusal, code};
use shared::operations::model::budget::HoldReason;
use shared::operations::search::{self, CommissionFilter, WithdrawalFilter};
use shared::table::context::Ctx;
use utoipa::{IntoParams, ToSchema};

use super::reason::Reason;
use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::search::{named, user as user_filter};

/// A commission for the operator.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminCommission {
    /// Id of the commission.
    pub id: CommissionId,
    /// Id of the order that accrued it; null for one posted without an order.
    pub order_id: Option<OrderId>,
    /// Id of the inviter who receives it.
    pub beneficiary: UserId,
    /// Id of the invitee who made the order; null without an order.
    pub invitee: Option<UserId>,
    /// Id of the admin who posted it; null for one that an order accrued.
    pub posted_by: Option<UserId>,
    /// Reason why an admin posted it.
    pub posted_for: Option<String>,
    /// True for the second level: the order's user was invited by an invitee of the beneficiary.
    pub second_level: bool,
    /// Number of this commission among those of the invitee; 0 for one posted by an admin.
    pub number: u32,
    /// Basis of the commission: the order's credit without bonus, in ledger currency.
    pub base: Amount,
    /// Commission rate: the part of the basis, 0 to 1.
    pub rate: String,
    /// Amount accrued, before reversals; in ledger currency. Below zero only when posted by an admin.
    pub amount: Amount,
    /// Amount remaining after reversals, in ledger currency.
    pub remaining: Amount,
    /// State: `pending`, `available`, `partially_reversed`, `reversed` or `held`.
    pub state: CommissionState,
    /// Reason for holding it: `blocked`, `budget` or `risk`; null if it is not held.
    pub hold: Option<HoldReason>,
    /// Reason why an admin reversed it.
    pub reason: Option<String>,
    /// End of the hold: the time from which it can be withdrawn.
    #[schema(value_type = String, format = DateTime)]
    pub available_at: Timestamp,
    /// Time of accrual.
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
        "second_level",
        "number",
        "base.amount",
        "rate",
        "amount.amount",
        "remaining.amount",
        "amount.currency",
        "state",
        "hold",
        "reason",
        "available_at",
        "posted_by",
        "posted_for",
    ];
}

impl AdminCommission {
    fn of(of: &commission::Commission, now: Timestamp) -> Self {
        Self {
            id: of.id,
            order_id: of.about(),
            beneficiary: of.beneficiary,
            invitee: of.payer(),
            posted_by: of.posted.as_ref().map(|posted| posted.admin),
            posted_for: of.posted.as_ref().map(|posted| posted.reason.clone()),
            second_level: of.second_of.is_some(),
            number: of.number,
            base: of.base.into(),
            rate: of.rate.normalize().to_string(),
            amount: of.amount.into(),
            remaining: of.left().into(),
            state: of.state(now),
            hold: of.hold().filter(|_| of.denied.is_none()),
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
    /// State: `pending`, `available`, `partially_reversed`, `reversed` or `held`.
    #[param(inline, value_type = Option<CommissionState>)]
    state: Option<String>,
    /// Id of the inviter.
    #[param(inline, value_type = Option<UserId>)]
    inviter: Option<String>,
}

/// List commissions
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/admin/commissions", operation_id = "listAllCommissions", tag = "admin",
    responses((status = 200, content((Listing<AdminCommission> = "application/json"), (String = "text/csv")))),
)]
pub async fn commissions(
    State(app): State<Arc<App>>,
    search: AdminSearch<Commissions>,
) -> Result<JsonOrCsv<AdminCommission>, Problem> {
    let filter = CommissionFilter {
        beneficiary: user_filter("/inviter", search.filters.inviter.as_deref())?,
        state: named("/state", search.filters.state.as_deref())?,
    };
    let page = search.rows(async |window| search::commissions(&app, &filter, &window).await).await?;
    let now = app.clock.now();
    Ok(search.found(&app, page, |of| AdminCommission::of(&of, now)))
}

/// Commission to post by hand.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCommission {
    /// Id of the user who gets it, or gives it back.
    user_id: UserId,
    /// Amount in ledger currency: above zero to give, below zero to take back.
    #[schema(example = "12.5")]
    amount: String,
    /// Reason, 1 to 500 characters; the user reads it, too.
    #[schema(example = "a campaign of November")]
    reason: String,
    /// Id of the order or purchase that it is about.
    order_id: Option<OrderId>,
}

/// Post a commission by hand
///
/// An entry like any other: an amount above zero is held for the programme's hold time and counts in its budget; one below zero takes
/// from what is available, and the rest becomes debt.
#[utoipa::path(
    post, path = "/v1/admin/commissions", operation_id = "postCommission", tag = "admin",
    responses((status = 201, body = AdminCommission), code::AccountErased),
)]
pub async fn post(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    key: RequiresIdempotencyKey,
    body: Body<NewCommission>,
) -> Result<Reply<AdminCommission>, Problem> {
    let NewCommission { user_id, amount, reason, order_id } = &body.value;
    let (amount, reason) = match (signed_amount("/amount", amount), said("/reason", reason)) {
        (Ok(amount), Ok(reason)) => (amount, reason),
        (amount, reason) => {
            let errors = [amount.err(), reason.err()].into_iter().flatten().collect();
            return Err(Refusal::Invalid(errors).into());
        }
    };
    let ctx = key.bind(&app, &admin, &body);
    let ask = PostCommission { user: *user_id, amount, reason, order: *order_id, admin: admin.id };
    let done = post_commission(&app, &ctx, &ask).await?;
    Ok(Reply::created(AdminCommission::of(&done.answer, app.clock.now())).replayed(done.replayed))
}

/// Reverse a commission permanently
///
/// A part already withdrawn becomes debt, recovered from later commissions.
#[utoipa::path(
    post, path = "/v1/admin/commissions/{id}/reverse", operation_id = "reverseCommission", tag = "admin",
    responses((status = 200, body = AdminCommission)),
)]
pub async fn reverse(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(commission): Id<CommissionId>,
    key: Idempotent,
    body: Body<Reason>,
) -> Result<Reply<AdminCommission>, Problem> {
    let reason = body.value.read()?;
    let ctx = key.bind(&app, &admin, &body);
    let done = reverse_commission(&app, &ctx, &ReverseCommission { commission, reason, admin: admin.id }).await?;
    Ok(Reply::ok(AdminCommission::of(&done.answer, app.clock.now())).replayed(done.replayed))
}

/// Release a commission that exceeds the budget or is held for a case
///
/// It is taken from the current month's budget. It is available if its hold time is over, else when that ends.
#[utoipa::path(
    post, path = "/v1/admin/commissions/{id}/release", operation_id = "releaseCommission", tag = "admin",
    responses((status = 200, body = AdminCommission), code::NotHeld, code::BudgetExceeded),
)]
pub async fn release(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(commission): Id<CommissionId>,
    key: Idempotent,
    body: Body<Reason>,
) -> Result<Reply<AdminCommission>, Problem> {
    let reason = body.value.read()?;
    let ctx = key.bind(&app, &admin, &body);
    let done = release_commission(&app, &ctx, &ReleaseCommission { commission, reason, admin: admin.id }).await?;
    Ok(Reply::ok(AdminCommission::of(&done.answer, app.clock.now())).replayed(done.replayed))
}

/// A withdrawal for the operator, with the payout details.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminWithdrawal {
    /// Id of the withdrawal.
    pub id: WithdrawalId,
    /// Id of the user; of the agent who asked, for a shop.
    pub user: UserId,
    /// Id of the shop whose commission it is; null for a user's own.
    pub shop_id: Option<ShopId>,
    /// Amount, in ledger currency; in agency currency for a shop.
    pub amount: Amount,
    /// Destination: `balance` or `cash`.
    pub to: Destination,
    /// State: `done`, `requested`, `paid`, `rejected` or `cancelled`.
    pub state: WithdrawalState,
    /// Payout account of a cash withdrawal.
    pub payout: Option<AdminPayout>,
    /// True if another user asked for cash on the same payout account, however it was spelt.
    pub shared_account: bool,
    /// Id of the payout batch that it is in, or was paid or rejected in; null without one.
    pub batch_id: Option<PayoutBatchId>,
    /// First of two approvals; null without one.
    pub first_approval: Option<WithdrawalApproval>,
    /// Reference of the payment.
    pub reference: Option<String>,
    /// Reason why it was rejected.
    pub reason: Option<String>,
    /// Time of the request.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Time it was completed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub settled_at: Option<Timestamp>,
}

/// First of two approvals of a cash withdrawal; another admin has to approve it, too, before it is paid.
#[derive(Debug, Serialize, ToSchema)]
pub struct WithdrawalApproval {
    /// Id of the admin.
    pub admin: UserId,
    /// Payment reference that the admin gave.
    pub reference: String,
    /// Time of the approval.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// Payout account of a cash withdrawal.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminPayout {
    /// Payout method.
    pub method: String,
    /// Account at the payout method.
    pub account: String,
    /// Name of the account's owner.
    pub name: Option<String>,
}

impl CsvRow for AdminWithdrawal {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "user",
        "shop_id",
        "amount.amount",
        "amount.currency",
        "to",
        "state",
        "payout.method",
        "payout.account",
        "payout.name",
        "shared_account",
        "batch_id",
        "first_approval.admin",
        "first_approval.at",
        "reference",
        "reason",
        "settled_at",
    ];
}

impl AdminWithdrawal {
    fn of(of: withdrawal::Withdrawal, shared_account: bool) -> Self {
        let payout = |of: withdrawal::Payout| AdminPayout { method: of.method, account: of.account, name: of.name };
        Self {
            id: of.id,
            user: of.user,
            shop_id: of.shop,
            amount: of.amount.into(),
            to: of.to,
            state: of.state,
            payout: of.payout.map(payout),
            shared_account,
            batch_id: of.batch,
            first_approval: of.first_approval.map(|first| WithdrawalApproval {
                admin: first.admin,
                reference: first.reference,
                at: first.at,
            }),
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
    /// State: `done`, `requested`, `paid`, `rejected` or `cancelled`.
    #[param(inline, value_type = Option<WithdrawalState>)]
    state: Option<String>,
    /// Id of the user, for withdrawals of the user's own commission.
    #[param(inline, value_type = Option<UserId>)]
    user: Option<String>,
    /// Id of the shop, for withdrawals of its commission.
    #[param(inline, value_type = Option<ShopId>)]
    shop: Option<String>,
}

/// List withdrawals
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/admin/withdrawals", operation_id = "listAllWithdrawals", tag = "admin",
    responses((status = 200, content((Listing<AdminWithdrawal> = "application/json"), (String = "text/csv")))),
)]
pub async fn withdrawals(
    State(app): State<Arc<App>>,
    search: AdminSearch<Withdrawals, WithdrawalsApprove>,
) -> Result<JsonOrCsv<AdminWithdrawal>, Problem> {
    let filter = WithdrawalFilter {
        user: user_filter("/user", search.filters.user.as_deref())?,
        shop: named("/shop", search.filters.shop.as_deref())?,
        state: named("/state", search.filters.state.as_deref())?,
    };
    let page = search.rows(async |window| search::withdrawals(&app, &filter, &window).await).await?;
    let shared = payout_account::shared(&app, &page.items).await?;
    Ok(search.found(&app, page, |of| {
        let is_shared = shared.contains(&of.id);
        AdminWithdrawal::of(of, is_shared)
    }))
}

/// Evidence that a withdrawal was paid.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Payment reference of the bank or wallet.
    #[schema(example = "SEPA 2026-11-20 0017")]
    reference: String,
}

/// Mark a cash withdrawal as paid
///
/// Above `affiliate.second_approval_above` the first approval is recorded and the withdrawal stays `requested`, with
/// `awaits_second_approval`. The approval of another admin then pays it, with that admin's reference. Until then it can be rejected
/// by any admin and cancelled by its user. One in a payout batch is paid with its batch.
#[utoipa::path(
    post, path = "/v1/admin/withdrawals/{id}/approve", operation_id = "approveWithdrawal", tag = "admin",
    responses((status = 200, body = WithdrawalView), code::WithdrawalClosed, code::SecondAdminRequired, code::WithdrawalInBatch),
)]
pub async fn approve(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous<WithdrawalsApprove>>,
    Id(withdrawal): Id<WithdrawalId>,
    key: Idempotent,
    body: Body<Reference>,
) -> Result<Reply<WithdrawalView>, Problem> {
    let reference = said("/reference", &body.value.reference).map_err(Refusal::from)?;
    let ctx = key.bind(&app, &admin, &body);
    close(&app, &ctx, &admin, withdrawal, WithdrawalResolution::Paid(reference)).await
}

/// Reject a cash withdrawal
///
/// Its amount becomes available again, and pays the debt of its account first. One in a payout batch ends with its batch.
#[utoipa::path(
    post, path = "/v1/admin/withdrawals/{id}/reject", operation_id = "rejectWithdrawal", tag = "admin",
    responses((status = 200, body = WithdrawalView), code::WithdrawalClosed, code::WithdrawalInBatch),
)]
pub async fn reject(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous<WithdrawalsApprove>>,
    Id(withdrawal): Id<WithdrawalId>,
    key: Idempotent,
    body: Body<Reason>,
) -> Result<Reply<WithdrawalView>, Problem> {
    let reason = body.value.read()?;
    let ctx = key.bind(&app, &admin, &body);
    close(&app, &ctx, &admin, withdrawal, WithdrawalResolution::Rejected(reason)).await
}

async fn close(
    app: &App,
    ctx: &Ctx,
    admin: &Admin<Dangerous<WithdrawalsApprove>>,
    withdrawal: WithdrawalId,
    verdict: WithdrawalResolution,
) -> Result<Reply<WithdrawalView>, Problem> {
    let close = CloseWithdrawal { withdrawal, verdict, who: ClosedBy::Admin(admin.id) };
    let done = close_withdrawal(app, ctx, &close).await?;
    Ok(Reply::ok(done.answer.into()).replayed(done.replayed))
}
