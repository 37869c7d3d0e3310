//! A reversal: what the ledger of a credited order lacks to be what the provider's net demands (R4.11).
//!
//! The target of credit and bonus is a pure function of the net; what is posted of them is that function of the net that the
//! order carries. The difference is posted, either way, so that every order of delivery ends in the same ledger. What the
//! order used up, the promotion, stays used.

use crate::payment::model::order::{Order, OrderStatus};
use crate::payment::model::payment::{Payment, target};
use kernel::ledger::{NewLine, PlatformAccount, PlatformLine, RecordType};
use kernel::money::{LedgerMoney, MoneyError, PayMoney};

/// A move of an order's net.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reversal {
    /// What was left of the charge.
    pub before: PayMoney,
    /// What is left of it now.
    pub net: PayMoney,
    /// The state the order goes to.
    pub status: OrderStatus,
    /// What is given of the credit, or taken back if negative.
    pub credit: LedgerMoney,
    /// The same of the bonus.
    pub bonus: LedgerMoney,
}

impl Reversal {
    /// What a credited order lacks; none when it stands as its payment says.
    ///
    /// # Refuses
    /// Overflow; amounts of different currencies.
    pub fn of(order: &Order, payment: &Payment) -> Result<Option<Self>, MoneyError> {
        let before = order.net();
        let net = payment.net()?.unwrap_or(before).least(order.charge)?;
        let status = OrderStatus::by_net(net, order.charge, payment.open_dispute())?;
        if (net, status) == (before, order.status) {
            return Ok(None);
        }
        let moved = |whole| target(whole, net, order.charge)?.minus(target(whole, before, order.charge)?);
        let none = LedgerMoney::zero(order.credit.currency());
        let (credit, bonus) = (moved(order.credit)?, moved(order.bonus.unwrap_or(none))?);
        Ok(Some(Self { before, net, status, credit, bonus }))
    }

    /// Whether money moved: the beginning or end of a dispute about nothing more only moves the state.
    pub fn moves_money(&self) -> bool {
        self.before != self.net
    }

    /// The user's entries: credit and bonus, each as its own. What was spent of a take-back becomes debt (R1.7).
    pub fn movements(&self, order: &Order) -> Vec<NewLine> {
        let entry = |amount| NewLine::new(RecordType::Refund, amount, order.id.to_string());
        vec![entry(self.credit), entry(self.bonus)]
    }

    /// The house lines: the money that went back or came again, and what it means for sales and promotion (R1.4).
    ///
    /// # Refuses
    /// Overflow.
    pub fn house(&self, order: &Order) -> Result<Vec<PlatformLine>, MoneyError> {
        let back = self.before.minus(self.net)?.as_ledger();
        let lines = [
            (PlatformAccount::Provider(order.provider), back),
            (PlatformAccount::Sales, back.negated()),
            (PlatformAccount::Sales, self.credit.negated()),
            (PlatformAccount::Promotion, self.bonus.negated()),
        ];
        Ok(lines.into_iter().map(|(account, amount)| PlatformLine::new(account, amount)).collect())
    }
}

impl Order {
    /// The order after its net moved.
    pub fn reversed(&self, by: &Reversal) -> Self {
        Self { status: by.status, left: (by.net != self.charge).then_some(by.net), ..self.clone() }
    }
}

#[cfg(test)]
mod tests;
