//! A record: what the user sees of one entry of the ledger (R1.6).

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Amount;
use crate::domain::ledger::{self, AccountKind};

/// One entry of an account.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Record {
    /// Journal, account and number.
    pub id: String,
    /// The entry's number on its account, from 1 without gaps.
    pub seq: u64,
    /// What moved: `payment`, `promotion`, `referral`, `admin`, `debt` …
    #[serde(rename = "type")]
    pub kind: String,
    /// Which part of the commission account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// How much, with its sign.
    pub amount: Amount,
    /// The account before.
    pub balance_before: Amount,
    /// The account after.
    pub balance_after: Amount,
    /// Who moved it: `system`, `user`, `admin`, `service:…`.
    pub operator: String,
    /// For a person.
    pub remark: Option<String>,
    /// The order, reward or code it belongs to.
    pub related_id: Option<String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<ledger::Record> for Record {
    fn from(record: ledger::Record) -> Self {
        let account = match record.account {
            AccountKind::Debt => "debt",
            AccountKind::Balance => "balance",
            AccountKind::Commission => "commission",
            AccountKind::CommissionDebt => "commission_debt",
        };
        Self {
            id: format!("{}.{account}.{}", record.journal, record.seq),
            seq: record.seq,
            kind: record.kind.as_str().to_owned(),
            part: record.part.map(|part| format!("{part:?}").to_lowercase()),
            amount: record.amount.into(),
            balance_before: record.balance_before.into(),
            balance_after: record.balance_after.into(),
            operator: record.operator.to_string(),
            remark: record.remark,
            related_id: record.related_id,
            created_at: record.created_at,
        }
    }
}
