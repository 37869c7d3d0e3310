//! Look-ups of operators and backends: one account's file, accounts by the beginning of an address, codes with what they
//! earned, explained purchases (R2.5, R2.6, R6.2).

use serde_json::{Value, json};

use crate::affiliate::commission::{hundred, invited};
use crate::redemption::{pro, time_on};
use crate::world::World;

async fn user_id(world: &World, name: &str) -> String {
    world.user(name).get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned()
}

/// R6.2: a code shows what its invitees' orders earned, and takes back what a refund took.
#[test]
fn a_code_shows_what_its_invitees_earned() {
    World::run(async |world| {
        invited(world).await;
        let second = world.user("ann").post("/v1/affiliate/codes", json!({"label": "mail"})).await.is(201);
        assert_eq!(second["earned"], json!({"amount": "0", "currency": "USD"}));
        world.register("dan", second["code"].as_str()).await;
        let order = hundred(world).await;
        let dans = world.order("dan", json!({"offer_id": "o50", "provider": "stripe"})).await;
        world.pay(&dans, json!({})).await;
        world.settle().await;
        let earned = async || {
            let codes = world.user("ann").get("/v1/affiliate/codes").await.is(200)["items"].clone();
            let of = |primary: bool| codes.as_array().unwrap().iter().find(|code| code["primary"] == primary).unwrap();
            [true, false].map(|primary| of(primary)["earned"]["amount"].as_str().unwrap().to_owned())
        };
        assert_eq!(earned().await, ["1.38888888", "0.69444444"]);
        crate::fixtures::refund(world, &order, 5_000).await;
        world.settle().await;
        assert_eq!(earned().await, ["0.69444444", "0.69444444"]);
    });
}

/// R2.5: one request shows an account's payments, commission, promotion, subscriptions, inviter and codes.
#[test]
fn an_accounts_file_is_whole() {
    World::run(async |world| {
        world.settings("promotion", |settings| settings["enabled"] = json!(true)).await;
        invited(world).await;
        hundred(world).await;
        let plan = pro(world, 1).await;
        let code = world.codes(time_on(&plan, "month", 1, 1)).await.remove(0);
        world.redeem("bob", &code).await.is(201);
        let (ann, bob) = (user_id(world, "ann").await, user_id(world, "bob").await);
        let file = async |id: &str| world.admin().get(&format!("/v1/admin/users/{id}")).await.is(200);
        let of = file(&bob).await;
        assert_eq!(
            (&of["id"], &of["invited_by"]["id"], &of["invited_by"]["email"]),
            (&json!(bob), &json!(ann), &json!("ann@example.com"))
        );
        assert_eq!((&of["payments"]["orders"], &of["payments"]["charge"]["amount"]), (&json!(1), &json!("100.00")));
        assert_eq!(
            (&of["promotion"]["status"], &of["promotion"]["bonus"]["amount"]),
            (&json!("used"), &json!("4.16666666"))
        );
        assert_eq!(of["subscriptions"][0]["plan"]["id"], json!(plan));
        assert_eq!(of["commission"]["earned"]["amount"], "0");
        let of = file(&ann).await;
        assert_eq!(
            (&of["commission"]["available"]["amount"], &of["commission"]["invitees"]),
            (&json!("1.38888888"), &json!(1))
        );
        let codes = of["codes"].as_array().unwrap();
        assert_eq!(
            (codes.len(), &codes[0]["primary"], &codes[0]["earned"]["amount"]),
            (1, &json!(true), &json!("1.38888888"))
        );
        assert_eq!((&of["payments"]["orders"], &of["invited_by"]), (&json!(0), &Value::Null));
    });
}

/// Accounts are found by the beginning of their address, in any case, page by page.
#[test]
fn accounts_are_found_by_the_beginning_of_an_address() {
    World::run(async |world| {
        for name in ["ann", "anna", "bob", "dan"] {
            world.register(name, None).await;
        }
        let found = async |query: &str| {
            let (mut found, mut after) = (Vec::new(), String::new());
            loop {
                let path = format!("/v1/admin/users?{query}{after}");
                let page = world.admin().get(&path).await.is(200);
                let items = page["items"].as_array().unwrap().iter();
                found.extend(items.map(|user| user["email"].as_str().unwrap().split('@').next().unwrap().to_owned()));
                let Some(next) = page["next_cursor"].as_str() else { return found };
                after = format!("&cursor={next}");
            }
        };
        assert_eq!(found("email_begins=AN&limit=1").await, ["anna", "ann"]);
        assert_eq!(found("email_begins=ann%40").await, ["ann"]);
        assert_eq!(found("email_begins=nn").await, Vec::<String>::new());
        let one = world.admin().get("/v1/admin/users?email_begins=a").await.refused(422, "invalid");
        assert_eq!(
            (&one["errors"][0]["pointer"], &one["errors"][0]["detail"]),
            (&json!("/email_begins"), &json!("2 to 254 characters."))
        );
    });
}

/// R2.6, R9.3: a backend learns what its purchase is worth and why it earned.
#[test]
fn a_reported_purchase_is_explained() {
    World::run(async |world| {
        invited(world).await;
        let key = world.service_key("shop", &["purchases:write"]).await;
        let bob = user_id(world, "bob").await;
        let report = json!({"user_id": bob, "external_order_id": "o-1", "amount": "100", "currency": "CNY", "paid_at": "2026-11-20T10:00:10Z"});
        world.holder(&key).once().post("/v1/service/purchases", report).await.is(201);
        world.settle().await;
        let explained = async |id: &str| world.holder(&key).get(&format!("/v1/service/purchases/{id}/explain")).await;
        let decisions = explained("o-1").await.is(200)["decisions"].clone();
        let subjects: Vec<&str> =
            decisions.as_array().unwrap().iter().map(|one| one["subject"].as_str().unwrap()).collect();
        assert_eq!(subjects, ["price", "payment", "inviter_reward", "invitee_reward", "commission"]);
        assert_eq!(
            (&decisions[4]["outcome"], &decisions[4]["amount"]["amount"]),
            (&json!("earned"), &json!("1.38888888"))
        );
        assert!(decisions[0]["because"].as_str().unwrap().contains("÷ exchange rate 7.2"), "{decisions}");
        let refund = json!({"refund_id": "r-1", "amount": "50"});
        world.holder(&key).once().post("/v1/service/purchases/o-1/refunds", refund.clone()).await.is(201);
        world.settle().await;
        let decisions = explained("o-1").await.is(200)["decisions"].clone();
        assert_eq!(decisions[4]["outcome"], "partially_reversed", "{decisions}");
        assert!(decisions[1]["because"].as_str().unwrap().contains("left after refunds"), "{decisions}");
        world.holder(&key).once().post("/v1/service/purchases/o-2/refunds", refund).await.is(201);
        assert_eq!(explained("o-2").await.is(200)["decisions"][0]["outcome"], "not_reported");
        explained("o-3").await.refused(404, "not_found");
        let other = world.service_key("other", &["purchases:write"]).await;
        let path = "/v1/service/purchases/o-1/explain";
        world.holder(&other).get(path).await.refused(404, "not_found");
    });
}
