//! Reason for an irreversible action of an admin.

use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::said;
use shared::kernel::refusal::Refusal;
use utoipa::ToSchema;

/// Reason for an action.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = ActionReason)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Reason, for people to read, 1 to 500 characters.
    #[schema(example = "asked for it")]
    reason: String,
}

impl Reason {
    /// Read the reason.
    ///
    /// # Rejects
    /// 422 if it is empty or too long.
    pub fn read(&self) -> Result<String, Refusal> {
        said("/reason", &self.reason).map_err(Refusal::from)
    }
}
