//! What a stricter offer does to the grants below it (R8.5): which of them are above the new bound, and what they become.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::agency::model::grant::{Grant, GrantOffer, GrantTerms};
use crate::agency::model::shop::ShopPath;

/// The grants that an offer moves, as they are and as they are to be: leaves first, so that at every step of the way each stands
/// under its parent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Moves(pub Vec<GrantMove>);

/// One grant that has to change.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantMove {
    /// Which, by its place in the list that was given.
    pub at: usize,
    /// What it becomes.
    pub terms: GrantTerms,
}

/// What becomes of `below`, grants of one series below one node that will offer `offer`: a grant moves under what its parent will
/// offer, its parent being a moved grant, or the node itself. Given in any order; answered leaves first.
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
