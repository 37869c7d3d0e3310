//! Agency orders and their commissions (R8.9–R8.12).

use shared::kernel::id::OrderId;
use shared::kernel::id::PackageId;
use shared::kernel::text_enum;
use shared::payment::model::order::OrderStatus;
use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use shared::account::view::Trader;
use shared::agency::model::order::{self, AgencyOrder, OrderKind, PaidBy};
use shared::agency::model::shop::{Reach, Seller, ShopPath};
use shared::agency::queries::{self, Earned, SaleFilter};
use shared::agency::sell::{CreateAgencyOrder, Online, create_agency_order, read};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::idempotency::RequiresIdempotencyKey;
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::search::{Search, named};
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::{AgencyOrderId, AssetId, SeriesId, ShopId};
use shared::kernel::provider::Provider;
use shared::kernel::refusal::{Refusal, code};
use shared::payment::model::order::Order as PaymentOrder;
use shared::payment::view::FailureView;
use utoipa::{IntoParams, ToSchema};

use super::asset::{packages, recharge};
use super::wire::{Findings, currency, shown};

/// An agency order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AgencyOrder)]
pub struct Order {
    /// Id of the agency order.
    pub id: AgencyOrderId,
    /// Kind of order: `purchase` or `recharge`.
    pub kind: OrderKind,
    /// Way of payment: `wallet`, `online`, `offline` or `asset`.
    pub payment: PaidBy,
    /// State of the order.
    /// `pending` until paid, then the state of its payment: `paid`, `partially_refunded`, `refunded`, `disputed`; or `failed`, `expired`,
    /// `cancelled`.
    pub status: OrderStatus,
    /// Id of the asset.
    pub asset_id: AssetId,
    /// Id of the series.
    pub series_id: SeriesId,
    /// Id of the selling shop.
    pub shop_id: Option<ShopId>,
    /// Price of the order, in agency currency.
    pub amount: Amount,
    /// Payment less refunds, in agency currency.
    pub net: Amount,
    /// Packages sold.
    pub packages: Vec<SoldView>,
    /// Commissions of the chain, as far as the caller may see them.
    pub commission: CommissionView,
    /// Id of the payment order, if paid online.
    pub payment_order_id: Option<OrderId>,
    /// Payment page, while the order is pending.
    pub pay_url: Option<String>,
    /// Content of the payment QR code, while the order is pending.
    pub qr_content: Option<String>,
    /// Reason why the provider created no payment.
    pub failure: Option<FailureView>,
    /// Time of payment.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub paid_at: Option<Timestamp>,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A package sold by an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct SoldView {
    /// Id of the package.
    pub package_id: PackageId,
    /// Retail price paid, in agency currency.
    pub retail_price: Amount,
}

text_enum! {
    /// The state of an order's commissions.
    pub enum SaleCommissionState {
        /// Not credited yet.
        Pending = "pending",
        /// Credited.
        Done = "done",
    }
}

/// Commissions of an order along the chain.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AgencyCommission)]
pub struct CommissionView {
    /// State of the commissions: `pending` or `done`; all levels are credited together.
    pub state: SaleCommissionState,
    /// True if the order triggered the asset's one-time commission.
    pub triggered: bool,
    /// One-time commission of the series less reversals, in agency currency: the sum of all levels and the platform; only for admins.
    pub pool: Option<Amount>,
    /// The platform's share of it less reversals, in agency currency; only for admins.
    pub platform: Option<Amount>,
    /// Commissions of the caller's shop and those below, from the selling shop up.
    pub levels: Vec<LevelView>,
}

/// Commission of one level.
#[derive(Debug, Serialize, ToSchema)]
pub struct LevelView {
    /// Id of the shop.
    pub shop_id: Option<ShopId>,
    /// Threshold of the tier that applied.
    pub tier: Option<String>,
    /// One-time commission less reversals, in agency currency.
    pub one_time: Amount,
    /// Price difference less reversals, in agency currency.
    pub difference: Amount,
}

impl CsvRow for Order {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "kind",
        "payment",
        "status",
        "asset_id",
        "series_id",
        "shop_id",
        "amount.amount",
        "amount.currency",
        "net.amount",
        "commission.state",
        "commission.triggered",
        "payment_order_id",
        "paid_at",
        "created_at",
    ];
}

impl Order {
    fn of(of: &AgencyOrder, payment: Option<&PaymentOrder>, reach: &Reach) -> Result<Self, Error> {
        let currency = of.amount.currency();
        let settled = of.outcome.as_ref();
        let net = match (settled, of.paid_at) {
            (Some(outcome), _) => outcome.net,
            (None, Some(_)) => of.amount.amount(),
            (None, None) => Decimal::ZERO,
        };
        let pending = payment.filter(|payment| payment.status == shared::payment::model::order::OrderStatus::Pending);
        let sold = |sold: &order::Sold| {
            Ok(SoldView { package_id: sold.id, retail_price: shown(sold.retail_price, currency)? })
        };
        let failure = payment.and_then(|payment| payment.failure.as_ref());
        Ok(Self {
            id: of.id,
            kind: of.kind,
            payment: of.paid_by,
            status: payment.map_or(OrderStatus::Paid, |payment| payment.status),
            asset_id: of.asset,
            series_id: of.series,
            shop_id: of.seller.shop(),
            amount: of.amount.into(),
            net: shown(net, currency)?,
            packages: of.packages.iter().map(sold).collect::<Result<_, Error>>()?,
            commission: CommissionView::of(of, reach)?,
            payment_order_id: of.payment,
            pay_url: pending.and_then(|payment| payment.pay_url.clone()),
            qr_content: pending.and_then(|payment| payment.qr_content().map(str::to_owned)),
            failure: failure.map(|failure| FailureView { code: failure.code, detail: failure.detail.clone() }),
            paid_at: of.paid_at.or_else(|| payment.and_then(|payment| payment.paid_at)),
            created_at: of.created_at,
        })
    }
}

impl CommissionView {
    fn of(of: &AgencyOrder, reach: &Reach) -> Result<Self, Error> {
        let currency = of.amount.currency();
        let Some(outcome) = &of.outcome else {
            let levels = Vec::new();
            return Ok(Self {
                state: SaleCommissionState::Pending,
                triggered: false,
                pool: None,
                platform: None,
                levels,
            });
        };
        let all = *reach == Reach::Platform;
        let part = |whole: Decimal| shown(of.part(whole, outcome.net)?, currency);
        let seen = of.seller.upward().zip(&outcome.shares).filter(|(shop, _)| reach.holds(shop));
        let level = |(shop, share): (ShopPath, &order::LevelShare)| {
            Ok(LevelView {
                shop_id: shop.shop(),
                tier: share.tier.map(|tier| tier.normalize().to_string()),
                one_time: part(share.one_time)?,
                difference: part(share.difference)?,
            })
        };
        Ok(Self {
            state: SaleCommissionState::Done,
            triggered: outcome.triggered,
            pool: all.then(|| part(outcome.pool)).transpose()?,
            platform: all.then(|| shown(of.platform_part(outcome)?, currency)).transpose()?,
            levels: seen.map(level).collect::<Result<_, Error>>()?,
        })
    }
}

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
        (status = 201, body = Order), code::NotFound, code::ForcedRechargeRequired, code::GrantDisabled,
        code::InsufficientBalance, code::PackageNotGranted, code::ProgrammeOff,
    ),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    Trader(seller): Trader,
    key: RequiresIdempotencyKey,
    body: Body<NewAgencyOrder>,
) -> Result<Reply<Order>, Problem> {
    let ask = body.value.read(currency(&app).await?)?;
    let ctx = key.bind(&app, &seller, &body);
    let done = create_agency_order(&app, &ctx, &seller, &ask).await?;
    let order = Order::of(&done.answer.order, done.answer.payment.as_ref(), &seller.reach)?;
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
        })
    }
}

/// List agency orders of the caller's shop and those below, newest first
#[utoipa::path(
    get, path = "/v1/agency/orders", operation_id = "listAgencyOrders", tag = "agency",
    responses((status = 200, body = Listing<Order>)),
)]
pub async fn orders(State(app): State<Arc<App>>, search: Search<Sales, Seller>) -> Result<JsonOrCsv<Order>, Problem> {
    let reach = &search.by.reach;
    let filter = search.filters.read()?;
    let page = search.rows(async |window| queries::orders(&app, reach, &filter, &window).await).await?;
    Ok(search.found(&app, page, |(order, payment)| Order::of(&order, payment.as_ref(), reach)).whole()?)
}

/// Get one agency order
#[utoipa::path(
    get, path = "/v1/agency/orders/{id}", operation_id = "getAgencyOrder", tag = "agency",
    responses((status = 200, body = Order)),
)]
pub async fn order(
    State(app): State<Arc<App>>,
    seller: Seller,
    Id(id): Id<AgencyOrderId>,
) -> Result<Reply<Order>, Problem> {
    let found = read(&app, &seller.reach, id).await?;
    Ok(Reply::ok(Order::of(&found.order, found.payment.as_ref(), &seller.reach)?))
}

/// A shop's commission on an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShopCommission {
    /// Id of the order.
    pub order_id: AgencyOrderId,
    /// Id of the earning shop.
    pub shop_id: Option<ShopId>,
    /// Id of the selling shop.
    pub seller_shop_id: Option<ShopId>,
    /// Id of the series.
    pub series_id: SeriesId,
    /// Threshold of the tier that applied.
    pub tier: Option<String>,
    /// One-time commission less reversals, in agency currency.
    pub one_time: Amount,
    /// Price difference less reversals, in agency currency.
    pub difference: Amount,
    /// Time of the order's creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl CsvRow for ShopCommission {
    const COLUMNS: &'static [&'static str] = &[
        "order_id",
        "shop_id",
        "seller_shop_id",
        "series_id",
        "tier",
        "one_time.amount",
        "difference.amount",
        "difference.currency",
        "created_at",
    ];
}

impl ShopCommission {
    fn of(of: &Earned) -> Result<Self, Error> {
        let order = &of.order;
        let net = order.outcome.as_ref().map_or(Decimal::ZERO, |outcome| outcome.net);
        let part = |whole: Decimal| shown(order.part(whole, net)?, order.amount.currency());
        Ok(Self {
            order_id: order.id,
            shop_id: of.shop.shop(),
            seller_shop_id: order.seller.shop(),
            series_id: order.series,
            tier: of.share.tier.map(|tier| tier.normalize().to_string()),
            one_time: part(of.share.one_time)?,
            difference: part(of.share.difference)?,
            created_at: order.created_at,
        })
    }
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
