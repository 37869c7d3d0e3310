//! Statements on the wire: JSON, and a sheet for a spreadsheet (R6.12).

use edge::export::csv;
use edge::view::Amount;
use kernel::ledger::StatementLine;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::account::view::Record;
use crate::affiliate::model::commission::CommissionMonth;
use crate::affiliate::statement::Statement;

/// Amounts of a commission account.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CommissionParts {
    /// Commission under hold or under review.
    pub pending: Amount,
    /// Commission that can be withdrawn.
    pub available: Amount,
    /// Amount of open cash withdrawals.
    pub held: Amount,
    /// Commission that is owed, since it was taken back after its withdrawal.
    pub debt: Amount,
}

impl From<&CommissionMonth> for CommissionParts {
    fn from(of: &CommissionMonth) -> Self {
        Self { pending: of.pending.into(), available: of.available.into(), held: of.held.into(), debt: of.debt.into() }
    }
}

/// Statement of a month, without its lines.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementOfMonth {
    /// The month, in UTC, as `2026-11`.
    pub month: String,
    /// The account before the month's first line.
    pub opening: CommissionParts,
    /// The account after the month's last line.
    pub closing: CommissionParts,
    /// True while further lines can follow.
    pub open: bool,
}

impl From<&Statement> for StatementOfMonth {
    fn from(of: &Statement) -> Self {
        let (opening, closing) = (of.opening, of.closing);
        let month = closing.month.to_string();
        Self { month, opening: (&opening).into(), closing: (&closing).into(), open: of.is_open }
    }
}

/// Statements of the months with lines.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommissionStatements)]
pub struct Statements {
    /// One of each month, newest first.
    pub items: Vec<StatementOfMonth>,
}

/// Statement of a month.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommissionStatement)]
pub struct StatementView {
    /// The month, in UTC, as `2026-11`.
    pub month: String,
    /// The account before the month's first line.
    pub opening: CommissionParts,
    /// The account after the month's last line.
    pub closing: CommissionParts,
    /// True while further lines can follow.
    pub open: bool,
    /// The lines of this page, oldest first.
    pub items: Vec<Record>,
    /// The cursor of the next page; null at the end.
    pub next_cursor: Option<String>,
}

impl StatementView {
    /// The statement with one page of its lines.
    pub fn new(of: &Statement, items: Vec<Record>, next_cursor: Option<String>) -> Self {
        let StatementOfMonth { month, opening, closing, open } = of.into();
        Self { month, opening, closing, open, items, next_cursor }
    }
}

/// Columns of a statement as a sheet.
const COLUMNS: &[&str] = &[
    "created_at",
    "seq",
    "type",
    "part",
    "amount.amount",
    "amount.currency",
    "balance_before.amount",
    "balance_after.amount",
    "operator",
    "remark",
    "related_id",
    "id",
];

/// A statement as a sheet: a row `opening` for each part, the lines, and a row `closing` for each part.
pub fn sheet(of: &Statement, lines: Vec<StatementLine>) -> String {
    let lines = lines.into_iter().map(|line| serde_json::to_value(Record::from(line)).unwrap_or_default());
    csv(COLUMNS, rows("opening", &of.opening).chain(lines).chain(rows("closing", &of.closing)))
}

fn rows(kind: &'static str, of: &CommissionMonth) -> impl Iterator<Item = Value> {
    let parts = [("pending", of.pending), ("available", of.available), ("held", of.held), ("debt", of.debt)];
    parts.into_iter().map(move |(part, amount)| {
        let after = Amount::from(amount);
        json!({"type": kind, "part": part, "amount": {"currency": after.currency}, "balance_after": after})
    })
}
