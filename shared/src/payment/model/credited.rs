//! Credit of a payment: the amounts and the state with which its order is credited (R4.6, R12.1).

use jiff::Timestamp;

use crate::operations::model::budget::Budgeted;
use crate::payment::model::bonus::combined;
use crate::payment::model::order::{Order, OrderStatus};
use crate::payment::model::payment::{Capture, Payment, target};
use crate::payment::model::promotion::{Moments, OrderTier, Promotion, Used};
use kernel::ledger::{NewLine, PlatformAccount, PlatformLine, RecordType};
use kernel::money::{LedgerMoney, MoneyError, PayMoney};

/// Amounts and state with which an order is credited.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Credited {
    /// Tier earned. Earning it uses up the promotion, regardless of refunds.
    pub tier: Option<OrderTier>,
    /// Bonus of that tier on the whole credit, as recorded on the order and the promotion's use.
    pub bonus: LedgerMoney,
    /// Credit to post: all of it, less the share of refunds that came first.
    pub post_credit: LedgerMoney,
    /// Bonus to post, reduced in the same way; zero if it is held.
    pub post_bonus: LedgerMoney,
    /// Bonus of the offer or amount on the whole credit, as recorded on the order (R12.1).
    pub amount_bonus: LedgerMoney,
    /// That bonus to post, reduced in the same way.
    pub post_amount_bonus: LedgerMoney,
    /// Bonus of the coupon to post, reduced in the same way (R12.2).
    pub post_coupon_bonus: LedgerMoney,
    /// Room that the budget of the promotion has for the whole bonus (R10.4).
    pub budgeted: Budgeted,
    /// Net of the charge; counts toward the invitee's total (R3.6).
    pub net: PayMoney,
    /// New state of the order.
    pub status: OrderStatus,
    /// Capture time.
    pub paid_at: Timestamp,
    /// True if the capture came after the order had expired or left `pending`.
    pub late: bool,
}

impl Credited {
    /// Amounts that a captured payment credits to its order.
    ///
    /// # Rejects
    /// Overflow; amounts in different currencies.
    pub fn by(
        order: &Order,
        payment: &Payment,
        promotion: Option<&Promotion>,
        capture: Capture,
        received_at: Timestamp,
    ) -> Result<Self, MoneyError> {
        let order = &order.coupon_settled()?;
        let (created_at, expires_at) = (order.created_at, order.expires_at);
        let moments = Moments { created_at, expires_at, took_at: capture.at, received_at };
        let tier = promotion.and_then(|promotion| promotion.tier_paid(order.amount, order.promotion, moments));
        let none = LedgerMoney::zero(order.credit.currency());
        let bonus = tier.map_or(Ok(none), |tier| tier.bonus(order.credit))?;
        let (bonus, amount_bonus) = combined(bonus, order.offered_bonus)?;
        let tier = tier.filter(|_| bonus.is_positive());
        let net = payment.net()?.unwrap_or(PayMoney::zero(order.charge.currency()));
        Ok(Self {
            tier,
            bonus,
            post_credit: target(order.credit, net, order.charge)?,
            post_bonus: target(bonus, net, order.charge)?,
            amount_bonus,
            post_amount_bonus: target(amount_bonus, net, order.charge)?,
            post_coupon_bonus: target(order.coupon_bonus(), net, order.charge)?,
            budgeted: Budgeted::Unlimited,
            net,
            status: OrderStatus::by_net(net, order.charge, payment.open_dispute())?,
            paid_at: moments.paid_at(),
            late: order.status != OrderStatus::Pending || !moments.in_time(),
        })
    }

    /// Credits an order without any promotion from a capture of which `net` remains..
    ///
    /// # Rejects
    /// Overflow; amounts in different currencies.
    pub fn without_bonus(
        order: &Order,
        payment: &Payment,
        net: PayMoney,
        paid_at: Timestamp,
    ) -> Result<Self, MoneyError> {
        let none = LedgerMoney::zero(order.credit.currency());
        let post_credit = target(order.credit, net, order.charge)?;
        let status = OrderStatus::by_net(net, order.charge, payment.open_dispute())?;
        let budgeted = Budgeted::Unlimited;
        Ok(Self {
            tier: None,
            bonus: none,
            post_credit,
            post_bonus: none,
            amount_bonus: none,
            post_amount_bonus: none,
            post_coupon_bonus: none,
            budgeted,
            net,
            status,
            paid_at,
            late: false,
        })
    }

    /// User lines of the paid journal: the credit, and each bonus as a line of its own (R4.6, R12.1, R12.2).
    pub fn movements(&self, order: &Order) -> Vec<NewLine> {
        let id = order.id.to_string();
        vec![
            NewLine::new(RecordType::Payment, self.post_credit, id.as_str()),
            NewLine::new(RecordType::Promotion, self.post_bonus, id.as_str()),
            NewLine::new(RecordType::Promotion, self.post_amount_bonus, id.as_str()),
            NewLine::new(RecordType::Promotion, self.post_coupon_bonus, id),
        ]
    }

    /// Platform lines of the paid journal (R1.4).
    ///
    /// Money returned before the payment was credited stands as lines of its own, so the journal of a payment with net zero is
    /// not empty.
    ///
    /// # Rejects
    /// Overflow.
    pub fn house(&self, order: &Order) -> Result<Vec<PlatformLine>, MoneyError> {
        let taken = order.charge.as_ledger();
        let back = order.charge.minus(self.net)?.as_ledger();
        let provider = PlatformAccount::Provider(order.provider);
        let lines = [
            (provider, taken.negated()),
            (PlatformAccount::Sales, taken),
            (provider, back),
            (PlatformAccount::Sales, back.negated()),
            (PlatformAccount::Sales, self.post_credit.negated()),
            (PlatformAccount::Promotion, self.post_bonus.negated()),
            (PlatformAccount::Promotion, self.post_amount_bonus.negated()),
            (PlatformAccount::Promotion, self.post_coupon_bonus.negated()),
        ];
        let moving = lines.into_iter().filter(|(_, amount)| !amount.is_zero());
        Ok(moving.map(|(account, amount)| PlatformLine::new(account, amount)).collect())
    }

    /// Use of the promotion, if a tier was earned; refunds do not change it (R4.11).
    pub fn used(&self, order: &Order) -> Option<Used> {
        let (order_id, amount, bonus, at) = (order.id, order.amount, self.bonus, self.paid_at);
        self.tier.map(|tier| Used { order_id, tier: tier.index, amount, bonus, at })
    }
}

impl Order {
    /// The order after its payment was credited.
    ///
    /// # Rejects
    /// Overflow.
    pub fn credited(&self, by: &Credited, payment_id: Option<&str>) -> Result<Self, MoneyError> {
        Ok(Self {
            status: by.status,
            paid_at: Some(by.paid_at),
            late: by.late,
            payment_id: payment_id.map(str::to_owned),
            bonus: by.bonus.is_positive().then_some(by.bonus),
            amount_bonus: by.amount_bonus.is_positive().then_some(by.amount_bonus),
            bonus_held: by.budgeted == Budgeted::Exceeded,
            bonus_budget_month: by.budgeted.month(),
            left: (by.net != self.charge).then_some(by.net),
            failure: None,
            under_way: None,
            ..self.coupon_settled()?
        })
    }
}
