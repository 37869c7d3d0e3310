//! Mails that tell users of their money, and what stops them.

use data_encoding::BASE64;
use emulator::faults::Fault;
use emulator::ses::Sent;
use serde_json::{Value, json};

use crate::page::client::Browser;
use crate::page::journeys::BOTH;
use crate::page::signing_in::signed_in;
use crate::world::{PASSWORD, World};

const MAILS: &str = "/v1/me/mails";

/// Mails to a user, oldest first.
fn mails(world: &World, name: &str) -> Vec<Sent> {
    world.stack.mailbox.sent(Some(&format!("{name}@example.com")))
}

/// Subjects of a user's mails, oldest first.
fn subjects(world: &World, name: &str) -> Vec<String> {
    mails(world, name).into_iter().map(|mail| mail.subject).collect()
}

/// The last mail to a user.
fn last(world: &World, name: &str) -> Sent {
    mails(world, name).pop().unwrap()
}

async fn pays(world: &World, name: &str) -> Value {
    let order = world.order(name, json!({"offer_id": "o100", "provider": "zpay"})).await;
    world.pay(&order, json!({})).await;
    world.settle().await;
    order
}

/// Path of the link in a mail that begins so.
fn link(mail: &Sent, path: &str) -> String {
    let base = "http://127.0.0.1:3000";
    let found = mail.text.lines().filter_map(|line| line.strip_prefix(base)).find(|line| line.starts_with(path));
    found.unwrap_or_else(|| panic!("{path} in {}", mail.text)).to_owned()
}

const BOUNCED: &str = include_str!("../../fixtures/aws/ses-email-bounced.json");
const COMPLAINED: &str = include_str!("../../fixtures/aws/ses-email-complaint.json");

/// The documented event of SES, about the last mail to this address.
fn feedback(world: &World, document: &str, email: &str) -> Value {
    let mail = world.stack.mailbox.sent(Some(email)).pop().unwrap();
    let of = mail.tags.get("user").cloned().unwrap_or_default();
    serde_json::from_str(&document.replace("recipient@example.com", email).replace("usr_recipient", &of)).unwrap()
}

/// Event of a bounce for good of the last mail to this address.
pub fn bounced(world: &World, email: &str) -> Value {
    feedback(world, BOUNCED, email)
}

/// Report about an event that the template's rule takes.
pub async fn told(world: &World, event: &Value) -> Value {
    let mut reports = world.stack.event(event).await.unwrap();
    assert_eq!(reports.len(), 1, "one rule takes it");
    reports.remove(0)
}

/// C8.1: what was paid and credited is told in the user's language, by the operator's name, once.
#[test]
fn a_credited_payment_is_told_once_in_the_users_language_with_the_operators_name() {
    World::run(async |world| {
        world.open().await;
        world.settings("console", |settings| settings["name"] = json!("Möbel & <Söhne>")).await;
        world.register("ann", None).await;
        world.register("bob", None).await;
        world.user("bob").put("/v1/me", json!({"locale": "zh-CN"})).await.is(200);
        let order = pays(world, "ann").await;
        pays(world, "bob").await;
        let [mail]: [Sent; 1] = mails(world, "ann").try_into().unwrap();
        assert_eq!(mail.subject, "Your payment has arrived");
        assert!(
            mail.text.contains("Your payment of 100.00 CNY has arrived. 18.05555554 USD was credited"),
            "{}",
            mail.text
        );
        assert!(mail.text.contains("\nMöbel & <Söhne>\n"), "{}", mail.text);
        assert!(mail.html.contains("<p>Möbel &amp; &lt;Söhne&gt;</p>"), "{}", mail.html);
        assert_eq!(mail.from, "=?UTF-8?B?TcO2YmVsICYgPFPDtmhuZT4=?= <no-reply@guerdon.test>");
        assert_eq!(link(&mail, "/orders/"), format!("/orders/{}", order["id"].as_str().unwrap()));
        let mail = last(world, "bob");
        assert_eq!(mail.subject, "您的付款已到账");
        assert!(mail.text.contains("您的付款 100.00 CNY 已到账。18.05555554 USD 已记入您的账户。"), "{}", mail.text);
    });
}

/// RFC 2047: a long name is several encoded words of at most 75 characters, none of which ends within a character.
#[test]
fn a_long_name_of_the_operator_is_several_encoded_words() {
    World::run(async |world| {
        world.open().await;
        let name = "云支付与增长平台".repeat(5);
        world.settings("console", |settings| settings["name"] = json!(name)).await;
        world.register("ann", None).await;
        pays(world, "ann").await;
        let from = last(world, "ann").from;
        let words = from.strip_suffix(" <no-reply@guerdon.test>").unwrap().split(' ');
        let decoded = words.map(|word| {
            assert!(word.len() <= 75, "{word}");
            let text = word.strip_prefix("=?UTF-8?B?").unwrap().strip_suffix("?=").unwrap();
            String::from_utf8(BASE64.decode(text.as_bytes()).unwrap()).unwrap()
        });
        assert_eq!(decoded.collect::<String>(), name);
    });
}

/// A message that arrives twice sends no second mail, nor does a delivery of its event that fails.
#[test]
fn a_message_that_comes_twice_sends_one_mail() {
    World::run(async |world| {
        world.open().await;
        world.register("ann", None).await;
        world.settle().await;
        world.stack.faults.script("SendMessageBatch", 0, Fault::ReplyLost);
        pays(world, "ann").await;
        world.stack.faults.clear();
        world.advance(400).await;
        world.stack.tick("sweep-outbox").await.unwrap();
        world.settle().await;
        assert_eq!(subjects(world, "ann"), ["Your payment has arrived"]);
    });
}

#[test]
fn rewards_and_closed_withdrawals_are_told_with_the_reason_of_a_refusal() {
    World::run(async |world| {
        world.open().await;
        world
            .settings("affiliate", |settings| {
                settings["enabled"] = json!(true);
                settings["min_cash_withdrawal"] = json!("0.1");
            })
            .await;
        world.register("ann", None).await;
        let code = world.code("ann").await;
        world.register("bob", Some(&code)).await;
        pays(world, "bob").await;
        let mail = last(world, "ann");
        assert_eq!((mail.subject.as_str(), subjects(world, "ann").len()), ("You have earned a reward", 1));
        assert!(mail.text.contains("A reward of 3 USD is on your balance."), "{}", mail.text);
        let cash =
            json!({"amount": "0.5", "to": "cash", "payout": {"method": "bank", "account": "DE02120300000000202051"}});
        for (verb, body, subject, text) in [
            ("approve", json!({"reference": "wire 7"}), "Your withdrawal was paid out", "of 0.5 USD was paid out."),
            (
                "reject",
                json!({"reason": "The name differs."}),
                "Your withdrawal was refused",
                "refused: The name differs.",
            ),
        ] {
            let made = world.user("ann").once().post("/v1/affiliate/withdrawals", cash.clone()).await.is(201);
            world.settle().await;
            let path = format!("/v1/admin/withdrawals/{}/{verb}", made["id"].as_str().unwrap());
            world.admin().once().post(&path, body).await.is(200);
            world.settle().await;
            let mail = last(world, "ann");
            assert_eq!(mail.subject, subject);
            assert!(mail.text.contains(text) && !mail.text.contains("DE0212"), "{}", mail.text);
        }
        assert_eq!(subjects(world, "ann").len(), 3, "what the user did themselves is no news");
    });
}

/// R5.5: a day before the end, who has not used the promotion is told of it, once; who has used it is not.
#[test]
fn an_unused_promotion_is_told_of_a_day_before_it_ends() {
    World::run(async |world| {
        world.open().await;
        for name in ["ann", "bob"] {
            world.register(name, None).await;
        }
        pays(world, "bob").await;
        let tick = async |hours: u64| {
            world.advance(hours * 3_600).await;
            world.stack.tick("expire-promotions").await.unwrap();
            world.settle().await;
        };
        tick(47).await;
        assert!(subjects(world, "ann").is_empty());
        tick(1).await;
        let mail = last(world, "ann");
        assert_eq!(mail.subject, "Your bonus ends soon");
        assert!(
            mail.text.contains("A top-up now still gets a bonus of 10 %. Your bonus ends at 2026-11-23 10:00 UTC."),
            "{}",
            mail.text
        );
        tick(1).await;
        tick(24).await;
        assert_eq!(subjects(world, "ann").len(), 1);
        assert_eq!(subjects(world, "bob"), ["Your payment has arrived"]);
        world.sign_in("ann").await;
        assert_eq!(world.user("ann").get("/v1/promotion").await.is(200)["status"], "expired");
    });
}

/// The operator's switch is for all, a user's for themselves; the other kinds go on.
#[test]
fn operator_and_user_switch_each_kind_off() {
    World::run(async |world| {
        world.open().await;
        for name in ["ann", "bob"] {
            world.register(name, None).await;
        }
        let own = world.user("ann").get(MAILS).await.is(200);
        let all = json!({"payment_credited": true, "reward_granted": true, "withdrawal_settled": true, "promotion_ending": true});
        assert_eq!(own, json!({"wanted": all, "not_sent": [], "stopped": null}));
        let mut less = all.clone();
        less["payment_credited"] = json!(false);
        assert_eq!(world.user("ann").put(MAILS, less.clone()).await.is(200)["wanted"], less);
        for name in ["ann", "bob"] {
            pays(world, name).await;
        }
        assert_eq!((subjects(world, "ann").len(), subjects(world, "bob").len()), (0, 1));
        world.user("ann").put(MAILS, all).await.is(200);
        world.settings("mail", |settings| settings["payment_credited"] = json!(false)).await;
        world.advance(61).await;
        for name in ["ann", "bob"] {
            pays(world, name).await;
        }
        assert_eq!((subjects(world, "ann").len(), subjects(world, "bob").len()), (0, 1));
        assert_eq!(world.user("ann").get(MAILS).await.is(200)["not_sent"], json!(["payment_credited"]));
        let wrong = json!({"payment_credited": false});
        world.user("ann").put(MAILS, wrong).await.refused(422, "invalid");
        world.nobody().get(MAILS).await.refused(401, "unauthenticated");
    });
}

/// RFC 8058: a mail program stops the kind by one request without signing in; the link in the mail asks first.
#[test]
fn a_link_in_the_mail_stops_its_kind_and_no_other_link_does() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.open().await;
            world.register("ann", None).await;
            pays(world, "ann").await;
            let mail = last(world, "ann");
            assert_eq!(mail.headers["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
            let url = mail.headers["List-Unsubscribe"].trim_matches(['<', '>']).to_owned();
            let path = url.strip_prefix("http://127.0.0.1:3000").unwrap();
            let changed = format!("{}{}", &path[..path.len() - 1], if path.ends_with('A') { 'B' } else { 'A' });
            for wrong in [changed.as_str(), "/v1/mails/unsubscribe?token=", "/v1/mails/unsubscribe?token=AAAA"] {
                let answer = world.nobody().raw("POST", wrong, "List-Unsubscribe=One-Click").await;
                assert_eq!(answer.refused(422, "invalid")["errors"][0]["pointer"], "/token", "{wrong}");
            }
            let browser = Browser::new(world, words.accept);
            let page = browser.open(&link(&mail, "/unsubscribe")).await;
            assert!(
                world.user("ann").get(MAILS).await.is(200)["wanted"]["payment_credited"] == true,
                "nothing by looking"
            );
            let page = browser.press(&page, ["Stop these mails", "停止此类邮件"][index], &[]).await;
            assert_eq!((page.status, page.path.as_str()), (200, "/unsubscribe"));
            assert!(page.says().contains(["no more mails of this kind", "不再收到此类邮件"][index]), "{}", page.says());
            let wanted = || async { world.user("ann").get(MAILS).await.is(200)["wanted"].clone() };
            assert_eq!(wanted().await["payment_credited"], false);
            assert_eq!(wanted().await["reward_granted"], true);
            let ann = signed_in(world, words, "ann", PASSWORD).await;
            let page = ann.open("/account/mails").await;
            let page =
                ann.press(&page, ["Save my choice", "保存选择"][index], &[("payment_credited:bool", "true")]).await;
            assert_eq!((page.status, page.path.as_str()), (200, "/account/mails"));
            assert_eq!(wanted().await["payment_credited"], true);
            for _ in 0..2 {
                let answer = world.nobody().raw("POST", path, "List-Unsubscribe=One-Click").await;
                assert_eq!(answer.status, 204, "{}", answer.text);
            }
            assert_eq!(wanted().await["payment_credited"], false);
            pays(world, "ann").await;
            assert_eq!(subjects(world, "ann").len(), 1);
        });
    }
}

/// A bounce for good or a complaint stops every notice to the address, and no code that somebody asks for.
#[test]
fn an_address_that_bounced_or_complained_is_told_nothing_until_its_user_chooses_again() {
    for (document, because) in [(BOUNCED, "bounced"), (COMPLAINED, "complained")] {
        World::run(async |world| {
            world.open().await;
            world.register("ann", None).await;
            pays(world, "ann").await;
            let event = feedback(world, document, "ann@example.com");
            let elsewhere = event.to_string().replace("guerdon-MailFeedback", "staging-MailFeedback");
            let elsewhere: Value = serde_json::from_str(&elsewhere).unwrap();
            assert_eq!(world.stack.event(&elsewhere).await.unwrap(), [Value::Null; 0], "another stack's mail");
            if because == "bounced" {
                let mut passing = event.clone();
                passing["detail"]["bounce"]["bounceType"] = json!("Transient");
                assert_eq!(told(world, &passing).await, json!({"stopped": 0, "unknown": 0}));
            }
            pays(world, "ann").await;
            assert_eq!(subjects(world, "ann").len(), 2, "a passing bounce stops nothing");
            assert_eq!(told(world, &event).await, json!({"stopped": 1, "unknown": 0}));
            assert_eq!(told(world, &event).await, json!({"stopped": 0, "unknown": 1}), "told twice");
            assert_eq!(world.user("ann").get(MAILS).await.is(200)["stopped"]["because"], because);
            let audits = world
                .admin()
                .get(&format!(
                    "/v1/admin/audit?subject={}",
                    event["detail"]["mail"]["tags"]["user"][0].as_str().unwrap()
                ))
                .await
                .is(200);
            let of = |field: &str| audits["items"][0][field].clone();
            assert_eq!((of("action"), of("reason")), (json!("user.mails_stopped"), json!(because)));
            pays(world, "ann").await;
            assert_eq!(subjects(world, "ann").len(), 2);
            world.nobody().post("/v1/password-resets", json!({"email": "ann@example.com"})).await.is(202);
            world.settle().await;
            assert_eq!(last(world, "ann").subject, "Reset your password");
            world.advance(61).await;
            let wanted = world.user("ann").get(MAILS).await.is(200)["wanted"].clone();
            assert_eq!(world.user("ann").put(MAILS, wanted).await.is(200)["stopped"], Value::Null);
            pays(world, "ann").await;
            assert_eq!(last(world, "ann").subject, "Your payment has arrived");
        });
    }
}

/// A stop is of an address: the user's new one gets mails, and nobody else's is stopped.
#[test]
fn another_address_of_the_user_is_not_stopped() {
    World::run(async |world| {
        world.open().await;
        for name in ["ann", "bob"] {
            world.register(name, None).await;
            pays(world, name).await;
        }
        let event = bounced(world, "ann@example.com");
        let text = event.to_string().replace("ann@example.com", "bob@example.com");
        let others: Value = serde_json::from_str(&text).unwrap();
        let nobody = json!({"stopped": 0, "unknown": 1});
        assert_eq!(told(world, &others).await, nobody, "the address of somebody else");
        assert_eq!(told(world, &event).await["stopped"], 1);
        assert_eq!(world.user("bob").get(MAILS).await.is(200)["stopped"], Value::Null);
        world.user("ann").put("/v1/me/email", json!({"email": "ann@new.example", "password": PASSWORD})).await.is(202);
        world.settle().await;
        let text = world.stack.mailbox.sent(Some("ann@new.example")).pop().unwrap().text;
        let code = text.lines().find(|line| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit())).unwrap();
        world.user("ann").post("/v1/me/email/confirm", json!({"code": code})).await.is(200);
        assert_eq!(world.user("ann").get(MAILS).await.is(200)["stopped"], Value::Null);
        pays(world, "ann").await;
        assert_eq!(
            world.stack.mailbox.sent(Some("ann@new.example")).pop().unwrap().subject,
            "Your payment has arrived"
        );
    });
}

/// R2.7: an erased account keeps no choice of mails, and the link of an old mail gives it none.
#[test]
fn an_erased_account_has_no_choice_of_mails_and_gets_none() {
    World::run(async |world| {
        world.open().await;
        let ann = world.register("ann", None).await;
        pays(world, "ann").await;
        let unsubscribe = link(&last(world, "ann"), "/unsubscribe").replace("/unsubscribe", "/v1/mails/unsubscribe");
        assert_eq!(world.nobody().raw("POST", &unsubscribe, "").await.status, 204);
        let event = bounced(world, "ann@example.com");
        assert_eq!(told(world, &event).await["stopped"], 1);
        let path = format!("/v1/admin/users/{}/erase", ann["user"]["id"].as_str().unwrap());
        let body = json!({"reason": "asked", "acknowledge_balance": true});
        world.admin().post(&path, body).await.is(200);
        world.settle().await;
        assert_eq!(world.nobody().raw("POST", &unsubscribe, "").await.status, 204);
        assert_eq!(told(world, &event).await, json!({"stopped": 0, "unknown": 1}));
        let kept =
            world.stack.items().unwrap().into_iter().filter(|item| format!("{item:?}").contains("mail_preferences"));
        assert_eq!(kept.count(), 0);
    });
}
