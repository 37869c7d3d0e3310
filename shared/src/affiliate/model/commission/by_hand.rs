//! Commission that an admin posts by hand (R6.8): an entry like any other, with hold and debt.
//!
//! An amount above zero is held like the commission of an order. One below zero takes from the available part at once; what is not there
//! becomes debt. Both follow no order, and count neither towards an invitee's limit nor towards a cap.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::account::model::identity::Status;
use crate::affiliate::model::commission::earning::{house, part};
use crate::affiliate::model::commission::{
    Accrual, Commission, CommissionAccount, CommissionHold, CommissionMove, EarningError,
};
use crate::operations::model::budget::Budgeted;
use jiff::{SignedDuration, Timestamp};
use kernel::id::{JournalId, OrderId, UserId};
use kernel::ledger::{JournalOrigin, JournalRef, Part};
use kernel::money::LedgerMoney;

/// Posting of a commission: its reason, its admin, its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostedCommission {
    pub reason: String,
    pub admin: UserId,
    /// Order or purchase that it is about, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
}

/// Commission to post.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPosting {
    /// Id in place of an order's.
    pub id: OrderId,
    pub beneficiary: UserId,
    /// Status of the beneficiary.
    pub status: Status,
    /// The user of the order that it is about; else the beneficiary.
    pub invitee: UserId,
    /// Amount; above or below zero.
    pub amount: LedgerMoney,
    pub hold_hours: u32,
    /// Part of the month's budget that it takes; nothing below zero.
    pub budgeted: Budgeted,
    pub posted: PostedCommission,
}

impl Commission {
    /// Returns the order that it is about; `None` if it was posted without one.
    pub fn about(&self) -> Option<OrderId> {
        let earned = self.second_of.unwrap_or(self.order);
        self.posted.as_ref().map_or(Some(earned), |posted| posted.order)
    }

    /// Returns the id that its lines relate to: of its order, or its own if it was posted by hand.
    pub(super) fn related(&self) -> String {
        self.second_of.unwrap_or(self.order).to_string()
    }

    /// Returns whose order it is about; `None` if it was posted without one.
    pub fn payer(&self) -> Option<UserId> {
        self.about().map(|_| self.invitee)
    }

    /// Returns the amount that it credited; what was posted below zero credited nothing.
    pub fn credited(&self) -> LedgerMoney {
        if self.amount.is_negative() { LedgerMoney::zero(self.amount.currency()) } else { self.amount }
    }
}

impl Accrual {
    /// Posts a commission by hand and returns it.
    ///
    /// # Rejects
    /// Amounts out of range. Discard the accrual then.
    pub fn post_by_hand(
        &mut self,
        new: NewPosting,
        by: &JournalOrigin,
        journal: JournalId,
    ) -> Result<Commission, EarningError> {
        let NewPosting { id, beneficiary, status, invitee, amount, hold_hours, budgeted, posted } = new;
        let held_until = by.at.checked_add(SignedDuration::from_hours(i64::from(hold_hours))).unwrap_or(Timestamp::MAX);
        let (is_credit, zero) = (amount.is_positive(), LedgerMoney::zero(amount.currency()));
        let available_at = if is_credit { held_until } else { by.at };
        let over_budget = budgeted == Budgeted::Exceeded;
        let withheld = is_credit && status != Status::Active && !over_budget;
        let pending = is_credit && (withheld || over_budget || by.at < available_at);
        let commission = Commission {
            id: Commission::id_of(id),
            order: id,
            beneficiary,
            invitee,
            base: zero,
            rate: Decimal::ZERO,
            amount,
            number: 0,
            left: None,
            available_at,
            pending,
            withheld,
            over_budget,
            under_review: false,
            reviewed: false,
            budget_month: budgeted.month(),
            cap_used: None,
            at_most: None,
            denied: None,
            second_of: None,
            posted: Some(posted),
            last: JournalRef { id: journal, step: 0 },
            created_at: by.at,
        };
        let moves = match is_credit {
            true => CommissionMove::Earn(part(pending), amount),
            false => CommissionMove::TakeBack(Part::Available, amount.negated()),
        };
        let account =
            self.accounts.entry(beneficiary).or_insert(CommissionAccount::none(beneficiary, amount.currency()));
        let header = by.header(journal, Commission::cause(commission.id));
        let (after, posting) = account.post(header, &[moves], &commission.id.to_string(), house(amount))?;
        *account = after;
        if pending && !over_budget {
            self.waiting.push(CommissionHold { beneficiary, order: id, at: available_at, parked: withheld });
        }
        self.keep(commission.clone(), posting);
        Ok(commission)
    }

    /// Reverses a commission that was posted by hand: what is left of it is taken back, or what it took is given back.
    ///
    /// # Rejects
    /// The errors of [`Accrual::settle`].
    pub fn deny_posted(
        &mut self,
        id: OrderId,
        reason: String,
        by: &JournalOrigin,
        journal: JournalId,
    ) -> Result<(), EarningError> {
        let commission = self.commissions.get(&id).ok_or(EarningError::Missing(id))?.clone();
        let denied = Commission { denied: Some(reason), ..commission };
        let (left, part) = (denied.left(), part(denied.pending));
        let back = match left.is_negative() {
            true => CommissionMove::Reinstate(part, left.negated()),
            false => CommissionMove::TakeBack(part, left),
        };
        self.post(denied, &[back], left.negated(), by, journal)
    }
}
