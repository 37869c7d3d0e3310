//! Properties that hold for any tree, tiers, operators and edits.

use proptest::prelude::*;

use super::*;
use crate::agency::model::commission_split::{differences, divide};
use crate::agency::model::grant::{GrantOffer, own_part};
use crate::agency::model::subtree::moves;

const THRESHOLDS: [&str; 3] = ["10", "20", "30"];

/// An attempted edit of a tree of grants.
#[derive(Debug, Clone)]
enum Edit {
    /// Creates a grant below the `parent`-th, with its share of the ceiling in percent.
    Create { parent: usize, shares: [u8; 3], markup: u8 },
    /// Sets amounts and cost of a grant, with or without adjusting its children.
    Change { at: usize, amounts: [u8; 3], cost: u8, adjust: bool },
    /// Sets amounts and cost of the series.
    Series { amounts: [u8; 3], cost: u8, adjust: bool },
}

fn edit() -> impl Strategy<Value = Edit> {
    let (three, any_at) = (|| any::<[u8; 3]>(), || 0_usize..12);
    prop_oneof![
        (any_at(), three(), any::<u8>()).prop_map(|(parent, shares, markup)| Edit::Create { parent, shares, markup }),
        (any_at(), three(), any::<u8>(), any::<bool>()).prop_map(|(at, amounts, cost, adjust)| Edit::Change {
            at,
            amounts,
            cost,
            adjust
        }),
        (three(), any::<u8>(), any::<bool>()).prop_map(|(amounts, cost, adjust)| Edit::Series {
            amounts,
            cost,
            adjust
        }),
    ]
}

fn amounts(all: [u8; 3]) -> Own {
    let tier = |(threshold, amount): (&&str, u8)| OwnTier { threshold: dec(threshold), amount: Decimal::from(amount) };
    Own { amount: Decimal::ZERO, tiers: THRESHOLDS.iter().zip(all).map(tier).collect() }
}

/// A series' offer and the grants under it.
struct Tree {
    offer: GrantOffer,
    grants: Vec<Grant>,
}

impl Tree {
    fn above(&self, of: &Grant) -> GrantOffer {
        let parent = of.path.parent();
        let parent = parent.and_then(|parent| self.grants.iter().find(|grant| grant.path == parent));
        parent.map_or_else(|| self.offer.clone(), Grant::offer)
    }

    /// Applies changed grants if the edit may change any; returns true if it is accepted.
    fn accept(&mut self, offer: &GrantOffer, below: &[usize], adjust: bool) -> bool {
        let list: Vec<&Grant> = below.iter().map(|at| &self.grants[*at]).collect();
        let moved = moves(offer, &list, Timestamp::UNIX_EPOCH).0;
        if !moved.is_empty() && !adjust {
            return false;
        }
        for of in moved {
            // Leaves first: the whole tree stays valid at every step.
            self.grants[below[of.at]].terms = of.terms;
            self.must_stand();
        }
        true
    }

    fn apply(&mut self, edit: Edit, number: u64) {
        match edit {
            Edit::Create { parent, shares, markup } => {
                let above = self.grants.get(parent).cloned();
                let offer = above.as_ref().map_or_else(|| self.offer.clone(), Grant::offer);
                let shops: Option<ShopPath> = match &above {
                    Some(above) => above.path.child(shop_id(number)).ok(),
                    None => Some(ShopPath::root(shop_id(number))),
                };
                let Some(path) = shops else { return };
                let cost = offer.costs[&package_id(1)] + Decimal::from(markup);
                let mut new = grant(&[number], amounts(shares), vec![held(1, &cost.to_string())]);
                new.path = path;
                if own_part(&offer.own, None, Some(&new.terms.own.tiers)).is_ok() {
                    self.grants.push(new);
                }
            }
            Edit::Change { at, amounts: all, cost, adjust } => {
                let Some(before) = self.grants.get(at).cloned() else { return };
                let mut after = before.clone();
                after.terms.own = amounts(all);
                let package = &after.terms.packages[0];
                after.terms.packages[0] = package.at_cost(Decimal::from(cost), Timestamp::UNIX_EPOCH);
                after.terms = after.terms.retail_raised();
                if !self.above(&before).covers(&after.terms) {
                    return;
                }
                let below: Vec<_> = (0..self.grants.len())
                    .filter(|other| *other != at && self.grants[*other].path.is_within(&before.path))
                    .collect();
                if self.accept(&after.offer(), &below, adjust) {
                    self.grants[at] = after;
                }
            }
            Edit::Series { amounts: all, cost, adjust } => {
                let costs = [(package_id(1), Decimal::from(cost))].into();
                let offer = GrantOffer { own: amounts(all), costs };
                let below: Vec<_> = (0..self.grants.len()).collect();
                if self.accept(&offer, &below, adjust) {
                    self.offer = offer;
                }
            }
        }
        self.must_stand();
    }

    fn must_stand(&self) {
        for of in &self.grants {
            assert!(self.above(of).covers(&of.terms), "{of:?} under {:?}", self.above(of));
            let sells_at_a_loss = of.terms.packages.iter().any(|held| held.retail_price < held.cost_price);
            assert!(!sells_at_a_loss);
        }
    }
}

fn operator() -> impl Strategy<Value = Comparison> {
    prop_oneof![Just(Comparison::Above), Just(Comparison::AtLeast), Just(Comparison::Below), Just(Comparison::AtMost)]
}

proptest! {
    /// R8.4, R8.5: after any accepted edits every level stays under its ceiling, at every step.
    ///
    /// R8.9, R8.10: no level of any sale earns less than zero, and all together earn at most the pool.
    #[test]
    fn ceilings_hold_after_any_edits(
        edits in prop::collection::vec(edit(), 1..30),
        operators in prop::array::uniform3(operator()),
        statistics in prop::collection::vec(0_u32..40, 10),
    ) {
        let offer = GrantOffer { own: amounts([200; 3]), costs: [(package_id(1), Decimal::ONE)].into() };
        let mut tree = Tree { offer, grants: Vec::new() };
        for (number, edit) in edits.into_iter().enumerate() {
            tree.apply(edit, u64::try_from(number).unwrap() + 1);
        }
        let mut commission = tiered(Comparison::AtLeast, &[]);
        for (own, operator) in tree.offer.own.tiers.iter().zip(operators) {
            commission.tiers.push(CommissionTier {
                dimension: Dimension::SalesAmount,
                scope: SalesScope::SelfAndSub,
                operator,
                threshold: own.threshold,
                amount: own.amount,
            });
        }
        for seller in &tree.grants {
            let chain: Vec<&Grant> = seller
                .path
                .upward()
                .filter_map(|path| tree.grants.iter().find(|grant| grant.path == path))
                .collect();
            let levels: Vec<_> = chain
                .iter()
                .zip(&statistics)
                .map(|(grant, statistic)| level(grant.terms.own.clone(), &statistic.to_string()))
                .collect();
            let divided = divide(&commission, &levels).unwrap();
            let sum: Decimal = divided.shares.iter().map(|share| share.earned).sum();
            prop_assert!(divided.shares.iter().all(|share| share.earned >= Decimal::ZERO));
            prop_assert!(sum <= divided.pool && sum + divided.platform == divided.pool);
            let costs: Vec<_> = chain.iter().map(|grant| grant.terms.packages[0].cost_price).collect();
            let retail = seller.terms.packages[0].retail_price;
            let earned = differences(retail, &costs).unwrap();
            prop_assert_eq!(earned.iter().sum::<Decimal>() + *costs.last().unwrap(), retail);
        }
    }
}
