//! Endpoints of chats: one line per event, as each chat's incoming webhook takes it.

use serde_json::{Value, json};

use super::events::heard;
use super::events::staff::short;
use crate::world::World;

const ENDPOINTS: &str = "/v1/admin/webhook-endpoints";
const URL: &str = "https://chat.test/_sim/webhook/T0P5ECRET?key=T0P5ECRET";
/// Each chat with the place of its text, and its answers to what it takes and to what it refuses.
const CHATS: [(&str, &str, &str, &str); 5] = [
    ("slack", "/text", "ok", ""),
    ("discord", "/content", "", ""),
    ("feishu", "/content/text", r#"{"code":0,"msg":"success","data":{}}"#, r#"{"code":19022,"msg":"Ip Not Allowed"}"#),
    (
        "dingtalk",
        "/text/content",
        r#"{"errcode":0,"errmsg":"ok"}"#,
        r#"{"errcode":310000,"errmsg":"keywords not in content"}"#,
    ),
    (
        "wecom",
        "/text/content",
        r#"{"errcode":0,"errmsg":"ok"}"#,
        r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#,
    ),
];

/// Creates an endpoint of a chat.
async fn chat(world: &World, format: &str, events: &[&str]) -> Value {
    world.settle().await;
    let body = json!({"url": URL, "events": events, "format": format});
    world.admin().once().post(ENDPOINTS, body).await.is(201)
}

fn path(endpoint: &Value) -> String {
    format!("{ENDPOINTS}/{}", endpoint["id"].as_str().unwrap())
}

async fn newest(world: &World, endpoint: &Value) -> Value {
    world.admin().get(&format!("{}/deliveries", path(endpoint))).await.is(200)["items"][0].clone()
}

/// R4.5: each chat gets one line with the operator's name, the amount and the page of the review, unsigned, and nothing that tells who.
#[test]
fn a_review_is_one_line_in_each_chat() {
    for (format, at, good, _) in CHATS {
        World::run(async |world| {
            world.open().await;
            world.settings("console", |console| console["name"] = json!("Acme <&> *Co*")).await;
            let made = chat(world, format, &["review.*"]).await;
            world.stack.simulators.say_to_events(good);
            world.register("bob", None).await;
            short(world).await;
            let heard = heard(world);
            assert_eq!(heard.len(), 1);
            let review = world.admin().get("/v1/admin/payment/reviews").await.is(200)["items"][0].clone();
            let link = format!("{}/admin/reviews/{}", emulator::stack::BASE, review["id"].as_str().unwrap());
            let body = heard[0].said();
            let line = body.pointer(at).unwrap().as_str().unwrap();
            assert!(line.ends_with(&format!(" {link}")), "{line}");
            assert!(line.contains("60.00 CNY") && line.contains("needs a person"), "{line}");
            let name = match format {
                "slack" => "Acme &lt;&amp;&gt; *Co*",
                "discord" => "Acme \\<&\\> \\*Co\\*",
                _ => "Acme ＜&＞ *Co*",
            };
            assert!(line.starts_with(name), "{line}");
            assert!(!heard[0].body.contains("bob") && !heard[0].body.contains('@'), "{line}");
            assert_eq!((heard[0].signature.as_str(), heard[0].id.as_str()), ("", ""), "there is nobody to verify it");
            if format == "discord" {
                assert_eq!(body["allowed_mentions"], json!({"parse": []}));
            }
            assert_eq!(newest(world, &made).await["state"], "delivered");
        });
    }
}

#[test]
fn a_line_is_in_the_language_of_the_console() {
    World::run(async |world| {
        world.open().await;
        world.settings("console", |console| console["default_language"] = json!("zh-CN")).await;
        chat(world, "slack", &["review.*", "order.paid", "user.*"]).await;
        world.register("bob", None).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        world.pay(&order, json!({})).await;
        world.settle().await;
        short(world).await;
        let lines: Vec<String> =
            heard(world).iter().map(|one| one.said()["text"].as_str().unwrap().to_owned()).collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        for begins in [
            "Guerdon：有新用户注册 http",
            "Guerdon：订单已支付：100.00 CNY http",
            "Guerdon：有款项待审：60.00 CNY，金额与订单不符 http",
        ] {
            assert!(lines.iter().any(|line| line.starts_with(begins)), "{begins}: {lines:?}");
        }
    });
}

/// A chat that answers 200 and refuses by its code is tried again, until it takes the same bytes.
#[test]
fn a_refusal_with_status_200_is_no_delivery() {
    for (format, _, good, bad) in CHATS.into_iter().filter(|(.., bad)| !bad.is_empty()) {
        World::run(async |world| {
            let made = chat(world, format, &["user.*"]).await;
            world.stack.simulators.say_to_events(bad);
            world.register("bob", None).await;
            world.settle().await;
            let refused = newest(world, &made).await;
            assert_eq!((&refused["state"], &refused["last_status"]), (&json!("pending"), &json!(200)));
            let code = bad.split([':', ',']).nth(1).unwrap();
            assert_eq!(refused["last_error"], format!("answered with code {code}"));
            let shown = world.admin().get(ENDPOINTS).await.is(200)["items"][0].clone();
            assert!(shown["failing_since"].is_string(), "{shown}");
            world.stack.simulators.say_to_events(good);
            world.advance(5).await;
            assert_eq!(world.stack.tick("deliver-events").await.unwrap()["delivered"], 1);
            assert_eq!(newest(world, &made).await["state"], "delivered");
            let heard = heard(world);
            assert_eq!((heard.len(), &heard[0].body), (2, &heard[1].body));
        });
    }
}

/// The URL of a chat is its secret: no answer, audit record or file shows more than its origin, and there is no other secret.
#[test]
fn the_url_of_a_chat_is_not_shown_and_it_has_no_secret() {
    World::run(async |world| {
        let made = chat(world, "slack", &["review.*"]).await;
        assert_eq!(
            (&made["url"], &made["secret"], &made["format"]),
            (&json!("https://chat.test/…"), &Value::Null, &json!("slack"))
        );
        let moved = format!("{URL}&moved=1");
        let changed = world.admin().put(&path(&made), json!({"url": moved, "events": ["case.*"]})).await.is(200);
        assert_eq!((&changed["url"], &changed["secret"]), (&json!("https://chat.test/…"), &Value::Null));
        let listed = world.admin().get(ENDPOINTS).await.is(200);
        let audits = world.admin().get("/v1/admin/audit").await.is(200);
        let file = world.admin().header("accept", "text/csv").get(ENDPOINTS).await;
        for shown in [made.to_string(), changed.to_string(), listed.to_string(), audits.to_string(), file.text.clone()]
        {
            assert!(!shown.contains("T0P5ECRET") && shown.contains("chat.test"), "{shown}");
        }
        let rotated = world.admin().put(&path(&made), json!({"rotate_secret": true})).await.refused(422, "invalid");
        assert_eq!(
            (&rotated["errors"][0]["pointer"], &rotated["errors"][0]["code"]),
            (&json!("/rotate_secret"), &json!("no_secret"))
        );
        let shown = json!({"url": made["url"]});
        world.admin().put(&path(&made), shown).await.refused(422, "invalid");
        world.admin().put(&path(&made), json!({"format": "signed"})).await.refused(422, "invalid");
        let body = json!({"url": URL, "events": ["review.*"], "format": "telegram"});
        let unknown = world.admin().once().post(ENDPOINTS, body).await.refused(422, "invalid");
        assert_eq!(unknown["errors"][0]["pointer"], "/format");
    });
}
