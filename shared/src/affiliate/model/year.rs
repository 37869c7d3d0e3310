//! Totals of a commission account by calendar year, for tax reports (R6.12).

use serde::{Deserialize, Serialize};

use kernel::id::UserId;
use kernel::ledger::{JournalEntry, Line, Part, RecordType};
use kernel::money::{Currency, LedgerMoney, MoneyError};
use kernel::year::Year;

/// Totals of a commission account in a calendar year (UTC), in ledger currency.
///
/// They are the sums of the lines of the year's journal entries. The entries are counted in their order, each once: `postings` is the
/// number of the last one. So the item says by itself what it holds, and what is to be counted next.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AffiliateYear {
    pub user: UserId,
    pub year: Year,
    /// Number of the last journal entry that is counted.
    pub postings: u64,
    /// Commission earned, before anything was taken back.
    pub earned: LedgerMoney,
    /// Commission taken back or owed since, less reinstatements; below zero if more was reinstated.
    pub taken_back: LedgerMoney,
    /// Commission paid out in cash.
    pub paid_out: LedgerMoney,
    /// Number of cash withdrawals that were paid.
    pub payouts: u64,
    /// Commission moved to the balance.
    pub to_balance: LedgerMoney,
}

impl AffiliateYear {
    /// Builds a year in which nothing happened yet.
    pub fn none(user: UserId, year: Year, currency: Currency) -> Self {
        let zero = LedgerMoney::zero(currency);
        Self { user, year, postings: 0, earned: zero, taken_back: zero, paid_out: zero, payouts: 0, to_balance: zero }
    }

    /// Counts further entries of the account after the latest year, and returns the years that they change, oldest first.
    ///
    /// Clocks differ a little: a year that was begun goes on, as a month of the statements does.
    ///
    /// # Rejects
    /// Overflow; another currency.
    pub fn counted<'a>(
        latest: Option<&Self>,
        user: UserId,
        entries: impl IntoIterator<Item = &'a JournalEntry>,
    ) -> Result<Vec<Self>, MoneyError> {
        let (mut current, mut years) = (latest.copied(), Vec::new());
        for entry in entries {
            let Some(line) = entry.entries.first() else { continue };
            let at = Year::of(entry.header.at);
            let before = match current {
                Some(year) if at <= year.year => year,
                ended => {
                    years.extend(ended.filter(|ended| latest != Some(ended)));
                    Self::none(user, at, line.amount.currency())
                }
            };
            current = Some(before.with(entry)?);
        }
        years.extend(current.filter(|current| latest != Some(current)));
        Ok(years)
    }

    /// The year with one more entry.
    ///
    /// The end of a hold only moves money within the account, and so do the request of cash and its return; paid debt was taken back
    /// when it arose. Each of these sums to zero.
    fn with(self, entry: &JournalEntry) -> Result<Self, MoneyError> {
        let zero = LedgerMoney::zero(self.earned.currency());
        let sum = |fits: fn(&Line) -> bool| {
            entry.entries.iter().filter(|line| fits(line)).try_fold(zero, |sum, line| sum.plus(line.amount))
        };
        let earned = sum(|line| line.kind == RecordType::Commission)?;
        let reversed = sum(|line| matches!(line.kind, RecordType::Refund | RecordType::Debt))?;
        let left = sum(|line| line.kind == RecordType::Withdrawal)?.negated();
        let was_held = entry.entries.iter().any(|line| line.part == Some(Part::Held));
        let (cash, moved) = if was_held { (left, zero) } else { (zero, left) };
        Ok(Self {
            postings: entry.number,
            earned: self.earned.plus(earned)?,
            taken_back: self.taken_back.minus(reversed)?,
            paid_out: self.paid_out.plus(cash)?,
            payouts: self.payouts.saturating_add(u64::from(cash.is_positive())),
            to_balance: self.to_balance.plus(moved)?,
            ..self
        })
    }
}
