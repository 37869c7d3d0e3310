//! Outstanding redemption codes: what their remaining uses would credit, by the month in which they expire (R12.4).
//!
//! The codes of a batch count together: the uses of all, less the redemptions of all. A code whose terms were edited, or that was
//! deleted, counts apart with its own uses.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::redemption::model::code::{Batch, Benefit, Code, Terms};
use kernel::money::MoneyError;
use kernel::month::Month;

/// Remaining uses of codes that expire in the same month, and the credit of these uses in ledger currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsesLeft {
    pub uses: u64,
    pub credit: Decimal,
}

/// Remaining uses of codes for balance that have not expired, whether they are enabled or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outstanding {
    /// Uses of limited codes by the month in which they expire; `None` for those that never do.
    pub by_month: BTreeMap<Option<Month>, UsesLeft>,
    /// Number of unlimited codes, whose credit has no limit.
    pub unlimited: u64,
}

impl Outstanding {
    /// Adds the codes of a batch: `redeemed` uses of its limited codes, and the codes that count apart with the uses taken of each.
    ///
    /// # Rejects
    /// Overflow.
    pub fn add(
        &mut self,
        batch: &Batch,
        redeemed: u64,
        apart: &[(Code, u64)],
        now: Timestamp,
    ) -> Result<(), MoneyError> {
        let usable = || apart.iter().filter(|(code, _)| code.of.ordinal < batch.redeemable);
        let apart_uses = apart.iter().fold(0_u64, |sum, (_, taken)| sum.saturating_add(*taken));
        let together = u64::from(batch.redeemable).saturating_sub(u64::try_from(usable().count()).unwrap_or(u64::MAX));
        // Counted redemptions lag by moments: those of a code that counts apart may be missing.
        let redeemed = redeemed.saturating_sub(apart_uses);
        let of_batch = Terms { expires_at: batch.expires_at(), ..batch.terms };
        self.put(&of_batch, together, redeemed, now)?;
        for (code, taken) in usable().filter(|(code, _)| !code.deleted) {
            self.put(&code.terms_in(batch), 1, *taken, now)?;
        }
        Ok(())
    }

    /// Adds codes with the same terms, of which `taken` uses were taken.
    fn put(&mut self, terms: &Terms, codes: u64, taken: u64, now: Timestamp) -> Result<(), MoneyError> {
        let Benefit::Balance { credit } = terms.benefit else { return Ok(()) };
        if terms.expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Ok(());
        }
        if terms.unlimited() {
            self.unlimited = self.unlimited.saturating_add(codes);
            return Ok(());
        }
        let uses = codes.checked_mul(terms.total_uses).ok_or(MoneyError::Overflow)?.saturating_sub(taken);
        if uses == 0 {
            return Ok(());
        }
        let of = self.by_month.entry(terms.expires_at.map(Month::of)).or_default();
        let more = Decimal::from(uses).checked_mul(credit).ok_or(MoneyError::Overflow)?;
        of.uses = of.uses.checked_add(uses).ok_or(MoneyError::Overflow)?;
        of.credit = of.credit.checked_add(more).ok_or(MoneyError::Overflow)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
