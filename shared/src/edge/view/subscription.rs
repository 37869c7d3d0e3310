//! A subscription as its user and the operator's backend see it (R7.4).

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::redemption::NamedPlan;
use crate::domain::plan;

/// A user's time on a plan.
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
