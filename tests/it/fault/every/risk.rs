//! Decisions about cases of risk (R10.2).

use serde_json::json;

use super::asks::{Act, ask};
use crate::operations::risk::held_case;
use crate::world::World;

/// Decisions about a case that holds a reward of each side and a commission.
pub async fn of_risk(world: &World, act: &str) -> Act {
    let id = held_case(world).await;
    let order = world.order("bob+1", json!({"offer_id": "o100", "provider": "stripe"})).await;
    world.pay(&order, json!({})).await;
    world.settle().await;
    match act.strip_prefix("{id}/") {
        Some(verb) => ask("admin", format!("/v1/admin/risk/cases/{id}/{verb}"), json!({"reason": "looked into"})),
        None => ask("admin", format!("/v1/admin/risk/cases/{act}"), json!({"ids": [id], "reason": "looked into"})),
    }
}
