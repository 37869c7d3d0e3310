//! Tallies: what is counted about things, outside the money transactions (R3.9, R9.2).
//!
//! Statistics hold of each thing what it contributes ([`ProjectedMetrics`]); when a message says that the thing changed, the difference
//! is added to the totals and the new contribution written beside it, in one transaction. So a message may come twice, late, or in any order.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Named amounts that one thing contributes to the totals.
pub type Tallies = BTreeMap<String, Decimal>;

/// What the totals hold of one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectedMetrics {
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
