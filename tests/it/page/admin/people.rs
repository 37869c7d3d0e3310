//! The pages about accounts (C3.4, journey 23).

use serde_json::{Value, json};

use super::super::client::{Browser, Shown};
use super::super::signing_in::signed_in;
use super::admin_in;
use crate::affiliate::commission::{hundred, invited};
use crate::page::journeys::BOTH;
use crate::world::{PASSWORD, World};

async fn id_of(world: &World, name: &str) -> String {
    world.sign_in(name).await;
    world.user(name).get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned()
}

async fn balance_and_debt(world: &World, id: &str) -> (String, String) {
    let user = world.admin().get(&format!("/v1/admin/users/{id}")).await.is(200);
    let amount = |name: &str| user[name]["amount"].as_str().unwrap().to_owned();
    (amount("balance"), amount("debt"))
}

/// Enters an adjustment and comes to its confirmation.
async fn ask(browser: &Browser<'_>, index: usize, id: &str, amount: &str) -> Shown {
    let page = browser.open(&format!("/admin/users/{id}/adjust")).await;
    browser.press(&page, ["Check", "核对"][index], &[("amount", amount), ("remark", "a \"><b>test")]).await
}

/// The button of the page's confirmation.
fn act(page: &Shown) -> String {
    let buttons = page.root.all("button");
    let of = |class: Option<&str>| class.is_some_and(|class| class.contains("solid"));
    buttons.iter().find(|button| of(button.of("class"))).unwrap_or_else(|| panic!("{}", page.says())).text()
}

/// Journey 23, R1.7: an adjustment says balance and debt afterwards, and does that, also where it makes debt; pressed twice it is
/// done once.
#[test]
fn an_adjustment_does_what_its_confirmation_says() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.register("bob", None).await;
            let id = id_of(world, "bob").await;
            let browser = admin_in(world, words).await;
            for (amount, shown, then) in [
                ("5", ["0", "5"], ("5", "0")),
                ("-12.5", ["5", "7.5"], ("0", "7.5")),
                ("10", ["7.5", "2.5"], ("2.5", "0")),
            ] {
                let page = ask(&browser, index, &id, amount).await;
                let said = page.says();
                assert!(page.status == 200 && shown.iter().all(|part| said.contains(part)), "{amount}: {said}");
                assert!(!page.text.contains("<b>test"), "a remark is text");
                let (action, fields) = page.form(&act(&page), &[]);
                for _ in 0..2 {
                    let sent = browser.send(&action, &fields, &[("sec-fetch-site", "same-origin")]).await;
                    assert_eq!(sent.headers["location"], format!("/admin/users/{id}"), "{}", sent.text);
                }
                assert_eq!(balance_and_debt(world, &id).await, (then.0.to_owned(), then.1.to_owned()), "{amount}");
            }
            for (amount, status) in [("0", 422), ("x", 422), ("1.123456789", 422)] {
                assert_eq!(ask(&browser, index, &id, amount).await.status, status, "{amount}");
            }
            let page = browser.open(&format!("/admin/users/{id}")).await;
            assert!(page.says().contains("2.5") && page.says().contains("7.5"), "{}", page.says());
            world.settle().await;
        });
    }
}

/// R1.7: without leave to make debt, a debit above the balance is refused.
#[test]
fn a_debit_above_the_balance_needs_leave_to_make_debt() {
    World::run(async |world| {
        world.register("bob", None).await;
        let path = format!("/v1/admin/users/{}/adjustments", id_of(world, "bob").await);
        let ask = async |body: Value| world.admin().once().post(&path, body).await;
        ask(json!({"amount": "4", "remark": "x"})).await.is(200);
        ask(json!({"amount": "-5", "remark": "x"})).await.refused(409, "insufficient_balance");
        ask(json!({"amount": "-10", "remark": "x", "allow_debt": true})).await.is(200);
        let id = id_of(world, "bob").await;
        assert_eq!(balance_and_debt(world, &id).await, ("0".to_owned(), "6".to_owned()));
        let audit = world.admin().get(&format!("/v1/admin/audit?subject={id}")).await.is(200);
        assert!(audit["items"].as_array().unwrap().iter().any(|one| one["after"] == "-6 USD"), "{audit}");
        world.settle().await;
    });
}

/// Journey 23, C5.1: a blocked user is out at the next click; unblocked, they can sign in again.
#[test]
fn whoever_is_blocked_is_signed_out_at_once() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.register("bob", None).await;
            let id = id_of(world, "bob").await;
            let bob = signed_in(world, words, "bob", PASSWORD).await;
            let browser = admin_in(world, words).await;
            let path = format!("/admin/users/{id}");
            let page = browser.open(&path).await;
            let none = browser.press(&page, ["Block", "封禁"][index], &[]).await;
            assert_eq!(none.status, 422, "a reason is needed");
            let page = browser.press(&none, ["Block", "封禁"][index], &[("reason", "a test")]).await;
            assert_eq!((page.status, page.path.as_str()), (200, path.as_str()), "{}", page.says());
            assert!(page.says().contains(["Blocked", "已封禁"][index]) && page.says().contains("a test"), "its audit");
            assert_eq!(bob.open("/home").await.heading(), ["Sign in", "登录"][index]);
            let page = browser.press(&page, ["Unblock", "解除封禁"][index], &[("reason", "over")]).await;
            assert!(page.says().contains(["Active", "正常"][index]), "{}", page.says());
            assert_eq!(signed_in(world, words, "bob", PASSWORD).await.open("/home").await.status, 200);
            world.settle().await;
        });
    }
}

/// C3.4: role and scopes; nobody changes their own.
#[test]
fn role_and_scopes_are_set_but_never_ones_own() {
    World::run(async |world| {
        world.register("bob", None).await;
        let id = id_of(world, "bob").await;
        let browser = admin_in(world, &BOTH[0]).await;
        let page = browser.open(&format!("/admin/users/{id}/role")).await;
        let button = act(&page);
        let page = browser.press(&page, &button, &[("role", "admin"), ("scopes[]", "orders:read")]).await;
        assert_eq!(page.status, 200, "{}", page.says());
        let user = world.admin().get(&format!("/v1/admin/users/{id}")).await.is(200);
        assert_eq!((&user["role"], &user["scopes"]), (&json!("admin"), &json!(["orders:read"])));
        let own = world.admin().get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        for act in ["role", "erase"] {
            let page = browser.open(&format!("/admin/users/{own}/{act}")).await;
            assert!(page.says().contains("own account") && page.root.all("select").is_empty(), "{}", page.says());
        }
        let page = browser.open(&format!("/admin/users/{own}")).await;
        assert!(page.says().contains("own account") && !page.text.contains("/status"), "{}", page.says());
    });
}

/// C3.4: affiliate policy and primary code.
#[test]
fn policy_and_code_are_set() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            invited(world).await;
            hundred(world).await;
            let id = id_of(world, "ann").await;
            let browser = admin_in(world, words).await;
            let path = format!("/admin/users/{id}/programmes");
            let page = browser.open(&path).await;
            assert!(page.says().contains("1.38888888"), "her commission: {}", page.says());
            let entries = [("rate", "0.25"), ("trigger_limit:int", "5")];
            let page = browser.press(&page, ["Save the policy", "保存政策"][index], &entries).await;
            assert_eq!(page.status, 200, "{}", page.says());
            let user = world.admin().get(&format!("/v1/admin/users/{id}")).await.is(200);
            assert_eq!(user["affiliate_policy"], json!({"rate": "0.25", "trigger_limit": 5, "can_invite": true}));
            let set = ["Set the code", "设置邀请码"][index];
            let page = browser.press(&page, set, &[("code", "!")]).await;
            assert_eq!(page.status, 422);
            let page = browser.press(&page, set, &[("code", "annshop")]).await;
            assert!(page.status == 200 && page.says().contains("ANNSHOP"), "{}", page.says());
            world.settle().await;
        });
    }
}

/// Journey 23, R2.7: erasing needs the e-mail typed and the balance acknowledged; then the auditor finds nothing.
#[test]
fn a_person_is_erased_once_their_email_is_typed() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.register("bob", None).await;
            let id = id_of(world, "bob").await;
            let browser = admin_in(world, words).await;
            let gift = ask(&browser, index, &id, "3").await;
            browser.press(&gift, &act(&gift), &[]).await;
            let page = browser.open(&format!("/admin/users/{id}/erase")).await;
            let button = act(&page);
            let wrong = [("confirm", "ann@example.com"), ("reason", "asked for it")];
            let page = browser.press(&page, &button, &wrong).await;
            let inputs = page.root.all("input");
            let field = inputs.iter().find(|one| one.of("name") == Some("confirm")).unwrap();
            assert_eq!((page.status, field.of("aria-invalid")), (422, Some("true")), "{}", page.says());
            let page = browser.press(&page, &button, &[("confirm", "Bob@Example.com"), wrong[1]]).await;
            assert_eq!(page.status, 422, "a balance is left: {}", page.says());
            let entries = [("confirm", "bob@example.com"), wrong[1], ("acknowledge_balance:bool", "true")];
            let page = browser.press(&page, &button, &entries).await;
            assert_eq!(
                (page.status, page.path.as_str()),
                (200, format!("/admin/users/{id}").as_str()),
                "{}",
                page.says()
            );
            assert!(
                page.says().contains(["Erased", "已抹除"][index]) && !page.says().contains("bob@"),
                "{}",
                page.says()
            );
            world.settle().await;
        });
    }
}

/// C3.4: users are found by e-mail and its beginning; a beginning of one letter is refused at the field.
#[test]
fn users_are_found_by_email() {
    World::run(async |world| {
        for name in ["ann", "bob", "bobby"] {
            world.register(name, None).await;
        }
        let browser = admin_in(world, &BOTH[0]).await;
        let found = async |asked: &str| {
            let page = browser.open(&format!("/admin/users?email={asked}")).await;
            let rows = page.root.all("tbody").first().map(|body| body.all("tr").len()).unwrap_or_default();
            (page.status, rows)
        };
        assert_eq!(found("").await, (200, 4));
        assert_eq!(found("bob").await, (200, 2));
        assert_eq!(found("BOB%40example.com").await, (200, 1));
        assert_eq!(found("nobody%40example.com").await, (200, 0));
        assert_eq!(found("b").await, (422, 0));
        assert_eq!(browser.open("/admin/users/usr_01m7w6c38029x193xqrjx9657c").await.status, 404);
    });
}
