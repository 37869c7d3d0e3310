//! The pages of keys, webhooks, programmes and the audit log (C3.4, journey 25).

use serde_json::json;

use super::super::client::{Browser, Shown};
use super::admin_in;
use crate::affiliate::commission::{hundred, invited};
use crate::operations::alarms::event as alarm_event;
use crate::operations::risk::held_case;
use crate::page::journeys::BOTH;
use crate::world::World;

/// The secret that the page shows once.
fn secret(page: &Shown) -> Option<String> {
    let inputs = page.root.all("input");
    inputs.iter().find(|input| input.of("id") == Some("secret")).and_then(|input| input.of("value")).map(str::to_owned)
}

/// Journey 25, C6.8: a key is shown once, works, and no reload shows it again; revoked, it works no more.
#[test]
fn a_key_is_shown_once() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let browser = admin_in(world, words).await;
            let page = browser.open("/admin/keys").await;
            assert_eq!(secret(&page), None);
            let make = ["Make the key", "新建密钥"][index];
            let none = browser.press(&page, make, &[("name", "billing")]).await;
            assert_eq!(none.status, 422, "scopes are needed");
            let (action, mut fields) = none.form(make, &[("name", "billing")]);
            fields.push(("scopes[]".to_owned(), "users:read".to_owned()));
            let own = [("sec-fetch-site", "same-origin")];
            let sent = browser.send(&action, &fields, &own).await;
            assert_eq!(sent.headers["location"], "/admin/keys", "no secret stands in a URL");
            let page = browser.open("/admin/keys").await;
            let key = secret(&page).unwrap();
            assert!(key.starts_with("gdn_") && page.text.matches(&key).count() == 1, "{}", page.says());
            world.holder(&key).get("/v1/service/users/usr_01m7w6c38029x193xqrjx9657c").await.refused(404, "not_found");
            assert_eq!(secret(&browser.open("/admin/keys").await), None, "a reload does not show it again");
            // The same press tells that it was shown.
            browser.send(&action, &fields, &own).await;
            let again = browser.open("/admin/keys").await;
            assert_eq!(secret(&again), None);
            assert!(again.says().contains(["It was shown once", "密钥仅显示一次"][index]), "{}", again.says());
            let question = browser.open(&again.link(["Revoke", "吊销"][index])).await;
            let page = browser.press(&question, ["Revoke the key", "吊销密钥"][index], &[]).await;
            assert!(page.status == 200 && page.says().contains(["Revoked", "已吊销"][index]), "{}", page.says());
            world
                .holder(&key)
                .get("/v1/service/users/usr_01m7w6c38029x193xqrjx9657c")
                .await
                .refused(401, "unauthenticated");
        });
    }
}

/// Journey 25: an endpoint's secret is shown once; a failed delivery is in the log and is replayed; the secret is rotated.
#[test]
fn a_webhook_is_made_fails_and_is_replayed() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let browser = admin_in(world, words).await;
            let list = browser.open("/admin/webhooks").await;
            let make = ["Make the webhook", "新建回调"][index];
            let url = "https://product.test/_sim/webhook";
            let wrong = browser.press(&list, make, &[("url", "https://10.0.0.1/x"), ("events[]", "user.*")]).await;
            let inputs = wrong.root.all("input");
            let field = inputs.iter().find(|one| one.of("name") == Some("url")).unwrap();
            assert_eq!((wrong.status, field.of("aria-invalid")), (422, Some("true")), "{}", wrong.says());
            let page = browser.press(&list, make, &[("url", url), ("events[]", "user.*")]).await;
            assert!(page.path.starts_with("/admin/webhooks/whe_"), "{} {}", page.path, page.says());
            let first = secret(&page).unwrap();
            assert!(first.starts_with("whsec_"));
            let path = page.path.clone();
            assert_eq!(secret(&browser.open(&path).await), None, "once");
            world.stack.simulators.answer_events(503, 1);
            world.register("eve", None).await;
            world.settle().await;
            let page = browser.open(&path).await;
            assert!(page.says().contains("user.registered") && page.says().contains("503"), "{}", page.says());
            let page = browser.press(&page, ["Replay", "重新投递"][index], &[]).await;
            assert!(page.status == 200 && page.says().contains(["sent again", "重新投递"][index]), "{}", page.says());
            world.advance(61).await;
            world.stack.tick("deliver-events").await.unwrap();
            world.settle().await;
            let page = browser.open(&path).await;
            assert!(page.says().contains(["Delivered", "已送达"][index]), "{}", page.says());
            let page = browser.press(&page, ["Rotate the secret", "轮换密钥"][index], &[]).await;
            let second = secret(&page).unwrap();
            assert!(second.starts_with("whsec_") && second != first);
            let page = browser.press(&page, ["Switch off", "停用"][index], &[]).await;
            assert!(page.says().contains(["Switched off", "已停用"][index]), "{}", page.says());
            let page = browser.press(&page, ["Enable", "启用"][index], &[]).await;
            let question = browser.open(&page.link(["Delete", "删除"][index])).await;
            let page = browser.press(&question, ["Delete", "删除"][index], &[]).await;
            assert_eq!((page.status, page.path.as_str()), (200, "/admin/webhooks"), "{}", page.says());
            assert_eq!(browser.open(&path).await.status, 404);
        });
    }
}

/// A chat's endpoint is made with the events for staff, shows neither its URL nor a secret, and keeps its URL when the field is empty.
#[test]
fn a_webhook_to_a_chat_is_made_and_its_url_is_not_shown() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.settle().await;
            let browser = admin_in(world, words).await;
            let list = browser.open("/admin/webhooks").await;
            let form = browser.open(&list.link(["To a chat", "发给群聊"][index])).await;
            let chosen: Vec<&str> = form
                .root
                .all("input")
                .iter()
                .filter(|one| one.of("checked").is_some())
                .filter_map(|one| one.of("value"))
                .collect();
            assert_eq!(chosen, ["reward.failed", "review.*", "case.*", "alarm.*"]);
            let make = ["Make the chat’s webhook", "新建群聊回调"][index];
            let wrong = browser.press(&form, make, &[("url", "https://10.0.0.1/x")]).await;
            assert_eq!(wrong.status, 422, "{}", wrong.says());
            let url = "https://chat.test/_sim/webhook/T0P5ECRET";
            let page = browser.press(&form, make, &[("url", url), ("format", "discord")]).await;
            assert!(page.path.starts_with("/admin/webhooks/whe_"), "{} {}", page.path, page.says());
            assert_eq!(secret(&page), None, "its URL is the secret");
            let says = page.says();
            assert!(says.contains("https://chat.test/…") && says.contains("Discord"), "{says}");
            assert!(!says.contains(["Rotate the secret", "轮换密钥"][index]), "{says}");
            let path = page.path.clone();
            let saved = browser.press(&page, ["Save", "保存"][index], &[("events[]", "user.*")]).await;
            assert_eq!(saved.status, 200, "{}", saved.says());
            world.register("eve", None).await;
            world.settle().await;
            let heard = world.stack.simulators.heard();
            assert_eq!((heard.len(), heard[0].path.as_str()), (1, "/_sim/webhook/T0P5ECRET"), "the URL was kept");
            for page in [path.as_str(), "/admin/webhooks", &format!("{path}/delete"), "/admin/audit"] {
                let shown = browser.open(page).await;
                assert!(shown.status == 200 && !shown.text.contains("T0P5ECRET"), "{page}: {}", shown.says());
            }
        });
    }
}

/// An alarm stands on the overview, with its name, until it is over.
#[test]
fn an_alarm_is_on_the_overview_while_it_stands() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let browser = admin_in(world, words).await;
            let heading = ["Alarms that stand", "未解除的告警"][index];
            assert!(!browser.open("/admin").await.says().contains(heading));
            for (state, at, stands) in [("ALARM", "10:00:00", true), ("OK", "10:05:00", false)] {
                let event = alarm_event("guerdon-ApiFails-1AB2CD3EF4GH", state, &format!("2026-11-20T{at}.000+0000"));
                world.stack.event(&event).await.unwrap();
                world.settle().await;
                let says = browser.open("/admin").await.says();
                assert_eq!((says.contains(heading), says.contains("ApiFails")), (stands, stands), "{says}");
            }
        });
    }
}

/// C3.4: referrals, rewards and commissions with their people; a commission is reversed as its confirmation says.
#[test]
fn a_commission_is_reversed() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            invited(world).await;
            hundred(world).await;
            let browser = admin_in(world, words).await;
            for path in ["/admin/referrals", "/admin/rewards", "/admin/commissions"] {
                let page = browser.open(path).await;
                let says = page.says();
                assert!(
                    page.status == 200 && (path == "/admin/rewards" || says.contains("ann@example.com")),
                    "{path}: {says}"
                );
            }
            let list = browser.open("/admin/commissions").await;
            let question = browser.open(&list.link(["Reverse", "撤回"][index])).await;
            assert!(question.says().contains("1.38888888"), "{}", question.says());
            let button = ["Reverse the commission", "撤回佣金"][index];
            let page = browser.press(&question, button, &[("reason", "a fraud")]).await;
            assert!(page.status == 200 && page.says().contains("a fraud"), "{}", page.says());
            assert_eq!(crate::affiliate::commission::totals(world).await[1], "0");
            world.settle().await;
        });
    }
}

/// C3.4, R9.3: the audit log names people, acts and fields, in the visitor's language.
#[test]
fn the_audit_log_says_who_changed_what() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.settings("payment", |settings| settings["exchange_rate"] = json!("7.3")).await;
            let browser = admin_in(world, words).await;
            let page = browser.open("/admin/audit").await;
            let says = page.says();
            assert!(says.contains(["Settings changed", "更改设置"][index]), "{says}");
            assert!(
                says.contains("admin@localhost") && says.contains("exchange_rate") && says.contains("7.3"),
                "{says}"
            );
            let none = browser.open("/admin/audit?subject=settings%3Aagency").await;
            assert!(!none.says().contains("exchange_rate"), "{}", none.says());
            let by_me = browser.open("/admin/audit?from=2020-01-01&to=2020-01-02").await;
            assert!(!by_me.says().contains("exchange_rate"));
        });
    }
}

/// C4.3: the local stack's page of parts shows each in every state, as strict HTML, in both languages; no deployed function has it.
#[test]
fn the_page_of_parts_is_the_local_stacks_only() {
    World::run(async |world| {
        for words in &BOTH {
            let request = http::Request::get("/_local/parts").header("accept-language", words.accept);
            let answer =
                emulator::stack::functions::parts(&world.stack.app, request.body(bytes::Bytes::new()).unwrap()).await;
            assert_eq!(answer.status(), 200);
            let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
            let page = String::from_utf8(body.to_vec()).unwrap();
            let root = super::super::markup::checked(&page, "/_local/parts");
            assert_eq!(root.all("html")[0].of("lang"), Some(words.lang));
            for class in
                ["tiles", "chips", "filters", "alert", "timeline", "progress", "copy", "qr", "ladder", "badge", "way"]
            {
                let has = |one: &&super::super::markup::Element| {
                    one.of("class").is_some_and(|all| all.split(' ').any(|known| known == class))
                };
                assert!(root.all("*").iter().any(has), "no {class}");
            }
        }
        let deployed = Browser::new(world, BOTH[0].accept).ask("GET", "/_local/parts", None, &[]).await;
        assert_eq!(deployed.status, 404);
    });
}

/// R10.2: the page of risk says what was found and about whom, and decides about one case and about several.
#[test]
fn cases_of_risk_are_decided_on_their_page() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let id = held_case(world).await;
            let admin = admin_in(world, words).await;
            let list = admin.open("/admin/risk").await;
            let found = ["The same mailbox as", "邮箱相同"][index];
            assert!(list.says().contains(found) && list.says().contains("bob@example.com"), "{}", list.says());
            let rewards = admin.open("/admin/rewards").await;
            assert!(rewards.says().contains(["Signals of abuse", "滥用信号"][index]), "{}", rewards.says());
            assert_eq!(world.admin().get("/v1/admin/waiting").await.is(200)["risk_cases"]["count"], 1);
            let overview = admin.open("/admin").await;
            let says = overview.says();
            assert!(says.contains(["Cases of risk to decide", "待决定的风险案件"][index]), "{says}");
            let page = admin.open(&format!("/admin/risk/{id}/release")).await;
            let done = admin.press(&page, ["Release", "放行"][index], &[("reason", "one office")]).await;
            assert_eq!((done.status, done.path.as_str()), (200, "/admin/risk"), "{}", done.says());
            world.settle().await;
            assert_eq!(world.balance("ann").await, "4");
            assert!(done.says().contains(["What was held is released", "暂缓内容已放行"][index]), "{}", done.says());
            world.register("bob+2", Some(&world.code("ann").await)).await;
            world.settle().await;
            let second = world.user("bob+2").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
            let page = admin.open(&format!("/admin/risk/together?act=reject&id={second}&id={id}")).await;
            let done = admin.press(&page, ["Reject 1 case", "拒绝 1 个案件"][index], &[("reason", "one person")]).await;
            assert_eq!(done.status, 200, "{}", done.says());
            world.settle().await;
            let list = world.admin().get("/v1/admin/risk/cases?state=rejected").await.is(200);
            assert_eq!(list["items"][0]["reason"], "one person");
            // Nothing is left to decide.
            let page = admin.open(&format!("/admin/risk/{id}/reject")).await;
            assert!(page.says().contains(["Nothing is held", "没有因此暂缓"][index]), "{}", page.says());
        });
    }
}
