//! Totals of the platform by day, and of each day by provider (R9.2).

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use shared::account::view::{Admin, StatsRead};
use shared::app::App;
use shared::edge::export::{CsvRow, Format, JsonOrCsv};
use shared::edge::page::{Listing, Parameters};
use shared::edge::problem::Problem;
use shared::edge::search::given;
use shared::edge::view::Amount;
use shared::kernel::money::MoneyError;
use shared::kernel::provider::Provider;
use shared::kernel::refusal::Refusal;
use shared::operations::statistics::{MOST_DAYS, daily};
use utoipa::{IntoParams, ToSchema};

use super::stats::Reading;

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

const DAY: &str = "A day, such as 2026-11-20.";

/// Range of days.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Days {
    /// First day; 30 days before the last if left out.
    from: Option<String>,
    /// Last day; today if left out.
    to: Option<String>,
    /// `1` to begin a CSV with a byte order mark, so that Excel reads it as UTF-8.
    #[expect(dead_code, reason = "the format reads it")]
    bom: Option<String>,
}

impl Days {
    fn read(&self, today: Date) -> Result<(Date, Date), Refusal> {
        let day = |text: &str| text.parse::<Date>().ok();
        let to = given("/to", self.to.as_deref(), DAY, day)?.unwrap_or(today);
        let from = given("/from", self.from.as_deref(), DAY, day)?;
        let from = from.unwrap_or_else(|| to.checked_sub(30.days()).unwrap_or(to));
        let most = to.checked_sub(MOST_DAYS.days()).unwrap_or(Date::MIN);
        match (most..=to).contains(&from) {
            true => Ok((from, to)),
            false => Err(Refusal::field("/from", "out_of_range", format!("at most {MOST_DAYS} days before `to`"))),
        }
    }
}

/// List the platform's totals by day and provider, newest first
///
/// Lists only days (UTC) with activity. Projected from messages, each counted once; updated within moments.
#[utoipa::path(
    get, path = "/v1/admin/stats/daily", operation_id = "getDailyStats", tag = "admin",
    responses((status = 200, content((Listing<Day> = "application/json"), (String = "text/csv")))),
)]
pub async fn days(
    State(app): State<Arc<App>>,
    _: Admin<StatsRead>,
    Parameters(days): Parameters<Days>,
    format: Format,
) -> Result<JsonOrCsv<Day>, Problem> {
    let (from, to) = days.read(app.clock.now().to_zoned(TimeZone::UTC).date())?;
    let counted = daily(&app, from, to).await?;
    let reading = Reading::of(&app).await?;
    let items = counted.into_iter().rev().map(|(day, tallies)| Day::new(day, &reading.with(tallies)));
    let items = items.collect::<Result<_, MoneyError>>()?;
    Ok(JsonOrCsv { listing: Listing { items, next_cursor: None }, format })
}
