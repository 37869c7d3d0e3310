//! Packages of a series (R8.2).

use std::sync::Arc;

use axum::extract::State;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::said;
use shared::account::view::{Admin, GrantsWrite};
use shared::agency::model::series;
use shared::agency::model::shop::Seller;
use shared::agency::offer::{SavePackage, save_package};
use shared::agency::queries;
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::Idempotent;
use shared::edge::page::Listing;
use shared::edge::path::{Id, Ids};
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::version::IfMatch;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::{PackageId, SeriesId};
use shared::kernel::money::Currency;
use shared::kernel::refusal::{Refusal, code};
use utoipa::ToSchema;

use super::wire::{Findings, currency, shown};
use shared::edge;

/// A product that assets can buy.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AgencyPackage)]
pub struct Package {
    /// Id of the package.
    pub id: PackageId,
    /// Display name.
    pub name: String,
    /// The operator's own code of the package.
    pub code: String,
    /// Retail price, unless a shop sets its own.
    pub price: Amount,
    /// The caller's cost price: for an admin and at level 1 the series' own.
    pub cost_price: Amount,
    /// Version of the package, increased by each change; also the `ETag`.
    pub version: u64,
}

impl Package {
    fn of(of: &series::Package, cost: Decimal, currency: Currency) -> Result<Self, Error> {
        Ok(Self {
            id: of.id,
            name: of.name.clone(),
            code: of.code.clone(),
            price: shown(of.price, currency)?,
            cost_price: shown(cost, currency)?,
            version: of.version,
        })
    }
}

/// A package to create, or its new values.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageBody {
    /// Display name, 1 to 500 characters.
    name: String,
    /// The operator's own code of the package, unique in the series.
    code: String,
    /// Retail price in agency currency, unless a shop sets its own.
    price: String,
    /// Lowest cost price for level 1, in agency currency.
    cost_price: String,
    /// True to raise the grants whose cost price is below the new one.
    #[serde(default)]
    adjust_children: bool,
}

impl PackageBody {
    fn read(&self, currency: Currency) -> Result<series::Package, Refusal> {
        let mut findings = Findings::default();
        let name = findings.take(said("/name", &self.name)).unwrap_or_default();
        let code = findings.take(said("/code", &self.code)).unwrap_or_default();
        let price = findings.amount("/price", &self.price, currency);
        let cost_price = findings.amount("/cost_price", &self.cost_price, currency);
        findings.none()?;
        let id = PackageId::new(Default::default());
        Ok(series::Package { id, version: 0, name, code, price, cost_price })
    }
}

/// List the packages of a series
///
/// An agent sees the packages granted to its shop, at the shop's own cost prices.
#[utoipa::path(
    get, path = "/v1/series/{id}/packages", operation_id = "listPackages", tag = "agency",
    responses((status = 200, body = Listing<Package>)),
)]
pub async fn all(
    State(app): State<Arc<App>>,
    seller: Seller,
    Id(id): Id<SeriesId>,
) -> Result<Reply<Listing<Package>>, Problem> {
    let (series, grant) = queries::one_series(&app, &seller.reach, id).await?;
    let currency = currency(&app).await?;
    let cost = |package: &series::Package| match &grant {
        Some(grant) => grant.terms.package(package.id).map(|held| held.cost_price),
        None => Some(package.cost_price),
    };
    let seen = series.wanted().packages.iter().filter_map(|package| Some((package, cost(package)?)));
    let items = seen.map(|(package, cost)| Package::of(package, cost, currency)).collect::<Result<_, _>>()?;
    Ok(Reply::ok(Listing { items, next_cursor: None }))
}

/// Create a package
#[utoipa::path(
    post, path = "/v1/series/{id}/packages", operation_id = "createPackage", tag = "agency",
    responses((status = 201, body = Package), code::ChangeUnderWay),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    admin: Admin<GrantsWrite>,
    Id(series): Id<SeriesId>,
    key: Idempotent,
    body: Body<PackageBody>,
) -> Result<Reply<Package>, Problem> {
    let currency = currency(&app).await?;
    let package = body.value.read(currency)?;
    let ctx = key.bind(&app, &admin, &body);
    let ask = SavePackage { series, known: None, package, adjust: false, admin: admin.id };
    let done = save_package(&app, &ctx, &ask).await?;
    let (version, cost) = (done.answer.version, done.answer.cost_price);
    Ok(Reply::created(Package::of(&done.answer, cost, currency)?).version(version).replayed(done.replayed))
}

/// Change a package
///
/// A cost price above a grant's is refused, unless `adjust_children` is true.
#[utoipa::path(
    put, path = "/v1/series/{id}/packages/{package_id}", operation_id = "changePackage", tag = "agency",
    responses((status = 200, body = Package), code::ChangeUnderWay, code::ChildrenAbove),
)]
pub async fn change(
    State(app): State<Arc<App>>,
    admin: Admin<GrantsWrite>,
    Ids(series, package): Ids<SeriesId, PackageId>,
    IfMatch(version): IfMatch,
    body: Body<PackageBody>,
) -> Result<Reply<Package>, Problem> {
    let currency = currency(&app).await?;
    let known = Some((package, version));
    let (package, adjust) = (body.value.read(currency)?, body.value.adjust_children);
    let ask = SavePackage { series, known, package, adjust, admin: admin.id };
    let package = save_package(&app, &edge::context(), &ask).await?.answer;
    Ok(Reply::ok(Package::of(&package, package.cost_price, currency)?).version(package.version))
}
