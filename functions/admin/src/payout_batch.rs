//! Payout batches of cash withdrawals, for the operator (R6.9).

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::said;
use shared::account::view::{Admin, AdminSearch, Dangerous, WithdrawalsApprove};
use shared::affiliate::close_withdrawal::ClosedBy;
use shared::affiliate::drop_payout_batch::{DropPayoutBatch, drop_payout_batch};
use shared::affiliate::make_payout_batch::{Asked, LeftOut, MadePayoutBatch, MakePayoutBatch, make_payout_batch};
use shared::affiliate::model::payout_batch::{
    self, LINES_MAX, LeftOutReason, PayoutBatchState, PayoutEnd, PayoutFormat,
};
use shared::affiliate::model::withdrawal::WithdrawalResolution;
use shared::affiliate::payout_batches::{self, ReadBatch};
use shared::affiliate::view::payout_csv;
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::export::{BOM, CsvParameters, CsvRow, JsonOrCsv};
use shared::edge::idempotency::{Idempotent, RequiresIdempotencyKey};
use shared::edge::page::{Listing, Parameters, Unfiltered};
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::view::Amount;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::{Identifier as _, PayoutBatchId, UserId, WithdrawalId};
use shared::kernel::money::{Currency, MoneyError};
use shared::kernel::month::Month;
use shared::kernel::refusal::{FieldError, Refusal, code};
use shared::kernel::typed;
use utoipa::ToSchema;

use super::bulk::{Outcomes, Told, close_all};
use super::reason::Reason;

/// A batch of cash withdrawals that are paid together.
#[derive(Debug, Serialize, ToSchema)]
pub struct PayoutBatch {
    /// Id of the batch.
    pub id: PayoutBatchId,
    /// Payout method of its withdrawals.
    pub method: String,
    /// File that it was made for: `csv`, or `pain001` for a credit transfer, too.
    pub format: PayoutFormat,
    /// State: `open`, `closed` or `dropped`.
    pub state: PayoutBatchState,
    /// Number of its lines, without those that were dropped.
    pub count: usize,
    /// Sum of these lines.
    pub total: Amount,
    /// Number of lines that are open.
    pub open: usize,
    /// Number of lines that were paid.
    pub paid: usize,
    /// Number of lines that could not be paid.
    pub failed: usize,
    /// Number of lines that were dropped.
    pub dropped: usize,
    /// Id of the admin who made it.
    pub made_by: UserId,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Its lines, the oldest withdrawal first; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lines: Option<Vec<BatchLine>>,
    /// Requested withdrawals that stayed out of it, at most 50; only in the response that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub left_out: Option<Vec<LeftOutWithdrawal>>,
}

impl CsvRow for PayoutBatch {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "method",
        "format",
        "state",
        "count",
        "total.amount",
        "total.currency",
        "open",
        "paid",
        "failed",
        "dropped",
        "made_by",
    ];
}

impl TryFrom<&payout_batch::PayoutBatch> for PayoutBatch {
    type Error = MoneyError;

    fn try_from(of: &payout_batch::PayoutBatch) -> Result<Self, MoneyError> {
        Ok(Self {
            id: of.id,
            method: of.method.clone(),
            format: of.format,
            state: of.state(),
            count: of.kept().count(),
            total: of.total()?.into(),
            open: of.count(None),
            paid: of.count(Some(PayoutEnd::Paid)),
            failed: of.count(Some(PayoutEnd::Failed)),
            dropped: of.count(Some(PayoutEnd::Dropped)),
            made_by: of.made_by,
            created_at: of.created_at,
            lines: None,
            left_out: None,
        })
    }
}

/// A line of a payout batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchLine {
    /// Id of the withdrawal.
    pub withdrawal_id: WithdrawalId,
    /// Id of the user; of the agent who asked, for a shop.
    pub user: UserId,
    /// Amount of the withdrawal.
    pub amount: Amount,
    /// Masked payout account; null once it was erased. It stands in full in the files.
    #[schema(example = "****2051")]
    pub account: Option<String>,
    /// Id of the payment from end to end, as in the files.
    pub end_to_end_id: String,
    /// End of the line: `paid`, `failed` or `dropped`; null while it is open.
    pub end: Option<PayoutEnd>,
    /// Reference of the payment.
    pub reference: Option<String>,
    /// Reason why it could not be paid.
    pub reason: Option<String>,
}

/// A requested withdrawal that stayed out of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeftOutWithdrawal {
    /// Id of the withdrawal.
    pub withdrawal_id: WithdrawalId,
    /// Reason: `needs_first_approval`, `needs_another_admin`, `not_transferable`, `no_iban` or `no_name`.
    pub because: LeftOutReason,
}

impl From<&LeftOut> for LeftOutWithdrawal {
    fn from(of: &LeftOut) -> Self {
        Self { withdrawal_id: of.withdrawal, because: of.reason }
    }
}

impl PayoutBatch {
    /// The batch with its lines.
    fn whole(of: &ReadBatch) -> Result<Self, MoneyError> {
        let lines = of.lines().map(|(line, withdrawal)| {
            let is_here = withdrawal.batch == Some(of.batch.id);
            BatchLine {
                withdrawal_id: line.withdrawal,
                user: withdrawal.user,
                amount: line.amount.into(),
                account: withdrawal.payout.as_ref().map(|payout| payout.masked()),
                end_to_end_id: line.end_to_end_id(),
                end: line.end,
                reference: withdrawal.reference.clone().filter(|_| is_here),
                reason: withdrawal.reason.clone().filter(|_| is_here),
            }
        });
        Ok(Self { lines: Some(lines.collect()), ..Self::try_from(&of.batch)? })
    }
}

/// List payout batches
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/admin/payout-batches", operation_id = "listPayoutBatches", tag = "admin",
    responses((status = 200, content((Listing<PayoutBatch> = "application/json"), (String = "text/csv")))),
)]
pub async fn list(
    State(app): State<Arc<App>>,
    search: AdminSearch<Unfiltered, WithdrawalsApprove>,
) -> Result<JsonOrCsv<PayoutBatch>, Problem> {
    let page = search.rows(async |window| payout_batches::batches(&app, &window).await).await?;
    Ok(search.found(&app, page, |batch| PayoutBatch::try_from(&batch)).whole().map_err(Error::from)?)
}

/// A payout batch to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPayoutBatch {
    /// Payout method of the withdrawals.
    #[schema(example = "bank")]
    method: String,
    /// File that it is made for; `csv` if absent. For `pain001` each account is an IBAN with its owner's name.
    #[schema(value_type = Option<PayoutFormat>)]
    format: Option<String>,
    /// Currency of the withdrawals; the ledger currency if absent.
    #[schema(example = "USD")]
    currency: Option<String>,
    /// Calendar month of the requests, in UTC.
    #[schema(example = "2026-11")]
    month: Option<String>,
    /// Time up to which they were requested, at most a year before; now if absent. Not with a month.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<String>,
    /// Most withdrawals, 1 to 90; 90 if absent.
    limit: Option<i64>,
}

impl NewPayoutBatch {
    fn read(&self, admin: UserId) -> Result<MakePayoutBatch, Refusal> {
        let mut errors: Vec<FieldError> = Vec::new();
        let method = said("/method", &self.method).map_err(|error| errors.push(error)).unwrap_or_default();
        let mut wrong =
            |pointer: &str, code: &'static str, detail: &str| errors.push(FieldError::new(pointer, code, detail));
        let format = self.format.as_deref().map_or(Some(PayoutFormat::Csv), PayoutFormat::parse);
        if format.is_none() {
            wrong("/format", "one_of", "csv or pain001");
        }
        let currency = self.currency.as_deref().map(Currency::parse);
        if currency == Some(None) {
            wrong("/currency", "malformed", "a code of ISO 4217, such as USD");
        }
        let month = self.month.as_deref().map(Month::parse);
        if month == Some(None) {
            wrong("/month", "malformed", "a month, such as 2026-11");
        }
        let until = self.until.as_deref().map(typed::time);
        if until == Some(None) {
            wrong("/until", "malformed", "a time in RFC 3339");
        }
        if month.is_some() && until.is_some() {
            wrong("/until", "conflicting", "a month or a time");
        }
        let limit = self.limit.map_or(Some(LINES_MAX), |limit| usize::try_from(limit).ok());
        let limit = limit.filter(|limit| (1..=LINES_MAX).contains(limit));
        if limit.is_none() {
            wrong("/limit", "out_of_range", "1 to 90");
        }
        Refusal::unless_empty(errors)?;
        let asked = month.flatten().map_or(Asked::Until(until.flatten()), Asked::In);
        let (Some(format), Some(limit)) = (format, limit) else { return Err(Refusal::MalformedRequest) };
        Ok(MakePayoutBatch { method, format, currency: currency.flatten(), asked, limit, admin })
    }
}

/// Make a payout batch
///
/// Gathers the oldest requested cash withdrawals of a payout method that fit, at most 90, in one transaction. While its line is open
/// a withdrawal is paid or rejected by its batch only, and can't be cancelled. Above `affiliate.second_approval_above` making the
/// batch is the second approval. What stays out is named with the reason. The same idempotency key returns the same batch.
#[utoipa::path(
    post, path = "/v1/admin/payout-batches", operation_id = "makePayoutBatch", tag = "admin",
    responses((status = 201, body = PayoutBatch), code::NothingToGather, code::RangeTooLarge),
)]
pub async fn make(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous<WithdrawalsApprove>>,
    key: RequiresIdempotencyKey,
    body: Body<NewPayoutBatch>,
) -> Result<Reply<PayoutBatch>, Problem> {
    let ask = body.value.read(admin.id)?;
    let ctx = key.bind(&app, &admin, &body);
    let done = make_payout_batch(&app, &ctx, &ask).await?;
    let MadePayoutBatch { batch, left_out } = &done.answer;
    let left_out = Some(left_out.iter().map(LeftOutWithdrawal::from).collect());
    let made = PayoutBatch { left_out, ..PayoutBatch::try_from(batch).map_err(Error::from)? };
    Ok(Reply::created(made).replayed(done.replayed))
}

/// Get a payout batch with its lines
#[utoipa::path(
    get, path = "/v1/admin/payout-batches/{id}", operation_id = "getPayoutBatch", tag = "admin",
    responses((status = 200, body = PayoutBatch)),
)]
pub async fn one(
    State(app): State<Arc<App>>,
    _: Admin<WithdrawalsApprove>,
    Id(id): Id<PayoutBatchId>,
) -> Result<Reply<PayoutBatch>, Problem> {
    let read = payout_batches::batch(&app, id).await?;
    Ok(Reply::ok(PayoutBatch::whole(&read).map_err(Error::from)?))
}

/// Get the CSV of a payout batch
///
/// A header and a line for each withdrawal that is in it, with the payout account in full, safe to open in a spreadsheet. The account
/// of an erased user is empty.
#[utoipa::path(
    get, path = "/v1/admin/payout-batches/{id}/file.csv", operation_id = "getPayoutCsv", tag = "admin",
    responses((status = 200, body = String, content_type = "text/csv")),
)]
pub async fn sheet(
    State(app): State<Arc<App>>,
    _: Admin<WithdrawalsApprove>,
    Id(id): Id<PayoutBatchId>,
    Parameters(form): Parameters<CsvParameters>,
) -> Result<Response, Problem> {
    let read = payout_batches::batch(&app, id).await?;
    let sheet = payout_csv(&read.batch, &read.filed());
    let sheet = if form.has_bom() { format!("{BOM}{sheet}") } else { sheet };
    Ok(saved(&format!("{id}.csv"), "text/csv; charset=utf-8", sheet))
}

/// Get the credit transfer of a payout batch
///
/// ISO 20022 pain.001.001.09, from the account `affiliate.payout_debtor_iban`. It is the same whenever it is made, with the batch's id.
#[utoipa::path(
    get, path = "/v1/admin/payout-batches/{id}/file.xml", operation_id = "getPayoutTransfer", tag = "admin",
    responses((status = 200, body = String, content_type = "text/xml"), code::PayoutFileUnavailable),
)]
pub async fn transfer(
    State(app): State<Arc<App>>,
    _: Admin<WithdrawalsApprove>,
    Id(id): Id<PayoutBatchId>,
) -> Result<Response, Problem> {
    let read = payout_batches::batch(&app, id).await?;
    let xml = payout_batches::credit_transfer(&app, &read).await?;
    Ok(saved(&format!("{id}.xml"), "text/xml; charset=utf-8", xml))
}

fn saved(name: &str, kind: &str, text: String) -> Response {
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CACHE_CONTROL, "no-store".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, text).into_response()
}

/// Lines of a batch that were paid.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaidLines {
    /// Payment reference of the bank or wallet, 1 to 500 characters.
    #[schema(example = "SEPA 2026-11-30 0018")]
    reference: String,
    /// Ids of the withdrawals, 1 to 100, each once; every line of the batch if absent.
    #[schema(min_items = 1, max_items = 100)]
    ids: Option<Vec<WithdrawalId>>,
}

/// Lines of a batch that could not be paid.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FailedLines {
    /// Reason, for people to read, 1 to 500 characters.
    #[schema(example = "the account is closed")]
    reason: String,
    /// Ids of the withdrawals, 1 to 100, each once.
    #[schema(min_items = 1, max_items = 100)]
    ids: Vec<WithdrawalId>,
}

/// Mark the lines of a payout batch as paid
///
/// Each in a transaction of its own, with an outcome for each. A fault ends the request with 5xx; repeat it with the same key, and it
/// goes on where it stopped.
#[utoipa::path(
    post, path = "/v1/admin/payout-batches/{id}/close", operation_id = "closePayoutBatch", tag = "admin",
    responses((status = 200, body = Outcomes)),
)]
pub async fn close(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous<WithdrawalsApprove>>,
    Id(batch): Id<PayoutBatchId>,
    key: RequiresIdempotencyKey,
    body: Body<PaidLines>,
) -> Result<Told, Problem> {
    let reference = said("/reference", &body.value.reference).map_err(Refusal::from)?;
    let ctx = key.bind(&app, &admin, &body);
    // Lines never leave the list of a batch, so a repetition has the same ids in the same order.
    let lines = payout_batches::alone(&app, batch).await?.lines;
    let ids = body.value.ids.clone().unwrap_or_else(|| lines.iter().map(|line| line.withdrawal).collect());
    let who = ClosedBy::Batch { admin: admin.id, batch };
    close_all(&app, &ctx, &ids, &who, &WithdrawalResolution::Paid(reference)).await
}

/// Report lines of a payout batch that could not be paid
///
/// Each is rejected with the reason: its amount becomes available again, and pays the debt of its account first.
#[utoipa::path(
    post, path = "/v1/admin/payout-batches/{id}/fail", operation_id = "failPayouts", tag = "admin",
    responses((status = 200, body = Outcomes)),
)]
pub async fn fail(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous<WithdrawalsApprove>>,
    Id(batch): Id<PayoutBatchId>,
    key: RequiresIdempotencyKey,
    body: Body<FailedLines>,
) -> Result<Told, Problem> {
    let reason = said("/reason", &body.value.reason).map_err(Refusal::from)?;
    let ctx = key.bind(&app, &admin, &body);
    payout_batches::alone(&app, batch).await?;
    let who = ClosedBy::Batch { admin: admin.id, batch };
    close_all(&app, &ctx, &body.value.ids, &who, &WithdrawalResolution::Rejected(reason)).await
}

/// Drop a payout batch
///
/// Its open withdrawals are requested as before: they can be paid alone, rejected, cancelled, or gathered again. Lines that were paid or
/// failed stay as they are.
#[utoipa::path(
    post, path = "/v1/admin/payout-batches/{id}/drop", operation_id = "dropPayoutBatch", tag = "admin",
    responses((status = 200, body = PayoutBatch), code::PayoutBatchClosed),
)]
pub async fn drop(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous<WithdrawalsApprove>>,
    Id(batch): Id<PayoutBatchId>,
    key: Idempotent,
    body: Body<Reason>,
) -> Result<Reply<PayoutBatch>, Problem> {
    let reason = body.value.read()?;
    let ctx = key.bind(&app, &admin, &body);
    let done = drop_payout_batch(&app, &ctx, &DropPayoutBatch { batch, reason, admin: admin.id }).await?;
    let dropped = PayoutBatch::try_from(&done.answer).map_err(|error| Error::from(Fault::bug(error)))?;
    Ok(Reply::ok(dropped).replayed(done.replayed))
}
