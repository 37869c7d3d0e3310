//! The affiliate programme of a user: totals, invite codes, commissions, withdrawals (R6).

pub mod wire;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use shared::account::view::{Caller, Record};
use shared::affiliate::close_withdrawal::{CloseWithdrawal, ClosedBy, close_withdrawal};
use shared::affiliate::model::withdrawal::WithdrawalResolution;
use shared::affiliate::overview as affiliate;
use shared::affiliate::statement;
use shared::affiliate::statement::view::{self, StatementOfMonth, StatementView, Statements};
use shared::affiliate::view::WithdrawalView;
use shared::affiliate::withdraw::{Withdrawn, withdraw};
use shared::affiliate::years::own_years;
use shared::affiliate::years::view::{OwnYears, YearTotals};
use shared::app::App;
use shared::edge::api;
use shared::edge::body::Body;
use shared::edge::export::{self, CsvParameters, Format};
use shared::edge::idempotency::{Idempotent, RequiresIdempotencyKey};
use shared::edge::openapi::{Api, Operation, Routes};
use shared::edge::page::{Listing, Paging};
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::WithdrawalId;
use shared::kernel::month::Month;
use shared::kernel::refusal::code;
use shared::operations::model::proof::ProvenStatement;
use shared::operations::search::{self, WithdrawalFilter};
use shared::referral::invite_code::{self, MakeCode};
use shared::referral::model::referral;

use self::wire::{Affiliate, Ask, Commission, InviteCode, NewCode};
use shared::edge;

/// Environment variables that this function needs, besides those that every function has.
pub const NEEDS: [&str; 3] = ["MAIL_QUEUE_URL", "REWARD_QUEUE_URL", "STATISTICS_QUEUE_URL"];

/// The routes of the affiliate programme.
pub fn api() -> Api<Arc<App>> {
    add(Api::new())
}

/// Their documentation.
pub fn operations() -> Vec<Operation> {
    add(Vec::new())
}

fn add<R: Routes<Arc<App>>>(routes: R) -> R {
    api![
        routes;
        overview,
        codes,
        make_code,
        drop_code,
        commissions,
        statements,
        statement,
        proof,
        years,
        ask,
        withdrawals,
        cancel,
    ]
}

/// The caller's totals, policy and codes, and the programme's terms
///
/// Commission whose hold has ended counts as available.
#[utoipa::path(
    get, path = "/v1/affiliate", operation_id = "getAffiliate", tag = "affiliate",
    responses((status = 200, body = Affiliate), code::AccountBlocked),
)]
async fn overview(State(app): State<Arc<App>>, caller: Caller) -> Result<Reply<Affiliate>, Problem> {
    let overview = affiliate::overview(&app, caller.id()).await?;
    Ok(Reply::ok(Affiliate::of(overview).map_err(Error::from)?))
}

/// The caller's invite codes
///
/// The primary code and the additional ones, including deactivated ones, newest first.
#[utoipa::path(
    get, path = "/v1/affiliate/codes", operation_id = "listInviteCodes", tag = "affiliate",
    responses((status = 200, body = Listing<InviteCode>)),
)]
async fn codes(State(app): State<Arc<App>>, list: Paging<Caller>) -> Result<Reply<Listing<InviteCode>>, Problem> {
    let page = invite_code::codes(&app, list.by.id(), &list.window).await?;
    Ok(list.page(&app, page, InviteCode::from))
}

/// Create an additional invite code
#[utoipa::path(
    post, path = "/v1/affiliate/codes", operation_id = "makeInviteCode", tag = "affiliate",
    responses(
        (status = 201, body = InviteCode), code::AccountBlocked, code::InviteCodeLimit, code::MayNotInvite,
        code::ProgrammeOff,
    ),
)]
async fn make_code(
    State(app): State<Arc<App>>,
    caller: Caller,
    key: Idempotent,
    body: Body<NewCode>,
) -> Result<Reply<InviteCode>, Problem> {
    let ask = MakeCode { by: caller.bearer(), label: body.value.read()? };
    let ctx = key.bind(&app, &caller, &body);
    let done = invite_code::make_code(&app, &ctx, &ask).await?;
    let shown = invite_code::shown(&app, vec![done.answer]).await?.into_iter().map(InviteCode::from).next();
    let code = shown.ok_or_else(|| Fault::bug("a code that is not shown"))?;
    Ok(Reply::created(code).replayed(done.replayed))
}

/// Deactivate an invite code
///
/// New registrations can no longer use it; existing referrals stay. The primary code cannot be deactivated.
#[utoipa::path(
    delete, path = "/v1/affiliate/codes/{code}", operation_id = "deactivateInviteCode", tag = "affiliate",
    responses((status = 200, body = InviteCode), code::AccountBlocked, code::Forbidden),
)]
async fn drop_code(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(code): Id<referral::InviteCode>,
) -> Result<Reply<InviteCode>, Problem> {
    let done = invite_code::drop_code(&app, &edge::context(), &caller.bearer(), &code).await?;
    let shown = invite_code::shown(&app, vec![done.answer]).await?.into_iter().map(InviteCode::from).next();
    Ok(Reply::ok(shown.ok_or_else(|| Fault::bug("a code that is not shown"))?))
}

/// The caller's commissions
///
/// Newest first, with the masked e-mails of the invitees whose orders earned them.
#[utoipa::path(
    get, path = "/v1/affiliate/commissions", operation_id = "listCommissions", tag = "affiliate",
    responses((status = 200, body = Listing<Commission>)),
)]
async fn commissions(State(app): State<Arc<App>>, list: Paging<Caller>) -> Result<Reply<Listing<Commission>>, Problem> {
    let page = affiliate::commissions(&app, list.by.id(), &list.window).await?;
    let now = app.clock.now();
    Ok(list.page(&app, page, |(of, email)| Commission::of(&of, email, now)))
}

/// The caller's statements by month
///
/// Newest first; only months with lines. A month in UTC opens with what the month before it closed with.
#[utoipa::path(
    get, path = "/v1/affiliate/statements", operation_id = "listCommissionStatements", tag = "affiliate",
    responses((status = 200, body = Statements)),
)]
async fn statements(State(app): State<Arc<App>>, caller: Caller) -> Result<Reply<Statements>, Problem> {
    let all = statement::statements(&app, caller.id()).await?;
    Ok(Reply::ok(Statements { items: all.iter().map(StatementOfMonth::from).collect() }))
}

/// The caller's statement of a month, line by line
///
/// As JSON, one page of the lines; as CSV, all of them between what was there before and what is there after them.
#[utoipa::path(
    get, path = "/v1/affiliate/statements/{month}", operation_id = "getCommissionStatement", tag = "affiliate",
    responses(
        (status = 200, content((StatementView = "application/json"), (String = "text/csv"))), code::RangeTooLarge,
    ),
)]
async fn statement(
    State(app): State<Arc<App>>,
    list: Paging<Caller, CsvParameters>,
    Id(month): Id<Month>,
    format: Format,
) -> Result<Response, Problem> {
    let of = statement::statement(&app, list.by.id(), month).await?;
    if let Format::Csv { bom } = format {
        return Ok(export::sheet(view::sheet(&of, statement::all_lines(&app, &of).await?), bom));
    }
    let page = statement::lines(&app, &of, &list.window).await?;
    let Listing { items, next_cursor } = list.listing(&app, page, Record::from);
    Ok(Reply::ok(StatementView::new(&of, items, next_cursor)).into_response())
}

/// The caller's statement of a month, with its proof
///
/// All entries of the commission account, as their hashes cover them, and the signed heads that hold them. `guerdon verify` checks the
/// file without a network.
#[utoipa::path(
    get, path = "/v1/affiliate/statements/{month}/proof", operation_id = "getCommissionProof", tag = "affiliate",
    responses((status = 200, body = ProvenStatement), code::RangeTooLarge),
)]
async fn proof(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(month): Id<Month>,
) -> Result<Reply<ProvenStatement>, Problem> {
    Ok(Reply::ok(statement::proven(&app, caller.id(), month).await?))
}

/// The caller's totals by calendar year
///
/// Newest first; only years with lines, in UTC. They are the sums of the statements' lines, and moments old.
#[utoipa::path(
    get, path = "/v1/affiliate/years", operation_id = "listCommissionYears", tag = "affiliate",
    responses((status = 200, body = OwnYears)),
)]
async fn years(State(app): State<Arc<App>>, caller: Caller) -> Result<Reply<OwnYears>, Problem> {
    let all = own_years(&app, caller.id()).await?;
    Ok(Reply::ok(OwnYears { items: all.iter().map(YearTotals::from).collect() }))
}

/// Withdraw commission
///
/// A withdrawal to the balance takes effect at once. For cash, the amount is held until an admin pays or rejects it. Concurrent
/// requests never take more than is available.
#[utoipa::path(
    post, path = "/v1/affiliate/withdrawals", operation_id = "withdraw", tag = "affiliate",
    responses((status = 201, body = WithdrawalView), code::AccountBlocked, code::InsufficientAvailable,
        code::TooFewPayingInvitees),
)]
async fn ask(
    State(app): State<Arc<App>>,
    caller: Caller,
    key: RequiresIdempotencyKey,
    body: Body<Ask>,
) -> Result<Reply<WithdrawalView>, Problem> {
    let ctx = key.bind(&app, &caller, &body);
    let done = withdraw(&app, &ctx, &body.value.read(caller.bearer())?).await?;
    Ok(Reply::created(done.answer.into()).replayed(done.replayed))
}

/// The caller's withdrawals
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/affiliate/withdrawals", operation_id = "listWithdrawals", tag = "affiliate",
    responses((status = 200, body = Listing<WithdrawalView>)),
)]
async fn withdrawals(
    State(app): State<Arc<App>>,
    list: Paging<Caller>,
) -> Result<Reply<Listing<WithdrawalView>>, Problem> {
    let own = WithdrawalFilter { user: Some(list.by.id()), ..WithdrawalFilter::default() };
    let page = search::withdrawals(&app, &own, &list.window).await?;
    Ok(list.page(&app, page, |of| Withdrawn::from(&of).into()))
}

/// Cancel an open cash withdrawal
///
/// Its amount becomes available again.
#[utoipa::path(
    post, path = "/v1/affiliate/withdrawals/{id}/cancel", operation_id = "cancelWithdrawal", tag = "affiliate",
    responses((status = 200, body = WithdrawalView), code::AccountBlocked, code::WithdrawalClosed, code::WithdrawalInBatch),
)]
async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(withdrawal): Id<WithdrawalId>,
    key: Idempotent,
) -> Result<Reply<WithdrawalView>, Problem> {
    let ctx = key.bind(&app, &caller, &());
    let settle =
        CloseWithdrawal { withdrawal, verdict: WithdrawalResolution::Cancelled, who: ClosedBy::Owner(caller.bearer()) };
    let done = close_withdrawal(&app, &ctx, &settle).await?;
    Ok(Reply::ok(done.answer.into()).replayed(done.replayed))
}
