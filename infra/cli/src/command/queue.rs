//! `withdrawals`, `payout-batches`, `reviews` and `reconcile`: manual decisions and the daily reports.

use serde_json::{Value, json};

use super::segment;
use crate::Ended;
use crate::api::Api;
use crate::args::{Decision, PayoutBatches, Reconcile, Reviews, Withdrawals};
use crate::output::Out;
use crate::trouble::Trouble;

const WITHDRAWALS: &str = "/v1/admin/withdrawals";
const PAYOUT_BATCHES: &str = "/v1/admin/payout-batches";
const REVIEWS: &str = "/v1/admin/payment/reviews";
const REPORTS: &str = "/v1/admin/payment/reconciliations";

/// Lists withdrawals, or approves or rejects one.
///
/// # Errors
/// Any request that the API refuses.
pub async fn withdrawals(asked: Withdrawals, api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    match asked {
        Withdrawals::List { state, user, shop, page } => {
            let filters = [("state", state.as_deref()), ("user", user.as_deref()), ("shop", shop.as_deref())];
            let listed = api.list(WITHDRAWALS, &filters, &page).await?;
            let columns = [
                "id",
                "created_at",
                "user",
                "shop_id",
                "amount.amount",
                "amount.currency",
                "to",
                "state",
                "payout.method",
                "payout.account",
                "payout.name",
                "shared_account",
                "first_approval.admin",
                "reference",
                "reason",
            ];
            out.list(&columns, &listed)?;
        }
        Withdrawals::Approve { id, reference } => {
            let path = format!("{WITHDRAWALS}/{}/approve", segment(&id)?);
            out.thing(&api.post(&path, &json!({"reference": reference})).await?)?;
        }
        Withdrawals::Reject { id, reason } => {
            let path = format!("{WITHDRAWALS}/{}/reject", segment(&id)?);
            out.thing(&api.post(&path, &json!({"reason": reason})).await?)?;
        }
    }
    Ok(Ended::Fine)
}

/// Lists payout batches, makes or shows one, or ends one.
///
/// # Errors
/// Any request that the API refuses.
pub async fn payout_batches(asked: PayoutBatches, api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    match asked {
        PayoutBatches::List { page } => {
            let listed = api.list(PAYOUT_BATCHES, &[], &page).await?;
            let columns = [
                "id",
                "created_at",
                "method",
                "format",
                "state",
                "count",
                "total.amount",
                "total.currency",
                "open",
                "paid",
                "failed",
                "dropped",
            ];
            out.list(&columns, &listed)?;
        }
        PayoutBatches::Make { method, format, month, limit } => {
            let mut body = json!({"method": method});
            for (name, value) in [("format", json!(format)), ("month", json!(month)), ("limit", json!(limit))] {
                if let (Some(body), false) = (body.as_object_mut(), value.is_null()) {
                    body.insert(name.to_owned(), value);
                }
            }
            out.thing(&api.post(PAYOUT_BATCHES, &body).await?)?;
        }
        PayoutBatches::Show { id } => {
            out.thing(&api.get(&format!("{PAYOUT_BATCHES}/{}", segment(&id)?)).await?)?;
        }
        PayoutBatches::Close { id, reference } => {
            let path = format!("{PAYOUT_BATCHES}/{}/close", segment(&id)?);
            out.thing(&api.post(&path, &json!({"reference": reference})).await?)?;
        }
        PayoutBatches::Drop { id, reason } => {
            let path = format!("{PAYOUT_BATCHES}/{}/drop", segment(&id)?);
            out.thing(&api.post(&path, &json!({"reason": reason})).await?)?;
        }
    }
    Ok(Ended::Fine)
}

/// Lists the review queue, or resolves an item.
///
/// # Errors
/// Any request that the API refuses.
pub async fn reviews(asked: Reviews, api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    match asked {
        Reviews::List { state, page } => {
            let listed = api.list(REVIEWS, &[("state", state.as_deref())], &page).await?;
            let columns = [
                "id",
                "created_at",
                "state",
                "reason",
                "provider",
                "payment_id",
                "order_id",
                "received.amount",
                "received.currency",
                "remaining.amount",
            ];
            out.list(&columns, &listed)?;
        }
        Reviews::Resolve { id, action, order, reason } => {
            let action = match action {
                Decision::Credit => "credit",
                Decision::RefundDue => "refund_due",
                Decision::Ignore => "ignore",
            };
            let mut body = json!({"action": action, "reason": reason});
            if let (Some(order), Some(body)) = (order, body.as_object_mut()) {
                body.insert("order_id".to_owned(), json!(order));
            }
            out.thing(&api.post(&format!("{REVIEWS}/{}/resolve", segment(&id)?), &body).await?)?;
        }
    }
    Ok(Ended::Fine)
}

/// Shows the daily reports, or one day line by line; ends with [`Ended::Found`] if anything differs.
///
/// # Errors
/// Any request that the API refuses.
pub async fn reconcile(asked: Reconcile, api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let differs: fn(&Value) -> bool = match &asked.date {
        Some(_) => |row| row.get("verdict").and_then(Value::as_str) != Some("total"),
        None => |row| row.get("state").and_then(Value::as_str) == Some("done") && !flag(row, "agrees"),
    };
    let rows = match &asked.date {
        Some(date) => {
            let listed = api.list(&format!("{REPORTS}/{}", segment(date)?), &[], &asked.page).await?;
            let columns = [
                "provider",
                "verdict",
                "payment_id",
                "order_id",
                "book.amount",
                "orders.amount",
                "ledger.amount",
                "orders_off.amount",
                "ledger_off.amount",
                "book.currency",
            ];
            out.list(&columns, &listed)?;
            listed.rows
        }
        None => {
            let listed = api.list(REPORTS, &[], &asked.page).await?;
            let columns =
                ["date", "provider", "state", "agrees", "checked", "differences", "unconfirmed", "finished_at"];
            out.list(&columns, &listed)?;
            listed.rows
        }
    };
    Ok(if rows.iter().any(differs) { Ended::Found } else { Ended::Fine })
}

fn flag(row: &Value, name: &str) -> bool {
    row.get(name).and_then(Value::as_bool).unwrap_or_default()
}
