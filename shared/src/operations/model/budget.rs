//! Budgets of programmes: the most that each grants in a calendar month, in UTC (R10.4).
//!
//! A month's budget is dealt out in shares, so that no item is in the transaction of every grant of the platform. A grant takes
//! its amount from one share, in its own transaction; a share that lacks room is given some of the others' first. No room is ever
//! below zero, and all rooms together are what the budget leaves, so no race grants more than it. A changed budget is dealt anew
//! from shares that were frozen first. The count is of grants: a take-back frees nothing, and granting again takes nothing.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use kernel::money::{LedgerMoney, MoneyError};
use kernel::month::Month;
use kernel::text_enum;

/// Shares of a budget; with more of them, a month goes on with those it has and new ones without room.
///
/// A share bears some ten grants a second. All of them fit into one transaction, which deals them.
pub const SHARES: u8 = 64;

text_enum! {
    /// Programme with a budget.
    pub enum BudgetedProgramme as Programme {
        /// Rewards of referrals (R3).
        Referral = "referral",
        /// Bonuses of the new-user promotion (R5).
        Promotion = "promotion",
        /// Commissions of affiliates (R6).
        Affiliate = "affiliate",
    }
}

text_enum! {
    /// Reason for holding a grant.
    pub enum HoldReason {
        /// Its beneficiary is blocked (R2.8).
        Blocked = "blocked",
        /// It exceeds the budget of its programme (R10.4).
        Budget = "budget",
        /// Its referral has a case that is held (R10.2).
        Risk = "risk",
    }
}

/// Returns the first day of a time's month.
pub fn month_of(at: Timestamp) -> Date {
    Month::of(at).first_day()
}

/// Budget of a programme for a month, as the settings have it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    pub programme: BudgetedProgramme,
    /// First day of the month.
    pub month: Date,
    /// Version of the settings.
    pub edition: u64,
    pub amount: LedgerMoney,
}

/// Share of a month's budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BudgetShare {
    pub programme: BudgetedProgramme,
    /// First day of the month.
    pub month: Date,
    /// Number of the share, from 0.
    pub share: u8,
    /// Version of the settings under which it was dealt.
    pub edition: u64,
    /// The whole budget under which it was dealt.
    pub budget: LedgerMoney,
    /// Part of the budget that grants may still take here.
    pub room: LedgerMoney,
    /// Sum of the grants that were taken here.
    pub spent: LedgerMoney,
    /// True while a new budget is being dealt: nothing can be taken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub frozen: bool,
}

impl BudgetShare {
    /// Builds a share from which nothing was taken.
    pub fn empty(of: &Budget, share: u8) -> Self {
        let zero = LedgerMoney::zero(of.amount.currency());
        let Budget { programme, month, edition, amount: budget } = *of;
        Self { programme, month, share, edition, budget, room: zero, spent: zero, frozen: false }
    }

    /// Tests whether grants may be taken from it under a budget.
    pub fn is_current(&self, of: &Budget) -> bool {
        !self.frozen && (self.edition >= of.edition || self.budget == of.amount)
    }

    /// Returns the budget under which it was dealt.
    pub fn dealt(&self) -> Budget {
        Budget { programme: self.programme, month: self.month, edition: self.edition, amount: self.budget }
    }

    /// Returns the share without room, for a budget about to be dealt.
    pub fn freeze(&self, of: &Budget) -> Self {
        let room = LedgerMoney::zero(self.room.currency());
        Self { edition: of.edition, budget: of.amount, room, frozen: true, ..self.clone() }
    }
}

/// Returns all shares of a budget with their rooms: equal, and together what the budget leaves.
///
/// # Rejects
/// Overflow; a budget in another currency than the grants of its month.
pub fn deal(of: &Budget, there: &[BudgetShare]) -> Result<Vec<BudgetShare>, MoneyError> {
    let zero = LedgerMoney::zero(of.amount.currency());
    let spent = there.iter().try_fold(zero, |sum, share| sum.plus(share.spent))?;
    let mut rest = of.amount.minus(spent)?.most(zero)?;
    let each = rest.share(Decimal::ONE, Decimal::from(SHARES))?;
    let mut shares = Vec::new();
    for number in (0..SHARES).rev() {
        let known = there.iter().find(|share| share.share == number);
        let spent = known.map_or(zero, |share| share.spent);
        let room = if number == 0 { rest } else { each };
        rest = rest.minus(room)?;
        shares.push(BudgetShare { room, spent, ..BudgetShare::empty(of, number) });
    }
    Ok(shares)
}

/// Returns the shares after some room is gathered in one of them, without those that stay as they are.
///
/// A donor gives at least half of what it has, so that a share seldom has to be given some twice in a row.
///
/// # Rejects
/// Overflow.
pub fn gather(there: &[BudgetShare], into: u8, wanted: LedgerMoney) -> Result<Vec<BudgetShare>, MoneyError> {
    let zero = LedgerMoney::zero(wanted.currency());
    let (mut own, mut donors): (Vec<_>, Vec<_>) = there.iter().cloned().partition(|share| share.share == into);
    donors.sort_by_key(|share| std::cmp::Reverse(share.room.amount()));
    let (mut missing, mut moved, mut changed) = (wanted, zero, Vec::new());
    for donor in donors.into_iter().filter(|donor| donor.room.is_positive()) {
        if !missing.is_positive() {
            break;
        }
        let half = donor.room.share(Decimal::ONE, Decimal::TWO)?;
        let given = donor.room.least(missing.most(half)?)?;
        (missing, moved) = (missing.minus(given)?, moved.plus(given)?);
        changed.push(BudgetShare { room: donor.room.minus(given)?, ..donor });
    }
    let known = own.pop().or_else(|| there.first().map(|share| BudgetShare::empty(&share.dealt(), into)));
    if let Some(known) = known.filter(|_| moved.is_positive()) {
        changed.push(BudgetShare { room: known.room.plus(moved)?, ..known });
    }
    Ok(changed)
}

/// Outcome of taking an amount from a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budgeted {
    /// The programme has no budget.
    Unlimited,
    /// It was taken from the budget of the month with this first day.
    Taken(Date),
    /// It would exceed the budget: hold the grant.
    Exceeded,
}

impl Budgeted {
    /// Month from whose budget it was taken.
    pub fn month(self) -> Option<Date> {
        if let Self::Taken(month) = self { Some(month) } else { None }
    }
}

/// Room for the grants of one transaction; without a budget, any.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Allowance {
    pub budget: Option<Budget>,
    /// The share that they are taken from: as read at first, then as it is to be written.
    pub share: Option<BudgetShare>,
    /// Amounts that would exceed its room.
    pub exceeding: Vec<LedgerMoney>,
}

impl Allowance {
    /// Takes an amount if there is room for it.
    ///
    /// # Rejects
    /// An amount in another currency.
    pub fn take(&mut self, amount: LedgerMoney) -> Result<Budgeted, MoneyError> {
        let Some(budget) = self.budget else { return Ok(Budgeted::Unlimited) };
        if let Some(share) = self.share.as_mut().filter(|share| share.is_current(&budget))
            && share.room.compare(amount)?.is_ge()
        {
            (share.room, share.spent) = (share.room.minus(amount)?, share.spent.plus(amount)?);
            return Ok(Budgeted::Taken(budget.month));
        }
        self.exceeding.push(amount);
        Ok(Budgeted::Exceeded)
    }

    /// Returns the room to move here so that an exceeding amount fits; `None` if no share has it.
    ///
    /// # Rejects
    /// Overflow.
    pub fn missing(&self, there: &[BudgetShare]) -> Result<Option<LedgerMoney>, MoneyError> {
        let Some((budget, first)) = self.budget.as_ref().zip(self.exceeding.first()) else { return Ok(None) };
        let zero = LedgerMoney::zero(budget.amount.currency());
        let own = self.share.as_ref().map_or(zero, |share| share.room);
        let mut others = zero;
        for share in there.iter().filter(|share| self.share.as_ref().map(|own| own.share) != Some(share.share)) {
            others = others.plus(share.room)?;
        }
        let (mut all, mut least) = (zero, *first);
        for amount in &self.exceeding {
            (all, least) = (all.plus(*amount)?, least.least(*amount)?);
        }
        let fits = own.plus(others)?.compare(least)?.is_ge();
        Ok(Some(all.minus(own)?.least(others)?).filter(|missing| fits && missing.is_positive()))
    }
}

#[cfg(test)]
mod tests;
