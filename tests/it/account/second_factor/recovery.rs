//! Recovery codes, and what becomes of who has lost them.

use serde_json::json;
use shared::account::create_admin::create_admin;
use shared::account::model::identity::{Email, Password};

use super::{ADMIN, FACTOR, actions, enrolled, id_of, mails, second_admin, sign_in};
use crate::world::{PASSWORD, World};

/// R2.12: each of ten recovery codes signs in once, in whatever spelling; each use is on record.
#[test]
fn each_recovery_code_signs_in_once() {
    World::run(async |world| {
        let (_, codes) = enrolled(world, "admin").await;
        for (used, code) in codes.iter().enumerate() {
            let typed = code.to_lowercase().replace('-', " ");
            let told = sign_in(world, PASSWORD, Some(&typed)).await.is(200);
            let state = world.holder(told["access_token"].as_str().unwrap()).get(FACTOR).await.is(200);
            assert_eq!(state["recovery_codes_left"], 9 - used);
            sign_in(world, PASSWORD, Some(code)).await.refused(401, "totp_invalid");
        }
        assert_eq!(actions(world).iter().filter(|action| *action == "user.recovery_code_used").count(), 10);
        world.settle().await;
        assert_eq!(mails(world, ADMIN, "A recovery code was used"), 10, "each use is told");
        sign_in(world, PASSWORD, Some("AAAAA-AAAAA")).await.refused(401, "totp_invalid");
    });
}

/// R2.12: new recovery codes are made with password and code; those before are good no more.
#[test]
fn new_recovery_codes_end_those_before() {
    World::run(async |world| {
        let (app, before) = enrolled(world, "admin").await;
        let path = format!("{FACTOR}/recovery-codes");
        let ask = async |password: &str, totp: &str| {
            world.admin().post(&path, json!({"password": password, "totp": totp})).await
        };
        ask("not the password", &app.code_in(world, 1)).await.refused(422, "invalid");
        ask(PASSWORD, &app.wrong(world)).await.refused(422, "invalid");
        let code = app.code_in(world, 1);
        let made = ask(PASSWORD, &code).await.is(200);
        assert_eq!(ask(PASSWORD, &code).await.is(200), made, "a repeat of the same request is answered again");
        let codes = made["recovery_codes"].as_array().unwrap();
        assert_eq!(codes.len(), 10);
        sign_in(world, PASSWORD, Some(&before[0])).await.refused(401, "totp_invalid");
        sign_in(world, PASSWORD, codes[0].as_str()).await.is(200);
        assert_eq!(actions(world).iter().filter(|action| *action == "user.recovery_codes_made").count(), 1);
    });
}

/// R2.12: another admin resets a second factor, with a reason on record; every session of its holder ends. Nobody resets their own.
#[test]
fn another_admin_resets_a_lost_second_factor_and_nobody_their_own() {
    World::run(async |world| {
        let eve = second_admin(world, "eve").await;
        enrolled(world, "eve").await;
        let own = id_of(world, "admin").await;
        let reset = |id: &str| format!("/v1/admin/users/{id}/second-factor/reset");
        world.admin().post(&reset(&own), json!({"reason": "x"})).await.refused(403, "forbidden");
        world.admin().post(&reset(&eve), json!({"reason": ""})).await.refused(422, "invalid");
        assert!(world.admin().get(&format!("/v1/admin/users/{eve}")).await.is(200)["second_factor_since"].is_string());
        let told = world.admin().post(&reset(&eve), json!({"reason": "lost the phone"})).await.is(200);
        assert_eq!(told["second_factor_since"], json!(null));
        world.admin().post(&reset(&eve), json!({"reason": "lost the phone"})).await.is(200);
        world.user("eve").get("/v1/me").await.refused(401, "unauthenticated");
        world.settle().await;
        assert_eq!(
            mails(world, "eve@example.com", "Your second factor is off"),
            1,
            "once, though it was asked for twice"
        );
        world.sign_in("eve").await;
        let trail = world.admin().get(&format!("/v1/admin/audit?subject={eve}")).await.is(200);
        let record = trail["items"].as_array().unwrap().iter().find(|of| of["action"] == "user.second_factor_reset");
        assert_eq!(record.unwrap()["reason"], "lost the phone");
        enrolled(world, "eve").await;
    });
}

/// R2.12: whoever has the table sets an admin's password, which removes a second factor that is lost.
#[test]
fn the_operator_helps_an_admin_who_lost_everything() {
    World::run(async |world| {
        enrolled(world, "admin").await;
        let email = Email::parse("admin@localhost").unwrap();
        create_admin(&world.stack.app, &email, &Password::parse(PASSWORD).unwrap()).await.unwrap();
        sign_in(world, PASSWORD, None).await.refused(401, "totp_required");
        create_admin(&world.stack.app, &email, &Password::parse("another horse battery").unwrap()).await.unwrap();
        sign_in(world, "another horse battery", None).await.is(200);
    });
}
