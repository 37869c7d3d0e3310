//! Agency orders and their commissions (R8.9–R8.12).

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use shared::account::view::Trader;
use shared::agency::model::order::{OrderKind, PaidBy};
use shared::agency::model::shop::Seller;
use shared::agency::queries::{self, SaleFilter};
use shared::agency::sell::{CreateAgencyOrder, Online, create_agency_order, read};
use shared::agency::view::{SaleView, ShopCommission};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::export::JsonOrCsv;
use shared::edge::idempotency::RequiresIdempotencyKey;
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::search::{Search, named};
use shared::kernel::id::{AgencyOrderId, AssetId, PackageId, SeriesId, ShopId};
use shared::kernel::provider::Provider;
use shared::kernel::refusal::{Refusal, code};
use utoipa::{IntoParams, ToSchema};

use super::asset::{packages, recharge};
use super::wire::{Findings, currency};

/// An agency order to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgencyOrder {
    /// Id of the asset.
    #[schema(value_type = AssetId)]
    asset_id: String,
    /// Kind of order: `purchase` or `recharge`.
    #[schema(value_type = OrderKind)]
    kind: String,
    /// Ids of the packages of a purchase, 1 to 50.
    #[serde(default)]
    #[schema(value_type = Option<Vec<PackageId>>)]
    package_ids: Option<Vec<String>>,
    /// Amount of a recharge, in agency currency.
    #[serde(default)]
    amount: Option<String>,
    /// Way of payment: `wallet`, `online`, `offline` or `asset`.
    #[schema(value_type = PaidBy)]
    payment: String,
    /// Provider of an online payment: `stripe` or `zpay`.
    #[serde(default)]
    #[schema(value_type = Option<Provider>)]
    provider: Option<String>,
    /// Payment method of the provider; its first one if left out.
    #[serde(default)]
    method: Option<String>,
}

impl NewAgencyOrder {
    fn read(&self, currency: shared::kernel::money::Currency) -> Result<CreateAgencyOrder, Refusal> {
        let mut findings = Findings::default();
        let asset = findings.id("/asset_id", &self.asset_id, AssetId::parse);
        let paid_by = PaidBy::parse(&self.payment);
        if paid_by.is_none() {
            findings.add("/payment", "unknown", "`wallet`, `online`, `offline` or `asset`");
        }
        let kind = match self.kind.as_str() {
            "purchase" => Some(OrderKind::Purchase),
            "recharge" => Some(OrderKind::Recharge),
            _ => {
                findings.add("/kind", "unknown", "`purchase` or `recharge`");
                None
            }
        };
        if kind == Some(OrderKind::Recharge) && paid_by == Some(PaidBy::Asset) {
            findings.add("/payment", "not_offered", "an asset does not recharge itself");
        }
        let provider = self.provider.as_deref().map(Provider::parse);
        if (paid_by == Some(PaidBy::Online)) != provider.is_some_and(|provider| provider.is_some()) {
            findings.add("/provider", "unknown", "`stripe` or `zpay` for an online payment, else nothing");
        }
        findings.none()?;
        let wanted = match (kind, &self.package_ids, &self.amount) {
            (Some(OrderKind::Purchase), Some(ids), None) => packages(ids)?,
            (Some(OrderKind::Recharge), None, Some(amount)) => recharge(amount, currency)?,
            (Some(OrderKind::Recharge), ..) => {
                return Err(Refusal::field("/amount", "required", "a recharge has an amount and no packages"));
            }
            _ => return Err(Refusal::field("/package_ids", "required", "a purchase has packages and no amount")),
        };
        let (Some(asset), Some(paid_by)) = (asset, paid_by) else { return Err(Refusal::MalformedRequest) };
        let origin = shared::table::request::origin();
        let online = provider.flatten().map(|provider| Online {
            provider,
            method: self.method.clone(),
            client_ip: origin.client_ip.clone(),
            user_agent: origin.user_agent.clone(),
        });
        Ok(CreateAgencyOrder { asset, wanted, paid_by, online })
    }
}

/// Create an agency order
///
/// Paid from the selling shop's wallet, by a payment order, offline as confirmed by an admin, or from the asset's balance. Commissions
/// are credited within moments of the payment.
#[utoipa::path(
    post, path = "/v1/agency/orders", operation_id = "createAgencyOrder", tag = "agency",
    responses(
        (status = 201, body = SaleView), code::NotFound, code::ForcedRechargeRequired, code::GrantDisabled,
        code::InsufficientBalance, code::PackageNotGranted, code::ProgrammeOff,
    ),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    Trader(seller): Trader,
    key: RequiresIdempotencyKey,
    body: Body<NewAgencyOrder>,
) -> Result<Reply<SaleView>, Problem> {
    let ask = body.value.read(currency(&app).await?)?;
    let ctx = key.bind(&app, &seller, &body);
    let done = create_agency_order(&app, &ctx, &seller, &ask).await?;
    let order = SaleView::of(&done.answer.order, done.answer.payment.as_ref(), &seller.reach)?;
    Ok(Reply::created(order).replayed(done.replayed))
}

/// Filters of agency orders and commissions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Sales {
    /// Id of the shop: the selling shop of an order, the earning shop of a commission.
    #[param(inline, value_type = Option<ShopId>)]
    shop_id: Option<String>,
    /// Id of the series.
    #[param(inline, value_type = Option<SeriesId>)]
    series_id: Option<String>,
    /// Id of the asset.
    #[param(inline, value_type = Option<AssetId>)]
    asset_id: Option<String>,
    /// Way of payment: `wallet`, `online`, `offline` or `asset`.
    #[param(inline, value_type = Option<PaidBy>)]
    payment: Option<String>,
}

impl Sales {
    fn read(&self) -> Result<SaleFilter, Refusal> {
        Ok(SaleFilter {
            shop: named("/shop_id", self.shop_id.as_deref())?,
            series: named("/series_id", self.series_id.as_deref())?,
            asset: named("/asset_id", self.asset_id.as_deref())?,
            paid_by: named("/payment", self.payment.as_deref())?,
            identifier: None,
        })
    }
}

/// List agency orders of the caller's shop and those below, newest first
#[utoipa::path(
    get, path = "/v1/agency/orders", operation_id = "listAgencyOrders", tag = "agency",
    responses((status = 200, body = Listing<SaleView>)),
)]
pub async fn orders(
    State(app): State<Arc<App>>,
    search: Search<Sales, Seller>,
) -> Result<JsonOrCsv<SaleView>, Problem> {
    let reach = &search.by.reach;
    let filter = search.filters.read()?;
    let page = search.rows(async |window| queries::orders(&app, reach, &filter, &window).await).await?;
    Ok(search.found(&app, page, |(order, payment)| SaleView::of(&order, payment.as_ref(), reach)).whole()?)
}

/// Get one agency order
#[utoipa::path(
    get, path = "/v1/agency/orders/{id}", operation_id = "getAgencyOrder", tag = "agency",
    responses((status = 200, body = SaleView)),
)]
pub async fn order(
    State(app): State<Arc<App>>,
    seller: Seller,
    Id(id): Id<AgencyOrderId>,
) -> Result<Reply<SaleView>, Problem> {
    let found = read(&app, &seller.reach, id).await?;
    Ok(Reply::ok(SaleView::of(&found.order, found.payment.as_ref(), &seller.reach)?))
}

/// List commissions of the caller's shop and those below, newest first
#[utoipa::path(
    get, path = "/v1/agency/commissions", operation_id = "listAgencyCommissions", tag = "agency",
    responses((status = 200, body = Listing<ShopCommission>)),
)]
pub async fn commissions(
    State(app): State<Arc<App>>,
    search: Search<Sales, Seller>,
) -> Result<JsonOrCsv<ShopCommission>, Problem> {
    let filter = search.filters.read()?;
    let page = search.rows(async |window| queries::commissions(&app, &search.by.reach, &filter, &window).await).await?;
    Ok(search.found(&app, page, |earned| ShopCommission::of(&earned)).whole()?)
}
