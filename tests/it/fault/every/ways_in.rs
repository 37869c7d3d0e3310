//! Sign-up, sign-in, mailed codes and sessions. These routes have no key; a repeat is the same request.

use serde_json::{Value, json};

use super::asks::{Act, ask, id_of};
use crate::world::{PASSWORD, World};

const BOB: &str = "bob@example.com";

/// Code in the last mail to Bob.
fn mailed(world: &World) -> String {
    let text = world.stack.mailbox.sent(Some(BOB)).last().unwrap().text.clone();
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
            world.nobody().post("/v1/registrations", body).await.is(201);
            world.settle().await;
            let verify = json!({"email": BOB, "code": mailed(world)});
            ask("", path, if path.ends_with("verify") { verify } else { json!({"email": BOB}) })
        }
        "POST /v1/sessions" => {
            signed_in(world).await;
            ask("", path, json!({"email": BOB, "password": PASSWORD}))
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
        "POST /v1/password-resets" => {
            signed_in(world).await;
            ask("", path, json!({"email": BOB}))
        }
        "POST /v1/password-resets/confirm" => {
            signed_in(world).await;
            world.nobody().post("/v1/password-resets", json!({"email": BOB})).await.is(202);
            world.settle().await;
            ask("", path, json!({"email": BOB, "code": mailed(world), "password": "another horse battery"}))
        }
        other => panic!("{other}"),
    }
}
