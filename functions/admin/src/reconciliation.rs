//! Daily reports on the providers' books for the operator (R4.10).

use shared::kernel::id::OrderId;
use shared::kernel::text_enum;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use shared::account::view::{AdminSearch, OrdersRead};
use shared::app::App;
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::view::Amount;
use shared::kernel::fault::Fault;
use shared::kernel::money::MoneyError;
use shared::kernel::provider::Provider;
use shared::kernel::refusal::Refusal;
use shared::operations::search;
use shared::payment::model::reconciliation::{PaymentDifference, Reconciliation, Sides};
use shared::table::list::Window;
use utoipa::ToSchema;

use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::page::Unfiltered;

text_enum! {
    /// The state of a day's reconciliation.
    pub enum ReconciliationState {
        /// Comparison in progress.
        Running = "running",
        /// Completed.
        Done = "done",
    }
}

/// Report on one day of one provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminReconciliation {
    /// Day of the report, in UTC.
    #[schema(value_type = String, format = Date)]
    pub date: Date,
    /// Provider: `stripe` or `zpay`.
    pub provider: Provider,
    /// State of the reconciliation: `running` or `done`.
    pub state: ReconciliationState,
    /// True if it is done without differences.
    pub agrees: bool,
    /// Number of payments and orders compared.
    pub checked: u64,
    /// Number of differences; each has a review item.
    pub differences: u64,
    /// Number of manually completed orders that the provider has not confirmed yet.
    pub unconfirmed: u64,
    /// Sums compared, one per currency; empty if there was nothing to compare.
    pub sums: Vec<AdminSides>,
    /// Time of the start.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// Time of completion.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
}

impl CsvRow for AdminReconciliation {
    const COLUMNS: &'static [&'static str] = &[
        "date",
        "provider",
        "state",
        "agrees",
        "checked",
        "differences",
        "unconfirmed",
        "sums",
        "started_at",
        "finished_at",
    ];
}

/// Sums of the three sides. They agree if both differences are zero.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminSides {
    /// Provider's book: payments less refunds.
    pub book: Amount,
    /// The same sum by our orders and the review queue.
    pub orders: Amount,
    /// The same sum by our journals.
    pub ledger: Amount,
    /// Difference: orders less book.
    pub orders_off: Amount,
    /// Difference: ledger less book.
    pub ledger_off: Amount,
}

impl TryFrom<Sides> for AdminSides {
    type Error = MoneyError;

    fn try_from(of: Sides) -> Result<Self, MoneyError> {
        Ok(Self {
            orders_off: of.orders.minus(of.provider)?.into(),
            ledger_off: of.ledger.minus(of.provider)?.into(),
            book: of.provider.into(),
            orders: of.orders.into(),
            ledger: of.ledger.into(),
        })
    }
}

impl TryFrom<Reconciliation> for AdminReconciliation {
    type Error = MoneyError;

    fn try_from(of: Reconciliation) -> Result<Self, MoneyError> {
        Ok(Self {
            date: of.date,
            provider: of.provider,
            state: if of.finished_at.is_some() { ReconciliationState::Done } else { ReconciliationState::Running },
            agrees: of.is_clean(),
            checked: of.checked,
            differences: of.differences,
            unconfirmed: of.unconfirmed,
            sums: of.sums.into_iter().map(AdminSides::try_from).collect::<Result<_, _>>()?,
            started_at: of.started_at,
            finished_at: of.finished_at,
        })
    }
}

/// A line of a day's report: a total, or a payment on which the three sides differ.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminDifference {
    /// Provider: `stripe` or `zpay`.
    pub provider: Provider,
    /// Kind of line.
    /// `total` of the comparison; or, of a payment, `missing_here`, `missing_there`, `amount_differs`, `unconfirmed` or `unreadable`.
    pub verdict: &'static str,
    /// Id of the provider's payment.
    pub payment_id: Option<String>,
    /// Id of our order.
    pub order_id: Option<OrderId>,
    /// Sums of the three sides.
    #[serde(flatten)]
    pub sides: AdminSides,
}

impl CsvRow for AdminDifference {
    const COLUMNS: &'static [&'static str] = &[
        "provider",
        "verdict",
        "payment_id",
        "order_id",
        "book.amount",
        "orders.amount",
        "ledger.amount",
        "orders_off.amount",
        "ledger_off.amount",
        "book.currency",
    ];
}

impl AdminDifference {
    fn total(provider: Provider, sides: Sides) -> Result<Self, MoneyError> {
        let sides = AdminSides::try_from(sides)?;
        Ok(Self { provider, verdict: "total", payment_id: None, order_id: None, sides })
    }
}

impl TryFrom<(Provider, PaymentDifference)> for AdminDifference {
    type Error = MoneyError;

    fn try_from((provider, of): (Provider, PaymentDifference)) -> Result<Self, MoneyError> {
        Ok(Self {
            provider,
            verdict: of.verdict.as_str(),
            payment_id: of.payment_id,
            order_id: of.order_id,
            sides: of.sides.try_into()?,
        })
    }
}

/// List the daily reports
///
/// Each report compares one day of a provider's book with our orders and our ledger. Newest day first.
#[utoipa::path(
    get, path = "/v1/admin/payment/reconciliations", operation_id = "listReconciliations", tag = "admin",
    responses((status = 200, content((Listing<AdminReconciliation> = "application/json"), (String = "text/csv")))),
)]
pub async fn reconciliations(
    State(app): State<Arc<App>>,
    search: AdminSearch<Unfiltered, OrdersRead>,
) -> Result<JsonOrCsv<AdminReconciliation>, Problem> {
    let page = search.rows(async |window| search::reconciliations(&app, &window).await).await?;
    Ok(search.found(&app, page, AdminReconciliation::try_from).whole()?)
}

/// Get a day's reports, line by line
///
/// The totals of each provider, and each payment that differs.
#[utoipa::path(
    get, path = "/v1/admin/payment/reconciliations/{date}", operation_id = "getReconciliation", tag = "admin",
    responses((status = 200, content((Listing<AdminDifference> = "application/json"), (String = "text/csv")))),
)]
pub async fn reconciliation(
    State(app): State<Arc<App>>,
    search: AdminSearch<Unfiltered, OrdersRead>,
    Id(date): Id<Date>,
) -> Result<JsonOrCsv<AdminDifference>, Problem> {
    let first = Mutex::new(Vec::new());
    let read = async |window: Window| {
        let (reports, page) = search::reconciliation(&app, date, &window).await?;
        *first.lock().unwrap_or_else(PoisonError::into_inner) = reports;
        Ok::<_, Fault>(page)
    };
    let page = search.rows(read).await?;
    let reports = first.into_inner().unwrap_or_else(PoisonError::into_inner);
    if reports.is_empty() {
        return Err(Refusal::NotFound.into());
    }
    let mut sheet = search.found(&app, page, AdminDifference::try_from).whole()?;
    if search.window.after.is_none() {
        let sums = reports.iter().flat_map(|report| report.sums.iter().map(|sum| (report.provider, *sum)));
        let totals = sums.map(|(provider, sum)| AdminDifference::total(provider, sum));
        sheet.listing.items.splice(0..0, totals.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(sheet)
}
