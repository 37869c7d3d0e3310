//! The page of one's own account (R2.11).

use super::client::Browser;
use super::journeys::BOTH;
use super::signing_in::{signed_in, value};
use crate::world::{PASSWORD, World};

const NEW: &str = "a better password";
const CHANGE: [&str; 2] = ["Change password", "修改密码"];

/// C5.1, R2.11: a new password signs out every other browser at its next click, and not this one.
#[test]
fn a_new_password_signs_out_every_other_browser() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.register("ann", None).await;
            let (browser, other) =
                (signed_in(world, words, "ann", PASSWORD).await, signed_in(world, words, "ann", PASSWORD).await);
            let page = browser.open("/account").await;
            assert!(page.says().contains("ann@example.com"), "{}", page.says());
            let wrong = [("current", "not the password"), ("new", NEW)];
            let page = browser.press(&page, CHANGE[index], &wrong).await;
            let field = page.root.all("input").into_iter().find(|one| one.of("name") == Some("current")).unwrap();
            assert_eq!((page.status, field.of("aria-invalid"), field.of("value")), (422, Some("true"), None));
            assert_eq!(other.open("/home").await.status, 200, "nothing was changed");
            let page = browser.press(&page, CHANGE[index], &[("current", PASSWORD), ("new", NEW)]).await;
            assert_eq!((page.status, page.path.as_str()), (200, "/account"));
            assert!(page.says().contains(["Your password is changed", "密码已修改"][index]), "{}", page.says());
            assert_eq!(browser.open("/home").await.heading(), words.overview, "this browser stays signed in");
            assert_eq!(other.open("/home").await.heading(), words.sign_in);
            signed_in(world, words, "ann", NEW).await;
        });
    }
}

/// C7.3: the language is that of mails, and of pages in this browser, whatever was chosen before.
#[test]
fn the_language_is_set_for_pages_and_mails() {
    World::run(async |world| {
        world.register("ann", None).await;
        let browser = signed_in(world, &BOTH[0], "ann", PASSWORD).await;
        browser.open("/account?lang=en").await;
        let page = browser.press(&browser.open("/account").await, "Save", &[("locale", "zh-CN")]).await;
        assert_eq!(page.root.all("html")[0].of("lang"), Some("zh-CN"));
        assert!(page.says().contains("语言已设置"), "{}", page.says());
        assert_eq!(world.user("ann").get("/v1/me").await.is(200)["locale"], "zh-CN");
        let elsewhere = signed_in(world, &BOTH[0], "ann", PASSWORD).await;
        assert_eq!(elsewhere.open("/home").await.root.all("html")[0].of("lang"), Some("zh-CN"));
    });
}

/// R2.11: another address is confirmed by the code mailed to it, and the old one is told.
#[test]
fn a_new_address_is_confirmed_by_its_code() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.register("ann", None).await;
            let browser = signed_in(world, words, "ann", PASSWORD).await;
            let ask = ["Mail a code", "发送验证码"][index];
            let page = browser.open("/account").await;
            let wrong = [("email", "ann@new.example"), ("password", "not the password")];
            let page = browser.press(&page, ask, &wrong).await;
            assert_eq!((page.status, value(&page, "email")), (422, Some("ann@new.example")));
            let page = browser.press(&page, ask, &[("password", PASSWORD)]).await;
            assert_eq!((page.status, page.path.as_str()), (200, "/account?step=email"));
            world.settle().await;
            assert_eq!(world.stack.mailbox.sent(Some("ann@example.com")).len(), 1, "the old address is told");
            let mail = world.stack.mailbox.sent(Some("ann@new.example")).last().unwrap().text.clone();
            let is_code = |word: &&str| word.len() == 6 && word.parse::<u32>().is_ok();
            let code = mail.split_whitespace().find(is_code).unwrap();
            let confirm = ["Confirm the new e-mail", "确认新邮箱"][index];
            let page = browser.press(&page, confirm, &[("code", "000000")]).await;
            assert_eq!((page.status, page.path.as_str()), (422, "/account?step=email"));
            let page = browser.press(&page, confirm, &[("code", code)]).await;
            assert_eq!((page.status, page.path.as_str()), (200, "/account"), "{}", page.says());
            assert!(page.says().contains("ann@new.example"), "{}", page.says());
        });
    }
}

/// C5.1: signing out everywhere ends every session, this one, too.
#[test]
fn signing_out_everywhere_ends_every_session() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.register("ann", None).await;
            let (browser, other) =
                (signed_in(world, words, "ann", PASSWORD).await, signed_in(world, words, "ann", PASSWORD).await);
            let page = browser.open("/account").await;
            let gate = browser.press(&page, ["Sign out everywhere", "退出所有设备"][index], &[]).await;
            assert_eq!((gate.status, gate.path.as_str()), (200, "/sign-in"));
            assert!(!browser.cookies.lock().unwrap().contains_key("__Host-session"));
            for browser in [&browser, &other] {
                assert_eq!(browser.open("/home").await.heading(), words.sign_in);
            }
            world.user("ann").get("/v1/me").await.refused(401, "unauthenticated");
        });
    }
}

/// R2.7: one's own records are a file, which no spreadsheet takes for formulas, and nobody else's.
#[test]
fn ones_own_records_are_a_file() {
    World::run(async |world| {
        let told = world.register("ann", None).await;
        let path = format!("/v1/admin/users/{}/adjustments", told["user"]["id"].as_str().unwrap());
        let body = serde_json::json!({"amount": "2.5", "remark": "=1+1"});
        world.admin().once().post(&path, body).await.is(200);
        let file = signed_in(world, &BOTH[0], "ann", PASSWORD).await.open("/account/records.csv").await;
        assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
        assert!(file.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
        assert_eq!(file.text.lines().count(), 2, "{}", file.text);
        assert!(file.text.contains("2.5") && file.text.contains("'=1+1"), "{}", file.text);
        let nobody = Browser::new(world, "en").open("/account/records.csv").await;
        assert_eq!(nobody.heading(), "Sign in");
    });
}
