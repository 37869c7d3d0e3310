//! Why an admin does something that can't be taken back.

use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::said;
use shared::kernel::refusal::Refusal;
use utoipa::ToSchema;

/// Why.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// For a person to read.
    #[schema(example = "asked for it")]
    reason: String,
}

impl Reason {
    /// What it says.
    ///
    /// # Refuses
    /// 422 when it says nothing or is too long.
    pub fn read(&self) -> Result<String, Refusal> {
        said("/reason", &self.reason).map_err(Refusal::from)
    }
}
