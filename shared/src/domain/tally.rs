//! Tallies: what is counted about things, outside the money transactions (R3.9, R9.2).
//!
//! Statistics hold of each thing what it contributes ([`Counted`]); when a message says that the thing changed, the difference
//! is added to the totals and the new contribution written beside it, in one transaction. So a message may come twice, late, or in any order.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::id::UserId;
use super::money::{Currency, LedgerMoney};
use super::referral::Trigger;

/// Named amounts that one thing contributes to the totals.
pub type Tallies = BTreeMap<String, Decimal>;

/// What the totals hold of one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    /// Partition of the thing.
    pub subject: String,
    /// Its contribution, amounts as text.
    pub tallies: BTreeMap<String, String>,
}

/// What the difference between two contributions adds to the totals; what is unchanged is left out.
pub fn difference(before: &Tallies, after: &Tallies) -> Tallies {
    let mut difference = Tallies::new();
    for name in before.keys().chain(after.keys()) {
        let of = |tallies: &Tallies| tallies.get(name).copied().unwrap_or_default();
        let change = of(after).checked_sub(of(before)).unwrap_or_default();
        if !change.is_zero() {
            difference.insert(name.clone(), change);
        }
    }
    difference
}

/// An inviter's counts (R3.9). Written by the reward worker alone, in the transaction that grants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReferralCounts {
    /// Whose.
    pub user: UserId,
    /// How many registered with their code.
    pub invitees: u64,
    /// How many of those reached the threshold.
    pub qualified: u64,
    /// How many of those have a granted reward for the inviter.
    pub rewarded: u64,
    /// Granted rewards of the inviter's side.
    pub earned: LedgerMoney,
    /// Rewards of the inviter's side that are pending, held or failed.
    pub pending: LedgerMoney,
}

impl ReferralCounts {
    /// Those of an inviter without invitees, in ledger currency.
    pub fn none(user: UserId, currency: Currency) -> Self {
        let nothing = LedgerMoney::zero(currency);
        Self { user, invitees: 0, qualified: 0, rewarded: 0, earned: nothing, pending: nothing }
    }
}

/// Marks that an invitee was counted for a milestone that made no reward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestone {
    /// Who reached it.
    pub invitee: UserId,
    /// Which.
    pub trigger: Trigger,
    /// When it was counted.
    pub at: Timestamp,
}

/// How many sign-ups an inviter's codes bound while there was a limit (R3.4); without one nobody writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteeLimit {
    /// The inviter.
    pub user: UserId,
    /// How many.
    pub invitees: u64,
}

/// The window in which a user's orders are counted (R4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderWindow {
    /// Whose.
    pub user: UserId,
    /// When its first order was made.
    pub started_at: Timestamp,
    /// How many were made since.
    pub orders: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R9.2: a message that comes again adds nothing.
    #[test]
    fn a_contribution_counted_twice_adds_nothing() {
        let of = |pairs: &[(&str, i64)]| -> Tallies {
            pairs.iter().map(|(name, amount)| ((*name).to_owned(), Decimal::from(*amount))).collect()
        };
        let (none, pending, paid) = (of(&[]), of(&[("orders.pending", 1)]), of(&[("orders.paid", 1), ("charge", 100)]));
        assert_eq!(difference(&none, &pending), pending);
        assert_eq!(difference(&pending, &paid), of(&[("orders.pending", -1), ("orders.paid", 1), ("charge", 100)]));
        assert_eq!(difference(&paid, &paid), none);
    }
}
