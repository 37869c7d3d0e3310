//! Invariant C8: an affiliate's years have what the journal entries of their account say, each entry once (R6.12).

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::affiliate::model::year::AffiliateYear;
use crate::operations::auditor::{Finding, Snapshot};
use kernel::id::UserId;
use kernel::ledger::{JournalEntry, RecordType};
use kernel::money::LedgerMoney;
use kernel::year::Year;

/// Totals of a year as numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct YearSums {
    /// Number of the year's last journal entry.
    pub postings: u64,
    /// Number of paid cash withdrawals.
    pub payouts: u64,
    /// Earned, taken back, paid out in cash, moved to the balance.
    pub amounts: [Decimal; 4],
}

impl From<&AffiliateYear> for YearSums {
    fn from(of: &AffiliateYear) -> Self {
        let amounts = [of.earned, of.taken_back, of.paid_out, of.to_balance].map(LedgerMoney::amount);
        Self { postings: of.postings, payouts: of.payouts, amounts }
    }
}

impl YearSums {
    /// The sums with an entry, by what the entry changes in all and by its source.
    ///
    /// The first entry of a withdrawal that leaves the account at once goes to the balance, a later one is paid in cash.
    fn and(self, entry: &JournalEntry) -> Self {
        let sum = |kind: Option<RecordType>| {
            let fitting = entry.entries.iter().filter(|line| kind.is_none_or(|kind| line.kind == kind));
            fitting.fold(Decimal::ZERO, |sum, line| sum.saturating_add(line.amount.amount()))
        };
        let change = sum(None);
        let Self { payouts, amounts: [earned, taken_back, paid_out, to_balance], .. } = self;
        let (is_withdrawal, is_first) = (entry.header.cause.starts_with("withdrawal:"), entry.header.step == 0);
        let (payouts, amounts) = match (is_withdrawal, is_first) {
            (true, true) => (payouts, [earned, taken_back, paid_out, to_balance.saturating_sub(change)]),
            (true, false) => {
                let paid = u64::from(!change.is_zero());
                (payouts.saturating_add(paid), [earned, taken_back, paid_out.saturating_sub(change), to_balance])
            }
            (false, _) => {
                let more = sum(Some(RecordType::Commission));
                let back = more.saturating_sub(change);
                (payouts, [earned.saturating_add(more), taken_back.saturating_add(back), paid_out, to_balance])
            }
        };
        Self { postings: entry.number, payouts, amounts }
    }
}

/// Sums of all affiliates' years by the journal entries of their accounts.
pub fn by_entries(all: &Snapshot) -> BTreeMap<(UserId, Year), YearSums> {
    let mut entries: BTreeMap<(UserId, u64), &JournalEntry> = BTreeMap::new();
    for entry in all.postings.iter().filter(|entry| entry.is_of_commission()) {
        entries.extend(entry.user().map(|user| ((user, entry.number), entry)));
    }
    let mut years: BTreeMap<(UserId, Year), YearSums> = BTreeMap::new();
    for ((user, _), entry) in entries {
        let at = Year::of(entry.header.at);
        // A year that was begun goes on, however the clocks of two functions differ.
        let begun = years.range((user, at)..).map(|((of, year), _)| (*of, *year)).take_while(|(of, _)| *of == user);
        let year = begun.last().map_or(at, |(_, year)| year);
        let sums = years.entry((user, year)).or_default();
        *sums = sums.and(entry);
    }
    years
}

/// C8: each year is that of its entries; no entry is counted in none or in two.
pub fn check(all: &Snapshot, findings: &mut Vec<Finding>) {
    let mut expected = by_entries(all);
    for year in all.all::<AffiliateYear>() {
        let says = expected.remove(&(year.user, year.year)).unwrap_or_default();
        let is = YearSums::from(year);
        if is != says {
            findings.push(Finding::new(
                "C8",
                year.user,
                format!("has {is:?} in {}, its entries say {says:?}", year.year),
            ));
        }
    }
    for ((user, year), says) in expected {
        findings.push(Finding::new("C8", user, format!("has nothing in {year}, its entries say {says:?}")));
    }
}
