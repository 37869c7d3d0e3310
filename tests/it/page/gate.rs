//! Pages before sign-in, and those of no path: what a browser is told that somebody else is not (C2.3, C3.1, C4.11).

use http::header::LOCATION;
use serde_json::json;

use super::client::Browser;
use super::journeys::BOTH;
use crate::world::{PASSWORD, World};

/// `Accept` of Chromium, of Firefox, and of somebody who takes both.
const BROWSERS: [&str; 3] = [
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "application/json;q=0.5, text/html;q=0.9",
];

/// C2.3: a browser is shown the page for what is not there, and whoever else asks gets the problem.
#[test]
fn a_browser_gets_the_page_of_an_unknown_path_and_everybody_else_the_problem() {
    World::run(async |world| {
        for accept in BROWSERS {
            for path in ["/nowhere", "/v1/nothing", "/v1/me/nothing"] {
                let browser = Browser::new(world, BOTH[0].accept);
                let asked = browser.ask("GET", path, None, &[("accept", accept)]).await;
                assert_eq!(asked.status, 303, "{path} {accept}");
                let page = browser.open(asked.headers[LOCATION].to_str().unwrap()).await;
                assert_eq!((page.status, page.heading().as_str()), (404, "There is no such page"), "{path} {accept}");
            }
        }
        let others = [
            None,
            Some("*/*"),
            Some("application/json"),
            Some("application/json, text/html;q=0.5"),
            Some("text/html;q=0"),
        ];
        for accept in others {
            let caller = world.nobody();
            let caller = match accept {
                Some(accept) => caller.header("accept", accept),
                None => caller,
            };
            caller.get("/nowhere").await.refused(404, "no_such_route");
        }
        let browser = Browser::new(world, BOTH[0].accept);
        let posted = browser.ask("POST", "/nowhere", Some(String::new()), &[("accept", BROWSERS[0])]).await;
        assert_eq!(posted.status, 404, "{}", posted.text);
        assert!(posted.text.contains("no_such_route"));
        let wrong = browser.ask("POST", "/v1/me", Some(String::new()), &[("accept", BROWSERS[0])]).await;
        assert_eq!(wrong.status, 405, "another method of a known path");
    });
}

/// C3.1: who was invited reads what that brings, if it brings anything.
#[test]
fn an_invited_visitor_reads_the_reward_if_there_is_one() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.open().await;
            world.register("ann", None).await;
            let code = world.code("ann").await;
            let browser = Browser::new(world, words.accept);
            let path = format!("/register?ref={code}");
            let said = browser.open(&path).await.says();
            assert!(said.contains(&[format!("code {code}."), format!("邀请码 {code} 注册。")][index]), "{said}");
            assert!(!said.contains("USD"), "nothing is promised: {said}");
            world
                .settings("referral", |settings| {
                    settings["registration"]["invitee_reward"] = json!("1");
                    settings["qualified"]["invitee_reward"] = json!("2");
                })
                .await;
            world.advance(61).await;
            let said = browser.open(&path).await.says();
            for promised in [
                ["1 USD is yours as soon as you have signed up.", "注册成功即得 1 USD。"],
                ["2 USD is yours after you have paid ¥20.00 in all.", "累计支付 ¥20.00 后即得 2 USD。"],
            ] {
                assert!(said.contains(promised[index]), "{said}");
            }
            assert!(!browser.open("/register").await.says().contains("USD"), "nobody invited them");
            world.settings("referral", |settings| settings["enabled"] = json!(false)).await;
            world.settings("affiliate", |settings| settings["enabled"] = json!(true)).await;
            world.advance(61).await;
            let said = browser.open(&path).await.says();
            assert!(said.contains(&code) && !said.contains("USD"), "the programme is off: {said}");
        });
    }
}

/// C3.1, C5.13: a browser that keeps no cookies is told so, instead of being asked again and again.
#[test]
fn a_browser_without_cookies_is_told_after_signing_in() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.register("ann", None).await;
            let browser = Browser::new(world, words.accept);
            let page = browser.open("/sign-in?next=%2Frecords").await;
            let entries = [("email", "ann@example.com"), ("password", PASSWORD)];
            let (action, fields) = page.form(words.sign_in, &entries);
            let sent = browser.send(&action, &fields, &[("sec-fetch-site", "same-origin")]).await;
            let to = sent.headers[LOCATION].to_str().unwrap().to_owned();
            assert_eq!(browser.open(&to).await.path, "/records", "whose cookies were kept goes on");
            browser.cookies.lock().unwrap().clear();
            let told = browser.open(&to).await;
            let words = ["this browser keeps no cookies here", "此浏览器未保存 Cookie"][index];
            assert!(told.path.starts_with("/sign-in") && told.says().contains(words), "{}", told.says());
            assert!(!browser.open("/sign-in").await.says().contains(words));
        });
    }
}

/// C4.11: a deployment that moves no real money says so on every page; another one does not.
#[test]
fn every_page_of_a_deployment_for_tests_says_so() {
    let ribbon = |words: &super::journeys::Words| {
        ["Test mode: no money moves", "测试模式：不产生真实资金往来"][usize::from(words.lang != "en")]
    };
    let paths = [
        "/sign-in",
        "/register",
        "/verify",
        "/reset",
        "/unsubscribe",
        "/sorry?status=404",
        "/home",
        "/orders/ord_none",
        "/top-up",
        "/affiliate",
    ];
    World::testing(async |world| {
        world.open().await;
        world.register("ann", None).await;
        for words in &BOTH {
            let browser = super::signing_in::signed_in(world, words, "ann", PASSWORD).await;
            for path in paths {
                let page = browser.open(path).await;
                assert!(page.says().contains(ribbon(words)), "{path}: {}", page.says());
            }
        }
    });
    World::run(async |world| {
        let page = Browser::new(world, BOTH[0].accept).open("/sign-in").await;
        assert!(!page.says().contains(ribbon(&BOTH[0])), "{}", page.says());
    });
}

/// C7.2: one is one in every text that counts.
#[test]
fn one_minute_is_no_minutes() {
    World::run(async |world| {
        world.open().await;
        world.register("ann", None).await;
        let ann = super::signing_in::signed_in(world, &BOTH[0], "ann", PASSWORD).await;
        for (minutes, said) in [(5, "You have 5 minutes.")] {
            world.settings("payment", |settings| settings["order_expire_minutes"] = json!(minutes)).await;
            world.advance(61).await;
            let page = ann.open("/top-up").await;
            assert!(page.says().contains(said), "{said}: {}", page.says());
        }
        for (most, said) in [(2, "Your code works for 2 friends."), (1, "Your code works for 1 friend.")] {
            world.settings("referral", |settings| settings["max_invitees_per_user"] = json!(most)).await;
            world.advance(61).await;
            let page = ann.open("/invite").await;
            assert!(page.says().contains(said), "{said}: {}", page.says());
        }
    });
}

/// C8.1: the footer names the operator, with the year.
#[test]
fn the_footer_names_the_operator() {
    World::run(async |world| {
        world.settings("console", |settings| settings["name"] = json!("Example Ltd")).await;
        world.advance(61).await;
        for words in &BOTH {
            let page = Browser::new(world, words.accept).open("/sign-in").await;
            assert!(page.root.all("footer")[0].text().contains("© 2026 Example Ltd"), "{}", page.says());
        }
    });
}
