//! Assets, and what has to be paid for them first (R8.7, R8.8).

use shared::kernel::id::AgencyOrderId;
use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use shared::agency::assets::{CreateAsset, asset as read, create_asset, move_asset};
use shared::agency::model::asset::{self, AssetIdentifier, AssetKind};
use shared::agency::model::shop::Seller;
use shared::agency::queries::{self, SaleFilter};
use shared::agency::sell::{Checked, SaleRequest, check};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::idempotency::Idempotent;
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::search::{Search, given};
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::{AssetId, PackageId, SeriesId, ShopId};
use shared::kernel::money::Currency;
use shared::kernel::refusal::{Refusal, code};
use utoipa::{IntoParams, ToSchema};

use super::wire::{Findings, currency, shown};
use shared::edge;

/// Most packages of one order.
const PACKAGES: usize = 50;

/// A card or device.
#[derive(Debug, Serialize, ToSchema)]
pub struct Asset {
    /// Which.
    pub id: AssetId,
    /// `card` or `device`.
    pub kind: AssetKind,
    /// What is printed on it.
    pub identifier: String,
    /// The shop that sells for it.
    pub shop_id: Option<ShopId>,
    /// Which packages it can have.
    pub series_id: SeriesId,
    /// What recharges credited and orders have not spent.
    pub balance: Amount,
    /// What is still to be taken back of recharges.
    pub debt: Amount,
    /// What was paid for it so far, not on behalf.
    pub paid: Amount,
    /// The order that triggered its one-time commission.
    pub commission_order_id: Option<AgencyOrderId>,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl CsvRow for Asset {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "kind",
        "identifier",
        "shop_id",
        "series_id",
        "balance.amount",
        "debt.amount",
        "paid.amount",
        "paid.currency",
        "commission_order_id",
        "created_at",
    ];
}

impl Asset {
    fn of(of: asset::Asset, currency: Currency) -> Result<Self, Error> {
        Ok(Self {
            id: of.id,
            kind: of.kind,
            identifier: of.identifier.as_str().to_owned(),
            shop_id: of.path.shop(),
            series_id: of.series,
            balance: of.accounts.balance().into(),
            debt: of.accounts.owed().into(),
            paid: shown(of.progress.paid, currency)?,
            commission_order_id: of.triggered_by,
            created_at: of.created_at,
        })
    }
}

/// An asset that comes to a shop.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAsset {
    /// `card` or `device`.
    #[schema(value_type = AssetKind)]
    kind: String,
    /// Which shop sells for it.
    #[schema(value_type = ShopId)]
    shop_id: String,
    /// Which packages it can have.
    #[schema(value_type = SeriesId)]
    series_id: String,
    /// What is printed on it: 4 to 64 letters, digits, `-`, `.`, `:` or `_`.
    identifier: String,
}

impl NewAsset {
    fn read(&self) -> Result<CreateAsset, Refusal> {
        let mut findings = Findings::default();
        let kind = AssetKind::parse(&self.kind);
        if kind.is_none() {
            findings.add("/kind", "unknown", "`card` or `device`");
        }
        let shop = findings.id("/shop_id", &self.shop_id, ShopId::parse);
        let series = findings.id("/series_id", &self.series_id, SeriesId::parse);
        let identifier = findings.take(AssetIdentifier::parse(&self.identifier));
        findings.none()?;
        match (kind, shop, series, identifier) {
            (Some(kind), Some(shop), Some(series), Some(identifier)) => {
                Ok(CreateAsset { kind, identifier, shop, series })
            }
            _ => Err(Refusal::MalformedRequest),
        }
    }
}

/// Where an asset is to be. Whatever else is said has to be as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssetMove {
    /// Which shop sells for it from now on.
    #[schema(value_type = ShopId)]
    shop_id: String,
    /// Its kind.
    #[serde(default)]
    #[schema(value_type = Option<AssetKind>)]
    kind: Option<String>,
    /// Its series.
    #[serde(default)]
    #[schema(value_type = Option<SeriesId>)]
    series_id: Option<String>,
    /// Its identifier.
    #[serde(default)]
    identifier: Option<String>,
}

impl AssetMove {
    fn read(&self, of: &asset::Asset) -> Result<ShopId, Refusal> {
        let mut findings = Findings::default();
        let shop = findings.id("/shop_id", &self.shop_id, ShopId::parse);
        let identifier = self.identifier.as_deref().map(|text| AssetIdentifier::parse(text).ok());
        let fixed = [
            ("/kind", self.kind.as_deref().is_some_and(|kind| kind != of.kind.as_str())),
            ("/series_id", self.series_id.as_deref().is_some_and(|series| series != of.series.to_string())),
            ("/identifier", identifier.is_some_and(|identifier| identifier.as_ref() != Some(&of.identifier))),
        ];
        for (pointer, _) in fixed.into_iter().filter(|(_, differs)| *differs) {
            findings.add(pointer, "fixed", "only the shop can change");
        }
        findings.none()?;
        shop.ok_or(Refusal::MalformedRequest)
    }
}

/// Which assets.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Assets {
    /// Of this shop.
    #[param(inline, value_type = Option<ShopId>)]
    shop_id: Option<String>,
    /// Of this series.
    #[param(inline, value_type = Option<SeriesId>)]
    series_id: Option<String>,
}

impl Assets {
    fn read(&self) -> Result<SaleFilter, Refusal> {
        let shop = given("/shop_id", self.shop_id.as_deref(), ShopId::parse)?;
        let series = given("/series_id", self.series_id.as_deref(), SeriesId::parse)?;
        Ok(SaleFilter { shop, series, ..SaleFilter::default() })
    }
}

/// Assets of the caller's shop and those below
#[utoipa::path(
    get, path = "/v1/assets", operation_id = "listAssets", tag = "agency",
    responses((status = 200, body = Listing<Asset>)),
)]
pub async fn assets(State(app): State<Arc<App>>, search: Search<Assets, Seller>) -> Result<JsonOrCsv<Asset>, Problem> {
    let (filter, currency) = (search.filters.read()?, currency(&app).await?);
    let page = queries::assets(&app, &search.by.reach, &filter, &search.window).await?;
    Ok(search.found(&app, page, |asset| Asset::of(asset, currency)).whole()?)
}

/// Takes an asset into a shop
///
/// The shop has to hold a grant of the series.
#[utoipa::path(
    post, path = "/v1/assets", operation_id = "createAsset", tag = "agency",
    responses(
        (status = 201, body = Asset), code::NotFound, code::AllocatorNotGranted, code::GrantDisabled,
        code::IdentifierTaken,
    ),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    seller: Seller,
    key: Idempotent,
    body: Body<NewAsset>,
) -> Result<Reply<Asset>, Problem> {
    let ask = body.value.read()?;
    let ctx = key.bind(&app, &seller, &body);
    let done = create_asset(&app, &ctx, &seller, &ask).await?;
    Ok(Reply::created(Asset::of(done.answer, currency(&app).await?)?).replayed(done.replayed))
}

/// One asset
#[utoipa::path(
    get, path = "/v1/assets/{id}", operation_id = "getAsset", tag = "agency",
    responses((status = 200, body = Asset)),
)]
pub async fn asset(State(app): State<Arc<App>>, seller: Seller, Id(id): Id<AssetId>) -> Result<Reply<Asset>, Problem> {
    let asset = read(&app, &seller.reach, id).await?;
    Ok(Reply::ok(Asset::of(asset, currency(&app).await?)?))
}

/// Moves an asset to another shop
///
/// Within the caller's own tree; what was sold before stays with the shop that sold it.
#[utoipa::path(
    put, path = "/v1/assets/{id}", operation_id = "moveAsset", tag = "agency",
    responses((status = 200, body = Asset), code::AllocatorNotGranted, code::GrantDisabled),
)]
pub async fn change(
    State(app): State<Arc<App>>,
    seller: Seller,
    Id(id): Id<AssetId>,
    body: Body<AssetMove>,
) -> Result<Reply<Asset>, Problem> {
    let asset = read(&app, &seller.reach, id).await?;
    let shop = body.value.read(&asset)?;
    let done = move_asset(&app, &edge::context(), &seller, asset.id, shop).await?;
    Ok(Reply::ok(Asset::of(done.answer, currency(&app).await?)?))
}

/// Packages that are wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PurchaseCheck {
    /// Which, 1 to 50.
    #[schema(value_type = Vec<PackageId>)]
    package_ids: Vec<String>,
}

/// A recharge that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RechargeCheck {
    /// How much.
    amount: String,
}

/// Reads the packages of an order.
///
/// # Refuses
/// 422 for none, too many, or what is no id.
pub fn packages(ids: &[String]) -> Result<SaleRequest, Refusal> {
    let mut findings = Findings::default();
    if !(1..=PACKAGES).contains(&ids.len()) {
        findings.add("/package_ids", "out_of_range", format!("1 to {PACKAGES}"));
    }
    let read = ids.iter().take(PACKAGES).enumerate();
    let ids: Vec<_> =
        read.filter_map(|(index, id)| findings.id(format!("/package_ids/{index}"), id, PackageId::parse)).collect();
    findings.none()?;
    Ok(SaleRequest::Purchase(ids))
}

/// Reads the amount of a recharge.
///
/// # Refuses
/// 422 for what is no amount above zero.
pub fn recharge(text: &str, currency: Currency) -> Result<SaleRequest, Refusal> {
    let mut findings = Findings::default();
    let amount = findings.amount("/amount", text, currency);
    findings.none()?;
    if amount.is_zero() {
        return Err(Refusal::field("/amount", "out_of_range", "more than nothing"));
    }
    Ok(SaleRequest::Recharge(amount))
}

/// What has to be paid first, and whether this would be enough.
#[derive(Debug, Serialize, ToSchema)]
pub struct Check {
    /// The forced recharge.
    pub forced_recharge: Required,
    /// What it would cost.
    pub price: Amount,
    /// Whether it would be accepted.
    pub allowed: bool,
    /// The same for a person.
    pub message: String,
}

/// A forced recharge.
#[derive(Debug, Serialize, ToSchema)]
pub struct Required {
    /// Whether there is one.
    pub required: bool,
    /// How much at least.
    pub amount: Amount,
}

impl Check {
    fn of(of: &Checked, currency: Currency) -> Result<Self, Error> {
        let amount = of.required.unwrap_or(Decimal::ZERO);
        let message = match (of.required, of.allowed()) {
            (None, _) => "Nothing has to be paid first.".to_owned(),
            (Some(_), true) => "This is enough.".to_owned(),
            (Some(amount), false) => format!("At least {} {currency} has to be paid at once.", amount.normalize()),
        };
        Ok(Self {
            forced_recharge: Required { required: of.required.is_some(), amount: shown(amount, currency)? },
            price: shown(of.price, currency)?,
            allowed: of.allowed(),
            message,
        })
    }
}

/// Minimum payment before these packages
#[utoipa::path(
    post, path = "/v1/assets/{id}/purchase-check", operation_id = "checkPurchase", tag = "agency",
    responses((status = 200, body = Check), code::GrantDisabled, code::PackageNotGranted),
)]
pub async fn purchase_check(
    State(app): State<Arc<App>>,
    seller: Seller,
    Id(id): Id<AssetId>,
    body: Body<PurchaseCheck>,
) -> Result<Reply<Check>, Problem> {
    let wanted = packages(&body.value.package_ids)?;
    let checked = check(&app, &seller.reach, id, &wanted).await?;
    Ok(Reply::ok(Check::of(&checked, currency(&app).await?)?))
}

/// Minimum recharge
#[utoipa::path(
    post, path = "/v1/assets/{id}/recharge-check", operation_id = "checkRecharge", tag = "agency",
    responses((status = 200, body = Check), code::GrantDisabled),
)]
pub async fn recharge_check(
    State(app): State<Arc<App>>,
    seller: Seller,
    Id(id): Id<AssetId>,
    body: Body<RechargeCheck>,
) -> Result<Reply<Check>, Problem> {
    let currency = currency(&app).await?;
    let wanted = recharge(&body.value.amount, currency)?;
    let checked = check(&app, &seller.reach, id, &wanted).await?;
    Ok(Reply::ok(Check::of(&checked, currency)?))
}
