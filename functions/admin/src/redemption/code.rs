//! Single redemption codes (R7.8).

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use shared::account::view::{Admin, AdminSearch, CodesIssue, Dangerous};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::Idempotent;
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::id::{BatchId, Identifier, PlanId};
use shared::kernel::refusal::{FieldError, Refusal, code};
use shared::redemption::codes::{self, CodeFilter, CodeRow, CodeStatus};
use shared::redemption::edit_code::{DELETED_TOGETHER, EditCode, delete_codes, edit_code};
use shared::redemption::model::code_text::CodeName;
use shared::redemption::model::plan::Unit;
use shared::redemption::view::BenefitView;
use utoipa::{IntoParams, ToSchema};

use super::batch::CodeSwitch;
use super::{Said, USER_MAX, USES_MAX, ranged, taken, time};
use shared::edge;
use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::search::named;

/// A redemption code.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RedemptionCode)]
pub struct Code {
    /// The code, in groups of four.
    pub code: String,
    /// Id of the code, which names it in paths without telling it.
    #[schema(example = "bat_01k9x2m4n6p8r0s2t4v6w8y0a1.17")]
    pub id: String,
    /// Id of its batch.
    pub batch_id: BatchId,
    /// Benefit it grants.
    pub benefit: BenefitView,
    /// Number of uses in all; 0 for unlimited.
    pub total_uses: u64,
    /// Number of uses so far; of an unlimited code, updated within moments.
    pub used: u64,
    /// Remaining uses; null for an unlimited code.
    pub remaining: Option<u64>,
    /// Number of uses by one user.
    pub per_user_limit: u32,
    /// Start of validity; null for no start.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub starts_at: Option<Timestamp>,
    /// End of validity; null for no end.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// True if the code itself is enabled.
    pub enabled: bool,
    /// True if its batch is enabled.
    pub batch_enabled: bool,
    /// Effective status: `active`, `disabled`, `scheduled`, `expired` or `used_up`.
    pub status: CodeStatus,
}

impl CsvRow for Code {
    const COLUMNS: &'static [&'static str] = &[
        "code",
        "id",
        "batch_id",
        "benefit.kind",
        "benefit.plan_id",
        "benefit.unit",
        "benefit.quantity",
        "benefit.credit",
        "total_uses",
        "used",
        "remaining",
        "per_user_limit",
        "starts_at",
        "expires_at",
        "enabled",
        "batch_enabled",
        "status",
    ];
}

impl From<CodeRow> for Code {
    fn from(of: CodeRow) -> Self {
        let terms = of.code.terms;
        Self {
            code: of.text.to_string(),
            id: of.code.of.to_string(),
            batch_id: of.code.of.batch,
            benefit: terms.benefit.into(),
            total_uses: terms.total_uses,
            used: of.used,
            remaining: (!terms.unlimited()).then(|| terms.total_uses.saturating_sub(of.used)),
            per_user_limit: terms.per_user_limit,
            starts_at: terms.starts_at,
            expires_at: terms.expires_at,
            enabled: of.code.enabled,
            batch_enabled: of.batch_enabled,
            status: of.status,
        }
    }
}

/// Filters of the codes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Codes {
    /// Id of the batch.
    batch: Option<String>,
    /// Id of the plan.
    plan: Option<String>,
    /// Unit of the plan time.
    #[param(inline, value_type = Option<Unit>)]
    unit: Option<String>,
    /// Effective status of the codes.
    #[param(inline, value_type = Option<CodeStatus>)]
    status: Option<String>,
    /// The code, its id, or with `batch` its beginning.
    code: Option<String>,
}

/// List codes
///
/// Newest batch first, in order within a batch. A page may hold fewer codes than requested although more follow.
#[utoipa::path(
    get, path = "/v1/admin/redemption/codes", operation_id = "listCodes", tag = "admin",
    responses((status = 200, content((Listing<Code> = "application/json"), (String = "text/csv")))),
)]
pub async fn codes(
    State(app): State<Arc<App>>,
    search: AdminSearch<Codes, CodesIssue>,
) -> Result<JsonOrCsv<Code>, Problem> {
    let asked = &search.filters;
    let filter = CodeFilter {
        batch: named("/batch", asked.batch.as_deref())?,
        plan: named("/plan", asked.plan.as_deref())?,
        unit: named("/unit", asked.unit.as_deref())?,
        status: named("/status", asked.status.as_deref())?,
        ..CodeFilter::default()
    };
    let filter = filter.starting("/code", asked.code.as_deref())?;
    let page = search.rows(async |window| codes::codes(&app, &filter, &window).await).await?;
    Ok(search.found(&app, page, Code::from))
}

/// Changes of a code; absent fields stay unchanged, a null time is removed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeEdit {
    /// Id of the plan, for plan time.
    #[schema(value_type = Option<PlanId>)]
    plan_id: Option<String>,
    /// Unit of the plan time: `day`, `month`, `quarter`, `half_year` or `year`.
    #[schema(value_type = Option<Unit>)]
    unit: Option<String>,
    /// Number of units, 1 to 1000.
    quantity: Option<i64>,
    /// Balance to credit instead, in ledger currency.
    credit: Option<String>,
    /// Number of uses in all, not below those so far.
    /// A limited code stays limited, an unlimited one unlimited.
    total_uses: Option<i64>,
    /// Number of uses by one user.
    per_user_limit: Option<i64>,
    /// Start of validity, in RFC 3339; null for none.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<String>)]
    starts_at: Option<Option<String>>,
    /// End of validity, in RFC 3339; null for none.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<String>)]
    expires_at: Option<Option<String>>,
}

/// Distinguish null from absent.
fn given_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(from).map(Some)
}

impl CodeEdit {
    fn read(&self, before: &shared::redemption::model::code::Code) -> Result<EditCode, Refusal> {
        let mut errors: Vec<FieldError> = Vec::new();
        let (plan_id, unit, credit) = (self.plan_id.as_deref(), self.unit.as_deref(), self.credit.as_deref());
        let said = Said { plan_id, unit, quantity: self.quantity, credit };
        let benefit = said.benefit(Some(before.terms.benefit), &mut errors);
        let total = self.total_uses.map(|total| ranged("/total_uses", total, 0, USES_MAX)).transpose();
        let limit = self.per_user_limit.map(|limit| ranged("/per_user_limit", limit, 1, USER_MAX)).transpose();
        let at = |pointer: &str, text: &Option<Option<String>>| match text {
            None => Ok(None),
            Some(None) => Ok(Some(None)),
            Some(Some(text)) => time(pointer, text).map(|at| Some(Some(at))),
        };
        let edit = EditCode {
            benefit,
            total_uses: taken(total, &mut errors).flatten(),
            per_user_limit: taken(limit, &mut errors).flatten(),
            starts_at: taken(at("/starts_at", &self.starts_at), &mut errors).flatten(),
            expires_at: taken(at("/expires_at", &self.expires_at), &mut errors).flatten(),
            enabled: None,
        };
        Refusal::unless_empty(errors)?;
        Ok(edit)
    }
}

/// Change a code
///
/// A concurrent redemption counts as either before or after the change. Earlier redemptions stay unchanged.
#[utoipa::path(
    put, path = "/v1/admin/redemption/codes/{code}", operation_id = "editCode", tag = "admin",
    responses((status = 200, body = Code)),
)]
pub async fn edit(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(name): Id<CodeName>,
    body: Body<CodeEdit>,
) -> Result<Reply<Code>, Problem> {
    let ask = body.value.read(&codes::code(&app, &name).await?.code)?;
    edit_code(&app, &edge::context(), &name, &ask, admin.id).await?;
    Ok(Reply::ok(codes::code(&app, &name).await?.into()))
}

/// Enable or disable a code
#[utoipa::path(
    put, path = "/v1/admin/redemption/codes/{code}/status", operation_id = "setCodeStatus", tag = "admin",
    responses((status = 200, body = Code)),
)]
pub async fn set_status(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(name): Id<CodeName>,
    body: Body<CodeSwitch>,
) -> Result<Reply<Code>, Problem> {
    let ask = EditCode { enabled: Some(body.value.enabled), ..EditCode::default() };
    edit_code(&app, &edge::context(), &name, &ask, admin.id).await?;
    Ok(Reply::ok(codes::code(&app, &name).await?.into()))
}

/// Delete a code
///
/// Its redemptions are kept. Users can no longer redeem it: it is unknown to them.
#[utoipa::path(
    delete, path = "/v1/admin/redemption/codes/{code}", operation_id = "deleteCode", tag = "admin",
    responses((status = 204)),
)]
pub async fn delete(State(app): State<Arc<App>>, admin: Admin, Id(code): Id<CodeName>) -> Result<StatusCode, Problem> {
    delete_codes(&app, &edge::context(), &[code].into(), admin.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Codes to delete in one request.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = CodeDeletion)]
#[serde(deny_unknown_fields)]
pub struct Deletion {
    /// The codes or their ids, 1 to 90.
    codes: Vec<String>,
}

/// Number of deleted codes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeletedCodes)]
pub struct Deleted {
    /// Number of codes deleted: all in the request.
    pub deleted: u64,
}

impl Deletion {
    fn read(&self) -> Result<BTreeSet<CodeName>, Refusal> {
        let names = self
            .codes
            .iter()
            .map(|code| CodeName::parse(code).ok_or(Refusal::CodeNotFound))
            .collect::<Result<BTreeSet<_>, _>>()?;
        if !(1..=DELETED_TOGETHER).contains(&self.codes.len()) {
            return Err(Refusal::field("/codes", "out_of_range", format!("1 to {DELETED_TOGETHER} codes")));
        }
        Ok(names)
    }
}

/// Delete several codes, all or none
#[utoipa::path(
    post, path = "/v1/admin/redemption/codes/delete", operation_id = "deleteCodes", tag = "admin",
    responses((status = 200, body = Deleted), code::CodeNotFound),
)]
pub async fn delete_many(
    State(app): State<Arc<App>>,
    admin: Admin,
    key: Idempotent,
    body: Body<Deletion>,
) -> Result<Reply<Deleted>, Problem> {
    let names = body.value.read()?;
    let ctx = key.bind(&app, &admin, &body);
    let done = delete_codes(&app, &ctx, &names, admin.id).await?;
    Ok(Reply::ok(Deleted { deleted: done.answer }).replayed(done.replayed))
}
