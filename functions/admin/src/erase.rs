//! Erasure of a user's personal data.

use std::sync::Arc;

use axum::extract::State;
use shared::account::erase::{self as verb, Erase};
use shared::account::view::Admin;
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::Idempotent;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::id::UserId;
use shared::kernel::refusal::code;

use super::reason::Reason;
use super::user::AdminUser;

/// Erase a user's personal data
///
/// E-mail, language and login are removed at once. The origin of orders, the payout accounts of withdrawals and the raw provider events
/// follow within moments. Journals, amounts and ids are kept. It can't be undone.
#[utoipa::path(
    post, path = "/v1/admin/users/{id}/erase", operation_id = "eraseUser", tag = "admin",
    responses((status = 200, body = AdminUser), code::WithdrawalOpen),
)]
pub async fn erase(
    State(app): State<Arc<App>>,
    admin: Admin,
    Id(user): Id<UserId>,
    key: Idempotent,
    body: Body<Reason>,
) -> Result<Reply<AdminUser>, Problem> {
    let reason = body.value.read()?;
    let ctx = key.bind(&app, &admin, &body);
    let done = verb::erase(&app, &ctx, &Erase { user, reason, admin: admin.id }).await?;
    Ok(Reply::ok(done.answer.into()).replayed(done.replayed))
}
