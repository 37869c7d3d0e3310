//! Guesses of codes, and two requests with one code.

use serde_json::json;
use shared::table::item::text;

use super::{FACTOR, enrolled};
use crate::race::{CLIENTS, Weight, race};
use crate::world::{Answer, PASSWORD, World};

async fn from(world: &World, address: &str, password: &str, totp: Option<&str>) -> Answer {
    let body = json!({"email": "admin@localhost", "password": password, "totp": totp});
    world.nobody().from(address).post("/v1/sessions", body).await
}

fn stranger(number: usize) -> String {
    format!("10.9.{number}.9")
}

/// R2.12, R2.9: a right code tells nothing with a wrong password, and a wrong one nothing about the password.
#[test]
fn a_code_is_looked_at_only_with_the_right_password() {
    World::run(async |world| {
        let (app, _) = enrolled(world, "admin").await;
        let code = app.code_in(world, 1);
        for totp in [None, Some(app.wrong(world)), Some(code.clone())] {
            from(world, "192.0.2.7", "not the password", totp.as_deref()).await.refused(401, "bad_credentials");
        }
        from(world, "192.0.2.7", PASSWORD, Some(&code)).await.is(200);
    });
}

/// R2.12: whoever has the password guesses ten codes in a quarter of an hour, from however many networks; to give the password alone
/// clears nothing.
#[test]
fn ten_wrong_codes_are_all_in_a_quarter_of_an_hour() {
    World::run(async |world| {
        let (app, _) = enrolled(world, "admin").await;
        for number in 0..10 {
            from(world, &stranger(number), PASSWORD, None).await.refused(401, "totp_required");
            from(world, &stranger(number), PASSWORD, Some(&app.wrong(world))).await.refused(401, "totp_invalid");
        }
        let right = app.code_in(world, 1);
        let limited = from(world, &stranger(11), PASSWORD, Some(&right)).await;
        assert!(limited.headers.contains_key("retry-after"));
        limited.refused(429, "rate_limited");
        let verify = format!("{FACTOR}/verify");
        world.admin().post(&verify, json!({"totp": right})).await.refused(429, "rate_limited");
        world.advance(901).await;
        from(world, &stranger(12), PASSWORD, Some(&app.code(world))).await.is(200);
    });
}

/// R2.9, R2.12: a sign-in in two steps is no failure, however often; wrong codes are.
#[test]
fn a_right_password_without_its_code_is_no_failure() {
    World::run(async |world| {
        let (app, _) = enrolled(world, "admin").await;
        for _ in 0..120 {
            from(world, "192.0.2.7", PASSWORD, None).await.refused(401, "totp_required");
        }
        from(world, "192.0.2.7", PASSWORD, Some(&app.code_in(world, 1))).await.is(200);
        for _ in 0..9 {
            from(world, "192.0.2.7", PASSWORD, Some(&app.wrong(world))).await.refused(401, "totp_invalid");
        }
        from(world, "192.0.2.7", "not the password", None).await.refused(401, "bad_credentials");
        from(world, "192.0.2.7", PASSWORD, None).await.refused(429, "rate_limited");
    });
}

fn sessions_with_factor(world: &World) -> usize {
    let items = world.stack.items().unwrap();
    items.iter().filter(|item| text(item, "type") == Some("session") && item.contains_key("second_factor_at")).count()
}

/// R2.12: of 64 sign-ins with one code, one opens a session.
#[test]
fn one_code_opens_one_session() {
    race("account::one_code_opens_one_session", Weight::Light, async |round| {
        let world = round.world;
        let (app, _) = enrolled(world, "admin").await;
        world.advance(60).await;
        let body = json!({"email": "admin@localhost", "password": PASSWORD, "totp": app.code(world)});
        let before = sessions_with_factor(world);
        let ask = |client: usize| world.nobody().from(&stranger(client)).post("/v1/sessions", body.clone());
        let told = round.at_once(CLIENTS, ask).await;
        assert!(told.made.len() <= 1, "{}", told.made.len());
        assert_eq!(sessions_with_factor(world), before + 1);
        let codes: Vec<&str> = told.refused.values().map(String::as_str).collect();
        assert!(
            codes.iter().all(|code| ["totp_invalid", "rate_limited", "challenge_required"].contains(code)),
            "{codes:?}"
        );
    });
}

/// R2.12: of 64 sign-ins with one recovery code, one opens a session.
#[test]
fn one_recovery_code_opens_one_session() {
    race("account::one_recovery_code_opens_one_session", Weight::Light, async |round| {
        let world = round.world;
        let (_, codes) = enrolled(world, "admin").await;
        let body = json!({"email": "admin@localhost", "password": PASSWORD, "totp": codes[3]});
        let before = sessions_with_factor(world);
        let ask = |client: usize| world.nobody().from(&stranger(client)).post("/v1/sessions", body.clone());
        let told = round.at_once(CLIENTS, ask).await;
        assert!(told.made.len() <= 1, "{}", told.made.len());
        assert_eq!(sessions_with_factor(world), before + 1);
        let used: Vec<String> = super::actions(world);
        assert_eq!(used.iter().filter(|action| *action == "user.recovery_code_used").count(), 1);
    });
}
