//! Effect of a stricter offer on the grants below it (R8.5).

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::agency::model::grant::{Grant, GrantOffer, GrantTerms};
use crate::agency::model::shop::ShopPath;

/// Grants changed by an offer, leaves first.
///
/// In this order each grant stays within its parent's offer at every step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Moves(pub Vec<GrantMove>);

/// A grant that has to change.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantMove {
    /// Index of the grant in the given list.
    pub at: usize,
    /// New terms of the grant.
    pub terms: GrantTerms,
}

/// Plans the changes of `below`, the grants of one series below a node that will offer `offer`.
///
/// Each grant is adapted to its parent's future offer; the parent is a changed grant or the node itself. Input in any order;
/// result leaves first.
pub fn moves(offer: &GrantOffer, below: &[&Grant], now: Timestamp) -> Moves {
    let mut order: Vec<(usize, &Grant)> = below.iter().copied().enumerate().collect();
    order.sort_by(|(_, one), (_, other)| one.path.level().cmp(&other.path.level()).then(one.path.cmp(&other.path)));
    let mut offers: BTreeMap<&ShopPath, GrantOffer> = BTreeMap::new();
    let mut all = Vec::new();
    for (at, grant) in order {
        let parent = grant.path.parent();
        let above = parent.as_ref().and_then(|parent| offers.get(parent)).unwrap_or(offer);
        let terms = if above.covers(&grant.terms) { grant.terms.clone() } else { grant.terms.moved_under(above, now) };
        offers.insert(&grant.path, terms.offer());
        if terms != grant.terms {
            all.push(GrantMove { at, terms });
        }
    }
    all.reverse();
    Moves(all)
}
