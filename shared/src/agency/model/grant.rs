//! A grant: what a shop's parent lets it earn and pay for one series (R8.3–R8.6).
//!
//! Stored: `SERIES#{ser}` / `GRANT#{path}`, one item with its packages, found by the shop's path: a sale reads the grants of all its
//! levels in one call, and one consistent query reads those below a shop. That key is what makes it one grant per shop and series.
//! Whoever adds or raises a grant below writes this one too, under its revision: a bound cannot be lowered past it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::agency::model::series::{ForcedRecharge, SeriesTerms};
use crate::agency::model::shop::ShopPath;
use kernel::id::{GrantId, PackageId, SeriesId};
use kernel::refusal::Refusal;
use kernel::text_enum;

/// Most earlier cost prices that are kept of a package.
pub const HISTORY_MAX: usize = 8;

/// A level's own amount at a tier of the series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnTier {
    /// The tier's threshold.
    #[serde(with = "kernel::decimal")]
    pub threshold: Decimal,
    /// The level's amount at it; may be 0.
    #[serde(with = "kernel::decimal")]
    pub amount: Decimal,
}

/// What a level holds of the one-time commission: the ceiling of the levels below it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Own {
    /// Without tiers.
    #[serde(with = "kernel::decimal")]
    pub amount: Decimal,
    /// At each tier of the series.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<OwnTier>,
}

impl Own {
    /// The amount at a tier.
    pub fn at(&self, threshold: Decimal) -> Option<Decimal> {
        self.tiers.iter().find(|tier| tier.threshold == threshold).map(|tier| tier.amount)
    }

    /// That it has the ceiling's tiers and nowhere more (R8.3, R8.4).
    ///
    /// # Refuses
    /// `tiers_mismatch`; `ceiling_exceeded` with the first tier that is above.
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

    /// It with no amount above the ceiling's.
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

/// What a parent lets its children have: commission at most, cost prices at least, these packages only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantOffer {
    /// The ceiling of the commission.
    pub own: Own,
    /// The packages, with the least cost price.
    pub costs: BTreeMap<PackageId, Decimal>,
}

impl GrantOffer {
    /// Of two offers the stricter in every respect.
    pub fn stricter(&self, other: &Self) -> Self {
        let both = |(id, cost): (&PackageId, &Decimal)| Some((*id, *cost.max(other.costs.get(id)?)));
        Self { own: self.own.lowered_to(&other.own), costs: self.costs.iter().filter_map(both).collect() }
    }

    /// That a package may be held at this cost.
    ///
    /// # Refuses
    /// `package_not_granted`, `cost_below_parent` (R8.3).
    pub fn must_allow(&self, package: PackageId, cost: Decimal) -> Result<(), Refusal> {
        match self.costs.get(&package) {
            None => Err(Refusal::PackageNotGranted { package }),
            Some(least) if cost < *least => Err(Refusal::CostBelowParent { package }),
            Some(_) => Ok(()),
        }
    }

    /// Whether a grant with these terms can stand under it.
    pub fn covers(&self, terms: &GrantTerms) -> bool {
        let packages = &mut terms.packages.iter();
        terms.own.must_fit(&self.own).is_ok() && packages.all(|held| self.must_allow(held.id, held.cost_price).is_ok())
    }
}

text_enum! {
    /// Whether a grant works.
    pub enum GrantStatus {
        /// It does.
        Active = "active",
        /// No order is accepted from its shop or below (R8.6).
        Disabled = "disabled",
        /// Deleted; kept for who looks back.
        Deleted = "deleted",
    }
}

/// A cost price that was, until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierCost {
    /// The price.
    #[serde(with = "kernel::decimal")]
    pub cost_price: Decimal,
    /// When another took its place.
    pub until: Timestamp,
}

/// A package as a shop holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedPackage {
    /// Which.
    pub id: PackageId,
    /// What the shop pays for it.
    #[serde(with = "kernel::decimal")]
    pub cost_price: Decimal,
    /// What the shop sells it for, never below its cost (R8.10).
    #[serde(with = "kernel::decimal")]
    pub retail_price: Decimal,
    /// Whether the shop sells it.
    pub on_shelf: bool,
    /// The last of its earlier cost prices, the latest at the end (R8.6).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<EarlierCost>,
}

impl GrantedPackage {
    /// It at another cost; the earlier one is kept.
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

/// What is decided for a shop, by its parent and, for the retail side, by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GrantTerms {
    /// Its part of the one-time commission.
    pub own: Own,
    /// Its own forced recharge, where the platform has none (R8.7).
    pub forced: ForcedRecharge,
    /// Whether it works.
    pub status: GrantStatus,
    /// Its packages.
    pub packages: Vec<GrantedPackage>,
}

/// One change of a grant's packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageChange {
    /// Add it, or change its cost.
    Cost(PackageId, Decimal),
    /// Take it away.
    Remove(PackageId),
}

impl GrantTerms {
    /// What they let the shops below have.
    pub fn offer(&self) -> GrantOffer {
        let costs = self.packages.iter().map(|held| (held.id, held.cost_price)).collect();
        GrantOffer { own: self.own.clone(), costs }
    }

    /// A package that they hold.
    pub fn package(&self, id: PackageId) -> Option<&GrantedPackage> {
        self.packages.iter().find(|held| held.id == id)
    }

    /// The terms with changed packages, all or none (R8.6). A new package is sold at the series' price, or its cost if that is higher.
    ///
    /// # Refuses
    /// `package_not_in_series`, `package_not_granted` (by the parent, or to be removed and not held), `cost_below_parent`.
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

    /// The terms as they have to be under a stricter offer: amounts lowered, costs raised, packages dropped that are not offered any
    /// more, retail prices raised to the cost (R8.5).
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

/// A shop's own part of a commission under its allocator's; what is left out is 0.
///
/// # Refuses
/// `tiers_mismatch` for tiers that the series has not, or for none where it has; `ceiling_exceeded` (R8.3, R8.4).
pub fn own_part(ceiling: &Own, amount: Option<Decimal>, tiers: Option<&[OwnTier]>) -> Result<Own, Refusal> {
    let own = Own { amount: amount.unwrap_or_default(), tiers: tiers.unwrap_or_default().to_vec() };
    own.must_fit(ceiling)?;
    Ok(own)
}

/// One shop's part of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// Which.
    pub id: GrantId,
    /// Counts the changes of its terms, from 1; its `ETag`.
    pub version: u64,
    /// Of which series.
    pub series: SeriesId,
    /// The shop, with those above it. Its allocator is the one right above, at level 1 the platform.
    pub path: ShopPath,
    /// What holds.
    pub terms: GrantTerms,
    /// What will hold once every grant below is moved: until then nothing new may be above it (R8.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Box<GrantTerms>>,
    /// How many grants were made from this one, to the shops right below.
    pub children: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its terms last changed.
    pub updated_at: Timestamp,
}

impl Grant {
    /// The bound for new and raised grants below: of the terms and of those to come, the stricter.
    pub fn offer(&self) -> GrantOffer {
        let offer = self.terms.offer();
        self.closing.as_ref().map_or_else(|| offer.clone(), |closing| offer.stricter(&closing.offer()))
    }

    /// The terms that are asked for: those to come, or those there are.
    pub fn wanted(&self) -> &GrantTerms {
        self.closing.as_deref().unwrap_or(&self.terms)
    }

    /// It with other terms, changed at `now`; nothing is to come any more.
    ///
    /// # Refuses
    /// `None` when the versions ran out.
    pub fn with_terms(&self, terms: GrantTerms, now: Timestamp) -> Option<Self> {
        let version = self.version.checked_add(1)?;
        Some(Self { terms, closing: None, version, updated_at: now, ..self.clone() })
    }

    /// It with one price and shelf state of its own (R8.10).
    ///
    /// # Refuses
    /// `not_found` for a package that it does not hold; 422 at `/retail_price` below the cost.
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

    /// It with one grant below more or less.
    ///
    /// # Refuses
    /// `None` when there is none to take away.
    pub fn with_child(&self, more: bool) -> Option<Self> {
        let children = if more { self.children.checked_add(1) } else { self.children.checked_sub(1) }?;
        Some(Self { children, ..self.clone() })
    }

    /// It, deleted; it stays for who looks back (R8.6).
    ///
    /// # Refuses
    /// `grant_has_children`.
    pub fn deleted(&self, now: Timestamp) -> Result<Self, Refusal> {
        if self.children > 0 {
            return Err(Refusal::GrantHasChildren);
        }
        let terms = GrantTerms { status: GrantStatus::Deleted, ..self.terms.clone() };
        self.with_terms(terms, now).ok_or(Refusal::VersionMismatch)
    }
}

/// Where a grant is found by its id: its series and its shop's path never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantPlace {
    /// Which grant.
    pub id: GrantId,
    /// Of which series.
    pub series: SeriesId,
    /// Of which shop.
    pub path: ShopPath,
    /// Whether it was deleted: then it stands aside.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

/// Whether a sale is open through all its levels: each has a grant, and none is disabled (R8.6).
pub fn is_open(levels: &[Grant]) -> bool {
    levels.iter().all(|grant| grant.terms.status == GrantStatus::Active)
}
