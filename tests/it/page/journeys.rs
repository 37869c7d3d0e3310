//! Journeys of users through pages, in both languages.

use serde_json::json;

use super::client::Browser;
use crate::world::{PASSWORD, World};

/// Words of a language that a person would press or read.
pub struct Words {
    pub accept: &'static str,
    pub lang: &'static str,
    pub create: &'static str,
    pub sign_in: &'static str,
    pub sign_out: &'static str,
    pub overview: &'static str,
    pub wrong: &'static str,
    pub other: &'static str,
}

pub const BOTH: [Words; 2] = [
    Words {
        accept: "en-GB,en;q=0.9",
        lang: "en",
        create: "Create account",
        sign_in: "Sign in",
        sign_out: "Sign out",
        overview: "Overview",
        wrong: "E-mail or password are not right",
        other: "中文",
    },
    Words {
        accept: "zh-TW,zh;q=0.9,en;q=0.8",
        lang: "zh-CN",
        create: "创建账户",
        sign_in: "登录",
        sign_out: "退出登录",
        overview: "概览",
        wrong: "邮箱或密码不正确",
        other: "English",
    },
];

/// Journey 1: the code of the link is in the form, the account is made, its owner is signed in and sees the reward.
#[test]
fn a_friend_registers_by_a_link_and_sees_the_reward_in_both_languages() {
    for words in BOTH {
        World::run(async |world| {
            world.open().await;
            world.settings("referral", |settings| settings["registration"]["invitee_reward"] = json!("1")).await;
            world.register("ann", None).await;
            let code = world.code("ann").await;
            let browser = Browser::new(world, words.accept);
            let page = browser.open(&format!("/register?ref={}", code.to_lowercase())).await;
            assert_eq!(page.root.all("html")[0].of("lang"), Some(words.lang));
            assert!(page.says().contains(&code), "{}", page.text);
            let entries = [("email", "bob@example.com"), ("password", PASSWORD)];
            let home = browser.press(&page, words.create, &entries).await;
            assert_eq!((home.status, home.heading().as_str(), home.path.as_str()), (200, words.overview, "/home"));
            assert!(home.says().contains("1 USD"), "{}", home.says());
            let again = browser.open("/home").await;
            assert!(again.root.all("div").iter().all(|one| one.of("role") != Some("status")), "said once");
            let records = browser.open("/records").await;
            assert_eq!(records.root.all("tbody")[0].all("tr").len(), 1, "the reward is one record");
            world.settle().await;
            world.sign_in("bob").await;
            let locale = world.user("bob").get("/v1/me").await.is(200);
            assert_eq!(locale["balance"]["amount"], "1");
        });
    }
}

/// Journey 2: whatever is wrong with the code, the account is made and the reason told.
#[test]
fn a_bad_code_is_told_and_does_not_hinder() {
    World::run(async |world| {
        world.open().await;
        for (index, words) in BOTH.iter().enumerate() {
            let browser = Browser::new(world, words.accept);
            let page = browser.open("/register?ref=NOSUCHCO").await;
            let email = format!("bob{index}@example.com");
            let home = browser.press(&page, words.create, &[("email", &email), ("password", PASSWORD)]).await;
            let reason = ["There is no such invite code", "邀请码不存在"][index];
            assert!(home.says().contains(reason), "{}", home.says());
        }
    });
}

/// Journey 4, C4.7: what is wrong is said at its field and above; entries stay, passwords do not.
#[test]
fn a_refused_form_comes_back_with_its_entries_and_what_is_wrong() {
    World::run(async |world| {
        world.register("ann", None).await;
        for words in BOTH {
            let browser = Browser::new(world, words.accept);
            let page = browser.open("/sign-in?next=%2Frecords").await;
            let wrong = [("email", "ann@example.com"), ("password", "not the password")];
            let page = browser.press(&page, words.sign_in, &wrong).await;
            assert_eq!(page.status, 422);
            assert!(page.says().contains(words.wrong), "{}", page.says());
            let inputs = page.root.all("input");
            let value = |name: &str| inputs.iter().find(|one| one.of("name") == Some(name)).unwrap().of("value");
            assert_eq!((value("email"), value("password")), (Some("ann@example.com"), None));
            let page = browser.press(&page, words.sign_in, &[("password", PASSWORD)]).await;
            assert_eq!((page.status, page.path.as_str()), (200, "/records"));

            let stranger = Browser::new(world, words.accept);
            let page = stranger.open("/register").await;
            let short = [("email", "carl@example.com"), ("password", "short")];
            let page = stranger.press(&page, words.create, &short).await;
            let field = page.root.all("input").into_iter().find(|one| one.of("name") == Some("password")).unwrap();
            assert_eq!((page.status, field.of("aria-invalid")), (422, Some("true")));
            assert!(page.root.all("title")[0].text().starts_with(["Error", "错误"][usize::from(words.lang != "en")]));
        }
    });
}

/// Journey 27, C5.1: signing out in one tab ends all, and a copy of the cookie is worth nothing afterwards.
#[test]
fn who_signs_out_is_signed_out_in_every_tab() {
    World::run(async |world| {
        world.register("ann", None).await;
        for words in BOTH {
            let browser = Browser::new(world, words.accept);
            let page = browser.open("/sign-in").await;
            let right = [("email", "ann@example.com"), ("password", PASSWORD)];
            let home = browser.press(&page, words.sign_in, &right).await;
            assert_eq!(home.path, "/home");
            let kept = browser.cookies.lock().unwrap().clone();
            world.advance(3 * 3_600).await;
            assert_eq!(browser.open("/records").await.path, "/records");
            let gate = browser.press(&home, words.sign_out, &[]).await;
            assert_eq!((gate.path.as_str(), gate.status), ("/sign-in", 200));
            *browser.cookies.lock().unwrap() = kept;
            assert_eq!(browser.open("/home").await.heading(), words.sign_in);
        }
    });
}

/// Journey 29: the language's link keeps the place, and the choice stays.
#[test]
fn the_other_language_is_one_link_away_on_every_page() {
    World::run(async |world| {
        for words in BOTH {
            let browser = Browser::new(world, words.accept);
            for path in ["/sign-in?next=%2Frecords", "/register?ref=ABCDEFGH", "/verify", "/static/a/b/c"] {
                let page = browser.open(path).await;
                assert_eq!(page.root.all("html")[0].of("lang"), Some(words.lang), "{path}");
                let links = page.root.all("a");
                let link = links.iter().find(|link| link.text() == words.other).unwrap().of("href").unwrap();
                let other = browser.open(link).await;
                assert_ne!(other.root.all("html")[0].of("lang"), Some(words.lang), "{path}");
                assert_eq!(other.path, path, "the place is kept");
                browser.cookies.lock().unwrap().remove("lang");
            }
        }
    });
}

/// R2.4: the mailed code is entered without the address in any URL; the invite code survives to here.
#[test]
fn where_addresses_are_verified_the_mailed_code_finishes_the_registration() {
    World::run(async |world| {
        world.open().await;
        world.settings("identity", |settings| settings["email_verification"] = json!(true)).await;
        let browser = Browser::new(world, "en");
        let page = browser.open("/register").await;
        let entries = [("email", "bob@example.com"), ("password", PASSWORD)];
        let page = browser.press(&page, "Create account", &entries).await;
        assert_eq!(page.path, "/verify");
        assert!(page.says().contains("to b***@e***.com") && !page.text.contains("bob@example.com"), "{}", page.says());
        let page = browser.press(&page, "Confirm", &[("code", "000000")]).await;
        assert_eq!(page.status, 422, "{}", page.says());
        let page = browser.press(&page, "Send again", &[]).await;
        assert!(page.says().contains("A new code is on its way"));
        world.settle().await;
        let mail = world.stack.mailbox.sent(Some("bob@example.com")).last().unwrap().text.clone();
        let code = mail.split_whitespace().find(|word| word.len() == 6 && word.parse::<u32>().is_ok()).unwrap();
        let spaced = format!("{} {}", &code[..3], &code[3..]);
        let home = browser.press(&page, "Confirm", &[("code", &spaced)]).await;
        assert_eq!((home.status, home.path.as_str()), (200, "/home"));
    });
}
