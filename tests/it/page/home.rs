//! The overview: what can be done now, and what waits (C3.2).

use serde_json::json;

use super::admin::admin_in;
use super::client::Shown;
use super::topup::{both, enter};
use crate::redemption::{pro, time_on};
use crate::world::World;

/// Part of a page with this heading.
fn part(page: &Shown, heading: &str) -> Option<String> {
    let parts = page.root.all("section");
    parts.into_iter().find(|part| part.all("h2").iter().any(|h2| h2.text() == heading)).map(|part| part.text())
}

fn word(lang: &str, english: &'static str, chinese: &'static str) -> &'static str {
    if lang == "en" { english } else { chinese }
}

/// C3.2, R5.4: the promotion stands there with its step and countdown while it can be used, and no longer.
#[test]
fn the_overview_shows_the_promotion_while_it_can_be_used() {
    for (words, _) in both() {
        World::run(async |world| {
            world.open().await;
            world.register("ann", None).await;
            let ann = enter(world, words, "ann").await;
            let page = ann.open("/home").await;
            let steps = page.root.all("ol");
            let ladder =
                steps.iter().find(|list| list.of("class").is_some_and(|class| class.contains("ladder"))).unwrap();
            let now: Vec<String> = ladder
                .all("li")
                .into_iter()
                .filter(|step| step.of("aria-current") == Some("step"))
                .map(|step| step.text())
                .collect();
            assert!(now.len() == 1 && now[0].contains("30"), "{now:?}");
            let left = page.root.all("strong");
            assert!(left.iter().any(|timer| timer.of("data-left").is_some()), "a countdown");
            let order = world.order("ann", json!({"offer_id": "o100", "provider": "zpay"})).await;
            world.pay(&order, json!({})).await;
            world.settle().await;
            assert!(ann.open("/home").await.root.all("ol").is_empty(), "it is used");
            world.settings("payment", |settings| settings["enabled"] = json!(false)).await;
            world.register("bob", None).await;
            let bob = enter(world, words, "bob").await;
            world.advance(61).await;
            assert!(bob.open("/home").await.root.all("ol").is_empty(), "nothing can be paid, so it can't be used");
        });
    }
}

/// C3.2: orders that can still be paid are a press away; those that are over are not offered.
#[test]
fn the_overview_offers_to_pay_the_orders_that_wait() {
    for (words, _) in both() {
        World::run(async |world| {
            world.open().await;
            world.register("ann", None).await;
            let ann = enter(world, words, "ann").await;
            let waiting = word(words.lang, "Waiting for your payment", "等待您付款");
            assert_eq!(part(&ann.open("/home").await, waiting), None);
            let order = world.order("ann", json!({"offer_id": "o100", "provider": "zpay"})).await;
            let page = ann.open("/home").await;
            assert!(part(&page, waiting).unwrap().contains("¥100.00"), "{}", page.says());
            assert_eq!(
                page.link(word(words.lang, "Pay", "去支付")),
                format!("/orders/{}", order["id"].as_str().unwrap())
            );
            world.advance(31 * 60).await;
            assert_eq!(part(&ann.open("/home").await, waiting), None, "its time is over");
        });
    }
}

/// C3.2: subscriptions stand there with their end while they run.
#[test]
fn the_overview_shows_the_subscriptions_that_run() {
    for (words, _) in both() {
        World::run(async |world| {
            world.open().await;
            world.register("ann", None).await;
            let plan = pro(world, 0).await;
            let code = world.codes(time_on(&plan, "day", 1, 1)).await.remove(0);
            let redeemed = world.redeem("ann", &code).await.is(201);
            let ann = enter(world, words, "ann").await;
            let page = ann.open("/home").await;
            let held = part(&page, word(words.lang, "Subscriptions", "订阅")).unwrap();
            assert!(held.contains("Pro") && held.contains("0 ") && held.contains("GB"), "{held}");
            let end = redeemed["subscription"]["expires_at"].as_str().unwrap();
            assert!(
                page.root.all("time").iter().any(|time| time.of("datetime") == Some(end)),
                "until {end}: {}",
                page.text
            );
            let gift = json!({"amount": "5", "remark": "so that she is no newcomer"});
            let id = world.user("ann").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
            world.admin().once().post(&format!("/v1/admin/users/{id}/adjustments"), gift).await.is(200);
            world.advance(25 * 3_600).await;
            let held = part(&ann.open("/home").await, word(words.lang, "Subscriptions", "订阅")).unwrap();
            assert!(!held.contains("Pro"), "it is over: {held}");
        });
    }
}

/// C3.2, R3.5: the invitation stands there while the programme is on, with the link of who has one.
#[test]
fn the_overview_invites_while_the_programme_is_on() {
    for (words, _) in both() {
        World::run(async |world| {
            world.open().await;
            world.register("ann", None).await;
            world.order("ann", json!({"offer_id": "o100", "provider": "zpay"})).await;
            let ann = enter(world, words, "ann").await;
            let heading = word(words.lang, "Invite friends", "邀请好友");
            let first = ann.open("/home").await;
            assert!(part(&first, heading).unwrap().contains(word(
                words.lang,
                "You have no code yet",
                "您还没有邀请码"
            )));
            let code = world.code("ann").await;
            world.register("bob", Some(&code)).await;
            world.settle().await;
            let page = ann.open("/home").await;
            let inputs = page.root.all("input");
            let link = inputs.iter().find(|input| input.of("id") == Some("link")).unwrap().of("value").unwrap();
            assert_eq!(link, format!("http://127.0.0.1:3000/register?ref={code}"));
            assert!(part(&page, heading).unwrap().contains(word(words.lang, "Friends1", "好友1")), "{}", page.says());
            world.settings("referral", |settings| settings["enabled"] = json!(false)).await;
            world.advance(61).await;
            assert_eq!(part(&ann.open("/home").await, heading), None);
        });
    }
}

/// C3.2: who has nothing yet is led to the first three steps, of which none leads to what is off.
#[test]
fn a_newcomer_is_led_to_the_first_steps() {
    for (words, _) in both() {
        World::run(async |world| {
            world.open().await;
            world.register("ann", None).await;
            let ann = enter(world, words, "ann").await;
            let heading = word(words.lang, "Your first steps", "从这里开始");
            let steps = part(&ann.open("/home").await, heading).unwrap();
            for step in [["Top up", "充值"], ["Redeem a code", "使用兑换码"], ["Invite a friend", "邀请好友"]]
            {
                assert!(steps.contains(word(words.lang, step[0], step[1])), "{steps}");
            }
            world.settings("redemption", |settings| settings["enabled"] = json!(false)).await;
            world.settings("referral", |settings| settings["enabled"] = json!(false)).await;
            world.advance(61).await;
            let steps = part(&ann.open("/home").await, heading).unwrap();
            assert!(steps.contains(word(words.lang, "Top up", "充值")), "{steps}");
            for step in [["Redeem", "兑换"], ["Invite", "邀请"]] {
                assert!(!steps.contains(word(words.lang, step[0], step[1])), "{steps}");
            }
            world.order("ann", json!({"offer_id": "o100", "provider": "zpay"})).await;
            assert_eq!(part(&ann.open("/home").await, heading), None, "the first step is made");
        });
    }
}

/// R12.3: the balance shows both: what was granted of it, and what of that expires next, on the user's page and on staff's.
#[test]
fn the_balance_shows_its_granted_part() {
    for (words, _) in both() {
        World::run(async |world| {
            world.register("ann", None).await;
            world.settings("payment", |settings| settings["grant_expiry_days"] = json!(30)).await;
            let ann = enter(world, words, "ann").await;
            let granted = word(words.lang, "Granted part, spent first: ", "其中赠送额度（优先使用）: ");
            assert!(!ann.open("/home").await.says().contains(granted), "nothing was granted");
            let credit = json!({"label": "credit", "count": 2, "credit": "2.5", "total_uses": 1});
            for code in world.codes(credit).await {
                world.redeem("ann", &code).await.is(201);
            }
            let next = word(words.lang, "Expires next: 2.5", "最近过期: 2.5");
            let shows = |page: &Shown| page.says().contains(granted) && page.says().contains(next);
            let page = ann.open("/home").await;
            assert!(shows(&page), "{}", page.says());
            let id = world.user("ann").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
            let page = admin_in(world, words).await.open(&format!("/admin/users/{id}")).await;
            assert!(shows(&page), "{}", page.says());
            world.settle().await;
            world.advance(30 * 86_400).await;
            assert_eq!(world.stack.tick("expire-credit").await.unwrap()["expired"], 2);
            let page = enter(world, words, "ann").await.open("/records").await;
            assert!(page.says().contains(word(words.lang, "Expired", "过期")), "{}", page.says());
        });
    }
}
