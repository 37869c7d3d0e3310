//! Views of sales that routes and pages share: an order with the commissions of its chain, and a shop's commission on it (R8.9–R8.12).

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::agency::model::order::{self, AgencyOrder, OrderKind, PaidBy};
use crate::agency::model::shop::{Reach, ShopPath};
use crate::agency::queries::Earned;
use crate::payment::model::order::{Order as PaymentOrder, OrderStatus};
use crate::payment::view::FailureView;
use edge::export::CsvRow;
use edge::view::Amount;
use kernel::fault::Error;
use kernel::id::{AgencyOrderId, AssetId, OrderId, PackageId, SeriesId, ShopId};
use kernel::money::{Currency, LedgerMoney, MoneyError};
use kernel::text_enum;

/// Render an amount in agency currency.
///
/// # Errors
/// If the amount has more digits than the currency.
pub fn shown(amount: Decimal, currency: Currency) -> Result<Amount, MoneyError> {
    Ok(LedgerMoney::exact(amount, currency)?.into())
}

/// An agency order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AgencyOrder)]
pub struct SaleView {
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
    pub packages: Vec<SoldPackageView>,
    /// Commissions of the chain, as far as the caller may see them.
    pub commission: ChainView,
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
#[schema(as = SoldView)]
pub struct SoldPackageView {
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
pub struct ChainView {
    /// State of the commissions: `pending` or `done`; all levels are credited together.
    pub state: SaleCommissionState,
    /// True if the order triggered the asset's one-time commission.
    pub triggered: bool,
    /// One-time commission of the series less reversals, in agency currency: the sum of all levels and the platform; only for admins.
    pub pool: Option<Amount>,
    /// The platform's share of it less reversals, in agency currency; only for admins.
    pub platform: Option<Amount>,
    /// Commissions of the caller's shop and those below, from the selling shop up.
    pub levels: Vec<LevelEarningsView>,
}

/// Commission of one level.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LevelView)]
pub struct LevelEarningsView {
    /// Id of the shop.
    pub shop_id: Option<ShopId>,
    /// Threshold of the tier that applied.
    pub tier: Option<String>,
    /// One-time commission less reversals, in agency currency.
    pub one_time: Amount,
    /// Price difference less reversals, in agency currency.
    pub difference: Amount,
}

impl CsvRow for SaleView {
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

impl SaleView {
    /// An order as a caller with this reach sees it, with its payment order.
    ///
    /// # Errors
    /// An amount with more digits than the currency has.
    pub fn of(of: &AgencyOrder, payment: Option<&PaymentOrder>, reach: &Reach) -> Result<Self, Error> {
        let currency = of.amount.currency();
        let pending = payment.filter(|payment| payment.status == OrderStatus::Pending);
        let sold = |sold: &order::Sold| {
            Ok(SoldPackageView { package_id: sold.id, retail_price: shown(sold.retail_price, currency)? })
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
            net: shown(of.net(), currency)?,
            packages: of.packages.iter().map(sold).collect::<Result<_, Error>>()?,
            commission: ChainView::of(of, reach)?,
            payment_order_id: of.payment,
            pay_url: pending.and_then(|payment| payment.pay_url.clone()),
            qr_content: pending.and_then(|payment| payment.qr_content().map(str::to_owned)),
            failure: failure.map(|failure| FailureView { code: failure.code, detail: failure.detail.clone() }),
            paid_at: of.paid_at.or_else(|| payment.and_then(|payment| payment.paid_at)),
            created_at: of.created_at,
        })
    }
}

impl ChainView {
    /// The commissions of an order as a caller with this reach sees them.
    ///
    /// # Errors
    /// As [`SaleView::of`].
    pub fn of(of: &AgencyOrder, reach: &Reach) -> Result<Self, Error> {
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
            Ok(LevelEarningsView {
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

/// Commissions that an order would have if it were paid now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExpectedCommission)]
pub struct ExpectedChainView {
    /// True if the order would trigger the asset's one-time commission.
    pub triggered: bool,
    /// One-time commission of the series, in agency currency; only for admins.
    pub pool: Option<Amount>,
    /// The platform's share of it, in agency currency; only for admins.
    pub platform: Option<Amount>,
    /// Commissions of the caller's shop and those below, from the selling shop up.
    pub levels: Vec<LevelEarningsView>,
}

impl From<ChainView> for ExpectedChainView {
    fn from(of: ChainView) -> Self {
        let ChainView { triggered, pool, platform, levels, .. } = of;
        Self { triggered, pool, platform, levels }
    }
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
    /// Earnings of a shop from an order.
    ///
    /// # Errors
    /// As [`SaleView::of`].
    pub fn of(of: &Earned) -> Result<Self, Error> {
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
