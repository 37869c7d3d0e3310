//! Faults: whatever goes wrong between a function and its services, state is before or after, never between.

use emulator::faults::Fault;
use serde_json::{Value, json};

use crate::world::World;

/// The client repeats with the same key until it is told.
async fn insist(world: &World, name: &str, key: &str, path: &str, body: Value) -> Value {
    for _ in 0..12 {
        let answer = match name {
            "" => world.nobody().key(key).post(path, body.clone()).await,
            name => world.user(name).key(key).post(path, body.clone()).await,
        };
        if answer.status < 500 {
            return answer.is(201);
        }
        assert_eq!(answer.status, 503, "{}", answer.text);
        assert!(answer.headers.contains_key("retry-after"));
        world.advance(2).await;
    }
    panic!("{path} never answered");
}

/// R1.8: each call of a registration, an order and its payment goes wrong in each way, once; one account, one order, one credit
/// and one reward come of it.
#[test]
fn any_single_fault_in_the_main_job_has_no_effect_on_its_end() {
    for fault in Fault::ALL {
        for operation in ["TransactWriteItems", "BatchGetItem", "GetItem", "PutItem", "SendMessageBatch", "DeleteItem"]
        {
            for nth in 0..4 {
                World::run(async |world| {
                    world.open().await;
                    world.register("ann", None).await;
                    let code = world.code("ann").await;
                    world.stack.faults.script(operation, nth, fault);
                    let bob =
                        json!({"email": "bob@example.com", "password": "correct horse battery", "referral_code": code});
                    insist(world, "", "r", "/v1/registrations", bob).await;
                    world.sign_in("bob").await;
                    let ask = json!({"offer_id": "o100", "provider": "stripe"});
                    let order = insist(world, "bob", "o", "/v1/payment/orders", ask).await;
                    world.pay(&order, json!({})).await;
                    for _ in 0..3 {
                        world.settle().await;
                        world.advance(400).await;
                        world.stack.tick("sweep-outbox").await.ok();
                    }
                    world.stack.faults.clear();
                    world.settle().await;
                    world.sign_in("bob").await;
                    world.sign_in("ann").await;
                    let at = format!("{fault:?} at {operation} {nth}");
                    assert_eq!(world.balance("bob").await, "18.05555554", "{at}");
                    assert_eq!(world.balance("ann").await, "3", "{at}");
                });
            }
        }
    }
}
