//! The ledger: immutable journals, and each user's accounts as their running end (R1.4–R1.7).
//!
//! A [`JournalEntry`] is one holder's share of a journal together with the house lines that balance it. [`Accounts::post`] is the
//! only way to make one: it numbers the entries, chains before and after, nets debt, and proves that the journal sums to
//! zero per currency. House accounts are lines only, never items.
//!
//! Signs: every entry and line counts as it is written. The debt account is therefore zero or negative: owing 6 is an
//! amount of −6 there, and a user's net worth is balance + debt. A balance above zero and a debt never stand together.
//!
//! Stored: [`Accounts`] on the user's item, each posting as an item of its own. The commission account is an item of its own too
//! (`domain::commission`), with a list of postings of its own.

mod holder;
mod name;

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use self::holder::AccountOwner;
pub use crate::ledger::name::{AccountKind, Operator, Part, PlatformAccount, RecordType};

use crate::id::{JournalId, UserId};
use crate::money::{Currency, LedgerMoney, MoneyError};
use crate::refusal::Refusal;

/// Why a journal could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The entries and lines of a currency do not sum to zero; nothing may be written.
    #[error("a journal is off by {0}")]
    Unbalanced(LedgerMoney),
    /// A debit above the balance.
    #[error("the balance is too low")]
    InsufficientBalance,
    /// A withdrawal above what is available of the commission account.
    #[error("less is available")]
    InsufficientAvailable,
    /// A part of the commission account would fall below zero; nothing may be written.
    #[error("{0:?} would fall below zero")]
    PartBelowZero(Part),
    /// Nothing would move.
    #[error("a journal without any movement")]
    Empty,
    /// `debt` entries are made by the netting alone.
    #[error("debt is never posted by hand")]
    DebtByHand,
    /// An amount does not fit or is of another currency than the account.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A number ran out.
    #[error("a sequence number is out of range")]
    Exhausted,
}

impl LedgerError {
    /// The refusal this is, unless it is a fault.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::InsufficientBalance => Some(Refusal::InsufficientBalance),
            Self::InsufficientAvailable => Some(Refusal::InsufficientAvailable),
            _ => None,
        }
    }
}

/// What a journal is about, without its entries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The journal's id.
    pub journal: JournalId,
    /// What made it, `payment:stripe:pi_1` or `reward:rwd_…`.
    pub cause: String,
    /// Which journal of that cause it is, from 0: (cause, step) is one to one with the journal.
    pub step: u32,
    /// The journal this one corrects (R1.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<JournalId>,
    /// In which role money was moved.
    pub operator: Operator,
    /// Who exactly: `usr_…`, `provider:zpay`, `service:billing` (R9.3).
    pub actor: String,
    /// The request that did it.
    pub request_id: String,
    /// When.
    pub at: Timestamp,
}

/// The last journal of a cause: the next one of it comes a step later and names it (R1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRef {
    /// Its id.
    pub id: JournalId,
    /// Its step.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub step: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Header {
    /// This header as the next of its cause after `last`.
    pub fn correcting(self, last: JournalRef) -> Self {
        Self { step: last.step.saturating_add(1), corrects: Some(last.id), ..self }
    }

    /// This journal as the last of its cause.
    pub fn as_last(&self) -> JournalRef {
        JournalRef { id: self.journal, step: self.step }
    }
}

/// A wanted change of a user's balance.
///
/// A negative amount of type `refund` is a take-back and may become debt; of any other type it is a debit and is refused
/// above the balance (R1.7).
#[derive(Debug, Clone, PartialEq)]
pub struct NewLine {
    /// Its record type.
    pub kind: RecordType,
    /// The signed amount in ledger currency; zero writes no entry.
    pub amount: LedgerMoney,
    /// What a person reads.
    pub remark: Option<String>,
    /// The order, code, withdrawal … it belongs to.
    pub related_id: Option<String>,
}

impl NewLine {
    /// A movement that belongs to `related_id`.
    pub fn new(kind: RecordType, amount: LedgerMoney, related_id: impl Into<String>) -> Self {
        Self { kind, amount, remark: None, related_id: Some(related_id.into()) }
    }

    fn note(&self) -> Note {
        (self.remark.clone(), self.related_id.clone())
    }
}

/// What a person reads of an entry, and what it belongs to.
pub(super) type Note = (Option<String>, Option<String>);

/// One entry of a user's account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Which account.
    pub account: AccountKind,
    /// Which part of the commission account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The record type.
    #[serde(rename = "type")]
    pub kind: RecordType,
    /// The signed amount.
    pub amount: LedgerMoney,
    /// The entry's number in its account, 1..n without gaps.
    pub seq: u64,
    /// The account before it, in the amount's currency.
    #[serde(with = "crate::decimal")]
    pub before: Decimal,
    /// The account after it, in the amount's currency.
    #[serde(with = "crate::decimal")]
    pub after: Decimal,
    /// What a person reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// The order, code, withdrawal … it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related_id: Option<String>,
}

/// One line of a house account.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PlatformLine {
    /// Which one.
    pub account: PlatformAccount,
    /// The signed amount, in any currency.
    pub amount: LedgerMoney,
}

impl PlatformLine {
    /// A line.
    pub fn new(account: PlatformAccount, amount: LedgerMoney) -> Self {
        Self { account, amount }
    }
}

/// One holder's share of a journal, with the house lines that balance it. Immutable once written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// What it is about.
    #[serde(flatten)]
    pub header: Header,
    /// Whose entries these are; absent when only house accounts move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<AccountOwner>,
    /// The number of this posting among its holder's, 1..n; 0 when only house accounts move.
    pub number: u64,
    /// The holder's entries in their order.
    pub entries: Vec<Line>,
    /// The house lines.
    pub house: Vec<PlatformLine>,
}

impl JournalEntry {
    /// A journal that moves house accounts only: money to and from `suspense`.
    ///
    /// # Refuses
    /// Lines that do not sum to zero per currency.
    pub fn of_house(header: Header, house: Vec<PlatformLine>) -> Result<Self, LedgerError> {
        let posting = Self { header, holder: None, number: 0, entries: Vec::new(), house: moving(house) };
        posting.check()?;
        Ok(posting)
    }

    /// A holder's share of a journal: `number` is the posting's among those of the accounts that it moves.
    ///
    /// # Refuses
    /// As [`JournalEntry::check`].
    pub fn of_holder(
        holder: AccountOwner,
        number: u64,
        header: Header,
        entries: Vec<Line>,
        house: Vec<PlatformLine>,
    ) -> Result<Self, LedgerError> {
        let posting = Self { header, holder: Some(holder), number, entries, house: moving(house) };
        posting.check()?;
        Ok(posting)
    }

    /// The user whose entries these are, if a user's they are.
    pub fn user(&self) -> Option<UserId> {
        self.holder.and_then(AccountOwner::user)
    }

    /// Whether it moves the commission account, whose postings are numbered by themselves.
    pub fn is_of_commission(&self) -> bool {
        let of = |entry: &Line| matches!(entry.account, AccountKind::Commission | AccountKind::CommissionReceivable);
        self.entries.first().is_some_and(of)
    }

    /// That it moves something and sums to zero per currency (R1.4).
    ///
    /// # Refuses
    /// The first currency that is off; an empty journal; sums out of range.
    pub fn check(&self) -> Result<(), LedgerError> {
        let entries = self.entries.iter().map(|entry| entry.amount);
        let mut sums: BTreeMap<&'static str, LedgerMoney> = BTreeMap::new();
        for amount in entries.chain(self.house.iter().map(|line| line.amount)) {
            let code = amount.currency().code();
            let sum = match sums.get(code) {
                Some(sum) => sum.plus(amount)?,
                None => amount,
            };
            sums.insert(code, sum);
        }
        if sums.is_empty() {
            return Err(LedgerError::Empty);
        }
        sums.into_values().find(|sum| !sum.is_zero()).map_or(Ok(()), |off| Err(LedgerError::Unbalanced(off)))
    }

    /// The posting's entries as the records a user or admin sees (R1.6).
    pub fn records(&self) -> Vec<StatementLine> {
        let money = |amount, currency| LedgerMoney::exact(amount, currency).ok();
        let record = |entry: &Line| {
            let currency = entry.amount.currency();
            Some(StatementLine {
                journal: self.header.journal,
                account: entry.account,
                seq: entry.seq,
                kind: entry.kind,
                part: entry.part,
                amount: entry.amount,
                balance_before: money(entry.before, currency)?,
                balance_after: money(entry.after, currency)?,
                operator: self.header.operator.clone(),
                remark: entry.remark.clone(),
                related_id: entry.related_id.clone(),
                created_at: self.header.at,
            })
        };
        self.entries.iter().filter_map(record).collect()
    }
}

/// The user-visible view of an entry (R1.6).
#[derive(Debug, Clone, PartialEq)]
pub struct StatementLine {
    /// The journal it is part of; with account and seq it names the record.
    pub journal: JournalId,
    /// Whose account.
    pub account: AccountKind,
    /// The entry's number in its account.
    pub seq: u64,
    /// The record type.
    pub kind: RecordType,
    /// The part of the commission account.
    pub part: Option<Part>,
    /// The signed amount.
    pub amount: LedgerMoney,
    /// The account (or part) before.
    pub balance_before: LedgerMoney,
    /// The account (or part) after.
    pub balance_after: LedgerMoney,
    /// In which role money was moved.
    pub operator: Operator,
    /// What a person reads.
    pub remark: Option<String>,
    /// The order, code, withdrawal … it belongs to.
    pub related_id: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// The running end of one account: always equal to its last entry (R1.5).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// The number of its last entry, 0 before the first.
    pub seq: u64,
    /// Its amount.
    pub amount: LedgerMoney,
}

/// A holder's accounts: a balance and what is owed by it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Accounts {
    /// How many postings there are: the number of the last one.
    pub postings: u64,
    /// What the user can spend, never below zero.
    pub balance: Account,
    /// What is still owed, as an amount of zero or below.
    pub debt: Account,
}

impl Accounts {
    /// Empty accounts in ledger currency.
    pub fn new(currency: Currency) -> Self {
        let empty = Account { seq: 0, amount: LedgerMoney::zero(currency) };
        Self { postings: 0, balance: empty, debt: empty }
    }

    /// What the user can spend.
    pub fn balance(&self) -> LedgerMoney {
        self.balance.amount
    }

    /// What the user owes, as an amount of zero or above.
    pub fn owed(&self) -> LedgerMoney {
        self.debt.amount.negated()
    }

    /// Makes the journal of `movements` and the accounts after it. Credits are written whole and then pay debt; a
    /// take-back above the balance becomes debt (R1.7). Accounts without entries take the currency of their first.
    ///
    /// # Refuses
    /// A debit above the balance; a journal that is empty or does not sum to zero; another currency; overflow.
    pub fn post(
        &self,
        holder: impl Into<AccountOwner>,
        header: Header,
        movements: &[NewLine],
        house: Vec<PlatformLine>,
    ) -> Result<(Self, JournalEntry), LedgerError> {
        let mut after = *self;
        let mut entries = Vec::with_capacity(movements.len());
        for movement in movements.iter().filter(|movement| !movement.amount.is_zero()) {
            after.adopt(movement.amount.currency());
            after.apply(movement, &mut entries)?;
        }
        after.postings = self.postings.checked_add(1).ok_or(LedgerError::Exhausted)?;
        let posting = JournalEntry::of_holder(holder.into(), after.postings, header, entries, house)?;
        Ok((after, posting))
    }

    /// The ledger currency may change until the first journal (R9.1); accounts that hold nothing yet follow it.
    fn adopt(&mut self, currency: Currency) {
        if self.balance.seq == 0 && self.debt.seq == 0 {
            *self = Self { postings: self.postings, ..Self::new(currency) };
        }
    }

    fn apply(&mut self, movement: &NewLine, entries: &mut Vec<Line>) -> Result<(), LedgerError> {
        let amount = movement.amount;
        let zero = LedgerMoney::zero(amount.currency());
        if movement.kind == RecordType::Debt {
            return Err(LedgerError::DebtByHand);
        }
        if amount.is_positive() {
            let pays = amount.least(self.owed())?;
            entries.push(self.balance.move_by(AccountKind::Balance, movement.kind, amount, movement.note())?);
            self.shift_debt(pays, movement, entries)?;
            return Ok(());
        }
        let there = amount.most(self.balance().negated())?;
        let missing = amount.minus(there)?;
        if missing.is_negative() && movement.kind != RecordType::Refund {
            return Err(LedgerError::InsufficientBalance);
        }
        if there != zero {
            entries.push(self.balance.move_by(AccountKind::Balance, movement.kind, there, movement.note())?);
        }
        if missing != zero {
            entries.push(self.debt.move_by(AccountKind::Receivable, RecordType::Debt, missing, movement.note())?);
        }
        Ok(())
    }

    /// Pays debt out of the balance: both entries, or none for nothing.
    fn shift_debt(&mut self, pays: LedgerMoney, of: &NewLine, entries: &mut Vec<Line>) -> Result<(), LedgerError> {
        if pays.is_zero() {
            return Ok(());
        }
        entries.push(self.balance.move_by(AccountKind::Balance, RecordType::Debt, pays.negated(), of.note())?);
        entries.push(self.debt.move_by(AccountKind::Receivable, RecordType::Debt, pays, of.note())?);
        Ok(())
    }
}

impl Account {
    /// The next entry of the account; a note is what a person reads and what it belongs to.
    pub fn move_by(
        &mut self,
        account: AccountKind,
        kind: RecordType,
        amount: LedgerMoney,
        (remark, related_id): Note,
    ) -> Result<Line, LedgerError> {
        let before = self.amount;
        let after = before.plus(amount)?;
        let seq = self.seq.checked_add(1).ok_or(LedgerError::Exhausted)?;
        *self = Self { seq, amount: after };
        let (before, after) = (before.amount(), after.amount());
        Ok(Line { account, part: None, kind, amount, seq, before, after, remark, related_id })
    }
}

fn moving(mut house: Vec<PlatformLine>) -> Vec<PlatformLine> {
    house.retain(|line| !line.amount.is_zero());
    house
}

#[cfg(test)]
mod tests;
