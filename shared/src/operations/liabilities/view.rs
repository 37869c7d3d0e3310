//! Liabilities as routes and pages show them (R12.4).

use edge::export::CsvRow;
use edge::view::Amount;
use kernel::fault::{Error, Fault};
use kernel::month::Month;
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::operations::liabilities::{LiabilitiesByMonth, Liability, LiabilityKind, liabilities};

/// Amount that is owed of one kind and expires in one month.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Liability)]
pub struct LiabilityLine {
    /// Calendar month (UTC) in which it expires; null if it never does. Credit of a month that has ended is about to be taken back.
    #[schema(value_type = Option<String>, example = "2026-12")]
    pub expires_in: Option<Month>,
    /// Kind of the liability.
    pub kind: LiabilityKind,
    /// Sum that is owed.
    pub amount: Amount,
    /// Remaining uses of redemption codes; null for other kinds.
    pub uses: Option<u64>,
}

/// Liabilities of the platform by kind and month of expiry.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LiabilityReport)]
pub struct LiabilityReport {
    /// Liabilities that are not zero, by month; those that never expire come first.
    pub lines: Vec<LiabilityLine>,
    /// Sum of the lines in each currency.
    pub totals: Vec<Amount>,
    /// Number of unlimited redemption codes for balance; their credit has no limit and is in no line.
    pub unlimited_codes: u64,
    /// False if there are more than 2,000 batches of codes; the older ones are in no line.
    pub codes_complete: bool,
}

impl CsvRow for LiabilityLine {
    const COLUMNS: &'static [&'static str] = &["expires_in", "kind", "amount.amount", "amount.currency", "uses"];
}

/// Reads the liabilities as they are now.
///
/// # Errors
/// A fault when the database cannot be reached or the sums overflow.
pub async fn now(app: &App) -> Result<LiabilityReport, Error> {
    let LiabilitiesByMonth { all, unlimited_codes, is_whole } = liabilities(app).await?;
    // The lines of a currency follow each other.
    let totals = all.chunk_by(|one, other| one.currency == other.currency).map(|lines| {
        let mut amounts = lines.iter().map(|line| line.amount);
        let sum = amounts.try_fold(Decimal::ZERO, |sum, amount| sum.checked_add(amount));
        let currency = lines.first().map_or("", |line| line.currency.code());
        Ok(written(sum.ok_or_else(|| Fault::bug("liabilities overflow"))?, currency))
    });
    let totals = totals.collect::<Result<_, Fault>>()?;
    let lines = all.iter().map(LiabilityLine::from).collect();
    Ok(LiabilityReport { lines, totals, unlimited_codes, codes_complete: is_whole })
}

/// The amount in the form of ledger currency; a sum may be more than one account can hold.
fn written(amount: Decimal, currency: &str) -> Amount {
    Amount { amount: amount.normalize().to_string(), currency: currency.to_owned() }
}

impl From<&Liability> for LiabilityLine {
    fn from(of: &Liability) -> Self {
        Self { expires_in: of.expires_in, kind: of.kind, amount: written(of.amount, of.currency.code()), uses: of.uses }
    }
}
