//! The clock: what is done because time has passed.

use std::sync::Arc;

use serde_json::{Value, json};
use shared::app::App;
use shared::fault::Fault;
use shared::usecase::{ask_provider, deliver, erase, expire, mark_failed, mature, reconcile, sweep_outbox};

/// The variables that it can't do without, besides those that every function has.
pub const NEEDS: [&str; 4] = ["REWARD_QUEUE_URL", "MAIL_QUEUE_URL", "STATISTICS_QUEUE_URL", "REWARD_DEAD_QUEUE_URL"];

/// Does what the schedule named in the event is for, and tells what it did.
///
/// # Errors
/// When it could not be done, or nobody knows the schedule.
pub async fn tick(app: Arc<App>, event: Value) -> Result<Value, Fault> {
    let schedule = event.get("schedule").and_then(Value::as_str).unwrap_or_default().to_owned();
    let did = match schedule.as_str() {
        "expire-orders" => json!(expire::expire_orders(&app).await?),
        "poll-payments" => json!(ask_provider::poll_payments(&app).await?),
        "mature-commissions" => json!(mature::mature_commissions(&app).await?),
        "reconcile" => json!(reconcile::reconcile(&app).await?),
        "expire-promotions" => json!(expire::expire_promotions(&app).await?),
        "erase-traces" => json!(erase::erase_traces_again(&app).await?),
        "deliver-events" => json!(deliver::deliver_due(&app).await?),
        "sweep-outbox" => {
            let swept = sweep_outbox::sweep_outbox(&app).await?;
            json!({"outbox": swept, "rewards": mark_failed::mark_failed(&app).await?})
        }
        other => return Err(Fault::bug(format!("no schedule is called {other}"))),
    };
    tracing::info!(schedule, did = %did, "ticked");
    Ok(did)
}
