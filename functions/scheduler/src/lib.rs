//! Scheduled jobs, one function call per schedule, and events of AWS services.

mod from_aws;
mod mail_feedback;

use std::sync::Arc;

use serde_json::{Value, json};
use shared::account::{credit_lots, erase};
use shared::affiliate::release_holds as mature;
use shared::app::App;
use shared::edge;
use shared::kernel::fault::Fault;
use shared::operations::{audit_table, dead_letters as drain_dead_letters, sign_heads, sweep_outbox};
use shared::payment::expire::ExpiryReport;
use shared::payment::{expire, poll_provider, reconcile};
use shared::risk::auto_release;
use shared::webhooks::deliver;

/// Environment variables that this function needs, besides those that every function has.
pub const NEEDS: [&str; 5] =
    ["REWARD_QUEUE_URL", "MAIL_QUEUE_URL", "STATISTICS_QUEUE_URL", "REWARD_DEAD_QUEUE_URL", "STACK_NAME"];

/// Run the job of the schedule named in the event, or take the event of a service, and return the report.
///
/// # Errors
/// Fails if the job fails, or nothing takes the event.
pub async fn tick(app: Arc<App>, event: Value) -> Result<Value, Fault> {
    if let Some(taken) = from_aws::take(&app, &event).await {
        let did = taken?;
        tracing::info!(did = %did, "took an event of AWS");
        return Ok(did);
    }
    let schedule = event.get("schedule").and_then(Value::as_str).unwrap_or_default().to_owned();
    let did = match schedule.as_str() {
        "audit" => json!(audit_table::audit_table(&app).await?),
        "expire-orders" => json!(expire::expire_orders(&app, &edge::context()).await?),
        "poll-payments" => json!(poll_provider::poll_payments(&app, &edge::context()).await?),
        "mature-commissions" => {
            let ctx = edge::context();
            let cases = auto_release::release_overdue_cases(&app, &ctx).await?;
            let ExpiryReport { expired, failed, left } = mature::mature_commissions(&app, &ctx).await?;
            json!({"expired": expired, "failed": failed, "left": left, "cases": cases})
        }
        "reconcile" => json!(reconcile::reconcile(&app, &edge::context()).await?),
        "sign-heads" => json!(sign_heads::sign_heads(&app, &edge::context()).await?),
        "expire-promotions" => json!(expire::expire_promotions(&app).await?),
        "expire-credit" => json!(credit_lots::expire_credit(&app, &edge::context()).await?),
        "erase-traces" => json!(erase::erase_traces_again(&app).await?),
        "deliver-events" => json!(deliver::deliver_due(&app, &edge::context()).await?),
        "sweep-outbox" => {
            let swept = sweep_outbox::sweep_outbox(&app).await?;
            json!({"outbox": swept, "rewards": drain_dead_letters::drain_dead_letters(&app, &edge::context()).await?})
        }
        other => return Err(Fault::bug(format!("no schedule is called {other}"))),
    };
    tracing::info!(schedule, did = %did, "ticked");
    Ok(did)
}
