//! Withdrawals on the wire, for users and the operator (R6.5, R6.6).

use crate::affiliate::model::withdrawal::{Destination, WithdrawalState};
use jiff::Timestamp;
use kernel::id::WithdrawalId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::affiliate::withdraw::Withdrawn;
use edge::view::Amount;

/// Withdrawal of commission.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Withdrawal)]
pub struct WithdrawalView {
    /// Id of the withdrawal.
    pub id: WithdrawalId,
    /// Amount in ledger currency.
    pub amount: Amount,
    /// Destination: `balance` or `cash`.
    pub to: Destination,
    /// State: `done`, `requested`, `paid`, `rejected` or `cancelled`.
    pub state: WithdrawalState,
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
            amount: of.amount.into(),
            to: of.to,
            state: of.state,
            payout: of.payout.map(|(method, account)| PayoutView { method, account }),
            reference: of.reference,
            reason: of.reason,
            created_at: of.created_at,
            settled_at: of.settled_at,
        }
    }
}
