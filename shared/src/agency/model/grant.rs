//! A grant: a shop's share of commission and its cost prices in one series (R8.3–R8.6).
//!
//! Stored as `SERIES#{ser}` / `GRANT#{path}`, one item with its packages. A sale reads the grants of all its levels in one
//! call, and one consistent query reads those below a shop. The key allows one grant per shop and series. Adding or raising a
//! grant below also writes this item under its revision, so a bound cannot be lowered past it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::agency::model::series::{ForcedRecharge, SeriesTerms};
use crate::agency::model::shop::ShopPath;
use kernel::id::{GrantId, PackageId, SeriesId};
use kernel::refusal::Refusal;
use kernel::text_enum;

/// Most earlier cost prices kept per package.
pub const HISTORY_MAX: usize = 8;

/// A level's own amount at a tier of the series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnTier {
    #[serde(with = "kernel::decimal")]
    pub threshold: Decimal,
    /// The level's amount at the tier; may be 0.
    #[serde(with = "kernel::decimal")]
    pub amount: Decimal,
}

/// A level's own part of the one-time commission; the ceiling of the levels below it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Own {
    /// Amount without tiers.
    #[serde(with = "kernel::decimal")]
    pub amount: Decimal,
    /// Amount at each tier of the series.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<OwnTier>,
}

impl Own {
    /// The amount at a tier.
    pub fn at(&self, threshold: Decimal) -> Option<Decimal> {
        self.tiers.iter().find(|tier| tier.threshold == threshold).map(|tier| tier.amount)
    }

    /// Checks that it has the ceiling's tiers and exceeds none of its amounts (R8.3, R8.4).
    ///
    /// # Rejects
    /// `tiers_mismatch`; `ceiling_exceeded` with the first tier above the ceiling.
    pub fn must_fit(&self, ceiling: &Self) -> Result<(), Refusal> {
        if self.thresholds() != ceiling.thresholds() {
            return Err(Refusal::TiersMismatch);
        }
        if self.amount > ceiling.amount {
            return Err(Refusal::CeilingExceeded { threshold: None });
        }
        let above = |tier: &&OwnTier| ceiling.at(tier.threshold).is_none_or(|bound| tier.amount > bound);
        match self.tiers.iter().find(above) {
            Some(tier) => Err(Refusal::CeilingExceeded { threshold: Some(tier.threshold) }),
            None => Ok(()),
        }
    }

    /// The amounts, none above the ceiling's.
    pub fn lowered_to(&self, ceiling: &Self) -> Self {
        let lowered = |tier: &OwnTier| OwnTier {
            amount: ceiling.at(tier.threshold).map_or(tier.amount, |bound| tier.amount.min(bound)),
            ..*tier
        };
        Self { amount: self.amount.min(ceiling.amount), tiers: self.tiers.iter().map(lowered).collect() }
    }

    fn thresholds(&self) -> Vec<Decimal> {
        let mut all: Vec<_> = self.tiers.iter().map(|tier| tier.threshold).collect();
        all.sort_unstable();
        all
    }
}

/// Bounds a parent sets for its children: commission ceiling, lowest cost prices, allowed packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantOffer {
    /// Ceiling of the commission.
    pub own: Own,
    /// Allowed packages with their lowest cost prices.
    pub costs: BTreeMap<PackageId, Decimal>,
}

impl GrantOffer {
    /// The stricter of two offers in every respect.
    pub fn stricter(&self, other: &Self) -> Self {
        let both = |(id, cost): (&PackageId, &Decimal)| Some((*id, *cost.max(other.costs.get(id)?)));
        Self { own: self.own.lowered_to(&other.own), costs: self.costs.iter().filter_map(both).collect() }
    }

    /// Checks that a package may be granted at this cost.
    ///
    /// # Rejects
    /// `package_not_granted`, `cost_below_parent` (R8.3).
    pub fn must_allow(&self, package: PackageId, cost: Decimal) -> Result<(), Refusal> {
        match self.costs.get(&package) {
            None => Err(Refusal::PackageNotGranted { package }),
            Some(least) if cost < *least => Err(Refusal::CostBelowParent { package }),
            Some(_) => Ok(()),
        }
    }

    /// True if a grant with these terms stays within the offer.
    pub fn covers(&self, terms: &GrantTerms) -> bool {
        let packages = &mut terms.packages.iter();
        terms.own.must_fit(&self.own).is_ok() && packages.all(|held| self.must_allow(held.id, held.cost_price).is_ok())
    }
}

text_enum! {
    /// Status of a grant.
    pub enum GrantStatus {
        /// Orders are accepted.
        Active = "active",
        /// No order is accepted from its shop or below (R8.6).
        Disabled = "disabled",
        /// Deleted; kept for history.
        Deleted = "deleted",
    }
}

/// An earlier cost price, and the time of its replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierCost {
    #[serde(with = "kernel::decimal")]
    pub cost_price: Decimal,
    /// Time of its replacement.
    pub until: Timestamp,
}

/// A package as granted to a shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedPackage {
    pub id: PackageId,
    /// Price the shop pays.
    #[serde(with = "kernel::decimal")]
    pub cost_price: Decimal,
    /// Price the shop sells at, never below its cost (R8.10).
    #[serde(with = "kernel::decimal")]
    pub retail_price: Decimal,
    /// True if the shop sells it.
    pub on_shelf: bool,
    /// Latest earlier cost prices, in order of time (R8.6).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<EarlierCost>,
}

impl GrantedPackage {
    /// The package at another cost; the earlier cost joins the history.
    pub fn at_cost(&self, cost_price: Decimal, now: Timestamp) -> Self {
        if cost_price == self.cost_price {
            return self.clone();
        }
        let mut after = Self { cost_price, ..self.clone() };
        after.history.push(EarlierCost { cost_price: self.cost_price, until: now });
        let extra = after.history.len().saturating_sub(HISTORY_MAX);
        after.history.drain(..extra);
        after
    }
}

/// Terms of a grant, set by the parent; the shop itself sets the retail side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GrantTerms {
    /// Own part of the one-time commission.
    pub own: Own,
    /// The shop's own forced recharge, effective if the platform has none (R8.7).
    pub forced: ForcedRecharge,
    pub status: GrantStatus,
    pub packages: Vec<GrantedPackage>,
}

/// A change of a grant's packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageChange {
    /// Adds the package or changes its cost.
    Cost(PackageId, Decimal),
    Remove(PackageId),
}

impl GrantTerms {
    /// Bounds for the grants of the shops below.
    pub fn offer(&self) -> GrantOffer {
        let costs = self.packages.iter().map(|held| (held.id, held.cost_price)).collect();
        GrantOffer { own: self.own.clone(), costs }
    }

    /// A granted package by its id.
    pub fn package(&self, id: PackageId) -> Option<&GrantedPackage> {
        self.packages.iter().find(|held| held.id == id)
    }

    /// The terms with changed packages, all or none (R8.6).
    ///
    /// A new package gets the series' retail price, or its cost if that is higher.
    ///
    /// # Rejects
    /// `package_not_in_series`; `package_not_granted` if the parent does not grant it, or if it is removed without being held;
    /// `cost_below_parent`.
    pub fn with_packages(
        &self,
        changes: &[PackageChange],
        series: &SeriesTerms,
        offer: &GrantOffer,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let mut after = self.clone();
        for change in changes {
            match *change {
                PackageChange::Remove(package) => {
                    after.package(package).ok_or(Refusal::PackageNotGranted { package })?;
                    after.packages.retain(|held| held.id != package);
                }
                PackageChange::Cost(package, cost) => after.put(package, cost, series, offer, now)?,
            }
        }
        Ok(after)
    }

    fn put(
        &mut self,
        package: PackageId,
        cost: Decimal,
        series: &SeriesTerms,
        offer: &GrantOffer,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let known = series.package(package).ok_or(Refusal::PackageNotInSeries { package })?;
        offer.must_allow(package, cost)?;
        match self.packages.iter_mut().find(|held| held.id == package) {
            Some(held) => *held = held.at_cost(cost, now),
            None => self.packages.push(GrantedPackage {
                id: package,
                cost_price: cost,
                retail_price: known.price.max(cost),
                on_shelf: true,
                history: Vec::new(),
            }),
        }
        Ok(())
    }

    /// The terms adapted to a stricter offer (R8.5).
    ///
    /// Amounts are lowered, costs raised, packages no longer offered dropped, and retail prices raised to the cost.
    pub fn moved_under(&self, offer: &GrantOffer, now: Timestamp) -> Self {
        let packages = self.packages.iter().filter_map(|held| {
            let least = offer.costs.get(&held.id)?;
            Some(held.at_cost(held.cost_price.max(*least), now))
        });
        Self { own: self.own.lowered_to(&offer.own), packages: packages.collect(), ..self.clone() }.retail_raised()
    }

    /// The terms with no retail price below its cost.
    pub fn retail_raised(&self) -> Self {
        let raised = |held: &GrantedPackage| GrantedPackage {
            retail_price: held.retail_price.max(held.cost_price),
            ..held.clone()
        };
        Self { packages: self.packages.iter().map(raised).collect(), ..self.clone() }
    }
}

/// Own part of a commission under the allocator's ceiling; omitted amounts are 0.
///
/// # Rejects
/// `tiers_mismatch` unless the tiers are those of the series; `ceiling_exceeded` (R8.3, R8.4).
pub fn own_part(ceiling: &Own, amount: Option<Decimal>, tiers: Option<&[OwnTier]>) -> Result<Own, Refusal> {
    let own = Own { amount: amount.unwrap_or_default(), tiers: tiers.unwrap_or_default().to_vec() };
    own.must_fit(ceiling)?;
    Ok(own)
}

/// Grant of one series to one shop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    pub id: GrantId,
    /// Number of changes of its terms, from 1; its `ETag`.
    pub version: u64,
    pub series: SeriesId,
    /// Path of the shop. Its allocator is the parent, at level 1 the platform.
    pub path: ShopPath,
    /// Current terms.
    pub terms: GrantTerms,
    /// Terms that apply once all grants below are moved; until then they bound new grants too (R8.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Box<GrantTerms>>,
    /// Number of grants made from this one to shops directly below.
    pub children: u32,
    pub created_at: Timestamp,
    /// Time of the last change of its terms.
    pub updated_at: Timestamp,
}

impl Grant {
    /// Bound for new and raised grants below: the stricter of current and closing terms.
    pub fn offer(&self) -> GrantOffer {
        let offer = self.terms.offer();
        self.closing.as_ref().map_or_else(|| offer.clone(), |closing| offer.stricter(&closing.offer()))
    }

    /// Requested terms: the closing ones, or the current ones.
    pub fn wanted(&self) -> &GrantTerms {
        self.closing.as_deref().unwrap_or(&self.terms)
    }

    /// The grant with other terms, changed at `now`; clears the closing terms.
    ///
    /// # Rejects
    /// `None` if the version overflows.
    pub fn with_terms(&self, terms: GrantTerms, now: Timestamp) -> Option<Self> {
        let version = self.version.checked_add(1)?;
        Some(Self { terms, closing: None, version, updated_at: now, ..self.clone() })
    }

    /// The terms with another retail price and shelf state of a package (R8.10).
    ///
    /// # Rejects
    /// `not_found` for a package that is not granted; 422 at `/retail_price` below the cost.
    pub fn with_retail(&self, package: PackageId, price: Decimal, on_shelf: bool) -> Result<GrantTerms, Refusal> {
        let mut after = self.terms.clone();
        let held = after.packages.iter_mut().find(|held| held.id == package).ok_or(Refusal::NotFound)?;
        if price < held.cost_price {
            let least = format!("at least the cost price, {}", held.cost_price);
            return Err(Refusal::field("/retail_price", "out_of_range", least));
        }
        (held.retail_price, held.on_shelf) = (price, on_shelf);
        Ok(after)
    }

    /// The grant with one grant below more or less.
    ///
    /// # Rejects
    /// `None` if there is none to remove.
    pub fn with_child(&self, more: bool) -> Option<Self> {
        let children = if more { self.children.checked_add(1) } else { self.children.checked_sub(1) }?;
        Some(Self { children, ..self.clone() })
    }

    /// The grant marked as deleted; it is kept for the history (R8.6).
    ///
    /// # Rejects
    /// `grant_has_children`; `version_mismatch` if the version overflows.
    pub fn deleted(&self, now: Timestamp) -> Result<Self, Refusal> {
        if self.children > 0 {
            return Err(Refusal::GrantHasChildren);
        }
        let terms = GrantTerms { status: GrantStatus::Deleted, ..self.terms.clone() };
        self.with_terms(terms, now).ok_or(Refusal::VersionMismatch)
    }
}

/// Location of a grant by its id; its series and its shop's path never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantPlace {
    pub id: GrantId,
    pub series: SeriesId,
    /// Path of the grant's shop.
    pub path: ShopPath,
    /// True once deleted; the grant is then stored under another key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

/// True if a sale is allowed at all its levels: no grant is disabled or deleted (R8.6).
pub fn is_open(levels: &[Grant]) -> bool {
    levels.iter().all(|grant| grant.terms.status == GrantStatus::Active)
}
