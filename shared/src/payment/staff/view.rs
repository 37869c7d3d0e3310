//! Wire form of an order with the details for staff, on routes and pages (R4.12).

use edge::export::CsvRow;
use jiff::Timestamp;
use kernel::money::MoneyError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::account::model::user::User;
use crate::account::view::Person;
use crate::payment::model::order::{self, OrderStatus};
use crate::payment::model::payment::Payment;
use crate::payment::view::OrderView;

/// An order with the details for the operator.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminOrder {
    /// The order as its user sees it.
    #[serde(flatten)]
    pub order: OrderView,
    /// User who made the order.
    pub user: Person,
    /// Id of the provider's payment, once known.
    pub provider_payment_id: Option<String>,
    /// IP address the order was made from.
    pub client_ip: Option<String>,
    /// User agent the order was made with.
    pub user_agent: Option<String>,
    /// True if the order used the user's promotion.
    pub promotion_used: bool,
}

impl CsvRow for AdminOrder {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "status",
        "user.id",
        "user.email",
        "provider",
        "method",
        "amount.amount",
        "charge.amount",
        "charge.currency",
        "credit.amount",
        "bonus.amount",
        "amount_bonus.amount",
        "coupon.code",
        "coupon.discount.amount",
        "coupon.bonus.amount",
        "coupon.state",
        "total.amount",
        "total.currency",
        "net.amount",
        "paid_at",
        "late",
        "processing",
        "provider_payment_id",
        "promotion_used",
        "client_ip",
        "user_agent",
    ];
}

impl AdminOrder {
    /// The order with its user and its payment, if they are there.
    ///
    /// # Errors
    /// If a sum does not add up.
    pub fn new(of: &order::Order, user: Option<&User>, payment: Option<&Payment>) -> Result<Self, MoneyError> {
        Ok(Self {
            order: OrderView::try_from(of)?.with_refund_details(payment),
            user: Person::new(of.user, user),
            provider_payment_id: of.payment_id.clone().or_else(|| of.claimed.clone()),
            client_ip: of.client_ip.clone(),
            user_agent: of.user_agent.clone(),
            promotion_used: of.status.is_captured() && of.bonus.is_some(),
        })
    }
}

/// A state reached by an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Transition {
    /// State of the order.
    pub status: OrderStatus,
    /// Time it was reached, if known.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

/// List the states recorded on the order itself; the order does not keep the time of giving up.
pub fn transitions(order: &order::Order) -> Vec<Transition> {
    let at_once = order.status == OrderStatus::Failed && order.pay_url.is_none();
    let mut way = Vec::new();
    if !at_once {
        way.push(Transition { status: OrderStatus::Pending, at: Some(order.created_at) });
    }
    if order.status.is_captured() {
        way.push(Transition { status: OrderStatus::Paid, at: order.paid_at });
    }
    let status = order.status;
    if way.last().is_none_or(|last| last.status != status) {
        way.push(Transition { status, at: at_once.then_some(order.created_at) });
    }
    way
}
