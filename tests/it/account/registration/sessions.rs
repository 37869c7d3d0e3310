//! Sessions and tokens (R2.5), blocked accounts and failed sign-ins (R2.8), admins, the signing key.

use std::time::Duration;

use emulator::stack::TABLE;
use serde_json::{Value, json};
use shared::account::create_admin::{create_admin, publish_key};
use shared::account::model::identity::{Email, Password, Role, Status};
use shared::account::model::user::User;
use shared::account::token::{PublicKeys, Signer};
use shared::kernel::month::Month;
use tokio::task::JoinSet;

use super::desk::{Desk, PASSWORD};

const BOB: &str = "bob@example.com";

/// R2.5: an access token is valid for fifteen minutes, and no other token is accepted as one.
#[tokio::test(start_paused = true)]
async fn an_access_token_is_good_for_fifteen_minutes_and_nothing_else_is_one() {
    let desk = Desk::open().await;
    let token = desk.registered(BOB).await.text("/session/access_token");
    let me = desk.get("/v1/me", Some(&token)).await.is(200);
    assert_eq!(
        (&me.body["email"], &me.body["role"], &me.body["status"]),
        (&json!(BOB), &json!("user"), &json!("active"))
    );
    let other = Signer::new(&[8; 32], "https://guerdon.test").unwrap();
    let claims = desk.0.app.keys.verify(&token, "https://guerdon.test", desk.0.app.clock.now()).unwrap();
    let foreign = other.access(&claims.bearer(), Role::Admin, None, desk.0.app.clock.now()).unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", token.split('.').nth(1).unwrap());
    for forged in [foreign, unsigned, format!("{token}x"), "x".repeat(7_000), String::new()] {
        desk.get("/v1/me", Some(&forged)).await.refused(401, "unauthenticated");
    }
    desk.get("/v1/me", None).await.refused(401, "unauthenticated");
    desk.later(899);
    desk.get("/v1/me", Some(&token)).await.is(200);
    desk.later(1);
    desk.get("/v1/me", Some(&token)).await.refused(401, "token_expired");
}

/// R2.5: the refresh token rotates.
/// Repeating the last one within 30 s returns the same successor; later it revokes the family.
#[tokio::test(start_paused = true)]
async fn a_refresh_token_rotates_and_a_reused_one_revokes_its_family() {
    let desk = Desk::open().await;
    let first = desk.registered(BOB).await.text("/session/refresh_token");
    let other_family = desk.sign_in(BOB, PASSWORD).await.is(200).text("/refresh_token");
    let second = desk.refresh(&first).await.is(200);
    desk.get("/v1/me", Some(&second.text("/access_token"))).await.is(200);
    let second = second.text("/refresh_token");
    assert_ne!(first, second);
    desk.later(30);
    assert_eq!(desk.refresh(&first).await.is(200).text("/refresh_token"), second);
    let third = desk.refresh(&second).await.is(200).text("/refresh_token");
    // Only the last token may be repeated, not the one before it.
    desk.refresh(&first).await.refused(401, "bad_credentials");
    desk.refresh(&third).await.refused(401, "bad_credentials");
    let next = desk.refresh(&other_family).await.is(200).text("/refresh_token");
    desk.later(31);
    desk.refresh(&other_family).await.refused(401, "bad_credentials");
    desk.refresh(&next).await.refused(401, "bad_credentials");
}

/// R2.5: 16 simultaneous refreshes with one token get one successor.
#[tokio::test(start_paused = true)]
async fn simultaneous_refreshes_get_one_successor() {
    let desk = Desk::open().await;
    let token = desk.registered(BOB).await.text("/session/refresh_token");
    let mut all = JoinSet::new();
    for _ in 0..16 {
        let (desk, token) = (desk.clone(), token.clone());
        all.spawn(async move { desk.refresh(&token).await.is(200).text("/refresh_token") });
    }
    let mut successors = all.join_all().await;
    successors.dedup();
    assert_eq!(successors.len(), 1);
    desk.refresh(&successors[0]).await.is(200);
}

/// R2.5: a session ends thirty days after its last refresh. Forged and signed-out tokens are rejected.
#[tokio::test(start_paused = true)]
async fn a_session_lasts_thirty_days_from_its_last_refresh_or_until_it_is_ended() {
    let desk = Desk::open().await;
    let token = desk.registered(BOB).await.text("/session/refresh_token");
    desk.0.settle().await.unwrap();
    desk.later(30 * 86_400 - 1);
    let token = desk.refresh(&token).await.is(200).text("/refresh_token");
    desk.later(30 * 86_400 - 1);
    let token = desk.refresh(&token).await.is(200).text("/refresh_token");
    desk.later(30 * 86_400);
    desk.refresh(&token).await.refused(401, "bad_credentials");

    let token = desk.sign_in(BOB, PASSWORD).await.is(200).text("/refresh_token");
    let forged = format!("{}AAAA", &token[..token.len() - 4]);
    for bad in [forged.as_str(), "", "x", &"A".repeat(5_000)] {
        desk.refresh(bad).await.refused(401, "bad_credentials");
        desk.send("DELETE", "/v1/sessions", &[], Some(&json!({"refresh_token": bad}))).await.is(204);
    }
    desk.refresh(&token).await.is(200);
    for _ in 0..2 {
        desk.send("DELETE", "/v1/sessions", &[], Some(&json!({"refresh_token": token}))).await.is(204);
    }
    desk.refresh(&token).await.refused(401, "bad_credentials");
}

/// R2.8: ten failures in fifteen minutes lead to 429, even with the right password.
/// Known and unknown addresses behave alike.
#[tokio::test(start_paused = true)]
async fn ten_failed_sign_ins_close_an_address_for_a_while() {
    let desk = Desk::open().await;
    desk.registered(BOB).await;
    for email in [BOB, "nobody@example.com"] {
        desk.0.clock.set("2026-11-20T12:00:00Z".parse().unwrap());
        for number in 0..10 {
            let spelled = if number % 2 == 0 { email.to_uppercase() } else { format!(" {email}") };
            desk.sign_in(&spelled, "not the password").await.refused(401, "bad_credentials");
        }
        desk.later(60);
        let answer = desk.sign_in(email, PASSWORD).await;
        answer.refused(429, "rate_limited");
        assert_eq!(answer.retry_after(), 840);
    }
    desk.later(840);
    desk.sign_in(BOB, PASSWORD).await.is(200);
    desk.sign_in("not an address", "x").await.refused(401, "bad_credentials");
}

/// R2.8: a blocked account neither signs in nor refreshes; its money stays.
#[tokio::test(start_paused = true)]
async fn a_blocked_account_neither_signs_in_nor_refreshes() {
    let desk = Desk::open().await;
    let answer = desk.registered(BOB).await;
    let bob = desk.user(&answer.text("/user/id")).await.into_inner();
    desk.write(&User { status: Status::Blocked, ..bob.clone() }).await;
    desk.sign_in(BOB, PASSWORD).await.refused(403, "account_blocked");
    desk.refresh(&answer.text("/session/refresh_token")).await.refused(403, "account_blocked");
    desk.sign_in(BOB, "not the password").await.refused(401, "bad_credentials");
    desk.write(&User { status: Status::Active, ..bob }).await;
    desk.refresh(&answer.text("/session/refresh_token")).await.is(200);
}

/// The operator's command creates an admin or promotes a user, and is repeatable.
#[tokio::test(start_paused = true)]
async fn an_admin_is_made_or_promoted_and_the_command_can_be_repeated() {
    let desk = Desk::open().await;
    let app = &desk.0.app;
    let password = Password::parse("an admin's password").unwrap();
    let admin = Email::parse("admin@localhost").unwrap();
    let id = create_admin(app, &admin, &password).await.unwrap();
    let before = desk.scan().len();
    assert_eq!(create_admin(app, &admin, &password).await.unwrap(), id);
    assert_eq!(desk.scan().len(), before);
    let signed_in = desk.sign_in("admin@localhost", "an admin's password").await.is(200);
    assert_eq!(signed_in.body["user"]["role"], "admin");

    let bob = desk.registered(BOB).await;
    let promoted = create_admin(app, &Email::parse(BOB).unwrap(), &password).await.unwrap();
    assert_eq!(promoted.to_string(), bob.text("/user/id"));
    assert_eq!(desk.user(&bob.text("/user/id")).await.role, Role::Admin);
    desk.sign_in(BOB, PASSWORD).await.refused(401, "bad_credentials");
    desk.sign_in(BOB, "an admin's password").await.is(200);
}

/// The deployment begins with whoever comes first, an admin or a key, and a new key does not change when: lists end there.
#[tokio::test(start_paused = true)]
async fn lists_go_back_to_the_first_admin_or_key() {
    let desk = Desk::open().await;
    let app = &desk.0.app;
    let keys = async || app.store.get::<PublicKeys>(&PublicKeys::key()).await.unwrap().unwrap();
    assert_eq!(keys().await.since, Some(app.clock.now()), "the key came first");
    let key = json!({"pk": {"S": "KEYS"}, "sk": {"S": "KEYS"}});
    desk.0.dynamo.apply("DeleteItem", &json!({"TableName": TABLE, "Key": key})).unwrap();
    let admin = Email::parse("admin@localhost").unwrap();
    create_admin(app, &admin, &Password::parse("an admin's password").unwrap()).await.unwrap();
    let begun = keys().await.since;
    assert_eq!((begun, keys().await.keys.len()), (Some(app.clock.now()), 0), "the admin came first");
    desk.0.clock.advance(Duration::from_secs(86_400));
    publish_key(app).await.unwrap();
    assert_eq!((keys().await.since, keys().await.keys.len()), (begun, 1));
    assert_eq!(app.first_month(), Month::of(begun.unwrap()));
}

/// R2.5: the three newest public keys are published, so tokens signed with the previous key stay valid.
#[tokio::test(start_paused = true)]
async fn the_newest_three_public_keys_are_published() {
    let desk = Desk::open().await;
    let token = desk.registered(BOB).await.text("/session/access_token");
    let kids = async |desk: &Desk| -> Vec<String> {
        let jwks = desk.get("/.well-known/jwks.json", None).await.is(200).body;
        jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    let first = kids(&desk).await;
    assert_eq!(first.len(), 1);
    for seed in 1..=3_u8 {
        let mut app = shared::app::App::clone(&desk.0.app);
        app.signer = Some(Signer::new(&[seed; 32], "https://guerdon.test").unwrap());
        publish_key(&app).await.unwrap();
        publish_key(&app).await.unwrap();
        if seed < 3 {
            desk.get("/v1/me", Some(&token)).await.is(200);
        }
    }
    let now = kids(&desk).await;
    assert!(now.len() == 3 && !now.contains(&first[0]), "{now:?}");
    let stored = desk.0.app.store.get::<PublicKeys>(&PublicKeys::key()).await.unwrap().unwrap();
    assert_eq!(stored.keys.len(), 3);
}

/// A request outside the routes gets a problem: 404, or 405 with the allowed methods.
#[tokio::test(start_paused = true)]
async fn what_no_route_takes_is_a_problem() {
    let desk = Desk::open().await;
    desk.get("/v1/nothing", None).await.refused(404, "no_such_route");
    desk.get("/v1", None).await.refused(404, "no_such_route");
    desk.send("DELETE", "/v1/me", &[], Some(&Value::Null)).await.refused(405, "method_not_allowed");
    desk.send("POST", "/v1/registrations", &[("content-type", "text/plain")], None)
        .await
        .refused(415, "unsupported_media_type");
    let health = desk.get("/v1/health", None).await.is(200);
    assert_eq!(health.body["status"], "ok");
}

/// R1.5: a page may end within a journal entry; the next page continues there.
#[tokio::test(start_paused = true)]
async fn records_go_by_pages_and_filters() {
    let (desk, _) = Desk::with_referral(json!({"registration": {"invitee_reward": "1"}})).await;
    let body = json!({"email": BOB, "password": PASSWORD, "referral_code": "ANNSCODE"});
    let token = desk.register(&body).await.is(201).text("/session/access_token");
    let page = async |query: &str| desk.get(&format!("/v1/balance/records?{query}"), Some(&token)).await;
    assert_eq!(page("limit=1").await.is(200).body["items"].as_array().unwrap().len(), 1);
    assert_eq!(page("type=payment").await.is(200).body["items"], json!([]));
    assert_eq!(page("to=2026-11-19T00:00:00Z").await.is(200).body["items"], json!([]));
    assert_eq!(page("account=commission").await.is(200).body["items"], json!([]));
    page("account=other").await.refused(422, "invalid");
    page("type=other").await.refused(422, "invalid");
    page("from=yesterday").await.refused(422, "invalid");
    page("limit=0").await.refused(422, "invalid");
    page("cursor=AAAA").await.refused(400, "forged_cursor");
    page("type=payment&type=admin").await.refused(400, "malformed_request");
    desk.get("/v1/balance/records", None).await.refused(401, "unauthenticated");
}
