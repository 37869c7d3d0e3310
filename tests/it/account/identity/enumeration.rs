//! Enumeration: no answer and no cost shows whether an e-mail has an account (R2.10).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::world::{PASSWORD, World};

/// Traces of a request: its answer without tokens, the database's calls and units, and the messages that wait.
#[derive(Debug, PartialEq)]
struct Shown {
    status: u16,
    body: Value,
    calls: BTreeMap<String, (u64, u64)>,
    messages: u64,
}

async fn shown(world: &World, path: &str, body: Value, email: &str) -> Shown {
    world.settle().await;
    world.stack.dynamo.reset();
    let answer = world.nobody().from("192.0.2.7").post(path, body).await;
    let calls = world.stack.dynamo.used().into_iter();
    let calls = calls.map(|(call, usage)| (call, (usage.calls, usage.write_units))).collect();
    let depth = world.stack.queues.depth("MailQueue").unwrap();
    let mut body: Value = serde_json::from_str(&answer.text.replace(email, "")).unwrap_or_default();
    for field in ["instance", "signup_token"] {
        if let Some(field) = body.get_mut(field) {
            *field = json!("…");
        }
    }
    Shown { status: answer.status, body, calls, messages: (depth.visible + depth.delayed).try_into().unwrap() }
}

/// R2.10: resets, challenges, registrations with verification, sign-ins and confirmations answer the same, make the same calls of
/// the same weight, and enqueue the same, whether the e-mail has an account or not. The notifier looks up who gets the mail.
#[test]
fn known_and_unknown_addresses_make_the_same_calls() {
    World::run(async |world| {
        world.register("bob", None).await;
        world.settings("identity", |settings| settings["email_verification"] = json!(true)).await;
        world.nobody().get("/v1/settings/public").await.is(200);
        let requests: [(&str, fn(&str) -> Value); 5] = [
            ("/v1/password-resets", |email| json!({"email": email})),
            ("/v1/sessions/challenge", |email| json!({"email": email})),
            ("/v1/registrations", |email| json!({"email": email, "password": PASSWORD})),
            ("/v1/sessions", |email| json!({"email": email, "password": "not the password"})),
            (
                "/v1/password-resets/confirm",
                |email| json!({"email": email, "code": "00000-00000", "password": "another horse battery"}),
            ),
        ];
        for (path, body) in requests {
            let [known, unknown] = ["bob@example.com", "eve@example.com"];
            let known = shown(world, path, body(known), known).await;
            let unknown = shown(world, path, body(unknown), unknown).await;
            assert_eq!(known, unknown, "{path}");
            assert_eq!(known.messages, u64::from(known.status < 300), "{path}: one mail is promised");
        }
        // Also once the address is challenged.
        for number in 0..12 {
            for email in ["bob@example.com", "eve@example.com"] {
                let guess = json!({"email": email, "password": "not the password"});
                world.nobody().from(&format!("10.7.{number}.1")).post("/v1/sessions", guess).await;
            }
        }
        let guess = |email: &str| json!({"email": email, "password": PASSWORD, "challenge_code": "00000-00000"});
        let known = shown(world, "/v1/sessions", guess("bob@example.com"), "bob@example.com").await;
        let unknown = shown(world, "/v1/sessions", guess("eve@example.com"), "eve@example.com").await;
        assert_eq!((known.status, &known.body["code"]), (401, &json!("challenge_required")));
        assert_eq!(known, unknown);
        world.settle().await;
        let to = |email: &str| world.stack.mailbox.sent(Some(email)).len();
        assert_eq!((to("bob@example.com"), to("eve@example.com")), (3, 1), "only the registration reaches a stranger");
    });
}
