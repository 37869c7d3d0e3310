//! Webhook delivery of events to the operator's product.
//!
//! The notifier writes one [`Delivery`] per event and subscribed endpoint, and attempts it at once; the schedule retries
//! failures. The delivery is the idempotency guard: a repeated message finds it. An attempt happens before it is recorded. So
//! an attempt with a lost outcome is made again, under the same event id.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::app::App;
use crate::operations::audit_log::by_system;
use crate::payment::expire::due_keys;
use crate::webhooks::endpoints::{described, found, secret_of};
use crate::webhooks::model::delivery::{Attempt, Delivery, DeliveryState};
use crate::webhooks::model::endpoint::{Endpoint, origin_of};
use crate::webhooks::model::outbound_event::{EventKind, EventSubject};
use crate::webhooks::table::DELIVERIES_DUE;
use crate::webhooks::table::{DELIVERIES, endpoint_of};
use crate::webhooks::webhook_sender::WebhookRequest;
use kernel::fault::{Chain, Error, Fault};
use kernel::id::{EndpointId, EventId};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::list::Window;
use table::list::{ListSource, walk};
use table::store::Page;
use table::telemetry as metrics;
use table::tx::Tx;

/// Time in which a job run starts attempts.
///
/// An attempt may take eight seconds more; the function has thirty.
const TICK: std::time::Duration = std::time::Duration::from_secs(18);
/// Failures after which a job run skips an endpoint's other deliveries.
///
/// They wait, so that one endpoint that is down does not delay the others.
const FAILURES: u32 = 4;

/// Outbound event with its payload.
#[derive(Debug, Clone)]
pub struct OutboundEvent {
    pub id: EventId,
    pub kind: EventKind,
    pub about: EventSubject,
    /// JSON payload.
    pub body: String,
}

/// Delivers an event to an endpoint, unless its delivery exists already.
///
/// While an endpoint is down, its deliveries are left to the schedule, so that its timeouts do not delay other events and
/// mails.
///
/// # Errors
/// A fault when the write fails.
pub async fn deliver(app: &App, ctx: &Ctx, endpoint: &Endpoint, event: &OutboundEvent) -> Result<(), Error> {
    let new = app.execute(&ctx.unkeyed(), || begin(app, endpoint.id, event)).await?.answer;
    if new && !endpoint.is_down(app.clock.now()) {
        attempt(app, ctx, endpoint.id, event.id).await?;
    }
    Ok(())
}

async fn begin(app: &App, endpoint: EndpointId, event: &OutboundEvent) -> Result<(bool, Tx), Error> {
    let mut tx = app.tx();
    let known = app.store.get_item(&Delivery::key(endpoint, event.id)).await?.is_some();
    if !known {
        let of = (event.kind, event.about.clone());
        tx.insert(&Delivery::new(endpoint, event.id, of, event.body.clone(), app.clock.now()));
    }
    Ok((!known, tx))
}

/// Result of processing a pending delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Not pending any more, or not due yet.
    Nothing,
    /// Not attempted, because the endpoint is disabled or deleted; it waits.
    Left,
    Delivered,
    Failed,
}

/// Attempts a pending delivery and records the outcome.
async fn attempt(app: &App, ctx: &Ctx, endpoint: EndpointId, id: EventId) -> Result<Look, Error> {
    let Some((to, delivery)) = both(app, endpoint, id).await? else { return Ok(Look::Nothing) };
    let now = app.clock.now();
    if delivery.tried > 0 && !delivery.is_due(now) {
        return Ok(Look::Nothing);
    }
    if !to.is_open() {
        app.execute(&ctx.unkeyed(), || wait(app, endpoint, id)).await?;
        return Ok(Look::Left);
    }
    let text = id.to_string();
    let secrets: Vec<[u8; 32]> = to.signs_with(now).into_iter().map(|one| secret_of(app, endpoint, one)).collect();
    let parcel = WebhookRequest { url: &to.url, id: &text, at: now, body: &delivery.body, format: to.format };
    let came = app.courier.deliver(&parcel, &secrets).await;
    let success = came.is_success();
    tracing::info!(endpoint = %endpoint, to = origin_of(&to.url), event = %id, kind = delivery.event.as_str(), ?came, "attempted");
    app.execute(&ctx.unkeyed(), || write_down(app, ctx, endpoint, id, delivery.attempts, came)).await?;
    Ok(if success { Look::Delivered } else { Look::Failed })
}

/// Reads the endpoint and its pending delivery; `None` when one of them is gone.
async fn both(
    app: &App,
    endpoint: EndpointId,
    id: EventId,
) -> Result<Option<(Versioned<Endpoint>, Versioned<Delivery>)>, Error> {
    let (to, delivery) = app.store.read((Endpoint::key(endpoint), Delivery::key(endpoint, id))).await?;
    Ok(to.zip(delivery.filter(|found| found.state == DeliveryState::Pending)))
}

/// Plans the wait of a skipped delivery; it fails when its endpoint is deleted or its time is over.
async fn wait(app: &App, endpoint: EndpointId, id: EventId) -> Result<((), Tx), Error> {
    let mut tx = app.tx();
    if let Some((to, before)) = both(app, endpoint, id).await? {
        let after = match (to.deleted_at, to.disabled) {
            (Some(_), _) => before.given_up("the endpoint was deleted"),
            (None, Some(_)) => before.waited(app.clock.now(), "the endpoint is disabled"),
            (None, None) => before.waited(app.clock.now(), "the endpoint failed for three days"),
        };
        tx.replace(&before, &after);
    }
    Ok(((), tx))
}

/// Records an attempt; a failed one only if no concurrent attempt was recorded first.
///
/// The endpoint is written only when it starts or stops failing, or is disabled.
async fn write_down(
    app: &App,
    ctx: &Ctx,
    endpoint: EndpointId,
    id: EventId,
    seen: u32,
    came: Attempt,
) -> Result<((), Tx), Error> {
    let (mut tx, now) = (app.tx(), app.clock.now());
    let Some((to, before)) = both(app, endpoint, id).await? else { return Ok(((), tx)) };
    if before.attempts != seen && !came.is_success() {
        return Ok(((), tx));
    }
    let after = before.after(came, now);
    tx.replace(&before, &after);
    if after.state == DeliveryState::Failed {
        metrics::count("EventsGivenUp");
    }
    let health = to.after(came.is_success(), came.is_gone(), now);
    if health != *to {
        tx.replace(&to, &health);
    }
    if let (Some(disabled), None) = (health.disabled, to.disabled) {
        let audit = by_system(app, ctx, "webhook_endpoint.disabled", endpoint.to_string());
        let audit = audit.change(described(&to), described(&health)).because(disabled.because.as_str());
        tx.insert(&audit);
        metrics::count("EndpointsDisabled");
    }
    Ok(((), tx))
}

/// Report of a job run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// Number of deliveries that succeeded.
    pub delivered: u32,
    /// Number of attempts that failed.
    pub failed: u32,
    /// Number of deliveries not attempted, because of their endpoint's state or for lack of time.
    pub left: u32,
}

/// Attempts all due deliveries: sequentially per endpoint, endpoints in parallel.
///
/// # Errors
/// A fault when the due list cannot be read.
pub async fn deliver_due(app: &Arc<App>, ctx: &Ctx) -> Result<Delivered, Fault> {
    let started = Instant::now();
    let mut of: BTreeMap<EndpointId, Vec<EventId>> = BTreeMap::new();
    for (pk, sk) in due_keys(app, DELIVERIES_DUE).await? {
        let endpoint = pk.split_once('#').and_then(|(_, id)| EndpointId::parse(id));
        let event = sk.strip_prefix(DELIVERIES).and_then(EventId::parse);
        if let Some((endpoint, event)) = endpoint.zip(event) {
            of.entry(endpoint).or_default().push(event);
        }
    }
    let mut tasks = JoinSet::new();
    for (endpoint, mut events) in of {
        events.sort();
        let (app, ctx) = (Arc::clone(app), ctx.clone());
        tasks.spawn(async move { to_one(&app, &ctx, endpoint, &events, started).await });
    }
    let mut done = Delivered::default();
    for part in tasks.join_all().await {
        done.delivered = done.delivered.saturating_add(part.delivered);
        done.failed = done.failed.saturating_add(part.failed);
        done.left = done.left.saturating_add(part.left);
    }
    Ok(done)
}

async fn to_one(app: &App, ctx: &Ctx, endpoint: EndpointId, events: &[EventId], started: Instant) -> Delivered {
    let mut done = Delivered::default();
    for event in events {
        if started.elapsed() > TICK {
            done.left = done.left.saturating_add(1);
            continue;
        }
        let look = if done.failed < FAILURES {
            attempt(app, ctx, endpoint, *event).await
        } else {
            app.execute(&ctx.unkeyed(), || wait(app, endpoint, *event)).await.map(|_| Look::Left)
        };
        match look {
            Ok(Look::Delivered) => done.delivered = done.delivered.saturating_add(1),
            Ok(Look::Left) => done.left = done.left.saturating_add(1),
            Ok(Look::Nothing) => {}
            Ok(Look::Failed) => done.failed = done.failed.saturating_add(1),
            Err(error) => {
                tracing::error!(error = %Chain(&error), endpoint = %endpoint, event = %event, "left to the next tick");
                done.failed = done.failed.saturating_add(1);
            }
        }
    }
    done
}

/// Lists an endpoint's deliveries, newest first.
///
/// # Rejects
/// [`Refusal::NotFound`] when there is no such endpoint.
pub async fn deliveries(app: &App, endpoint: EndpointId, window: &Window) -> Result<Page<Delivery>, Error> {
    found(app, endpoint).await?;
    let list = window.walk(ListSource::Own(endpoint_of(endpoint), DELIVERIES), false);
    Ok(walk(app, &list, |delivery: &Delivery| window.only(delivery.created_at, delivery)).await?)
}

/// Replays an event: the next job run sends it again, under the same id.
///
/// # Rejects
/// [`Refusal::NotFound`].
pub async fn replay(app: &App, ctx: &Ctx, endpoint: EndpointId, id: EventId) -> Result<Answered<Delivery>, Error> {
    let plan = || async {
        let mut tx = app.tx();
        found(app, endpoint).await?;
        let before = app.store.get::<Delivery>(&Delivery::key(endpoint, id)).await?.ok_or(Refusal::NotFound)?;
        let after = before.replayed(app.clock.now());
        if after != *before {
            tx.replace(&before, &after);
        }
        Ok((after, tx))
    };
    app.execute(ctx, plan).await
}
