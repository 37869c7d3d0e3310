//! Routes of the operator's backend, called with a service key (R2.6): the users it authenticates, their balances, their
//! purchases elsewhere, and what became of payouts. `registration` opens sessions, since only it can sign tokens.
//!
//! Every route requires a [`shared::account::view::Backend`] with the scope named in its signature.

pub mod wire;
mod withdrawal;

use std::sync::Arc;

use axum::extract::State;
use shared::account::adjust_balance::{Adjust, adjust_balance};
use shared::account::register_external::{Joined, RegisterExternal, overview, register_external};
use shared::account::view::Record;
use shared::account::view::{Backend, LedgerWrite, PurchasesWrite, UsersRead, UsersWrite};
use shared::affiliate::model::purchase;
use shared::affiliate::purchases as read;
use shared::affiliate::report_purchase::{correct_refund, refund_purchase, report_purchase};
use shared::app::App;
use shared::edge::api;
use shared::edge::body::Body;
use shared::edge::idempotency::{Idempotent, RequiresIdempotencyKey};
use shared::edge::openapi::{Api, Operation, Routes};
use shared::edge::page::{Listing, Paging};
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::UserId;
use shared::kernel::refusal::code;
use shared::operations::explain::purchase_facts;
use shared::operations::view::Decision;
use shared::table::execute::Answered;
use shared::table::store::Page;
use shared::table::telemetry as metrics;

use self::wire::{
    ExternalUser, Movement, Purchase, PurchaseExplanation, PurchaseRefund, PurchaseReport, RefundCorrection,
    ServiceUser,
};
use shared::table::context::Ctx;

/// Environment variables that this function needs, besides those that every function has.
pub const NEEDS: [&str; 3] = ["REWARD_QUEUE_URL", "MAIL_QUEUE_URL", "STATISTICS_QUEUE_URL"];

/// The routes of the operator's backend.
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
        register,
        user,
        debit,
        credit,
        purchases,
        purchase,
        one_purchase,
        explained,
        refund,
        correct,
        withdrawal::list,
        withdrawal::settle,
    ]
}

/// Register a user authenticated by the backend
///
/// There is one user per external id, across all service keys: 201 for a new user, 200 for an existing one. A registration here has
/// all effects of a sign-up. An invalid referral code does not prevent it; the response says why the code did not apply.
#[utoipa::path(
    post, path = "/v1/service/users", operation_id = "registerExternalUser", tag = "service",
    responses((status = 200, body = ServiceUser), (status = 201, body = ServiceUser), code::EmailTaken),
)]
async fn register(
    State(app): State<Arc<App>>,
    backend: Backend<UsersWrite>,
    key: Idempotent,
    body: Body<ExternalUser>,
) -> Result<Reply<ServiceUser>, Problem> {
    let ctx = key.bind(&app, &backend, &body);
    let ask = body.value.checked()?;
    let done = register_external(&app, &ctx, &ask).await?;
    joined(&app, &ask, done).await
}

/// The response to a registration, counted if it created a user (R9.4).
async fn joined(app: &App, ask: &RegisterExternal, done: Answered<Joined>) -> Result<Reply<ServiceUser>, Problem> {
    let Answered { answer: Joined { registered, created }, replayed } = done;
    if !created {
        let (user, time) = overview(app, registered.user).await?;
        let shown = ServiceUser::of(&user, &time, app.clock.now());
        return Ok(Reply::ok(shown.referred(registered.referral)));
    }
    if !replayed {
        metrics::count(if registered.referral.applied { "RegistrationsWithCode" } else { "RegistrationsWithoutCode" });
    }
    Ok(Reply::created(ServiceUser::new(ask, registered)).replayed(replayed))
}

/// Get a user with balance and subscriptions
#[utoipa::path(
    get, path = "/v1/service/users/{id}", operation_id = "getServiceUser", tag = "service",
    responses((status = 200, body = ServiceUser)),
)]
async fn user(
    State(app): State<Arc<App>>,
    _: Backend<UsersRead>,
    Id(id): Id<UserId>,
) -> Result<Reply<ServiceUser>, Problem> {
    let (user, time) = overview(&app, id).await?;
    Ok(Reply::ok(ServiceUser::of(&user, &time, app.clock.now())))
}

/// Debit a user's balance
///
/// Concurrent debits never take more than the balance.
#[utoipa::path(
    post, path = "/v1/service/users/{id}/debits", operation_id = "debitUser", tag = "service",
    responses((status = 200, body = Record), code::InsufficientBalance),
)]
async fn debit(
    State(app): State<Arc<App>>,
    backend: Backend<LedgerWrite>,
    Id(id): Id<UserId>,
    key: RequiresIdempotencyKey,
    body: Body<Movement>,
) -> Result<Reply<Record>, Problem> {
    let ctx = key.bind(&app, &backend, &body);
    let ask = body.value.read(id, backend.name, true)?;
    moved(&app, &ctx, &ask).await
}

/// Credit a user's balance
///
/// The credit pays a debt of the user first, shown as a separate statement line.
#[utoipa::path(
    post, path = "/v1/service/users/{id}/credits", operation_id = "creditUser", tag = "service",
    responses((status = 200, body = Record)),
)]
async fn credit(
    State(app): State<Arc<App>>,
    backend: Backend<LedgerWrite>,
    Id(id): Id<UserId>,
    key: RequiresIdempotencyKey,
    body: Body<Movement>,
) -> Result<Reply<Record>, Problem> {
    let ctx = key.bind(&app, &backend, &body);
    let ask = body.value.read(id, backend.name, false)?;
    moved(&app, &ctx, &ask).await
}

async fn moved(app: &App, ctx: &Ctx, ask: &Adjust) -> Result<Reply<Record>, Problem> {
    let done = adjust_balance(app, ctx, ask).await?;
    let record = done.answer.records().into_iter().next().ok_or_else(|| Fault::bug("a journal without entries"))?;
    Ok(Reply::ok(Record::from(record)).replayed(done.replayed))
}

/// Report a purchase made elsewhere
///
/// The purchase counts like an online payment for the user's inviter and credits nothing. What was paid before the user had an
/// inviter earns nothing, and a hold starts at the report. A repeated report returns the same purchase.
#[utoipa::path(
    post, path = "/v1/service/purchases", operation_id = "reportPurchase", tag = "service",
    responses((status = 201, body = Purchase)),
)]
async fn purchase(
    State(app): State<Arc<App>>,
    backend: Backend<PurchasesWrite>,
    key: RequiresIdempotencyKey,
    body: Body<PurchaseReport>,
) -> Result<Reply<Purchase>, Problem> {
    let ctx = key.bind(&app, &backend, &body);
    let ask = body.value.read(backend.key)?;
    Ok(shown(report_purchase(&app, &ctx, &ask).await?)?)
}

/// Report a refund of a purchase
///
/// A refund counts once by its id, even if it is reported before its purchase. One above what is left of the purchase is refused.
#[utoipa::path(
    post, path = "/v1/service/purchases/{external_order_id}/refunds", operation_id = "refundPurchase",
    tag = "service",
    responses((status = 201, body = Purchase), code::NotFound),
)]
async fn refund(
    State(app): State<Arc<App>>,
    backend: Backend<PurchasesWrite>,
    Id(id): Id<String>,
    key: RequiresIdempotencyKey,
    body: Body<PurchaseRefund>,
) -> Result<Reply<Purchase>, Problem> {
    let ctx = key.bind(&app, &backend, &body);
    let ask = body.value.read(backend.key, &id)?;
    Ok(shown(refund_purchase(&app, &ctx, &ask).await?)?)
}

/// Correct a refund of a purchase
///
/// The amount given replaces the reported one, for good: a later report of the same refund changes nothing. Rewards and commission
/// follow the new net. The reason is in the audit log.
#[utoipa::path(
    post, path = "/v1/service/purchases/{external_order_id}/corrections", operation_id = "correctPurchaseRefund",
    tag = "service",
    responses((status = 200, body = Purchase), code::NotFound),
)]
async fn correct(
    State(app): State<Arc<App>>,
    backend: Backend<PurchasesWrite>,
    Id(id): Id<String>,
    key: RequiresIdempotencyKey,
    body: Body<RefundCorrection>,
) -> Result<Reply<Purchase>, Problem> {
    let ctx = key.bind(&app, &backend, &body);
    let ask = body.value.read(backend.key, backend.name, &id)?;
    let done = correct_refund(&app, &ctx, &ask).await?;
    let purchase = Purchase::of(&done.answer)?;
    Ok(Reply::ok(purchase).replayed(done.replayed))
}

/// List the purchases that this key reported
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/service/purchases", operation_id = "listPurchases", tag = "service",
    responses((status = 200, body = Listing<Purchase>)),
)]
async fn purchases(
    State(app): State<Arc<App>>,
    list: Paging<Backend<PurchasesWrite>>,
) -> Result<Reply<Listing<Purchase>>, Problem> {
    let page = read::purchases(&app, list.by.key, &list.window).await?;
    let items = page.items.iter().map(Purchase::of).collect::<Result<Vec<_>, _>>().map_err(Error::from)?;
    Ok(list.page(&app, Page { items, next: page.next }, |purchase| purchase))
}

/// Get a purchase that this key reported
#[utoipa::path(
    get, path = "/v1/service/purchases/{external_order_id}", operation_id = "getPurchase", tag = "service",
    responses((status = 200, body = Purchase), code::NotFound),
)]
async fn one_purchase(
    State(app): State<Arc<App>>,
    backend: Backend<PurchasesWrite>,
    Id(id): Id<String>,
) -> Result<Reply<Purchase>, Problem> {
    let purchase = read::purchase(&app, backend.key, &id).await?;
    Ok(Reply::ok(Purchase::of(&purchase).map_err(Error::from)?))
}

/// Explain a purchase that this key reported
///
/// Its worth, the rewards and the commission that follow from it, each with the reason why it was granted or not.
#[utoipa::path(
    get, path = "/v1/service/purchases/{external_order_id}/explain", operation_id = "explainPurchase", tag = "service",
    responses((status = 200, body = PurchaseExplanation), code::NotFound),
)]
async fn explained(
    State(app): State<Arc<App>>,
    backend: Backend<PurchasesWrite>,
    Id(id): Id<String>,
) -> Result<Reply<PurchaseExplanation>, Problem> {
    let purchase = read::purchase(&app, backend.key, &id).await?;
    let facts = purchase_facts(&app, purchase).await?;
    let decisions = facts.explain()?.into_iter().map(Decision::from).collect();
    Ok(Reply::ok(PurchaseExplanation { id: facts.purchase.id, external_order_id: id, decisions }))
}

fn shown(done: Answered<purchase::Purchase>) -> Result<Reply<Purchase>, Error> {
    let purchase = Purchase::of(&done.answer)?;
    Ok(Reply::created(purchase).replayed(done.replayed))
}
