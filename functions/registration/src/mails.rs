//! Mails that tell the caller of their money, and the link that stops them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use shared::account::view::Caller;
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::page::Parameters;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::refusal::code;
use shared::notices::preferences::{choose_mails, mail_choices};
use shared::notices::unsubscribe;
use shared::notices::view::{NoticesWanted, OwnMails};
use utoipa::IntoParams;

/// Mails that the caller gets
#[utoipa::path(
    get, path = "/v1/me/mails", operation_id = "getMails", tag = "account",
    responses((status = 200, body = OwnMails)),
)]
pub async fn mails(State(app): State<Arc<App>>, caller: Caller) -> Result<Reply<OwnMails>, Problem> {
    Ok(Reply::ok(mail_choices(&app, &caller.bearer()).await?.into()))
}

/// Choose which mails the caller gets
///
/// Codes and links that somebody asked for are always sent. Choosing starts mails again that a bounce or a complaint has stopped.
#[utoipa::path(
    put, path = "/v1/me/mails", operation_id = "setMails", tag = "account",
    responses((status = 200, body = OwnMails), code::AccountBlocked),
)]
pub async fn choose(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Body<NoticesWanted>,
) -> Result<Reply<OwnMails>, Problem> {
    Ok(Reply::ok(choose_mails(&app, &caller.bearer(), &body.value.off()).await?.into()))
}

/// Link of a mail.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MailLink {
    /// Token of the link in the mail.
    token: String,
}

/// Stop mails of one kind by the link in one of them
///
/// Mail programs call it (RFC 8058), without signing in; the body is not read. A repeat changes nothing.
#[utoipa::path(
    post, path = "/v1/mails/unsubscribe", operation_id = "unsubscribe", tag = "account",
    responses((status = 204, description = "Stopped.")),
)]
pub async fn unsubscribe(
    State(app): State<Arc<App>>,
    Parameters(link): Parameters<MailLink>,
) -> Result<StatusCode, Problem> {
    unsubscribe::unsubscribe(&app, &link.token).await?;
    Ok(StatusCode::NO_CONTENT)
}
