//! Statement lines: the lines of journal entries as users and admins see them (R1.6).

use jiff::Timestamp;

use super::{AccountKind, JournalEntry, Line, Operator, Part, RecordType};
use crate::id::JournalId;
use crate::money::LedgerMoney;

/// A line as users and admins see it (R1.6).
#[derive(Debug, Clone, PartialEq)]
pub struct StatementLine {
    /// Journal of the line. With `account` and `seq` it identifies the statement line.
    pub journal: JournalId,
    pub account: AccountKind,
    /// Number of the line in its account.
    pub seq: u64,
    pub kind: RecordType,
    /// Part of the commission account; `None` for other accounts.
    pub part: Option<Part>,
    pub amount: LedgerMoney,
    /// Balance of the account (or part) before the line.
    pub balance_before: LedgerMoney,
    /// Balance of the account (or part) after the line.
    pub balance_after: LedgerMoney,
    /// Role that moved the money.
    pub operator: Operator,
    /// Remark for a person.
    pub remark: Option<String>,
    /// Id of the order, code, withdrawal … it belongs to.
    pub related_id: Option<String>,
    pub created_at: Timestamp,
}

impl JournalEntry {
    /// The owner's lines as statement lines (R1.6).
    pub fn records(&self) -> Vec<StatementLine> {
        let money = |amount, currency| LedgerMoney::exact(amount, currency).ok();
        let record = |entry: &Line| {
            let currency = entry.amount.currency();
            Some(StatementLine {
                journal: self.header.journal,
                account: entry.account,
                seq: entry.seq,
                kind: entry.kind,
                part: entry.part,
                amount: entry.amount,
                balance_before: money(entry.before, currency)?,
                balance_after: money(entry.after, currency)?,
                operator: self.header.operator.clone(),
                remark: entry.remark.clone(),
                related_id: entry.related_id.clone(),
                created_at: self.header.at,
            })
        };
        self.entries.iter().filter_map(record).collect()
    }
}
