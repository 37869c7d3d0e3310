//! The affiliate programme as its users see it: policy and totals, invite codes, commissions, withdrawals (R6).

pub mod wire;

use std::sync::Arc;

use axum::extract::{Path, State};
use shared::app::App;
use shared::domain::id::WithdrawalId;
use shared::domain::referral;
use shared::domain::refusal::Refusal;
use shared::domain::withdrawal::Verdict;
use shared::edge::body::Body;
use shared::edge::caller::Caller;
use shared::edge::once::{Key, RequiredKey};
use shared::edge::page::{Listing, Paging, seal};
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::view::withdrawal::Withdrawal;
use shared::fault::Fault;
use shared::once::Once;
use shared::store::Page;
use shared::usecase::affiliate;
use shared::usecase::invite_code::{self, MakeCode};
use shared::usecase::search::{self, Window, WithdrawalFilter};
use shared::usecase::settle_withdrawal::{Settle, Who, settle_withdrawal};
use shared::usecase::withdraw::{Withdrawn, withdraw};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::wire::{Affiliate, Ask, Commission, InviteCode, NewCode};

/// The variables that it can't do without, besides those that every function has.
pub const NEEDS: [&str; 2] = ["MAIL_QUEUE_URL", "STATISTICS_QUEUE_URL"];

/// The routes of the affiliate programme.
pub fn api() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(overview))
        .routes(routes!(codes, make_code))
        .routes(routes!(drop_code))
        .routes(routes!(commissions))
        .routes(routes!(ask, withdrawals))
        .routes(routes!(cancel))
}

/// The caller's terms and totals
///
/// What has matured by now counts as available.
#[utoipa::path(
    get, path = "/v1/affiliate", operation_id = "getAffiliate", tag = "affiliate", security(("bearer" = [])),
    responses(
        (status = 200, body = Affiliate), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 503, body = Problem),
    ),
)]
async fn overview(State(app): State<Arc<App>>, caller: Caller) -> Result<Reply<Affiliate>, Problem> {
    Ok(Reply::ok(affiliate::overview(&app, caller.id()).await?.into()))
}

/// The caller's invite codes
///
/// The primary one and those beside it, also the deactivated ones, newest first.
#[utoipa::path(
    get, path = "/v1/affiliate/codes", operation_id = "listInviteCodes", tag = "affiliate", security(("bearer" = [])),
    params(("limit" = Option<i32>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query)),
    responses(
        (status = 200, body = Listing<InviteCode>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
async fn codes(
    State(app): State<Arc<App>>,
    caller: Caller,
    paging: Paging,
) -> Result<Reply<Listing<InviteCode>>, Problem> {
    let list = format!("invite-codes:{}", caller.id());
    let page = invite_code::codes(&app, caller.id(), &window(&app, &paging, &list)?).await?;
    Ok(listing(&app, &list, page, InviteCode::from))
}

/// Makes an invite code beside the primary one
#[utoipa::path(
    post, path = "/v1/affiliate/codes", operation_id = "makeInviteCode", tag = "affiliate", security(("bearer" = [])),
    request_body = NewCode, params(("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 201, body = InviteCode), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 409, description = "`invite_code_limit`, `may_not_invite`, `programme_off`", body = Problem),
        (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
async fn make_code(
    State(app): State<Arc<App>>,
    caller: Caller,
    key: Key,
    body: Body<NewCode>,
) -> Result<Reply<InviteCode>, Problem> {
    let ask = MakeCode { user: caller.id(), label: body.value.read()? };
    let once = key.once(&app, &caller.id().to_string(), "POST /v1/affiliate/codes", &body.raw);
    let done = invite_code::make_code(&app, &once, &ask).await?;
    let shown = invite_code::shown(&app, vec![done.answer]).await?.into_iter().map(InviteCode::from).next();
    let code = shown.ok_or_else(|| Fault::bug("a code that is not shown"))?;
    Ok(Reply::created(code).replayed(done.replayed))
}

/// Deactivates an invite code
///
/// It binds nobody any more; what it brought stays. The primary one can't be deactivated.
#[utoipa::path(
    delete, path = "/v1/affiliate/codes/{code}", operation_id = "deactivateInviteCode", tag = "affiliate",
    security(("bearer" = [])), params(("code" = String, Path)),
    responses(
        (status = 200, body = InviteCode), (status = 401, body = Problem), (status = 403, description = "`account_blocked`, `forbidden`", body = Problem),
        (status = 404, body = Problem), (status = 503, body = Problem),
    ),
)]
async fn drop_code(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(code): Path<String>,
) -> Result<Reply<InviteCode>, Problem> {
    let code = referral::InviteCode::parse(&code).ok_or(Refusal::NotFound)?;
    let done = invite_code::drop_code(&app, &Once::Natural, caller.id(), &code).await?;
    let shown = invite_code::shown(&app, vec![done.answer]).await?.into_iter().map(InviteCode::from).next();
    Ok(Reply::ok(shown.ok_or_else(|| Fault::bug("a code that is not shown"))?))
}

/// The caller's commissions
///
/// Newest first, with the masked e-mails of the invitees whose orders earned them.
#[utoipa::path(
    get, path = "/v1/affiliate/commissions", operation_id = "listCommissions", tag = "affiliate",
    security(("bearer" = [])),
    params(("limit" = Option<i32>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query)),
    responses(
        (status = 200, body = Listing<Commission>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
async fn commissions(
    State(app): State<Arc<App>>,
    caller: Caller,
    paging: Paging,
) -> Result<Reply<Listing<Commission>>, Problem> {
    let list = format!("commissions:{}", caller.id());
    let page = affiliate::commissions(&app, caller.id(), &window(&app, &paging, &list)?).await?;
    let now = app.clock.now();
    Ok(listing(&app, &list, page, |(of, email)| Commission::of(&of, email, now)))
}

/// Withdraws commission
///
/// To the balance at once; as cash the amount is set aside until an admin has paid or rejected it. Parallel requests never take more
/// than is available.
#[utoipa::path(
    post, path = "/v1/affiliate/withdrawals", operation_id = "withdraw", tag = "affiliate", security(("bearer" = [])),
    request_body = Ask,
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 201, body = Withdrawal), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 409, description = "`insufficient_available`", body = Problem),
        (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
async fn ask(
    State(app): State<Arc<App>>,
    caller: Caller,
    key: RequiredKey,
    body: Body<Ask>,
) -> Result<Reply<Withdrawal>, Problem> {
    let wanted = body.value.read(caller.id())?;
    let once = key.once(&app, &caller.id().to_string(), "POST /v1/affiliate/withdrawals", &body.raw);
    let done = withdraw(&app, &once, &wanted).await?;
    Ok(Reply::created(done.answer.into()).replayed(done.replayed))
}

/// The caller's withdrawals
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/affiliate/withdrawals", operation_id = "listWithdrawals", tag = "affiliate",
    security(("bearer" = [])),
    params(("limit" = Option<i32>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query)),
    responses(
        (status = 200, body = Listing<Withdrawal>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
async fn withdrawals(
    State(app): State<Arc<App>>,
    caller: Caller,
    paging: Paging,
) -> Result<Reply<Listing<Withdrawal>>, Problem> {
    let list = format!("withdrawals:{}", caller.id());
    let own = WithdrawalFilter { user: Some(caller.id()), ..WithdrawalFilter::default() };
    let page = search::withdrawals(&app, &own, &window(&app, &paging, &list)?).await?;
    Ok(listing(&app, &list, page, |of| Withdrawn::from(&of).into()))
}

/// Cancels a cash withdrawal that is still open
///
/// Its amount is available again.
#[utoipa::path(
    post, path = "/v1/affiliate/withdrawals/{id}/cancel", operation_id = "cancelWithdrawal", tag = "affiliate",
    security(("bearer" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 200, body = Withdrawal), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "`withdrawal_closed`", body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    key: Key,
) -> Result<Reply<Withdrawal>, Problem> {
    let withdrawal = WithdrawalId::parse(&id).ok_or(Refusal::NotFound)?;
    let route = "POST /v1/affiliate/withdrawals/{id}/cancel";
    let once = key.once(&app, &caller.id().to_string(), route, &serde_json::Value::String(id));
    let settle = Settle { withdrawal, verdict: Verdict::Cancelled, who: Who::Owner(caller.id()) };
    let done = settle_withdrawal(&app, &once, &settle).await?;
    Ok(Reply::ok(done.answer.into()).replayed(done.replayed))
}

fn window(app: &App, paging: &Paging, list: &str) -> Result<Window, Refusal> {
    let after = paging.position(&app.config.secret, list)?;
    Ok(Window { from: None, to: None, limit: paging.limit, after })
}

fn listing<N, T: serde::Serialize>(app: &App, list: &str, page: Page<N>, view: impl Fn(N) -> T) -> Reply<Listing<T>> {
    let next_cursor = page.next.map(|next| seal(&app.config.secret, list, &next));
    Reply::ok(Listing { items: page.items.into_iter().map(view).collect(), next_cursor })
}
