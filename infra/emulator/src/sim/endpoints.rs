//! Simulated Stripe's webhook endpoints: kept as Stripe keeps them. Events go to the stack's own address whatever is kept here.

use serde_json::{Value, json};

use super::book::Book;
use super::stripe::{Failure, group, required};
use super::{Asked, Desk};

/// Most endpoints of a mode.
const MOST: usize = 16;
/// Event types that the simulator knows, of the hundreds that Stripe has.
const KINDS: [&str; 16] = [
    "*",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.refunded",
    "charge.succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "payment_intent.succeeded",
    "refund.created",
    "refund.failed",
    "refund.updated",
];

fn events(asked: &Asked<'_>) -> Result<Vec<String>, Failure> {
    let events: Vec<String> = group(asked, "enabled_events").into_values().collect();
    match events.iter().find(|kind| !KINDS.contains(&kind.as_str())) {
        Some(kind) => {
            Err(Failure::invalid("parameter_invalid", "enabled_events", format!("Invalid event type {kind}")))
        }
        None => Ok(events),
    }
}

/// Creates an endpoint; only this answer has its secret.
pub(super) fn create(desk: &mut Desk<'_>, asked: &Asked<'_>) -> Result<Value, Failure> {
    let url = required(asked, "url")?;
    let events = events(asked)?;
    if events.is_empty() {
        return Err(Failure::invalid("parameter_missing", "enabled_events", "Missing required param: enabled_events."));
    }
    if desk.book.endpoints.len() >= MOST {
        return Err(Failure::invalid(
            "resource_exhausted",
            "url",
            "You have reached the maximum of 16 test webhook endpoints.",
        ));
    }
    let (id, secret) = (desk.book.id("we_"), desk.book.id("whsec_"));
    let mut endpoint = json!({
        "id": id, "object": "webhook_endpoint", "url": url, "enabled_events": events, "status": "enabled",
        "api_version": asked.field("api_version"), "description": asked.field("description"),
        "created": desk.now.as_second(), "livemode": false,
    });
    desk.book.endpoints.insert(id, endpoint.clone());
    if let Some(fields) = endpoint.as_object_mut() {
        fields.insert("secret".to_owned(), json!(secret));
    }
    Ok(endpoint)
}

/// Changes events, or switches an endpoint on or off.
pub(super) fn update(desk: &mut Desk<'_>, asked: &Asked<'_>, id: &str) -> Result<Value, Failure> {
    let events = events(asked)?;
    let endpoint = desk.book.endpoints.get_mut(id).ok_or_else(|| Failure::missing("webhook_endpoint", id))?;
    if let Some(fields) = endpoint.as_object_mut() {
        if !events.is_empty() {
            fields.insert("enabled_events".to_owned(), json!(events));
        }
        if let Some(disabled) = asked.field("disabled") {
            fields.insert("status".to_owned(), json!(if disabled == "true" { "disabled" } else { "enabled" }));
        }
    }
    Ok(endpoint.clone())
}

/// Deletes an endpoint.
pub(super) fn delete(desk: &mut Desk<'_>, id: &str) -> Result<Value, Failure> {
    desk.book.endpoints.remove(id).ok_or_else(|| Failure::missing("webhook_endpoint", id))?;
    Ok(json!({"id": id, "object": "webhook_endpoint", "deleted": true}))
}

/// All endpoints, newest first.
pub(super) fn all(book: &Book) -> Vec<Value> {
    let mut all: Vec<Value> = book.endpoints.values().cloned().collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.get("created").and_then(Value::as_i64)));
    all
}
