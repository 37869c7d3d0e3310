//! Yearly totals on the wire: a user's own, and those of a year's affiliates (R6.12).

use edge::export::{CsvRow, csv};
use edge::view::Amount;
use kernel::fault::{Error, Fault};
use kernel::year::Year;
use serde::Serialize;
use utoipa::ToSchema;

use crate::account::view::Person;
use crate::affiliate::model::year::AffiliateYear;
use crate::affiliate::years::whole_year;
use crate::app::App;
use crate::operations::search::users_of;
use table::store::Page;

/// Totals of a calendar year (UTC), in ledger currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommissionYear)]
pub struct YearTotals {
    /// The year, as `2026`.
    #[schema(value_type = String, example = "2026")]
    pub year: Year,
    /// Commission earned in the year, before anything was taken back.
    pub earned: Amount,
    /// Commission taken back in the year, less reinstatements; what is owed since counts, and its payment does not.
    pub taken_back: Amount,
    /// Commission paid out in cash in the year.
    pub paid_out: Amount,
    /// Number of cash withdrawals paid in the year.
    pub payouts: u64,
    /// Commission moved to the balance in the year.
    pub to_balance: Amount,
}

impl From<&AffiliateYear> for YearTotals {
    fn from(of: &AffiliateYear) -> Self {
        Self {
            year: of.year,
            earned: of.earned.into(),
            taken_back: of.taken_back.into(),
            paid_out: of.paid_out.into(),
            payouts: of.payouts,
            to_balance: of.to_balance.into(),
        }
    }
}

/// Totals of the years with entries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommissionYears)]
pub struct OwnYears {
    /// One of each year, newest first.
    pub items: Vec<YearTotals>,
}

/// An affiliate with the totals of a year, in ledger currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AffiliateYear)]
pub struct AffiliateOfYear {
    /// The affiliate; without an e-mail once the account is erased.
    pub affiliate: Person,
    /// Totals of the year.
    pub totals: YearTotals,
}

impl CsvRow for AffiliateOfYear {
    const COLUMNS: &'static [&'static str] = &[
        "affiliate.id",
        "affiliate.email",
        "totals.year",
        "totals.earned.amount",
        "totals.taken_back.amount",
        "totals.paid_out.amount",
        "totals.payouts",
        "totals.to_balance.amount",
        "totals.earned.currency",
    ];
}

/// Shows a page of a year's affiliates with their e-mails.
///
/// # Errors
/// A fault when the database cannot be reached.
pub async fn with_people(app: &App, page: Page<AffiliateYear>) -> Result<Page<AffiliateOfYear>, Fault> {
    let people = users_of(app, page.items.iter().map(|of| of.user)).await?;
    let row = |of: &AffiliateYear| AffiliateOfYear {
        affiliate: Person::new(of.user, people.get(&of.user)),
        totals: of.into(),
    };
    Ok(Page { items: page.items.iter().map(row).collect(), next: page.next })
}

/// All affiliates of a year as a sheet.
///
/// # Rejects
/// `range_too_large` above 10,000 of them.
pub async fn sheet(app: &App, year: Year) -> Result<String, Error> {
    let items = whole_year(app, year).await?;
    let rows = with_people(app, Page { items, next: None }).await?.items;
    let values = rows.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>().map_err(Fault::bug)?;
    Ok(csv(AffiliateOfYear::COLUMNS, values.into_iter()))
}
