//! The caller's own language, password and e-mail (R2.11), and text that is the same (R2.13, G11, G12).

use serde_json::{Value, json};

use crate::world::{Answer, PASSWORD, World};

const NEW: &str = "another horse battery";

async fn sign_in(world: &World, email: &str, password: &str) -> Answer {
    world.nobody().post("/v1/sessions", json!({"email": email, "password": password})).await
}

fn mail(world: &World, to: &str) -> (String, String) {
    let mail = world.stack.mailbox.sent(Some(to)).last().unwrap().clone();
    (mail.subject, mail.text)
}

fn digits(text: &str) -> String {
    text.split_whitespace().find(|word| word.len() == 6 && word.parse::<u32>().is_ok()).unwrap().to_owned()
}

/// R2.11: a new password needs the current one, ends all sessions, and the answer is a new session. A repeat opens another.
#[test]
fn a_new_password_ends_all_sessions() {
    World::run(async |world| {
        let other = world.register("bob", None).await["session"].clone();
        world.sign_in("bob").await;
        let wrong = json!({"current": "not the password", "new": NEW});
        let refused = world.user("bob").put("/v1/me/password", wrong).await.refused(422, "invalid");
        assert_eq!(refused["errors"][0]["pointer"], "/current");
        let change = json!({"current": PASSWORD, "new": NEW});
        let first = world.user("bob").put("/v1/me/password", change.clone()).await.is(200);
        let again = world.user("bob").put("/v1/me/password", change).await.is(200);
        world.user("bob").get("/v1/me").await.refused(401, "unauthenticated");
        let guess = json!({"current": PASSWORD, "new": "a thief's guess of it"});
        world.user("bob").put("/v1/me/password", guess).await.refused(401, "unauthenticated");
        let old = json!({"refresh_token": other["refresh_token"]});
        world.nobody().post("/v1/sessions/refresh", old).await.refused(401, "bad_credentials");
        for session in [first, again] {
            world.holder(session["access_token"].as_str().unwrap()).get("/v1/me").await.is(200);
        }
        sign_in(world, "bob@example.com", PASSWORD).await.refused(401, "bad_credentials");
        sign_in(world, "bob@example.com", NEW).await.is(200);
    });
}

/// R2.11: whoever holds a stolen access token guesses the password as seldom as anybody.
#[test]
fn a_stolen_token_guesses_no_password() {
    World::run(async |world| {
        world.register("bob", None).await;
        for number in 0..12 {
            let guess = json!({"current": format!("guess number {number}"), "new": NEW});
            let answer = world.user("bob").put("/v1/me/password", guess).await;
            assert_eq!(answer.status, if number < 10 { 422 } else { 429 }, "{number}");
        }
        let right = json!({"current": PASSWORD, "new": NEW});
        world.user("bob").put("/v1/me/password", right).await.refused(429, "rate_limited");
    });
}

/// R2.11: a new e-mail is confirmed by a mail to it, the old one is told, and then the new one signs in.
#[test]
fn a_new_address_is_confirmed_and_the_old_one_is_told() {
    World::run(async |world| {
        world.register("bob", None).await;
        let ask = json!({"email": "Robert@Bücher.example", "password": PASSWORD});
        let wrong = json!({"email": "robert@example.com", "password": "not the password"});
        world.user("bob").put("/v1/me/email", wrong).await.refused(422, "invalid");
        world.user("bob").put("/v1/me/email", ask).await.is(202);
        world.settle().await;
        let (subject, text) = mail(world, "bob@example.com");
        assert_eq!(subject, "Your e-mail address is to be changed");
        assert!(text.contains("r***@b***.example") && !text.contains("robert"), "{text}");
        let new = "robert@xn--bcher-kva.example";
        let code = digits(&mail(world, new).1);
        let me = world.user("bob").get("/v1/me").await.is(200);
        assert_eq!(me["email"], "bob@example.com", "not before it is confirmed");
        world.user("bob").post("/v1/me/email/confirm", json!({"code": "x"})).await.refused(422, "invalid");
        for _ in 0..2 {
            let me = world.user("bob").post("/v1/me/email/confirm", json!({"code": code})).await.is(200);
            assert_eq!(me["email"], new);
        }
        sign_in(world, "bob@example.com", PASSWORD).await.refused(401, "bad_credentials");
        sign_in(world, "robert@bücher.example", PASSWORD).await.is(200);
        // The old address is free again.
        world.register("bob", None).await;
    });
}

/// R2.10, R2.11: a new e-mail that somebody has is answered the same; only its mailbox is told, and nothing changes.
#[test]
fn a_new_address_that_somebody_has_is_told_by_mail_only() {
    World::run(async |world| {
        world.register("bob", None).await;
        world.register("eve", None).await;
        let ask = json!({"email": "eve@example.com", "password": PASSWORD});
        world.user("bob").put("/v1/me/email", ask).await.is(202);
        world.settle().await;
        assert_eq!(mail(world, "eve@example.com").0, "You already have an account");
        for code in ["000000", "999999"] {
            world.user("bob").post("/v1/me/email/confirm", json!({"code": code})).await.refused(422, "invalid");
        }
        sign_in(world, "eve@example.com", PASSWORD).await.is(200);
    });
}

/// R2.11: the language of mails is the user's to choose.
#[test]
fn a_language_is_chosen_and_mails_are_in_it() {
    World::run(async |world| {
        world.register("bob", None).await;
        world.user("bob").put("/v1/me", json!({"locale": "z_"})).await.refused(422, "invalid");
        assert_eq!(world.user("bob").put("/v1/me", json!({"locale": "zh-CN"})).await.is(200)["locale"], "zh-CN");
        world.nobody().post("/v1/password-resets", json!({"email": "bob@example.com"})).await.is(202);
        world.settle().await;
        assert_eq!(mail(world, "bob@example.com").0, "重置密码");
        let me = world.user("bob").put("/v1/me", json!({"locale": null})).await.is(200);
        assert_eq!(me.get("locale"), None);
    });
}

/// R2.13, G11, G12: an address in Unicode and in punycode is one account, whose password is the same however it is composed.
#[test]
fn what_reads_the_same_is_the_same_account_and_password() {
    World::run(async |world| {
        let body = json!({"email": "ann@bücher.example", "password": "pa\u{302}sswo\u{308}rd-10"});
        world.nobody().post("/v1/registrations", body).await.is(201);
        let again = json!({"email": "ann@xn--bcher-kva.example", "password": "another password"});
        world.nobody().post("/v1/registrations", again).await.refused(409, "email_taken");
        for (email, password) in [
            ("ann@xn--bcher-kva.example", "p\u{e2}ssw\u{f6}rd-10"),
            ("ANN@BÜCHER.example", "pa\u{302}sswo\u{308}rd-10"),
        ] {
            sign_in(world, email, password).await.is(200);
        }
        let none: Value = sign_in(world, "ann@bücher.example", "passwörd-10").await.refused(401, "bad_credentials");
        assert_eq!(none["code"], "bad_credentials");
    });
}
