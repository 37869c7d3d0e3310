//! Totals of the platform as routes and pages show them (R9.2, R3.10), read from the statistics, which are updated within moments.

use std::collections::BTreeMap;

use edge::view::Amount;
use kernel::fault::Error;
use kernel::money::{Currency, LedgerMoney, MoneyError, PayMoney};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::affiliate::model::withdrawal::WithdrawalState;
use crate::agency::model::settings::AgencySettings;
use crate::app::App;
use crate::operations::model::metrics::Tallies;
use crate::operations::order_summary::OrderSums;
use crate::operations::search::pending_orders;
use crate::operations::statistics;
use crate::payment::model::order::OrderStatus;
use crate::payment::model::settings::PaymentSettings;

/// Totals of the platform.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlatformTotals)]
pub struct Totals {
    /// Number of accounts.
    pub users: u64,
    /// Totals of the referral programme.
    pub referrals: ReferralTotals,
    /// Totals of top-up orders.
    pub orders: OrderTotals,
    /// Totals of the new-user promotion.
    pub promotions: PromotionTotals,
    /// Totals of the affiliate programme.
    pub commissions: CommissionTotals,
    /// Withdrawals of users' commission, by state.
    pub withdrawals: BTreeMap<String, WithdrawalTotals>,
    /// Totals of redemption codes.
    pub redemptions: RedemptionTotals,
    /// Totals of the agency.
    pub agency: AgencyTotals,
    /// Liabilities of the platform, and its receivables from users.
    pub liabilities: Liabilities,
}

/// Totals of the agency's sales, in agency currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgencyTotals {
    /// Number of paid and settled sales.
    pub sales: u64,
    /// Sum of their prices.
    pub amount: Amount,
    /// Refunds of these sales.
    pub returned: Amount,
    /// Commissions of all levels on these sales.
    pub commission: Amount,
    /// The platform's share of their one-time commissions.
    pub platform: Amount,
    /// Cash withdrawals of shops, by state; in agency currency.
    pub withdrawals: BTreeMap<String, ShopWithdrawalTotals>,
}

/// Cash withdrawals of shops in one state.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShopWithdrawalTotals {
    /// Number of withdrawals.
    pub count: u64,
    /// Sum of their amounts, in agency currency.
    pub amount: Amount,
}

/// Balances of all shops, in agency currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgencyLiabilities {
    /// Balances to spend on orders.
    pub main: Amount,
    /// Earned commission not yet moved to the main balances or paid out.
    pub commission: Amount,
    /// Commission held for open cash withdrawals.
    pub held: Amount,
    /// Receivables: reversed commission still to be recovered.
    pub debt: Amount,
    /// Balances of assets from recharges, less their debts.
    pub assets: Amount,
}

/// Totals of the affiliate programme.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommissionTotals {
    /// Number of commissions.
    pub count: u64,
    /// Sum of the commissions, in ledger currency.
    pub earned: Amount,
    /// Reversed part of them, in ledger currency.
    pub reversed: Amount,
}

/// Withdrawals in one state.
#[derive(Debug, Serialize, ToSchema)]
pub struct WithdrawalTotals {
    /// Number of withdrawals.
    pub count: u64,
    /// Sum of their amounts, in ledger currency.
    pub amount: Amount,
}

/// Commission of affiliates that is not withdrawn, in ledger currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommissionLiabilities {
    /// Commission on hold, including ended holds whose release is not yet journaled.
    pub pending: Amount,
    /// Commission available for withdrawal.
    pub available: Amount,
    /// Commission reserved for requested cash withdrawals.
    pub held: Amount,
    /// Receivables: reversed commission still to be recovered.
    pub debt: Amount,
}

/// Totals of redemption codes.
#[derive(Debug, Serialize, ToSchema)]
pub struct RedemptionTotals {
    /// Number of codes in batches that are ready.
    pub codes_issued: u64,
    /// Number of redemptions for plan time.
    pub plan: u64,
    /// Number of redemptions for balance.
    pub balance: u64,
    /// Sum credited by redemptions for balance, in ledger currency.
    pub credit: Amount,
    /// Number of reversed redemptions; not included in the other totals.
    pub undone: u64,
}

/// Totals of the referral programme.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReferralTotals {
    /// Number of invitees.
    pub relations: u64,
    /// Number of invitees that reached the threshold.
    pub qualified: u64,
    /// Sum of rewards credited to inviters, in ledger currency.
    pub granted_to_inviters: Amount,
    /// Sum of rewards credited to invitees, in ledger currency.
    pub granted_to_invitees: Amount,
    /// Sum of rewards not yet credited: pending, held or failed; in ledger currency.
    pub pending: Amount,
}

/// Totals of top-up orders.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderTotals {
    /// Number of orders in each state.
    pub by_status: BTreeMap<String, u64>,
    /// Sum charged, in the current pay currency.
    pub charge: Amount,
    /// Sums charged in former pay currencies.
    pub other_charges: Vec<Amount>,
    /// Credit bought, in ledger currency.
    pub credit: Amount,
    /// Bonus added by promotions, in ledger currency.
    pub bonus: Amount,
}

/// Totals of the new-user promotion.
#[derive(Debug, Serialize, ToSchema)]
pub struct PromotionTotals {
    /// Number of open promotion windows.
    pub active: u64,
    /// Number of promotions used.
    pub used: u64,
    /// Number of expired promotion windows.
    pub expired: u64,
    /// Uses of each tier.
    pub by_tier: Vec<TierTotals>,
}

/// Uses of one promotion tier.
#[derive(Debug, Serialize, ToSchema)]
pub struct TierTotals {
    /// Index of the tier, from 0.
    pub index: u32,
    /// Number of orders that used it.
    pub count: u64,
    /// Bonus it added, in ledger currency.
    pub bonus: Amount,
}

/// Liabilities of the platform, and its receivables from users.
#[derive(Debug, Serialize, ToSchema)]
pub struct Liabilities {
    /// Sum of all users' balances, in ledger currency.
    pub balance: Amount,
    /// Sum of all users' debts, in ledger currency.
    pub debt: Amount,
    /// Commission of all affiliates.
    pub commission: CommissionLiabilities,
    /// Wallets of all shops.
    pub agency: AgencyLiabilities,
    /// Remaining uses of all limited redemption codes, whether or not they can be redeemed now.
    pub codes_outstanding: u64,
    /// Granted credit that has expired, in ledger currency; no liability any more.
    pub expired: Amount,
}

/// Tallies, with the currencies of their amounts.
pub struct Reading {
    tallies: Tallies,
    ledger: Currency,
    pay: Currency,
    agency: Currency,
}

/// Reads the totals, with the orders that are pending now.
///
/// # Errors
/// The database can't be reached.
pub async fn now(app: &App) -> Result<Totals, Error> {
    let mut totals = Reading::now(app).await?.totals()?;
    let pending = u64::try_from(pending_orders(app).await?).unwrap_or(u64::MAX);
    totals.orders.by_status.insert(OrderStatus::Pending.as_str().to_owned(), pending);
    Ok(totals)
}

impl Reading {
    /// Read the current totals.
    ///
    /// # Errors
    /// If the database can't be reached.
    pub async fn now(app: &App) -> Result<Self, Error> {
        Ok(Self::of(app).await?.with(statistics::totals(app).await?))
    }

    /// Create an empty reading in the current currencies.
    ///
    /// # Errors
    /// If the settings can't be read.
    pub async fn of(app: &App) -> Result<Self, Error> {
        let settings = app.settings::<PaymentSettings>().await?.settings;
        let agency = app.settings::<AgencySettings>().await?.settings.currency;
        let (ledger, pay) = (settings.ledger_currency, settings.pay_currency);
        Ok(Self { tallies: Tallies::new(), ledger, pay, agency })
    }

    /// Replace the tallies, keeping the currencies.
    pub fn with(&self, tallies: Tallies) -> Self {
        Self { tallies, ..*self }
    }

    /// Get the ledger currency.
    pub fn ledger(&self) -> Currency {
        self.ledger
    }

    /// Get the agency currency.
    pub fn agency_currency(&self) -> Currency {
        self.agency
    }

    /// Get a total.
    pub fn number(&self, name: &str) -> Decimal {
        self.tallies.get(name).copied().unwrap_or_default()
    }

    /// Get a total in agency currency.
    pub fn agency_number(&self, name: &str) -> Decimal {
        self.number(&format!("{name}.{}", self.agency))
    }

    /// Get a count; a negative one, possible only while messages overtake each other, reads as 0.
    pub fn count(&self, name: &str) -> u64 {
        u64::try_from(self.number(name).trunc().mantissa()).unwrap_or(0)
    }

    /// Get an amount in ledger currency.
    ///
    /// # Errors
    /// If it has more digits than its currency.
    pub fn amount(&self, name: &str) -> Result<Amount, MoneyError> {
        Ok(LedgerMoney::exact(self.number(name), self.ledger)?.into())
    }

    /// Get an amount in agency currency.
    ///
    /// # Errors
    /// If it has more digits than its currency.
    pub fn agency(&self, name: &str) -> Result<Amount, MoneyError> {
        Ok(LedgerMoney::exact(self.agency_number(name), self.agency)?.into())
    }

    /// Get the totals.
    ///
    /// # Errors
    /// If a total has more digits than its currency.
    pub fn totals(&self) -> Result<Totals, MoneyError> {
        Ok(Totals {
            users: self.count("users"),
            referrals: ReferralTotals {
                relations: self.count("referrals.relations"),
                qualified: self.count("referrals.qualified"),
                granted_to_inviters: self.amount("rewards.granted_to_inviters")?,
                granted_to_invitees: self.amount("rewards.granted_to_invitees")?,
                pending: self.amount("rewards.pending")?,
            },
            orders: self.orders()?,
            promotions: PromotionTotals {
                active: self.count("promotions.active"),
                used: self.count("promotions.used"),
                expired: self.count("promotions.expired"),
                by_tier: self.tiers()?,
            },
            commissions: CommissionTotals {
                count: self.count("commissions.count"),
                earned: self.amount("commissions.earned")?,
                reversed: self.amount("commissions.reversed")?,
            },
            withdrawals: self.withdrawals()?,
            redemptions: RedemptionTotals {
                codes_issued: self.count("codes.issued"),
                plan: self.count("redemptions.plan"),
                balance: self.count("redemptions.balance"),
                credit: self.amount("redemptions.credit")?,
                undone: self.count("redemptions.undone"),
            },
            agency: AgencyTotals {
                sales: self.count("agency.sales.count"),
                amount: self.agency("agency.sales")?,
                returned: self.agency("agency.returned")?,
                commission: self.agency("agency.commission")?,
                platform: self.agency("agency.platform")?,
                withdrawals: self.shop_withdrawals()?,
            },
            liabilities: Liabilities {
                balance: self.amount("liabilities.balance")?,
                debt: self.amount("liabilities.debt")?,
                commission: CommissionLiabilities {
                    pending: self.amount("liabilities.commission.pending")?,
                    available: self.amount("liabilities.commission.available")?,
                    held: self.amount("liabilities.commission.held")?,
                    debt: self.amount("liabilities.commission.debt")?,
                },
                agency: AgencyLiabilities {
                    main: self.agency("liabilities.agency.main")?,
                    commission: self.agency("liabilities.agency.commission")?,
                    held: self.agency("liabilities.agency.held")?,
                    debt: self.agency("liabilities.agency.debt")?,
                    assets: self.agency("liabilities.agency.assets")?,
                },
                codes_outstanding: self.count("codes.outstanding"),
                expired: self.amount("credit.expired")?,
            },
        })
    }

    fn withdrawals(&self) -> Result<BTreeMap<String, WithdrawalTotals>, MoneyError> {
        let totals = |state: WithdrawalState| {
            let state = state.as_str();
            let count = self.count(&format!("withdrawals.{state}.count"));
            let amount = self.amount(&format!("withdrawals.{state}.amount"))?;
            Ok((state.to_owned(), WithdrawalTotals { count, amount }))
        };
        WithdrawalState::ALL.into_iter().map(totals).collect()
    }

    /// A shop's cash has no state `done`, which is that of a withdrawal to a balance.
    fn shop_withdrawals(&self) -> Result<BTreeMap<String, ShopWithdrawalTotals>, MoneyError> {
        let totals = |state: WithdrawalState| {
            let count = self.count(&format!("agency.withdrawals.{state}.count"));
            let amount = self.agency(&format!("agency.withdrawals.{state}.amount"))?;
            Ok((state.as_str().to_owned(), ShopWithdrawalTotals { count, amount }))
        };
        WithdrawalState::ALL.into_iter().filter(|state| *state != WithdrawalState::Done).map(totals).collect()
    }

    /// Get the orders by state, and the sums of paid orders.
    ///
    /// # Errors
    /// If a total has more digits than its currency.
    pub fn orders(&self) -> Result<OrderTotals, MoneyError> {
        let count = |status: OrderStatus| self.count(&format!("orders.{}.count", status.as_str()));
        let by_status = OrderStatus::ALL.iter().map(|status| (status.as_str().to_owned(), count(*status))).collect();
        let (charge, other_charges) = self.charges("orders.charge.")?;
        Ok(OrderTotals {
            by_status,
            charge,
            other_charges,
            credit: self.amount("orders.credit")?,
            bonus: self.amount("orders.bonus")?,
        })
    }

    /// Get the sums of all paid orders, before and after refunds.
    ///
    /// # Errors
    /// If a total has more digits than its currency.
    pub fn order_sums(&self) -> Result<OrderSums, MoneyError> {
        let of = |prefix: &str| -> Result<Vec<PayMoney>, MoneyError> {
            let sum = |(name, sum): (&String, &Decimal)| {
                Some(PayMoney::exact(*sum, Currency::parse(name.strip_prefix(prefix)?)?))
            };
            self.tallies.iter().filter_map(sum).collect()
        };
        let (charges, mut nets) = (of("orders.charge.")?, of("orders.charge.")?);
        for gone in of("orders.returned.")? {
            if let Some(net) = nets.iter_mut().find(|net| net.currency() == gone.currency()) {
                *net = net.minus(gone)?;
            }
        }
        let money = |name: &str| LedgerMoney::exact(self.number(name), self.ledger);
        let (credit, bonus) = (money("orders.credit")?, money("orders.bonus")?);
        let net_total = credit.plus(bonus)?.minus(money("orders.reversed")?)?;
        Ok(OrderSums { orders: self.paid_orders(), charges, nets, credit, bonus, net_total })
    }

    /// Get the number of paid orders.
    pub fn paid_orders(&self) -> u64 {
        let taken = OrderStatus::ALL.iter().filter(|status| status.is_captured());
        taken.map(|status| self.count(&format!("orders.{}.count", status.as_str()))).sum()
    }

    /// Get the sums named `prefix` + currency: of the current pay currency, and of former ones.
    ///
    /// # Errors
    /// If a sum has more digits than its currency.
    pub fn charges(&self, prefix: &str) -> Result<(Amount, Vec<Amount>), MoneyError> {
        let of = |(name, sum): (&String, &Decimal)| {
            Some(PayMoney::exact(*sum, Currency::parse(name.strip_prefix(prefix)?)?))
        };
        let mut charges: Vec<PayMoney> = self.tallies.iter().filter_map(of).collect::<Result<_, _>>()?;
        let ours = charges.iter().position(|charge| charge.currency() == self.pay);
        let charge = ours.map_or_else(|| PayMoney::zero(self.pay), |ours| charges.remove(ours));
        Ok((charge.into(), charges.into_iter().map(Amount::from).collect()))
    }

    fn tiers(&self) -> Result<Vec<TierTotals>, MoneyError> {
        let index = |name: &String| name.strip_prefix("promotions.tier.")?.strip_suffix(".count")?.parse().ok();
        let mut tiers: Vec<u32> = self.tallies.keys().filter_map(index).collect();
        tiers.sort_unstable();
        let tier = |index: u32| {
            let count = self.count(&format!("promotions.tier.{index}.count"));
            Ok(TierTotals { index, count, bonus: self.amount(&format!("promotions.tier.{index}.bonus"))? })
        };
        tiers.into_iter().map(tier).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    /// R9.2: each total is shown in its currency; absent tallies are zero.
    #[test]
    fn totals_show_what_was_counted() {
        let counted = [
            ("users", "3"),
            ("orders.paid.count", "2"),
            ("orders.refunded.count", "1"),
            ("orders.charge.CNY", "300"),
            ("orders.charge.JPY", "500"),
            ("orders.credit", "41.66666664"),
            ("promotions.tier.0.count", "1"),
            ("promotions.tier.0.bonus", "4.16666666"),
        ];
        let number = |(name, text): (&str, &str)| (name.to_owned(), Decimal::from_str_exact(text).unwrap());
        let tallies = counted.into_iter().map(number).collect();
        let reading = Reading { tallies, ledger: Currency::USD, pay: Currency::CNY, agency: Currency::CNY };
        let totals = reading.totals().unwrap();
        assert_eq!((totals.users, reading.paid_orders()), (3, 3));
        assert_eq!(
            (totals.orders.charge.amount.as_str(), totals.orders.credit.amount.as_str()),
            ("300.00", "41.66666664")
        );
        assert_eq!(totals.orders.other_charges[0].amount, "500");
        assert_eq!(totals.orders.by_status["expired"], 0);
        assert_eq!(totals.promotions.by_tier[0].bonus.amount, "4.16666666");
        assert_eq!(totals.referrals.pending.amount, "0");
    }
}
