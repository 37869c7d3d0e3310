//! Accrual: posts the difference between commissions due and commissions posted (R6.3, R6.4, R4.11).
//!
//! An [`Accrual`] starts with the entities as read, processes one order after the other, and collects the writes. An unchanged
//! order has no effect, so processing is idempotent and may happen at any time: grant, take-back and reinstatement are one
//! function. A blocked inviter's commission stays pending until they are active again; an erased one gets none (R2.8).

use std::collections::{BTreeMap, BTreeSet};

use crate::account::model::identity::Status;
use crate::affiliate::model::commission::{
    Commission, CommissionAccount, CommissionHold, CommissionMove, CommissionSource, Earnings, available_at, earned,
};
use crate::operations::model::budget::{Allowance, Budgeted};
use crate::risk::model::case::{CaseState, HeldCommission};
use kernel::id::{JournalId, OrderId, UserId};
use kernel::ledger::{JournalEntry, JournalOrigin, JournalRef, LedgerError, Part, PlatformAccount, PlatformLine};
use kernel::money::{LedgerMoney, MoneyError};

/// Reason of a commission that accrues under a rejected case.
const REJECTED: &str = "risk";

/// Reason why an order could not be processed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EarningError {
    /// An order of a message was not read.
    #[error("{0} is not there")]
    Missing(OrderId),
    /// A commission's beneficiary has no commission account.
    #[error("{0} has a commission and its beneficiary no account")]
    NoAccount(OrderId),
    /// A commission's invitee has no earnings.
    #[error("{0} has a commission and its invitee no earnings")]
    NoEarnings(OrderId),
    /// A hold ends whose commission is not pending.
    #[error("the commission of {0} has a hold and is not pending")]
    NotPending(OrderId),
    /// The inviter of an order was not read.
    #[error("the inviter of {0} is not there")]
    NoInviter(OrderId),
    /// A count overflowed.
    #[error("a count is out of range")]
    Exhausted,
    /// An amount is out of range.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A journal entry could not be built.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Entities of an accrual: as read at first, then as they are to be written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Accrual {
    /// Orders and purchases; never changed.
    pub orders: BTreeMap<OrderId, CommissionSource>,
    pub commissions: BTreeMap<OrderId, Commission>,
    /// Account status of the inviters; never changed.
    pub inviters: BTreeMap<UserId, Status>,
    /// States of the invitees' cases, if they have one; never changed (R10.2).
    pub cases: BTreeMap<UserId, CaseState>,
    /// Earnings by invitee.
    pub earnings: BTreeMap<UserId, Earnings>,
    /// Commission accounts by inviter.
    pub accounts: BTreeMap<UserId, CommissionAccount>,
    /// New journal entries, in order.
    pub postings: Vec<JournalEntry>,
    /// New holds.
    pub waiting: Vec<CommissionHold>,
    /// New commissions that are held for a case.
    pub under_review: Vec<HeldCommission>,
    /// Orders with a new or changed commission.
    pub changed: BTreeSet<OrderId>,
    /// Blocked beneficiaries of new commissions.
    pub blocked: BTreeSet<UserId>,
    /// Room for new commissions in the budget of the programme (R10.4).
    pub allowance: Allowance,
    /// Number of new commissions.
    pub granted: usize,
}

impl Accrual {
    /// Reconciles the commission of an order with the order's net; `journal` generates ids.
    ///
    /// # Rejects
    /// An order that was not read; amounts and counts out of range. Discard the accrual then.
    pub fn settle(
        &mut self,
        order: OrderId,
        by: &JournalOrigin,
        journal: &mut dyn FnMut() -> JournalId,
    ) -> Result<(), EarningError> {
        let order = *self.orders.get(&order).ok_or(EarningError::Missing(order))?;
        match self.commissions.get(&order.id).cloned() {
            Some(commission) => self.follow(&order, commission, by, journal()),
            None => self.begin(&order, by, journal()),
        }
    }

    /// Accrues the commission of an order without one.
    ///
    /// The same journal entry takes back the share of any earlier refund.
    fn begin(&mut self, order: &CommissionSource, by: &JournalOrigin, journal: JournalId) -> Result<(), EarningError> {
        let Some((beneficiary, terms)) = order.inviter.zip(order.affiliate) else { return Ok(()) };
        let is_first = order.second_of.is_none();
        let known = self.earnings.get(&order.user).filter(|_| is_first);
        let before = known.cloned().unwrap_or_else(|| Earnings::none(order));
        let (Ok(amount), Some(since)) = (earned(order, &before)?, order.held_since) else { return Ok(()) };
        let status = *self.inviters.get(&beneficiary).ok_or(EarningError::NoInviter(order.id))?;
        if status == Status::Erased {
            return Ok(());
        }
        let next = before.orders.checked_add(1).ok_or(EarningError::Exhausted)?;
        let number = if is_first { next } else { 0 };
        let available_at = available_at(&terms, since);
        let (under_review, denied) = self.reviewed(order.user);
        // Refunds do not matter here: whatever is given back may be reinstated. Whoever releases it takes it from the budget.
        let budgeted = if under_review { Budgeted::Unlimited } else { self.allowance.take(amount)? };
        let over_budget = budgeted == Budgeted::Exceeded;
        // Whoever releases what exceeds the budget looks at the beneficiary then.
        let withheld = status != Status::Active && !over_budget && !under_review;
        let pending = withheld || over_budget || under_review || by.at < available_at;
        let mut commission = Commission {
            id: Commission::id_of(order.id),
            order: order.id,
            beneficiary,
            invitee: order.user,
            base: order.base,
            rate: terms.rate,
            amount,
            number,
            left: None,
            available_at,
            pending,
            withheld,
            over_budget,
            under_review,
            reviewed: false,
            budget_month: budgeted.month(),
            cap_used: terms.cap.map(|_| before.earned),
            at_most: None,
            denied,
            second_of: order.second_of,
            posted: None,
            last: JournalRef { id: journal, step: 0 },
            created_at: by.at,
        };
        let target = commission.target(order)?;
        let earnings = Earnings { orders: number, earned: before.earned.plus(target)?, ..before };
        let part = part(pending);
        let moves = [CommissionMove::Earn(part, amount), CommissionMove::TakeBack(part, amount.minus(target)?)];
        commission.left = (target != amount).then_some(target);
        let currency = amount.currency();
        let account = self.accounts.entry(beneficiary).or_insert(CommissionAccount::none(beneficiary, currency));
        let header = by.header(journal, Commission::cause(commission.id));
        let (after, posting) = account.post(header, &moves, &commission.related(), house(target))?;
        *account = after;
        self.hold(&commission);
        self.granted = self.granted.saturating_add(1);
        if is_first {
            self.earnings.insert(order.user, earnings);
        }
        self.keep(commission, posting);
        Ok(())
    }

    /// Returns whether the case of an invitee holds a new commission, and why it is denied if that was rejected.
    fn reviewed(&self, invitee: UserId) -> (bool, Option<String>) {
        match self.cases.get(&invitee) {
            Some(CaseState::Held) => (true, None),
            // Accrued and taken back at once, so that its number, its order and why are there to be read.
            Some(CaseState::Rejected) => (true, Some(REJECTED.to_owned())),
            _ => (false, None),
        }
    }

    /// Lists what a new commission waits for.
    fn hold(&mut self, of: &Commission) {
        let Commission { beneficiary, invitee, order, available_at: at, withheld, .. } = *of;
        if of.under_review {
            self.under_review.extend(of.denied.is_none().then_some(HeldCommission { invitee, order }));
        } else if of.pending && !of.over_budget {
            // Above the budget no time ends the hold: it begins when the commission is released.
            self.waiting.push(CommissionHold { beneficiary, order, at, parked: withheld });
        }
        if withheld {
            self.blocked.insert(beneficiary);
        }
    }

    /// Adjusts an existing commission to the order's net; a reinstatement stays within the cap.
    fn follow(
        &mut self,
        order: &CommissionSource,
        commission: Commission,
        by: &JournalOrigin,
        journal: JournalId,
    ) -> Result<(), EarningError> {
        let mut commission = commission;
        let mut difference = commission.target(order)?.minus(commission.left())?;
        if difference.is_positive()
            && let Some(cap) = order.affiliate.and_then(|terms| terms.cap)
        {
            let zero = LedgerMoney::zero(difference.currency());
            let room = cap.minus(self.earnings_of(&commission)?.earned)?.most(zero)?;
            if room.compare(difference)?.is_lt() {
                difference = room;
                commission.at_most = Some(commission.left().plus(room)?);
                self.changed.insert(order.id);
                self.commissions.insert(order.id, commission.clone());
            }
        }
        if difference.is_zero() {
            return Ok(());
        }
        let part = part(commission.pending);
        let wanted = match difference.is_negative() {
            true => CommissionMove::TakeBack(part, difference.negated()),
            false => CommissionMove::Reinstate(part, difference),
        };
        self.post(commission, &[wanted], difference, by, journal)
    }

    /// Reverses a commission permanently, by an admin with a reason (R9.3).
    ///
    /// # Rejects
    /// The errors of [`Accrual::settle`].
    pub fn deny(
        &mut self,
        order: &CommissionSource,
        reason: String,
        by: &JournalOrigin,
        journal: JournalId,
    ) -> Result<(), EarningError> {
        let commission = self.commissions.get(&order.id).ok_or(EarningError::Missing(order.id))?.clone();
        let denied = Commission { denied: Some(reason), ..commission };
        self.commissions.insert(order.id, denied.clone());
        self.changed.insert(order.id);
        self.follow(order, denied, by, journal)
    }

    /// Releases a commission's hold: the remaining amount becomes available.
    ///
    /// # Rejects
    /// The errors of [`Accrual::settle`].
    pub fn mature(&mut self, order: OrderId, by: &JournalOrigin, journal: JournalId) -> Result<(), EarningError> {
        let commission = self.commissions.get(&order).ok_or(EarningError::Missing(order))?.clone();
        if !commission.pending {
            return Err(EarningError::NotPending(order));
        }
        let matured = Commission { pending: false, withheld: false, ..commission };
        let left = matured.left();
        if left.is_zero() {
            self.commissions.insert(order, matured);
            self.changed.insert(order);
            return Ok(());
        }
        let same = LedgerMoney::zero(left.currency());
        self.post(matured, &[CommissionMove::Mature(left)], same, by, journal)
    }

    /// Holds a pending commission for its invitee's case, whatever its hold time is.
    ///
    /// # Rejects
    /// The errors of [`Accrual::settle`].
    pub fn review(&mut self, order: OrderId) -> Result<(), EarningError> {
        let commission = self.commissions.get_mut(&order).ok_or(EarningError::Missing(order))?;
        commission.under_review = true;
        self.under_review.push(HeldCommission { invitee: commission.invitee, order });
        self.changed.insert(order);
        Ok(())
    }

    /// Posts moves of an existing commission, with `difference` on the platform account.
    pub(super) fn post(
        &mut self,
        commission: Commission,
        moves: &[CommissionMove],
        difference: LedgerMoney,
        by: &JournalOrigin,
        journal: JournalId,
    ) -> Result<(), EarningError> {
        let account =
            self.accounts.get_mut(&commission.beneficiary).ok_or(EarningError::NoAccount(commission.order))?;
        let header = by.header(journal, Commission::cause(commission.id)).correcting(commission.last);
        let last = header.as_last();
        let (after, posting) = account.post(header, moves, &commission.related(), house(difference))?;
        *account = after;
        if !difference.is_zero() && commission.counts() {
            let earnings = self.earnings_of(&commission)?;
            earnings.earned = earnings.earned.plus(difference)?;
        }
        let left = commission.left().plus(difference)?;
        let left = (left != commission.amount).then_some(left);
        self.keep(Commission { left, last, ..commission }, posting);
        Ok(())
    }

    fn earnings_of(&mut self, commission: &Commission) -> Result<&mut Earnings, EarningError> {
        self.earnings.get_mut(&commission.invitee).ok_or(EarningError::NoEarnings(commission.order))
    }

    pub(super) fn keep(&mut self, commission: Commission, posting: JournalEntry) {
        self.changed.insert(commission.order);
        self.commissions.insert(commission.order, commission);
        self.postings.push(posting);
    }
}

pub(super) fn part(pending: bool) -> Part {
    if pending { Part::Pending } else { Part::Available }
}

/// Returns the platform line that balances a commission amount.
pub(super) fn house(amount: LedgerMoney) -> Vec<PlatformLine> {
    vec![PlatformLine::new(PlatformAccount::Commission, amount.negated())]
}
