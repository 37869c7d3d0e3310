//! Assets and their forced recharge (R8.7, R8.8).

use shared::kernel::id::AgencyOrderId;
use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use shared::account::records::StatementFilter;
use shared::account::view::Record;
use shared::agency::assets::{CreateAsset, asset as read, asset_records, create_asset, move_asset};
use shared::agency::model::asset::{self, AssetIdentifier, AssetKind};
use shared::agency::model::order::PaidBy;
use shared::agency::model::shop::Seller;
use shared::agency::preview::{SaleDesk, SalePreview};
use shared::agency::queries::{self, SaleFilter};
use shared::agency::sell::SaleRequest;
use shared::agency::view::{ChainView, ExpectedChainView};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::idempotency::Idempotent;
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::search::{Search, named};
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::{AssetId, PackageId, SeriesId, ShopId};
use shared::kernel::ledger::RecordType;
use shared::kernel::money::Currency;
use shared::kernel::refusal::{Refusal, code};
use utoipa::{IntoParams, ToSchema};

use super::wire::{Findings, currency, shown};
use shared::edge;

/// Highest number of packages in one order.
const PACKAGES: usize = 50;

/// A card or device.
#[derive(Debug, Serialize, ToSchema)]
pub struct Asset {
    /// Id of the asset.
    pub id: AssetId,
    /// Kind of asset: `card` or `device`.
    pub kind: AssetKind,
    /// Identifier printed on it.
    pub identifier: String,
    /// Id of the shop that sells for it.
    pub shop_id: Option<ShopId>,
    /// Id of the series whose packages it can have.
    pub series_id: SeriesId,
    /// Balance: recharges not yet spent on orders, in agency currency.
    pub balance: Amount,
    /// Receivable: refunded recharges still to be recovered, in agency currency.
    pub debt: Amount,
    /// Payments for it so far, not on behalf, in agency currency.
    pub paid: Amount,
    /// Id of the order that triggered its one-time commission.
    pub commission_order_id: Option<AgencyOrderId>,
    /// Time of registration.
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

/// An asset to register with a shop.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAsset {
    /// Kind of asset: `card` or `device`.
    #[schema(value_type = AssetKind)]
    kind: String,
    /// Id of the shop that sells for it.
    #[schema(value_type = ShopId)]
    shop_id: String,
    /// Id of the series whose packages it can have.
    #[schema(value_type = SeriesId)]
    series_id: String,
    /// Identifier printed on it: 4 to 64 letters, digits, `-`, `.`, `:` or `_`.
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

/// An asset's new shop. Other fields, if present, must equal the current values.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssetMove {
    /// Id of the shop that sells for it from now on.
    #[schema(value_type = ShopId)]
    shop_id: String,
    /// Kind of the asset; must equal the current one.
    #[serde(default)]
    #[schema(value_type = Option<AssetKind>)]
    kind: Option<String>,
    /// Id of the asset's series; must equal the current one.
    #[serde(default)]
    #[schema(value_type = Option<SeriesId>)]
    series_id: Option<String>,
    /// Identifier of the asset; must equal the current one.
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

/// Filters of assets.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Assets {
    /// Id of the shop that sells for the asset.
    #[param(inline, value_type = Option<ShopId>)]
    shop_id: Option<String>,
    /// Id of the series.
    #[param(inline, value_type = Option<SeriesId>)]
    series_id: Option<String>,
    /// Identifier printed on the asset, whatever its case and dashes.
    identifier: Option<String>,
}

impl Assets {
    fn read(&self) -> Result<SaleFilter, Refusal> {
        let shop = named("/shop_id", self.shop_id.as_deref())?;
        let series = named("/series_id", self.series_id.as_deref())?;
        let identifier = self.identifier.as_deref().map(AssetIdentifier::parse).transpose().map_err(Refusal::from)?;
        Ok(SaleFilter { shop, series, identifier, ..SaleFilter::default() })
    }
}

/// List assets of the caller's shop and those below
#[utoipa::path(
    get, path = "/v1/assets", operation_id = "listAssets", tag = "agency",
    responses((status = 200, body = Listing<Asset>)),
)]
pub async fn assets(State(app): State<Arc<App>>, search: Search<Assets, Seller>) -> Result<JsonOrCsv<Asset>, Problem> {
    let (filter, currency) = (search.filters.read()?, currency(&app).await?);
    let page = search.rows(async |window| queries::assets(&app, &search.by.reach, &filter, &window).await).await?;
    Ok(search.found(&app, page, |asset| Asset::of(asset, currency)).whole()?)
}

/// Register an asset with a shop
///
/// The shop must hold a grant of the series.
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

/// Get one asset
#[utoipa::path(
    get, path = "/v1/assets/{id}", operation_id = "getAsset", tag = "agency",
    responses((status = 200, body = Asset)),
)]
pub async fn asset(State(app): State<Arc<App>>, seller: Seller, Id(id): Id<AssetId>) -> Result<Reply<Asset>, Problem> {
    let asset = read(&app, &seller.reach, id).await?;
    Ok(Reply::ok(Asset::of(asset, currency(&app).await?)?))
}

/// Move an asset to another shop
///
/// Within the caller's own tree. Earlier orders remain with the shop that sold them.
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

/// Filters of an asset's statement lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AssetRecords {
    /// Type of the lines.
    #[serde(rename = "type")]
    #[param(inline, value_type = Option<RecordType>)]
    kind: Option<String>,
}

/// List the statement lines of an asset's balance
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/assets/{id}/records", operation_id = "listAssetRecords", tag = "agency",
    responses((status = 200, content((Listing<Record> = "application/json"), (String = "text/csv")))),
)]
pub async fn records(
    State(app): State<Arc<App>>,
    search: Search<AssetRecords, Seller>,
    Id(id): Id<AssetId>,
) -> Result<JsonOrCsv<Record>, Problem> {
    let kind = named("/type", search.filters.kind.as_deref())?;
    let filter = StatementFilter::of_balance(kind, &search.window);
    let page = asset_records(&app, &search.by.reach, id, &filter).await?;
    Ok(search.found(&app, page, Record::from))
}

/// Packages to check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PurchaseCheck {
    /// Ids of the packages, 1 to 50.
    #[schema(value_type = Vec<PackageId>)]
    package_ids: Vec<String>,
    /// Way of payment that the commissions are for; `wallet` if left out.
    #[serde(default)]
    #[schema(value_type = Option<PaidBy>)]
    payment: Option<String>,
}

/// A recharge to check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RechargeCheck {
    /// Amount of the recharge, in agency currency.
    amount: String,
    /// Way of payment that the commissions are for; `wallet` if left out.
    #[serde(default)]
    #[schema(value_type = Option<PaidBy>)]
    payment: Option<String>,
}

/// Read the packages of an order.
///
/// # Rejects
/// 422 for no package, too many packages, or an invalid id.
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

/// Read the amount of a recharge.
///
/// # Rejects
/// 422 for anything but an amount above zero.
pub fn recharge(text: &str, currency: Currency) -> Result<SaleRequest, Refusal> {
    let mut findings = Findings::default();
    let amount = findings.amount("/amount", text, currency);
    findings.none()?;
    if amount.is_zero() {
        return Err(Refusal::field("/amount", "out_of_range", "more than nothing"));
    }
    Ok(SaleRequest::Recharge(amount))
}

/// Minimum payment of an order, and its price.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SaleCheck)]
pub struct Check {
    /// Forced recharge of the asset.
    pub forced_recharge: Required,
    /// Price of the order, in agency currency.
    pub price: Amount,
    /// True if the order would be accepted.
    pub allowed: bool,
    /// Commissions that it would have if it were paid now.
    pub commission: ExpectedChainView,
    /// Explanation for a person.
    pub message: String,
}

/// A forced recharge.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RequiredRecharge)]
pub struct Required {
    /// True if a minimum has to be paid.
    pub required: bool,
    /// Minimum amount to pay, in agency currency.
    pub amount: Amount,
}

impl Check {
    async fn of(
        app: &App,
        seller: &Seller,
        asset: AssetId,
        wanted: &SaleRequest,
        payment: Option<&str>,
    ) -> Result<Self, Error> {
        let paid_by = named("/payment", payment)?.unwrap_or(PaidBy::Wallet);
        let desk = SaleDesk::read(app, &seller.reach, asset).await?;
        Self::shown(&desk.preview(app, seller.id, wanted, paid_by)?, seller, desk.currency)
    }

    fn shown(of: &SalePreview, seller: &Seller, currency: Currency) -> Result<Self, Error> {
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
            commission: ChainView::of(&of.order, &seller.reach)?.into(),
            message,
        })
    }
}

/// Check a purchase: its price, the minimum payment, and who would earn what
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
    Ok(Reply::ok(Check::of(&app, &seller, id, &wanted, body.value.payment.as_deref()).await?))
}

/// Check a recharge: the minimum, and who would earn what
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
    let wanted = recharge(&body.value.amount, currency(&app).await?)?;
    Ok(Reply::ok(Check::of(&app, &seller, id, &wanted, body.value.payment.as_deref()).await?))
}
