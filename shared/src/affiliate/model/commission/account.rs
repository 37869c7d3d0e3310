//! Commission account: an affiliate's commission in parts, with its own receivable (R1.5, R1.7, R6.4), and its months (R6.12).

use serde::{Deserialize, Serialize};

use kernel::content_hash::ContentHash;
use kernel::id::UserId;
use kernel::ledger::{Account, AccountKind, Header, JournalEntry, LedgerError, Line, Part, PlatformLine, RecordType};
use kernel::money::{Currency, LedgerMoney, MoneyError};
use kernel::month::Month;

/// Commission account of an affiliate.
///
/// It always equals its latest lines. It is an item of its own, so that commissions and the balance do not conflict on writes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CommissionAccount {
    pub user: UserId,
    /// Number of journal entries, which is the number of the latest one.
    pub postings: u64,
    /// Number of the latest line, over all parts.
    pub seq: u64,
    /// Commission under hold.
    pub pending: LedgerMoney,
    /// Commission that may be withdrawn; never negative.
    pub available: LedgerMoney,
    /// Amount reserved for open cash withdrawals.
    pub held: LedgerMoney,
    /// Total of completed withdrawals.
    pub withdrawn: LedgerMoney,
    /// Total taken back, less reinstatements.
    pub clawed_back: LedgerMoney,
    /// Receivable: reversed commission that is still owed, as an amount of zero or below.
    pub debt: Account,
    /// Month of the latest journal entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<Month>,
    /// Hash of the latest journal entry (R11.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<ContentHash>,
}

/// Commission account as a month left it (R6.12). It is kept once a later month has an entry, and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CommissionMonth {
    pub user: UserId,
    pub month: Month,
    /// Number of the month's last journal entry.
    pub postings: u64,
    pub pending: LedgerMoney,
    pub available: LedgerMoney,
    pub held: LedgerMoney,
    /// Commission that is owed, as an amount of zero or above.
    pub debt: LedgerMoney,
}

/// Requested change of a commission account. Amounts are positive; a zero amount writes no line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CommissionMove {
    /// Accrue a commission; in the available part it repays debt first.
    Earn(Part, LedgerMoney),
    /// Take back from the commission's part; the shortfall becomes debt.
    TakeBack(Part, LedgerMoney),
    /// Reinstate a commission that was taken back.
    Reinstate(Part, LedgerMoney),
    /// Release a hold: from pending to available.
    Mature(LedgerMoney),
    /// Withdraw to the user's balance.
    ToBalance(LedgerMoney),
    /// Reserve for a cash withdrawal.
    Hold(LedgerMoney),
    /// Pay out a reserved amount.
    PayOut(LedgerMoney),
    /// Return a reserved amount to the available part.
    Release(LedgerMoney),
}

impl CommissionAccount {
    /// Builds an empty account.
    pub fn none(user: UserId, currency: Currency) -> Self {
        let zero = LedgerMoney::zero(currency);
        Self {
            user,
            postings: 0,
            seq: 0,
            pending: zero,
            available: zero,
            held: zero,
            withdrawn: zero,
            clawed_back: zero,
            debt: Account { seq: 0, amount: zero },
            month: None,
            head: None,
        }
    }

    /// Returns the account as it is at the end of a month.
    pub fn at_end_of(&self, month: Month) -> CommissionMonth {
        let Self { user, postings, pending, available, held, .. } = *self;
        CommissionMonth { user, month, postings, pending, available, held, debt: self.owed() }
    }

    /// Returns the month that ended with this account, if `after` has entries of a later one.
    pub fn ended_before(&self, after: &Self) -> Option<CommissionMonth> {
        self.month.filter(|_| self.month < after.month).map(|month| self.at_end_of(month))
    }

    /// Returns the debt as a non-negative amount.
    pub fn owed(&self) -> LedgerMoney {
        self.debt.amount.negated()
    }

    /// Returns the total of all commission ever earned (C3).
    ///
    /// # Rejects
    /// Overflow.
    pub fn earned(&self) -> Result<LedgerMoney, MoneyError> {
        self.pending.plus(self.available)?.plus(self.held)?.plus(self.withdrawn)?.plus(self.clawed_back)
    }

    /// Builds the journal entry of `moves` and the account after it.
    ///
    /// `related` is the id that the lines refer to: an order or a withdrawal.
    ///
    /// # Rejects
    /// `insufficient_available` for a withdrawal above the available part; a journal that is empty or does not
    /// sum to zero; a part below zero; another currency; overflow.
    pub fn post(
        &self,
        header: Header,
        moves: &[CommissionMove],
        related: &str,
        house: Vec<PlatformLine>,
    ) -> Result<(Self, JournalEntry), LedgerError> {
        let mut book = Book { account: *self, entries: Vec::new(), related };
        for wanted in moves {
            book.apply(*wanted)?;
        }
        let Book { mut account, entries, .. } = book;
        // Clocks differ a little: a month that was begun goes on.
        account.month = self.month.max(Some(Month::of(header.at)));
        account.postings = self.postings.checked_add(1).ok_or(LedgerError::Exhausted)?;
        let place = (account.postings, self.head);
        let posting = JournalEntry::of_holder(self.user.into(), place, header, entries, house)?;
        account.head = posting.hash;
        Ok((account, posting))
    }
}

/// Account and lines while a journal entry is built.
struct Book<'a> {
    account: CommissionAccount,
    entries: Vec<Line>,
    related: &'a str,
}

impl Book<'_> {
    fn apply(&mut self, wanted: CommissionMove) -> Result<(), LedgerError> {
        match wanted {
            CommissionMove::Earn(part, amount) => self.credit(part, RecordType::Commission, amount),
            CommissionMove::TakeBack(part, amount) => self.take_back(part, amount),
            CommissionMove::Reinstate(part, amount) => {
                self.account.clawed_back = self.account.clawed_back.minus(amount)?;
                self.credit(part, RecordType::Refund, amount)
            }
            CommissionMove::Mature(amount) => {
                self.shift(Part::Pending, RecordType::Commission, amount.negated())?;
                self.credit(Part::Available, RecordType::Commission, amount)
            }
            CommissionMove::ToBalance(amount) => {
                self.withdraw(amount)?;
                self.account.withdrawn = self.account.withdrawn.plus(amount)?;
                Ok(())
            }
            CommissionMove::Hold(amount) => {
                self.withdraw(amount)?;
                self.shift(Part::Held, RecordType::Withdrawal, amount)
            }
            CommissionMove::PayOut(amount) => {
                self.shift(Part::Held, RecordType::Withdrawal, amount.negated())?;
                self.account.withdrawn = self.account.withdrawn.plus(amount)?;
                Ok(())
            }
            CommissionMove::Release(amount) => {
                self.shift(Part::Held, RecordType::Withdrawal, amount.negated())?;
                self.credit(Part::Available, RecordType::Withdrawal, amount)
            }
        }
    }

    /// Credits a part; in the available part the credit then repays debt (R1.7).
    ///
    /// Repaid debt counts as clawed back.
    fn credit(&mut self, part: Part, kind: RecordType, amount: LedgerMoney) -> Result<(), LedgerError> {
        self.shift(part, kind, amount)?;
        let pays = amount.least(self.account.owed())?;
        if part == Part::Available && pays.is_positive() {
            self.shift(part, RecordType::Debt, pays.negated())?;
            self.owe(pays)?;
            self.account.clawed_back = self.account.clawed_back.plus(pays)?;
        }
        Ok(())
    }

    fn take_back(&mut self, part: Part, amount: LedgerMoney) -> Result<(), LedgerError> {
        let there = match part {
            Part::Pending => amount,
            _ => amount.least(self.account.available)?,
        };
        self.shift(part, RecordType::Refund, there.negated())?;
        self.account.clawed_back = self.account.clawed_back.plus(there)?;
        self.owe(there.minus(amount)?)
    }

    fn withdraw(&mut self, amount: LedgerMoney) -> Result<(), LedgerError> {
        if amount.compare(self.account.available)?.is_gt() {
            return Err(LedgerError::InsufficientAvailable { available: self.account.available });
        }
        self.shift(Part::Available, RecordType::Withdrawal, amount.negated())
    }

    /// Changes one part and adds its line; a zero amount adds none.
    fn shift(&mut self, part: Part, kind: RecordType, amount: LedgerMoney) -> Result<(), LedgerError> {
        if amount.is_zero() {
            return Ok(());
        }
        let place = match part {
            Part::Pending => &mut self.account.pending,
            Part::Available => &mut self.account.available,
            Part::Held => &mut self.account.held,
        };
        let before = *place;
        let after = before.plus(amount)?;
        if after.is_negative() {
            return Err(LedgerError::PartBelowZero(part));
        }
        *place = after;
        self.account.seq = self.account.seq.checked_add(1).ok_or(LedgerError::Exhausted)?;
        self.entries.push(Line {
            account: AccountKind::Commission,
            part: Some(part),
            kind,
            amount,
            seq: self.account.seq,
            before: before.amount(),
            after: after.amount(),
            remark: None,
            remark_hash: None,
            related_id: Some(self.related.to_owned()),
        });
        Ok(())
    }

    /// Changes the debt by `amount`; a negative amount increases it.
    fn owe(&mut self, amount: LedgerMoney) -> Result<(), LedgerError> {
        if amount.is_zero() {
            return Ok(());
        }
        let (kind, related) = (RecordType::Debt, Some(self.related.to_owned()));
        let entry = self.account.debt.move_by(AccountKind::CommissionReceivable, kind, amount, (None, related))?;
        self.entries.push(entry);
        Ok(())
    }
}
