//! An agency order: a sale, with the snapshot it is settled by, and what it paid the chain (R8.8–R8.12).
//!
//! It is made once, with everything that later edits must not reach (R8.11). [`settle`] brings shops, asset and statistics to where
//! its net demands: the first time it decides what the sale earns, later only how much of that is left. What was posted stands on the
//! order, so the difference is posted, and a message that comes twice finds nothing to do.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::agency::model::asset::Asset;
use crate::agency::model::commission_split::{Chain, Level, Sales, SalesTally, differences, divide};
use crate::agency::model::grant::{Own, OwnTier};
use crate::agency::model::series::{CommissionTerms, CommissionTrigger, Progress};
use crate::agency::model::shop::ShopPath;
use crate::agency::model::wallet::Wallet;
use kernel::id::{AgencyOrderId, AssetId, OrderId, PackageId, SeriesId, ShopId, UserId};
use kernel::ledger::{
    AccountOwner, Header, JournalEntry, JournalRef, LedgerError, NewLine, PlatformAccount, PlatformLine, RecordType,
};
use kernel::money::{LEDGER_DIGITS, LedgerMoney, MoneyError};
use kernel::text_enum;

text_enum! {
    /// What is bought.
    pub enum OrderKind {
        /// Packages.
        Purchase = "purchase",
        /// Balance of the asset.
        Recharge = "recharge",
    }
}

text_enum! {
    /// What it is paid by (R8.12).
    pub enum PaidBy {
        /// The selling shop's main account.
        Wallet = "wallet",
        /// A payment order.
        Online = "online",
        /// Outside, on behalf: an admin says so.
        Offline = "offline",
        /// The asset's own balance.
        Asset = "asset",
    }
}

impl PaidBy {
    /// Whether it is a sale for statistics: every payment that is not on behalf (R8.8).
    pub fn counts(self) -> bool {
        self != Self::Offline
    }

    /// Whether it can trigger the one-time commission and counts towards it: money that comes in (R8.8, R8.12).
    pub fn triggers(self) -> bool {
        matches!(self, Self::Wallet | Self::Online)
    }
}

/// A package that was sold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sold {
    /// Which.
    pub id: PackageId,
    /// For how much.
    #[serde(with = "kernel::decimal")]
    pub retail_price: Decimal,
}

/// One level of a sale, as it was when the order was made. Stored as a short text, as an order with ten of them has to stay small:
/// its cost, its commission, and that at each tier: `20; 60; 100:80 150:120`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SaleLevel {
    /// Its own commission amounts.
    pub own: Own,
    /// What it pays for what is sold.
    pub cost: Decimal,
}

impl From<SaleLevel> for String {
    fn from(of: SaleLevel) -> Self {
        let tiers: Vec<_> = of.own.tiers.iter().map(|tier| format!("{}:{}", tier.threshold, tier.amount)).collect();
        let tiers = if tiers.is_empty() { Self::new() } else { format!("; {}", tiers.join(" ")) };
        format!("{}; {}{tiers}", of.cost, of.own.amount)
    }
}

impl TryFrom<String> for SaleLevel {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let decimal = |text: &str| Decimal::from_str_exact(text).ok();
        let tier = |text: &str| {
            let (threshold, amount) = text.split_once(':')?;
            Some(OwnTier { threshold: decimal(threshold)?, amount: decimal(amount)? })
        };
        let read = || {
            let mut parts = text.split("; ");
            let (cost, amount) = (decimal(parts.next()?)?, decimal(parts.next()?)?);
            let tiers = parts.next().map(|tiers| tiers.split(' ').map(tier).collect::<Option<Vec<_>>>());
            let tiers = tiers.map_or(Some(Vec::new()), |tiers| tiers)?;
            parts.next().is_none().then_some(Self { cost, own: Own { amount, tiers } })
        };
        read().ok_or("not a level of a sale")
    }
}

/// What one level earns of an order. Stored as a short text, too: `30 0`, `30 4.5 at 150`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct LevelShare {
    /// The threshold of the tier that counted.
    pub tier: Option<Decimal>,
    /// Of the one-time commission (R8.9).
    pub one_time: Decimal,
    /// Of the prices (R8.10).
    pub difference: Decimal,
}

impl From<LevelShare> for String {
    fn from(of: LevelShare) -> Self {
        let tier = of.tier.map(|tier| format!(" at {tier}")).unwrap_or_default();
        format!("{} {}{tier}", of.one_time, of.difference)
    }
}

impl TryFrom<String> for LevelShare {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let decimal = |text: &str| Decimal::from_str_exact(text).ok();
        let (amounts, tier) = match text.split_once(" at ") {
            Some((amounts, tier)) => (amounts, Some(decimal(tier).ok_or("not a tier")?)),
            None => (text.as_str(), None),
        };
        let read = |(one_time, difference)| Some((decimal(one_time)?, decimal(difference)?));
        let (one_time, difference) = amounts.split_once(' ').and_then(read).ok_or("not a share of a sale")?;
        Ok(Self { tier, one_time, difference })
    }
}

/// What became of an order once it was paid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SaleOutcome {
    /// What is left of the payment; everything posted follows from it.
    #[serde(with = "kernel::decimal")]
    pub net: Decimal,
    /// Whether it triggered the asset's one-time commission.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub triggered: bool,
    /// What the series paid.
    #[serde(with = "kernel::decimal")]
    pub pool: Decimal,
    /// What the platform kept of it.
    #[serde(with = "kernel::decimal")]
    pub platform: Decimal,
    /// What each level earns while nothing is taken back, from the selling shop up.
    pub shares: Vec<LevelShare>,
    /// The last journal of the sale: levels and asset each have a share of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<JournalRef>,
    /// When it was settled first.
    pub at: Timestamp,
}

/// A sale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgencyOrder {
    /// Which.
    pub id: AgencyOrderId,
    /// What is bought.
    pub kind: OrderKind,
    /// What it is paid by.
    pub paid_by: PaidBy,
    /// For which asset.
    pub asset: AssetId,
    /// Of which series.
    pub series: SeriesId,
    /// The selling shop: the asset's when the order was made.
    pub seller: ShopPath,
    /// Who made it.
    pub by: UserId,
    /// What it costs, in agency currency.
    pub amount: LedgerMoney,
    /// The packages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<Sold>,
    /// Every level, from the selling shop up.
    pub levels: Vec<SaleLevel>,
    /// The one-time commission.
    pub commission: CommissionTerms,
    /// When that is due.
    pub trigger: CommissionTrigger,
    /// The payment order, when it is paid online.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<OrderId>,
    /// When it was paid: none while an online payment is awaited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Timestamp>,
    /// What became of it; none while its commission is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<SaleOutcome>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Everything a settlement reads, as it was, and after it as it is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// The order.
    pub order: AgencyOrder,
    /// Its asset.
    pub asset: Asset,
    /// The sales of each level, from the selling shop up.
    pub sales: Vec<Sales>,
    /// Their wallets.
    pub wallets: Vec<Wallet>,
    /// What was posted.
    pub postings: Vec<JournalEntry>,
}

/// The payment as it stands now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paid {
    /// When.
    pub at: Timestamp,
    /// What is left of it.
    pub net: Decimal,
}

impl AgencyOrder {
    /// The shops of its levels, from the selling shop up.
    pub fn shops(&self) -> impl Iterator<Item = ShopId> + '_ {
        self.seller.upward().filter_map(|path| path.shop())
    }

    /// The queue group: sales of one tree are settled one after another (R8.8).
    pub fn tree(&self) -> ShopId {
        self.seller.level_one().unwrap_or_else(|| ShopId::new(self.id.ulid()))
    }

    /// What a total comes to when `net` of the payment is left: its part, rounded down (R4.11).
    ///
    /// # Refuses
    /// Overflow.
    pub fn part(&self, whole: Decimal, net: Decimal) -> Result<Decimal, MoneyError> {
        let amount = self.amount.amount();
        if net >= amount || amount.is_zero() {
            return Ok(whole);
        }
        let part = whole.checked_mul(net).and_then(|part| part.checked_div(amount)).ok_or(MoneyError::Overflow)?;
        Ok(part.round_dp_with_strategy(LEDGER_DIGITS, rust_decimal::RoundingStrategy::ToZero))
    }

    /// What it adds to the statistics of its series with `net` left.
    pub fn tally(&self, net: Decimal) -> SalesTally {
        let counts = self.paid_by.counts() && net > Decimal::ZERO;
        if counts { SalesTally { count: 1, amount: net } } else { SalesTally::default() }
    }
}

impl SalesTally {
    /// It with `before` taken out and `after` put in.
    ///
    /// # Refuses
    /// `None` below zero and on overflow.
    pub fn moved(self, before: Self, after: Self) -> Option<Self> {
        let count = self.count.checked_add(after.count)?.checked_sub(before.count)?;
        let amount = self.amount.checked_add(after.amount)?.checked_sub(before.amount)?;
        Some(Self { count, amount })
    }
}

/// The cause of the journals of a sale.
pub fn cause(order: AgencyOrderId) -> String {
    format!("agency:{order}")
}

/// Brings everything to where the payment demands, in one journal; `header` is that of the first one of the sale.
///
/// # Refuses
/// What does not add up; nothing is to be written then.
pub fn settle(scene: Scene, paid: Paid, header: Header) -> Result<Scene, LedgerError> {
    let mut scene = scene;
    let before = scene.order.outcome.as_ref().map_or(Decimal::ZERO, |outcome| outcome.net);
    let (old, new) = (scene.order.tally(before), scene.order.tally(paid.net));
    for (index, sales) in scene.sales.iter_mut().enumerate() {
        let moved = |tally: SalesTally| tally.moved(old, new).ok_or(MoneyError::Overflow);
        sales.self_and_sub = moved(sales.self_and_sub)?;
        if index == 0 {
            sales.own = moved(sales.own)?;
        }
    }
    let last = scene.order.outcome.as_ref().and_then(|outcome| outcome.last);
    if scene.order.outcome.is_none() {
        scene.first(paid)?;
    }
    let header = match last {
        Some(last) => header.correcting(last),
        None => header,
    };
    let moving = Moving { before, net: paid.net, again: last.is_some(), header };
    scene.pay(&moving)?;
    scene.credit(&moving)?;
    if let Some(outcome) = scene.order.outcome.as_mut() {
        outcome.net = paid.net;
        outcome.last = if scene.postings.is_empty() { last } else { Some(moving.header.as_last()) };
    }
    Ok(scene)
}

/// A move of what is left of a payment.
struct Moving {
    before: Decimal,
    net: Decimal,
    /// Whether the sale was posted before.
    again: bool,
    header: Header,
}

impl Scene {
    /// Decides what the sale earns, once.
    fn first(&mut self, paid: Paid) -> Result<(), LedgerError> {
        let order = &self.order;
        let (amount, on_behalf) = (order.amount.amount(), !order.paid_by.triggers());
        let progress = Progress { paid: self.asset.progress.paid, triggered: self.asset.triggered_by.is_some() };
        let after = order.trigger.after(progress, amount, on_behalf).ok_or(MoneyError::Overflow)?;
        let (progress, triggered) = after;
        let levels = order.levels.iter().zip(&self.sales);
        let levels: Vec<Level> = levels.map(|(level, sales)| Level { own: level.own.clone(), sales: *sales }).collect();
        let chain = match triggered {
            true => divide(&order.commission, &levels)?,
            false => Chain { pool: Decimal::ZERO, shares: Vec::new(), platform: Decimal::ZERO },
        };
        let costs: Vec<Decimal> = order.levels.iter().map(|level| level.cost).collect();
        let differences = match order.kind {
            OrderKind::Purchase => differences(amount, &costs)?,
            OrderKind::Recharge => Vec::new(),
        };
        let share = |index: usize| {
            let share = chain.shares.get(index);
            LevelShare {
                tier: share.and_then(|share| share.tier),
                one_time: share.map_or(Decimal::ZERO, |share| share.earned),
                difference: differences.get(index).copied().unwrap_or_default(),
            }
        };
        let shares = (0..order.levels.len()).map(share).collect();
        self.asset.progress = progress;
        if triggered {
            self.asset.triggered_by = Some(order.id);
        }
        self.order.paid_at = Some(paid.at);
        let (pool, platform, at) = (chain.pool, chain.platform, paid.at);
        self.order.outcome =
            Some(SaleOutcome { net: Decimal::ZERO, triggered, pool, platform, shares, last: None, at });
        Ok(())
    }

    /// Pays every level the difference between what it has and what is due to it.
    fn pay(&mut self, by: &Moving) -> Result<(), LedgerError> {
        let order = &self.order;
        let Some(outcome) = order.outcome.as_ref() else { return Ok(()) };
        let kind = if by.again { RecordType::Refund } else { RecordType::Commission };
        for (share, wallet) in outcome.shares.iter().zip(&mut self.wallets) {
            let mut movements = Vec::new();
            for whole in [share.one_time, share.difference] {
                let moved = order.part(whole, by.net)?.checked_sub(order.part(whole, by.before)?);
                let moved = LedgerMoney::exact(moved.ok_or(MoneyError::Overflow)?, order.amount.currency())?;
                if !moved.is_zero() {
                    movements.push(NewLine::new(kind, moved, order.id.to_string()));
                }
            }
            if !movements.is_empty() {
                let (after, posting) = wallet.earn(by.header.clone(), &movements)?;
                *wallet = after;
                self.postings.push(posting);
            }
        }
        Ok(())
    }

    /// Credits a recharge to the asset, or takes back what went back.
    fn credit(&mut self, by: &Moving) -> Result<(), LedgerError> {
        let order = &self.order;
        let moved = by.net.checked_sub(by.before).ok_or(MoneyError::Overflow)?;
        let moved = LedgerMoney::exact(moved, order.amount.currency())?;
        if order.kind != OrderKind::Recharge || moved.is_zero() {
            return Ok(());
        }
        let kind = if by.again { RecordType::Refund } else { RecordType::Payment };
        let house = match order.paid_by {
            PaidBy::Offline => PlatformAccount::Adjustment,
            _ => PlatformAccount::Sales,
        };
        let house = vec![PlatformLine::new(house, moved.negated())];
        let (holder, movement) = (AccountOwner::Asset(self.asset.id), NewLine::new(kind, moved, order.id.to_string()));
        let (accounts, posting) = self.asset.accounts.post(holder, by.header.clone(), &[movement], house)?;
        self.asset.accounts = accounts;
        self.postings.push(posting);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn levels_and_shares_have_one_written_form() {
        for text in ["0; 80", "20.5; 0; 100:80 150:120"] {
            assert_eq!(String::from(SaleLevel::try_from(text.to_owned()).unwrap()), text);
        }
        for text in ["30 0", "0 4.5", "50 0 at 150"] {
            assert_eq!(String::from(LevelShare::try_from(text.to_owned()).unwrap()), text);
        }
        for bad in ["", "1", "1;2", "1; 2; ", "1; 2; 3", "1; 2; 3:4; 5", "a; 1"] {
            assert!(SaleLevel::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        for bad in ["", "1", "1 2 3", "1 2 at", "1 2 at x", "1e2 0"] {
            assert!(LevelShare::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
