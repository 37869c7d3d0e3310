//! The affiliate programme as its users see it: policy and totals, invite codes, commissions, withdrawals (R6).

pub mod wire;

use std::sync::Arc;

use axum::extract::{Path, State};
use shared::account::view::Caller;
use shared::affiliate::close_withdrawal::{CloseWithdrawal, ClosedBy, close_withdrawal};
use shared::affiliate::model::withdrawal::WithdrawalResolution;
use shared::affiliate::overview as affiliate;
use shared::affiliate::view::WithdrawalView;
use shared::affiliate::withdraw::{Withdrawn, withdraw};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::{Idempotent, RequiresIdempotencyKey};
use shared::edge::page::{Listing, Paging, seal};
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::fault::Fault;
use shared::kernel::id::WithdrawalId;
use shared::kernel::refusal::Refusal;
use shared::operations::search::{self, WithdrawalFilter};
use shared::referral::invite_code::{self, MakeCode};
use shared::referral::model::referral;
use shared::table::list::Window;
use shared::table::store::Page;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::wire::{Affiliate, Ask, Commission, InviteCode, NewCode};
use shared::edge;

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
    key: Idempotent,
    body: Body<NewCode>,
) -> Result<Reply<InviteCode>, Problem> {
    let ask = MakeCode { user: caller.id(), label: body.value.read()? };
    let ctx = key.bind(&app, &caller.id().to_string(), &body.raw);
    let done = invite_code::make_code(&app, &ctx, &ask).await?;
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
    let done = invite_code::drop_code(&app, &edge::context(), caller.id(), &code).await?;
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
        (status = 201, body = WithdrawalView), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 409, description = "`insufficient_available`", body = Problem),
        (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
async fn ask(
    State(app): State<Arc<App>>,
    caller: Caller,
    key: RequiresIdempotencyKey,
    body: Body<Ask>,
) -> Result<Reply<WithdrawalView>, Problem> {
    let wanted = body.value.read(caller.id())?;
    let ctx = key.bind(&app, &caller.id().to_string(), &body.raw);
    let done = withdraw(&app, &ctx, &wanted).await?;
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
        (status = 200, body = Listing<WithdrawalView>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
async fn withdrawals(
    State(app): State<Arc<App>>,
    caller: Caller,
    paging: Paging,
) -> Result<Reply<Listing<WithdrawalView>>, Problem> {
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
        (status = 200, body = WithdrawalView), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "`withdrawal_closed`", body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    key: Idempotent,
) -> Result<Reply<WithdrawalView>, Problem> {
    let withdrawal = WithdrawalId::parse(&id).ok_or(Refusal::NotFound)?;
    let ctx = key.bind(&app, &caller.id().to_string(), &serde_json::Value::String(id));
    let settle =
        CloseWithdrawal { withdrawal, verdict: WithdrawalResolution::Cancelled, who: ClosedBy::Owner(caller.id()) };
    let done = close_withdrawal(&app, &ctx, &settle).await?;
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
