//! A withdrawal as its user sees it, and the operator's answers to it (R6.5, R6.6).

use crate::affiliate::model::withdrawal::{Destination, WithdrawalState};
use jiff::Timestamp;
use kernel::id::WithdrawalId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::affiliate::withdraw::Withdrawn;
use edge::view::Amount;

/// Commission that leaves its account.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Withdrawal)]
pub struct WithdrawalView {
    /// Which.
    pub id: WithdrawalId,
    /// How much.
    pub amount: Amount,
    /// `balance` or `cash`.
    pub to: Destination,
    /// `done`, `requested`, `paid`, `rejected` or `cancelled`.
    pub state: WithdrawalState,
    /// Where cash goes.
    pub payout: Option<PayoutView>,
    /// The operator's reference of the payment.
    pub reference: Option<String>,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it came to its end.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub settled_at: Option<Timestamp>,
}

/// Where cash goes, masked.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = MaskedPayout)]
pub struct PayoutView {
    /// By which method.
    pub method: String,
    /// The payout account: its last characters.
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
