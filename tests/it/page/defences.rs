//! Defences of pages and forms (C5): cookies, cross-site posts, sealed fields, redirects, headers, and what pages cost.

use std::collections::BTreeSet;

use http::header::LOCATION;

use super::client::Browser;
use crate::world::{PASSWORD, World};

async fn signed_in<'a>(world: &'a World, name: &str) -> Browser<'a> {
    let browser = Browser::new(world, "en");
    let page = browser.open("/sign-in").await;
    let email = format!("{name}@example.com");
    let home = browser.press(&page, "Sign in", &[("email", &email), ("password", PASSWORD)]).await;
    assert_eq!(home.path, "/home", "{}", home.says());
    browser
}

/// C5.4: a form counts only from a page of ours.
#[test]
fn a_form_from_another_site_is_refused() {
    World::run(async |world| {
        world.register("ann", None).await;
        let browser = Browser::new(world, "en");
        let page = browser.open("/sign-in").await;
        let entries = [("email", "ann@example.com"), ("password", PASSWORD)];
        let (action, fields) = page.form("Sign in", &entries);
        for foreign in [
            &[("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:3000")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[],
        ] {
            assert_eq!(browser.send(&action, &fields, foreign).await.status, 403, "{foreign:?}");
        }
        assert!(browser.cookies.lock().unwrap().is_empty());
        let own = [("origin", "http://127.0.0.1:3000")];
        assert_eq!(browser.send(&action, &fields, &own).await.status, 303, "an older browser of ours");
    });
}

/// C5.4, C6.3: the sealed field binds the session and the route; nobody else's fits, and no other route.
#[test]
fn a_form_of_another_session_or_route_is_refused() {
    World::run(async |world| {
        for name in ["ann", "eve"] {
            world.register(name, None).await;
        }
        let (ann, eve) = (signed_in(world, "ann").await, signed_in(world, "eve").await);
        let (action, fields) = eve.open("/home").await.form("Sign out", &[]);
        let own = [("sec-fetch-site", "same-origin")];
        assert_eq!(ann.send(&action, &fields, &own).await.status, 403);
        assert_eq!(ann.open("/home").await.status, 200, "Ann is signed in");
        assert_eq!(eve.send("/forms/registration/sign-in", &fields, &own).await.status, 403);
        let forged: Vec<_> = fields.iter().map(|(name, value)| (name.clone(), format!("{value}A"))).collect();
        assert_eq!(eve.send(&action, &forged, &own).await.status, 403);
        assert_eq!(eve.send(&action, &[], &own).await.status, 403);
        for unreachable in ["/sign-in", "/register", "/sign-out"] {
            assert!([404, 405].contains(&eve.send(unreachable, &fields, &own).await.status), "{unreachable}");
        }
    });
}

/// C5.2, C5.5: neither kind of token is taken for the other, and bearer routes read no cookies.
#[test]
fn a_cookie_is_no_bearer_and_an_access_token_no_cookie() {
    World::run(async |world| {
        let told = world.register("ann", None).await;
        let browser = signed_in(world, "ann").await;
        let cookie = browser.cookies.lock().unwrap()["__Host-session"].clone();
        world.holder(&cookie).get("/v1/me").await.refused(401, "unauthenticated");
        let sent = world.nobody().header("cookie", &format!("__Host-session={cookie}"));
        sent.get("/v1/me").await.refused(401, "unauthenticated");
        let access = told["session"]["access_token"].as_str().unwrap().to_owned();
        browser.cookies.lock().unwrap().insert("__Host-session".to_owned(), access);
        assert_eq!(browser.open("/home").await.heading(), "Sign in");
    });
}

/// C5.1: a blocked account is signed out at the next click.
#[test]
fn who_is_blocked_is_signed_out_at_the_next_click() {
    World::run(async |world| {
        let told = world.register("ann", None).await;
        let browser = signed_in(world, "ann").await;
        let status = format!("/v1/admin/users/{}/status", told["user"]["id"].as_str().unwrap());
        let blocked = serde_json::json!({"status": "blocked", "reason": "a test"});
        world.admin().put(&status, blocked).await.is(200);
        assert_eq!(browser.open("/home").await.heading(), "Sign in");
    });
}

/// C5.10: after sign-in a page of ours comes, whatever `next` says.
#[test]
fn nobody_is_led_to_another_site() {
    World::run(async |world| {
        world.register("ann", None).await;
        for next in
            ["//evil.example", "/\\evil.example", "https://evil.example", "/records/../..", "%2F%2Fevil", "/nowhere"]
        {
            let browser = Browser::new(world, "en");
            let page = browser.open(&format!("/sign-in?next={next}")).await;
            let entries = [("email", "ann@example.com"), ("password", PASSWORD)];
            let (action, fields) = page.form("Sign in", &entries);
            let sent = browser.send(&action, &fields, &[("sec-fetch-site", "same-origin")]).await;
            assert_eq!(sent.headers[LOCATION], "/sign-in?kept=1", "{next}");
            assert_eq!(browser.open("/sign-in?kept=1").await.path, "/home", "{next}");
        }
    });
}

/// C6.8: a message is for one page; another page's visit leaves it, and a forged one is none.
#[test]
fn a_message_is_shown_on_its_page_and_once() {
    World::run(async |world| {
        world.register("ann", None).await;
        let browser = Browser::new(world, "en");
        let page = browser.open("/sign-in").await;
        let (action, fields) = page.form("Sign in", &[("email", "ann@example.com"), ("password", "wrong password")]);
        browser.send(&action, &fields, &[("sec-fetch-site", "same-origin")]).await;
        assert_eq!(browser.open("/register").await.status, 200, "it is not for this page");
        assert_eq!(browser.open("/sign-in").await.status, 422);
        assert_eq!(browser.open("/sign-in").await.status, 200, "it was shown");
        browser.cookies.lock().unwrap().insert("__Host-flash".to_owned(), "Zm9yZ2Vk".to_owned());
        assert_eq!(browser.open("/sign-in").await.status, 200);
    });
}

/// C5.9: what people write is text, wherever it is shown.
#[test]
fn hostile_strings_stay_text() {
    World::run(async |world| {
        let told = world.register("ann", None).await;
        let hostile = "\"><script>alert(1)</script>{{7*7}}";
        let path = format!("/v1/admin/users/{}/adjustments", told["user"]["id"].as_str().unwrap());
        let body = serde_json::json!({"amount": "1234567.12345678", "remark": hostile});
        world.admin().once().post(&path, body).await.is(200);
        let browser = signed_in(world, "ann").await;
        let page = browser.open("/records").await;
        assert!(page.says().contains(hostile) && page.says().contains("1,234,567.12345678"), "{}", page.says());
        assert!(!page.text.contains("<script>alert"));
        let evil = browser.open("/register?ref=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E").await;
        assert!(!evil.text.contains("<SCRIPT>ALERT") && !evil.text.contains("<script>alert"));
    });
}

/// Journey 28, C5.9: names, labels, remarks and reasons that others wrote are text on every page that shows them, in both languages.
#[test]
fn what_others_wrote_is_text_on_every_page() {
    let hostile = "\"><script>alert(1)</script>{{7*7}}";
    World::run(async |world| {
        let filled = super::languages::filled(world).await;
        world.settings("console", |settings| settings["name"] = hostile.into()).await;
        world.settings("payment", |settings| settings["offers"][0]["label"] = hostile.into()).await;
        let label = serde_json::json!({"label": hostile});
        world.user("ann").post("/v1/affiliate/codes", label).await.is(201);
        let plan = serde_json::json!({"name": hostile, "quota": 0, "on_sale": true});
        let code = world.codes(crate::redemption::time_on(&world.plan(plan).await, "day", 1, 1)).await.remove(0);
        let redeemed = world.redeem("ann", &code).await.is(201)["id"].as_str().unwrap().to_owned();
        let id = world.user("ann").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let gift = serde_json::json!({"amount": "5", "remark": hostile});
        world.admin().once().post(&format!("/v1/admin/users/{id}/adjustments"), gift).await.is(200);
        let open =
            world.admin().get("/v1/admin/withdrawals").await.is(200)["items"][0]["id"].as_str().unwrap().to_owned();
        let rejected = serde_json::json!({"reason": hostile});
        world.admin().post(&format!("/v1/admin/withdrawals/{open}/reject"), rejected).await.is(200);
        world.settle().await;
        world.advance(61).await;
        for words in &super::journeys::BOTH {
            let ann = super::signing_in::signed_in(world, words, "ann", PASSWORD).await;
            let mine = ["/home", "/records", "/top-up", "/affiliate", "/redeem", "/affiliate/withdrawals"];
            let done = format!("/redeem?done={redeemed}");
            let order = format!("/orders/{}", filled.order);
            for path in mine.iter().copied().chain([
                done.as_str(),
                order.as_str(),
                "/account",
                "/invite",
                "/sorry?status=404",
                "/sorry",
            ]) {
                let page = ann.open(path).await;
                assert!(
                    page.says().contains(hostile),
                    "{path} shows it at least as the operator's name: {}",
                    page.says()
                );
                let scripts = page.root.all("script");
                assert!(scripts.len() == 1 && scripts[0].of("src").is_some(), "{path}");
                let count = page.root.all("main")[0].text().matches(hostile).count();
                assert!(count > 0 || !mine.contains(&path), "{path} shows what was written");
            }
        }
    });
}

/// C2.8, C5.7: pages are stored nowhere and may load, send and be framed by nothing foreign.
#[test]
fn every_page_has_its_headers_and_files_have_theirs() {
    World::run(async |world| {
        world.register("ann", None).await;
        let browser = signed_in(world, "ann").await;
        for path in ["/home", "/records", "/register", "/verify", "/static/a/b/c"] {
            let page = browser.open(path).await;
            let header = |name: &str| page.headers[name].to_str().unwrap().to_owned();
            assert!(header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"), "{path}");
            assert_eq!(
                (header("cache-control").as_str(), header("referrer-policy").as_str()),
                ("no-store", "same-origin")
            );
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert!(page.text.len() <= 30 * 1024, "{path}: {} bytes before they are packed", page.text.len());
            for link in page.root.all("link").iter().chain(&page.root.all("script")) {
                let file = link.of("href").or(link.of("src")).unwrap();
                let answer = browser.open(file).await;
                assert_eq!(answer.status, 200, "{file}");
                assert_eq!(answer.headers["cache-control"], "public, max-age=31536000, immutable");
            }
        }
        assert_eq!(browser.open("/static/000000000000/app.css").await.status, 404);
        assert!(browser.open("/robots.txt").await.text.contains("Disallow: /"));
    });
}

/// C2.6: all static files together are small.
#[test]
fn the_static_files_are_within_their_budget() {
    use std::io::Write;
    let packed = |text: &str| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap().len()
    };
    let served = |name: &str| console::files::served(name).unwrap().1;
    let all: usize = console::files::FILES.iter().map(|(name, ..)| packed(served(name))).sum();
    let script = served("app.js").len();
    assert!(all <= 12 * 1024 && script <= 6 * 1024, "{all} and {script} bytes");
}

/// C2.1: the template and the router name the same pages.
#[test]
fn template_and_router_name_the_same_pages() {
    World::run(async |world| {
        for (binary, pages, more) in [
            ("console", console::PAGES, &["/static/{proxy+}", "/robots.txt", "/docs"][..]),
            ("back-office", console::STAFF_PAGES, &[]),
        ] {
            let function = world.stack.template.functions.iter().find(|function| function.binary == binary).unwrap();
            let declared: BTreeSet<&str> = function.routes.iter().map(|route| route.path.as_str()).collect();
            assert_eq!(declared, pages.iter().chain(more).copied().collect());
            assert!(function.routes.iter().all(|route| route.method == "GET"));
        }
    });
}

/// Pages, and whether anybody may see them; the others are for whoever has signed in.
const MATRIX: &[(&str, bool)] = &[
    ("/", false),
    ("/sign-in", true),
    ("/register", true),
    ("/verify", true),
    ("/home", false),
    ("/records", false),
    ("/top-up", false),
    ("/orders", false),
    ("/payment/result", true),
    ("/invite", false),
    ("/invite/rewards", false),
    ("/sorry", true),
    ("/reset", true),
    ("/unsubscribe", true),
    ("/account", false),
    ("/account/mails", false),
    ("/redeem", false),
    ("/affiliate", false),
    ("/affiliate/off", false),
    ("/affiliate/withdraw", false),
    ("/affiliate/withdraw/confirm", false),
    ("/affiliate/withdrawals", false),
    ("/affiliate/statement", false),
    ("/affiliate/statement.csv", false),
    ("/affiliate/statement.json", false),
    ("/confirm-password", false),
];

/// C9.1: each page answers nobody, a user, an admin and a blocked user as the matrix says.
#[test]
fn each_page_answers_its_callers_as_the_matrix_says() {
    let has_row = |page: &&str| MATRIX.iter().any(|(path, _)| path == page);
    let is_plain = |page: &&str| !page.ends_with("{proxy+}");
    let plain: Vec<&str> = console::PAGES.iter().copied().filter(is_plain).collect();
    assert_eq!(plain.iter().filter(|page| !has_row(page)).count(), 0, "a row for each page of {plain:?}");
    World::run(async |world| {
        for name in ["ann", "bob"] {
            world.register(name, None).await;
        }
        let nobody = Browser::new(world, "en");
        let (ann, bob) = (signed_in(world, "ann").await, signed_in(world, "bob").await);
        let admin = Browser::new(world, "en");
        let entries = [("email", "admin@localhost"), ("password", PASSWORD)];
        admin.press(&admin.open("/sign-in").await, "Sign in", &entries).await;
        let me = world.user("bob").get("/v1/me").await.is(200);
        let status = format!("/v1/admin/users/{}/status", me["id"].as_str().unwrap());
        world.admin().put(&status, serde_json::json!({"status": "blocked", "reason": "a test"})).await.is(200);
        for (path, is_open) in MATRIX {
            let wanted = match *path {
                // One asks about a code, two are of a month, and none was named.
                "/affiliate/off" | "/affiliate/statement.csv" | "/affiliate/statement.json" => 404,
                "/sorry" => 403,
                _ => 200,
            };
            for browser in [&ann, &admin] {
                assert_eq!(browser.open(path).await.status, wanted, "{path}");
            }
            for browser in [&nobody, &bob] {
                let led = browser.open(path).await;
                assert_eq!(led.path.split('?').next().unwrap() == *path, *is_open, "{path} leads to {}", led.path);
                assert!(*is_open || led.heading() == "Sign in", "{path} leads to {}", led.path);
            }
        }
    });
}

/// C1.2: pages read; the functions that render them may write nothing. Users' pages know no secret but the one that seals forms;
/// those of staff list codes, too.
#[test]
fn the_functions_of_the_pages_may_only_read() {
    World::run(async |world| {
        let sealed = ["/app-secret", "/origin-secret", "/origin-secret-previous"];
        for (binary, more) in [("console", None), ("back-office", Some("/code-secret"))] {
            let function = world.stack.template.functions.iter().find(|function| function.binary == binary).unwrap();
            let allowed = function.statements.iter().filter(|statement| statement.allows);
            let actions: BTreeSet<&str> =
                allowed.flat_map(|statement| &statement.actions).map(String::as_str).collect();
            let reads = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"];
            // A key of the operator's own decrypts what the parameters hold.
            let secrets = ["kms:Decrypt", "ssm:GetParameters"];
            let others = actions.iter().filter(|action| !reads.contains(action) && !secrets.contains(action));
            assert_eq!(others.collect::<Vec<_>>(), Vec::<&&str>::new(), "{binary}");
            let readable = function.statements.iter().filter(|statement| statement.actions == ["ssm:GetParameters"]);
            let names = readable.flat_map(|statement| &statement.resources);
            let names: BTreeSet<&str> =
                names.filter_map(|name| name.rfind('/').and_then(|at| name.get(at..))).collect();
            assert_eq!(names, sealed.iter().copied().chain(more).collect(), "{binary}");
        }
    });
}
