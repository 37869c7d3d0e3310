//! Requests of the redemption routes.

use serde::Deserialize;
use utoipa::ToSchema;

/// Request to redeem a code.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = RedemptionAsk)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The code as typed; case, spaces and hyphens are ignored.
    #[schema(example = "ABCD-EFGH-JKMN-PQRS")]
    pub code: String,
    /// True to start a new subscription even if there is one to extend.
    #[serde(default)]
    pub new_subscription: bool,
}
