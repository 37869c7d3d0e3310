//! The referral programme as its users see it: their code and link, invitees and rewards (R3).

pub mod wire;

use std::sync::Arc;

use axum::extract::State;
use shared::account::view::{Caller, network};
use shared::app::App;
use shared::edge::api;
use shared::edge::body::Body;
use shared::edge::idempotency::Idempotent;
use shared::edge::openapi::{Api, Operation, Routes};
use shared::edge::page::{Listing, Paging};
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::fault::Error;
use shared::kernel::refusal::code;
use shared::referral::name_inviter::{NameInviter, name_inviter};
use shared::referral::overview as referral;

use self::wire::{Invitee, NamedInviter, NewInviter, Referral, ReferralCode, Reward};

/// Environment variables that this function needs, besides those that every function has.
pub const NEEDS: [&str; 3] = ["REWARD_QUEUE_URL", "MAIL_QUEUE_URL", "STATISTICS_QUEUE_URL"];

/// The routes of the referral programme.
pub fn api() -> Api<Arc<App>> {
    add(Api::new())
}

/// Their documentation.
pub fn operations() -> Vec<Operation> {
    add(Vec::new())
}

fn add<R: Routes<Arc<App>>>(routes: R) -> R {
    api![routes; check, overview, name, invitees, rewards,]
}

/// Check a referral code
///
/// The response does not tell why a code is invalid. A client may check 30 codes per minute.
#[utoipa::path(
    get, path = "/v1/referral-codes/{code}", operation_id = "checkReferralCode", tag = "public",
    responses((status = 200, body = ReferralCode), code::RateLimited),
)]
async fn check(State(app): State<Arc<App>>, Id(code): Id<String>) -> Result<Reply<ReferralCode>, Problem> {
    let client = shared::table::request::origin().client_ip.unwrap_or_default();
    let valid = referral::code_binds(&app, &code, &client).await?;
    Ok(Reply::ok(ReferralCode { code: wire::as_read(&code), valid }))
}

/// The caller's code, link and counts, and the programme's terms
///
/// Creates the caller's primary code on first use.
#[utoipa::path(
    get, path = "/v1/referral", operation_id = "getReferral", tag = "referral",
    responses((status = 200, body = Referral), code::AccountBlocked),
)]
async fn overview(State(app): State<Arc<App>>, caller: Caller) -> Result<Reply<Referral>, Problem> {
    let overview = referral::overview(&app, caller.id(), &network()).await?;
    Ok(Reply::ok(Referral::of(overview).map_err(Error::from)?))
}

/// Name an inviter after the registration
///
/// Possible once, while `late_bind_until` of the programme is set. Only orders made later count, for rewards and commission. A code
/// that does not apply is refused with 422 and the reason as the error's code: those of a registration, `circle` for a code of
/// somebody whom the caller invited, directly or through others, and `too_deep`. A user has 30 attempts per minute.
#[utoipa::path(
    post, path = "/v1/referral/inviter", operation_id = "nameInviter", tag = "referral",
    responses(
        (status = 200, body = NamedInviter), code::AccountBlocked, code::AlreadyBound, code::LateBindOver, code::RateLimited,
    ),
)]
async fn name(
    State(app): State<Arc<App>>,
    caller: Caller,
    key: Idempotent,
    body: Body<NewInviter>,
) -> Result<Reply<NamedInviter>, Problem> {
    let ctx = key.bind(&app, &caller, &body);
    let ask = NameInviter { by: caller.bearer(), code: body.value.referral_code };
    let done = name_inviter(&app, &ctx, &ask).await?;
    Ok(Reply::ok(done.answer.into()).replayed(done.replayed))
}

/// The caller's invitees
///
/// Newest first, with masked e-mails and the caller's rewards for each.
#[utoipa::path(
    get, path = "/v1/referral/invitees", operation_id = "listInvitees", tag = "referral",
    responses((status = 200, body = Listing<Invitee>)),
)]
async fn invitees(State(app): State<Arc<App>>, list: Paging<Caller>) -> Result<Reply<Listing<Invitee>>, Problem> {
    let page = referral::invitees(&app, list.by.id(), &list.window).await?;
    Ok(list.page(&app, page, Invitee::from))
}

/// The caller's rewards
///
/// Newest first, as inviter and as invitee.
#[utoipa::path(
    get, path = "/v1/referral/rewards", operation_id = "listRewards", tag = "referral",
    responses((status = 200, body = Listing<Reward>)),
)]
async fn rewards(State(app): State<Arc<App>>, list: Paging<Caller>) -> Result<Reply<Listing<Reward>>, Problem> {
    let page = referral::rewards(&app, list.by.id(), &list.window).await?;
    Ok(list.page(&app, page, |of| Reward::from(of.into_inner())))
}
