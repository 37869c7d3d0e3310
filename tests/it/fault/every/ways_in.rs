//! Sign-up, sign-in, mailed codes and sessions. These routes have no key; a repeat is the same request.

use serde_json::{Value, json};

use super::asks::{Act, ask, id_of};
use shared::kernel::id::UserId;
use shared::notices::model::notice::Notice;
use shared::notices::unsubscribe::Unsubscription;

use crate::operations::import::{BCRYPT, LETTERS};
use crate::world::{PASSWORD, World};

const BOB: &str = "bob@example.com";

/// Ten symbols in the last mail to Bob.
fn symbols(world: &World) -> String {
    let text = world.stack.mailbox.sent(Some(BOB)).last().unwrap().text.clone();
    let is_code = |word: &&str| word.len() == 11 && word.as_bytes()[5] == b'-';
    text.split_whitespace().find(is_code).unwrap().to_owned()
}

/// Code in the last mail to this address.
fn mailed(world: &World, to: &str) -> String {
    let text = world.stack.mailbox.sent(Some(to)).last().unwrap().text.clone();
    text.split_whitespace().find(|word| word.len() == 6 && word.parse::<u32>().is_ok()).unwrap().to_owned()
}

async fn signed_in(world: &World) -> Value {
    world.register("bob", None).await["session"]["refresh_token"].clone()
}

/// Sets up a sign-in route and returns a request for it.
pub async fn of_ways_in(world: &World, route: &str) -> Act {
    let path = route.split(' ').nth(1).unwrap();
    match route {
        "POST /v1/registrations/verify" | "POST /v1/registrations/resend" => {
            world.settings("identity", |settings| settings["email_verification"] = json!(true)).await;
            let body = json!({"email": BOB, "password": PASSWORD});
            let pending = world.nobody().post("/v1/registrations", body).await.is(201);
            world.settle().await;
            let resend = json!({"signup_token": pending["signup_token"]});
            let verify = json!({"signup_token": pending["signup_token"], "code": mailed(world, BOB)});
            ask("", path, if path.ends_with("verify") { verify } else { resend })
        }
        "POST /v1/sessions" => {
            signed_in(world).await;
            ask("", path, json!({"email": BOB, "password": PASSWORD}))
        }
        "POST /v1/sessions of somebody who moved in" => {
            let lines = json!([{"email": BOB, "password_hash": BCRYPT}]);
            let body = json!({"source": "old-site", "dry_run": false, "lines": lines});
            world.admin().once().post("/v1/admin/import/users", body).await.is(200);
            ask("", path, json!({"email": BOB, "password": LETTERS}))
        }
        "POST /v1/sessions/refresh" | "DELETE /v1/sessions" => {
            let token = signed_in(world).await;
            ask("", path, json!({"refresh_token": token}))
        }
        "POST /v1/service/users/{id}/sessions" => {
            signed_in(world).await;
            let key = world.service_key("front", &["sessions:create"]).await;
            ask(&key, format!("/v1/service/users/{}/sessions", id_of(world, "bob").await), json!({}))
        }
        "DELETE /v1/me/sessions/{id}" => {
            signed_in(world).await;
            let phone = world.nobody().post("/v1/sessions", json!({"email": BOB, "password": PASSWORD})).await;
            phone.is(200);
            let listed = world.user("bob").get("/v1/me/sessions").await.is(200);
            let other = listed["items"].as_array().unwrap().iter().find(|one| one["current"] == false).unwrap();
            ask("bob", format!("/v1/me/sessions/{}", other["id"].as_str().unwrap()), Value::Null)
        }
        "PUT /v1/me" => {
            signed_in(world).await;
            ask("bob", path, json!({"locale": "zh"}))
        }
        "PUT /v1/me/mails" => {
            signed_in(world).await;
            let kinds = ["payment_credited", "reward_granted", "withdrawal_settled", "promotion_ending"];
            ask("bob", path, kinds.into_iter().map(|kind| (kind.to_owned(), json!(kind != "reward_granted"))).collect())
        }
        "POST /v1/mails/unsubscribe" => {
            signed_in(world).await;
            let user = UserId::parse(&id_of(world, "bob").await).unwrap();
            let token = Unsubscription { user, notice: Notice::RewardGranted }.token(&world.stack.app);
            ask("", format!("{path}?token={token}"), Value::Null)
        }
        "PUT /v1/me/password" => {
            signed_in(world).await;
            ask("bob", path, json!({"current": PASSWORD, "new": "another horse battery"}))
        }
        "PUT /v1/me/email" => {
            signed_in(world).await;
            ask("bob", path, json!({"email": "bob@new.example.com", "password": PASSWORD}))
        }
        "POST /v1/me/email/confirm" => {
            signed_in(world).await;
            let change = json!({"email": "bob@new.example.com", "password": PASSWORD});
            world.user("bob").put("/v1/me/email", change).await.is(202);
            world.settle().await;
            ask("bob", path, json!({"code": mailed(world, "bob@new.example.com")}))
        }
        "POST /v1/password-resets" | "POST /v1/sessions/challenge" => {
            signed_in(world).await;
            ask("", path, json!({"email": BOB}))
        }
        "POST /v1/password-resets/confirm" => {
            signed_in(world).await;
            world.nobody().post("/v1/password-resets", json!({"email": BOB})).await.is(202);
            world.settle().await;
            ask("", path, json!({"email": BOB, "code": symbols(world), "password": "another horse battery"}))
        }
        other => panic!("{other}"),
    }
}
