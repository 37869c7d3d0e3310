//! A balance at a past time, as routes ask for it and show it.

use edge::search::time;
use edge::view::Amount;
use jiff::Timestamp;
use kernel::refusal::Refusal;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::account::balance_at::BalanceAt;

/// Time of a past balance.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PastTime {
    /// Time, RFC 3339; what happened at it counts. Now if left out.
    at: Option<String>,
}

impl PastTime {
    /// Reads the time; `now` if it was left out.
    ///
    /// # Rejects
    /// 422 at `/at`.
    pub fn read(&self, now: Timestamp) -> Result<Timestamp, Refusal> {
        Ok(time("/at", self.at.as_deref())?.unwrap_or(now))
    }
}

/// Balance of a user at a time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PastBalance)]
pub struct PastBalance {
    /// Time of the balance.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Balance by then, in ledger currency.
    pub balance: Amount,
    /// Number of the account's last journal entry by then; 0 before the first. Journal entries of a proven statement have it, too.
    pub entries: u64,
}

impl From<BalanceAt> for PastBalance {
    fn from(of: BalanceAt) -> Self {
        Self { at: of.at, balance: of.balance.into(), entries: of.entries }
    }
}
