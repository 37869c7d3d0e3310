//! Service keys, which authenticate the operator's own backend (R2.6).

use shared::account::model::service_key::ServiceScope;
use shared::kernel::text_enum;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::model::service_key::{self, name_at, scopes_at};
use shared::account::service_keys::{self as verb, IssueKey};
use shared::account::view::{Admin, AdminSearch, Dangerous};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::Idempotent;
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::id::{ServiceKeyId, UserId};
use shared::kernel::refusal::Refusal;
use utoipa::ToSchema;

use shared::edge;
use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::page::Unfiltered;

text_enum! {
    /// The state of a service key.
    pub enum KeyState as ServiceKeyState {
        /// Can be used.
        Active = "active",
        /// Revoked.
        Revoked = "revoked",
    }
}

/// A service key without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceKey {
    /// Id of the service key.
    pub id: ServiceKeyId,
    /// Display name; audit entries name the key as `service:{name}`.
    pub name: String,
    /// Scopes of the key.
    /// Any of `users:write`, `users:read`, `sessions:create`, `ledger:write`, `purchases:write`, `withdrawals:settle`.
    pub scopes: Vec<ServiceScope>,
    /// State of the key: `active` or `revoked`.
    pub state: KeyState,
    /// Id of the admin who created it.
    pub made_by: UserId,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Time of revocation.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
}

impl CsvRow for ServiceKey {
    const COLUMNS: &'static [&'static str] = &["id", "name", "scopes", "state", "made_by", "created_at", "revoked_at"];
}

impl From<service_key::ServiceKey> for ServiceKey {
    fn from(of: service_key::ServiceKey) -> Self {
        Self {
            id: of.id,
            scopes: of.scopes.iter().copied().collect(),
            state: if of.revoked_at.is_some() { KeyState::Revoked } else { KeyState::Active },
            made_by: of.made_by,
            name: of.name,
            created_at: of.created_at,
            revoked_at: of.revoked_at,
        }
    }
}

/// A created service key with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssuedKey {
    /// The service key.
    #[serde(flatten)]
    pub about: ServiceKey,
    /// Secret to authenticate with, `gdn_…`; returned once, null in a repeated response.
    pub key: Option<String>,
}

/// A service key to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyTerms {
    /// Display name, 1 to 60 characters.
    #[schema(example = "billing")]
    name: String,
    /// Scopes of the key.
    /// One or more of `users:write`, `users:read`, `sessions:create`, `ledger:write`, `purchases:write`.
    #[schema(value_type = Vec<ServiceScope>)]
    scopes: Vec<String>,
}

impl KeyTerms {
    fn read(&self, admin: UserId) -> Result<IssueKey, Refusal> {
        match (name_at("/name", &self.name), scopes_at("/scopes", &self.scopes)) {
            (Ok(name), Ok(scopes)) => Ok(IssueKey { name, scopes, admin }),
            (name, scopes) => Err(Refusal::Invalid([name.err(), scopes.err()].into_iter().flatten().collect())),
        }
    }
}

/// List service keys
///
/// Newest first, including revoked keys.
#[utoipa::path(
    get, path = "/v1/admin/service-keys", operation_id = "listServiceKeys", tag = "admin",
    responses((status = 200, content((Listing<ServiceKey> = "application/json"), (String = "text/csv")))),
)]
pub async fn keys(
    State(app): State<Arc<App>>,
    search: AdminSearch<Unfiltered>,
) -> Result<JsonOrCsv<ServiceKey>, Problem> {
    let page = search.rows(async |window| verb::keys(&app, &window).await).await?;
    Ok(search.found(&app, page, ServiceKey::from))
}

/// Create a service key
///
/// Only this response contains the secret.
#[utoipa::path(
    post, path = "/v1/admin/service-keys", operation_id = "createServiceKey", tag = "admin",
    responses((status = 201, body = IssuedKey)),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    key: Idempotent,
    body: Body<KeyTerms>,
) -> Result<Reply<IssuedKey>, Problem> {
    let ask = body.value.read(admin.id)?;
    let ctx = key.bind(&app, &admin, &body);
    let (done, key) = verb::issue_key(&app, &ctx, &ask).await?;
    let issued = IssuedKey { about: done.answer.into(), key };
    Ok(Reply::created(issued).replayed(done.replayed))
}

/// Revoke a service key
///
/// The key is rejected from now on. It stays in the list.
#[utoipa::path(
    delete, path = "/v1/admin/service-keys/{id}", operation_id = "revokeServiceKey", tag = "admin",
    responses((status = 204, description = "It is revoked.")),
)]
pub async fn revoke(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(id): Id<ServiceKeyId>,
) -> Result<StatusCode, Problem> {
    verb::revoke_key(&app, &edge::context(), id, admin.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
