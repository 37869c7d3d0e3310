//! Credit lots: what one source granted to a user and expires together (R12.3).
//!
//! How spending takes from them is in [`kernel::ledger::Lots`]. A lot is written by whatever grants credit or takes it back, with
//! the journal. A journal of granted credit has one source, and only that source's lot changes the sum of the lots.
//!
//! An empty lot stays, so that no function needs the right to delete, and says how much of it expired. A take-back after the expiry
//! first posts that part again, as a correction of the expiry, and then takes the whole: else it would take the part twice.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use kernel::id::{JournalId, UserId};
use kernel::ledger::{
    Accounts, Header, JournalEntry, JournalRef, LedgerError, LotKind, LotTerms, NewLine, PlatformLine, RecordType,
};
use kernel::money::{LedgerMoney, MoneyError};

/// Beginning of the causes of expiries, `expiry:ord_…`.
pub const EXPIRIES: &str = "expiry:";

/// Granted credit of one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CreditLot {
    pub user: UserId,
    /// Id of the order, reward or redemption that granted it.
    pub source: String,
    #[serde(rename = "of")]
    pub kind: LotKind,
    /// Granted amount, less the debt that it paid, take-backs and expiries. Spending does not change it.
    pub held: LedgerMoney,
    /// Expired amount, less the part of it that was taken back since.
    pub expired: LedgerMoney,
    /// Last journal of its expiry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<JournalRef>,
    pub granted_at: Timestamp,
    /// Its unspent part leaves the balance then.
    pub expires_at: Timestamp,
}

impl CreditLot {
    /// Takes what was `spent` off a user's lots, oldest first, and returns those with anything left, and how much.
    ///
    /// # Rejects
    /// Overflow.
    pub fn unspent(mut lots: Vec<Self>, mut spent: LedgerMoney) -> Result<Vec<(Self, LedgerMoney)>, MoneyError> {
        lots.sort_by(|one, other| (one.expires_at, &one.source).cmp(&(other.expires_at, &other.source)));
        let mut all = Vec::new();
        for lot in lots {
            let used = lot.held.least(spent)?;
            spent = spent.minus(used)?;
            let left = lot.held.minus(used)?;
            if !left.is_zero() {
                all.push((lot, left));
            }
        }
        Ok(all)
    }

    /// Expired part that the take-backs among these lines concern: it is posted again before they take it.
    ///
    /// # Rejects
    /// Overflow.
    pub fn restored_by(&self, movements: &[NewLine]) -> Result<LedgerMoney, MoneyError> {
        let mut taken = movements.iter().filter(|line| line.is_granted && line.amount.is_negative());
        let none = LedgerMoney::zero(self.expired.currency());
        taken.try_fold(none, |sum, line| sum.plus(line.amount.negated()))?.least(self.expired)
    }

    /// Header of the lot's next journal of expiry.
    fn header(&self, of: Header) -> Header {
        let first = Header { cause: format!("{EXPIRIES}{}", self.source), step: 0, corrects: None, ..of };
        self.last.map_or(first.clone(), |last| first.correcting(last))
    }

    /// Expires the lot: its unspent part leaves the balance. Returns no journal entry if nothing was left of it.
    ///
    /// # Rejects
    /// Sums of the accounts that are less than the lot; overflow.
    pub fn expire(&self, accounts: &Accounts, of: Header) -> Result<Granted, LedgerError> {
        let (accounts, entry) = accounts.expire(self.user, self.header(of), (self.kind, self.held), &self.source)?;
        let none = LedgerMoney::zero(self.held.currency());
        let Some(entry) = entry else {
            let lot = Some(Self { held: none, ..self.clone() });
            return Ok(Granted { accounts, entries: Vec::new(), lot });
        };
        let expired = entry.entries.iter().try_fold(self.expired, |sum, line| sum.minus(line.amount))?;
        let lot = Self { held: none, expired, last: Some(entry.header.as_last()), ..self.clone() };
        Ok(Granted { accounts, entries: vec![entry], lot: Some(lot) })
    }
}

/// Accounts and lot after a journal of granted credit, with its entries.
#[derive(Debug, Clone, PartialEq)]
pub struct Granted {
    pub accounts: Accounts,
    /// The correction of an expiry, if there is one, and the journal's own entry.
    pub entries: Vec<JournalEntry>,
    /// The source's lot; `None` if there is none.
    pub lot: Option<CreditLot>,
}

/// Source of granted credit: what its lot is, or would be.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantSource {
    pub kind: LotKind,
    /// Id of the order, reward or redemption.
    pub id: String,
    /// Expiry of what it grants now; `None` if that never expires.
    pub expires_at: Option<Timestamp>,
}

impl GrantSource {
    /// Posts a journal of granted credit, or of its correction; `journal` makes the id of a journal that may come before it.
    ///
    /// # Rejects
    /// As [`Accounts::post`].
    pub fn post(
        &self,
        (user, accounts): (UserId, &Accounts),
        (header, journal): (Header, &mut dyn FnMut() -> JournalId),
        (movements, house): (&[NewLine], Vec<PlatformLine>),
        known: Option<&CreditLot>,
    ) -> Result<Granted, LedgerError> {
        let (mut accounts, mut lot, mut entries) = (*accounts, known.cloned(), Vec::new());
        if let Some(before) = &lot
            && let back = before.restored_by(movements)?
            && !back.is_zero()
        {
            let line = NewLine::new(RecordType::Expiry, back, &self.id).of_grant();
            let house = vec![PlatformLine::new(self.kind.account(), back.negated())];
            let header = before.header(Header { journal: journal(), ..header.clone() });
            let terms = LotTerms { expires_at: Some(before.expires_at), held: Some(before.held) };
            let (after, entry) = accounts.post_grant(user, header, &[line], house, terms)?;
            let held = before.held.plus(moved(&accounts, &after)?)?;
            let last = Some(entry.header.as_last());
            lot = Some(CreditLot { held, expired: before.expired.minus(back)?, last, ..before.clone() });
            entries.push(entry);
            accounts = after;
        }
        let at = header.at;
        let terms = LotTerms { expires_at: self.expires_at, held: lot.as_ref().map(|lot| lot.held) };
        let movements = granted_first(&accounts, movements, terms);
        let (after, entry) = accounts.post_grant(user, header, &movements, house, terms)?;
        let lot = self.lot_after((user, at), lot, moved(&accounts, &after)?)?;
        entries.push(entry);
        Ok(Granted { accounts: after, entries, lot })
    }

    /// The lot after the sum of the lots moved by `amount`.
    fn lot_after(
        &self,
        (user, at): (UserId, Timestamp),
        lot: Option<CreditLot>,
        amount: LedgerMoney,
    ) -> Result<Option<CreditLot>, MoneyError> {
        let expires_at = self.expires_at.unwrap_or(at);
        let Some(lot) = lot else {
            let expired = LedgerMoney::zero(amount.currency());
            let (source, kind) = (self.id.clone(), self.kind);
            let first = CreditLot { user, source, kind, held: amount, expired, last: None, granted_at: at, expires_at };
            return Ok(amount.is_positive().then_some(first));
        };
        let held = lot.held.plus(amount)?;
        // What a source grants again expires with what it granted before, the later of both.
        let expires_at = if amount.is_positive() { lot.expires_at.max(expires_at) } else { lot.expires_at };
        Ok(Some(CreditLot { held, expires_at, ..lot }))
    }
}

/// Lines in the order in which they pay debt: granted credit that expires first, as a spend takes it first.
fn granted_first(accounts: &Accounts, movements: &[NewLine], terms: LotTerms) -> Vec<NewLine> {
    let mut lines = movements.to_vec();
    if terms.expires_at.is_some() && accounts.owed().is_positive() {
        lines.sort_by_key(|line| !(line.is_granted && line.amount.is_positive()));
    }
    lines
}

/// Change of the sum of the lots.
fn moved(before: &Accounts, after: &Accounts) -> Result<LedgerMoney, LedgerError> {
    Ok(after.in_lots()?.minus(before.in_lots()?)?)
}

#[cfg(test)]
mod tests;
