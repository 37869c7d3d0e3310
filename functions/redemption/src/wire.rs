//! What these routes take.

use serde::Deserialize;
use utoipa::ToSchema;

/// A code to redeem.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// As it was typed: case, spaces and hyphens don't matter.
    #[schema(example = "ABCD-EFGH-JKMN-PQRS")]
    pub code: String,
    /// Whether to begin a new subscription though there is one to extend.
    #[serde(default)]
    pub new_subscription: bool,
}
