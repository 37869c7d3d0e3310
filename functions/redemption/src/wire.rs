//! What these routes take and show.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::domain::plan;
use shared::edge::view::redemption::NamedPlan;
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

/// The caller's time on a plan.
#[derive(Debug, Serialize, ToSchema)]
pub struct Subscription {
    /// Which.
    pub id: String,
    /// Its plan.
    pub plan: NamedPlan,
    /// `active` or `expired`.
    pub state: &'static str,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Timestamp,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// What may be transferred until the next extension; null is no limit.
    pub traffic_bytes: Option<u64>,
    /// What was transferred since the last extension.
    pub traffic_used_bytes: u64,
}

impl Subscription {
    /// A subscription as it is at `now`.
    pub fn of(subscription: &plan::Subscription, plan: &plan::Plan, now: Timestamp) -> Self {
        Self {
            id: subscription.id.to_string(),
            plan: NamedPlan { id: plan.id.to_string(), name: plan.name.clone() },
            state: if subscription.is_live(now) { "active" } else { "expired" },
            starts_at: subscription.starts_at,
            expires_at: subscription.expires_at,
            traffic_bytes: subscription.traffic_bytes,
            traffic_used_bytes: subscription.traffic_used_bytes,
        }
    }
}
