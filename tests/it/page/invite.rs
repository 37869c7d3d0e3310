//! Journey 14: make a code, share it, a friend pays, the reward is seen.

use serde_json::json;

use super::client::{Browser, Shown};
use super::topup::{both, enter};
use crate::world::{PASSWORD, World};

fn word(lang: &str, english: &'static str, chinese: &'static str) -> &'static str {
    if lang == "en" { english } else { chinese }
}

fn value(page: &Shown, id: &str) -> String {
    let inputs = page.root.all("input");
    let input = inputs.iter().find(|one| one.of("id") == Some(id)).unwrap_or_else(|| panic!("no field {id}"));
    assert!(input.of("readonly").is_some());
    input.of("value").unwrap().to_owned()
}

/// Journey 14, R3.6: one press makes the code; a friend pays 5 and then 15, qualifies, and the reward is shown.
#[test]
fn a_friend_is_invited_pays_and_earns_the_reward_in_both_languages() {
    for (words, _) in both() {
        World::run(async |world| {
            world.open().await;
            world.settings("referral", |settings| settings["registration"]["invitee_reward"] = json!("1")).await;
            world.register("ann", None).await;
            let ann = enter(world, words, "ann").await;
            let page = ann.open("/invite").await;
            assert!(page.says().contains("3 USD") && page.says().contains("¥20.00"), "the terms: {}", page.says());
            assert!(page.root.all("input").iter().all(|one| one.of("id") != Some("code")), "no code yet");
            let made = ann.press(&page, word(words.lang, "Make my code", "生成邀请码"), &[]).await;
            assert_eq!((made.status, made.path.as_str()), (200, "/invite"));
            assert!(
                made.says().contains(word(words.lang, "Your code and link are ready", "已生成")),
                "{}",
                made.says()
            );
            let (code, link) = (value(&made, "code"), value(&made, "link"));
            assert_eq!(link, format!("http://127.0.0.1:3000/register?ref={code}"));
            let again = ann.press(&page, word(words.lang, "Make my code", "生成邀请码"), &[]).await;
            assert_eq!(value(&again, "code"), code, "pressing twice makes one code");
            assert!(made.root.all("svg").iter().any(|svg| svg.of("role") == Some("img")), "a QR code");
            let file = ann.open("/invite/qr.svg").await;
            assert_eq!(file.headers["content-type"], "image/svg+xml");
            assert!(file.text.starts_with("<svg xmlns="));

            let friend = Browser::new(world, words.accept);
            let page = friend.open(link.strip_prefix("http://127.0.0.1:3000").unwrap()).await;
            friend.press(&page, words.create, &[("email", "bob@example.com"), ("password", PASSWORD)]).await;
            world.sign_in("bob").await;
            world.settle().await;
            let pays = async |amount: &str| {
                let order = world.order("bob", json!({"amount": amount, "provider": "zpay"})).await;
                world.pay(&order, json!({})).await;
                world.settle().await;
            };
            pays("5").await;
            let page = ann.open("/invite").await;
            assert!(page.says().contains("b***@e***.com"), "masked: {}", page.says());
            assert!(page.says().contains(word(words.lang, "¥15.00 to go", "还差 ¥15.00")), "{}", page.says());
            pays("15").await;
            let page = ann.open("/invite").await;
            assert!(page.says().contains(word(words.lang, "Reached", "已达到")), "{}", page.says());
            assert!(page.says().contains("+3USD") && page.says().contains(word(words.lang, "Granted", "已发放")));
            assert_eq!(world.balance("ann").await, "3");
            let rewards = ann.open("/invite/rewards").await;
            assert_eq!(rewards.root.all("tbody")[0].all("tr").len(), 1);
            let own = friend.open("/invite").await;
            assert!(own.says().contains("a***@e***.com"), "who invited: {}", own.says());
            let own = friend.open("/invite/rewards").await;
            assert!(own.says().contains(word(words.lang, "Your own sign-up", "您的注册")), "{}", own.says());
        });
    }
}

/// R3.12: whoever has no inviter names one with the code, or is told why not, and is asked no more.
#[test]
fn an_inviter_is_named_after_the_sign_up_in_both_languages() {
    for (words, _) in both() {
        World::run(async |world| {
            world.open().await;
            for name in ["ann", "bob"] {
                world.register(name, None).await;
            }
            let code = world.code("ann").await;
            let bob = enter(world, words, "bob").await;
            let press = word(words.lang, "Name my inviter", "确认邀请人");
            assert!(!bob.open("/invite").await.says().contains(press), "no form while it is off");
            world.settings("referral", |settings| settings["late_bind_days"] = json!(7)).await;
            let page = bob.open("/invite").await;
            assert!(page.says().contains(word(words.lang, "Until 27 Nov", "截止 11月27日")), "{}", page.says());
            let page = bob.press(&page, press, &[("referral_code", "NOSUCHCO")]).await;
            assert!(
                page.says().contains(word(words.lang, "There is no such invite code", "邀请码不存在")),
                "{}",
                page.says()
            );
            assert!(page.text.contains("href=\"#referral_code\"") && page.text.contains("value=\"NOSUCHCO\""));
            let page = bob.press(&page, press, &[("referral_code", &code)]).await;
            assert_eq!((page.status, page.path.as_str()), (200, "/invite"));
            assert!(page.says().contains(word(words.lang, "Your inviter is named", "邀请人已确认")), "{}", page.says());
            assert!(page.says().contains("a***@e***.com") && !page.says().contains(press), "{}", page.says());
        });
    }
}

/// R3.5: while the programme is off what was earned stays and no code is shown; who may not invite is told.
#[test]
fn a_programme_that_is_off_keeps_what_was_earned_and_shows_no_code() {
    for (words, _) in both() {
        World::run(async |world| {
            world.open().await;
            let told = world.register("ann", None).await;
            let code = world.code("ann").await;
            world.register("bob", Some(&code)).await;
            world.settle().await;
            let ann = enter(world, words, "ann").await;
            assert_eq!(value(&ann.open("/invite").await, "code"), code);
            let path = format!("/v1/admin/users/{}/affiliate-policy", told["user"]["id"].as_str().unwrap());
            let policy = json!({"rate": "0.1", "trigger_limit": 0, "can_invite": false});
            world.admin().put(&path, policy).await.is(200);
            let barred = ann.open("/invite").await;
            assert!(
                barred.says().contains(word(words.lang, "may not invite", "不能邀请")) && !barred.text.contains(&code)
            );
            assert_eq!(ann.open("/invite/qr.svg").await.status, 404);
            world.settings("referral", |settings| settings["enabled"] = json!(false)).await;
            let off = ann.open("/invite").await;
            assert!(off.says().contains(word(words.lang, "switched off", "未开启")), "{}", off.says());
            assert!(!off.text.contains(&code) && off.says().contains("b***@e***.com"), "friends stay: {}", off.says());
        });
    }
}

/// C3, R3.4: nothing is promised that the settings do not say; a limit is said.
#[test]
fn the_terms_are_said_as_the_settings_have_them() {
    World::run(async |world| {
        world.settings("referral", |settings| settings["enabled"] = json!(true)).await;
        world.register("ann", None).await;
        let (words, _) = both().next().unwrap();
        let ann = enter(world, words, "ann").await;
        let none = ann.open("/invite").await;
        assert!(
            none.says().contains("No reward is set now") && none.says().contains("No friends yet"),
            "{}",
            none.says()
        );
        world
            .settings("referral", |settings| {
                settings["max_invitees_per_user"] = json!(5);
                settings["registration"]["inviter_reward"] = json!("0.5");
                settings["qualified"]["invitee_reward"] = json!("2");
                settings["qualified"]["threshold"] = json!("30");
            })
            .await;
        let page = ann.open("/invite").await;
        for said in [
            "You get 0.5 USD for each friend who signs up.",
            "Your friend gets 2 USD after paying ¥30.00 in all.",
            "Your code works for 5 friends.",
        ] {
            assert!(page.says().contains(said), "{said}: {}", page.says());
        }
    });
}
