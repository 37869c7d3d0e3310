//! Invariants of the agency: ceilings, counts, sales and payouts (C1, C2, C4, G1–G4).
//!
//! G1 every grant is within the offer directly above it, at every level · G2 counts of children and grants, places and claims
//! match the items · G3 statistics, progress and balances of assets match the orders · G4 an asset's commission is triggered at
//! most once.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::agency::model::commission_split::{Level, Sales, SalesTally, differences, divide};
use crate::agency::model::grant::{Grant, GrantStatus};
use crate::agency::model::order::{AgencyOrder, OrderKind, SaleLevel, SaleOutcome, cause};
use crate::agency::model::series::SeriesCode;
use crate::operations::auditor::{Finding, Snapshot};
use kernel::id::{AssetId, GrantId, SeriesId, ShopId};
use kernel::ledger::AccountOwner;

/// Checks the agency's invariants.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    check_ceilings(snapshot, &mut findings);
    check_counts(snapshot, &mut findings);
    check_sales(snapshot, &mut findings);
    for order in snapshot.agency.orders.values() {
        check_order(snapshot, order, &mut findings);
    }
    findings
}

pub(crate) fn standing(snapshot: &Snapshot) -> impl Iterator<Item = &Grant> {
    snapshot.agency.grants.values().filter(|grant| grant.terms.status != GrantStatus::Deleted)
}

/// Checks G1: the series or grant directly above offers at least a grant's terms.
fn check_ceilings(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let by_place: BTreeMap<_, &Grant> =
        standing(snapshot).map(|grant| ((grant.series, grant.path.clone()), grant)).collect();
    for grant in standing(snapshot) {
        let offer = match grant.path.parent() {
            None => snapshot.agency.series.get(&grant.series).map(|series| series.terms.offer()),
            Some(parent) => by_place.get(&(grant.series, parent)).map(|parent| parent.terms.offer()),
        };
        match offer {
            None => findings.push(Finding::new("G1", grant.id, "stands under nothing")),
            Some(offer) if !offer.covers(&grant.terms) => {
                findings.push(Finding::new("G1", grant.id, "is above what it was granted from"));
            }
            Some(_) => {}
        }
        if grant.terms.packages.iter().any(|held| held.retail_price < held.cost_price) {
            findings.push(Finding::new("G1", grant.id, "sells below its cost"));
        }
    }
}

/// Checks G2: counts of children and grants, places and identifier claims.
fn check_counts(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let agency = &snapshot.agency;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    for shop in agency.shops.values() {
        let children = agency.shops.values().filter(|other| other.path.is_child_of(&shop.path)).count();
        let grants = standing(snapshot).filter(|grant| grant.path == shop.path).count();
        if (shop.children, shop.grants) != (count(children), count(grants)) {
            let detail =
                format!("counts {} children and {} grants, not {children} and {grants}", shop.children, shop.grants);
            findings.push(Finding::new("G2", shop.id, detail));
        }
        if shop.path.parent().is_some_and(|_| shop.parent().is_none_or(|parent| !agency.shops.contains_key(&parent))) {
            findings.push(Finding::new("G2", shop.id, "stands below no shop"));
        }
        if let Some(user) = shop.user.and_then(|user| snapshot.users.get(&user))
            && user.shop.as_ref() != Some(&shop.path)
        {
            findings.push(Finding::new("G2", shop.id, "its agent is another shop's"));
        }
    }
    for grant in standing(snapshot) {
        let below = standing(snapshot);
        let children =
            below.filter(|other| other.series == grant.series && other.path.is_child_of(&grant.path)).count();
        if grant.children != count(children) {
            findings.push(Finding::new("G2", grant.id, format!("counts {} children, not {children}", grant.children)));
        }
    }
    for series in agency.series.values() {
        let grants = standing(snapshot).filter(|grant| grant.series == series.id && grant.path.level() == 1).count();
        if series.grants != count(grants) {
            findings.push(Finding::new("G2", series.id, format!("counts {} grants, not {grants}", series.grants)));
        }
    }
    let placed = |id: &GrantId, grant: &Grant| {
        agency.places.get(id).is_some_and(|place| {
            let deleted = grant.terms.status == GrantStatus::Deleted;
            (place.series, &place.path, place.deleted) == (grant.series, &grant.path, deleted)
        })
    };
    for (id, _) in agency.grants.iter().filter(|(id, grant)| !placed(id, grant)) {
        findings.push(Finding::new("G2", id, "is not where its place says"));
    }
    for series in agency.series.values() {
        if !agency.series_codes.contains(&SeriesCode::of(series)) {
            findings.push(Finding::new("G2", series.id, "does not claim its code"));
        }
    }
    if agency.series_codes.len() != agency.series.len() {
        findings.push(Finding::new("G2", "series", "codes are claimed by no series"));
    }
    for asset in agency.assets.values() {
        let claim = agency.claims.get(&asset.id);
        if claim.is_none_or(|claim| (claim.kind, &claim.identifier) != (asset.kind, &asset.identifier)) {
            findings.push(Finding::new("G2", asset.id, "does not claim its identifier"));
        }
    }
}

/// Sums over all settled orders: sales of shops, and payments for assets.
#[derive(Debug, Default)]
pub(crate) struct Sold {
    /// Sales of each shop and series.
    pub sales: BTreeMap<(ShopId, SeriesId), Sales>,
    /// Payments for each asset, without those on behalf.
    pub paid: BTreeMap<AssetId, Decimal>,
    /// Number of times each asset's commission was triggered.
    triggered: BTreeMap<AssetId, u32>,
}

impl Sold {
    /// The sums over all orders.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut sold = Self::default();
        for order in snapshot.agency.orders.values() {
            let Some(outcome) = &order.outcome else { continue };
            let tally = order.tally(outcome.net);
            for (index, shop) in order.shops().enumerate() {
                let of = sold.sales.entry((shop, order.series)).or_default();
                of.self_and_sub = plus(of.self_and_sub, tally);
                if index == 0 {
                    of.own = plus(of.own, tally);
                }
            }
            if order.paid_by.triggers() {
                let sum = sold.paid.entry(order.asset).or_default();
                *sum = sum.saturating_add(order.amount.amount());
            }
            let times = sold.triggered.entry(order.asset).or_default();
            *times = times.saturating_add(u32::from(outcome.triggered));
        }
        sold
    }
}

/// Checks G3 and G4: statistics of shops and progress of assets match the sums of the orders.
fn check_sales(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let Sold { sales, paid, triggered } = Sold::of(snapshot);
    for (of, sum) in &sales {
        let stored = snapshot.agency.sales.get(of).copied().unwrap_or_default();
        if stored != *sum {
            findings.push(Finding::new("G3", of.0, format!("has {stored:?} of {}, the orders say {sum:?}", of.1)));
        }
    }
    for (of, _) in snapshot.agency.sales.iter().filter(|(of, _)| !sales.contains_key(*of)) {
        findings.push(Finding::new("G3", of.0, "has sales of no order"));
    }
    for asset in snapshot.agency.assets.values() {
        let sum = paid.get(&asset.id).copied().unwrap_or_default();
        if asset.progress.paid != sum {
            findings.push(Finding::new(
                "G3",
                asset.id,
                format!("was paid {}, the orders say {sum}", asset.progress.paid),
            ));
        }
        let times = triggered.get(&asset.id).copied().unwrap_or_default();
        if times > 1 || (times == 1) != asset.triggered_by.is_some() {
            findings.push(Finding::new("G4", asset.id, format!("was triggered by {times} orders")));
        }
    }
}

fn plus(one: SalesTally, other: SalesTally) -> SalesTally {
    one.moved(SalesTally::default(), other).unwrap_or(one)
}

/// Checks that the amounts an order posted follow from its snapshot and net.
fn check_order(snapshot: &Snapshot, order: &AgencyOrder, findings: &mut Vec<Finding>) {
    let payment = order.payment.and_then(|payment| snapshot.orders.get(&payment));
    let captured = payment.filter(|payment| payment.status.is_captured()).map(|payment| payment.net().amount());
    let net = captured.or_else(|| order.payment.is_none().then(|| order.amount.amount()));
    if order.outcome.as_ref().map(|outcome| outcome.net) != net {
        findings.push(Finding::new("G3", order.id, format!("is not settled at {net:?}")));
    }
    let Some(outcome) = &order.outcome else { return };
    let mut fail = |invariant: &'static str, detail: String| findings.push(Finding::new(invariant, order.id, detail));
    if outcome.shares.len() != order.levels.len() {
        fail("C1", format!("{} shares of {} levels", outcome.shares.len(), order.levels.len()));
    }
    // The platform's part is last: each sum before it is a level's own amount, which has no more digits than an amount can have.
    let shares = outcome.shares.iter().fold(Decimal::ZERO, |sum, share| sum.saturating_add(share.one_time));
    let sum = shares.saturating_add(outcome.platform);
    if sum != outcome.pool || outcome.platform.is_sign_negative() && !outcome.platform.is_zero() {
        fail("C2", format!("levels and platform have {sum} of {}", outcome.pool));
    }
    if !recomputes(order, outcome) {
        fail("C4", "its snapshot gives other amounts".to_owned());
    }
    for (shop, share) in order.shops().zip(&outcome.shares) {
        let part = |whole| order.part(whole, outcome.net).unwrap_or_default();
        let due = part(share.one_time).saturating_add(part(share.difference));
        let posted = posted(snapshot, AccountOwner::Commission(shop), order);
        if posted != due {
            fail("C4", format!("{shop} has {posted} of it, not {due}"));
        }
    }
    let on_asset = posted(snapshot, AccountOwner::Asset(order.asset), order);
    if Ok(on_asset) != order.asset_part(outcome) {
        fail("G3", format!("its asset has {on_asset} of it"));
    }
}

/// True if the snapshot yields the stored shares.
///
/// Uses the stored tiers, since the statistics have changed since the sale.
fn recomputes(order: &AgencyOrder, outcome: &SaleOutcome) -> bool {
    let costs: Vec<Decimal> = order.levels.iter().map(|level| level.cost).collect();
    let differs = match order.kind {
        OrderKind::Purchase => differences(order.amount.amount(), &costs).ok(),
        OrderKind::Recharge => Some(vec![Decimal::ZERO; costs.len()]),
    };
    if differs.is_none_or(|all| !all.iter().eq(outcome.shares.iter().map(|share| &share.difference))) {
        return false;
    }
    if !outcome.triggered {
        return outcome.pool.is_zero() && outcome.shares.iter().all(|share| share.one_time.is_zero());
    }
    if order.commission.tiers.is_empty() {
        let level = |level: &SaleLevel| Level { own: level.own.clone(), sales: Sales::default() };
        let levels: Vec<Level> = order.levels.iter().map(level).collect();
        return divide(&order.commission, &levels).is_ok_and(|chain| {
            chain.pool == outcome.pool
                && chain.shares.iter().map(|share| share.earned).eq(outcome.shares.iter().map(|share| share.one_time))
        });
    }
    let mut highest = Decimal::ZERO;
    order.levels.iter().zip(&outcome.shares).all(|(level, share)| {
        let own = share.tier.map_or(Decimal::ZERO, |tier| level.own.at(tier).unwrap_or_default());
        let earned = own.saturating_sub(highest).max(Decimal::ZERO);
        highest = highest.max(own);
        earned == share.one_time
    })
}

/// Sum that an order's journals posted for an account owner.
///
/// Debt is included, since paying a debt changes both accounts by the same amount.
fn posted(snapshot: &Snapshot, holder: AccountOwner, order: &AgencyOrder) -> Decimal {
    let causes = [cause(order.id), format!("{}:payment", cause(order.id))];
    let postings = snapshot.postings.iter().filter(|posting| posting.holder == Some(holder));
    let ours = postings.filter(|posting| causes.contains(&posting.header.cause)).flat_map(|posting| &posting.entries);
    ours.fold(Decimal::ZERO, |sum, entry| sum.saturating_add(entry.amount.amount()))
}
