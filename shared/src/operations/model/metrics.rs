//! Metrics of entities, projected outside the money transactions (R3.9, R9.2).
//!
//! Statistics store each entity's last counted contribution ([`ProjectedMetrics`]). A message about a change adds the difference
//! to the totals and stores the new contribution, in one transaction. So a message may arrive twice, late, or in any order.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Named amounts that one entity contributes to the totals.
pub type Tallies = BTreeMap<String, Decimal>;

/// Contribution of one entity that the totals already include.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectedMetrics {
    /// Partition of the entity.
    pub subject: String,
    /// Contribution by name, amounts as text.
    pub tallies: BTreeMap<String, String>,
}

/// Difference between two contributions; unchanged names are left out.
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

    /// R9.2: a repeated message adds nothing.
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
