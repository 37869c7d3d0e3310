//! The referral programme as its users see it: their code and link, what came of it, their rewards (R3).

pub mod wire;

use std::sync::Arc;

use axum::extract::{Path, State};
use shared::account::view::Caller;
use shared::app::App;
use shared::edge::page::{Listing, Paging, seal};
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::referral::overview as referral;
use shared::table::store::Page;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::wire::{Invitee, Referral, ReferralCode, Reward};

/// The variables that it can't do without, besides those that every function has.
pub const NEEDS: [&str; 0] = [];

/// The routes of the referral programme.
pub fn api() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(check))
        .routes(routes!(overview))
        .routes(routes!(invitees))
        .routes(routes!(rewards))
}

/// Whether a referral code binds
///
/// Codes that bind nothing look alike, whatever the reason. A client may look at 30 codes a minute.
#[utoipa::path(
    get, path = "/v1/referral-codes/{code}", operation_id = "checkReferralCode", tag = "public",
    params(("code" = String, Path, description = "A referral code as somebody typed it")),
    responses((status = 200, body = ReferralCode), (status = 429, body = Problem), (status = 503, body = Problem)),
)]
async fn check(State(app): State<Arc<App>>, Path(code): Path<String>) -> Result<Reply<ReferralCode>, Problem> {
    let client = shared::table::request::origin().client_ip.unwrap_or_default();
    let valid = referral::code_binds(&app, &code, &client).await?;
    Ok(Reply::ok(ReferralCode { code: wire::as_read(&code), valid }))
}

/// The caller's code, link and counts
///
/// Makes the caller's primary code on its first need.
#[utoipa::path(
    get, path = "/v1/referral", operation_id = "getReferral", tag = "referral", security(("bearer" = [])),
    responses(
        (status = 200, body = Referral), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 503, body = Problem),
    ),
)]
async fn overview(State(app): State<Arc<App>>, caller: Caller) -> Result<Reply<Referral>, Problem> {
    Ok(Reply::ok(referral::overview(&app, caller.id()).await?.into()))
}

/// The caller's invitees
///
/// Newest first, with masked e-mails and the caller's rewards for each.
#[utoipa::path(
    get, path = "/v1/referral/invitees", operation_id = "listInvitees", tag = "referral", security(("bearer" = [])),
    params(("limit" = Option<i32>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query)),
    responses(
        (status = 200, body = Listing<Invitee>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
async fn invitees(
    State(app): State<Arc<App>>,
    caller: Caller,
    paging: Paging,
) -> Result<Reply<Listing<Invitee>>, Problem> {
    let list = format!("invitees:{}", caller.id());
    let after = paging.position(&app.config.secret, &list)?;
    let page = referral::invitees(&app, caller.id(), paging.limit, after).await?;
    Ok(listing(&app, &list, page))
}

/// The caller's rewards
///
/// Newest first, as inviter and as invitee.
#[utoipa::path(
    get, path = "/v1/referral/rewards", operation_id = "listRewards", tag = "referral", security(("bearer" = [])),
    params(("limit" = Option<i32>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query)),
    responses(
        (status = 200, body = Listing<Reward>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
async fn rewards(
    State(app): State<Arc<App>>,
    caller: Caller,
    paging: Paging,
) -> Result<Reply<Listing<Reward>>, Problem> {
    let list = format!("rewards:{}", caller.id());
    let after = paging.position(&app.config.secret, &list)?;
    let page = referral::rewards(&app, caller.id(), paging.limit, after).await?;
    let items = page.items.into_iter().map(shared::table::item::Versioned::into_inner).collect();
    Ok(listing(&app, &list, Page { items, next: page.next }))
}

fn listing<N, T: From<N> + serde::Serialize>(app: &App, list: &str, page: Page<N>) -> Reply<Listing<T>> {
    let next_cursor = page.next.map(|next| seal(&app.config.secret, list, &next));
    Reply::ok(Listing { items: page.items.into_iter().map(T::from).collect(), next_cursor })
}
