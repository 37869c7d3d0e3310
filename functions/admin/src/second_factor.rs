//! Somebody's second factor, for another admin (R2.12).

use std::sync::Arc;

use axum::extract::State;
use shared::account::reset_second_factor::{ResetSecondFactor, reset_second_factor};
use shared::account::view::{Admin, Dangerous};
use shared::app::App;
use shared::edge;
use shared::edge::body::Body;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::id::UserId;

use super::reason::Reason;
use super::user::AdminUser;

/// Reset somebody's second factor
///
/// For whoever lost the app and the recovery codes. They sign in with the password alone until they set one up again, and all their
/// sessions end. Nobody resets their own.
#[utoipa::path(
    post, path = "/v1/admin/users/{id}/second-factor/reset", operation_id = "resetSecondFactor", tag = "admin",
    responses((status = 200, body = AdminUser)),
)]
pub async fn reset(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(user): Id<UserId>,
    body: Body<Reason>,
) -> Result<Reply<AdminUser>, Problem> {
    let ask = ResetSecondFactor { user, reason: body.value.read()?, admin: admin.id };
    Ok(Reply::ok(reset_second_factor(&app, &edge::context(), &ask).await?.answer.into()))
}
