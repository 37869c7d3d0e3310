//! Grants: a shop's part of a series (R8.3–R8.7). Answers carry what the series says beside it.

pub mod wire;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use shared::agency::grants::{self as verb, ChangePackages, SetRetail};
use shared::agency::model::grant;
use shared::agency::model::shop::Seller;
use shared::agency::queries;
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::export::JsonOrCsv;
use shared::edge::idempotency::Idempotent;
use shared::edge::page::Listing;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::search::{ListParameters, Search};
use shared::edge::version::if_match;
use shared::kernel::id::{GrantId, PackageId};
use shared::kernel::refusal::Refusal;

use self::wire::{Filter, Grant, GrantChange, Names, NewGrant, PackagesBody, RetailBody, SalesView};
use super::wire::{Findings, currency};
use shared::edge;

async fn viewed(app: &App, grant: grant::Grant) -> Result<(Grant, u64), Problem> {
    let version = grant.version;
    let names = Names::of(app, std::slice::from_ref(&grant)).await?;
    Ok((names.view(grant)?, version))
}

fn named(id: &str) -> Result<GrantId, Refusal> {
    GrantId::parse(id).ok_or(Refusal::NotFound)
}

/// Grants of the caller's shop and those below
#[utoipa::path(
    get, path = "/v1/shop-series-grants", operation_id = "listGrants", tag = "agency", security(("bearer" = [])),
    params(Filter, ListParameters),
    responses(
        (status = 200, body = Listing<Grant>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
pub async fn grants(State(app): State<Arc<App>>, search: Search<Filter, Seller>) -> Result<JsonOrCsv<Grant>, Problem> {
    let page = queries::grants(&app, &search.by.reach, &search.filters.read()?, &search.window).await?;
    let names = Names::of(&app, &page.items).await?;
    Ok(search.found(&app, page, |grant| names.view(grant)).whole()?)
}

/// Grants a series to a shop
///
/// By the shop right above it, or by an admin for that. The series' packages come with their cost prices, all in one transaction.
#[utoipa::path(
    post, path = "/v1/shop-series-grants", operation_id = "createGrant", tag = "agency", security(("bearer" = [])),
    request_body = NewGrant, params(("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 201, body = Grant), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "`allocator_not_granted`, `already_granted`, `ceiling_exceeded`, `change_under_way`, `cost_below_parent`, `package_not_granted`, `package_not_in_series`, `tiers_mismatch`", body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    seller: Seller,
    key: Idempotent,
    body: Body<NewGrant>,
) -> Result<Reply<Grant>, Problem> {
    let ask = body.value.read(currency(&app).await?)?;
    let ctx = key.bind(&app, &seller.id.to_string(), &body.raw);
    let done = verb::create_grant(&app, &ctx, &seller, &ask).await?;
    let (grant, version) = viewed(&app, done.answer).await?;
    Ok(Reply::created(grant).version(version).replayed(done.replayed))
}

/// One grant
///
/// The `ETag` is the version that a change has to name.
#[utoipa::path(
    get, path = "/v1/shop-series-grants/{id}", operation_id = "getGrant", tag = "agency", security(("bearer" = [])),
    params(("id" = String, Path)),
    responses(
        (status = 200, body = Grant), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 503, body = Problem),
    ),
)]
pub async fn grant(
    State(app): State<Arc<App>>,
    seller: Seller,
    Path(id): Path<String>,
) -> Result<Reply<Grant>, Problem> {
    let found = verb::grant(&app, &seller.reach, named(&id)?).await?;
    let sales = SalesView::of(queries::sales(&app, &found).await?, currency(&app).await?)?;
    let (grant, version) = viewed(&app, found).await?;
    Ok(Reply::ok(Grant { sales: Some(sales), ..grant }).version(version))
}

/// Changes a grant's commission, forced recharge or status
///
/// By the shop right above it, or an admin. Amounts below a child's are refused, unless `adjust_children`.
#[utoipa::path(
    put, path = "/v1/shop-series-grants/{id}", operation_id = "changeGrant", tag = "agency",
    security(("bearer" = [])), request_body = GrantChange,
    params(("id" = String, Path), ("If-Match" = String, Header, description = "The version that was read")),
    responses(
        (status = 200, body = Grant), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "`ceiling_exceeded`, `change_under_way`, `children_above`, `tiers_mismatch`", body = Problem),
        (status = 412, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem),
        (status = 428, body = Problem), (status = 503, body = Problem),
    ),
)]
pub async fn change(
    State(app): State<Arc<App>>,
    seller: Seller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body<GrantChange>,
) -> Result<Reply<Grant>, Problem> {
    let ask = body.value.read(named(&id)?, if_match(&headers)?, currency(&app).await?)?;
    let (grant, version) =
        viewed(&app, verb::change_grant(&app, &edge::context(), &seller, &ask).await?.answer).await?;
    Ok(Reply::ok(grant).version(version))
}

/// Deletes a grant
///
/// It stays for who looks back. One from which shops below have grants can't be deleted.
#[utoipa::path(
    delete, path = "/v1/shop-series-grants/{id}", operation_id = "deleteGrant", tag = "agency",
    security(("bearer" = [])), params(("id" = String, Path)),
    responses(
        (status = 200, body = Grant), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 409, description = "`grant_has_children`", body = Problem),
        (status = 503, body = Problem),
    ),
)]
pub async fn delete(
    State(app): State<Arc<App>>,
    seller: Seller,
    Path(id): Path<String>,
) -> Result<Reply<Grant>, Problem> {
    let (grant, version) =
        viewed(&app, verb::delete_grant(&app, &edge::context(), &seller, named(&id)?).await?.answer).await?;
    Ok(Reply::ok(grant).version(version))
}

/// Adds, changes and removes packages of a grant
///
/// All or none, at most 90 at once.
#[utoipa::path(
    put, path = "/v1/shop-series-grants/{id}/packages", operation_id = "changeGrantPackages", tag = "agency",
    security(("bearer" = [])), request_body = PackagesBody,
    params(("id" = String, Path), ("If-Match" = String, Header, description = "The version that was read")),
    responses(
        (status = 200, body = Grant), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "`change_under_way`, `children_above`, `cost_below_parent`, `package_not_granted`, `package_not_in_series`", body = Problem),
        (status = 412, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem),
        (status = 428, body = Problem), (status = 503, body = Problem),
    ),
)]
pub async fn change_packages(
    State(app): State<Arc<App>>,
    seller: Seller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body<PackagesBody>,
) -> Result<Reply<Grant>, Problem> {
    let (grant, version) = (named(&id)?, if_match(&headers)?);
    let (changes, adjust) = (body.value.read(currency(&app).await?)?, body.value.adjust_children);
    let done =
        verb::change_packages(&app, &edge::context(), &seller, &ChangePackages { grant, version, changes, adjust })
            .await?;
    let (grant, version) = viewed(&app, done.answer).await?;
    Ok(Reply::ok(grant).version(version))
}

/// Sets a retail price
///
/// By the shop itself, or an admin for it.
#[utoipa::path(
    put, path = "/v1/shop-series-grants/{id}/packages/{package_id}/retail", operation_id = "setRetailPrice",
    tag = "agency", security(("bearer" = [])), request_body = RetailBody,
    params(
        ("id" = String, Path), ("package_id" = String, Path),
        ("If-Match" = String, Header, description = "The version that was read"),
    ),
    responses(
        (status = 200, body = Grant), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "`change_under_way`, `package_not_granted`", body = Problem),
        (status = 412, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem),
        (status = 428, body = Problem), (status = 503, body = Problem),
    ),
)]
pub async fn set_retail(
    State(app): State<Arc<App>>,
    seller: Seller,
    Path((id, package)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body<RetailBody>,
) -> Result<Reply<Grant>, Problem> {
    let (grant, version) = (named(&id)?, if_match(&headers)?);
    let package = PackageId::parse(&package).ok_or(Refusal::NotFound)?;
    let mut findings = Findings::default();
    let price = findings.amount("/retail_price", &body.value.retail_price, currency(&app).await?);
    findings.none()?;
    let ask = SetRetail { grant, version, package, price, on_shelf: body.value.on_shelf };
    let (grant, version) = viewed(&app, verb::set_retail(&app, &edge::context(), &seller, &ask).await?.answer).await?;
    Ok(Reply::ok(grant).version(version))
}
