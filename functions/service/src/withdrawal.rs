//! Withdrawals of payout batches, whose outcome the operator's backend reports (R6.9).

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::said;
use shared::account::view::{Backend, WithdrawalsSettle};
use shared::affiliate::close_withdrawal::{CloseWithdrawal, ClosedBy, close_withdrawal};
use shared::affiliate::model::withdrawal::{WithdrawalResolution, WithdrawalState};
use shared::affiliate::payout_batches;
use shared::affiliate::view::WithdrawalView;
use shared::affiliate::withdraw::Withdrawn;
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::Idempotent;
use shared::edge::page::Parameters;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::id::{PayoutBatchId, UserId, WithdrawalId};
use shared::kernel::refusal::{FieldError, Refusal, code};
use shared::kernel::text_enum;
use utoipa::{IntoParams, ToSchema};

text_enum! {
    /// Outcome of a payout.
    pub enum PayoutResult {
        /// Paid out.
        Paid = "paid",
        /// Could not be paid.
        Failed = "failed",
    }
}

/// The payout batch whose withdrawals are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OfBatch {
    /// Id of the payout batch.
    #[param(inline, required = true, value_type = PayoutBatchId)]
    batch: Option<String>,
}

/// Withdrawals of a payout batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchWithdrawals)]
pub struct Withdrawals {
    /// In the order of the batch's lines, without those that were dropped.
    items: Vec<BatchWithdrawal>,
}

/// A withdrawal of a payout batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchWithdrawal {
    /// Id of the user; of the agent who asked, for a shop.
    user_id: UserId,
    /// Id of the payment from end to end, as in the files of the batch.
    end_to_end_id: String,
    /// True once it was paid or could not be paid.
    settled: bool,
    /// The withdrawal, with its account masked.
    withdrawal: WithdrawalView,
}

/// List the withdrawals of a payout batch
///
/// In the order of its lines.
#[utoipa::path(
    get, path = "/v1/service/withdrawals", operation_id = "listBatchWithdrawals", tag = "service",
    responses((status = 200, body = Withdrawals), code::NotFound, code::Invalid),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _: Backend<WithdrawalsSettle>,
    Parameters(of): Parameters<OfBatch>,
) -> Result<Reply<Withdrawals>, Problem> {
    let missing = || Refusal::field("/batch", "required", "The id of a payout batch.");
    let batch = of.batch.as_deref().ok_or_else(missing)?;
    let batch = PayoutBatchId::parse(batch).ok_or(Refusal::NotFound)?;
    let read = payout_batches::batch(&app, batch).await?;
    let kept = read.lines().filter(|(_, withdrawal)| withdrawal.batch == Some(batch));
    let items = kept.map(|(line, withdrawal)| BatchWithdrawal {
        user_id: withdrawal.user,
        end_to_end_id: line.end_to_end_id(),
        settled: withdrawal.state != WithdrawalState::Requested,
        withdrawal: Withdrawn::from(withdrawal).into(),
    });
    Ok(Reply::ok(Withdrawals { items: items.collect() }))
}

/// Outcome of the payout of a withdrawal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Settlement {
    /// Outcome: `paid`, with a reference, or `failed`, with a reason.
    #[schema(value_type = PayoutResult)]
    outcome: String,
    /// Payment reference of the bank or wallet, 1 to 500 characters; only with `paid`.
    #[schema(example = "SEPA 2026-11-30 0018")]
    reference: Option<String>,
    /// Reason for the user to read, 1 to 500 characters; only with `failed`.
    #[schema(example = "the account is closed")]
    reason: Option<String>,
}

impl Settlement {
    fn read(&self) -> Result<WithdrawalResolution, Refusal> {
        let outcome = PayoutResult::parse(&self.outcome);
        let outcome = outcome.ok_or_else(|| Refusal::field("/outcome", "one_of", "paid or failed"))?;
        let (reference, reason) = (("/reference", &self.reference), ("/reason", &self.reason));
        let ((pointer, text), (other, extra)) = match outcome {
            PayoutResult::Paid => (reference, reason),
            PayoutResult::Failed => (reason, reference),
        };
        if extra.is_some() {
            return Err(FieldError::new(other, "conflicting", format!("not with {outcome}")).into());
        }
        let text = said(pointer, text.as_deref().unwrap_or_default())?;
        Ok(match outcome {
            PayoutResult::Paid => WithdrawalResolution::Paid(text),
            PayoutResult::Failed => WithdrawalResolution::Rejected(text),
        })
    }
}

/// Report what became of a payout
///
/// For a withdrawal that is in a payout batch, which people made. `paid` is as an admin's approval; `failed` is as a rejection: the
/// amount becomes available again. A repeated report of the same outcome changes nothing.
#[utoipa::path(
    post, path = "/v1/service/withdrawals/{id}/settle", operation_id = "settleWithdrawal", tag = "service",
    responses((status = 200, body = WithdrawalView), code::WithdrawalClosed, code::WithdrawalNotInBatch),
)]
pub(super) async fn settle(
    State(app): State<Arc<App>>,
    backend: Backend<WithdrawalsSettle>,
    Id(withdrawal): Id<WithdrawalId>,
    key: Idempotent,
    body: Body<Settlement>,
) -> Result<Reply<WithdrawalView>, Problem> {
    let verdict = body.value.read()?;
    let ctx = key.bind(&app, &backend, &body);
    let who = ClosedBy::Service(backend.name);
    let done = close_withdrawal(&app, &ctx, &CloseWithdrawal { withdrawal, verdict, who }).await?;
    Ok(Reply::ok(done.answer.into()).replayed(done.replayed))
}
