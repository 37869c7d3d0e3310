//! Erasure of a user's personal data; journals, amounts and ids stay.

use emulator::faults::Weather;
use serde_json::{Value, json};

use crate::affiliate::commission::{hundred, invited};
use crate::world::{Answer, World};

async fn erase(world: &World, user: &str) -> Answer {
    let reason = json!({"reason": "they asked for it", "acknowledge_balance": true});
    world.admin().post(&format!("/v1/admin/users/{user}/erase"), reason).await
}

async fn id_of(world: &World, name: &str) -> String {
    world.user(name).get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned()
}

/// Dump of every item as the database holds it.
fn everything(world: &World) -> String {
    format!("{:?}", world.stack.items().unwrap())
}

/// R2.7: erasure leaves no personal data in the table.
/// Journals and balance stay, and the auditor finds nothing wrong.
#[test]
fn nothing_tells_who_an_erased_person_was() {
    World::run(async |world| {
        invited(world).await;
        let order = hundred(world).await;
        let bob = id_of(world, "bob").await;
        let records = world.user("bob").get("/v1/balance/records").await.is(200)["items"].clone();
        assert!(everything(world).contains("203.0.113.7"));
        let erased = erase(world, &bob).await.is(200);
        assert_eq!((&erased["status"], &erased["email"]), (&json!("erased"), &Value::Null));
        assert_eq!(erase(world, &bob).await.is(200)["status"], "erased");
        world.settle().await;

        let file = format!("/v1/admin/payment/orders/{}", order["id"].as_str().unwrap());
        let file = world.admin().get(&file).await.is(200);
        assert_eq!((&file["client_ip"], &file["user"]["email"]), (&Value::Null, &Value::Null));
        assert!(file["events"].as_array().unwrap().iter().all(|event| event["raw"].is_null()), "{file}");
        let all = everything(world);
        for trace in ["bob@example.com", "203.0.113.7", "Wei Zhang", "raw_event"] {
            assert!(!all.contains(trace), "{trace} is left");
        }
        let kept = world.admin().get(&format!("/v1/admin/records?user={bob}")).await.is(200);
        assert_eq!(kept["items"][0]["amount"], records[0]["amount"]);
        // The old token is useless, and the old credentials no longer sign in.
        let order = json!({"offer_id": "o10", "provider": "zpay"});
        world.user("bob").once().post("/v1/payment/orders", order).await.refused(403, "account_blocked");
        let body = json!({"email": "bob@example.com", "password": crate::world::PASSWORD});
        world.nobody().post("/v1/sessions", body).await.refused(401, "bad_credentials");
        // The address is free again and belongs to a new user.
        let again = world.register("bob", None).await;
        assert_ne!(again["user"]["id"], json!(bob));
        assert_eq!(world.balance("bob").await, "0");
        let status = json!({"status": "active", "reason": "back"});
        world.admin().put(&format!("/v1/admin/users/{bob}/status"), status).await.refused(409, "account_erased");
        let audit = world.admin().get(&format!("/v1/admin/audit?subject={bob}")).await.is(200);
        assert_eq!(
            (&audit["items"][0]["action"], audit["items"].as_array().unwrap().len()),
            (&json!("user.erased"), 1)
        );
    });
}

/// Erases Bob while the index of his orders is stale and does not list them all.
pub async fn erase_unseen(world: &World) {
    invited(world).await;
    hundred(world).await;
    for _ in 0..5 {
        world.advance(60).await;
        world.order("bob", json!({"offer_id": "o10", "provider": "zpay"})).await;
    }
    let bob = id_of(world, "bob").await;
    world.stack.faults.weather(Weather { lagging: 1_000, ..Weather::default() }, 1);
    erase(world, &bob).await.is(200);
    world.settle().await;
    world.stack.faults.clear();
    assert!(everything(world).contains("203.0.113.7"), "the list showed everything");
}

/// R2.7: orders missing from a stale index at erasure are scrubbed a day later.
#[test]
fn traces_that_a_list_did_not_show_are_gone_a_day_later() {
    World::run(async |world| {
        erase_unseen(world).await;
        world.advance(23 * 3_600).await;
        assert_eq!(world.stack.tick("erase-traces").await.unwrap()["expired"], 0);
        world.advance(3_600).await;
        assert_eq!(world.stack.tick("erase-traces").await.unwrap()["expired"], 1);
        let all = everything(world);
        for trace in ["203.0.113.7", "raw_event"] {
            assert!(!all.contains(trace), "{trace} is left");
        }
        assert_eq!(world.stack.tick("erase-traces").await.unwrap()["expired"], 0);
    });
}

/// R6.6: a user with an open cash withdrawal can't be erased.
/// Once it is paid, erasure scrubs the payout details, and the user's code binds nobody.
#[test]
fn where_money_went_is_forgotten_once_it_is_there() {
    World::run(async |world| {
        invited(world).await;
        world.settings("affiliate", |of| of["min_cash_withdrawal"] = json!("1")).await;
        hundred(world).await;
        let (ann, code) = (id_of(world, "ann").await, world.code("ann").await);
        let payout = json!({"method": "bank", "account": "DE02120300000000202051", "name": "Ann Example"});
        let body = json!({"amount": "1", "to": "cash", "payout": payout});
        let asked = world.user("ann").once().post("/v1/affiliate/withdrawals", body).await.is(201);
        erase(world, &ann).await.refused(409, "withdrawal_open");
        let approve = format!("/v1/admin/withdrawals/{}/approve", asked["id"].as_str().unwrap());
        world.admin().post(&approve, json!({"reference": "SEPA 17"})).await.is(200);
        assert!(everything(world).contains("DE02120300000000202051"));
        erase(world, &ann).await.is(200);
        world.settle().await;
        let all = everything(world);
        assert!(!all.contains("DE02120300000000202051") && !all.contains("Ann Example") && !all.contains("ann@"));
        let eve = world.nobody().post(
            "/v1/registrations",
            json!({"email": "eve@example.com", "password": crate::world::PASSWORD, "referral_code": code}),
        );
        assert_eq!(eve.await.is(201)["referral"]["reason"], "inviter_blocked");
    });
}

/// Erasing somebody who is owed money, or owes some, needs a second word: the refusal has the figures and erases nothing.
#[test]
fn erasing_somebody_with_money_left_needs_a_second_word() {
    World::run(async |world| {
        invited(world).await;
        hundred(world).await;
        let ann = id_of(world, "ann").await;
        let bob = id_of(world, "bob").await;
        let path = |user: &str| format!("/v1/admin/users/{user}/erase");
        let bare = json!({"reason": "they asked for it"});
        let refused = world.admin().post(&path(&ann), bare.clone()).await.refused(409, "balance_left");
        assert!(refused["detail"].as_str().unwrap().contains("commission available 1.38888888 USD"), "{refused}");
        world.admin().post(&path(&bob), bare.clone()).await.refused(409, "balance_left");
        assert_eq!(world.user("ann").get("/v1/me").await.is(200)["status"], "active");
        let adjust = json!({"amount": "-13.88888888", "remark": "paid out"});
        world.admin().once().post(&format!("/v1/admin/users/{bob}/adjustments"), adjust).await.is(200);
        assert_eq!(world.admin().post(&path(&bob), bare).await.is(200)["status"], "erased");
        assert_eq!(erase(world, &ann).await.is(200)["status"], "erased");
        let audit = world.admin().get(&format!("/v1/admin/audit?subject={ann}")).await.is(200);
        assert_eq!(audit["items"][0]["before"], "active; commission available 1.38888888 USD");
    });
}

/// R2.5: an admin can't erase themselves, and an unknown id can't be erased.
#[test]
fn an_admin_erases_others_only() {
    World::run(async |world| {
        let admin = world.admin().get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        erase(world, &admin).await.refused(403, "forbidden");
        erase(world, "usr_01k9zq4r7x8m2v5b3n6c1d0fgh").await.refused(404, "not_found");
        let bob = world.register("bob", None).await["user"]["id"].as_str().unwrap().to_owned();
        world
            .admin()
            .post(&format!("/v1/admin/users/{bob}/erase"), json!({"reason": ""}))
            .await
            .refused(422, "invalid");
    });
}
