//! Wire form of an order, for its user and for the operator (R4.12).

use crate::payment::model::coupon::{CouponCode, CouponState, OrderCoupon};
use crate::payment::model::order::FailureCode;
use crate::payment::model::refund::RefundState;
use jiff::Timestamp;
use kernel::id::OrderId;
use kernel::provider::Provider;
use serde::Serialize;
use utoipa::ToSchema;

use crate::payment::model::order::{self, OrderStatus};
use crate::payment::model::payment::Payment;
use crate::payment::model::refund::RefundLine;
use edge::view::Amount;
use kernel::money::MoneyError;

/// A top-up payment order.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderView {
    /// Order id, `ord_…`.
    pub id: OrderId,
    /// State of the order:
    /// `pending`, `paid`, `failed`, `expired`, `cancelled`, `disputed`, `partially_refunded` or `refunded`.
    pub status: OrderStatus,
    /// Payment provider: `stripe` or `zpay`.
    pub provider: Provider,
    /// Payment method of the provider, for example `card` or `alipay`.
    pub method: String,
    /// Requested amount before discount, in pay currency.
    pub amount: Amount,
    /// Amount to pay after discount and coupon, in pay currency.
    pub charge: Amount,
    /// Credit bought, in ledger currency, without bonus.
    pub credit: Amount,
    /// Promotion bonus in ledger currency; before payment the bonus that the order's tier would give.
    pub bonus: Amount,
    /// Bonus of the offer or amount, in ledger currency; before payment the bonus that it would give.
    pub amount_bonus: Amount,
    /// Coupon with what it did; null without one.
    pub coupon: Option<CouponView>,
    /// True while the bonus is under review, and not on the balance.
    pub bonus_held: bool,
    /// Sum of credit and bonuses, in ledger currency; without a bonus under review.
    pub total: Amount,
    /// Units of pay currency per unit of ledger currency, at order creation.
    pub exchange_rate: String,
    /// Charged fraction of the amount; `1` means no discount.
    pub discount_rate: String,
    /// Promotion tier at order creation; null if none applied.
    pub promotion_tier: Option<TierView>,
    /// Page on which to pay; null unless the order is pending.
    pub pay_url: Option<String>,
    /// Content of the QR code to pay by; null unless the order is pending.
    pub qr_content: Option<String>,
    /// Net of the charge after refunds and disputes, in pay currency; zero before payment.
    pub net: Amount,
    /// Refunds of the order's payment, made or requested.
    pub refunds: Vec<RefundView>,
    /// Creation time.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Time at which the unpaid order expires.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Time at which the provider took the money; null before payment.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub paid_at: Option<Timestamp>,
    /// True if the money was taken after the order had expired or left `pending`.
    pub late: bool,
    /// True while the provider is processing a payment of the order, also after the order has ended; the state stays as it is.
    pub processing: bool,
    /// Reason why the order failed; null unless it failed.
    pub failure: Option<FailureView>,
}

/// Coupon of an order, with what it did when the order was made.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = OrderCoupon)]
pub struct CouponView {
    /// Code of the coupon, in capitals.
    #[schema(value_type = String)]
    pub code: CouponCode,
    /// Amount taken off the charge, in pay currency; the charge has it taken off already.
    pub discount: Amount,
    /// Extra credit, in ledger currency; it is in the total.
    pub bonus: Amount,
    /// State: `reserved` while the order is open, `used` once it is paid, `released` if it ended unpaid, and `lapsed` if it was paid
    /// after that: the payment was credited with what it buys without the coupon.
    pub state: CouponState,
}

impl From<&OrderCoupon> for CouponView {
    fn from(of: &OrderCoupon) -> Self {
        Self { code: of.code.clone(), discount: of.discount.into(), bonus: of.bonus.into(), state: of.state }
    }
}

/// Promotion tier of an order.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Tier)]
pub struct TierView {
    /// Position of the tier in the ladder, from 0.
    pub index: u32,
    /// Bonus in percent of the credit.
    pub percent: String,
}

/// A refund, made or requested.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Refund)]
pub struct RefundView {
    /// Refund id, or the provider's id if the refund was not requested here; shown to the operator only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// Reason the admin gave for requesting it; shown to the operator only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// Reason why it was not made, if known; shown to the operator only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failure: Option<String>,
    /// Refunded amount, in pay currency.
    pub amount: Amount,
    /// State: `requested`, `succeeded` or `failed`.
    pub state: RefundState,
    /// Time of the request, or of the provider's first report.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Timestamp>,
}

/// Failure of an order.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Failure)]
pub struct FailureView {
    /// Code: `provider_refused` or `provider_unavailable`.
    pub code: FailureCode,
    /// Explanation for people; not meant to be parsed.
    pub detail: String,
}

impl OrderView {
    /// Adds the payment's refunds as the order's user sees them: without id, reason and failure.
    pub fn with_refunds(self, payment: Option<&Payment>) -> Self {
        let own = |refund: RefundView| RefundView { id: None, reason: None, failure: None, ..refund };
        let all = self.with_refund_details(payment);
        Self { refunds: all.refunds.into_iter().map(own).collect(), ..all }
    }

    /// Adds the payment's refunds with all details, for the operator.
    pub fn with_refund_details(self, payment: Option<&Payment>) -> Self {
        let lines = payment.map(Payment::refund_lines).unwrap_or_default();
        Self { refunds: lines.into_iter().map(RefundView::from).collect(), ..self }
    }
}

impl From<RefundLine> for RefundView {
    fn from(of: RefundLine) -> Self {
        Self {
            id: Some(of.id),
            reason: of.reason,
            failure: of.failure,
            amount: of.amount.into(),
            state: of.state,
            created_at: of.at,
        }
    }
}

impl TryFrom<&order::Order> for OrderView {
    type Error = MoneyError;

    fn try_from(order: &order::Order) -> Result<Self, MoneyError> {
        let pending = order.status == OrderStatus::Pending;
        let (bonus, amount_bonus) = order.bonuses()?;
        Ok(Self {
            id: order.id,
            status: order.status,
            provider: order.provider,
            method: order.method.clone(),
            amount: order.amount.into(),
            charge: order.charge.into(),
            credit: order.credit.into(),
            bonus: bonus.into(),
            amount_bonus: amount_bonus.into(),
            coupon: order.coupon.as_ref().map(CouponView::from),
            bonus_held: order.bonus_held,
            total: order.total()?.into(),
            exchange_rate: order.exchange_rate.to_string(),
            discount_rate: order.discount_rate.to_string(),
            promotion_tier: order
                .promotion
                .map(|tier| TierView { index: tier.index, percent: tier.percent.to_string() }),
            pay_url: order.pay_url.clone().filter(|_| pending),
            qr_content: order.qr_content().map(str::to_owned).filter(|_| pending),
            net: order.net().into(),
            refunds: Vec::new(),
            created_at: order.created_at,
            expires_at: order.expires_at,
            paid_at: order.paid_at,
            late: order.late,
            processing: order.is_processing(),
            failure: order
                .failure
                .as_ref()
                .map(|failure| FailureView { code: failure.code, detail: failure.detail.clone() }),
        })
    }
}
