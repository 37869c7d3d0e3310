//! Links by which the operator's backend sends a browser here signed in (C8.2).

use http::header::{LOCATION, REFERRER_POLICY, SET_COOKIE};
use serde_json::{Value, json};

use super::client::{Browser, Shown};
use super::journeys::BOTH;
use crate::world::World;

/// The operator's backend's request for a link of this user, to this page.
async fn asked(world: &World, key: &str, user: &str, page: &str) -> String {
    let path = format!("/v1/service/users/{user}/sessions");
    let made = world.holder(key).post(&path, json!({"browser": true, "page": page})).await.is(201);
    let url = made["url"].as_str().unwrap();
    url[url.find("/enter?code=").unwrap_or_else(|| panic!("{url}"))..].to_owned()
}

async fn id(world: &World, name: &str) -> String {
    let me: Value = world.user(name).get("/v1/me").await.is(200);
    me["id"].as_str().unwrap().to_owned()
}

async fn followed(browser: &Browser<'_>, link: &str) -> Shown {
    browser.ask("GET", link, None, &[("sec-fetch-site", "cross-site")]).await
}

fn leads_to(shown: &Shown) -> &str {
    assert_eq!(shown.status, 303, "{}", shown.text);
    assert_eq!(shown.headers[REFERRER_POLICY], "no-referrer", "the code is in the address");
    assert_eq!(shown.headers["cache-control"], "no-store");
    shown.headers[LOCATION].to_str().unwrap()
}

/// C8.2: a link opens a browser session once, and leads to its page; whoever follows it later is told so and may sign in.
#[test]
fn a_link_signs_a_browser_in_once() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.register("ann", None).await;
            let key = world.service_key("shop", &["sessions:create"]).await;
            let link = asked(world, &key, &id(world, "ann").await, "/top-up").await;
            let (ann, thief) = (Browser::new(world, words.accept), Browser::new(world, words.accept));
            let ahead = ann.ask("GET", &link, None, &[("sec-purpose", "prefetch;prerender")]).await;
            assert_eq!((ahead.status, ahead.headers.get(SET_COOKIE)), (503, None), "fetching ahead uses nothing up");
            let first = followed(&ann, &link).await;
            assert_eq!(leads_to(&first), "/top-up");
            assert_eq!(ann.open("/top-up").await.status, 200);
            let again = followed(&ann, &link).await;
            assert_eq!((leads_to(&again), again.headers.get(SET_COOKIE)), ("/top-up", None), "pressed twice");
            assert_eq!(ann.open("/home").await.status, 200);

            let late = followed(&thief, &link).await;
            assert_eq!((leads_to(&late), late.headers.get(SET_COOKIE)), ("/sign-in?link=over&next=%2Ftop-up", None));
            let gate = thief.open("/sign-in?link=over&next=%2Ftop-up").await;
            let told = ["This link has been used or is older than a minute", "该链接已被使用，或已超过一分钟"];
            assert!(gate.says().contains(told[index]), "{}", gate.says());
            assert_eq!(thief.open("/home").await.heading(), words.sign_in);
        });
    }
}

/// C8.2: a link is good for sixty seconds, and for no other account, text or deployment.
#[test]
fn a_link_that_is_old_or_changed_opens_nothing() {
    World::run(async |world| {
        world.register("ann", None).await;
        let (key, ann) = (world.service_key("shop", &["sessions:create"]).await, id(world, "ann").await);
        let browser = Browser::new(world, "en");
        let in_time = asked(world, &key, &ann, "/home").await;
        world.advance(59).await;
        assert_eq!(leads_to(&followed(&browser, &in_time).await), "/home");
        let stranger = Browser::new(world, "en");
        let old = asked(world, &key, &ann, "/home").await;
        world.advance(60).await;
        let fresh = asked(world, &key, &ann, "/home").await;
        let changed = format!("{}{}", &fresh[..fresh.len() - 1], if fresh.ends_with('A') { "Q" } else { "A" });
        for (link, next) in
            [(old.as_str(), "%2Fhome"), (&changed, "%2F"), ("/enter", "%2F"), ("/enter?code=&code=", "%2F")]
        {
            let shown = followed(&stranger, link).await;
            assert_eq!(leads_to(&shown), format!("/sign-in?link=over&next={next}"), "{link}");
            assert!(shown.headers.get(SET_COOKIE).is_none());
        }
    });
}

/// C8.2, R2.11: an agent who comes by a link is a user there, an admin gets none, and a block or a new password ends the link.
#[test]
fn a_link_gives_the_rights_of_a_user_at_most() {
    World::run(async |world| {
        let key = world.service_key("shop", &["sessions:create"]).await;
        for name in ["ann", "bob", "cat"] {
            world.register(name, None).await;
        }
        let (ann, bob, cat) = (id(world, "ann").await, id(world, "bob").await, id(world, "cat").await);
        world.admin().put(&format!("/v1/admin/users/{ann}/role"), json!({"role": "agent"})).await.is(200);
        let browser = Browser::new(world, "en");
        let link = asked(world, &key, &ann, "/home").await;
        followed(&browser, &link).await;
        assert_eq!(browser.open("/home").await.status, 200);
        assert!(!browser.cookies.lock().unwrap().contains_key("__Host-fresh"), "no password was entered");
        world.admin().put(&format!("/v1/admin/users/{ann}/role"), json!({"role": "admin"})).await.is(200);
        assert_eq!(browser.open("/admin").await.heading(), "Sign in", "a session by link never grows");
        let path = format!("/v1/service/users/{ann}/sessions");
        world.holder(&key).post(&path, json!({"browser": true})).await.refused(403, "forbidden");

        let (of_bob, of_cat) = (asked(world, &key, &bob, "/").await, asked(world, &key, &cat, "/").await);
        let blocked = json!({"status": "blocked", "reason": "a test"});
        world.admin().put(&format!("/v1/admin/users/{bob}/status"), blocked).await.is(200);
        world.user("cat").raw("DELETE", "/v1/sessions?all=true", "").await.is(204);
        for link in [of_bob, of_cat] {
            let shown = followed(&Browser::new(world, "en"), &link).await;
            assert_eq!(leads_to(&shown), "/sign-in?link=over&next=%2F");
        }
    });
}

/// C5.10, C8.2: a link leads to a path of this deployment only, and tokens have no page.
#[test]
fn a_link_leads_nowhere_else() {
    World::run(async |world| {
        world.register("ann", None).await;
        let key = world.service_key("shop", &["sessions:create"]).await;
        let path = format!("/v1/service/users/{}/sessions", id(world, "ann").await);
        let long = format!("/{}", "a".repeat(512));
        let refused = async |body: Value| {
            let problem = world.holder(&key).post(&path, body).await.refused(422, "invalid");
            problem["errors"][0]["code"].as_str().unwrap().to_owned()
        };
        for page in ["//evil.example", "/\\evil.example", "https://evil.example", "home", "", "/a b", "/\u{9}/x", &long]
        {
            assert_eq!(refused(json!({"browser": true, "page": page})).await, "not_a_page", "{page}");
        }
        assert_eq!(refused(json!({"page": "/home"})).await, "not_for_tokens");
        let tokens = world.holder(&key).post(&path, json!({})).await.is(200);
        assert!(tokens["access_token"].is_string() && tokens["url"].is_null());
    });
}
