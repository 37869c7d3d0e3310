//! Explanations of an order (R9.3) and of days (R9.2).

use serde_json::{Value, json};

use crate::affiliate::commission::invited;
use crate::payment::refunds::act;
use crate::world::World;

/// Each decision about an order: subject, outcome and amount.
async fn explained(world: &World, order: &Value) -> Vec<(String, String, String)> {
    let path = format!("/v1/admin/payment/orders/{}/explain", order["id"].as_str().unwrap());
    let told = world.admin().get(&path).await.is(200);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = |of: &Value| (text(&of["subject"]), text(&of["outcome"]), text(&of["amount"]["amount"]));
    assert!(
        told["decisions"].as_array().unwrap().iter().all(|of| of["because"].as_str().unwrap().len() > 10),
        "{told}"
    );
    told["decisions"].as_array().unwrap().iter().map(of).collect()
}

fn all(expected: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    let of = |(subject, outcome, amount): &(&str, &str, &str)| {
        ((*subject).to_owned(), (*outcome).to_owned(), (*amount).to_owned())
    };
    expected.iter().map(of).collect()
}

/// R9.3: a first order is explained by credit, tier, bonus, reward and commission.
/// An unpaid order's explanation says that nothing was granted.
#[test]
fn a_paid_order_is_explained_and_an_unpaid_one_too() {
    World::run(async |world| {
        world.settings("promotion", |of| of["enabled"] = json!(true)).await;
        invited(world).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        let unpaid = all(&[
            ("price", "priced", "13.88888888"),
            ("payment", "pending", ""),
            ("credit", "not_paid", ""),
            ("tier", "on_the_order", ""),
            ("bonus", "not_paid", ""),
            ("inviter_reward", "nothing_promised", ""),
            ("invitee_reward", "nothing_promised", ""),
            ("commission", "not_paid", ""),
        ]);
        assert_eq!(explained(world, &order).await, unpaid);
        world.pay(&order, json!({})).await;
        world.settle().await;
        let paid = all(&[
            ("price", "priced", "13.88888888"),
            ("payment", "paid", ""),
            ("credit", "credited", "13.88888888"),
            ("tier", "on_the_order", ""),
            ("bonus", "credited", "4.16666666"),
            ("inviter_reward", "nothing_promised", ""),
            ("invitee_reward", "nothing_promised", ""),
            ("commission", "earned", "1.38888888"),
        ]);
        assert_eq!(explained(world, &order).await, paid);
        world.admin().get("/v1/admin/payment/orders/ord_x/explain").await.refused(404, "not_found");
    });
}

/// R9.3: a missing bonus, commission or reward is explained.
/// A second order has no bonus, since the first used it. An order above the limit earns no commission. Below the threshold nobody
/// is rewarded.
#[test]
fn what_was_not_granted_is_explained() {
    World::run(async |world| {
        world.open().await;
        world
            .settings("affiliate", |of| {
                of["enabled"] = json!(true);
                of["default_trigger_limit"] = json!(1);
            })
            .await;
        world
            .settings("referral", |of| {
                of["enabled"] = json!(true);
                of["qualified"] = json!({"threshold": "150", "inviter_reward": "3", "invitee_reward": "0"});
            })
            .await;
        let ann = world.register("ann", None).await;
        let code = world.user("ann").get("/v1/referral").await.is(200)["code"].as_str().unwrap().to_owned();
        world.register("bob", Some(&code)).await;
        assert!(ann["user"]["id"].is_string());
        let (mut orders, of) = (Vec::new(), |of: &[(String, String, String)], subject: &str| {
            let found = of.iter().find(|(name, ..)| name == subject).unwrap();
            (found.1.clone(), found.2.clone())
        });
        for _ in 0..2 {
            let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
            world.pay(&order, json!({})).await;
            world.settle().await;
            orders.push(order);
            let told = explained(world, &orders[0]).await;
            let reward = if orders.len() == 1 { ("below_threshold", "") } else { ("granted", "3") };
            assert_eq!(of(&told, "inviter_reward"), (reward.0.to_owned(), reward.1.to_owned()));
        }
        let second = explained(world, &orders[1]).await;
        assert_eq!(of(&second, "tier").0, "already_used");
        assert_eq!(of(&second, "bonus").0, "already_used");
        assert_eq!(of(&second, "commission").0, "limit_reached");
        assert_eq!(
            of(&explained(world, &orders[0]).await, "commission"),
            ("earned".to_owned(), "1.38888888".to_owned())
        );
        // A refund shows in everything that depends on the payment.
        act(world, &orders[0], "refund", json!({"amount": "70"})).await;
        let first = explained(world, &orders[0]).await;
        assert_eq!(of(&first, "credit"), ("reduced".to_owned(), "4.16666666".to_owned()));
        assert_eq!(of(&first, "bonus"), ("reduced".to_owned(), "1.24999999".to_owned()));
        assert_eq!(of(&first, "inviter_reward"), ("reversed".to_owned(), "3".to_owned()));
        assert_eq!(of(&first, "commission"), ("partially_reversed".to_owned(), "0.41666666".to_owned()));
    });
}

/// R9.2: days are listed per provider, newest first, also as CSV.
/// A refund counts on the day of its payment.
#[test]
fn days_are_told_by_provider() {
    World::run(async |world| {
        world.settings("promotion", |of| of["enabled"] = json!(true)).await;
        invited(world).await;
        for (provider, next) in [("zpay", 86_400), ("stripe", 0)] {
            let order = world.order("bob", json!({"offer_id": "o100", "provider": provider})).await;
            world.pay(&order, json!({})).await;
            world.settle().await;
            if provider == "stripe" {
                act(world, &order, "refund", json!({"amount": "30"})).await;
            }
            world.advance(next).await;
            world.sign_in("admin").await;
            world.sign_in("bob").await;
        }
        let days = world.admin().get("/v1/admin/stats/daily").await.is(200);
        let [second, first] = [&days["items"][0], &days["items"][1]];
        assert_eq!(days["items"].as_array().unwrap().len(), 2);
        assert_eq!((first["invitees"].as_u64(), first["providers"]["zpay"]["orders"].as_u64()), (Some(1), Some(1)));
        assert_eq!(first["providers"]["zpay"]["bonus"]["amount"], "4.16666666");
        assert_eq!(first["commission_earned"]["amount"], "1.38888888");
        assert_eq!((second["users"].as_u64(), second["providers"]["zpay"]["orders"].as_u64()), (Some(0), Some(0)));
        let stripe = &second["providers"]["stripe"];
        assert_eq!((&stripe["charge"]["amount"], &stripe["returned"]["amount"]), (&json!("100.00"), &json!("30.00")));
        assert_eq!(
            (&stripe["credit"]["amount"], &stripe["reversed"]["amount"]),
            (&json!("13.88888888"), &json!("4.16666667"))
        );
        let date = first["date"].as_str().unwrap();
        let path = format!("/v1/admin/stats/daily?from={date}&to={date}");
        let sheet = world.admin().header("accept", "text/csv").get(&path).await;
        assert!(sheet.text.lines().nth(1).unwrap().starts_with(&format!("{date},")), "{}", sheet.text);
        assert_eq!(sheet.text.lines().count(), 2);
        for (query, code) in
            [("from=2020-01-01", 422), ("from=x", 422), ("day=1", 400), ("from=2026-12-01&to=2026-11-01", 422)]
        {
            assert_eq!(world.admin().get(&format!("/v1/admin/stats/daily?{query}")).await.status, code, "{query}");
        }
    });
}
