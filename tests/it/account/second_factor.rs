//! The second factor of admins (R2.12).

mod asked;
mod guesses;
mod recovery;

use serde_json::{Value, json};
use shared::account::model::second_factor::SecondFactor;
use shared::account::model::totp::{STEP_SECONDS, TotpKey};
use shared::kernel::id::UserId;
use shared::table::item::text;

use crate::world::{Answer, PASSWORD, World};

pub const FACTOR: &str = "/v1/me/second-factor";
const ADMIN: &str = "admin@localhost";

/// Authenticator app of somebody.
pub struct Authenticator {
    key: TotpKey,
}

impl Authenticator {
    /// The code that it shows now.
    pub fn code(&self, world: &World) -> String {
        self.code_in(world, 0)
    }

    /// The code that it shows so many steps later, or earlier.
    pub fn code_in(&self, world: &World, steps: i64) -> String {
        self.key.code(world.stack.app.clock.now().as_second().div_euclid(STEP_SECONDS) + steps)
    }

    /// A code that it does not show around now.
    pub fn wrong(&self, world: &World) -> String {
        let near: Vec<String> = (-2..=2).map(|steps| self.code_in(world, steps)).collect();
        let all = (0..).map(|number| format!("{number:06}"));
        all.into_iter().find(|code| !near.contains(code)).unwrap()
    }
}

pub async fn id_of(world: &World, name: &str) -> String {
    world.user(name).get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned()
}

/// Begins an enrolment, and takes its key over into an app.
pub async fn begun(world: &World, name: &str) -> Authenticator {
    let shown = world.user(name).post(FACTOR, json!({"password": PASSWORD})).await.is(201);
    let user = UserId::parse(&id_of(world, name).await).unwrap();
    let factor = world.stack.app.store.get::<SecondFactor>(&SecondFactor::key(user)).await.unwrap().unwrap();
    let key = factor.totp_key(&world.stack.app.config.secret);
    assert_eq!(shown["secret"], key.base32(), "the key that is shown is the one that counts");
    Authenticator { key }
}

/// Sets up somebody's second factor; their session has given it. Returns the app and the recovery codes.
pub async fn enrolled(world: &World, name: &str) -> (Authenticator, Vec<String>) {
    let app = begun(world, name).await;
    let body = json!({"totp": app.code(world)});
    let told = world.user(name).post(&format!("{FACTOR}/confirm"), body).await.is(200);
    world.take_up(name, told["access_token"].as_str().unwrap());
    let codes = told["recovery_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned());
    (app, codes.collect())
}

/// Makes somebody an admin without scopes.
pub async fn second_admin(world: &World, name: &str) -> String {
    let told = world.register(name, None).await;
    let id = told["user"]["id"].as_str().unwrap().to_owned();
    world.admin().put(&format!("/v1/admin/users/{id}/role"), json!({"role": "admin", "scopes": []})).await.is(200);
    world.sign_in(name).await;
    id
}

pub async fn sign_in(world: &World, password: &str, totp: Option<&str>) -> Answer {
    let mut body = json!({"email": "admin@localhost", "password": password});
    if let Some(totp) = totp {
        body["totp"] = json!(totp);
    }
    world.nobody().post("/v1/sessions", body).await
}

fn actions(world: &World) -> Vec<String> {
    let items = world.stack.items().unwrap();
    let records = items.iter().filter(|item| text(item, "type") == Some("audit"));
    records.filter_map(|item| text(item, "action").map(str::to_owned)).collect()
}

/// Number of mails to an address with this subject.
fn mails(world: &World, to: &str, subject: &str) -> usize {
    world.stack.mailbox.sent(Some(to)).iter().filter(|mail| mail.subject == subject).count()
}

fn error_at(problem: &Value) -> (Value, Value) {
    (problem["errors"][0]["pointer"].clone(), problem["errors"][0]["code"].clone())
}

/// R2.12: an enrolment begins with the password, is confirmed by the app's first code, and shows ten recovery codes; sign-in asks for
/// a code from then on. The table tells neither the key nor a code.
#[test]
fn an_admin_sets_up_a_second_factor_with_the_apps_first_code() {
    World::run(async |world| {
        let wrong = world.admin().post(FACTOR, json!({"password": "not the password"})).await.refused(422, "invalid");
        assert_eq!(error_at(&wrong), (json!("/password"), json!("wrong_password")));
        let app = begun(world, "admin").await;
        assert_eq!(world.admin().get(FACTOR).await.is(200)["enabled"], false, "it is not on before it is confirmed");
        sign_in(world, PASSWORD, None).await.is(200);
        let confirm = format!("{FACTOR}/confirm");
        let wrong = world.admin().post(&confirm, json!({"totp": app.wrong(world)})).await.refused(422, "invalid");
        assert_eq!(error_at(&wrong), (json!("/totp"), json!("wrong_code")));
        let told = world.admin().post(&confirm, json!({"totp": app.code(world)})).await.is(200);
        let codes = told["recovery_codes"].as_array().unwrap();
        assert_eq!(codes.len(), 10);
        let state = world.admin().get(FACTOR).await.is(200);
        assert_eq!((&state["enabled"], &state["recovery_codes_left"]), (&json!(true), &json!(10)));
        assert_eq!(state["enabled_at"], state["given_at"]);
        world.admin().post(FACTOR, json!({"password": PASSWORD})).await.refused(409, "second_factor_on");
        sign_in(world, PASSWORD, None).await.refused(401, "totp_required");
        assert_eq!(actions(world).iter().filter(|action| *action == "user.second_factor_set").count(), 1);
        world.settle().await;
        assert_eq!(mails(world, ADMIN, "Your second factor is on"), 1);
        let stored = format!("{:?}", world.stack.items().unwrap());
        assert!(!stored.contains(&app.key.base32()));
        for code in codes.iter().filter_map(Value::as_str) {
            assert!(!stored.contains(code) && !stored.contains(&code.replace('-', "")), "{code}");
        }
    });
}

/// R2.12: a confirmation whose answer was lost is repeated by the same session, and shows the same codes.
#[test]
fn a_confirmation_that_is_repeated_shows_the_same_recovery_codes() {
    World::run(async |world| {
        let app = begun(world, "admin").await;
        let (confirm, body) = (format!("{FACTOR}/confirm"), json!({"totp": app.code(world)}));
        let first = world.admin().post(&confirm, body.clone()).await.is(200);
        let again = world.admin().post(&confirm, body).await.is(200);
        assert_eq!(first["recovery_codes"], again["recovery_codes"]);
        let next = json!({"totp": app.code_in(world, 1)});
        world.admin().post(&confirm, next).await.refused(409, "second_factor_on");
    });
}

/// R2.12: whoever is no admin sets none up; another session does not confirm, nor does the same one after ten minutes.
#[test]
fn an_enrolment_is_its_sessions_own_and_ends_after_ten_minutes() {
    World::run(async |world| {
        world.register("bob", None).await;
        world.user("bob").post(FACTOR, json!({"password": PASSWORD})).await.refused(403, "forbidden");
        let app = begun(world, "admin").await;
        let other = sign_in(world, PASSWORD, None).await.is(200);
        let other = world.holder(other["access_token"].as_str().unwrap());
        let (confirm, body) = (format!("{FACTOR}/confirm"), json!({"totp": app.code(world)}));
        other.post(&confirm, body).await.refused(422, "invalid");
        world.advance(600).await;
        let late = json!({"totp": app.code(world)});
        world.admin().post(&confirm, late).await.refused(422, "invalid");
        let again = begun(world, "admin").await;
        let first = json!({"totp": app.code(world)});
        world.admin().post(&confirm, first).await.refused(422, "invalid");
        let body = json!({"totp": again.code(world)});
        world.admin().post(&confirm, body).await.is(200);
    });
}

/// R2.12: a code counts once, and none before it counts afterwards; the one before and the one after the present one are right.
#[test]
fn a_code_signs_in_once() {
    World::run(async |world| {
        let (app, _) = enrolled(world, "admin").await;
        let used = app.code(world);
        sign_in(world, PASSWORD, Some(&used)).await.refused(401, "totp_invalid");
        let next = app.code_in(world, 1);
        let told = sign_in(world, PASSWORD, Some(&next)).await.is(200);
        assert_eq!(told["user"]["role"], "admin");
        sign_in(world, PASSWORD, Some(&next)).await.refused(401, "totp_invalid");
        world.advance(120).await;
        let (before, now) = (app.code_in(world, -1), app.code(world));
        sign_in(world, PASSWORD, Some(&app.code_in(world, -2))).await.refused(401, "totp_invalid");
        sign_in(world, PASSWORD, Some(&before)).await.is(200);
        sign_in(world, PASSWORD, Some(&now)).await.is(200);
        let code = json!({"totp": now});
        let problem = world.admin().post(&format!("{FACTOR}/verify"), code).await.refused(422, "invalid");
        assert_eq!(error_at(&problem), (json!("/totp"), json!("wrong_code")), "it counted for another session");
        world.advance(90).await;
        sign_in(world, PASSWORD, Some(&app.code(world))).await.is(200);
    });
}

/// R2.12: it is removed with the password and a code; then the password alone signs in.
#[test]
fn a_second_factor_is_removed_with_password_and_code() {
    World::run(async |world| {
        world.admin().raw("DELETE", FACTOR, &json!({"password": PASSWORD, "totp": "123456"}).to_string()).await.is(404);
        let (app, _) = enrolled(world, "admin").await;
        world.advance(30).await;
        let remove = async |password: &str, totp: &str| {
            world.admin().raw("DELETE", FACTOR, &json!({"password": password, "totp": totp}).to_string()).await
        };
        let wrong = remove("not the password", &app.code(world)).await.refused(422, "invalid");
        assert_eq!(error_at(&wrong).0, "/password");
        let wrong = remove(PASSWORD, &app.wrong(world)).await.refused(422, "invalid");
        assert_eq!(error_at(&wrong).0, "/totp");
        sign_in(world, PASSWORD, None).await.refused(401, "totp_required");
        remove(PASSWORD, &app.code(world)).await.is(204);
        sign_in(world, PASSWORD, None).await.is(200);
        assert!(actions(world).contains(&"user.second_factor_removed".to_owned()));
        world.settle().await;
        assert_eq!(mails(world, ADMIN, "Your second factor is off"), 1);
        assert_eq!(world.admin().get(FACTOR).await.is(200)["enabled"], false);
        enrolled(world, "admin").await;
    });
}

/// R2.12: erasing an admin takes the second factor along; a new password does not.
#[test]
fn a_new_password_keeps_the_second_factor_and_an_erasure_does_not() {
    World::run(async |world| {
        let eve = second_admin(world, "eve").await;
        let (app, _) = enrolled(world, "eve").await;
        let body = json!({"current": PASSWORD, "new": "another horse battery"});
        let told = world.user("eve").put("/v1/me/password", body).await.is(200);
        world.take_up("eve", told["access_token"].as_str().unwrap());
        world.user("eve").get("/v1/admin/users").await.refused(403, "second_factor_required");
        let mut body = json!({"email": "eve@example.com", "password": "another horse battery"});
        world.nobody().post("/v1/sessions", body.clone()).await.refused(401, "totp_required");
        body["totp"] = json!(app.code_in(world, 1));
        world.nobody().post("/v1/sessions", body).await.is(200);
        let erase = format!("/v1/admin/users/{eve}/erase");
        world.admin().post(&erase, json!({"reason": "left"})).await.is(200);
        let items = world.stack.items().unwrap();
        assert!(!items.iter().any(|item| text(item, "type") == Some("second_factor")));
    });
}
