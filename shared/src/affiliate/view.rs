//! Withdrawals and payout batches on the wire, for users, agents and the operator (R6.5, R6.6).

use crate::account::adjust_balance::said;
use crate::affiliate::model::payout_batch::PayoutBatch;
use crate::affiliate::model::withdrawal::{Destination, Payout, WithdrawalState};
use crate::affiliate::payout_file::{FiledLine, transferred};
use jiff::Timestamp;
use kernel::id::{ShopId, WithdrawalId};
use kernel::refusal::FieldError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::affiliate::withdraw::Withdrawn;
use edge::export::{CsvRow, csv};
use edge::view::Amount;

/// Withdrawal of commission.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Withdrawal)]
pub struct WithdrawalView {
    /// Id of the withdrawal.
    pub id: WithdrawalId,
    /// Shop whose commission it is; null for a user's own.
    pub shop_id: Option<ShopId>,
    /// Amount in ledger currency; in agency currency for a shop.
    pub amount: Amount,
    /// Destination: `balance` or `cash`.
    pub to: Destination,
    /// State: `done`, `requested`, `paid`, `rejected` or `cancelled`.
    pub state: WithdrawalState,
    /// True while it is requested, approved by one admin, and needs the approval of a second one.
    pub awaits_second_approval: bool,
    /// True while it is requested and part of a payout batch: it is about to be paid, and can't be cancelled.
    pub in_batch: bool,
    /// Masked payout account; only for cash.
    pub payout: Option<PayoutView>,
    /// Payment reference of a paid withdrawal.
    pub reference: Option<String>,
    /// Reason of a rejection.
    pub reason: Option<String>,
    /// Time of the request.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Time when it completed or was closed; null while it is requested.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub settled_at: Option<Timestamp>,
}

impl CsvRow for WithdrawalView {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "shop_id",
        "amount.amount",
        "amount.currency",
        "to",
        "state",
        "payout.method",
        "payout.account",
        "reference",
        "reason",
        "settled_at",
    ];
}

/// Payout account, masked.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = MaskedPayout)]
pub struct PayoutView {
    /// Withdrawal method from the settings.
    pub method: String,
    /// Masked account id: at most its last four characters.
    #[schema(example = "****2051")]
    pub account: String,
}

impl From<Withdrawn> for WithdrawalView {
    fn from(of: Withdrawn) -> Self {
        Self {
            id: of.id,
            shop_id: of.shop,
            amount: of.amount.into(),
            to: of.to,
            state: of.state,
            awaits_second_approval: of.awaits_second_approval,
            in_batch: of.in_batch,
            payout: of.payout.map(|(method, account)| PayoutView { method, account }),
            reference: of.reference,
            reason: of.reason,
            created_at: of.created_at,
            settled_at: of.settled_at,
        }
    }
}

/// Maximum characters of a payout account or its owner's name.
const PAYOUT_MAX: usize = 200;

/// Payout account of a cash withdrawal.
#[derive(Deserialize, ToSchema)]
#[schema(as = Payout)]
#[serde(deny_unknown_fields)]
pub struct PayoutAsk {
    /// Payout method; one of those that the operator offers.
    #[schema(example = "bank")]
    method: String,
    /// Account number or address at the payout method, at most 200 characters.
    account: String,
    /// Name of the account's owner, at most 200 characters.
    name: Option<String>,
}

impl std::fmt::Debug for PayoutAsk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PayoutAsk").field("method", &self.method).finish_non_exhaustive()
    }
}

impl PayoutAsk {
    /// Validates account and name.
    ///
    /// # Rejects
    /// An empty text, or one that is too long.
    pub fn read(self) -> Result<Payout, FieldError> {
        let account = said("/payout/account", &self.account)?;
        let name = self.name.map(|name| said("/payout/name", &name)).transpose()?;
        for (pointer, text) in [("/payout/account", Some(&account)), ("/payout/name", name.as_ref())] {
            if text.is_some_and(|text| text.chars().count() > PAYOUT_MAX) {
                let detail = format!("at most {PAYOUT_MAX} characters");
                return Err(FieldError::new(pointer, "out_of_range", detail));
            }
        }
        Ok(Payout { method: self.method, account, name })
    }
}

/// Columns of the CSV of a payout batch.
const COLUMNS: &[&str] = &["withdrawal_id", "amount", "currency", "method", "account", "name", "reference", "state"];

/// Returns the CSV of a batch: a header, and a line for each that is in it; one whose account was erased has none.
pub fn payout_csv(batch: &PayoutBatch, lines: &[FiledLine<'_>]) -> String {
    let row = |(line, payout): &FiledLine<'_>| -> Value {
        json!({
            "withdrawal_id": line.withdrawal, "amount": transferred(line.amount), "currency": batch.currency,
            "method": batch.method, "account": payout.map(|payout| &payout.account),
            "name": payout.and_then(|payout| payout.name.as_ref()), "reference": line.end_to_end_id(),
            "state": line.end.map_or("open", |end| end.as_str()),
        })
    };
    csv(COLUMNS, lines.iter().map(row))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::affiliate::model::payout_batch::PayoutEnd;
    use crate::affiliate::model::payout_batch::tests::batch;

    /// R6.9, R4.12: the CSV has a line for each that is in the batch, and no cell is a formula.
    #[test]
    fn the_csv_has_the_lines_and_no_formulas() {
        let made = batch(&["12", "0.5"]).ended(batch(&["1"]).lines[0].withdrawal, PayoutEnd::Paid).unwrap();
        let payout =
            Payout { method: "bank".into(), account: "=HYPERLINK(\"x\")".into(), name: Some("Ann, B.".into()) };
        let sheet = payout_csv(&made, &[(&made.lines[0], Some(&payout)), (&made.lines[1], None)]);
        let lines: Vec<&str> = sheet.lines().collect();
        assert_eq!(lines[0], "withdrawal_id,amount,currency,method,account,name,reference,state");
        let [first, second] = [0, 1].map(|number| made.lines[number].end_to_end_id());
        let ids = [made.lines[0].withdrawal, made.lines[1].withdrawal];
        assert_eq!(lines[1], format!("{},12.00,USD,bank,\"'=HYPERLINK(\"\"x\"\")\",\"Ann, B.\",{first},paid", ids[0]));
        assert_eq!(lines[2], format!("{},0.50,USD,bank,,,{second},open", ids[1]));
    }
}
