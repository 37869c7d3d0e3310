//! Webhook endpoints of the operator's product: create, change, delete and list.

use std::collections::BTreeSet;

use crate::app::App;
use crate::operations::audit_log::by_admin;
use crate::webhooks::model::endpoint::{Endpoint, MOST};
use crate::webhooks::model::format::EndpointFormat;
use crate::webhooks::model::outbound_event::EventPattern;
use crate::webhooks::table::ENDPOINTS;
use crate::webhooks::webhook_sender::written;
use kernel::fault::{Error, Fault};
use kernel::id::{EndpointId, UserId};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::list::Window;
use table::list::{ListSource, walk};
use table::store::{Index, Page, Query};
use table::tx::Tx;

/// Request to create an endpoint.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// URL as typed.
    pub url: String,
    pub format: EndpointFormat,
    /// Subscribed event kinds.
    pub events: BTreeSet<EventPattern>,
    pub admin: UserId,
}

/// Request to change an endpoint; a field that is `None` stays as it is.
#[derive(Debug, Clone)]
pub struct ChangeEndpoint {
    pub id: EndpointId,
    /// URL as typed.
    pub url: Option<String>,
    /// Subscribed event kinds.
    pub events: Option<BTreeSet<EventPattern>>,
    /// False to disable deliveries, true to enable them.
    pub enabled: Option<bool>,
    /// True to rotate the secret.
    pub rotate: bool,
    pub admin: UserId,
}

/// Derives a signing secret of an endpoint from the deployment's secret.
pub(crate) fn secret_of(app: &App, endpoint: EndpointId, number: u32) -> [u8; 32] {
    app.config.secret.hash("webhook-endpoint", &[&endpoint.ulid().to_bytes(), &number.to_be_bytes()])
}

/// Reads all endpoints; there are at most [`MOST`].
///
/// # Errors
/// A fault when the database cannot be reached.
pub async fn all(app: &App) -> Result<Vec<Endpoint>, Fault> {
    let limit = i32::try_from(MOST).unwrap_or(i32::MAX).saturating_mul(2);
    let page = app.store.list::<Endpoint>(&Query::newest(Index::Owner, ENDPOINTS, limit)).await?;
    Ok(page.items.into_iter().map(Versioned::into_inner).collect())
}

/// Lists all endpoints, newest first.
///
/// # Errors
/// A fault when the database cannot be reached.
pub async fn endpoints(app: &App, window: &Window) -> Result<Page<Endpoint>, Fault> {
    let list = window.walk(ListSource::Owned(ENDPOINTS.to_owned()), false);
    walk(app, &list, |endpoint: &Endpoint| window.only(endpoint.created_at, endpoint)).await
}

/// Creates an endpoint.
///
/// The second part of the answer is its secret; it is `None` in a replay, so the secret is returned once. A chat has none.
///
/// # Rejects
/// 422 at `/url` for an address that is not on the internet, and at the maximum number of endpoints.
pub async fn create(app: &App, ctx: &Ctx, ask: &NewEndpoint) -> Result<(Answered<Endpoint>, Option<String>), Error> {
    let plan = || async {
        let url = app.courier.admit("/url", &ask.url).await.map_err(Refusal::from)?;
        if all(app).await?.len() >= MOST {
            return Err(Refusal::field("/url", "too_many", format!("at most {MOST} endpoints")).into());
        }
        let endpoint = Endpoint {
            id: EndpointId::new(app.ulid()),
            url,
            format: ask.format,
            events: ask.events.clone(),
            secret: 1,
            former: None,
            failing_since: None,
            disabled: None,
            made_by: ask.admin,
            created_at: app.clock.now(),
            deleted_at: None,
        };
        let mut tx = app.tx();
        tx.insert(&endpoint);
        let audit = by_admin(app, ctx, ask.admin, "webhook_endpoint.made", endpoint.id.to_string());
        tx.insert(&audit.change("", described(&endpoint)));
        Ok((endpoint, tx))
    };
    let done = app.execute(ctx, plan).await?;
    let secret = (!done.replayed && !done.answer.format.is_chat())
        .then(|| written(&secret_of(app, done.answer.id, done.answer.secret)));
    Ok((done, secret))
}

/// Changes an endpoint; an unchanged field has no effect.
///
/// The second part of the answer is its new secret after a rotation.
///
/// # Rejects
/// [`Refusal::NotFound`]; 422 at `/url` for an address that is not on the internet, at `/rotate_secret` for a chat.
pub async fn change(app: &App, ctx: &Ctx, ask: &ChangeEndpoint) -> Result<(Endpoint, Option<String>), Error> {
    let done = app.execute(&ctx.unkeyed(), || plan_change(app, ctx, ask)).await?;
    let secret = ask.rotate.then(|| written(&secret_of(app, done.answer.id, done.answer.secret)));
    Ok((done.answer, secret))
}

async fn plan_change(app: &App, ctx: &Ctx, ask: &ChangeEndpoint) -> Result<(Endpoint, Tx), Error> {
    let mut tx = app.tx();
    let before = found(app, ask.id).await?;
    let mut after = Endpoint::clone(&before);
    if ask.rotate && before.format.is_chat() {
        let why = "its URL is the secret: make another one in the chat, and change the URL";
        return Err(Refusal::field("/rotate_secret", "no_secret", why).into());
    }
    if let Some(url) = ask.url.as_ref().filter(|url| **url != before.url) {
        after.url = app.courier.admit("/url", url).await.map_err(Refusal::from)?;
        after.failing_since = None;
    }
    if let Some(events) = &ask.events {
        after.events.clone_from(events);
    }
    if let Some(on) = ask.enabled {
        after = after.switched(on, app.clock.now());
    }
    if ask.rotate {
        after = after.rotated(app.clock.now());
    }
    if after != *before {
        tx.replace(&before, &after);
        let audit = by_admin(app, ctx, ask.admin, "webhook_endpoint.changed", ask.id.to_string());
        tx.insert(&audit.change(described(&before), described(&after)));
    }
    Ok((after, tx))
}

/// Deletes an endpoint, which ends its deliveries.
///
/// A deleted endpoint is not found.
///
/// # Rejects
/// [`Refusal::NotFound`].
pub async fn delete(app: &App, ctx: &Ctx, id: EndpointId, admin: UserId) -> Result<(), Error> {
    let plan = || async {
        let mut tx = app.tx();
        let before = found(app, id).await?;
        let after = Endpoint { deleted_at: Some(app.clock.now()), ..Endpoint::clone(&before) };
        tx.replace(&before, &after);
        let audit = by_admin(app, ctx, admin, "webhook_endpoint.deleted", id.to_string());
        tx.insert(&audit.change(described(&before), ""));
        Ok(((), tx))
    };
    app.execute(&ctx.unkeyed(), plan).await.map(|_| ())
}

/// Reads an endpoint that is not deleted.
///
/// # Rejects
/// [`Refusal::NotFound`].
pub(crate) async fn found(app: &App, id: EndpointId) -> Result<Versioned<Endpoint>, Error> {
    let found = app.store.get::<Endpoint>(&Endpoint::key(id)).await?;
    Ok(found.filter(|endpoint| endpoint.deleted_at.is_none()).ok_or(Refusal::NotFound)?)
}

/// Formats an endpoint for an audit record, with only the origin of its URL.
///
/// Path and query may hold a password.
pub(crate) fn described(of: &Endpoint) -> String {
    let events: Vec<&str> = of.events.iter().map(|event| event.as_str()).collect();
    let state = of.disabled.map_or("enabled", |disabled| disabled.because.as_str());
    let origin = crate::webhooks::model::endpoint::origin_of(&of.url);
    let signing = if of.format.is_chat() { of.format.to_string() } else { format!("secret {}", of.secret) };
    format!("{origin} {state} {signing}: {}", events.join(" "))
}
