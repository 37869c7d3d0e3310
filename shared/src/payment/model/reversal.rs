//! A reversal: the correction that brings a credited order's ledger to the provider's net (R4.11).
//!
//! The target of credit and bonus is a pure function of the net. The amount already posted is the same function of the net on
//! the order. The difference is posted, in either direction, so every order of delivery ends in the same ledger. The promotion
//! stays used.

use crate::payment::model::order::{Order, OrderStatus};
use crate::payment::model::payment::{Payment, target};
use kernel::ledger::{NewLine, PlatformAccount, PlatformLine, RecordType};
use kernel::money::{LedgerMoney, MoneyError, PayMoney};

/// A change of an order's net.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reversal {
    /// Net before the change.
    pub before: PayMoney,
    /// Net after the change.
    pub net: PayMoney,
    /// New state of the order.
    pub status: OrderStatus,
    /// Credit to post; negative takes back.
    pub credit: LedgerMoney,
    /// Bonus to post; negative takes back.
    pub bonus: LedgerMoney,
    /// Bonus of the offer or amount to post; negative takes back (R12.1).
    pub amount_bonus: LedgerMoney,
    /// Bonus of the coupon to post; negative takes back (R12.2).
    pub coupon_bonus: LedgerMoney,
}

impl Reversal {
    /// Correction for a credited order; `None` if it already matches its payment.
    ///
    /// # Rejects
    /// Overflow; amounts in different currencies.
    pub fn of(order: &Order, payment: &Payment) -> Result<Option<Self>, MoneyError> {
        let before = order.net();
        let net = payment.net()?.unwrap_or(before).least(order.charge)?;
        Self::to(order, net, payment.open_dispute())
    }

    /// Correction that takes all of a completion by hand back (R4.12).
    ///
    /// # Rejects
    /// Overflow.
    pub fn of_completion(order: &Order) -> Result<Option<Self>, MoneyError> {
        Self::to(order, PayMoney::zero(order.charge.currency()), false)
    }

    fn to(order: &Order, net: PayMoney, open_dispute: bool) -> Result<Option<Self>, MoneyError> {
        let before = order.net();
        let status = OrderStatus::by_net(net, order.charge, open_dispute)?;
        if (net, status) == (before, order.status) {
            return Ok(None);
        }
        let moved = |whole| target(whole, net, order.charge)?.minus(target(whole, before, order.charge)?);
        let [credit, bonus, amount_bonus, coupon_bonus] = order.parts().map(moved);
        let (credit, bonus, amount_bonus, coupon_bonus) = (credit?, bonus?, amount_bonus?, coupon_bonus?);
        Ok(Some(Self { before, net, status, credit, bonus, amount_bonus, coupon_bonus }))
    }

    /// True if the net changes; a dispute about money already refunded changes only the state.
    pub fn moves_money(&self) -> bool {
        self.before != self.net
    }

    /// User lines: credit and bonuses, each as its own. A take-back above the balance becomes debt (R1.7).
    pub fn movements(&self, order: &Order) -> Vec<NewLine> {
        let entry = |amount| NewLine::new(RecordType::Refund, amount, order.id.to_string());
        let bonuses = [self.bonus, self.amount_bonus, self.coupon_bonus].map(|bonus| entry(bonus).of_grant());
        [entry(self.credit)].into_iter().chain(bonuses).collect()
    }

    /// Platform lines: the money returned or regained, and its share of sales and promotion (R1.4).
    ///
    /// # Rejects
    /// Overflow.
    pub fn house(&self, order: &Order) -> Result<Vec<PlatformLine>, MoneyError> {
        let back = self.before.minus(self.net)?.as_ledger();
        let lines = [
            (PlatformAccount::Provider(order.provider), back),
            (PlatformAccount::Sales, back.negated()),
            (PlatformAccount::Sales, self.credit.negated()),
            (PlatformAccount::Promotion, self.bonus.negated()),
            (PlatformAccount::Promotion, self.amount_bonus.negated()),
            (PlatformAccount::Promotion, self.coupon_bonus.negated()),
        ];
        let moving = lines.into_iter().filter(|(_, amount)| !amount.is_zero());
        Ok(moving.map(|(account, amount)| PlatformLine::new(account, amount)).collect())
    }
}

impl Order {
    /// The order after its net changed.
    pub fn reversed(&self, by: &Reversal) -> Self {
        Self { status: by.status, left: (by.net != self.charge).then_some(by.net), ..self.clone() }
    }
}

#[cfg(test)]
mod tests;
