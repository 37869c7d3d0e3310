//! The Zpay gateway's notifications (R4.8).

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use shared::app::App;
use shared::edge::body::Raw;
use shared::kernel::fault::{Chain, Error};
use shared::kernel::network::any_holds;
use shared::kernel::provider::Provider;
use shared::payment::gateway::zpay::notify::ZpayNotice;
use shared::payment::ingest::{Ingested, PaymentEvent, ProviderEvent, settle};
use shared::payment::model::settings::{ForeignPayments, PaymentSettings};

use super::callback;
use shared::edge;

/// Receive a notification in the query.
#[utoipa::path(
    get, path = "/v1/webhooks/zpay", operation_id = "zpay_notify", tag = "webhooks",
    summary = "Takes a Zpay notification in the query",
    responses(
        (status = 200, description = "`success` once its outcome is stored, else `fail`.", body = String, content_type = "text/plain"),
    ),
)]
pub async fn zpay_notify(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Response {
    answer(take(&app, query.unwrap_or_default().as_bytes()).await)
}

/// Receive a notification in a form.
#[utoipa::path(
    post, path = "/v1/webhooks/zpay", operation_id = "zpay_notify_form", tag = "webhooks",
    summary = "Takes a Zpay notification in a form",
    request_body(content = std::collections::BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "`success` once its outcome is stored, else `fail`.", body = String, content_type = "text/plain")
    ),
)]
pub async fn zpay_notify_form(State(app): State<Arc<App>>, RawQuery(query): RawQuery, Raw(body): Raw) -> Response {
    let query = query.unwrap_or_default();
    let raw = if body.is_empty() { query.as_bytes() } else { &body };
    answer(take(&app, raw).await)
}

fn answer(success: bool) -> Response {
    let text = if success { "success" } else { "fail" };
    ([(CONTENT_TYPE, "text/plain")], text).into_response()
}

/// Process a notification. True if its outcome is stored; the gateway repeats on `fail`.
async fn take(app: &App, raw: &[u8]) -> bool {
    let Some(zpay) = &app.providers.zpay else { return false };
    let notice = match zpay.verify(raw) {
        Ok(notice) => notice,
        Err(forged) => {
            tracing::warn!(%forged, "a forged notification");
            callback(Provider::Zpay, None);
            return false;
        }
    };
    match settled(app, notice, raw).await {
        Ok(settled @ Ingested::Stored(_)) => {
            callback(Provider::Zpay, Some(settled));
            true
        }
        Ok(Ingested::Unconfirmed) => {
            tracing::warn!("a notification that the gateway's query does not confirm");
            callback(Provider::Zpay, Some(Ingested::Unconfirmed));
            false
        }
        Err(Error::Refused(refusal)) => {
            tracing::warn!(code = refusal.code(), "a notification from where none is taken");
            false
        }
        Err(Error::Fault(fault)) => {
            tracing::error!(fault = %Chain(&fault), "a notification that could not be stored");
            false
        }
    }
}

async fn settled(app: &App, notice: ZpayNotice, raw: &[u8]) -> Result<Ingested, Error> {
    let settings = app.settings::<PaymentSettings>().await?.settings;
    let foreign = settings.foreign_payments == ForeignPayments::Ignore && notice.order().is_none();
    let settings = &settings.providers.zpay;
    if !comes_from(&settings.ip_allow_list) {
        return Err(shared::kernel::refusal::Refusal::Forbidden.into());
    }
    let claims = notice.claims_success();
    let fact = match (&notice.read, claims) {
        (Err(reason), _) => PaymentEvent::Unreadable { reason },
        (Ok(_), _) if foreign => PaymentEvent::Foreign,
        (Ok(amount), true) => PaymentEvent::Captured { amount: *amount, at: None },
        (Ok(_), false) => PaymentEvent::Nothing,
    };
    let confirm = settings.confirm_by_query || !notice.is_success();
    let notice = ProviderEvent {
        provider: Provider::Zpay,
        order: notice.order(),
        event_id: notice.event_id,
        kind: notice.trade_status,
        payment_id: Some(notice.trade_no).filter(|trade_no| !trade_no.is_empty()),
        confirm: confirm && matches!(fact, PaymentEvent::Captured { .. }),
        fact,
        received_at: app.clock.now(),
        raw: String::from_utf8_lossy(raw).into_owned(),
    };
    settle(app, &edge::context(), &notice).await
}

/// True if the caller's address is on the list; an empty list allows any address.
fn comes_from(allowed: &[String]) -> bool {
    let caller = shared::table::request::origin().client_ip;
    allowed.is_empty() || caller.is_some_and(|caller| any_holds(allowed, &caller))
}
