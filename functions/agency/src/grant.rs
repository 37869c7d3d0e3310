//! Grants: a shop's terms for a series (R8.3–R8.7). Responses include the series' own terms.

pub mod wire;

use std::sync::Arc;

use axum::extract::State;
use shared::agency::grants::{self as verb, ChangePackages, SetRetail};
use shared::agency::model::grant;
use shared::agency::model::shop::Seller;
use shared::agency::queries;
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::export::JsonOrCsv;
use shared::edge::idempotency::Idempotent;
use shared::edge::page::Listing;
use shared::edge::path::{Id, Ids};
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::search::Search;
use shared::edge::version::IfMatch;
use shared::kernel::id::{GrantId, PackageId};
use shared::kernel::refusal::code;

use self::wire::{Filter, Grant, GrantChange, Names, NewGrant, PackagesBody, RetailBody, SalesView};
use super::wire::{Findings, currency};
use shared::edge;

async fn viewed(app: &App, grant: grant::Grant) -> Result<(Grant, u64), Problem> {
    let version = grant.version;
    let names = Names::of(app, std::slice::from_ref(&grant)).await?;
    Ok((names.view(grant)?, version))
}

/// List the grants of the caller's shop and those below
#[utoipa::path(
    get, path = "/v1/shop-series-grants", operation_id = "listGrants", tag = "agency",
    responses((status = 200, body = Listing<Grant>)),
)]
pub async fn grants(State(app): State<Arc<App>>, search: Search<Filter, Seller>) -> Result<JsonOrCsv<Grant>, Problem> {
    let filter = search.filters.read()?;
    let page = search.rows(async |window| queries::grants(&app, &search.by.reach, &filter, &window).await).await?;
    let names = Names::of(&app, &page.items).await?;
    Ok(search.found(&app, page, |grant| names.view(grant)).whole()?)
}

/// Grants a series to a shop
///
/// For the shop's parent, or an admin on its behalf. The packages and their cost prices are granted in the same transaction.
#[utoipa::path(
    post, path = "/v1/shop-series-grants", operation_id = "createGrant", tag = "agency",
    responses(
        (status = 201, body = Grant), code::NotFound, code::AllocatorNotGranted, code::AlreadyGranted,
        code::CeilingExceeded, code::ChangeUnderWay, code::CostBelowParent, code::PackageNotGranted,
        code::PackageNotInSeries, code::TiersMismatch,
    ),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    seller: Seller,
    key: Idempotent,
    body: Body<NewGrant>,
) -> Result<Reply<Grant>, Problem> {
    let ask = body.value.read(currency(&app).await?)?;
    let ctx = key.bind(&app, &seller, &body);
    let done = verb::create_grant(&app, &ctx, &seller, &ask).await?;
    let (grant, version) = viewed(&app, done.answer).await?;
    Ok(Reply::created(grant).version(version).replayed(done.replayed))
}

/// Get one grant
///
/// Send the `ETag` as `If-Match` to change the grant.
#[utoipa::path(
    get, path = "/v1/shop-series-grants/{id}", operation_id = "getGrant", tag = "agency",
    responses((status = 200, body = Grant)),
)]
pub async fn grant(State(app): State<Arc<App>>, seller: Seller, Id(id): Id<GrantId>) -> Result<Reply<Grant>, Problem> {
    let found = verb::grant(&app, &seller.reach, id).await?;
    let sales = SalesView::of(queries::sales(&app, &found).await?, currency(&app).await?)?;
    let (grant, version) = viewed(&app, found).await?;
    Ok(Reply::ok(Grant { sales: Some(sales), ..grant }).version(version))
}

/// Change a grant's commission, forced recharge or status
///
/// For the shop's parent, or an admin. Amounts below a child's are refused, unless `adjust_children` is true.
#[utoipa::path(
    put, path = "/v1/shop-series-grants/{id}", operation_id = "changeGrant", tag = "agency",
    responses(
        (status = 200, body = Grant), code::CeilingExceeded, code::ChangeUnderWay, code::ChildrenAbove,
        code::TiersMismatch,
    ),
)]
pub async fn change(
    State(app): State<Arc<App>>,
    seller: Seller,
    Id(id): Id<GrantId>,
    IfMatch(version): IfMatch,
    body: Body<GrantChange>,
) -> Result<Reply<Grant>, Problem> {
    let ask = body.value.read(id, version, currency(&app).await?)?;
    let (grant, version) =
        viewed(&app, verb::change_grant(&app, &edge::context(), &seller, &ask).await?.answer).await?;
    Ok(Reply::ok(grant).version(version))
}

/// Delete a grant
///
/// A deleted grant remains readable. A grant can't be deleted while shops below hold grants from it.
#[utoipa::path(
    delete, path = "/v1/shop-series-grants/{id}", operation_id = "deleteGrant", tag = "agency",
    responses((status = 200, body = Grant), code::GrantHasChildren),
)]
pub async fn delete(State(app): State<Arc<App>>, seller: Seller, Id(id): Id<GrantId>) -> Result<Reply<Grant>, Problem> {
    let (grant, version) = viewed(&app, verb::delete_grant(&app, &edge::context(), &seller, id).await?.answer).await?;
    Ok(Reply::ok(grant).version(version))
}

/// Add, change and remove packages of a grant
///
/// Applies all changes or none; at most 90 at once.
#[utoipa::path(
    put, path = "/v1/shop-series-grants/{id}/packages", operation_id = "changeGrantPackages", tag = "agency",
    responses(
        (status = 200, body = Grant), code::ChangeUnderWay, code::ChildrenAbove, code::CostBelowParent,
        code::PackageNotGranted, code::PackageNotInSeries,
    ),
)]
pub async fn change_packages(
    State(app): State<Arc<App>>,
    seller: Seller,
    Id(grant): Id<GrantId>,
    IfMatch(version): IfMatch,
    body: Body<PackagesBody>,
) -> Result<Reply<Grant>, Problem> {
    let (changes, adjust) = (body.value.read(currency(&app).await?)?, body.value.adjust_children);
    let done =
        verb::change_packages(&app, &edge::context(), &seller, &ChangePackages { grant, version, changes, adjust })
            .await?;
    let (grant, version) = viewed(&app, done.answer).await?;
    Ok(Reply::ok(grant).version(version))
}

/// Set a retail price
///
/// For the shop itself, or an admin on its behalf.
#[utoipa::path(
    put, path = "/v1/shop-series-grants/{id}/packages/{package_id}/retail", operation_id = "setRetailPrice",
    tag = "agency",
    responses((status = 200, body = Grant), code::ChangeUnderWay, code::PackageNotGranted),
)]
pub async fn set_retail(
    State(app): State<Arc<App>>,
    seller: Seller,
    Ids(grant, package): Ids<GrantId, PackageId>,
    IfMatch(version): IfMatch,
    body: Body<RetailBody>,
) -> Result<Reply<Grant>, Problem> {
    let mut findings = Findings::default();
    let price = findings.amount("/retail_price", &body.value.retail_price, currency(&app).await?);
    findings.none()?;
    let ask = SetRetail { grant, version, package, price, on_shelf: body.value.on_shelf };
    let (grant, version) = viewed(&app, verb::set_retail(&app, &edge::context(), &seller, &ask).await?.answer).await?;
    Ok(Reply::ok(grant).version(version))
}
