//! Explanations on the wire.

use edge::view::Amount;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::operations::model::explain::{Explained, Subject};

/// Outcome of one decision.
#[derive(Debug, Serialize, ToSchema)]
pub struct Decision {
    /// Subject of the decision.
    /// One of `price`, `payment`, `credit`, `tier`, `bonus`, `inviter_reward`, `invitee_reward`, `commission`.
    pub subject: Subject,
    /// Outcome in a word: `credited`, `below_threshold`, `already_used`, `limit_reached` …
    pub outcome: &'static str,
    /// Resulting amount, if there is one.
    pub amount: Option<Amount>,
    /// Reason in a sentence, with the numbers used.
    pub because: String,
    /// Time of the decision, if known.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

impl From<Explained> for Decision {
    fn from(of: Explained) -> Self {
        Self {
            subject: of.subject,
            outcome: of.outcome,
            amount: of.amount.map(Amount::from),
            because: of.because,
            at: of.at,
        }
    }
}
