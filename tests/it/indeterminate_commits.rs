//! Responses to requests with an indeterminate commit (R1.8, J1–J3).

use emulator::faults::Fault;
use serde_json::json;

use crate::world::World;

/// J3, R1.8: if every reply to a commit is lost, the response says that the outcome is unknown.
/// It never says that nothing changed, and the same key returns the outcome later.
#[test]
fn a_commit_whose_replies_are_all_lost_is_unknown_until_its_key_tells() {
    for fault in [Fault::ReplyLost, Fault::Hang, Fault::Truncated] {
        World::run(async |world| {
            let told = world.register("bob", None).await;
            let path = format!("/v1/admin/users/{}/adjustments", told["user"]["id"].as_str().unwrap());
            let ask = async || world.admin().key("k").post(&path, json!({"amount": "5", "remark": "sorry"})).await;
            for _ in 0..500 {
                world.stack.faults.script("TransactWriteItems", 0, fault);
            }
            ask().await.refused(503, "outcome_unknown");
            assert_eq!(world.balance("bob").await, "5", "{fault:?}");
            world.stack.faults.clear();
            let again = ask().await;
            assert_eq!(again.headers["idempotency-replayed"], "true", "{fault:?}");
            again.is(200);
            assert_eq!(world.balance("bob").await, "5", "{fault:?}");
        });
    }
}
