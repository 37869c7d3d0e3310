//! Numbered receipts of paid orders (R4.12).

use serde_json::{Value, json};

use crate::agency::id;
use crate::fixtures::refund;
use crate::world::{Answer, World};

fn path(order: &Value) -> String {
    format!("/v1/payment/orders/{}/receipt", order["id"].as_str().unwrap())
}

async fn issue(world: &World, name: &str, order: &Value) -> Answer {
    world.user(name).post(&path(order), json!({})).await
}

async fn ordered(world: &World, name: &str) -> Value {
    world.order(name, json!({"offer_id": "o100", "provider": "stripe"})).await
}

async fn paid(world: &World, name: &str) -> Value {
    let order = ordered(world, name).await;
    world.pay(&order, json!({})).await;
    world.settle().await;
    order
}

async fn begun(world: &World) {
    world.open().await;
    for name in ["bob", "eve"] {
        world.register(name, None).await;
    }
}

/// R4.12: a receipt gets the next number of the year when it is first issued; repeated, it is the same one.
#[test]
fn a_receipt_gets_the_next_number_of_the_year_once() {
    World::run(async |world| {
        begun(world).await;
        let (first, second) = (paid(world, "bob").await, paid(world, "eve").await);
        world.user("bob").get(&path(&first)).await.refused(404, "not_found");
        let made = issue(world, "bob", &first).await.is(200);
        assert_eq!((&made["reference"], &made["order_id"]), (&json!("R-2026-000001"), &first["id"]));
        assert_eq!(made["issuer"], json!({"name": "Guerdon", "address": [], "tax_number": null}));
        world.advance(60).await;
        assert_eq!(issue(world, "bob", &first).await.is(200), made);
        assert_eq!(world.user("bob").get(&path(&first)).await.is(200), made);
        assert_eq!(issue(world, "eve", &second).await.is(200)["reference"], "R-2026-000002");
        let file = world.admin().get(&format!("/v1/admin/payment/orders/{}", id(&first))).await.is(200);
        assert_eq!(file["receipt"], made);
        refund(world, &first, 10_000).await;
        assert_eq!(issue(world, "bob", &first).await.is(200), made, "what went back changes no receipt");
    });
}

/// R4.12: only the own paid orders have receipts, also those of which something went back; an order that is not paid takes no number.
#[test]
fn only_paid_orders_of_ones_own_have_receipts() {
    World::run(async |world| {
        begun(world).await;
        let (open, bobs) = (ordered(world, "bob").await, paid(world, "bob").await);
        issue(world, "bob", &open).await.refused(409, "order_not_paid");
        issue(world, "eve", &bobs).await.refused(404, "not_found");
        refund(world, &bobs, 3_000).await;
        assert_eq!(issue(world, "bob", &bobs).await.is(200)["reference"], "R-2026-000001");
        world.user("eve").get(&path(&bobs)).await.refused(404, "not_found");
        let none = json!({"id": "ord_01m7w6c38029x193xqrjx9657c"});
        issue(world, "bob", &none).await.refused(404, "not_found");
        let file = world.admin().get(&format!("/v1/admin/payment/orders/{}", id(&open))).await.is(200);
        assert_eq!(file["receipt"], Value::Null);
        let bob = id(&world.user("bob").get("/v1/me").await.is(200));
        let blocked = json!({"status": "blocked", "reason": "a look"});
        world.admin().put(&format!("/v1/admin/users/{bob}/status"), blocked).await.is(200);
        issue(world, "bob", &bobs).await.refused(403, "account_blocked");
    });
}

/// R4.12: the operator's details are those of the day of issue; each year counts anew.
#[test]
fn a_receipt_keeps_the_operators_details_and_each_year_counts_anew() {
    World::run(async |world| {
        world.settle().await;
        world.stack.clock.set("2026-12-31T23:00:00Z".parse().unwrap());
        world.sign_in("admin").await;
        begun(world).await;
        let details = async |name: &str| {
            world
                .settings("console", |settings| {
                    settings["receipt_name"] = json!(name);
                    settings["receipt_address"] = json!(["1 Main Street", "10115 Berlin"]);
                    settings["receipt_tax_number"] = json!("DE 123");
                })
                .await;
        };
        details("Acme Ltd").await;
        let (first, second) = (paid(world, "bob").await, paid(world, "bob").await);
        let made = issue(world, "bob", &first).await.is(200);
        let issuer = json!({"name": "Acme Ltd", "address": ["1 Main Street", "10115 Berlin"], "tax_number": "DE 123"});
        assert_eq!(made["issuer"], issuer);
        world.settle().await;
        world.stack.clock.set("2027-01-01T00:00:00Z".parse().unwrap());
        for name in ["admin", "bob"] {
            world.sign_in(name).await;
        }
        details("Acme Holding").await;
        world.advance(61).await;
        assert_eq!(issue(world, "bob", &first).await.is(200), made, "issued is issued");
        let next = issue(world, "bob", &second).await.is(200);
        assert_eq!((&next["reference"], &next["issuer"]["name"]), (&json!("R-2027-000001"), &json!("Acme Holding")));
    });
}
