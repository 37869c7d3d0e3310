//! Earnings of every level from a sale (R8.9, R8.10): one-time commission and cost price differences.
//!
//! Pure arithmetic over an order's snapshot.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::agency::model::grant::Own;
use crate::agency::model::series::{CommissionKind, CommissionTerms, Dimension, SalesScope};
use kernel::id::{SeriesId, ShopId};
use kernel::money::{MoneyError, exact_difference};

/// Number and sum of sales.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SalesTally {
    pub count: u64,
    /// Sum of sales, net of refunds, in agency currency.
    #[serde(with = "kernel::decimal")]
    pub amount: Decimal,
}

/// All-time sales of a shop in a series: paid, not on behalf, net of refunds (R8.8).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Sales {
    /// Sales by the shop itself.
    pub own: SalesTally,
    /// Sales by the shop and all shops below it.
    pub self_and_sub: SalesTally,
}

impl Sales {
    /// The statistic of a dimension and a scope.
    pub fn of(&self, dimension: Dimension, scope: SalesScope) -> Decimal {
        let tally = match scope {
            SalesScope::Own => self.own,
            SalesScope::SelfAndSub => self.self_and_sub,
        };
        match dimension {
            Dimension::SalesCount => Decimal::from(tally.count),
            Dimension::SalesAmount => tally.amount,
        }
    }
}

/// Stored sales of a shop in a series, written by the settlement of a sale (R8.8).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ShopSales {
    pub shop: ShopId,
    pub series: SeriesId,
    #[serde(flatten)]
    pub sales: Sales,
}

/// One level of a sale: its grant's amounts, and its statistics with the sale included.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// The level's own amounts.
    pub own: Own,
    pub sales: Sales,
}

/// One level's share of a one-time commission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Threshold of the tier that applied.
    pub tier: Option<Decimal>,
    /// The level's own amount at that tier.
    pub own: Decimal,
    /// Earnings: its own amount less the highest of the levels below.
    pub earned: Decimal,
}

/// Division of a one-time commission; shares and platform part sum to the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommissionChain {
    /// Amount paid by the series.
    pub pool: Decimal,
    /// Share of each level, from the selling shop up.
    pub shares: Vec<Share>,
    /// Rest that stays with the platform.
    pub platform: Decimal,
}

/// Divides the one-time commission of a sale over its levels, given from the selling shop up (R8.9).
///
/// # Rejects
/// Overflow; a level above the pool, which the ceilings exclude.
pub fn divide(commission: &CommissionTerms, levels: &[Level]) -> Result<CommissionChain, MoneyError> {
    let tiered = commission.kind == CommissionKind::Tiered && !commission.tiers.is_empty();
    let mut chain = CommissionChain { pool: Decimal::ZERO, shares: Vec::new(), platform: Decimal::ZERO };
    if !tiered && commission.kind != CommissionKind::None {
        chain.pool = commission.amount;
    }
    let mut highest = Decimal::ZERO;
    for level in levels {
        let tier = if tiered { commission.tier_for(&level.sales) } else { None };
        let own = match (tiered, tier) {
            (true, Some(tier)) => level.own.at(tier.threshold).unwrap_or_default(),
            (true, None) => Decimal::ZERO,
            (false, _) if commission.kind == CommissionKind::None => Decimal::ZERO,
            (false, _) => level.own.amount,
        };
        chain.pool = chain.pool.max(tier.map_or(Decimal::ZERO, |tier| tier.amount));
        let earned = exact_difference(own, highest)?.max(Decimal::ZERO);
        highest = highest.max(own);
        chain.shares.push(Share { tier: tier.map(|tier| tier.threshold), own, earned });
    }
    chain.platform = exact_difference(chain.pool, highest)?;
    if chain.platform.is_sign_negative() && !chain.platform.is_zero() {
        return Err(MoneyError::Overflow);
    }
    Ok(chain)
}

/// Price difference each level earns from a sale (R8.10).
///
/// `costs` are the cost prices from the selling shop up. The seller earns its retail price less its cost, each other level its
/// child's cost less its own. The rest, level 1's cost, belongs to the platform.
///
/// # Rejects
/// Overflow; a price or cost below the cost of the level above, which the ceilings exclude.
pub fn differences(retail: Decimal, costs: &[Decimal]) -> Result<Vec<Decimal>, MoneyError> {
    let mut paid = retail;
    let mut earned = Vec::with_capacity(costs.len());
    for cost in costs {
        let difference = exact_difference(paid, *cost)?;
        if paid < *cost {
            return Err(MoneyError::Overflow);
        }
        earned.push(difference);
        paid = *cost;
    }
    Ok(earned)
}
