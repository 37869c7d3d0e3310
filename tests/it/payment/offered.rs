//! Offers that can be paid; attempts that can't be made and do not count (R4.2, F12, F15).

use serde_json::{Value, json};

use crate::world::World;

const ORDERS: &str = "/v1/payment/orders";

/// F12: a session by a method that needs a parameter is made with it; the simulator refuses it without, as Stripe does.
#[test]
fn a_method_that_needs_a_parameter_gets_it() {
    World::run(async |world| {
        world.open().await;
        let methods = json!(["card", "wechat_pay", "ideal"]);
        world.settings("payment", |of| of["providers"]["stripe"]["methods"] = methods).await;
        world.register("bob", None).await;
        for method in ["wechat_pay", "card"] {
            let body = json!({"offer_id": "o100", "provider": "stripe", "method": method});
            let order = world.order("bob", body).await;
            assert_eq!((&order["status"], &order["method"]), (&json!("pending"), &json!(method)), "{order}");
            world.pay(&order, json!({})).await;
        }
        world.settle().await;
        assert_ne!(world.balance("bob").await, "0");
    });
}

/// F12: a method that no session can take without more is refused where it is set.
#[test]
fn a_method_that_cannot_work_is_refused_in_the_settings() {
    World::run(async |world| {
        let path = "/v1/admin/settings/payment";
        let read = world.admin().get(path).await.is(200);
        for method in ["customer_balance", "acss_debit"] {
            let mut settings = read["settings"].clone();
            settings["providers"]["stripe"]["methods"] = json!(["card", method]);
            let version = format!("\"{}\"", read["version"]);
            let refused = world.admin().header("if-match", &version).put(path, settings).await.refused(422, "invalid");
            assert_eq!(refused["errors"][0]["pointer"], "/providers/stripe/methods/1");
        }
    });
}

/// F12: without named methods the payer chooses among those of Stripe's Dashboard.
#[test]
fn without_methods_those_of_the_dashboard_are_offered() {
    World::run(async |world| {
        world.open().await;
        world.settings("payment", |of| of["providers"]["stripe"]["methods"] = json!([])).await;
        world.register("bob", None).await;
        let config = world.user("bob").get("/v1/payment/config").await.is(200);
        assert_eq!(config["providers"][0], json!({"id": "stripe", "methods": []}));
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        assert_eq!((&order["status"], &order["method"]), (&json!("pending"), &json!("dashboard")));
        let session = world.stack.simulators.book().session_of(order["id"].as_str().unwrap()).unwrap().clone();
        assert_eq!(session.methods, ["card", "alipay"]);
        let named = json!({"offer_id": "o100", "provider": "stripe", "method": "card"});
        let refused = world.user("bob").once().post(ORDERS, named).await.refused(422, "invalid");
        assert_eq!(refused["errors"][0]["pointer"], "/method");
        world.pay(&order, json!({})).await;
        world.settle().await;
        assert_eq!(world.balance("bob").await, "18.05555554");
    });
}

/// F15: a gateway that takes yuan only is not offered for dollars, and asking for it uses up nothing.
#[test]
fn a_provider_that_cannot_take_the_currency_is_not_offered() {
    World::run(async |world| {
        world.open().await;
        world.settings("payment", |of| of["pay_currency"] = json!("USD")).await;
        world.register("bob", None).await;
        let config = world.user("bob").get("/v1/payment/config").await.is(200);
        let offered: Vec<&Value> = config["providers"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
        assert_eq!(offered, [&json!("stripe")]);
        for _ in 0..4 {
            let body = json!({"offer_id": "o100", "provider": "zpay"});
            let refused = world.user("bob").once().post(ORDERS, body).await.refused(422, "invalid");
            assert_eq!(refused["errors"][0]["pointer"], "/provider");
        }
        for _ in 0..3 {
            assert_eq!(world.order("bob", json!({"offer_id": "o10", "provider": "stripe"})).await["status"], "pending");
        }
        world
            .user("bob")
            .once()
            .post(ORDERS, json!({"offer_id": "o10", "provider": "stripe"}))
            .await
            .refused(429, "rate_limited");
    });
}

/// F15: offers outside the limits are not shown, since they can't be ordered.
#[test]
fn an_offer_that_cannot_be_ordered_is_not_shown() {
    World::run(async |world| {
        world.open().await;
        world.settings("payment", |of| of["max_amount"] = json!("60")).await;
        world.register("bob", None).await;
        let config = world.user("bob").get("/v1/payment/config").await.is(200);
        let shown: Vec<&str> =
            config["offers"].as_array().unwrap().iter().map(|offer| offer["id"].as_str().unwrap()).collect();
        assert_eq!(shown, ["o10", "o50"]);
        for id in shown {
            world.order("bob", json!({"offer_id": id, "provider": "zpay"})).await;
        }
    });
}
