//! Credit lots: the part of a balance that was granted and expires (R12.3).
//!
//! A lot holds what one source (order, reward, redemption) granted, less what was taken back. Spending changes no lot: the accounts
//! keep two sums, what is left of all lots and what was spent of them, and a spend moves an amount from one to the other. Which lot
//! was spent is settled when one expires: lots are spent oldest first, and the one that expires is the oldest. So
//!
//! - balance = paid credit + `left`, and `left` + `spent` = the sum of the lots, after every journal;
//! - a spend writes no item and reads none, however many lots it takes from;
//! - a grant that is taken back leaves what it would have left, had it been taken back before the spending.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    AccountOwner, Accounts, Header, JournalEntry, LedgerError, NewLine, PlatformAccount, PlatformLine, RecordType,
};
use crate::money::LedgerMoney;

crate::text_enum! {
    /// Origin of granted credit (R12.3).
    pub enum LotKind {
        /// A bonus of a top-up.
        Bonus = "bonus",
        /// A referral reward.
        Reward = "reward",
        /// A redemption code for balance.
        Code = "code",
    }
}

impl LotKind {
    /// Platform account that grants it, and gets back what expires.
    pub fn account(self) -> PlatformAccount {
        match self {
            Self::Bonus => PlatformAccount::Promotion,
            Self::Reward => PlatformAccount::Rewards,
            Self::Code => PlatformAccount::Codes,
        }
    }
}

/// Sums over an owner's credit lots; they stay when the last lot is gone. Stored as a list, `[left, spent]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "(LedgerMoney, LedgerMoney)", into = "(LedgerMoney, LedgerMoney)")]
pub struct Lots {
    /// Part of the balance that was granted and expires.
    pub left: LedgerMoney,
    /// Spent part of the lots, which are taken off them when they expire.
    pub spent: LedgerMoney,
}

impl From<(LedgerMoney, LedgerMoney)> for Lots {
    fn from((left, spent): (LedgerMoney, LedgerMoney)) -> Self {
        Self { left, spent }
    }
}

impl From<Lots> for (LedgerMoney, LedgerMoney) {
    fn from(of: Lots) -> Self {
        (of.left, of.spent)
    }
}

/// The lot of a journal's granted credit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LotTerms {
    /// Expiry of what is granted now; `None` if it never expires, and has no lot.
    pub expires_at: Option<Timestamp>,
    /// Amount of the source's lot before the journal, if there is one.
    pub held: Option<LedgerMoney>,
}

impl Accounts {
    /// Granted part of the balance that expires (R12.3).
    pub fn granted(&self) -> LedgerMoney {
        self.lots.map_or_else(|| self.none(), |lots| lots.left)
    }

    /// Rest of the balance, which never expires: paid credit, and what was granted while nothing expired.
    pub fn paid(&self) -> LedgerMoney {
        // A granted part in another currency or out of range does not exist: the auditor would report it (L9).
        self.balance().minus(self.granted()).unwrap_or_else(|_| self.balance())
    }

    /// Sum of the lots, their spent parts included.
    ///
    /// # Rejects
    /// Overflow, which no sound account causes.
    pub fn in_lots(&self) -> Result<LedgerMoney, LedgerError> {
        let (left, spent) = self.sums();
        Ok(left.plus(spent)?)
    }

    /// Expires a lot of `held` at its time: its unspent part leaves the balance.
    ///
    /// The spent part is taken off the lot first, since it is the oldest. Returns no journal entry if nothing is left of it.
    ///
    /// # Rejects
    /// A lot that is more than the sum of the lots; overflow.
    pub fn expire(
        &self,
        holder: impl Into<AccountOwner>,
        header: Header,
        (kind, held): (LotKind, LedgerMoney),
        source: &str,
    ) -> Result<(Self, Option<JournalEntry>), LedgerError> {
        let (left, spent) = self.sums();
        let used = held.least(spent)?;
        let expired = held.minus(used)?;
        let left = left.minus(expired)?;
        if left.is_negative() {
            return Err(LedgerError::InsufficientBalance);
        }
        let mut after = *self;
        after.set(left, spent.minus(used)?);
        if expired.is_zero() {
            return Ok((after, None));
        }
        let line = NewLine::new(RecordType::Expiry, expired.negated(), source);
        let entries = vec![after.balance.move_by(super::AccountKind::Balance, line.kind, line.amount, line.note())?];
        let house = vec![PlatformLine::new(kind.account(), expired)];
        after.postings = self.postings.checked_add(1).ok_or(LedgerError::Exhausted)?;
        let entry = JournalEntry::of_holder(holder.into(), (after.postings, self.head), header, entries, house)?;
        after.head = entry.hash;
        Ok((after, Some(entry)))
    }

    /// Raises the source's lot by `kept`: granted credit less the debt that it paid.
    ///
    /// A grant that never expired has no lot, and does not expire when it is given back either.
    pub(super) fn raise_lot(&mut self, of: &NewLine, kept: LedgerMoney, lot: &mut LotTerms) -> Result<(), LedgerError> {
        let is_given_back = of.kind == RecordType::Refund;
        if !of.is_granted || lot.expires_at.is_none() || kept.is_zero() || (is_given_back && lot.held.is_none()) {
            return Ok(());
        }
        let (left, spent) = self.sums();
        self.set(left.plus(kept)?, spent);
        lot.held = Some(lot.held.map_or(Ok(kept), |held| held.plus(kept))?);
        Ok(())
    }

    /// Moves what is `taken` from the balance off its granted part, before the balance moves.
    ///
    /// A debit takes granted credit first. A take-back of a grant with a lot does so too, and makes that lot smaller. Another
    /// take-back takes the paid part first: it has what was paid for, and what was granted and never expires.
    pub(super) fn lower_lots(
        &mut self,
        of: &NewLine,
        taken: LedgerMoney,
        lot: &mut LotTerms,
    ) -> Result<(), LedgerError> {
        if self.lots.is_none() {
            return Ok(());
        }
        let (left, spent) = self.sums();
        let held = lot.held.filter(|_| of.is_granted);
        let of_paid = of.kind == RecordType::Refund && held.is_none();
        let first = if of_paid { taken.minus(taken.least(self.balance().minus(left)?)?)? } else { taken };
        let gone = first.least(left)?;
        let own = held.map_or(Ok(self.none()), |held| of.amount.negated().least(held))?;
        lot.held = lot.held.map(|held| held.minus(own)).transpose()?;
        self.set(left.minus(gone)?, spent.plus(gone)?.minus(own)?);
        Ok(())
    }

    fn none(&self) -> LedgerMoney {
        LedgerMoney::zero(self.balance().currency())
    }

    fn sums(&self) -> (LedgerMoney, LedgerMoney) {
        self.lots.map_or((self.none(), self.none()), |lots| (lots.left, lots.spent))
    }

    fn set(&mut self, left: LedgerMoney, spent: LedgerMoney) {
        self.lots = Some(Lots { left, spent });
    }
}

#[cfg(test)]
mod tests;
