//! Settings (R9.1) and the audit list (R9.3).

use shared::kernel::id::AuditId;
use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::account::view::{Admin, AdminSearch, SettingsWrite};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::version::IfMatch;
use shared::kernel::refusal::code;
use shared::operations::change_settings::{self as verb, Change, CurrentSettings};
use shared::operations::model::audit_record::AuditRecord;
use shared::operations::model::settings::{AnySettings, Area};
use shared::operations::model::warning::{SettingsWarning, WarningCode};
use shared::operations::search::{AuditFilter, audits as search};
use utoipa::{IntoParams, ToSchema};

use shared::edge;
use shared::edge::export::{CsvRow, JsonOrCsv};

/// Settings of an area.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingsDocument {
    /// Area that the document is of.
    pub area: Area,
    /// Version of the settings, increased by each change; also the `ETag`. 0 for the defaults.
    pub version: u64,
    /// Warnings about the settings of this area as they stand together with the others: what is allowed and can be abused.
    pub warnings: Vec<Warning>,
    /// Settings document of the area.
    #[schema(value_type = AnySettings)]
    pub settings: Value,
}

/// A warning about settings that are allowed and can be abused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettingsWarning)]
pub struct Warning {
    /// Subject: `farmable_registration_reward` for a reward at registration that one person can take again and again.
    pub code: WarningCode,
    /// Settings that end it, as `area.field`.
    pub settings: Vec<String>,
}

impl From<SettingsWarning> for Warning {
    fn from(of: SettingsWarning) -> Self {
        Self { code: of.code, settings: of.settings }
    }
}

impl From<CurrentSettings> for SettingsDocument {
    fn from(of: CurrentSettings) -> Self {
        let warnings = of.warnings.into_iter().map(Warning::from).collect();
        Self { area: of.area, version: of.version, warnings, settings: of.settings }
    }
}

fn tagged(of: CurrentSettings) -> Reply<SettingsDocument> {
    let version = of.version;
    Reply::ok(of.into()).version(version)
}

/// Get one area's settings
///
/// Send the `ETag` as `If-Match` to change the settings.
#[utoipa::path(
    get, path = "/v1/admin/settings/{area}", operation_id = "getSettings", tag = "admin",
    responses((status = 200, body = SettingsDocument)),
)]
pub async fn settings(
    State(app): State<Arc<App>>,
    _: Admin<SettingsWrite>,
    Id(area): Id<Area>,
) -> Result<Reply<SettingsDocument>, Problem> {
    Ok(tagged(verb::settings(&app, area).await?))
}

/// Change one area's settings
///
/// Replaces the whole document; `If-Match` carries the version it is based on.
#[utoipa::path(
    put, path = "/v1/admin/settings/{area}", operation_id = "changeSettings", tag = "admin",
    request_body(content = AnySettings, description = "The whole document of the area"),
    responses((status = 200, body = SettingsDocument), code::CurrencyInUse),
)]
pub async fn change_settings(
    State(app): State<Arc<App>>,
    admin: Admin<SettingsWrite>,
    Id(area): Id<Area>,
    IfMatch(version): IfMatch,
    body: Body<Value>,
) -> Result<Reply<SettingsDocument>, Problem> {
    let settings = AnySettings::parse(area, body.value)?;
    let done =
        verb::change_settings(&app, &edge::context(), &Change { area, version, settings, admin: admin.id }).await?;
    Ok(tagged(done.answer))
}

/// An entry of the audit list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Audit {
    /// Id of the entry.
    pub id: AuditId,
    /// Actor: `admin:usr_…` or `system`.
    pub actor: String,
    /// Action, such as `settings.changed`.
    pub action: String,
    /// Subject of the action, such as `settings:referral` or `usr_…`.
    pub subject: String,
    /// Value before the action.
    pub before: Option<String>,
    /// Value after the action.
    pub after: Option<String>,
    /// Reason for the action.
    pub reason: Option<String>,
    /// Id of the request.
    pub request_id: Option<String>,
    /// Time of the action.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

impl CsvRow for Audit {
    const COLUMNS: &'static [&'static str] =
        &["id", "at", "actor", "action", "subject", "before", "after", "reason", "request_id"];
}

impl From<AuditRecord> for Audit {
    fn from(of: AuditRecord) -> Self {
        let AuditRecord { id, actor, action, subject, before, after, reason, request_id, at } = of;
        Self { id, actor, action, subject, before, after, reason, request_id, at }
    }
}

/// Filters of the audit list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Audits {
    /// Actor: an admin's id, or `system`.
    actor: Option<String>,
    /// Subject of the action.
    subject: Option<String>,
}

/// List actions of admins
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/admin/audit", operation_id = "listAudit", tag = "admin",
    responses((status = 200, content((Listing<Audit> = "application/json"), (String = "text/csv")))),
)]
pub async fn audits(State(app): State<Arc<App>>, search: AdminSearch<Audits>) -> Result<JsonOrCsv<Audit>, Problem> {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let filter = AuditFilter { actor: text(&search.filters.actor), subject: text(&search.filters.subject) };
    let page = search.rows(async |window| self::search(&app, &filter, &window).await).await?;
    Ok(search.found(&app, page, Audit::from))
}
