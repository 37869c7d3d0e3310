//! A series: packages, and what is earned once per asset that buys of them (R8.2).
//!
//! Stored: `SERIES#{ser}`, one item with its packages, so that what the platform offers to level 1 changes under one revision.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::PACKAGES_MAX;
use crate::agency::model::commission_split::Sales;
use crate::agency::model::grant::{GrantOffer, Own, OwnTier};
use kernel::id::{PackageId, SeriesId};
use kernel::refusal::Refusal;
use kernel::text_enum;

text_enum! {
    /// What a tier's threshold is compared with.
    pub enum Dimension as SalesDimension {
        /// How many sales.
        SalesCount = "sales_count",
        /// What they came to.
        SalesAmount = "sales_amount",
    }
}

text_enum! {
    /// Whose sales count.
    pub enum SalesScope {
        /// The shop's own.
        Own = "self",
        /// The shop's own and those of every shop below it.
        SelfAndSub = "self_and_sub",
    }
}

text_enum! {
    /// How a statistic must stand to a tier's threshold.
    #[derive(Default)]
    pub enum Comparison as SalesComparison {
        /// Above it.
        Above = ">",
        /// At it or above.
        #[default]
        AtLeast = ">=",
        /// Below it.
        Below = "<",
        /// At it or below.
        AtMost = "<=",
    }
}

impl Comparison {
    /// Whether `statistic` stands so to `threshold`.
    pub fn holds(self, statistic: Decimal, threshold: Decimal) -> bool {
        match self {
            Self::Above => statistic > threshold,
            Self::AtLeast => statistic >= threshold,
            Self::Below => statistic < threshold,
            Self::AtMost => statistic <= threshold,
        }
    }

    fn upward(self) -> bool {
        matches!(self, Self::Above | Self::AtLeast)
    }
}

/// A step of a tiered commission.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CommissionTier {
    /// What is measured.
    pub dimension: Dimension,
    /// Of whose sales.
    pub scope: SalesScope,
    /// How it must stand to the threshold.
    #[serde(default)]
    pub operator: Comparison,
    /// The threshold, unique within the series: a whole number of sales, or an amount.
    #[serde(with = "kernel::decimal")]
    pub threshold: Decimal,
    /// What the series pays at it.
    #[serde(with = "kernel::decimal")]
    pub amount: Decimal,
}

impl CommissionTier {
    /// Whether the sales of a shop reach it.
    pub fn matches(&self, sales: &Sales) -> bool {
        self.operator.holds(sales.of(self.dimension, self.scope), self.threshold)
    }

    fn shape(&self) -> (Dimension, SalesScope, Comparison, Decimal) {
        (self.dimension, self.scope, self.operator, self.threshold)
    }
}

text_enum! {
    /// What kind of one-time commission a series has.
    pub enum CommissionKind {
        /// None.
        None = "none",
        /// The same for every sale.
        Fixed = "fixed",
        /// By the statistics of each level.
        Tiered = "tiered",
    }
}

/// The one-time commission of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommissionTerms {
    /// Its kind.
    pub kind: CommissionKind,
    /// The fixed amount; also that of a tiered one without tiers (R8.9).
    #[serde(with = "kernel::decimal")]
    pub amount: Decimal,
    /// The tiers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<CommissionTier>,
}

impl CommissionTerms {
    /// No commission.
    pub fn none() -> Self {
        Self { kind: CommissionKind::None, amount: Decimal::ZERO, tiers: Vec::new() }
    }

    /// The tier that counts for a shop with these sales: of `>` and `>=` the one with the highest threshold, else of `<` and `<=`
    /// the one with the lowest (R8.9).
    pub fn tier_for(&self, sales: &Sales) -> Option<&CommissionTier> {
        let matching = || self.tiers.iter().filter(|tier| tier.matches(sales));
        let up = matching().filter(|tier| tier.operator.upward()).min_by_key(|tier| Reverse(tier.threshold));
        up.or_else(|| matching().filter(|tier| !tier.operator.upward()).min_by_key(|tier| tier.threshold))
    }

    /// Whether another commission differs in its amounts only.
    pub fn same_shape(&self, other: &Self) -> bool {
        let shape = |of: &Self| {
            let mut tiers: Vec<_> = of.tiers.iter().map(CommissionTier::shape).collect();
            tiers.sort_by_key(|(.., threshold)| *threshold);
            tiers
        };
        self.kind == other.kind && shape(self) == shape(other)
    }

    /// Its amounts, as a level holds them.
    pub fn own(&self) -> Own {
        let tiers = self.tiers.iter().map(|tier| OwnTier { threshold: tier.threshold, amount: tier.amount }).collect();
        Own { amount: self.amount, tiers }
    }
}

text_enum! {
    /// What makes an asset's one-time commission due (R8.8).
    pub enum TriggerKind as RechargeTrigger {
        /// One payment of at least the threshold.
        FirstRecharge = "first_recharge",
        /// All payments so far.
        AccumulatedRecharge = "accumulated_recharge",
    }
}

/// When the one-time commission is due.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CommissionTrigger {
    /// What is compared.
    pub kind: TriggerKind,
    /// With what, in agency currency.
    #[serde(with = "kernel::decimal")]
    pub threshold: Decimal,
}

/// How far an asset is on its way to the one-time commission.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// What was paid in all, not on behalf.
    #[serde(with = "kernel::decimal")]
    pub paid: Decimal,
    /// Whether it was triggered, once and for ever.
    pub triggered: bool,
}

impl CommissionTrigger {
    /// The progress after a payment, and whether that payment triggers the commission (R8.8). A payment on behalf neither triggers
    /// nor counts.
    ///
    /// # Refuses
    /// `None` on overflow.
    pub fn after(&self, progress: Progress, payment: Decimal, on_behalf: bool) -> Option<(Progress, bool)> {
        if on_behalf {
            return Some((progress, false));
        }
        let paid = progress.paid.checked_add(payment)?;
        let measured = match self.kind {
            TriggerKind::FirstRecharge => payment,
            TriggerKind::AccumulatedRecharge => paid,
        };
        let now = !progress.triggered && measured >= self.threshold;
        Some((Progress { paid, triggered: progress.triggered || now }, now))
    }
}

/// A recharge that is asked for before anything else can be bought.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ForcedRecharge {
    /// Whether it is on.
    pub enabled: bool,
    /// How much.
    #[serde(with = "kernel::decimal")]
    pub amount: Decimal,
}

/// Something that assets can buy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Package {
    /// Which.
    pub id: PackageId,
    /// Counts its changes, from 1; its `ETag`.
    pub version: u64,
    /// What people call it.
    pub name: String,
    /// The operator's own code for it.
    pub code: String,
    /// What it is sold for unless a shop sets another price.
    #[serde(with = "kernel::decimal")]
    pub price: Decimal,
    /// What level 1 pays for it at least.
    #[serde(with = "kernel::decimal")]
    pub cost_price: Decimal,
}

/// What a series offers to level 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesTerms {
    /// The one-time commission.
    pub commission: CommissionTerms,
    /// The packages, in the order in which they came.
    pub packages: Vec<Package>,
}

impl SeriesTerms {
    /// What level 1 is granted under (R8.4).
    pub fn offer(&self) -> GrantOffer {
        let costs: BTreeMap<_, _> = self.packages.iter().map(|package| (package.id, package.cost_price)).collect();
        GrantOffer { own: self.commission.own(), costs }
    }

    /// One of its packages.
    pub fn package(&self, id: PackageId) -> Option<&Package> {
        self.packages.iter().find(|package| package.id == id)
    }

    /// The terms with a package more, or with one of the same id replaced.
    ///
    /// # Refuses
    /// 422 above 200 packages and for a code that another package has.
    pub fn with_package(&self, package: Package) -> Result<Self, Refusal> {
        let mut after = self.clone();
        if self.packages.iter().any(|other| other.id != package.id && other.code == package.code) {
            return Err(Refusal::field("/code", "taken", "another package of the series has this code"));
        }
        match after.packages.iter_mut().find(|other| other.id == package.id) {
            Some(place) => *place = package,
            None if self.packages.len() >= PACKAGES_MAX => {
                return Err(Refusal::field("", "too_many", format!("at most {PACKAGES_MAX} packages")));
            }
            None => after.packages.push(package),
        }
        Ok(after)
    }
}

/// A group of packages with one commission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Which.
    pub id: SeriesId,
    /// Counts its changes, from 1; its `ETag`.
    pub version: u64,
    /// What people call it.
    pub name: String,
    /// The operator's own code for it.
    pub code: String,
    /// When the one-time commission is due.
    pub trigger: CommissionTrigger,
    /// The platform's forced recharge.
    pub forced: ForcedRecharge,
    /// Commission and packages.
    pub terms: SeriesTerms,
    /// The terms that it will have once every grant below is moved: until then nothing new may be above them (R8.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Box<SeriesTerms>>,
    /// How many grants level 1 has of it.
    pub grants: u32,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Series {
    /// The bound for new and raised grants at level 1: of the terms and of those to come, the stricter.
    pub fn offer(&self) -> GrantOffer {
        let offer = self.terms.offer();
        self.closing.as_ref().map_or_else(|| offer.clone(), |closing| offer.stricter(&closing.offer()))
    }

    /// The terms that are asked for: those to come, or those there are.
    pub fn wanted(&self) -> &SeriesTerms {
        self.closing.as_deref().unwrap_or(&self.terms)
    }

    /// That its commission may become `commission`.
    ///
    /// # Refuses
    /// `series_in_use` when it has grants and more than amounts would change (R8.2).
    pub fn must_allow(&self, commission: &CommissionTerms) -> Result<(), Refusal> {
        if self.grants > 0 && !self.terms.commission.same_shape(commission) {
            return Err(Refusal::SeriesInUse);
        }
        Ok(())
    }

    /// It with one grant at level 1 more or less.
    ///
    /// # Refuses
    /// `None` when there is none to take away.
    pub fn with_grant(&self, more: bool) -> Option<Self> {
        let grants = if more { self.grants.checked_add(1) } else { self.grants.checked_sub(1) }?;
        Some(Self { grants, ..self.clone() })
    }
}
