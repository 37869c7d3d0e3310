//! Webhook endpoints of the operator's product, and their deliveries.

use shared::webhooks::model::delivery::DeliveryState;
use shared::webhooks::model::endpoint::DisabledBecause;
use shared::webhooks::model::format::EndpointFormat;
use shared::webhooks::model::outbound_event::{EventKind, EventPattern};
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::view::{Admin, AdminSearch};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::Idempotent;
use shared::edge::page::Listing;
use shared::edge::path::{Id, Ids};
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::id::{EndpointId, EventId, UserId};
use shared::kernel::refusal::Refusal;
use shared::webhooks::deliver;
use shared::webhooks::endpoints::{self as verb, ChangeEndpoint, NewEndpoint};
use shared::webhooks::model::delivery;
use shared::webhooks::model::endpoint::{self, Disabled, events_at};
use utoipa::ToSchema;

use shared::edge;
use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::page::Unfiltered;
use shared::edge::search::named;

/// A webhook endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookEndpoint {
    /// Id of the endpoint.
    pub id: EndpointId,
    /// URL that events are delivered to; of a chat only the origin, since its path is a secret.
    pub url: String,
    /// Format of what is posted: `signed`, `slack`, `discord`, `feishu`, `dingtalk` or `wecom`.
    pub format: EndpointFormat,
    /// Event types delivered to it.
    pub events: Vec<EventPattern>,
    /// True if events are delivered to it.
    pub enabled: bool,
    /// Reason why it is disabled: `by_admin`, `failing` or `gone`.
    pub disabled_reason: Option<DisabledBecause>,
    /// Time it was disabled.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub disabled_at: Option<Timestamp>,
    /// Time since which every delivery has failed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub failing_since: Option<Timestamp>,
    /// Id of the admin who created it.
    pub made_by: UserId,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl CsvRow for WebhookEndpoint {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "url",
        "events",
        "enabled",
        "disabled_reason",
        "disabled_at",
        "failing_since",
        "made_by",
        "created_at",
        "format",
    ];
}

impl From<endpoint::Endpoint> for WebhookEndpoint {
    fn from(of: endpoint::Endpoint) -> Self {
        Self {
            id: of.id,
            url: of.shown_url(),
            format: of.format,
            events: of.events.iter().copied().collect(),
            enabled: of.is_open(),
            disabled_reason: of.disabled.map(|disabled: Disabled| disabled.because),
            disabled_at: of.disabled.map(|disabled| disabled.at),
            failing_since: of.failing_since,
            made_by: of.made_by,
            created_at: of.created_at,
        }
    }
}

/// A created or changed endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointWithSecret {
    /// The endpoint.
    #[serde(flatten)]
    pub about: WebhookEndpoint,
    /// Signing secret, `whsec_…`; returned once, at creation or rotation, otherwise null. A chat has none.
    pub secret: Option<String>,
}

/// A webhook endpoint to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointTerms {
    /// Public HTTPS URL.
    #[schema(example = "https://product.example/guerdon")]
    url: String,
    /// Format of what is posted; it can't be changed.
    /// `signed` is JSON, signed according to Standard Webhooks. The others are a line of text for the incoming webhook of a chat.
    #[serde(default)]
    #[schema(value_type = Option<EndpointFormat>)]
    format: Option<String>,
    /// Event types delivered to it.
    /// Kinds such as `order.paid`, and groups such as `order.*`, which include the kinds that are added to them later.
    #[schema(value_type = Vec<EventPattern>)]
    events: Vec<String>,
}

impl EndpointTerms {
    fn read(self, admin: UserId) -> Result<NewEndpoint, Refusal> {
        let events = events_at("/events", &self.events).map_err(Refusal::from)?;
        let format = named("/format", self.format.as_deref())?.unwrap_or_default();
        Ok(NewEndpoint { url: self.url, format, events, admin })
    }
}

/// Changes of an endpoint; absent fields stay unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointChange {
    /// Public HTTPS URL.
    url: Option<String>,
    /// Event types delivered from now on; replaces the list.
    #[schema(value_type = Option<Vec<EventPattern>>)]
    events: Option<Vec<String>>,
    /// True to deliver events to it. Enabling it clears its failure record.
    enabled: Option<bool>,
    /// True to rotate the secret. The previous secret also signs for one more day. A chat has none to rotate.
    #[serde(default)]
    rotate_secret: bool,
}

impl EndpointChange {
    fn read(self, id: EndpointId, admin: UserId) -> Result<ChangeEndpoint, Refusal> {
        let events = self.events.map(|events| events_at("/events", &events)).transpose();
        let events = events.map_err(Refusal::from)?;
        let (enabled, rotate) = (self.enabled, self.rotate_secret);
        Ok(ChangeEndpoint { id, url: self.url, events, enabled, rotate, admin })
    }
}

/// Delivery of one event to one endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct Delivery {
    /// Id of the event, sent as `webhook-id`.
    pub id: EventId,
    /// Type of the event, such as `order.paid`.
    pub event: EventKind,
    /// State: `pending`, `delivered` or `failed`.
    pub state: DeliveryState,
    /// Number of attempts so far.
    pub attempts: u32,
    /// HTTP status of the endpoint's last response.
    pub last_status: Option<u16>,
    /// Reason why the last attempt failed.
    pub last_error: Option<String>,
    /// Time of the next attempt.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<Timestamp>,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Time of delivery.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub delivered_at: Option<Timestamp>,
}

impl CsvRow for Delivery {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "event",
        "state",
        "attempts",
        "last_status",
        "last_error",
        "next_attempt_at",
        "created_at",
        "delivered_at",
    ];
}

impl From<delivery::Delivery> for Delivery {
    fn from(of: delivery::Delivery) -> Self {
        Self {
            id: of.id,
            event: of.event,
            state: of.state,
            attempts: of.attempts,
            last_status: of.last_status,
            last_error: of.last_error,
            next_attempt_at: of.next_attempt_at,
            created_at: of.created_at,
            delivered_at: of.delivered_at,
        }
    }
}

/// List endpoints
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/admin/webhook-endpoints", operation_id = "listWebhookEndpoints", tag = "admin",
    responses((status = 200, content((Listing<WebhookEndpoint> = "application/json"), (String = "text/csv")))),
)]
pub async fn endpoints(
    State(app): State<Arc<App>>,
    search: AdminSearch<Unfiltered>,
) -> Result<JsonOrCsv<WebhookEndpoint>, Problem> {
    let page = search.rows(async |window| verb::endpoints(&app, &window).await).await?;
    Ok(search.found(&app, page, WebhookEndpoint::from))
}

/// Create an endpoint
///
/// Events from now on are delivered to it: signed according to Standard Webhooks, or as a line of text that a chat takes. Only this
/// response contains the secret.
#[utoipa::path(
    post, path = "/v1/admin/webhook-endpoints", operation_id = "createWebhookEndpoint", tag = "admin",
    responses((status = 201, body = EndpointWithSecret)),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    admin: Admin,
    key: Idempotent,
    body: Body<EndpointTerms>,
) -> Result<Reply<EndpointWithSecret>, Problem> {
    let ctx = key.bind(&app, &admin, &body);
    let (done, secret) = verb::create(&app, &ctx, &body.value.read(admin.id)?).await?;
    let made = EndpointWithSecret { about: done.answer.into(), secret };
    Ok(Reply::created(made).replayed(done.replayed))
}

/// Change an endpoint
///
/// Absent fields stay unchanged. Pending deliveries go to the new URL.
#[utoipa::path(
    put, path = "/v1/admin/webhook-endpoints/{id}", operation_id = "changeWebhookEndpoint", tag = "admin",
    responses((status = 200, body = EndpointWithSecret)),
)]
pub async fn change(
    State(app): State<Arc<App>>,
    admin: Admin,
    Id(id): Id<EndpointId>,
    body: Body<EndpointChange>,
) -> Result<Reply<EndpointWithSecret>, Problem> {
    let (endpoint, secret) = verb::change(&app, &edge::context(), &body.value.read(id, admin.id)?).await?;
    Ok(Reply::ok(EndpointWithSecret { about: endpoint.into(), secret }))
}

/// Delete an endpoint
///
/// Its deliveries stop, and its delivery log is no longer available.
#[utoipa::path(
    delete, path = "/v1/admin/webhook-endpoints/{id}", operation_id = "deleteWebhookEndpoint", tag = "admin",
    responses((status = 204, description = "It is deleted.")),
)]
pub async fn delete(State(app): State<Arc<App>>, admin: Admin, Id(id): Id<EndpointId>) -> Result<StatusCode, Problem> {
    verb::delete(&app, &edge::context(), id, admin.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List deliveries of an endpoint
///
/// Deliveries of the last thirty days, newest first.
#[utoipa::path(
    get, path = "/v1/admin/webhook-endpoints/{id}/deliveries", operation_id = "listDeliveries", tag = "admin",
    responses((status = 200, content((Listing<Delivery> = "application/json"), (String = "text/csv")))),
)]
pub async fn deliveries(
    State(app): State<Arc<App>>,
    search: AdminSearch<Unfiltered>,
    Id(endpoint): Id<EndpointId>,
) -> Result<JsonOrCsv<Delivery>, Problem> {
    let page = search.rows(async |window| deliver::deliveries(&app, endpoint, &window).await).await?;
    Ok(search.found(&app, page, Delivery::from))
}

/// Resend an event
///
/// With the same id and content, within a minute.
#[utoipa::path(
    post, path = "/v1/admin/webhook-endpoints/{id}/deliveries/{delivery_id}/replay", operation_id = "replayDelivery",
    tag = "admin",
    responses((status = 200, body = Delivery)),
)]
pub async fn replay(
    State(app): State<Arc<App>>,
    admin: Admin,
    Ids(endpoint, event): Ids<EndpointId, EventId>,
    key: Idempotent,
) -> Result<Reply<Delivery>, Problem> {
    let ctx = key.bind(&app, &admin, &());
    let done = deliver::replay(&app, &ctx, endpoint, event).await?;
    Ok(Reply::ok(Delivery::from(done.answer)).replayed(done.replayed))
}
