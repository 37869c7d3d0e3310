//! Work that waits for a person of the operator's (R9.4): lengths of the queues, for an overview.

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use shared::account::view::{Admin, StatsRead};
use shared::app::App;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::operations::model::alarm::Alarm;
use shared::operations::waiting::{self, Waiting, WaitingForStaff};
use utoipa::ToSchema;

/// Length of a queue.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueLength {
    /// Number of items that wait, counted up to 100.
    #[schema(maximum = 100)]
    pub count: usize,
    /// True if there are more than were counted.
    pub more: bool,
    /// Time since which the oldest counted item waits; null if none waits.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
}

impl From<Waiting> for QueueLength {
    fn from(of: Waiting) -> Self {
        Self { count: of.count, more: of.more, since: of.since }
    }
}

/// An alarm of the deployment that stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct StandingAlarm {
    /// Name in the template.
    pub name: String,
    /// Time since which it stands.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Reason that CloudWatch gives.
    pub reason: String,
}

impl From<Alarm> for StandingAlarm {
    fn from(of: Alarm) -> Self {
        Self { name: of.name, since: of.since, reason: of.reason }
    }
}

/// Queues that wait for a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitingCounts {
    /// Payments to look at, or to give back: open items of the review queue.
    pub reviews: QueueLength,
    /// Failed rewards of the last 31 days, which can be retried.
    pub rewards: QueueLength,
    /// Held cases of risk, to release or to reject.
    pub risk_cases: QueueLength,
    /// Number of withdrawals to pay or to reject.
    pub withdrawals: u64,
    /// Number of differences in yesterday's reports (UTC).
    pub differences: u64,
    /// Number of webhook endpoints that were switched off for their failures.
    pub webhook_endpoints: usize,
    /// Alarms of the deployment that stand, by name.
    pub alarms: Vec<StandingAlarm>,
}

impl From<WaitingForStaff> for WaitingCounts {
    fn from(of: WaitingForStaff) -> Self {
        Self {
            reviews: of.queues.reviews.into(),
            rewards: of.queues.rewards.into(),
            risk_cases: of.queues.cases.into(),
            withdrawals: of.queues.withdrawals,
            differences: of.differences,
            webhook_endpoints: of.endpoints,
            alarms: of.alarms.into_iter().map(StandingAlarm::from).collect(),
        }
    }
}

/// Count what waits for a person
///
/// Each queue is read for at most one page; longer ones say that there is more.
#[utoipa::path(
    get, path = "/v1/admin/waiting", operation_id = "getWaiting", tag = "admin",
    responses((status = 200, body = WaitingCounts)),
)]
pub async fn waiting(State(app): State<Arc<App>>, _: Admin<StatsRead>) -> Result<Reply<WaitingCounts>, Problem> {
    Ok(Reply::ok(waiting::now(&app).await?.into()))
}
