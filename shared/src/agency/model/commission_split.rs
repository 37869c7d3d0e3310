//! What every level earns of a sale (R8.9, R8.10): the one-time commission, and the differences of cost prices. Pure arithmetic
//! over what an order's snapshot holds.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::agency::model::grant::Own;
use crate::agency::model::series::{CommissionKind, CommissionTerms, Dimension, SalesScope};
use kernel::id::{SeriesId, ShopId};
use kernel::money::{MoneyError, exact_difference};

/// So many sales, and what they came to.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SalesTally {
    /// How many.
    pub count: u64,
    /// Their sum, net of refunds.
    #[serde(with = "kernel::decimal")]
    pub amount: Decimal,
}

/// The sales of a shop and series, ever: paid, not on behalf, net of refunds (R8.8).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Sales {
    /// Sold by the shop itself.
    pub own: SalesTally,
    /// Sold by it or by a shop below it.
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

/// What a shop sold of a series: an item that the settlement of a sale writes (R8.8).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ShopSales {
    /// Whose.
    pub shop: ShopId,
    /// Of which series.
    pub series: SeriesId,
    /// How much.
    #[serde(flatten)]
    pub sales: Sales,
}

/// One level of a sale: what its grant says and what its statistics are, the sale included.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Its own amounts.
    pub own: Own,
    /// Its sales.
    pub sales: Sales,
}

/// What one level has of a one-time commission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The threshold of the tier that counted.
    pub tier: Option<Decimal>,
    /// Its own amount at that tier.
    pub own: Decimal,
    /// What it earns: its own less the highest of the levels below.
    pub earned: Decimal,
}

/// How a one-time commission is divided; what the shares and the platform have is the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// What the series pays.
    pub pool: Decimal,
    /// What each level has, from the selling shop up.
    pub shares: Vec<Share>,
    /// What is left to the platform.
    pub platform: Decimal,
}

/// Divides the one-time commission of a sale over its levels, given from the selling shop up (R8.9).
///
/// # Refuses
/// Overflow; levels above the pool, which the ceilings exclude.
pub fn divide(commission: &CommissionTerms, levels: &[Level]) -> Result<Chain, MoneyError> {
    let tiered = commission.kind == CommissionKind::Tiered && !commission.tiers.is_empty();
    let mut chain = Chain { pool: Decimal::ZERO, shares: Vec::new(), platform: Decimal::ZERO };
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

/// What each level earns of the price of a sale, from the selling shop up, given their cost prices in that order: the seller its
/// retail price less its cost, each other its child's cost less its own (R8.10). The rest is level 1's cost: the platform's.
///
/// # Refuses
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
