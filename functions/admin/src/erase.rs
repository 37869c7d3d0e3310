//! Erasing a person.

use std::sync::Arc;

use axum::extract::{Path, State};
use serde_json::json;
use shared::account::erase::{self as verb, Erase};
use shared::account::view::Admin;
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::Idempotent;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::id::UserId;
use shared::kernel::refusal::Refusal;

use super::reason::Reason;
use super::user::AdminUser;

/// Erase a person
///
/// E-mail, language and way in go at once; where orders came from, where withdrawals went and what providers said word for word within
/// moments. Journals, amounts and ids stay. It can't be taken back.
#[utoipa::path(
    post, path = "/v1/admin/users/{id}/erase", operation_id = "eraseUser", tag = "admin", security(("bearer" = [])),
    request_body = Reason, params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 200, body = AdminUser), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "`withdrawal_open`", body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
pub async fn erase(
    State(app): State<Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    key: Idempotent,
    body: Body<Reason>,
) -> Result<Reply<AdminUser>, Problem> {
    let user = UserId::parse(&id).ok_or(Refusal::NotFound)?;
    let reason = body.value.read()?;
    let bound = json!({"id": id, "reason": reason});
    let ctx = key.bind(&app, &admin.id.to_string(), &bound);
    let done = verb::erase(&app, &ctx, &Erase { user, reason, admin: admin.id }).await?;
    Ok(Reply::ok(done.answer.into()).replayed(done.replayed))
}
