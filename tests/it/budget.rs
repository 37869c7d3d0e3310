//! Budgets: calls and capacity units of the main operations, exactly, so that a change that costs more is seen.

use serde_json::json;

use crate::world::World;

/// Calls by operation and write units since the last reset.
fn used(world: &World) -> (Vec<(String, u64)>, u64) {
    let used = world.stack.dynamo.used();
    let calls = used.iter().map(|(name, usage)| (name.clone(), usage.calls)).collect();
    (calls, used.values().map(|usage| usage.write_units).sum())
}

fn calls(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected.iter().map(|(name, calls)| ((*name).to_owned(), *calls)).collect()
}

/// R4.3: an order is one read, the provider and a commit.
#[test]
fn an_order_is_one_read_and_one_commit() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        world.stack.dynamo.reset();
        world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        let (made, units) = used(world);
        assert_eq!(made, calls(&[("BatchGetItem", 1), ("TransactWriteItems", 1)]));
        assert_eq!(units, ORDER);
    });
}

/// R4.6: a webhook that credits is two reads, the raw event and a commit, then one outbox delete; told again it is one read.
#[test]
fn a_webhook_that_credits_is_two_reads_and_one_commit() {
    World::run(async |world| {
        world.open().await;
        world.register("ann", None).await;
        let code = world.code("ann").await;
        world.register("bob", Some(&code)).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        world.pay(&order, json!({"notify": "twice"})).await;
        world.stack.dynamo.reset();
        let due = world.stack.simulators.due(world.stack.clock.now());
        let [first, second] = <[_; 2]>::try_from(due).unwrap_or_else(|due| panic!("{} notifications", due.len()));
        assert_eq!(world.stack.http(first.request, "127.0.0.1").await.body(), "success");
        let (made, units) = used(world);
        let once = [("BatchGetItem", 1), ("DeleteItem", 1), ("GetItem", 1), ("PutItem", 1), ("TransactWriteItems", 1)];
        assert_eq!(made, calls(&once));
        assert_eq!(units, WEBHOOK);
        world.stack.dynamo.reset();
        assert_eq!(world.stack.http(second.request, "127.0.0.1").await.body(), "success");
        assert_eq!(used(world), (calls(&[("BatchGetItem", 1)]), 0));
    });
}

/// A page of a list is one call.
#[test]
fn a_page_of_a_list_is_one_call() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        for path in ["/v1/payment/orders", "/v1/balance/records", "/v1/referral/rewards"] {
            world.stack.dynamo.reset();
            world.user("bob").get(path).await.is(200);
            assert_eq!(used(world), (calls(&[("Query", 1)]), 0), "{path}");
        }
    });
}

const ORDER: u64 = 9;
/// Of an invited user with a promotion: the raw event, the transaction, the outbox delete, and two units for the deployment's first
/// journal.
const WEBHOOK: u64 = 27;
