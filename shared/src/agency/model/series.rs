//! A series: packages, and the commission earned once per asset that buys them (R8.2).
//!
//! Stored as `SERIES#{ser}`, one item with its packages, so that the platform's offer to level 1 changes under one revision.

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
use kernel::typed;

text_enum! {
    /// Metric that a tier's threshold is compared with.
    pub enum Dimension as SalesDimension {
        /// Number of sales.
        SalesCount = "sales_count",
        /// Total amount of the sales.
        SalesAmount = "sales_amount",
    }
}

text_enum! {
    /// Scope of the sales that count towards a tier.
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
    /// True if `statistic` compares so with `threshold`.
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

/// A tier of a tiered commission.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CommissionTier {
    pub dimension: Dimension,
    pub scope: SalesScope,
    #[serde(default)]
    pub operator: Comparison,
    /// Unique within the series: a whole number of sales, or an amount.
    #[serde(with = "kernel::decimal")]
    pub threshold: Decimal,
    /// Amount the series pays at this tier.
    #[serde(with = "kernel::decimal")]
    pub amount: Decimal,
}

impl CommissionTier {
    /// True if a shop's sales reach the tier.
    pub fn matches(&self, sales: &Sales) -> bool {
        self.operator.holds(sales.of(self.dimension, self.scope), self.threshold)
    }

    fn shape(&self) -> (Dimension, SalesScope, Comparison, Decimal) {
        (self.dimension, self.scope, self.operator, self.threshold)
    }
}

text_enum! {
    /// Kind of a series' one-time commission.
    pub enum CommissionKind {
        /// None.
        None = "none",
        /// The same for every sale.
        Fixed = "fixed",
        /// By the statistics of each level.
        Tiered = "tiered",
    }
}

/// One-time commission of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommissionTerms {
    pub kind: CommissionKind,
    /// Fixed amount; also that of a tiered commission without tiers (R8.9).
    #[serde(with = "kernel::decimal")]
    pub amount: Decimal,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<CommissionTier>,
}

impl CommissionTerms {
    /// No commission.
    pub fn none() -> Self {
        Self { kind: CommissionKind::None, amount: Decimal::ZERO, tiers: Vec::new() }
    }

    /// Tier for a shop with these sales (R8.9).
    ///
    /// Of the matching tiers with `>` or `>=` the one with the highest threshold. Without one, of those with `<` or `<=` the
    /// one with the lowest.
    pub fn tier_for(&self, sales: &Sales) -> Option<&CommissionTier> {
        let matching = || self.tiers.iter().filter(|tier| tier.matches(sales));
        let up = matching().filter(|tier| tier.operator.upward()).min_by_key(|tier| Reverse(tier.threshold));
        up.or_else(|| matching().filter(|tier| !tier.operator.upward()).min_by_key(|tier| tier.threshold))
    }

    /// True if the two commissions differ in amounts only.
    pub fn same_shape(&self, other: &Self) -> bool {
        let shape = |of: &Self| {
            let mut tiers: Vec<_> = of.tiers.iter().map(CommissionTier::shape).collect();
            tiers.sort_by_key(|(.., threshold)| *threshold);
            tiers
        };
        self.kind == other.kind && shape(self) == shape(other)
    }

    /// The amounts, as a level's own part.
    pub fn own(&self) -> Own {
        let tiers = self.tiers.iter().map(|tier| OwnTier { threshold: tier.threshold, amount: tier.amount }).collect();
        Own { amount: self.amount, tiers }
    }
}

text_enum! {
    /// Trigger of an asset's one-time commission (R8.8).
    pub enum TriggerKind as RechargeTrigger {
        /// One payment of at least the threshold.
        FirstRecharge = "first_recharge",
        /// All payments so far.
        AccumulatedRecharge = "accumulated_recharge",
    }
}

/// Trigger of the one-time commission.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CommissionTrigger {
    pub kind: TriggerKind,
    /// Threshold, in agency currency.
    #[serde(with = "kernel::decimal")]
    pub threshold: Decimal,
}

/// Progress of an asset towards its one-time commission.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Sum of payments, without those on behalf.
    #[serde(with = "kernel::decimal")]
    pub paid: Decimal,
    /// True once triggered; never reset.
    pub triggered: bool,
}

impl CommissionTrigger {
    /// Progress after a payment, and true if that payment triggers the commission (R8.8).
    ///
    /// A payment on behalf neither triggers nor counts.
    ///
    /// # Rejects
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

/// Recharge required before anything else can be bought.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ForcedRecharge {
    pub enabled: bool,
    /// Smallest recharge, in agency currency.
    #[serde(with = "kernel::decimal")]
    pub amount: Decimal,
}

/// A package that assets can buy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Package {
    pub id: PackageId,
    /// Number of changes, from 1; its `ETag`.
    pub version: u64,
    pub name: String,
    /// The operator's own code.
    pub code: String,
    /// Default retail price; a shop may set another.
    #[serde(with = "kernel::decimal")]
    pub price: Decimal,
    /// Lowest cost price for level 1.
    #[serde(with = "kernel::decimal")]
    pub cost_price: Decimal,
}

/// Offer of a series to level 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesTerms {
    pub commission: CommissionTerms,
    /// Packages in the order of creation.
    pub packages: Vec<Package>,
}

impl SeriesTerms {
    /// Bounds for grants at level 1 (R8.4).
    pub fn offer(&self) -> GrantOffer {
        let costs: BTreeMap<_, _> = self.packages.iter().map(|package| (package.id, package.cost_price)).collect();
        GrantOffer { own: self.commission.own(), costs }
    }

    /// A package of the series by its id.
    pub fn package(&self, id: PackageId) -> Option<&Package> {
        self.packages.iter().find(|package| package.id == id)
    }

    /// The terms with a package added, or replaced if its id exists.
    ///
    /// # Rejects
    /// 422 above 200 packages, and for a code that another package has.
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

/// Packages with a common one-time commission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    pub id: SeriesId,
    /// Number of changes, from 1; its `ETag`.
    pub version: u64,
    pub name: String,
    /// The operator's own code.
    pub code: String,
    /// Trigger of the one-time commission.
    pub trigger: CommissionTrigger,
    /// The platform's forced recharge.
    pub forced: ForcedRecharge,
    /// Commission and packages.
    pub terms: SeriesTerms,
    /// Terms that apply once all grants below are moved; until then they bound new grants too (R8.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Box<SeriesTerms>>,
    /// Number of grants at level 1.
    pub grants: u32,
    pub created_at: Timestamp,
}

/// Uniqueness claim of a series' code over the deployment (G19).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesCode {
    /// Code in the form that is compared.
    pub code: String,
    pub series: SeriesId,
}

impl SeriesCode {
    /// Builds the claim of a series.
    pub fn of(series: &Series) -> Self {
        Self { code: typed::folded(&series.code), series: series.id }
    }
}

impl Series {
    /// Bound for new and raised grants at level 1: the stricter of current and closing terms.
    pub fn offer(&self) -> GrantOffer {
        let offer = self.terms.offer();
        self.closing.as_ref().map_or_else(|| offer.clone(), |closing| offer.stricter(&closing.offer()))
    }

    /// Requested terms: the closing ones, or the current ones.
    pub fn wanted(&self) -> &SeriesTerms {
        self.closing.as_deref().unwrap_or(&self.terms)
    }

    /// Checks that the commission may change to `commission`.
    ///
    /// # Rejects
    /// `series_in_use` if the series has grants and more than amounts would change (R8.2).
    pub fn must_allow(&self, commission: &CommissionTerms) -> Result<(), Refusal> {
        if self.grants > 0 && !self.terms.commission.same_shape(commission) {
            return Err(Refusal::SeriesInUse);
        }
        Ok(())
    }

    /// The series with one grant at level 1 more or less.
    ///
    /// # Rejects
    /// `None` if there is none to remove.
    pub fn with_grant(&self, more: bool) -> Option<Self> {
        let grants = if more { self.grants.checked_add(1) } else { self.grants.checked_sub(1) }?;
        Some(Self { grants, ..self.clone() })
    }
}
