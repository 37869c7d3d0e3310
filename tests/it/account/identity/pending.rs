//! Pending sign-ups belong to their token (R2.4, G4).

use serde_json::{Value, json};

use crate::world::{PASSWORD, World};

const BOB: &str = "bob@example.com";

async fn verifying(world: &World) {
    world.settings("identity", |settings| settings["email_verification"] = json!(true)).await;
}

async fn register(world: &World, from: &str, password: &str) -> Value {
    let body = json!({"email": BOB, "password": password});
    let answer = world.nobody().from(from).post("/v1/registrations", body).await.is(201);
    assert_eq!(answer, json!({"status": "pending", "signup_token": answer["signup_token"]}), "and nothing else");
    answer["signup_token"].clone()
}

/// Six digits in the last mail to Bob.
async fn code(world: &World) -> String {
    world.settle().await;
    let text = world.stack.mailbox.sent(Some(BOB)).last().unwrap().text.clone();
    text.split_whitespace().find(|word| word.len() == 6 && word.parse::<u32>().is_ok()).unwrap().to_owned()
}

/// R2.4, G4: a stranger who registers Bob's address again gets nothing by it, and disturbs nothing: Bob confirms his own sign-up
/// with his own code and has his own password. The stranger's attempts count under the stranger's token.
#[test]
fn registering_somebodys_address_again_hijacks_nothing() {
    World::run(async |world| {
        verifying(world).await;
        let bobs = register(world, "192.0.2.7", PASSWORD).await;
        let code_of_bob = code(world).await;
        world.advance(1).await;
        let strangers = register(world, "198.51.100.9", "a stranger's password").await;
        assert_ne!(bobs, strangers);
        let confirm = async |token: &Value, code: &str| {
            world.nobody().post("/v1/registrations/verify", json!({"signup_token": token, "code": code})).await
        };
        for _ in 0..8 {
            confirm(&strangers, &code_of_bob).await.refused(422, "invalid");
        }
        let account = confirm(&bobs, &code_of_bob).await.is(201);
        assert_eq!(account["user"]["email"], BOB);
        let sign_in = async |password: &str| {
            world.nobody().post("/v1/sessions", json!({"email": BOB, "password": password})).await
        };
        sign_in("a stranger's password").await.refused(401, "bad_credentials");
        sign_in(PASSWORD).await.is(200);
    });
}

/// R2.4, G4: a stranger who registers Bob's address first does not own it: Bob registers, confirms, and has his own password.
#[test]
fn registering_somebodys_address_first_owns_nothing() {
    World::run(async |world| {
        verifying(world).await;
        let strangers = register(world, "198.51.100.9", "a stranger's password").await;
        let code_of_stranger = code(world).await;
        world.advance(1).await;
        let bobs = register(world, "192.0.2.7", PASSWORD).await;
        let code_of_bob = code(world).await;
        let confirm = |token: &Value, code: &str| json!({"signup_token": token, "code": code});
        world.nobody().post("/v1/registrations/verify", confirm(&bobs, &code_of_bob)).await.is(201);
        // Even the stranger's own code, which Bob's mailbox got, makes no second account.
        let late = confirm(&strangers, &code_of_stranger);
        world.nobody().post("/v1/registrations/verify", late).await.refused(409, "email_taken");
        let sign_in = async |password: &str| {
            world.nobody().post("/v1/sessions", json!({"email": BOB, "password": password})).await
        };
        sign_in("a stranger's password").await.refused(401, "bad_credentials");
        sign_in(PASSWORD).await.is(200);
    });
}

/// R2.4: an address with an account is answered the same way, and the mail says so.
#[test]
fn an_address_with_an_account_is_told_by_mail_only() {
    World::run(async |world| {
        world.register("bob", None).await;
        verifying(world).await;
        let token = register(world, "198.51.100.9", "a stranger's password").await;
        world.settle().await;
        let mail = world.stack.mailbox.sent(Some(BOB)).last().unwrap().clone();
        assert_eq!(mail.subject, "You already have an account");
        assert!(mail.text.split_whitespace().all(|word| word.parse::<u32>().is_err()), "no code: {}", mail.text);
        for guess in ["000000", "123456"] {
            let body = json!({"signup_token": token, "code": guess});
            world.nobody().post("/v1/registrations/verify", body).await.refused(422, "invalid");
        }
        world.nobody().post("/v1/registrations/resend", json!({"signup_token": token})).await.is(202);
        world.sign_in("bob").await;
    });
}
