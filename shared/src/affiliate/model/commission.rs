//! Commissions: money an inviter earns on an invitee's paid orders (R6.3, R6.4).
//!
//! A [`Commission`] is one per order and never moves to another one. What it earned depends on the order's capture alone: on
//! the terms that the order snapshotted and on what the invitee earned its inviter before ([`Earnings`]). What is left of it
//! follows the order's net (R4.11). [`CommissionAccount`] holds an inviter's parts, [`Accrual`] is how both move together.
//!
//! A commission whose hold time is not over stands in the account's pending part. That it is over is decided by time; the
//! journal that moves it to the available part is written by whoever needs it first, a withdrawal or the job ([`CommissionHold`]).

mod account;
mod earning;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use crate::affiliate::model::commission::account::{CommissionAccount, CommissionMove};
pub use crate::affiliate::model::commission::earning::{Accrual, AccruedBy, EarningError};

use crate::affiliate::model::purchase::Purchase;
use crate::payment::model::order::{AffiliateTerms, Order};
use crate::payment::model::payment::target;
use crate::webhooks::model::outbound_event::CommissionStep;
use kernel::id::{CommissionId, OrderId, UserId};
use kernel::ledger::JournalRef;
use kernel::money::{LedgerMoney, MoneyError, PayMoney, Rounding};
use kernel::text_enum;

text_enum! {
    /// Where a commission stands.
    pub enum CommissionState {
        /// Its hold time is not over.
        Pending = "pending",
        /// It can be withdrawn.
        Available = "available",
        /// A part of it was taken back.
        PartiallyReversed = "partially_reversed",
        /// All of it was taken back.
        Reversed = "reversed",
    }
}

/// Money earned on one paid order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Commission {
    /// Its id, which follows from the order's.
    pub id: CommissionId,
    /// The order that earned it.
    pub order: OrderId,
    /// Who gets it: the inviter.
    pub beneficiary: UserId,
    /// Whose order it is.
    pub invitee: UserId,
    /// What it is a part of: the order's credit without bonus.
    pub base: LedgerMoney,
    /// Which part (R6.3).
    #[serde(with = "kernel::decimal")]
    pub rate: Decimal,
    /// What the order's capture earned, before any refund.
    pub amount: LedgerMoney,
    /// Which of the invitee's commissions it is, from 1 (C5).
    pub number: u32,
    /// What is left of it, once that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<LedgerMoney>,
    /// From when on it can be withdrawn.
    pub available_at: Timestamp,
    /// Whether it still stands in the pending part.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
    /// Why an admin took it back for good, whatever becomes of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied: Option<String>,
    /// Its last journal.
    pub last: JournalRef,
    /// When it was earned.
    pub created_at: Timestamp,
}

impl Commission {
    /// The id of an order's commission.
    pub fn id_of(order: OrderId) -> CommissionId {
        CommissionId::new(order.ulid())
    }

    /// The order that a commission belongs to.
    pub fn order_of(id: CommissionId) -> OrderId {
        OrderId::new(id.ulid())
    }

    /// The cause of its journals.
    pub fn cause(id: CommissionId) -> String {
        format!("commission:{id}")
    }

    /// What is left of it.
    pub fn left(&self) -> LedgerMoney {
        self.left.unwrap_or(self.amount)
    }

    /// What should be left of it: the share that the order's net leaves, nothing once an admin took it back (R4.11).
    ///
    /// # Refuses
    /// Overflow.
    pub fn target(&self, of: &CommissionSource) -> Result<LedgerMoney, MoneyError> {
        match self.denied {
            Some(_) => Ok(LedgerMoney::zero(self.amount.currency())),
            None => target(self.amount, of.net, of.charge),
        }
    }

    /// What it went through since it was `before`; none is before it was earned. What comes again after a reversal is no step.
    pub fn steps_since(&self, before: Option<&Self>) -> Vec<CommissionStep> {
        let (was_left, was_pending) = before.map_or((self.amount, true), |before| (before.left(), before.pending));
        let left = self.left().amount();
        let accrued = before.is_none().then_some(CommissionStep::Accrued);
        let available = was_pending && !self.pending && !left.is_zero();
        let reversed = left < was_left.amount();
        let available = available.then_some(CommissionStep::Available);
        accrued.into_iter().chain(available).chain(reversed.then_some(CommissionStep::Reversed)).collect()
    }

    /// Where it stands `now`.
    pub fn state(&self, now: Timestamp) -> CommissionState {
        if self.left().is_zero() {
            CommissionState::Reversed
        } else if self.left.is_some() {
            CommissionState::PartiallyReversed
        } else if self.pending && now < self.available_at {
            CommissionState::Pending
        } else {
            CommissionState::Available
        }
    }
}

/// A commission whose hold time is not over, as its beneficiary's due things list it by time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommissionHold {
    /// Whose commission.
    pub beneficiary: UserId,
    /// Of which order.
    pub order: OrderId,
    /// When its hold time is over.
    pub at: Timestamp,
}

/// What an invitee's orders earned their inviter so far: what limit and cap are measured by (R6.3). It only grows: an order
/// that is refunded gives nothing of it back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Earnings {
    /// Whose orders.
    pub invitee: UserId,
    /// How many of them made a commission.
    pub orders: u32,
    /// What they earned, before any refund.
    pub earned: LedgerMoney,
}

impl Earnings {
    /// Those of an invitee without any, in the currency of `order`.
    pub fn none(of: &CommissionSource) -> Self {
        Self { invitee: of.user, orders: 0, earned: LedgerMoney::zero(of.base.currency()) }
    }
}

/// What may earn a commission: an order, or a purchase that the operator's backend reported (R2.6).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommissionSource {
    /// Its id.
    pub id: OrderId,
    /// Whose it is.
    pub user: UserId,
    /// Who invited them.
    pub inviter: Option<UserId>,
    /// The inviter's terms; none earns nothing.
    pub affiliate: Option<AffiliateTerms>,
    /// What the commission is a part of.
    pub base: LedgerMoney,
    /// What was charged.
    pub charge: PayMoney,
    /// What is left of that.
    pub net: PayMoney,
    /// When its money was taken; none while it was not.
    pub paid_at: Option<Timestamp>,
}

impl From<&Order> for CommissionSource {
    fn from(order: &Order) -> Self {
        Self {
            id: order.id,
            user: order.user,
            inviter: order.inviter,
            affiliate: order.affiliate,
            base: order.credit,
            charge: order.charge,
            net: order.net(),
            paid_at: order.paid_at.filter(|_| order.status.is_captured()),
        }
    }
}

impl CommissionSource {
    /// A purchase as it earns; none while only refunds of it are known.
    ///
    /// # Refuses
    /// Overflow.
    pub fn of_purchase(purchase: &Purchase) -> Result<Option<Self>, MoneyError> {
        let Some((bought, net)) = purchase.bought.as_ref().zip(purchase.net()?) else { return Ok(None) };
        Ok(Some(Self {
            id: purchase.id,
            user: bought.user,
            inviter: bought.inviter,
            affiliate: bought.affiliate,
            base: bought.base,
            charge: bought.amount,
            net,
            paid_at: Some(bought.paid_at),
        }))
    }
}

/// Why a paid order earns no commission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCommission {
    /// The order has no terms: no inviter, or the programme was off when it was made.
    NoTerms,
    /// Its money was not taken.
    NotPaid,
    /// It was paid after the days in which the invitee's orders earn.
    TooLate,
    /// The invitee's orders made as many commissions as they may.
    LimitReached,
    /// They earned as much as they may.
    CapReached,
    /// The part of the credit is less than the ledger's last digit.
    Nothing,
}

/// What a captured order earns its inviter (R6.3): the part of its credit without bonus, rounded down, cut to what the cap
/// leaves; nothing when limit or time are used up. A refund doesn't matter here.
///
/// # Refuses
/// Why it earns nothing; the outer error is overflow.
pub fn earned(of: &CommissionSource, before: &Earnings) -> Result<Result<LedgerMoney, NoCommission>, MoneyError> {
    let Some(terms) = &of.affiliate else { return Ok(Err(NoCommission::NoTerms)) };
    let Some(paid_at) = of.paid_at else { return Ok(Err(NoCommission::NotPaid)) };
    if terms.valid_until.is_some_and(|until| until < paid_at) {
        return Ok(Err(NoCommission::TooLate));
    }
    if terms.trigger_limit > 0 && before.orders >= terms.trigger_limit {
        return Ok(Err(NoCommission::LimitReached));
    }
    let whole = of.base.times(terms.rate, Rounding::Down)?;
    let rest = terms.cap.map_or(Ok(whole), |cap| cap.minus(before.earned))?;
    if whole.is_zero() {
        Ok(Err(NoCommission::Nothing))
    } else if !rest.is_positive() {
        Ok(Err(NoCommission::CapReached))
    } else {
        Ok(Ok(whole.least(rest)?))
    }
}

/// When a commission of an order paid at `paid_at` can be withdrawn (R6.4).
pub fn available_at(terms: &AffiliateTerms, paid_at: Timestamp) -> Timestamp {
    paid_at.checked_add(SignedDuration::from_hours(i64::from(terms.hold_hours))).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
