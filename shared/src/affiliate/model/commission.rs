//! Commissions: money an inviter earns on an invitee's paid orders (R6.3, R6.4).
//!
//! An order has at most one [`Commission`], and it never moves to another order. Its amount depends on the order's capture
//! alone: on the order's snapshot of the terms and on the invitee's earlier [`Earnings`]. Its remainder follows the order's net
//! (R4.11). An admin may post one by hand ([`PostedCommission`]), which follows no order (R6.8). [`CommissionAccount`] holds an
//! inviter's parts; [`Accrual`] changes both together.
//!
//! A commission under its hold is in the account's pending part. A hold ends by time; the release is journaled lazily, by the
//! next withdrawal or the job ([`CommissionHold`]).

mod account;
mod by_hand;
mod earning;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use crate::affiliate::model::commission::account::{CommissionAccount, CommissionMonth, CommissionMove};
pub use crate::affiliate::model::commission::by_hand::{NewPosting, PostedCommission};
pub use crate::affiliate::model::commission::earning::{Accrual, EarningError};

use crate::affiliate::model::purchase::Purchase;
use crate::operations::model::budget::HoldReason;
use crate::payment::model::order::{AffiliateTerms, Order, SecondTerms};
use crate::payment::model::payment::target;
use crate::webhooks::model::outbound_event::CommissionStep;
use kernel::id::{CommissionId, OrderId, UserId};
use kernel::ledger::JournalRef;
use kernel::money::{LedgerMoney, MoneyError, PayMoney, Rounding};
use kernel::text_enum;

text_enum! {
    /// State of a commission.
    pub enum CommissionState {
        /// Its hold time is not over.
        Pending = "pending",
        /// It can be withdrawn.
        Available = "available",
        /// A part of it was taken back.
        PartiallyReversed = "partially_reversed",
        /// All of it was taken back.
        Reversed = "reversed",
        /// Its beneficiary is blocked, until they are active again (R2.8); or it is under review: it exceeds a budget
        /// (R10.4), or its invitee has a case (R10.2).
        Held = "held",
    }
}

/// Commission on one paid order, or posted by an admin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Commission {
    /// Derived from the order's id; see [`Commission::id_of`].
    pub id: CommissionId,
    /// The order; of a commission of the second level or posted by hand an id of its own, which is no order's.
    pub order: OrderId,
    /// The inviter; of one of the second level, the inviter's inviter.
    pub beneficiary: UserId,
    /// The user who paid the order; of one posted without an order, the beneficiary.
    pub invitee: UserId,
    /// Amount that the rate applies to: the order's credit without bonus.
    pub base: LedgerMoney,
    /// Rate as a fraction, e.g. `0.1` (R6.3).
    #[serde(with = "kernel::decimal")]
    pub rate: Decimal,
    /// Amount at the order's capture, before any refund; below zero only when posted by hand.
    pub amount: LedgerMoney,
    /// Number among the invitee's commissions, from 1 (C5); 0 of one of the second level or posted by hand.
    pub number: u32,
    /// Remaining amount; `None` while it equals `amount`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<LedgerMoney>,
    /// End of the hold.
    pub available_at: Timestamp,
    /// True while the commission is in the pending part.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
    /// True while it stays pending because its beneficiary is blocked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
    /// True while it stays pending because it exceeds the budget of the programme, until an admin releases it (R10.4).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over_budget: bool,
    /// True while it stays pending because its invitee's case is held, and for good if that was rejected (R10.2).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub under_review: bool,
    /// True once an admin released it by itself: its case does not hold it again (R10.2).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reviewed: bool,
    /// Month from whose budget it was taken (R10.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_month: Option<Date>,
    /// Part of the cap that earlier commissions of the invitee had used; `None` without a cap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap_used: Option<LedgerMoney>,
    /// Bound on the remaining amount, set when the cap left no room for a reinstatement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<LedgerMoney>,
    /// Reason of an admin's reversal, which is permanent whatever happens to the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied: Option<String>,
    /// Order that earned its beneficiary's invitee a commission, of one of the second level (R6.11).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_of: Option<OrderId>,
    /// Posting of an admin; `None` for the commission of an order (R6.8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posted: Option<PostedCommission>,
    /// Latest journal entry.
    pub last: JournalRef,
    /// Time of the accrual.
    pub created_at: Timestamp,
}

impl Commission {
    /// Returns the id of an order's commission.
    pub fn id_of(order: OrderId) -> CommissionId {
        CommissionId::new(order.ulid())
    }

    /// Returns the id of a commission's order.
    pub fn order_of(id: CommissionId) -> OrderId {
        OrderId::new(id.ulid())
    }

    /// Returns the id that stands for an order in its commission of the second level.
    ///
    /// It differs in a bit of the random part that orders made one after the other share, so it is no order's.
    pub fn second_level(order: OrderId) -> OrderId {
        const BIT: u128 = 1 << 79;
        OrderId::new(ulid::Ulid(order.ulid().0 ^ BIT))
    }

    /// Tests whether it counts toward the trigger limit and the cap of its invitee.
    pub fn counts(&self) -> bool {
        self.posted.is_none() && self.second_of.is_none()
    }

    /// Returns the reason for holding it; `None` if it is not held.
    pub fn hold(&self) -> Option<HoldReason> {
        if self.under_review {
            Some(HoldReason::Risk)
        } else if self.over_budget {
            Some(HoldReason::Budget)
        } else {
            self.withheld.then_some(HoldReason::Blocked)
        }
    }

    /// Tests whether it is held until an admin releases it: for the budget or for a case.
    pub fn is_under_review(&self) -> bool {
        (self.over_budget || self.under_review) && self.denied.is_none()
    }

    /// Returns the journal cause of a commission.
    pub fn cause(id: CommissionId) -> String {
        format!("commission:{id}")
    }

    /// Returns the remaining amount.
    pub fn left(&self) -> LedgerMoney {
        self.left.unwrap_or(self.amount)
    }

    /// Returns the amount that should remain.
    ///
    /// It is the share that the order's net leaves, within the cap, or 0 after an admin's reversal (R4.11).
    ///
    /// # Rejects
    /// Overflow.
    pub fn target(&self, of: &CommissionSource) -> Result<LedgerMoney, MoneyError> {
        match self.denied {
            Some(_) => Ok(LedgerMoney::zero(self.amount.currency())),
            None => {
                let share = target(self.amount, of.net, of.charge)?;
                self.at_most.map_or(Ok(share), |bound| share.least(bound))
            }
        }
    }

    /// Returns the steps since `before`; `None` stands for a commission that did not exist yet.
    ///
    /// A reinstatement is no step.
    pub fn steps_since(&self, before: Option<&Self>) -> Vec<CommissionStep> {
        let (was_left, was_pending) = before.map_or((self.amount, true), |before| (before.left(), before.pending));
        let left = self.left().amount();
        let accrued = before.is_none().then_some(CommissionStep::Accrued);
        let available = was_pending && !self.pending && self.left().is_positive();
        let reversed = left < was_left.amount();
        let available = available.then_some(CommissionStep::Available);
        accrued.into_iter().chain(available).chain(reversed.then_some(CommissionStep::Reversed)).collect()
    }

    /// Returns the state at `now`.
    pub fn state(&self, now: Timestamp) -> CommissionState {
        if self.left().is_zero() {
            CommissionState::Reversed
        } else if self.hold().is_some() {
            CommissionState::Held
        } else if self.left.is_some() {
            CommissionState::PartiallyReversed
        } else if self.pending && now < self.available_at {
            CommissionState::Pending
        } else {
            CommissionState::Available
        }
    }
}

/// Hold of a commission, listed by time among its beneficiary's due entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommissionHold {
    pub beneficiary: UserId,
    pub order: OrderId,
    /// End of the hold.
    pub at: Timestamp,
    /// True while its beneficiary is blocked; it is then not listed as due.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub parked: bool,
}

/// Commission of an invitee's orders so far, for the trigger limit and the cap (R6.3).
///
/// The number only grows, since an order uses its slot by its capture. The amount follows refunds, since the cap counts what is
/// left (R6.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Earnings {
    pub invitee: UserId,
    /// Number of orders with a commission.
    pub orders: u32,
    /// Sum of what remains of the commissions.
    pub earned: LedgerMoney,
}

impl Earnings {
    /// Returns the zero earnings of an invitee, in the currency of the source.
    pub fn none(of: &CommissionSource) -> Self {
        Self { invitee: of.user, orders: 0, earned: LedgerMoney::zero(of.base.currency()) }
    }
}

/// Source of a commission: an order, or a purchase reported by the operator's backend (R2.6).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommissionSource {
    pub id: OrderId,
    /// The user who paid.
    pub user: UserId,
    /// Inviter of that user.
    pub inviter: Option<UserId>,
    /// Inviter's terms; `None` accrues nothing.
    pub affiliate: Option<AffiliateTerms>,
    /// Amount that the rate applies to.
    pub base: LedgerMoney,
    pub charge: PayMoney,
    /// Charge less refunds and disputes.
    pub net: PayMoney,
    /// Time of the capture; `None` before.
    pub paid_at: Option<Timestamp>,
    /// Start of the hold: the capture of an order, the report of a purchase.
    pub held_since: Option<Timestamp>,
    /// The order or purchase, if this is its second level.
    pub second_of: Option<OrderId>,
}

/// Amount that a commission is a part of: that of its terms, else the credit (R6.10).
fn base_of(affiliate: Option<AffiliateTerms>, credit: LedgerMoney) -> LedgerMoney {
    affiliate.and_then(|terms| terms.base).unwrap_or(credit)
}

impl From<&Order> for CommissionSource {
    fn from(order: &Order) -> Self {
        let paid_at = order.paid_at.filter(|_| order.status.is_captured());
        Self {
            id: order.id,
            user: order.user,
            inviter: order.inviter,
            affiliate: order.affiliate,
            base: base_of(order.affiliate, order.credit),
            charge: order.charge,
            net: order.net(),
            paid_at,
            held_since: paid_at,
            second_of: None,
        }
    }
}

impl CommissionSource {
    /// Builds the source of a purchase; `None` while only its refunds are known.
    ///
    /// # Rejects
    /// Overflow.
    pub fn of_purchase(purchase: &Purchase) -> Result<Option<Self>, MoneyError> {
        let Some((bought, net)) = purchase.bought.as_ref().zip(purchase.net()?) else { return Ok(None) };
        Ok(Some(Self {
            id: purchase.id,
            user: bought.user,
            inviter: bought.inviter,
            affiliate: bought.affiliate,
            base: base_of(bought.affiliate, bought.base),
            charge: bought.amount,
            net,
            paid_at: Some(bought.paid_at),
            held_since: Some(bought.reported_at),
            second_of: None,
        }))
    }

    /// Returns the order under other terms, whose base is `credit` where they have none.
    pub fn under(self, affiliate: Option<AffiliateTerms>, credit: LedgerMoney) -> Self {
        Self { affiliate, base: base_of(affiliate, credit), ..self }
    }

    /// Returns the source of the second level's commission: the same order under the terms of the inviter's inviter (R6.11).
    ///
    /// Neither the trigger limit nor the cap counts it: it is earned where the inviter earns one.
    pub fn second(&self) -> Option<Self> {
        let terms = self.affiliate?;
        let SecondTerms { inviter, rate } = terms.second?;
        let terms = AffiliateTerms { rate, trigger_limit: 0, cap: None, second: None, ..terms };
        let (id, second_of) = (Commission::second_level(self.id), Some(self.id));
        Some(Self { id, inviter: Some(inviter), affiliate: Some(terms), second_of, ..*self })
    }
}

/// Reason why a paid order accrues no commission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCommission {
    /// The order has no terms: no inviter, or the programme was off when the order was created.
    NoTerms,
    /// The order is not captured.
    NotPaid,
    /// It was paid after the terms expired.
    TooLate,
    /// The invitee's orders have reached the trigger limit.
    LimitReached,
    /// The invitee's orders have reached the cap.
    CapReached,
    /// The commission rounds down to 0.
    Nothing,
}

/// Computes the commission of a captured order (R6.3).
///
/// It is the rate times the base, rounded down, limited by the rest of the cap. Refunds do not matter here.
///
/// # Rejects
/// The inner error is the reason why there is no commission; the outer error is overflow.
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

/// Returns the end of a hold that starts at `since` (R6.4).
pub fn available_at(terms: &AffiliateTerms, since: Timestamp) -> Timestamp {
    since.checked_add(SignedDuration::from_hours(i64::from(terms.hold_hours))).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
