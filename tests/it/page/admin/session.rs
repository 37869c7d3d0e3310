//! Sessions of staff: idle time, and the password once more (C5.3, C5.6).

use shared::account::staff::{DANGEROUS, is_dangerous};
use shared::edge::forms::{FORM, Form, ONCE};
use shared::kernel::refusal::Refusal;

use super::super::client::Browser;
use super::admin_in;
use crate::page::journeys::BOTH;
use crate::world::{PASSWORD, World};

const AWAY: u64 = 31 * 60;

/// C5.3: half an hour without a page, or half a day, and staff sign in again; a page now and then keeps them.
#[test]
fn staff_who_are_away_sign_in_again() {
    World::run(async |world| {
        let admin = admin_in(world, &BOTH[0]).await;
        world.advance(29 * 60).await;
        assert_eq!(admin.open("/admin").await.path, "/admin");
        world.advance(29 * 60).await;
        assert_eq!(admin.open("/admin").await.path, "/admin", "the last page counts, not the first");
        let seen = admin.cookies.lock().unwrap()["__Host-seen"].clone();
        world.advance(AWAY).await;
        assert_eq!(admin.open("/admin").await.heading(), "Sign in");
        assert_eq!(admin.open("/home").await.path, "/home", "their own pages stay open");

        let other = admin_in(world, &BOTH[0]).await;
        world.advance(AWAY).await;
        other.cookies.lock().unwrap().insert("__Host-seen".to_owned(), seen);
        assert_eq!(other.open("/admin").await.heading(), "Sign in", "another session's");
        let later = world.stack.app.clock.now().as_second();
        other.cookies.lock().unwrap().insert("__Host-seen".to_owned(), format!("{later}.00"));
        assert_eq!(other.open("/admin").await.heading(), "Sign in", "a forged one");
    });
}

/// C5.3: a session of staff ends after half a day, however busy they are.
#[test]
fn a_session_of_staff_ends_after_half_a_day() {
    World::run(async |world| {
        let admin = admin_in(world, &BOTH[0]).await;
        for _ in 0..23 {
            world.advance(30 * 60).await;
            assert_eq!(admin.open("/admin").await.path, "/admin");
        }
        world.advance(30 * 60).await;
        assert_eq!(admin.open("/admin").await.heading(), "Sign in");
    });
}

/// A form of this route, as a page would seal it for the browser's session.
async fn sealed(world: &World, browser: &Browser<'_>, method: &str, path: &str) -> Vec<(String, String)> {
    let cookie = browser.cookies.lock().unwrap()["__Host-session"].clone();
    let visitor = shared::account::browser::visitor(&world.stack.app, &cookie).await.unwrap().unwrap();
    let form = Form {
        session: Some(visitor.session.claims.sid.to_string()),
        method: method.to_owned(),
        path: path.to_owned(),
        done: "/admin".to_owned(),
        back: "/admin".to_owned(),
        said: None,
        once: None,
    };
    let once = world.stack.app.ulid().to_string();
    vec![(FORM.to_owned(), form.seal(&*world.stack.app).unwrap()), (ONCE.to_owned(), once)]
}

/// Bob's balance, by a session that has not expired.
async fn balance(world: &World) -> String {
    world.sign_in("bob").await;
    world.balance("bob").await
}

/// C5.6: without a password entered a moment ago no dangerous route is reached, whatever page its form stands on; what was
/// entered waits until the password is there.
#[test]
fn a_dangerous_form_needs_a_password_entered_a_moment_ago() {
    assert_eq!(
        (Refusal::FreshPasswordRequired.status(), Refusal::FreshPasswordRequired.code()),
        (403, "fresh_password_required")
    );
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let told = world.register("bob", None).await;
            let route = format!("/v1/admin/users/{}/adjustments", told["user"]["id"].as_str().unwrap());
            let admin = admin_in(world, words).await;
            let own = [("sec-fetch-site", "same-origin")];
            world.advance(16 * 60).await;
            admin.open("/admin").await;
            let mut fields = sealed(world, &admin, "POST", &route).await;
            fields.extend(
                [("amount", "5"), ("remark", "a gift")].map(|(name, value)| (name.to_owned(), value.to_owned())),
            );
            let sent = admin.send(&format!("/forms/admin{route}"), &fields, &own).await;
            let to = sent.headers["location"].to_str().unwrap().to_owned();
            assert_eq!((sent.status, to.as_str()), (303, "/confirm-password?next=%2Fadmin"));
            assert_eq!(balance(world).await, "0", "nothing has happened");

            let page = admin.open(&to).await;
            let go = ["Continue", "继续"][index];
            let back = admin.press(&page, go, &[("password", PASSWORD)]).await;
            assert_eq!(back.path, "/admin");
            let said = ["Your password was entered", "密码已输入"][index];
            assert!(back.says().contains(said), "{}", back.says());
            let sent = admin.send(&format!("/forms/admin{route}"), &fields, &own).await;
            assert_eq!(sent.headers["location"], "/admin");
            assert_eq!(balance(world).await, "5");
            let page = admin.open("/confirm-password?next=%2Fadmin").await;
            let wrong = admin.press(&page, go, &[("password", "not the password")]).await;
            assert_eq!((wrong.status, wrong.path.as_str()), (422, "/confirm-password?next=%2Fadmin"));
        });
    }
}

/// C5.6, C6.8: a wrong password on the way, even twice, loses nothing of what was entered before.
#[test]
fn a_wrong_password_on_the_way_keeps_what_was_entered() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let told = world.register("bob", None).await;
            let page = format!("/admin/users/{}/role", told["user"]["id"].as_str().unwrap());
            let admin = admin_in(world, words).await;
            let form = admin.open(&page).await;
            world.advance(16 * 60).await;
            let set = ["Set role and scopes", "设置角色和权限"][index];
            let (go, role) = (["Continue", "继续"][index], [("role", "agent")]);
            let mut asked = admin.press(&form, set, &role).await;
            for wrong in ["not the password", "nor this one"] {
                assert!(asked.path.starts_with("/confirm-password"), "{}", asked.path);
                asked = admin.press(&asked, go, &[("password", wrong)]).await;
                assert_eq!(asked.status, 422, "{}", asked.says());
            }
            let back = admin.press(&asked, go, &[("password", PASSWORD)]).await;
            assert_eq!(back.path, page);
            let selects = back.root.all("option");
            let chosen = selects.iter().find(|one| one.of("selected").is_some()).and_then(|one| one.of("value"));
            assert_eq!(chosen, Some("agent"), "{}", back.text);
            let said = ["Your password was entered", "密码已输入"][index];
            assert!(back.says().contains(said), "{}", back.says());
            let again = admin.open(&page).await;
            assert!(!again.says().contains(said), "it is shown once");
        });
    }
}

/// C5.6: a token of another session, an expired one and the session's own cookie are no fresh password.
#[test]
fn only_this_sessions_own_token_says_that_the_password_was_entered() {
    World::run(async |world| {
        let told = world.register("bob", None).await;
        let route = format!("/v1/admin/users/{}/adjustments", told["user"]["id"].as_str().unwrap());
        let (admin, other) = (admin_in(world, &BOTH[0]).await, admin_in(world, &BOTH[0]).await);
        let jar = |browser: &Browser<'_>, name: &str| browser.cookies.lock().unwrap()[name].clone();
        let (own, foreign, session) =
            (jar(&admin, "__Host-fresh"), jar(&other, "__Host-fresh"), jar(&admin, "__Host-session"));
        let send = async |fresh: &str| {
            admin.cookies.lock().unwrap().insert("__Host-fresh".to_owned(), fresh.to_owned());
            let mut fields = sealed(world, &admin, "POST", &route).await;
            fields.extend([("amount", "1"), ("remark", "x")].map(|(name, value)| (name.to_owned(), value.to_owned())));
            admin.send(&format!("/forms/admin{route}"), &fields, &[("sec-fetch-site", "same-origin")]).await;
            balance(world).await
        };
        for wrong in [foreign.as_str(), session.as_str(), "", "x"] {
            assert_eq!(send(wrong).await, "0", "{wrong}");
        }
        assert_eq!(send(&own).await, "1");
        world.advance(15 * 60 + 1).await;
        assert_eq!(send(&own).await, "1", "it was entered too long ago");
    });
}

/// C5.6: every route that the specification marks is a route of the API.
#[test]
fn every_dangerous_route_exists() {
    for (method, path) in DANGEROUS {
        let mut places = ["id", "refund_id"].into_iter();
        let named = path
            .split("{}")
            .map(str::to_owned)
            .reduce(|all, rest| format!("{all}{{{}}}{rest}", places.next().unwrap()));
        let named = named.unwrap();
        assert!(crate::contract::document::operation(method, &named).is_some(), "{method} {named}");
        assert!(is_dangerous(method, path), "{method} {path}");
    }
    assert!(!is_dangerous("POST", "/v1/payment/orders"));
}
