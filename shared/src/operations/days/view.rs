//! Totals of the platform by day, and of each day by provider, as routes and pages show them (R9.2).

use std::collections::BTreeMap;

use edge::export::CsvRow;
use edge::view::Amount;
use jiff::civil::Date;
use kernel::fault::Error;
use kernel::money::MoneyError;
use kernel::provider::Provider;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::operations::statistics::daily;
use crate::operations::totals::view::Reading;

/// Totals of one day (UTC).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DailyTotals)]
pub struct Day {
    /// Day of the totals, in UTC.
    #[schema(value_type = String, format = Date)]
    pub date: Date,
    /// Number of accounts created.
    pub users: u64,
    /// Number of these accounts that were invited.
    pub invitees: u64,
    /// Number of invitees that reached the threshold.
    pub qualified: u64,
    /// Rewards credited to inviters, in ledger currency.
    pub granted_to_inviters: Amount,
    /// Rewards credited to invitees, in ledger currency.
    pub granted_to_invitees: Amount,
    /// Orders paid on the day, by provider.
    pub providers: BTreeMap<String, ProviderDay>,
    /// Number of commissions accrued on the day.
    pub commissions: u64,
    /// Sum of these commissions, in ledger currency.
    pub commission_earned: Amount,
    /// Part of these commissions reversed since, in ledger currency.
    pub commission_reversed: Amount,
    /// Commission moved to balances, in ledger currency.
    pub withdrawn_to_balance: Amount,
    /// Commission paid out in cash, in ledger currency.
    pub withdrawn_in_cash: Amount,
    /// Number of codes redeemed for plan time.
    pub redeemed_for_plans: u64,
    /// Number of codes redeemed for balance.
    pub redeemed_for_balance: u64,
    /// Sum credited by codes redeemed for balance, in ledger currency.
    pub redeemed_credit: Amount,
    /// Commission of shops paid out in cash, in agency currency.
    pub shops_withdrawn: Amount,
    /// Number of agency sales.
    pub sales: u64,
    /// Sum of these sales, in agency currency.
    pub sales_amount: Amount,
    /// Commissions of all levels on these sales, in agency currency.
    pub sales_commission: Amount,
}

/// Totals of one provider on a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderDay {
    /// Number of orders paid.
    pub orders: u64,
    /// Sum charged, in the current pay currency.
    pub charge: Amount,
    /// Part of the charge refunded since, or disputed.
    pub returned: Amount,
    /// Charges in former pay currencies, with their refunds.
    pub other: Vec<OtherCharge>,
    /// Credit bought, in ledger currency.
    pub credit: Amount,
    /// Bonus added by promotions, in ledger currency.
    pub bonus: Amount,
    /// Credit and bonus reversed since, in ledger currency.
    pub reversed: Amount,
}

/// Charges in a former pay currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct OtherCharge {
    /// Sum charged.
    pub charge: Amount,
    /// Part of the charge refunded since, or disputed.
    pub returned: Amount,
}

impl CsvRow for Day {
    const COLUMNS: &'static [&'static str] = &[
        "date",
        "users",
        "invitees",
        "qualified",
        "granted_to_inviters.amount",
        "granted_to_invitees.amount",
        "providers.stripe.orders",
        "providers.stripe.charge.amount",
        "providers.stripe.returned.amount",
        "providers.stripe.credit.amount",
        "providers.stripe.bonus.amount",
        "providers.stripe.reversed.amount",
        "providers.zpay.orders",
        "providers.zpay.charge.amount",
        "providers.zpay.returned.amount",
        "providers.zpay.credit.amount",
        "providers.zpay.bonus.amount",
        "providers.zpay.reversed.amount",
        "commissions",
        "commission_earned.amount",
        "commission_reversed.amount",
        "withdrawn_to_balance.amount",
        "withdrawn_in_cash.amount",
        "redeemed_for_plans",
        "redeemed_for_balance",
        "redeemed_credit.amount",
        "shops_withdrawn.amount",
        "sales",
        "sales_amount.amount",
        "sales_commission.amount",
    ];
}

impl Day {
    fn new(date: Date, of: &Reading) -> Result<Self, MoneyError> {
        let part = |provider: Provider| Ok((provider.as_str().to_owned(), ProviderDay::new(provider, of)?));
        Ok(Self {
            date,
            users: of.count("users"),
            invitees: of.count("referrals.relations"),
            qualified: of.count("referrals.qualified"),
            granted_to_inviters: of.amount("rewards.granted_to_inviters")?,
            granted_to_invitees: of.amount("rewards.granted_to_invitees")?,
            providers: Provider::ALL.into_iter().map(part).collect::<Result<_, _>>()?,
            commissions: of.count("commissions.count"),
            commission_earned: of.amount("commissions.earned")?,
            commission_reversed: of.amount("commissions.reversed")?,
            withdrawn_to_balance: of.amount("withdrawals.balance")?,
            withdrawn_in_cash: of.amount("withdrawals.cash")?,
            redeemed_for_plans: of.count("redemptions.plan"),
            redeemed_for_balance: of.count("redemptions.balance"),
            redeemed_credit: of.amount("redemptions.credit")?,
            shops_withdrawn: of.agency("agency.withdrawn")?,
            sales: of.count("agency.sales.count"),
            sales_amount: of.agency("agency.sales")?,
            sales_commission: of.agency("agency.commission")?,
        })
    }
}

impl ProviderDay {
    fn new(provider: Provider, of: &Reading) -> Result<Self, MoneyError> {
        let name = provider.as_str();
        let (charge, others) = of.charges(&format!("{name}.charge."))?;
        let (returned, gone) = of.charges(&format!("{name}.returned."))?;
        let back = |of: &Amount| gone.iter().find(|gone| gone.currency == of.currency).cloned();
        let other = |charge: Amount| {
            let returned = back(&charge).unwrap_or_else(|| Amount { amount: "0".to_owned(), ..charge.clone() });
            OtherCharge { charge, returned }
        };
        Ok(Self {
            orders: of.count(&format!("{name}.orders")),
            charge,
            returned,
            other: others.into_iter().map(other).collect(),
            credit: of.amount(&format!("{name}.credit"))?,
            bonus: of.amount(&format!("{name}.bonus"))?,
            reversed: of.amount(&format!("{name}.reversed"))?,
        })
    }
}

/// Reads the totals of the days from `from` to `to` that have any, newest first.
///
/// # Errors
/// The database can't be reached.
pub async fn between(app: &App, from: Date, to: Date) -> Result<Vec<Day>, Error> {
    let counted = daily(app, from, to).await?;
    let reading = Reading::of(app).await?;
    let days = counted.into_iter().rev().map(|(day, tallies)| Day::new(day, &reading.with(tallies)));
    Ok(days.collect::<Result<_, MoneyError>>()?)
}
