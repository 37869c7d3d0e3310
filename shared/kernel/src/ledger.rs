//! The ledger: immutable journals and the running balances of each owner's accounts (R1.4–R1.7).
//!
//! A [`JournalEntry`] holds one owner's lines of a journal and the platform lines that balance them. [`Accounts::post`] makes it:
//! it numbers the lines, chains before and after, nets debt and checks that the journal sums to zero per currency. Platform
//! accounts have no stored balance; they appear only as journal lines.
//!
//! Signs: every line counts as written. The receivable (debt) account is therefore zero or negative: a debt of 6 is an amount of
//! −6, and a user's net worth is balance + debt. A positive balance and a debt never exist together.
//!
//! Storage: [`Accounts`] are part of the user's item, and each journal entry is an item of its own. The commission account is a
//! separate item with its own numbering of journal entries. The entries of each are a hash chain, see [`chain`].

pub mod chain;
mod holder;
mod lots;
mod name;
mod statement;

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use self::holder::AccountOwner;
pub use self::lots::{LotKind, LotTerms, Lots};
pub use self::statement::StatementLine;
pub use crate::ledger::name::{AccountKind, Operator, Part, PlatformAccount, RecordType};

use crate::content_hash::ContentHash;
use crate::id::{JournalId, UserId};
use crate::money::{Currency, LedgerMoney, MoneyError};
use crate::refusal::Refusal;

/// Reason why a journal cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The lines of a currency do not sum to zero. Nothing may be written.
    #[error("a journal is off by {0}")]
    Unbalanced(LedgerMoney),
    /// A debit exceeds the balance.
    #[error("the balance is too low")]
    InsufficientBalance,
    /// A withdrawal exceeds the available part of the commission account.
    #[error("{available} is available")]
    InsufficientAvailable { available: LedgerMoney },
    /// A part of the commission account would fall below zero. Nothing may be written.
    #[error("{0:?} would fall below zero")]
    PartBelowZero(Part),
    /// The journal has no lines.
    #[error("a journal without any movement")]
    Empty,
    /// A caller requests a `debt` line, which only netting may write.
    #[error("debt is never posted by hand")]
    DebtByHand,
    /// An amount does not fit, or its currency is not that of the account.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A sequence number overflows.
    #[error("a sequence number is out of range")]
    Exhausted,
}

impl LedgerError {
    /// The refusal for this error; `None` if it is a fault.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::InsufficientBalance => Some(Refusal::InsufficientBalance),
            Self::InsufficientAvailable { available } => {
                Some(Refusal::InsufficientAvailable { available: Some(*available) })
            }
            _ => None,
        }
    }
}

/// Header of a journal: everything but its lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    pub journal: JournalId,
    /// Source of the journal, `payment:stripe:pi_1` or `reward:rwd_…`.
    pub cause: String,
    /// Sequence of the journal among those of its source, from 0. Source and sequence identify the journal.
    pub step: u32,
    /// Previous journal of the same source, which this one corrects (R1.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<JournalId>,
    /// Role that moves the money.
    pub operator: Operator,
    /// Exact actor: `usr_…`, `provider:zpay`, `service:billing` (R9.3).
    pub actor: String,
    /// Id of the request that caused it.
    pub request_id: String,
    pub at: Timestamp,
}

/// Reference to the last journal of a source; the next one follows and corrects it (R1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRef {
    pub id: JournalId,
    /// Sequence of the journal among those of its source.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub step: u32,
}

/// Origin of journals: who moves the money, because of which request, and when (R1.6, R9.3).
#[derive(Debug, Clone, PartialEq)]
pub struct JournalOrigin {
    /// Role that moves the money.
    pub operator: Operator,
    /// Exact actor: `usr_…`, `provider:zpay`, `service:billing`.
    pub actor: String,
    /// Id of the request or message that caused it.
    pub request_id: String,
    pub at: Timestamp,
}

impl JournalOrigin {
    /// Header of the first journal of a source.
    pub fn header(&self, journal: JournalId, cause: String) -> Header {
        let Self { operator, actor, request_id, at } = self.clone();
        Header { journal, cause, step: 0, corrects: None, operator, actor, request_id, at }
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Header {
    /// This header as the one that follows `last` and corrects it.
    pub fn correcting(self, last: JournalRef) -> Self {
        Self { step: last.step.saturating_add(1), corrects: Some(last.id), ..self }
    }

    /// Reference to this journal, for the next one of its source.
    pub fn as_last(&self) -> JournalRef {
        JournalRef { id: self.journal, step: self.step }
    }
}

/// Requested change of an owner's balance.
///
/// A negative amount of type `refund` is a take-back and may become debt. A negative amount of any other type is a debit and is
/// refused above the balance (R1.7).
#[derive(Debug, Clone, PartialEq)]
pub struct NewLine {
    pub kind: RecordType,
    /// Signed amount in ledger currency. Zero writes no line.
    pub amount: LedgerMoney,
    /// Remark for a person.
    pub remark: Option<String>,
    /// Id of the order, code, withdrawal … it belongs to.
    pub related_id: Option<String>,
    /// True for credit that the platform gives, and its correction, rather than credit that was paid for (R12.3).
    pub is_granted: bool,
}

impl NewLine {
    /// A change that belongs to `related_id`.
    pub fn new(kind: RecordType, amount: LedgerMoney, related_id: impl Into<String>) -> Self {
        let is_granted = matches!(kind, RecordType::Promotion | RecordType::Referral | RecordType::Redeem);
        Self { kind, amount, remark: None, related_id: Some(related_id.into()), is_granted }
    }

    /// The line as one of granted credit, which the kind of a correction does not tell (R12.3).
    #[must_use]
    pub fn of_grant(self) -> Self {
        Self { is_granted: true, ..self }
    }

    fn note(&self) -> Note {
        (self.remark.clone(), self.related_id.clone())
    }
}

/// Remark and related id of a line.
pub(super) type Note = (Option<String>, Option<String>);

/// One amount on one of an owner's accounts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub account: AccountKind,
    /// Part of the commission account; `None` for other accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// Type on the statement.
    #[serde(rename = "type")]
    pub kind: RecordType,
    pub amount: LedgerMoney,
    /// Number of the line in its account, 1..n without gaps.
    pub seq: u64,
    /// Balance of the account (or part) before the line, in the amount's currency.
    #[serde(with = "crate::decimal")]
    pub before: Decimal,
    /// Balance of the account (or part) after the line, in the amount's currency.
    #[serde(with = "crate::decimal")]
    pub after: Decimal,
    /// Remark for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// Hash of a remark that was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark_hash: Option<ContentHash>,
    /// Id of the order, code, withdrawal … it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related_id: Option<String>,
}

/// One amount on a platform account.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PlatformLine {
    pub account: PlatformAccount,
    /// Signed amount, in any currency.
    pub amount: LedgerMoney,
}

impl PlatformLine {
    /// A line on `account`.
    pub fn new(account: PlatformAccount, amount: LedgerMoney) -> Self {
        Self { account, amount }
    }
}

/// One owner's lines of a journal with the platform lines that balance them. Immutable once written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    #[serde(flatten)]
    pub header: Header,
    /// Account owner; absent if only platform accounts change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<AccountOwner>,
    /// Number among the owner's journal entries, 1..n; 0 if only platform accounts change.
    pub number: u64,
    /// The owner's lines in order.
    pub entries: Vec<Line>,
    /// The platform lines.
    pub house: Vec<PlatformLine>,
    /// Hash over the entry and the hash before in its chain (R11.1); absent without an owner, and before there were chains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<ContentHash>,
}

impl JournalEntry {
    /// A journal of platform accounts only: money to and from `suspense`.
    ///
    /// # Rejects
    /// Lines that do not sum to zero per currency.
    pub fn of_house(header: Header, house: Vec<PlatformLine>) -> Result<Self, LedgerError> {
        let posting = Self { header, holder: None, number: 0, entries: Vec::new(), house: moving(house), hash: None };
        posting.check()?;
        Ok(posting)
    }

    /// An owner's lines of a journal, hashed.
    ///
    /// `number` is the entry's number among the journal entries of the accounts it changes, and `before` the hash of the one before.
    ///
    /// # Rejects
    /// As [`JournalEntry::check`].
    pub fn of_holder(
        holder: AccountOwner,
        (number, before): (u64, Option<ContentHash>),
        header: Header,
        entries: Vec<Line>,
        house: Vec<PlatformLine>,
    ) -> Result<Self, LedgerError> {
        let posting = Self { header, holder: Some(holder), number, entries, house: moving(house), hash: None };
        posting.check()?;
        let hash = Some(posting.hash_after(before));
        Ok(Self { hash, ..posting })
    }

    /// The account owner, if it is a user.
    pub fn user(&self) -> Option<UserId> {
        self.holder.and_then(AccountOwner::user)
    }

    /// True for lines of the commission account, which numbers its journal entries separately.
    pub fn is_of_commission(&self) -> bool {
        let of = |entry: &Line| matches!(entry.account, AccountKind::Commission | AccountKind::CommissionReceivable);
        self.entries.first().is_some_and(of)
    }

    /// Checks that the entry has lines and sums to zero per currency (R1.4).
    ///
    /// # Rejects
    /// The first unbalanced currency; an entry without lines; sums out of range.
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
}

/// Running balance of one account. It always equals the `after` of the last line (R1.5).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Number of the last line, 0 before the first.
    pub seq: u64,
    pub amount: LedgerMoney,
}

/// An owner's accounts: the balance and the receivable against it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Accounts {
    /// Number of the last journal entry, 0 before the first.
    pub postings: u64,
    /// Spendable balance, never below zero.
    pub balance: Account,
    /// Receivable: the debt as an amount of zero or below.
    pub debt: Account,
    /// Hash of the last journal entry (R11.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<ContentHash>,
    /// Sums of the credit lots; absent before the first (R12.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lots: Option<Lots>,
}

impl Accounts {
    /// Empty accounts in ledger currency.
    pub fn new(currency: Currency) -> Self {
        let empty = Account { seq: 0, amount: LedgerMoney::zero(currency) };
        Self { postings: 0, balance: empty, debt: empty, head: None, lots: None }
    }

    /// Spendable balance.
    pub fn balance(&self) -> LedgerMoney {
        self.balance.amount
    }

    /// Debt as an amount of zero or above.
    pub fn owed(&self) -> LedgerMoney {
        self.debt.amount.negated()
    }

    /// Makes the journal entry of `movements` and returns the accounts after it; granted credit in it never expires.
    ///
    /// A credit is written whole and then pays debt. A take-back above the balance becomes debt (R1.7). Accounts without lines
    /// adopt the currency of their first line.
    ///
    /// # Rejects
    /// A debit above the balance; a journal that is empty or does not sum to zero; another currency; overflow.
    pub fn post(
        &self,
        holder: impl Into<AccountOwner>,
        header: Header,
        movements: &[NewLine],
        house: Vec<PlatformLine>,
    ) -> Result<(Self, JournalEntry), LedgerError> {
        self.post_grant(holder, header, movements, house, LotTerms::default())
    }

    /// Makes a journal entry as [`Accounts::post`] does, whose granted credit has a lot (R12.3).
    ///
    /// # Rejects
    /// As [`Accounts::post`].
    pub fn post_grant(
        &self,
        holder: impl Into<AccountOwner>,
        header: Header,
        movements: &[NewLine],
        house: Vec<PlatformLine>,
        lot: LotTerms,
    ) -> Result<(Self, JournalEntry), LedgerError> {
        let (mut after, entries) = self.moved(movements, lot)?;
        after.postings = self.postings.checked_add(1).ok_or(LedgerError::Exhausted)?;
        let posting = JournalEntry::of_holder(holder.into(), (after.postings, self.head), header, entries, house)?;
        after.head = posting.hash;
        Ok((after, posting))
    }

    /// Returns the accounts as [`Accounts::post`] would leave them, without a journal: for who wants to know before.
    ///
    /// # Rejects
    /// A debit above the balance; another currency; overflow.
    pub fn after(&self, movements: &[NewLine]) -> Result<Self, LedgerError> {
        self.moved(movements, LotTerms::default()).map(|(after, _)| after)
    }

    fn moved(&self, movements: &[NewLine], mut lot: LotTerms) -> Result<(Self, Vec<Line>), LedgerError> {
        let mut after = *self;
        let mut entries = Vec::with_capacity(movements.len());
        for movement in movements.iter().filter(|movement| !movement.amount.is_zero()) {
            after.adopt(movement.amount.currency());
            after.apply(movement, &mut lot, &mut entries)?;
        }
        Ok((after, entries))
    }

    /// Adopts `currency` while the accounts have no line, since it may change until then (R9.1).
    fn adopt(&mut self, currency: Currency) {
        if self.balance.seq == 0 && self.debt.seq == 0 {
            *self = Self { postings: self.postings, head: self.head, ..Self::new(currency) };
        }
    }

    fn apply(&mut self, movement: &NewLine, lot: &mut LotTerms, entries: &mut Vec<Line>) -> Result<(), LedgerError> {
        let amount = movement.amount;
        let zero = LedgerMoney::zero(amount.currency());
        if movement.kind == RecordType::Debt {
            return Err(LedgerError::DebtByHand);
        }
        if amount.is_positive() {
            let pays = amount.least(self.owed())?;
            entries.push(self.balance.move_by(AccountKind::Balance, movement.kind, amount, movement.note())?);
            self.shift_debt(pays, movement, entries)?;
            return self.raise_lot(movement, amount.minus(pays)?, lot);
        }
        let there = amount.most(self.balance().negated())?;
        let missing = amount.minus(there)?;
        if missing.is_negative() && movement.kind != RecordType::Refund {
            return Err(LedgerError::InsufficientBalance);
        }
        self.lower_lots(movement, there.negated(), lot)?;
        if there != zero {
            entries.push(self.balance.move_by(AccountKind::Balance, movement.kind, there, movement.note())?);
        }
        if missing != zero {
            entries.push(self.debt.move_by(AccountKind::Receivable, RecordType::Debt, missing, movement.note())?);
        }
        Ok(())
    }

    /// Pays debt from the balance: two lines, or none if `pays` is zero.
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
    /// Writes the next line of the account and moves its balance.
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
        Ok(Line { account, part: None, kind, amount, seq, before, after, remark, remark_hash: None, related_id })
    }
}

fn moving(mut house: Vec<PlatformLine>) -> Vec<PlatformLine> {
    house.retain(|line| !line.amount.is_zero());
    house
}

#[cfg(test)]
mod tests;
