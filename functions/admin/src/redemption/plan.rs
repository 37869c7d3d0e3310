//! Plans (R7.2, R7.5).

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::said;
use shared::account::view::{Admin, AdminSearch, CodesIssue};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::Idempotent;
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::version::IfMatch;
use shared::kernel::id::PlanId;
use shared::kernel::refusal::{FieldError, Refusal};
use shared::redemption::codes;
use shared::redemption::model::plan;
use shared::redemption::save_plan::{self as verb, ChangePlan, PlanTerms};
use utoipa::ToSchema;

use super::{ranged, taken};
use shared::edge;
use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::page::Unfiltered;

/// A plan for subscriptions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Plan {
    /// Id of the plan.
    pub id: PlanId,
    /// Display name.
    pub name: String,
    /// Highest number of live subscriptions per user; 0 for no limit.
    pub quota: u32,
    /// True if the plan is on sale.
    pub on_sale: bool,
    /// Traffic of a subscription per extension, in bytes; null for no limit.
    pub traffic_bytes: Option<u64>,
    /// Version of the plan, increased by each change; also the `ETag`.
    pub version: u64,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl CsvRow for Plan {
    const COLUMNS: &'static [&'static str] =
        &["id", "name", "quota", "on_sale", "traffic_bytes", "version", "created_at"];
}

impl From<plan::Plan> for Plan {
    fn from(of: plan::Plan) -> Self {
        let plan::Plan { id, version, name, quota, on_sale, traffic_bytes, created_at } = of;
        Self { id, name, quota, on_sale, traffic_bytes, version, created_at }
    }
}

/// A plan to create, or its new values.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanDocument {
    /// Display name, 1 to 500 characters.
    name: String,
    /// Highest number of live subscriptions per user, 0 to 1000; 0 for no limit.
    quota: i64,
    /// True if the plan is on sale.
    on_sale: bool,
    /// Traffic of a subscription per extension, in bytes; no limit if absent or null.
    traffic_bytes: Option<i64>,
}

impl PlanDocument {
    fn read(&self) -> Result<PlanTerms, Refusal> {
        let mut errors: Vec<FieldError> = Vec::new();
        let name = taken(said("/name", &self.name), &mut errors);
        let quota = taken(ranged("/quota", self.quota, 0, 1_000), &mut errors);
        let traffic = self.traffic_bytes.map(|bytes| ranged("/traffic_bytes", bytes, 0, i64::MAX)).transpose();
        let traffic_bytes = taken(traffic, &mut errors);
        Refusal::unless_empty(errors)?;
        let (Some(name), Some(quota), Some(traffic_bytes)) = (name, quota, traffic_bytes) else {
            return Err(Refusal::MalformedRequest);
        };
        Ok(PlanTerms { name, quota, on_sale: self.on_sale, traffic_bytes })
    }
}

fn tagged(plan: plan::Plan) -> Reply<Plan> {
    let version = plan.version;
    Reply::ok(plan.into()).version(version)
}

/// List plans
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/admin/plans", operation_id = "listPlans", tag = "admin",
    responses((status = 200, content((Listing<Plan> = "application/json"), (String = "text/csv")))),
)]
pub async fn plans(
    State(app): State<Arc<App>>,
    search: AdminSearch<Unfiltered, CodesIssue>,
) -> Result<JsonOrCsv<Plan>, Problem> {
    let page = search.rows(async |window| codes::plans(&app, &window).await).await?;
    Ok(search.found(&app, page, Plan::from))
}

/// Create a plan
#[utoipa::path(
    post, path = "/v1/admin/plans", operation_id = "createPlan", tag = "admin",
    responses((status = 201, body = Plan)),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    admin: Admin,
    key: Idempotent,
    body: Body<PlanDocument>,
) -> Result<Reply<Plan>, Problem> {
    let terms = body.value.read()?;
    let ctx = key.bind(&app, &admin, &body);
    let done = verb::create_plan(&app, &ctx, &terms, admin.id).await?;
    let version = done.answer.version;
    Ok(Reply::created(Plan::from(done.answer)).version(version).replayed(done.replayed))
}

/// Get one plan
///
/// Send the `ETag` as `If-Match` to change the plan.
#[utoipa::path(
    get, path = "/v1/admin/plans/{id}", operation_id = "getPlan", tag = "admin",
    responses((status = 200, body = Plan)),
)]
pub async fn plan(
    State(app): State<Arc<App>>,
    _: Admin<CodesIssue>,
    Id(id): Id<PlanId>,
) -> Result<Reply<Plan>, Problem> {
    Ok(tagged(verb::plan(&app, id).await?))
}

/// Change a plan
///
/// Subscriptions keep their end and their traffic until their next extension.
#[utoipa::path(
    put, path = "/v1/admin/plans/{id}", operation_id = "changePlan", tag = "admin",
    responses((status = 200, body = Plan)),
)]
pub async fn change(
    State(app): State<Arc<App>>,
    admin: Admin,
    Id(plan): Id<PlanId>,
    IfMatch(version): IfMatch,
    body: Body<PlanDocument>,
) -> Result<Reply<Plan>, Problem> {
    let terms = body.value.read()?;
    let done = verb::change_plan(&app, &edge::context(), &ChangePlan { plan, version, terms, admin: admin.id }).await?;
    Ok(tagged(done.answer))
}
