//! Demand for the second factor: by every route that moves money, and of every admin where the setting says so.

use serde_json::json;

use super::{Authenticator, FACTOR, enrolled, second_admin, sign_in};
use crate::world::{PASSWORD, World};

async fn verify(world: &World, name: &str, app: &Authenticator) -> String {
    let told = world.user(name).post(&format!("{FACTOR}/verify"), json!({"totp": app.code(world)})).await.is(200);
    told["access_token"].as_str().unwrap().to_owned()
}

/// Adjusts Bob's balance by 1, and returns the status.
async fn adjust(world: &World, token: &str, bob: &str) -> (u16, String) {
    let path = format!("/v1/admin/users/{bob}/adjustments");
    let answer = world.holder(token).once().post(&path, json!({"amount": "1", "remark": "x"})).await;
    let code = if answer.status == 403 { answer.is_problem() } else { String::new() };
    (answer.status, code)
}

/// R2.12: what moves money asks for a second factor not older than fifteen minutes, and other routes for one of this session; a
/// refresh keeps the time when it was given, and a code renews it.
#[test]
fn moving_money_asks_for_a_second_factor_of_the_last_fifteen_minutes() {
    World::run(async |world| {
        let bob = world.register("bob", None).await["user"]["id"].as_str().unwrap().to_owned();
        let old = sign_in(world, PASSWORD, None).await.is(200)["access_token"].as_str().unwrap().to_owned();
        let (app, _) = enrolled(world, "admin").await;
        let refused = (403, "second_factor_required".to_owned());
        assert_eq!(adjust(world, &old, &bob).await, refused, "a session from before has not given it");
        world.holder(&old).get("/v1/admin/users").await.refused(403, "second_factor_required");
        world.advance(60).await;
        let session = sign_in(world, PASSWORD, Some(&app.code(world))).await.is(200);
        let token = session["access_token"].as_str().unwrap();
        assert_eq!(adjust(world, token, &bob).await.0, 200);
        world.advance(14 * 60 + 50).await;
        assert_eq!(adjust(world, token, &bob).await.0, 200);
        let refresh = json!({"refresh_token": session["refresh_token"]});
        let session = world.nobody().post("/v1/sessions/refresh", refresh).await.is(200);
        world.advance(10).await;
        let token = session["access_token"].as_str().unwrap();
        assert_eq!(adjust(world, token, &bob).await, refused, "a refresh gives no second factor");
        world.holder(token).get("/v1/admin/users").await.is(200);
        world.sign_in("bob").await;
        assert_eq!(world.balance("bob").await, "2");
        world.take_up("admin", token);
        let renewed = verify(world, "admin", &app).await;
        assert_eq!(adjust(world, &renewed, &bob).await.0, 200);
        let refresh = json!({"refresh_token": session["refresh_token"]});
        let session = world.nobody().post("/v1/sessions/refresh", refresh).await.is(200);
        assert_eq!(adjust(world, session["access_token"].as_str().unwrap(), &bob).await.0, 200);
        world.take_up("admin", &renewed);
    });
}

/// R2.12: without a second factor nothing is asked for while that is allowed; a service key is asked for none.
#[test]
fn an_admin_without_one_is_asked_for_none_while_that_is_allowed() {
    World::run(async |world| {
        let bob = world.register("bob", None).await["user"]["id"].as_str().unwrap().to_owned();
        world.admin().post(&format!("{FACTOR}/verify"), json!({"totp": "123456"})).await.refused(404, "not_found");
        let path = format!("/v1/admin/users/{bob}/adjustments");
        world.admin().once().post(&path, json!({"amount": "1", "remark": "x"})).await.is(200);
        let key = world.service_key("shop", &["ledger:write"]).await;
        world.settings("identity", |identity| identity["admin_totp"] = json!("required")).await;
        world
            .admin()
            .once()
            .post(&path, json!({"amount": "1", "remark": "x"}))
            .await
            .refused(403, "second_factor_enrolment_required");
        let credit = json!({"amount": "1", "remark": "x", "related_id": "1"});
        world.holder(&key).once().post(&format!("/v1/service/users/{bob}/credits"), credit).await.is(200);
    });
}

/// R2.12: where every admin needs one, an admin without can only set it up.
#[test]
fn where_every_admin_needs_one_who_has_none_can_only_set_it_up() {
    World::run(async |world| {
        second_admin(world, "eve").await;
        world.settings("identity", |identity| identity["admin_totp"] = json!("required")).await;
        world.sign_in("eve").await;
        for (method, path) in [("GET", "/v1/admin/users"), ("GET", "/v1/shops"), ("PUT", "/v1/admin/settings/identity")]
        {
            let answer = world.user("eve").raw(method, path, "{}").await;
            answer.refused(403, "second_factor_enrolment_required");
        }
        world.user("eve").get("/v1/me").await.is(200);
        enrolled(world, "eve").await;
        world.user("eve").get("/v1/admin/users").await.is(200);
        world.user("eve").get("/v1/shops").await.is(200);
        enrolled(world, "admin").await;
        world.settings("identity", |identity| identity["admin_totp"] = json!("optional")).await;
    });
}
