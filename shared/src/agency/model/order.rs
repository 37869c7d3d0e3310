//! An agency order: a sale, the snapshot that settles it, and its payouts to the levels (R8.8–R8.12).
//!
//! It is created once, with everything that later edits must not affect (R8.11). [`settle`] brings wallets, asset and
//! statistics to the order's net: the first time it fixes the earnings of the sale, later only their remaining part. The posted
//! net is stored on the order, so each run posts the difference and a repeated message changes nothing.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::agency::model::asset::Asset;
use crate::agency::model::commission_split::{CommissionChain, Level, Sales, SalesTally, differences, divide};
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
    /// Kind of an agency order.
    pub enum OrderKind {
        /// Packages.
        Purchase = "purchase",
        /// Balance of the asset.
        Recharge = "recharge",
    }
}

text_enum! {
    /// Payment method of an agency order (R8.12).
    pub enum PaidBy {
        /// The selling shop's main account.
        Wallet = "wallet",
        /// A payment order.
        Online = "online",
        /// Paid outside the platform, on behalf; recorded by an admin.
        Offline = "offline",
        /// The asset's own balance.
        Asset = "asset",
    }
}

impl PaidBy {
    /// True if the order counts as a sale in statistics: every payment that is not on behalf (R8.8).
    pub fn counts(self) -> bool {
        self != Self::Offline
    }

    /// True if the payment counts towards and may trigger the one-time commission (R8.8, R8.12).
    ///
    /// Only incoming money does.
    pub fn triggers(self) -> bool {
        matches!(self, Self::Wallet | Self::Online)
    }
}

/// A sold package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sold {
    pub id: PackageId,
    /// Retail price at the sale.
    #[serde(with = "kernel::decimal")]
    pub retail_price: Decimal,
}

/// Snapshot of one level of a sale.
///
/// Stored as a short text, since an order with ten levels has to stay small: its cost, its commission, and its commission at
/// each tier: `20; 60; 100:80 150:120`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SaleLevel {
    /// The level's own commission amounts.
    pub own: Own,
    /// The level's total cost of the sold packages.
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

/// Earnings of one level from an order.
///
/// Also stored as a short text: `30 0`, `30 4.5 at 150`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct LevelShare {
    /// Threshold of the tier that applied.
    pub tier: Option<Decimal>,
    /// Part of the one-time commission (R8.9).
    pub one_time: Decimal,
    /// Price difference (R8.10).
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

/// Result of settling a paid order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SaleOutcome {
    /// Net of the payment at the last settlement; everything posted follows from it.
    #[serde(with = "kernel::decimal")]
    pub net: Decimal,
    /// True if it triggered the asset's one-time commission.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub triggered: bool,
    /// One-time commission paid by the series.
    #[serde(with = "kernel::decimal")]
    pub pool: Decimal,
    /// Part of the pool that stays with the platform.
    #[serde(with = "kernel::decimal")]
    pub platform: Decimal,
    /// Full earnings of each level before take-backs, from the selling shop up.
    pub shares: Vec<LevelShare>,
    /// Last journal of the sale; levels and asset each have an entry in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<JournalRef>,
    /// Time of the first settlement.
    pub at: Timestamp,
}

/// A sale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgencyOrder {
    pub id: AgencyOrderId,
    pub kind: OrderKind,
    pub paid_by: PaidBy,
    pub asset: AssetId,
    pub series: SeriesId,
    /// The selling shop: the asset's shop at creation.
    pub seller: ShopPath,
    /// The user who created it.
    pub by: UserId,
    /// Price, in agency currency.
    pub amount: LedgerMoney,
    /// The sold packages; empty for a recharge.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<Sold>,
    /// Snapshot of every level, from the selling shop up.
    pub levels: Vec<SaleLevel>,
    /// One-time commission of the series at creation.
    pub commission: CommissionTerms,
    /// Trigger of that commission at creation.
    pub trigger: CommissionTrigger,
    /// The payment order of an online payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<OrderId>,
    /// Payment time; `None` while an online payment is awaited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Timestamp>,
    /// Result of the settlement; `None` until settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<SaleOutcome>,
    pub created_at: Timestamp,
}

/// State of a settlement: input as read, and after it the state to write.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    pub order: AgencyOrder,
    pub asset: Asset,
    /// Sales of each level, from the selling shop up.
    pub sales: Vec<Sales>,
    /// Wallets of the levels, in the same order.
    pub wallets: Vec<Wallet>,
    /// Journal entries of this settlement.
    pub postings: Vec<JournalEntry>,
}

/// Current state of the payment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paid {
    /// Payment time.
    pub at: Timestamp,
    /// Net of the payment, in agency currency.
    pub net: Decimal,
}

impl AgencyOrder {
    /// The shops of its levels, from the selling shop up.
    pub fn shops(&self) -> impl Iterator<Item = ShopId> + '_ {
        self.seller.upward().filter_map(|path| path.shop())
    }

    /// Message group: the sales of one tree are settled one after another (R8.8).
    pub fn tree(&self) -> ShopId {
        self.seller.level_one().unwrap_or_else(|| ShopId::new(self.id.ulid()))
    }

    /// Part of a total for a payment of which `net` remains, rounded down (R4.11).
    ///
    /// # Rejects
    /// Overflow.
    pub fn part(&self, whole: Decimal, net: Decimal) -> Result<Decimal, MoneyError> {
        let amount = self.amount.amount();
        if net >= amount || amount.is_zero() {
            return Ok(whole);
        }
        let part = whole.checked_mul(net).and_then(|part| part.checked_div(amount)).ok_or(MoneyError::Overflow)?;
        Ok(part.round_dp_with_strategy(LEDGER_DIGITS, rust_decimal::RoundingStrategy::ToZero))
    }

    /// Payment less refunds, in agency currency; nothing until it is paid.
    pub fn net(&self) -> Decimal {
        match (&self.outcome, self.paid_at) {
            (Some(outcome), _) => outcome.net,
            (None, Some(_)) => self.amount.amount(),
            (None, None) => Decimal::ZERO,
        }
    }

    /// Earnings of one of its levels at the outcome's net; nothing for a shop that is none of them.
    ///
    /// # Rejects
    /// Overflow.
    pub fn earned_by(&self, shop: &ShopPath) -> Result<Decimal, MoneyError> {
        let Some(outcome) = &self.outcome else { return Ok(Decimal::ZERO) };
        let own = self.seller.upward().zip(&outcome.shares).find(|(path, _)| path == shop);
        let Some((_, share)) = own else { return Ok(Decimal::ZERO) };
        let (one_time, difference) =
            (self.part(share.one_time, outcome.net)?, self.part(share.difference, outcome.net)?);
        one_time.checked_add(difference).ok_or(MoneyError::Overflow)
    }

    /// Part of the pool that stays with the platform at the outcome's net: what all levels leave of it (G8).
    ///
    /// # Rejects
    /// Overflow.
    pub fn platform_part(&self, outcome: &SaleOutcome) -> Result<Decimal, MoneyError> {
        let mut rest = self.part(outcome.pool, outcome.net)?;
        for share in &outcome.shares {
            rest = rest.checked_sub(self.part(share.one_time, outcome.net)?).ok_or(MoneyError::Overflow)?;
        }
        Ok(rest)
    }

    /// Sum that the order has moved on its asset: what a recharge adds at the outcome's net, less what it was paid with (R8.12).
    ///
    /// # Rejects
    /// Overflow.
    pub fn asset_part(&self, outcome: &SaleOutcome) -> Result<Decimal, MoneyError> {
        let added = if self.kind == OrderKind::Recharge { outcome.net } else { Decimal::ZERO };
        let taken = if self.paid_by == PaidBy::Asset { self.amount.amount() } else { Decimal::ZERO };
        added.checked_sub(taken).ok_or(MoneyError::Overflow)
    }

    /// Contribution to the statistics of its series at `net`.
    pub fn tally(&self, net: Decimal) -> SalesTally {
        let counts = self.paid_by.counts() && net > Decimal::ZERO;
        if counts { SalesTally { count: 1, amount: net } } else { SalesTally::default() }
    }
}

impl SalesTally {
    /// The tally with `before` subtracted and `after` added.
    ///
    /// # Rejects
    /// `None` below zero and on overflow.
    pub fn moved(self, before: Self, after: Self) -> Option<Self> {
        let count = self.count.checked_add(after.count)?.checked_sub(before.count)?;
        let amount = self.amount.checked_add(after.amount)?.checked_sub(before.amount)?;
        Some(Self { count, amount })
    }
}

/// Cause of the journals of a sale.
pub fn cause(order: AgencyOrderId) -> String {
    format!("agency:{order}")
}

/// Brings everything to the payment's net, in one journal.
///
/// `header` is that of a first journal; it follows the last one if there is one.
///
/// # Rejects
/// Amounts that do not add up; the caller writes nothing then.
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

/// Change of a payment's net.
struct Moving {
    before: Decimal,
    net: Decimal,
    /// True if the sale was posted before.
    again: bool,
    header: Header,
}

impl Scene {
    /// Fixes the earnings of the sale, at its first settlement.
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
            false => CommissionChain { pool: Decimal::ZERO, shares: Vec::new(), platform: Decimal::ZERO },
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

    /// Posts to every level the difference between paid and due commission.
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

    /// Credits a recharge to the asset, or takes back the refunded part.
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
