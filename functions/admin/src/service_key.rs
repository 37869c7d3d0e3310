//! Service keys: by which the operator's own backend is known (R2.6).

use shared::account::model::service_key::ServiceScope;
use shared::kernel::text_enum;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::model::service_key::{self, name_at, scopes_at};
use shared::account::service_keys::{self as verb, IssueKey};
use shared::account::view::{Admin, AdminSearch};
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
        /// It can be used.
        Active = "active",
        /// It was revoked.
        Revoked = "revoked",
    }
}

/// A service key, without what is secret of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceKey {
    /// Which.
    pub id: ServiceKeyId,
    /// What people call it; records name it as `service:{name}`.
    pub name: String,
    /// `users:write`, `users:read`, `sessions:create`, `ledger:write`, `purchases:write`.
    pub scopes: Vec<ServiceScope>,
    /// Whether it can be used.
    pub state: KeyState,
    /// Who made it.
    pub made_by: UserId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Since when it is good for nothing.
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

/// A service key that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssuedKey {
    /// The key.
    #[serde(flatten)]
    pub about: ServiceKey,
    /// What the backend shows, `gdn_…`: told once, null when the answer is given again.
    pub key: Option<String>,
}

/// What a service key is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyTerms {
    /// What people call it, 1 to 60 characters.
    #[schema(example = "billing")]
    name: String,
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

/// Service keys
///
/// Newest first, with those that were revoked.
#[utoipa::path(
    get, path = "/v1/admin/service-keys", operation_id = "listServiceKeys", tag = "admin",
    responses((status = 200, content((Listing<ServiceKey> = "application/json"), (String = "text/csv")))),
)]
pub async fn keys(
    State(app): State<Arc<App>>,
    search: AdminSearch<Unfiltered>,
) -> Result<JsonOrCsv<ServiceKey>, Problem> {
    let page = verb::keys(&app, &search.window).await?;
    Ok(search.found(&app, page, ServiceKey::from))
}

/// Make a service key
///
/// The answer is the only place where it is ever shown.
#[utoipa::path(
    post, path = "/v1/admin/service-keys", operation_id = "createServiceKey", tag = "admin",
    responses((status = 201, body = IssuedKey)),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    admin: Admin,
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
/// From now on it is nobody's. It stays in the list.
#[utoipa::path(
    delete, path = "/v1/admin/service-keys/{id}", operation_id = "revokeServiceKey", tag = "admin",
    responses((status = 204, description = "It is revoked.")),
)]
pub async fn revoke(
    State(app): State<Arc<App>>,
    admin: Admin,
    Id(id): Id<ServiceKeyId>,
) -> Result<StatusCode, Problem> {
    verb::revoke_key(&app, &edge::context(), id, admin.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
