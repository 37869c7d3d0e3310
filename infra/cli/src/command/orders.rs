//! `orders`: list, explain, complete, refund and verify orders.

use serde_json::{Value, json};

use super::segment;
use crate::Ended;
use crate::api::{Api, Ask};
use crate::args::Orders;
use crate::output::{Format, Out};
use crate::trouble::Trouble;

const PATH: &str = "/v1/admin/payment/orders";
const COLUMNS: &[&str] = &[
    "id",
    "created_at",
    "status",
    "user.email",
    "provider",
    "charge.amount",
    "charge.currency",
    "net.amount",
    "total.amount",
    "total.currency",
    "paid_at",
];

/// Lists, shows, completes, refunds or verifies orders.
///
/// # Errors
/// Any request that the API refuses.
pub async fn run(asked: Orders, api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    match asked {
        Orders::List { status, provider, method, user, email, page } => {
            let filters = [
                ("status", status.as_deref()),
                ("provider", provider.as_deref()),
                ("method", method.as_deref()),
                ("user", user.as_deref()),
                ("email", email.as_deref()),
            ];
            let listed = api.list(PATH, &filters, &page).await?;
            out.list(COLUMNS, &listed)?;
        }
        Orders::Show { id } => {
            let path = format!("{PATH}/{}", segment(&id)?);
            let order = api.get(&path).await?;
            show(order, explained(api, &path).await?, out)?;
        }
        Orders::Complete { id, reason, payment } => {
            let mut body = json!({"reason": reason});
            if let (Some(payment), Some(body)) = (payment, body.as_object_mut()) {
                body.insert("provider_payment_id".to_owned(), json!(payment));
            }
            let order = api.post(&format!("{PATH}/{}/complete", segment(&id)?), &body).await?;
            show(order, None, out)?;
        }
        Orders::Refund { id, reason, amount, made_elsewhere, reference } => {
            let mut body = json!({"reason": reason});
            if let Some(body) = body.as_object_mut() {
                body.extend(amount.map(|amount| ("amount".to_owned(), json!(amount))));
                body.extend(made_elsewhere.then(|| ("made_elsewhere".to_owned(), json!(true))));
                body.extend(reference.map(|reference| ("reference".to_owned(), json!(reference))));
            }
            out.thing(&api.post(&format!("{PATH}/{}/refunds", segment(&id)?), &body).await?)?;
        }
        Orders::Explain { id } => {
            let explained = api.get(&format!("{PATH}/{}/explain", segment(&id)?)).await?;
            match out.format() {
                Format::Json => out.json(&explained)?,
                _ => decisions(&explained, out)?,
            }
        }
        Orders::Verify { id } => {
            let order = api.post(&format!("{PATH}/{}/verify", segment(&id)?), &json!({})).await?;
            show(order, None, out)?;
        }
    }
    Ok(Ended::Fine)
}

/// The derivation of the order's amounts, if the deployment offers it.
async fn explained(api: &Api, path: &str) -> Result<Option<Value>, Trouble> {
    let path = format!("{path}/explain");
    let answer = api.send(Ask { method: "GET", path: &path, body: None, headers: &[], repeatable: true }).await?;
    match answer.status {
        200 => answer.json().map(Some),
        _ => Ok(None),
    }
}

/// Prints the order, its events and its history one below the other; as JSON in one document.
fn show(mut order: Value, explained: Option<Value>, out: &mut Out<'_>) -> Result<(), Trouble> {
    if out.format() == Format::Json {
        if let (Some(explained), Some(order)) = (explained, order.as_object_mut()) {
            order.insert("explain".to_owned(), explained);
        }
        return out.json(&order);
    }
    let mut part = |name: &str| match order.get_mut(name).map(Value::take) {
        Some(Value::Array(rows)) => rows,
        _ => Vec::new(),
    };
    let (transitions, events) = (part("transitions"), part("events"));
    out.thing(&order)?;
    if out.format() == Format::Csv {
        return Ok(());
    }
    out.rows(&["status", "at"], &transitions)?;
    if !events.is_empty() {
        out.rows(&["received_at", "type", "outcome", "id"], &events)?;
    }
    explained.map_or(Ok(()), |explained| decisions(&explained, out))
}

/// Prints what was decided about an order, and why.
fn decisions(explained: &Value, out: &mut Out<'_>) -> Result<(), Trouble> {
    match explained.get("decisions").and_then(Value::as_array) {
        Some(decisions) => out.rows(&["subject", "outcome", "amount.amount", "amount.currency", "because"], decisions),
        None => Ok(()),
    }
}
