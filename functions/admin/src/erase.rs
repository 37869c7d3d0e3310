//! Erasing a person.

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

/// Erase a person
///
/// E-mail, language and way in go at once; where orders came from, where withdrawals went and what providers said word for word within
/// moments. Journals, amounts and ids stay. It can't be taken back.
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
