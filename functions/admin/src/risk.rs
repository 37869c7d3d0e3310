//! Cases of risk for the operator (R10.2): what signals found, and decisions about what they hold.

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::said;
use shared::account::view::{Admin, AdminSearch, Dangerous, Person};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::idempotency::{Idempotent, RequiresIdempotencyKey};
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::search::{named, user as user_filter};
use shared::kernel::id::UserId;
use shared::kernel::refusal::{Refusal, code};
use shared::operations::search::users_of;
use shared::risk::cases::{CaseFilter, cases as search};
use shared::risk::decide::{DecideCase, decide_case};
use shared::risk::model::case::{CaseState, Evidence, RiskCase};
use shared::risk::model::settings::SignalAction;
use shared::risk::model::signal::{EvidenceClass, Signal};
use shared::table::context::Ctx;
use utoipa::{IntoParams, ToSchema};

use super::bulk::{Told, all};
use super::reason::Reason;

/// Evidence of a case; addresses, networks and their hashes are not shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RiskEvidence)]
pub struct CaseEvidence {
    /// Rule that found it: the setting of the area `risk`.
    pub rule: Signal,
    /// Class of the evidence; the address, number or fingerprint itself is not kept.
    pub class: EvidenceClass,
    /// Effect of the rule when it was found: `flag` or `hold`.
    pub effect: SignalAction,
    /// Id of the account of the inviter's tree that it is the same as; null where nothing is compared.
    pub other: Option<UserId>,
}

impl From<&Evidence> for CaseEvidence {
    fn from(of: &Evidence) -> Self {
        Self { rule: of.rule, class: of.rule.class(), effect: of.action, other: of.other }
    }
}

/// A case: what signals say of an invitee's referral, and what was decided.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RiskCase)]
pub struct Case {
    /// The invitee, whose id is that of the case.
    pub invitee: Person,
    /// The inviter in whose tree the signals were compared.
    pub inviter: Person,
    /// State: `flagged`, `held`, `released` or `rejected`.
    pub state: CaseState,
    /// Findings, in the order of the rules.
    pub evidence: Vec<CaseEvidence>,
    /// Time it was found.
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    /// Time of the decision.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// Id of the admin who decided; null if nobody did, or time released it.
    pub decided_by: Option<UserId>,
    /// Reason of the decision.
    pub reason: Option<String>,
}

impl CsvRow for Case {
    const COLUMNS: &'static [&'static str] = &[
        "opened_at",
        "invitee.id",
        "invitee.email",
        "inviter.id",
        "inviter.email",
        "state",
        "evidence",
        "decided_at",
        "decided_by",
        "reason",
    ];
}

impl Case {
    async fn of(app: &App, case: RiskCase) -> Result<Self, Problem> {
        let people = users_of(app, [case.invitee, case.inviter]).await?;
        let person = |id: UserId| Person::new(id, people.get(&id));
        Ok(Self::new(&case, person(case.invitee), person(case.inviter)))
    }

    fn new(case: &RiskCase, invitee: Person, inviter: Person) -> Self {
        let decision = case.decision.as_ref();
        Self {
            invitee,
            inviter,
            state: case.state,
            evidence: case.evidence.iter().map(CaseEvidence::from).collect(),
            opened_at: case.opened_at,
            decided_at: decision.map(|decision| decision.at),
            decided_by: decision.and_then(|decision| decision.admin),
            reason: decision.map(|decision| decision.reason.clone()),
        }
    }
}

/// Filters of the cases.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Cases {
    /// State: `flagged`, `held`, `released` or `rejected`.
    #[param(inline, value_type = Option<CaseState>)]
    state: Option<String>,
    /// Id of the inviter.
    #[param(inline, value_type = Option<UserId>)]
    inviter: Option<String>,
}

/// List cases of risk
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/admin/risk/cases", operation_id = "listRiskCases", tag = "admin",
    responses((status = 200, content((Listing<Case> = "application/json"), (String = "text/csv")))),
)]
pub async fn cases(State(app): State<Arc<App>>, asked: AdminSearch<Cases>) -> Result<JsonOrCsv<Case>, Problem> {
    let filter = CaseFilter {
        state: named("/state", asked.filters.state.as_deref())?,
        inviter: user_filter("/inviter", asked.filters.inviter.as_deref())?,
    };
    let page = asked.rows(async |window| search(&app, &filter, &window).await).await?;
    let people = users_of(&app, page.items.iter().flat_map(|case| [case.invitee, case.inviter])).await?;
    let person = |id: UserId| Person::new(id, people.get(&id));
    Ok(asked.found(&app, page, |case| Case::new(&case, person(case.invitee), person(case.inviter))))
}

/// Several cases, and a reason.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeveralCases {
    /// Ids of the invitees, 1 to 100, each once.
    #[schema(min_items = 1, max_items = 100)]
    ids: Vec<UserId>,
    /// Reason, for people to read, 1 to 500 characters.
    #[schema(example = "one office")]
    reason: String,
}

async fn decide_one(
    app: &App,
    ctx: &Ctx,
    (admin, invitee): (UserId, UserId),
    reason: String,
    release: bool,
) -> Result<Reply<Case>, Problem> {
    let done = decide_case(app, ctx, &DecideCase { invitee, release, reason, admin: Some(admin) }).await?;
    let replayed = done.replayed;
    Ok(Reply::ok(Case::of(app, done.answer).await?).replayed(replayed))
}

/// Release what is held for a case
///
/// Its rewards and commissions follow within seconds, each from the current month's budget; later ones are not held.
#[utoipa::path(
    post, path = "/v1/admin/risk/cases/{id}/release", operation_id = "releaseRiskCase", tag = "admin",
    responses((status = 200, body = Case), code::NotHeld),
)]
pub async fn release(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(invitee): Id<UserId>,
    key: Idempotent,
    body: Body<Reason>,
) -> Result<Reply<Case>, Problem> {
    let reason = body.value.read()?;
    decide_one(&app, &key.bind(&app, &admin, &body), (admin.id, invitee), reason, true).await
}

/// Reject what is held for a case, for good
///
/// Its rewards are never granted, its commissions are reversed, and so are later ones. What was granted before stays.
#[utoipa::path(
    post, path = "/v1/admin/risk/cases/{id}/reject", operation_id = "rejectRiskCase", tag = "admin",
    responses((status = 200, body = Case), code::NotHeld),
)]
pub async fn reject(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(invitee): Id<UserId>,
    key: Idempotent,
    body: Body<Reason>,
) -> Result<Reply<Case>, Problem> {
    let reason = body.value.read()?;
    decide_one(&app, &key.bind(&app, &admin, &body), (admin.id, invitee), reason, false).await
}

async fn decide_several(
    app: &App,
    ctx: &Ctx,
    admin: UserId,
    of: &SeveralCases,
    release: bool,
) -> Result<Told, Problem> {
    let reason = &said("/reason", &of.reason).map_err(Refusal::from)?;
    all(app, ctx, &of.ids, |ctx, invitee| async move {
        let ask = DecideCase { invitee, release, reason: reason.clone(), admin: Some(admin) };
        decide_case(app, &ctx, &ask).await
    })
    .await
}

/// Release what is held for several cases
///
/// Each as the route for one of them would, with an outcome for each. A fault ends the request with 5xx; repeat it with the same key.
#[utoipa::path(
    post, path = "/v1/admin/risk/cases/release", operation_id = "releaseRiskCases", tag = "admin",
    responses((status = 200, body = super::bulk::Outcomes)),
)]
pub async fn release_several(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    key: RequiresIdempotencyKey,
    body: Body<SeveralCases>,
) -> Result<Told, Problem> {
    decide_several(&app, &key.bind(&app, &admin, &body), admin.id, &body.value, true).await
}

/// Reject what is held for several cases, for good
///
/// Each as the route for one of them would, with an outcome for each. A fault ends the request with 5xx; repeat it with the same key.
#[utoipa::path(
    post, path = "/v1/admin/risk/cases/reject", operation_id = "rejectRiskCases", tag = "admin",
    responses((status = 200, body = super::bulk::Outcomes)),
)]
pub async fn reject_several(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    key: RequiresIdempotencyKey,
    body: Body<SeveralCases>,
) -> Result<Told, Problem> {
    decide_several(&app, &key.bind(&app, &admin, &body), admin.id, &body.value, false).await
}
