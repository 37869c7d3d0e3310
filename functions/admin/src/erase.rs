//! Erasure of a user's personal data.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::said;
use shared::account::erase::{self as verb, Erase};
use shared::account::view::{Admin, Dangerous};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::Idempotent;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::id::UserId;
use shared::kernel::refusal::{Refusal, code};
use utoipa::ToSchema;

use super::user::AdminUser;

/// Request to erase a user.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Erasure {
    /// Reason, for people to read, 1 to 500 characters.
    #[schema(example = "asked for it")]
    reason: String,
    /// True to erase a user who owes money or is owed some. Without it such a user is not erased, and the refusal has the figures.
    #[serde(default)]
    acknowledge_balance: bool,
    /// The account's e-mail in any spelling, or its id if it has none, to make sure that it is the one meant; not checked if absent.
    confirm: Option<String>,
}

/// Erase a user's personal data
///
/// E-mail, language and login are removed at once. The origin of orders, the payout accounts of withdrawals and the raw provider events
/// follow within moments. Journals, amounts and ids are kept. It can't be undone. A user who owes money or is owed some is erased only
/// with `acknowledge_balance`.
#[utoipa::path(
    post, path = "/v1/admin/users/{id}/erase", operation_id = "eraseUser", tag = "admin",
    responses((status = 200, body = AdminUser), code::WithdrawalOpen, code::BalanceLeft),
)]
pub async fn erase(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(user): Id<UserId>,
    key: Idempotent,
    body: Body<Erasure>,
) -> Result<Reply<AdminUser>, Problem> {
    let reason = said("/reason", &body.value.reason).map_err(Refusal::from)?;
    let ctx = key.bind(&app, &admin, &body);
    let (acknowledge_balance, confirm) = (body.value.acknowledge_balance, body.value.confirm.clone());
    let ask = Erase { user, reason, acknowledge_balance, confirm, admin: admin.id };
    let done = verb::erase(&app, &ctx, &ask).await?;
    Ok(Reply::ok(done.answer.into()).replayed(done.replayed))
}
