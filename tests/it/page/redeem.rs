//! The page of redemption codes and subscriptions (journey 16).

use emulator::faults::Fault;

use super::client::{Browser, Shown};
use super::journeys::BOTH;
use super::signing_in::{signed_in, value};
use crate::redemption::hashed::never_made;
use crate::redemption::{credit, pro, time_on};
use crate::world::{PASSWORD, World};

const REDEEM: [&str; 2] = ["Redeem", "兑换"];

/// Enters a code and presses the button.
async fn enter(browser: &Browser<'_>, index: usize, code: &str) -> Shown {
    browser.press(&browser.open("/redeem").await, REDEEM[index], &[("code", code)]).await
}

/// Journey 16, R7.4, R7.7: a month and a balance code; the second time it is said that it was redeemed already.
#[test]
fn a_month_and_a_balance_code_are_redeemed_and_only_once() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.register("ann", None).await;
            let plan = pro(world, 0).await;
            let month = world.codes(time_on(&plan, "month", 1, 1)).await.remove(0);
            let money = world.codes(credit("5", 1, 1)).await.remove(0);
            let browser = signed_in(world, words, "ann", PASSWORD).await;
            let empty = browser.open("/redeem").await;
            assert!(empty.says().contains(["No subscriptions yet", "暂无订阅"][index]), "{}", empty.says());
            let page = enter(&browser, index, &month.to_lowercase().replace('-', " ")).await;
            assert_eq!(page.status, 200, "{}", page.says());
            let (what, until) = (["1 month", "1 个月"][index], ["20 Dec 2026", "2026年12月20日"][index]);
            assert!(page.says().contains(what) && page.says().contains(until), "{}", page.says());
            assert!(page.says().contains("Pro") && !page.text.contains(&month), "the code is masked");
            let page = enter(&browser, index, &money).await;
            assert!(page.says().contains("5USD"), "{}", page.says());
            assert_eq!(world.balance("ann").await, "5");
            let page = enter(&browser, index, &money).await;
            let again = ["You have already redeemed this code", "您已使用过此兑换码"][index];
            assert!(page.status == 422 && page.says().contains(again), "{}", page.says());
            assert_eq!(value(&page, "code"), Some(money.as_str()), "what was entered stays");
            assert_eq!(world.balance("ann").await, "5");
            let history = browser.open("/redeem").await;
            assert_eq!(history.root.all("tbody")[1].all("tr").len(), 2);
        });
    }
}

/// R7.7: each reason is told in words; after twenty unknown codes one has to wait, and is told how long.
#[test]
fn wrong_codes_are_told_why_and_in_the_end_to_wait() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.register("ann", None).await;
            let browser = signed_in(world, words, "ann", PASSWORD).await;
            let unknown = ["There is no such code", "兑换码不存在"][index];
            let code = never_made(7);
            for _ in 0..20 {
                let page = enter(&browser, index, &code).await;
                assert!(page.status == 422 && page.says().contains(unknown), "{}", page.says());
            }
            let page = enter(&browser, index, &code).await;
            let wait = ["Too many tries. Try again in 60 minutes.", "请在 60 分钟后重试"][index];
            assert!(page.status == 422 && page.says().contains(wait), "{}", page.says());
            world.settings("redemption", |settings| settings["enabled"] = serde_json::json!(false)).await;
            world.advance(61).await;
            let off = browser.open("/redeem").await;
            assert!(off.root.all("form").iter().all(|form| !form.of("action").unwrap().contains("redemptions")));
        });
    }
}

/// R7.5: a code extends, unless a new subscription is asked for; the quota of the plan is told.
#[test]
fn a_new_subscription_is_a_choice() {
    World::run(async |world| {
        world.register("ann", None).await;
        let plan = pro(world, 2).await;
        let code = world.codes(serde_json::json!({
            "label": "x", "count": 1, "plan_id": plan, "unit": "day", "quantity": 2, "total_uses": 9, "per_user_limit": 9,
        }));
        let code = code.await.remove(0);
        let browser = signed_in(world, &BOTH[0], "ann", PASSWORD).await;
        let page = enter(&browser, 0, &code).await;
        assert!(page.says().contains("2 days"), "{}", page.says());
        let page = enter(&browser, 0, &code).await;
        assert_eq!(page.root.all("tbody")[0].all("tr").len(), 1, "it was extended");
        let anew = [("code", code.as_str()), ("new_subscription:bool", "true")];
        let page = browser.press(&page, "Redeem", &anew).await;
        assert_eq!(page.root.all("tbody")[0].all("tr").len(), 2);
        let page = browser.press(&page, "Redeem", &anew).await;
        assert!(page.status == 422 && page.says().contains("as many subscriptions"), "{}", page.says());
        let box_ = page.root.all("input").into_iter().find(|one| one.of("type") == Some("checkbox")).unwrap();
        assert!(box_.of("checked").is_some(), "the choice stays");
    });
}

/// C6.6: both posts of a double press carry one value, and the second gets the first answer.
#[test]
fn pressing_twice_redeems_once() {
    World::run(async |world| {
        world.register("ann", None).await;
        let batch = serde_json::json!({"label": "x", "count": 1, "credit": "5", "total_uses": 9, "per_user_limit": 9});
        let code = world.codes(batch).await.remove(0);
        let browser = signed_in(world, &BOTH[0], "ann", PASSWORD).await;
        let (action, fields) = browser.open("/redeem").await.form("Redeem", &[("code", &code)]);
        let own = [("sec-fetch-site", "same-origin")];
        let (first, second) = (browser.send(&action, &fields, &own).await, browser.send(&action, &fields, &own).await);
        assert_eq!((first.status, second.status), (303, 303));
        assert_eq!(first.headers["location"], second.headers["location"]);
        assert_eq!(world.balance("ann").await, "5");
        // Somebody goes back and changes a sent form.
        let other = |name: &String, value: &String| match name.as_str() {
            "code" => never_made(3),
            _ => value.clone(),
        };
        let changed: Vec<_> = fields.iter().map(|(name, value)| (name.clone(), other(name, value))).collect();
        let sent = browser.send(&action, &changed, &own).await;
        let page = browser.open(sent.headers["location"].to_str().unwrap()).await;
        assert!(page.says().contains("This form was sent before"), "{}", page.says());
        let once = |fields: &[(String, String)]| fields.iter().find(|(name, _)| name == "once").unwrap().1.clone();
        assert_ne!(once(&page.form("Redeem", &[]).1), once(&fields), "the next press is another one");
    });
}

/// C6.6, C6.7: after an unknown outcome the same press is repeated, and happens once; the page's other forms are others.
#[test]
fn after_an_unknown_outcome_the_same_press_is_repeated() {
    World::run(async |world| {
        world.register("ann", None).await;
        let batch = serde_json::json!({"label": "x", "count": 1, "credit": "5", "total_uses": 9, "per_user_limit": 9});
        let code = world.codes(batch).await.remove(0);
        let browser = signed_in(world, &BOTH[0], "ann", PASSWORD).await;
        let page = browser.open("/redeem").await;
        for _ in 0..500 {
            world.stack.faults.script("TransactWriteItems", 0, Fault::ReplyLost);
        }
        let page = browser.press(&page, "Redeem", &[("code", &code)]).await;
        world.stack.faults.clear();
        assert!(page.status == 422 && page.says().contains("Press again to learn it"), "{}", page.says());
        assert_eq!(world.balance("ann").await, "5", "it did happen");
        let once = |fields: &[(String, String)]| fields.iter().find(|(name, _)| name == "once").unwrap().1.clone();
        assert_ne!(once(&page.form("Redeem", &[]).1), once(&page.form("Sign out", &[]).1));
        let page = browser.press(&page, "Redeem", &[]).await;
        assert_eq!(page.status, 200, "{}", page.says());
        assert_eq!(world.balance("ann").await, "5", "and happened once");
    });
}

/// C2.5: the page costs its visitor and two lists, one of them with its plans.
#[test]
fn the_page_costs_its_visitor_and_two_lists() {
    World::run(async |world| {
        world.register("ann", None).await;
        let plan = pro(world, 0).await;
        let month = world.codes(time_on(&plan, "month", 1, 1)).await.remove(0);
        world.redeem("ann", &month).await.is(201);
        let browser = signed_in(world, &BOTH[0], "ann", PASSWORD).await;
        for (path, wanted) in
            [("/redeem", vec![("BatchGetItem", 3), ("Query", 2)]), ("/account", vec![("BatchGetItem", 1)])]
        {
            world.stack.dynamo.reset();
            assert_eq!(browser.open(path).await.status, 200);
            let used = world.stack.dynamo.used();
            let calls: Vec<(&str, u64)> = used.iter().map(|(name, usage)| (name.as_str(), usage.calls)).collect();
            assert_eq!(calls, wanted, "{path}");
        }
    });
}
