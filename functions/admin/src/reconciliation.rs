//! The daily reports about the providers' books, as the operator's staff reads them (R4.10).

use shared::kernel::id::OrderId;
use shared::kernel::text_enum;
use std::sync::Arc;

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
use shared::kernel::money::MoneyError;
use shared::kernel::provider::Provider;
use shared::kernel::refusal::Refusal;
use shared::operations::search;
use shared::payment::model::reconciliation::{PaymentDifference, Reconciliation, Sides};
use utoipa::ToSchema;

use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::page::Unfiltered;

text_enum! {
    /// The state of a day's reconciliation.
    pub enum ReconciliationState {
        /// The sides are being compared.
        Running = "running",
        /// It has ended.
        Done = "done",
    }
}

/// The report about one provider's day.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminReconciliation {
    /// The day, in UTC.
    #[schema(value_type = String, format = Date)]
    pub date: Date,
    /// `stripe` or `zpay`.
    pub provider: Provider,
    /// Whether it has ended.
    pub state: ReconciliationState,
    /// Whether it is done and nothing differs.
    pub agrees: bool,
    /// How many payments and orders were compared.
    pub checked: u64,
    /// How many of them differ; each is in the review queue.
    pub differences: u64,
    /// How many orders that a person completed still wait to be confirmed by the provider.
    pub unconfirmed: u64,
    /// The sums of what was compared, one line per currency; none when nothing was to be compared.
    pub sums: Vec<AdminSides>,
    /// When it was begun.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// When it was done.
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

/// What the three sides say. They agree when both differences are zero.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminSides {
    /// The provider's book: what is left of the money that it took.
    pub book: Amount,
    /// The same by our orders and the review queue.
    pub orders: Amount,
    /// The same by our journals.
    pub ledger: Amount,
    /// Orders less book.
    pub orders_off: Amount,
    /// Ledger less book.
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

/// A line of a day's report: a total, or a payment that the three sides don't agree on.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminDifference {
    /// `stripe` or `zpay`.
    pub provider: Provider,
    /// `total` of all that was compared; or, of a payment, `missing_here`, `missing_there`, `amount_differs`, or `unconfirmed`.
    pub verdict: &'static str,
    /// The provider's payment.
    pub payment_id: Option<String>,
    /// Our order.
    pub order_id: Option<OrderId>,
    /// What each side says.
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

/// The daily reports
///
/// Each compares a provider's book of a day with our orders and our ledger; newest day first.
#[utoipa::path(
    get, path = "/v1/admin/payment/reconciliations", operation_id = "listReconciliations", tag = "admin",
    responses((status = 200, content((Listing<AdminReconciliation> = "application/json"), (String = "text/csv")))),
)]
pub async fn reconciliations(
    State(app): State<Arc<App>>,
    search: AdminSearch<Unfiltered, OrdersRead>,
) -> Result<JsonOrCsv<AdminReconciliation>, Problem> {
    let page = search::reconciliations(&app, &search.window).await?;
    Ok(search.found(&app, page, AdminReconciliation::try_from).whole()?)
}

/// A day's reports, line by line
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
    let (reports, page) = search::reconciliation(&app, date, &search.window).await?;
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
