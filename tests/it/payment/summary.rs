//! Totals of orders by the list's filters, before and after refunds (R4.12), and rest (F13).

use serde_json::{Value, json};

use crate::payment::refunds::act;
use crate::world::World;

const SUMMARY: &str = "/v1/admin/payment/orders/summary";

/// Orders, gross charge, net charge, and what is left of credit and bonus.
async fn sums(world: &World, query: &str) -> (u64, String, String, String) {
    let of = world.admin().get(&format!("{SUMMARY}{query}")).await.is(200);
    let text = |value: &Value| value["amount"].as_str().unwrap().to_owned();
    (of["orders"].as_u64().unwrap(), text(&of["charge"]), text(&of["net"]["charge"]), text(&of["net"]["total"]))
}

fn are(orders: u64, charge: &str, net: &str, total: &str) -> (u64, String, String, String) {
    (orders, charge.to_owned(), net.to_owned(), total.to_owned())
}

/// R4.12: the summary takes the filters of the list, and is net of refunds beside gross.
#[test]
fn a_summary_takes_the_filters_of_the_list_and_is_net_of_refunds() {
    World::run(async |world| {
        world.open().await;
        world.settings("promotion", |settings| settings["enabled"] = json!(false)).await;
        world.register("ann", None).await;
        world.register("bob", None).await;
        let mut orders = Vec::new();
        for (name, provider) in [("ann", "stripe"), ("ann", "zpay"), ("bob", "stripe")] {
            let order = world.order(name, json!({"offer_id": "o100", "provider": provider})).await;
            world.pay(&order, json!({})).await;
            orders.push(order);
        }
        world.order("bob", json!({"offer_id": "o50", "provider": "zpay"})).await;
        world.settle().await;
        act(world, &orders[2], "refund", json!({"amount": "30"})).await;
        assert_eq!(sums(world, "").await, are(3, "300.00", "270.00", "37.49999997"));
        assert_eq!(sums(world, "?provider=stripe").await, are(2, "200.00", "170.00", "23.61111109"));
        assert_eq!(sums(world, "?status=partially_refunded").await, are(1, "100.00", "70.00", "9.72222221"));
        assert_eq!(sums(world, "?status=pending").await, are(0, "0.00", "0.00", "0"));
        assert_eq!(sums(world, "?email=ann@example.com").await, are(2, "200.00", "200.00", "27.77777776"));
        assert_eq!(sums(world, "?method=alipay").await, are(1, "100.00", "100.00", "13.88888888"));
        assert_eq!(sums(world, "?from=2026-11-20&to=2026-11-20").await, are(3, "300.00", "270.00", "37.49999997"));
        assert_eq!(sums(world, "?from=2026-11-21").await, are(0, "0.00", "0.00", "0"));
        world.admin().get(&format!("{SUMMARY}?provider=paypal")).await.refused(422, "invalid");
    });
}

/// F13: a stack is at rest only once no queue holds a message and no transaction's messages are unsent.
#[test]
fn a_stack_is_at_rest_only_when_nothing_is_under_way() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        world.settle().await;
        assert!(world.stack.is_idle().unwrap());
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        world.pay(&order, json!({})).await;
        world.stack.pump_webhooks().await;
        assert!(!world.stack.is_idle().unwrap(), "a message waits");
        world.settle().await;
        assert!(world.stack.is_idle().unwrap());
    });
}
