//! An order as its user and the operator see it (R4.12).

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
    /// Its id.
    pub id: OrderId,
    /// `pending`, `paid`, `failed`, `expired`, `cancelled`, `disputed`, `partially_refunded`, `refunded`.
    pub status: OrderStatus,
    /// `stripe` or `zpay`.
    pub provider: Provider,
    /// By which of its methods.
    pub method: String,
    /// What was ordered.
    pub amount: Amount,
    /// What is charged after discount.
    pub charge: Amount,
    /// What it buys.
    pub credit: Amount,
    /// The promotion's bonus; before payment what the snapshot would give.
    pub bonus: Amount,
    /// Credit and bonus.
    pub total: Amount,
    /// Pay-currency units for one ledger unit.
    pub exchange_rate: String,
    /// What part of the amount is charged.
    pub discount_rate: String,
    /// The promotion tier it was made in.
    pub promotion_tier: Option<TierView>,
    /// Where to pay, while it is pending.
    pub pay_url: Option<String>,
    /// What a QR code holds, while it is pending.
    pub qr_content: Option<String>,
    /// What is left of the charge; nothing before the payment.
    pub net: Amount,
    /// What was given back.
    pub refunds: Vec<RefundView>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Until when it can be paid.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// When the provider took the money.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub paid_at: Option<Timestamp>,
    /// Whether that was after it had expired or left `pending`.
    pub late: bool,
    /// Why it failed.
    pub failure: Option<FailureView>,
}

/// A promotion tier.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Tier)]
pub struct TierView {
    /// From 0.
    pub index: u32,
    /// Bonus in percent of the credit.
    pub percent: String,
}

/// Money given back, or asked back.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Refund)]
pub struct RefundView {
    /// Its id here, or the provider's when nobody asked for it here; the operator sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why, if it was asked for here; the operator sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it was not made, if that is known; the operator sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// How much.
    pub amount: Amount,
    /// `requested`, `succeeded`, `failed`.
    pub state: RefundState,
    /// When it was asked for, or first told of.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Timestamp>,
}

/// Why an order failed.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Failure)]
pub struct FailureView {
    /// `provider_refused` or `provider_unavailable`.
    pub code: FailureCode,
    /// For a person.
    pub detail: String,
}

impl OrderView {
    /// The same with what was given back of its payment, as its user sees it.
    pub fn with_refunds(self, payment: Option<&Payment>) -> Self {
        let own = |refund: RefundView| RefundView { id: None, reason: None, failure: None, ..refund };
        let all = self.with_refund_details(payment);
        Self { refunds: all.refunds.into_iter().map(own).collect(), ..all }
    }

    /// The same as the operator sees it.
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
        Ok(Self {
            id: order.id,
            status: order.status,
            provider: order.provider,
            method: order.method.clone(),
            amount: order.amount.into(),
            charge: order.charge.into(),
            credit: order.credit.into(),
            bonus: order.bonus()?.into(),
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
            failure: order
                .failure
                .as_ref()
                .map(|failure| FailureView { code: failure.code, detail: failure.detail.clone() }),
        })
    }
}
