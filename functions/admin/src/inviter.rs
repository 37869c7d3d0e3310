//! Another inviter for an account (R3.12).

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::said;
use shared::account::view::Admin;
use shared::app::App;
use shared::edge;
use shared::edge::body::Body;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::id::UserId;
use shared::kernel::refusal::{Refusal, code};
use shared::referral::reparent::{self, Reparent};
use utoipa::ToSchema;

use super::user::AdminUser;

/// Another inviter.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviterSetting {
    /// Id of the new inviter.
    inviter_id: UserId,
    /// Reason, for people to read, 1 to 500 characters.
    #[schema(example = "the link of a friend did not open")]
    reason: String,
}

/// Give an account another inviter
///
/// Earlier rewards, commissions and counts stay with the earlier inviter; what is reached and paid later is the new one's. An inviter who
/// cannot be theirs is refused with 422 and the reason as the error's code: `unknown`, `own`, `inviter_blocked`, `circle`, `too_deep`.
#[utoipa::path(
    put, path = "/v1/admin/users/{id}/inviter", operation_id = "setInviter", tag = "admin",
    responses((status = 200, body = AdminUser), code::AccountErased),
)]
pub async fn set(
    State(app): State<Arc<App>>,
    admin: Admin,
    Id(user): Id<UserId>,
    Body { value, .. }: Body<InviterSetting>,
) -> Result<Reply<AdminUser>, Problem> {
    let reason = said("/reason", &value.reason).map_err(Refusal::from)?;
    let ask = Reparent { user, inviter: value.inviter_id, reason, admin: admin.id };
    let done = reparent::reparent(&app, &edge::context(), &ask).await?;
    Ok(Reply::ok(done.answer.into()))
}
