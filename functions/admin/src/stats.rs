//! Totals of the platform (R9.2, R3.10): read from the statistics, which follow what happened within moments.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use rust_decimal::Decimal;
use serde::Serialize;
use shared::account::view::{Admin, StatsRead};
use shared::affiliate::model::withdrawal::WithdrawalState;
use shared::agency::model::settings::AgencySettings;
use shared::app::App;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::money::{Currency, LedgerMoney, MoneyError, PayMoney};
use shared::operations::model::metrics::Tallies;
use shared::operations::search::pending_orders;
use shared::operations::statistics;
use shared::payment::model::order::OrderStatus;
use shared::payment::model::settings::PaymentSettings;
use utoipa::ToSchema;

/// The totals of the platform.
#[derive(Debug, Serialize, ToSchema)]
pub struct Totals {
    /// Accounts.
    pub users: u64,
    /// The referral programme.
    pub referrals: ReferralTotals,
    /// Top-ups.
    pub orders: OrderTotals,
    /// The new-user promotion.
    pub promotions: PromotionTotals,
    /// The affiliate programme.
    pub commissions: CommissionTotals,
    /// Withdrawals of commission, by state.
    pub withdrawals: BTreeMap<String, WithdrawalTotals>,
    /// Redemption codes.
    pub redemptions: RedemptionTotals,
    /// The agency.
    pub agency: AgencyTotals,
    /// What the platform owes.
    pub liabilities: Liabilities,
}

/// Totals of the agency's sales, in agency currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgencyTotals {
    /// Sales that were paid and settled.
    pub sales: u64,
    /// What they cost.
    pub amount: Amount,
    /// What of that went back.
    pub returned: Amount,
    /// What all levels earn of them.
    pub commission: Amount,
    /// What the platform keeps of their pools.
    pub platform: Amount,
}

/// What shops have, in agency currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgencyLiabilities {
    /// What they can spend.
    pub main: Amount,
    /// What they earned and did not move.
    pub commission: Amount,
    /// What is still to be taken back.
    pub debt: Amount,
}

/// Totals of the affiliate programme.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommissionTotals {
    /// Commissions.
    pub count: u64,
    /// What they came to.
    pub earned: Amount,
    /// What was taken back of them.
    pub reversed: Amount,
}

/// Withdrawals in one state.
#[derive(Debug, Serialize, ToSchema)]
pub struct WithdrawalTotals {
    /// How many.
    pub count: u64,
    /// What they come to.
    pub amount: Amount,
}

/// What affiliates have that was not withdrawn.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommissionLiabilities {
    /// Commission whose hold time is not over, or whose end nobody has noted yet.
    pub pending: Amount,
    /// Commission that can be withdrawn.
    pub available: Amount,
    /// Commission set aside for cash withdrawals.
    pub held: Amount,
    /// What is still to be taken back.
    pub debt: Amount,
}

/// Totals of redemption codes.
#[derive(Debug, Serialize, ToSchema)]
pub struct RedemptionTotals {
    /// Codes of batches that are ready.
    pub codes_issued: u64,
    /// Redemptions for plan time.
    pub plan: u64,
    /// Redemptions for balance.
    pub balance: u64,
    /// What those credited.
    pub credit: Amount,
    /// Redemptions that were taken back; they are in none of the others.
    pub undone: u64,
}

/// Totals of the referral programme.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReferralTotals {
    /// Invitees.
    pub relations: u64,
    /// Invitees that reached the threshold.
    pub qualified: u64,
    /// Rewards on inviters' balances.
    pub granted_to_inviters: Amount,
    /// Rewards on invitees' balances.
    pub granted_to_invitees: Amount,
    /// Rewards promised but not there: pending, held or failed.
    pub pending: Amount,
}

/// Totals of orders.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderTotals {
    /// How many stand in each state.
    pub by_status: BTreeMap<String, u64>,
    /// What was charged, in today's pay currency.
    pub charge: Amount,
    /// What was charged in currencies that were the pay currency before.
    pub other_charges: Vec<Amount>,
    /// What that bought.
    pub credit: Amount,
    /// What promotions added.
    pub bonus: Amount,
}

/// Totals of the new-user promotion.
#[derive(Debug, Serialize, ToSchema)]
pub struct PromotionTotals {
    /// Windows that are open.
    pub active: u64,
    /// Promotions used.
    pub used: u64,
    /// Windows that are over.
    pub expired: u64,
    /// What was used of each tier.
    pub by_tier: Vec<TierTotals>,
}

/// What was used of a tier.
#[derive(Debug, Serialize, ToSchema)]
pub struct TierTotals {
    /// From 0.
    pub index: u32,
    /// How many orders.
    pub count: u64,
    /// What they added.
    pub bonus: Amount,
}

/// What the platform owes, and is owed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Liabilities {
    /// Balances of all users.
    pub balance: Amount,
    /// What users owe.
    pub debt: Amount,
    /// Commission of all affiliates.
    pub commission: CommissionLiabilities,
    /// Wallets of all shops.
    pub agency: AgencyLiabilities,
    /// Uses that limited redemption codes have left, whether or not they are switched on and in their time.
    pub codes_outstanding: u64,
}

/// Tallies with the currencies to show them in.
pub struct Reading {
    tallies: Tallies,
    ledger: Currency,
    pay: Currency,
    agency: Currency,
}

/// The platform's totals
///
/// Counted from messages, each thing once; they follow within moments.
#[utoipa::path(
    get, path = "/v1/admin/stats", operation_id = "getStats", tag = "admin",
    responses((status = 200, body = Totals)),
)]
pub async fn stats(State(app): State<Arc<App>>, _: Admin<StatsRead>) -> Result<Reply<Totals>, Problem> {
    let mut totals = Reading::now(&app).await?.totals()?;
    let pending = u64::try_from(pending_orders(&app).await?).unwrap_or(u64::MAX);
    totals.orders.by_status.insert(OrderStatus::Pending.as_str().to_owned(), pending);
    Ok(Reply::ok(totals))
}

impl Reading {
    /// The totals as they are now.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub async fn now(app: &App) -> Result<Self, Error> {
        Ok(Self::of(app).await?.with(statistics::totals(app).await?))
    }

    /// Of nothing, in today's currencies.
    ///
    /// # Errors
    /// When settings can't be read.
    pub async fn of(app: &App) -> Result<Self, Error> {
        let settings = app.settings::<PaymentSettings>().await?.settings;
        let agency = app.settings::<AgencySettings>().await?.settings.currency;
        let (ledger, pay) = (settings.ledger_currency, settings.pay_currency);
        Ok(Self { tallies: Tallies::new(), ledger, pay, agency })
    }

    /// Of these tallies.
    pub fn with(&self, tallies: Tallies) -> Self {
        Self { tallies, ..*self }
    }

    fn number(&self, name: &str) -> Decimal {
        self.tallies.get(name).copied().unwrap_or_default()
    }

    /// A count; below zero only while messages overtake each other, and then none.
    pub fn count(&self, name: &str) -> u64 {
        u64::try_from(self.number(name).trunc().mantissa()).unwrap_or(0)
    }

    /// An amount in ledger currency.
    ///
    /// # Errors
    /// When it has more digits than its currency.
    pub fn amount(&self, name: &str) -> Result<Amount, MoneyError> {
        Ok(LedgerMoney::exact(self.number(name), self.ledger)?.into())
    }

    /// An amount in agency currency.
    ///
    /// # Errors
    /// When it has more digits than its currency.
    pub fn agency(&self, name: &str) -> Result<Amount, MoneyError> {
        Ok(LedgerMoney::exact(self.number(&format!("{name}.{}", self.agency)), self.agency)?.into())
    }

    fn totals(&self) -> Result<Totals, MoneyError> {
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
                    debt: self.agency("liabilities.agency.debt")?,
                },
                codes_outstanding: self.count("codes.outstanding"),
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

    /// Orders by state, and sums of those whose money was taken.
    ///
    /// # Errors
    /// When a total has more digits than its currency.
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

    /// How many orders' money was taken.
    pub fn paid_orders(&self) -> u64 {
        let taken = OrderStatus::ALL.iter().filter(|status| status.is_captured());
        taken.map(|status| self.count(&format!("orders.{}.count", status.as_str()))).sum()
    }

    /// Sums in pay currencies, whose names follow `prefix`: in today's, and in those before.
    ///
    /// # Errors
    /// When one has more digits than its currency.
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

    /// R9.2: what is counted is shown, in its currency; what never happened is zero.
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
