//! The commission account: what an affiliate earned, in parts, with a debt of its own (R1.5, R1.7, R6.4).

use serde::{Deserialize, Serialize};

use kernel::id::UserId;
use kernel::ledger::{Account, AccountKind, Header, JournalEntry, LedgerError, Line, Part, PlatformLine, RecordType};
use kernel::money::{Currency, LedgerMoney, MoneyError};

/// An affiliate's commission account. Always equal to its last entries; an item of its own, so that commissions and the
/// balance don't stand in each other's way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CommissionAccount {
    /// Whose.
    pub user: UserId,
    /// How many postings there are: the number of the last one.
    pub postings: u64,
    /// The number of its last entry, whichever part it moved.
    pub seq: u64,
    /// Earned, but the hold time is not over.
    pub pending: LedgerMoney,
    /// Can be withdrawn; never below zero.
    pub available: LedgerMoney,
    /// Set aside for open cash withdrawals.
    pub held: LedgerMoney,
    /// What left the account.
    pub withdrawn: LedgerMoney,
    /// What was taken back so far, net of what came again.
    pub clawed_back: LedgerMoney,
    /// What is still to be taken back, as an amount of zero or below.
    pub debt: Account,
}

/// A wanted change of a commission account. Amounts are positive; zero moves nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CommissionMove {
    /// A commission comes in; an available one pays debt first.
    Earn(Part, LedgerMoney),
    /// A commission, or a part of it, is taken back from the part it stands in; what is not available becomes debt.
    TakeBack(Part, LedgerMoney),
    /// What was taken back comes again.
    Reinstate(Part, LedgerMoney),
    /// A hold time is over.
    Mature(LedgerMoney),
    /// It goes to the user's balance.
    ToBalance(LedgerMoney),
    /// It is set aside for a cash withdrawal.
    Hold(LedgerMoney),
    /// What was set aside was paid out.
    PayOut(LedgerMoney),
    /// What was set aside is available again.
    Release(LedgerMoney),
}

impl CommissionAccount {
    /// An empty account.
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
        }
    }

    /// What is still to be taken back, as an amount of zero or above.
    pub fn owed(&self) -> LedgerMoney {
        self.debt.amount.negated()
    }

    /// Everything that was ever earned (C3).
    ///
    /// # Refuses
    /// Overflow.
    pub fn earned(&self) -> Result<LedgerMoney, MoneyError> {
        self.pending.plus(self.available)?.plus(self.held)?.plus(self.withdrawn)?.plus(self.clawed_back)
    }

    /// Makes the journal of `moves` and the account after it; `related` is what a record names: an order or a withdrawal.
    ///
    /// # Refuses
    /// [`LedgerError::InsufficientAvailable`] for a withdrawal above what is available; a journal that is empty or does not
    /// sum to zero; a part that would fall below zero; another currency; overflow.
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
        account.postings = self.postings.checked_add(1).ok_or(LedgerError::Exhausted)?;
        let posting = JournalEntry::of_holder(self.user.into(), account.postings, header, entries, house)?;
        Ok((account, posting))
    }
}

/// An account while a journal is made.
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

    /// Money comes into a part; into the available one it comes whole and then pays debt (R1.7), which is clawed back then.
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
            return Err(LedgerError::InsufficientAvailable);
        }
        self.shift(Part::Available, RecordType::Withdrawal, amount.negated())
    }

    /// Moves one part and writes its entry; nothing for nothing.
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
            related_id: Some(self.related.to_owned()),
        });
        Ok(())
    }

    /// Changes the debt by `amount`: below zero is more of it.
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
