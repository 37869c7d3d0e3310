//! Agency orders and what they earn (R8.9–R8.12).

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
use shared::edge::search::{Search, given};
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
    /// Which.
    pub id: AgencyOrderId,
    /// `purchase` or `recharge`.
    pub kind: OrderKind,
    /// `wallet`, `online`, `offline` or `asset`.
    pub payment: PaidBy,
    /// `pending` until it is paid, then as its payment: `paid`, `partially_refunded`, `refunded`, `disputed`; or `failed`, `expired`,
    /// `cancelled`.
    pub status: OrderStatus,
    /// For which asset.
    pub asset_id: AssetId,
    /// Of which series.
    pub series_id: SeriesId,
    /// The selling shop.
    pub shop_id: Option<ShopId>,
    /// What it costs.
    pub amount: Amount,
    /// What is left of the payment.
    pub net: Amount,
    /// The packages.
    pub packages: Vec<SoldView>,
    /// What it pays the chain, as far as the caller sees it.
    pub commission: CommissionView,
    /// The payment order, when it is paid online.
    pub payment_order_id: Option<OrderId>,
    /// Where to pay, while it is pending.
    pub pay_url: Option<String>,
    /// What a QR code holds, while it is pending.
    pub qr_content: Option<String>,
    /// Why its provider made no payment.
    pub failure: Option<FailureView>,
    /// When it was paid.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub paid_at: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A package that was sold.
#[derive(Debug, Serialize, ToSchema)]
pub struct SoldView {
    /// Which.
    pub package_id: PackageId,
    /// For how much.
    pub retail_price: Amount,
}

text_enum! {
    /// The state of an order's commissions.
    pub enum SaleCommissionState {
        /// They are not credited yet.
        Pending = "pending",
        /// They are credited.
        Done = "done",
    }
}

/// What an order pays the chain.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AgencyCommission)]
pub struct CommissionView {
    /// All levels are done at once.
    pub state: SaleCommissionState,
    /// Whether it triggered the asset's one-time commission.
    pub triggered: bool,
    /// What the series pays; seen by admins.
    pub pool: Option<Amount>,
    /// What the platform keeps of it; seen by admins.
    pub platform: Option<Amount>,
    /// What the caller's shop and those below it earn, from the selling shop up.
    pub levels: Vec<LevelView>,
}

/// What one level earns.
#[derive(Debug, Serialize, ToSchema)]
pub struct LevelView {
    /// Which shop.
    pub shop_id: Option<ShopId>,
    /// The threshold of the tier that counted.
    pub tier: Option<String>,
    /// Of the one-time commission, less what went back.
    pub one_time: Amount,
    /// Of the prices, less what went back.
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
            pool: all.then(|| shown(outcome.pool, currency)).transpose()?,
            platform: all.then(|| shown(outcome.platform, currency)).transpose()?,
            levels: seen.map(level).collect::<Result<_, Error>>()?,
        })
    }
}

/// What is to be bought.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgencyOrder {
    /// For which asset.
    #[schema(value_type = AssetId)]
    asset_id: String,
    /// `purchase` or `recharge`.
    #[schema(value_type = OrderKind)]
    kind: String,
    /// Of a purchase: which packages.
    #[serde(default)]
    #[schema(value_type = Option<Vec<PackageId>>)]
    package_ids: Option<Vec<String>>,
    /// Of a recharge: how much.
    #[serde(default)]
    amount: Option<String>,
    /// `wallet`, `online`, `offline` or `asset`.
    #[schema(value_type = PaidBy)]
    payment: String,
    /// Of an online payment: `stripe` or `zpay`.
    #[serde(default)]
    #[schema(value_type = Option<Provider>)]
    provider: Option<String>,
    /// One of the provider's methods; its first one by default.
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

/// Makes an agency order
///
/// Paid by the selling shop's wallet, by a payment order, outside by word of an admin, or by the asset's balance. What it pays the
/// chain follows within moments of its payment.
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

/// Which sales.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Sales {
    /// Of this shop: of orders the selling one, of commissions the earning one.
    #[param(inline, value_type = Option<ShopId>)]
    shop_id: Option<String>,
    /// Of this series.
    #[param(inline, value_type = Option<SeriesId>)]
    series_id: Option<String>,
    /// Of this asset.
    #[param(inline, value_type = Option<AssetId>)]
    asset_id: Option<String>,
    /// `wallet`, `online`, `offline` or `asset`.
    #[param(inline, value_type = Option<PaidBy>)]
    payment: Option<String>,
}

impl Sales {
    fn read(&self) -> Result<SaleFilter, Refusal> {
        Ok(SaleFilter {
            shop: given("/shop_id", self.shop_id.as_deref(), ShopId::parse)?,
            series: given("/series_id", self.series_id.as_deref(), SeriesId::parse)?,
            asset: given("/asset_id", self.asset_id.as_deref(), AssetId::parse)?,
            paid_by: given("/payment", self.payment.as_deref(), PaidBy::parse)?,
        })
    }
}

/// Agency orders of the caller's shop and those below, newest first
#[utoipa::path(
    get, path = "/v1/agency/orders", operation_id = "listAgencyOrders", tag = "agency",
    responses((status = 200, body = Listing<Order>)),
)]
pub async fn orders(State(app): State<Arc<App>>, search: Search<Sales, Seller>) -> Result<JsonOrCsv<Order>, Problem> {
    let reach = &search.by.reach;
    let page = queries::orders(&app, reach, &search.filters.read()?, &search.window).await?;
    Ok(search.found(&app, page, |(order, payment)| Order::of(&order, payment.as_ref(), reach)).whole()?)
}

/// One agency order
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

/// What a shop earns of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShopCommission {
    /// The order.
    pub order_id: AgencyOrderId,
    /// Which shop.
    pub shop_id: Option<ShopId>,
    /// The selling shop.
    pub seller_shop_id: Option<ShopId>,
    /// Of which series.
    pub series_id: SeriesId,
    /// The threshold of the tier that counted.
    pub tier: Option<String>,
    /// Of the one-time commission, less what went back.
    pub one_time: Amount,
    /// Of the prices, less what went back.
    pub difference: Amount,
    /// When the order was made.
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

/// Commissions of the caller's shop and those below, newest first
#[utoipa::path(
    get, path = "/v1/agency/commissions", operation_id = "listAgencyCommissions", tag = "agency",
    responses((status = 200, body = Listing<ShopCommission>)),
)]
pub async fn commissions(
    State(app): State<Arc<App>>,
    search: Search<Sales, Seller>,
) -> Result<JsonOrCsv<ShopCommission>, Problem> {
    let page = queries::commissions(&app, &search.by.reach, &search.filters.read()?, &search.window).await?;
    Ok(search.found(&app, page, |earned| ShopCommission::of(&earned)).whole()?)
}
