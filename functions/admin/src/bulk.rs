//! Acts of admins on several commissions or withdrawals (R6.8).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::said;
use shared::account::view::{Admin, Dangerous, WithdrawalsApprove};
use shared::affiliate::close_withdrawal::{CloseWithdrawal, ClosedBy, close_withdrawal};
use shared::affiliate::in_bulk::{BulkOutcome, TOGETHER, each};
use shared::affiliate::model::withdrawal::WithdrawalResolution;
use shared::affiliate::release_commission::{ReleaseCommission, release_commission};
use shared::affiliate::reverse_commission::{ReverseCommission, reverse_commission};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::forms::Outcome as Next;
use shared::edge::idempotency::RequiresIdempotencyKey;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::fault::Error;
use shared::kernel::id::{CommissionId, WithdrawalId};
use shared::kernel::refusal::Refusal;
use shared::table::context::Ctx;
use shared::table::execute::Answered;
use utoipa::ToSchema;

/// Several commissions, and a reason.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeveralCommissions {
    /// Ids of the commissions, 1 to 100, each once.
    #[schema(min_items = 1, max_items = 100)]
    ids: Vec<CommissionId>,
    /// Reason, for people to read, 1 to 500 characters.
    #[schema(example = "their own accounts")]
    reason: String,
}

/// Several withdrawals, and the evidence of their payment.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaidWithdrawals {
    /// Ids of the withdrawals, 1 to 100, each once.
    #[schema(min_items = 1, max_items = 100)]
    ids: Vec<WithdrawalId>,
    /// Payment reference of the bank or wallet, 1 to 500 characters.
    #[schema(example = "SEPA 2026-11-20 0017")]
    reference: String,
}

/// Several withdrawals, and the reason of their rejection.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectedWithdrawals {
    /// Ids of the withdrawals, 1 to 100, each once.
    #[schema(min_items = 1, max_items = 100)]
    ids: Vec<WithdrawalId>,
    /// Reason, for people to read, 1 to 500 characters.
    #[schema(example = "unknown accounts")]
    reason: String,
}

/// Outcomes, in the order of the ids.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkOutcomes)]
pub struct Outcomes {
    /// An outcome for each id.
    outcomes: Vec<Outcome>,
}

/// Outcome for one id.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkOutcome)]
pub struct Outcome {
    /// The id.
    id: String,
    /// True if it is done, by this request or an earlier one.
    done: bool,
    /// Code of the refusal, as the route for one of them would answer it; null if it is done.
    refusal: Option<&'static str>,
}

/// Most refused ids that the page afterwards names.
const NAMED: usize = 5;

/// An answer with what a page says of it.
pub(super) type Told = (Extension<Next>, Reply<Outcomes>);

fn told<I: ToString>(done: Answered<Vec<BulkOutcome<I>>>) -> Told {
    let outcomes: Vec<Outcome> = done.answer.iter().map(Outcome::of).collect();
    let refused: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.done).collect();
    let named: Vec<String> = refused.iter().take(NAMED).map(|outcome| outcome.named()).collect();
    let facts = BTreeMap::from([
        ("done".to_owned(), outcomes.len().saturating_sub(refused.len()).to_string()),
        ("refused".to_owned(), refused.len().to_string()),
        ("named".to_owned(), named.join(", ")),
    ]);
    let next = Next { to: None, said: Some(("acted_on_several".to_owned(), facts)) };
    (Extension(next), Reply::ok(Outcomes { outcomes }).replayed(done.replayed))
}

impl Outcome {
    fn of<I: ToString>(of: &BulkOutcome<I>) -> Self {
        Self { id: of.id.to_string(), done: of.refusal.is_none(), refusal: of.refusal.as_ref().map(Refusal::code) }
    }

    fn named(&self) -> String {
        format!("{} ({})", self.id, self.refusal.unwrap_or_default())
    }
}

/// Requires 1 to 100 ids, each once.
fn several<I: Ord>(ids: &[I]) -> Result<(), Refusal> {
    if !(1..=TOGETHER).contains(&ids.len()) {
        return Err(Refusal::field("/ids", "out_of_range", format!("1 to {TOGETHER} ids")));
    }
    let mut known = BTreeSet::new();
    let twice = ids.iter().position(|id| !known.insert(id));
    twice.map_or(Ok(()), |place| Err(Refusal::field(format!("/ids/{place}"), "duplicate", "each id once")))
}

/// Release several commissions that exceed the budget or are held for a case
///
/// Each as the route for one of them would, with an outcome for each. A fault ends the request with 5xx; repeat it with the same key.
#[utoipa::path(
    post, path = "/v1/admin/commissions/release", operation_id = "releaseCommissions", tag = "admin",
    responses((status = 200, body = Outcomes)),
)]
pub async fn release(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    key: RequiresIdempotencyKey,
    body: Body<SeveralCommissions>,
) -> Result<Told, Problem> {
    let (app, reason) = (&app, &said("/reason", &body.value.reason).map_err(Refusal::from)?);
    let ctx = key.bind(app, &admin, &body);
    let by = admin.id;
    all(app, &ctx, &body.value.ids, |ctx, commission| async move {
        let ask = ReleaseCommission { commission, reason: reason.clone(), admin: by };
        release_commission(app, &ctx, &ask).await
    })
    .await
}

/// Reverse several commissions permanently
///
/// Each as the route for one of them would, with an outcome for each. A fault ends the request with 5xx; repeat it with the same key.
#[utoipa::path(
    post, path = "/v1/admin/commissions/reverse", operation_id = "reverseCommissions", tag = "admin",
    responses((status = 200, body = Outcomes)),
)]
pub async fn reverse(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    key: RequiresIdempotencyKey,
    body: Body<SeveralCommissions>,
) -> Result<Told, Problem> {
    let (app, reason) = (&app, &said("/reason", &body.value.reason).map_err(Refusal::from)?);
    let ctx = key.bind(app, &admin, &body);
    let by = admin.id;
    all(app, &ctx, &body.value.ids, |ctx, commission| async move {
        let ask = ReverseCommission { commission, reason: reason.clone(), admin: by };
        reverse_commission(app, &ctx, &ask).await
    })
    .await
}

/// Mark several cash withdrawals as paid
///
/// Each as the route for one of them would, with an outcome for each. One whose first approval this is has the refusal
/// `second_admin_required`: it is recorded, and not paid yet. A fault ends the request with 5xx; repeat it with the same key.
#[utoipa::path(
    post, path = "/v1/admin/withdrawals/approve", operation_id = "approveWithdrawals", tag = "admin",
    responses((status = 200, body = Outcomes)),
)]
pub async fn approve(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous<WithdrawalsApprove>>,
    key: RequiresIdempotencyKey,
    body: Body<PaidWithdrawals>,
) -> Result<Told, Problem> {
    let reference = said("/reference", &body.value.reference).map_err(Refusal::from)?;
    let ctx = key.bind(&app, &admin, &body);
    close_all(&app, &ctx, &body.value.ids, &ClosedBy::Admin(admin.id), &WithdrawalResolution::Paid(reference)).await
}

/// Reject several cash withdrawals
///
/// Each as the route for one of them would, with an outcome for each. A fault ends the request with 5xx; repeat it with the same key.
#[utoipa::path(
    post, path = "/v1/admin/withdrawals/reject", operation_id = "rejectWithdrawals", tag = "admin",
    responses((status = 200, body = Outcomes)),
)]
pub async fn reject(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous<WithdrawalsApprove>>,
    key: RequiresIdempotencyKey,
    body: Body<RejectedWithdrawals>,
) -> Result<Told, Problem> {
    let reason = said("/reason", &body.value.reason).map_err(Refusal::from)?;
    let ctx = key.bind(&app, &admin, &body);
    close_all(&app, &ctx, &body.value.ids, &ClosedBy::Admin(admin.id), &WithdrawalResolution::Rejected(reason)).await
}

/// Closes each of the withdrawals; one whose first approval this is has the refusal `second_admin_required`.
pub(super) async fn close_all(
    app: &App,
    ctx: &Ctx,
    ids: &[WithdrawalId],
    who: &ClosedBy,
    verdict: &WithdrawalResolution,
) -> Result<Told, Problem> {
    all(app, ctx, ids, |ctx, withdrawal| async move {
        let close = CloseWithdrawal { withdrawal, verdict: verdict.clone(), who: who.clone() };
        let done = close_withdrawal(app, &ctx, &close).await?;
        if done.answer.awaits_second_approval { Err(Refusal::SecondAdminRequired.into()) } else { Ok(done) }
    })
    .await
}

/// Acts on each of the ids, and tells what came of it.
pub(super) async fn all<I: Copy + Ord + ToString, T, W: Future<Output = Result<Answered<T>, Error>>>(
    app: &App,
    ctx: &Ctx,
    ids: &[I],
    act: impl Fn(Ctx, I) -> W,
) -> Result<Told, Problem> {
    several(ids)?;
    Ok(told(each(app, ctx, ids, act).await?))
}
