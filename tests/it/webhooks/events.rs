//! Outbound events: content, signature, retries, and refused destinations.

pub mod kinds;
pub mod staff;

use std::collections::BTreeSet;

use data_encoding::BASE64;
use emulator::sim::Heard;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::world::World;

const HOOK: &str = "https://product.test/_sim/webhook";
const ENDPOINTS: &str = "/v1/admin/webhook-endpoints";

/// Creates an endpoint for `events` and returns it with its secret.
pub async fn endpoint(world: &World, events: &[&str]) -> Value {
    world.settle().await;
    world.admin().once().post(ENDPOINTS, json!({"url": HOOK, "events": events})).await.is(201)
}

fn path(endpoint: &Value) -> String {
    format!("{ENDPOINTS}/{}", endpoint["id"].as_str().unwrap())
}

/// The endpoint as the list shows it.
async fn shown(world: &World, endpoint: &Value) -> Value {
    let list = world.admin().get(ENDPOINTS).await.is(200);
    list["items"].as_array().unwrap().iter().find(|one| one["id"] == endpoint["id"]).unwrap().clone()
}

/// The endpoint's delivery log, newest first.
async fn log(world: &World, endpoint: &Value) -> Vec<Value> {
    let log = world.admin().get(&format!("{}/deliveries", path(endpoint))).await.is(200);
    log["items"].as_array().unwrap().clone()
}

/// The only delivery of the endpoint's log.
async fn only(world: &World, endpoint: &Value) -> Value {
    let mut log = log(world, endpoint).await;
    assert_eq!(log.len(), 1, "{log:#?}");
    log.remove(0)
}

pub fn heard(world: &World) -> Vec<Heard> {
    world.stack.simulators.heard()
}

/// Advances the clock and ticks the schedule.
async fn later(world: &World, seconds: u64) -> Value {
    world.advance(seconds).await;
    world.stack.tick("deliver-events").await.unwrap()
}

/// Independent implementation of Standard Webhooks: `v1,` and base64 of HMAC-SHA256.
/// The signed text is `id.timestamp.body`.
fn signed(secret: &str, heard: &Heard) -> String {
    let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap().as_bytes()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    for part in [heard.id.as_str(), ".", heard.timestamp.as_str(), ".", heard.body.as_str()] {
        mac.update(part.as_bytes());
    }
    format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()))
}

#[test]
fn an_event_is_signed_as_standard_webhooks_says_and_told_once() {
    World::run(async |world| {
        let made = endpoint(world, &["user.registered"]).await;
        world.register("ann", None).await;
        world.settle().await;
        let heard = heard(world);
        assert_eq!(heard.len(), 1);
        let (one, said) = (&heard[0], heard[0].said());
        assert_eq!(one.signature, signed(made["secret"].as_str().unwrap(), one));
        assert_eq!(one.timestamp, world.stack.clock.now().as_second().to_string());
        assert_eq!(said["type"], "user.registered");
        assert_eq!(said["timestamp"], "2026-11-20T10:00:00Z");
        assert_eq!(said["data"]["id"], world.user("ann").get("/v1/me").await.is(200)["id"]);
        assert!(!one.body.contains("example.com"), "no e-mail address: {}", one.body);
        let delivery = only(world, &made).await;
        assert_eq!(delivery["id"], one.id.as_str());
        assert_eq!(
            (&delivery["state"], &delivery["attempts"], &delivery["last_status"]),
            (&json!("delivered"), &json!(1), &json!(204))
        );
        assert!(delivery["delivered_at"].is_string() && delivery["next_attempt_at"].is_null());
    });
}

/// A message that arrives twice makes one event with one id.
#[test]
fn a_message_that_comes_twice_tells_nothing_new() {
    World::run(async |world| {
        let made = endpoint(world, &["user.registered"]).await;
        world.stack.faults.script("SendMessageBatch", 0, emulator::faults::Fault::ReplyLost);
        world.register("ann", None).await;
        world.stack.faults.clear();
        world.settle().await;
        world.advance(120).await;
        world.stack.tick("sweep-outbox").await.unwrap();
        world.settle().await;
        let ids: BTreeSet<String> = heard(world).into_iter().map(|heard| heard.id).collect();
        assert_eq!(ids.len(), 1);
        only(world, &made).await;
    });
}

#[test]
fn an_endpoint_that_is_down_is_tried_again_and_the_log_shows_it() {
    World::run(async |world| {
        let made = endpoint(world, &["user.registered"]).await;
        world.stack.simulators.answer_events(503, 2);
        world.register("ann", None).await;
        world.settle().await;
        let waiting = only(world, &made).await;
        assert_eq!(
            (&waiting["state"], &waiting["last_status"], &waiting["attempts"]),
            (&json!("pending"), &json!(503), &json!(1))
        );
        assert_eq!(waiting["last_error"], "answered 503");
        assert_eq!(waiting["next_attempt_at"], "2026-11-20T10:00:05Z");
        assert!(shown(world, &made).await["failing_since"].is_string());
        assert_eq!(later(world, 4).await, json!({"delivered": 0, "failed": 0, "left": 0}), "not yet");
        assert_eq!(later(world, 1).await["failed"], 1);
        assert_eq!(later(world, 60).await["delivered"], 1);
        let done = only(world, &made).await;
        assert_eq!(
            (&done["state"], &done["attempts"], &done["last_error"]),
            (&json!("delivered"), &json!(3), &Value::Null)
        );
        assert!(shown(world, &made).await["failing_since"].is_null(), "forgiven");
        let heard = heard(world);
        assert_eq!(heard.iter().map(|one| one.status).collect::<Vec<_>>(), [503, 503, 204]);
        assert!(heard.windows(2).all(|pair| pair[0].id == pair[1].id && pair[0].body == pair[1].body));
        assert!(heard[0].timestamp < heard[2].timestamp, "each attempt is signed afresh");
        assert_eq!(heard[2].signature, signed(made["secret"].as_str().unwrap(), &heard[2]));
    });
}

#[test]
fn after_three_days_it_has_failed_and_a_replay_sends_it_again() {
    World::run(async |world| {
        let made = endpoint(world, &["user.registered"]).await;
        world.stack.simulators.answer_events(500, 1_000);
        world.register("ann", None).await;
        world.settle().await;
        let mut hours = 0;
        while hours < 71 {
            later(world, 3_600).await;
            hours += 1;
        }
        world.sign_in("admin").await;
        assert_eq!(only(world, &made).await["state"], "pending");
        later(world, 3_600).await;
        world.sign_in("admin").await;
        let failed = only(world, &made).await;
        assert_eq!((&failed["state"], &failed["last_error"]), (&json!("failed"), &json!("answered 500")));
        assert!(failed["next_attempt_at"].is_null() && failed["delivered_at"].is_null());
        let attempts = heard(world).len();
        assert!((8..=12).contains(&attempts), "{attempts} attempts");
        later(world, 86_400).await;
        assert_eq!(heard(world).len(), attempts, "no more");
        world.sign_in("admin").await;
        world.stack.simulators.answer_events(200, 0);
        let replay = format!("{}/deliveries/{}/replay", path(&made), failed["id"].as_str().unwrap());
        let again = world.admin().key("again").post(&replay, json!({})).await.is(200);
        assert_eq!((&again["state"], &again["id"]), (&json!("pending"), &failed["id"]));
        assert_eq!(later(world, 1).await["delivered"], 1);
        assert_eq!(only(world, &made).await["state"], "delivered");
        assert_eq!(heard(world).last().unwrap().id, failed["id"].as_str().unwrap());
        world.admin().key("again").post(&replay, json!({})).await.is(200);
        assert_eq!(later(world, 60).await["delivered"], 0, "one replay");
        world.admin().post(&replay.replace("evt_", "evt_0"), json!({})).await.refused(404, "not_found");
    });
}

#[test]
fn what_fails_for_five_days_is_disabled_with_a_reason_and_hears_nothing_until_switched_on() {
    World::run(async |world| {
        let made = endpoint(world, &["user.registered"]).await;
        world.stack.simulators.answer_events(500, 1_000);
        world.register("ann", None).await;
        world.settle().await;
        later(world, 5 * 86_400).await;
        world.sign_in("admin").await;
        let off = shown(world, &made).await;
        assert_eq!((&off["enabled"], &off["disabled_reason"]), (&json!(false), &json!("failing")));
        assert_eq!(off["disabled_at"], world.stack.clock.now().to_string());
        let audits =
            world.admin().get(&format!("/v1/admin/audit?subject={}", off["id"].as_str().unwrap())).await.is(200);
        assert_eq!(
            (&audits["items"][0]["actor"], &audits["items"][0]["reason"]),
            (&json!("system"), &json!("failing"))
        );
        let before = heard(world).len();
        world.register("bob", None).await;
        world.settle().await;
        later(world, 600).await;
        assert_eq!(heard(world).len(), before, "a disabled endpoint hears nothing");
        world.stack.simulators.answer_events(200, 0);
        let on = world.admin().put(&path(&made), json!({"enabled": true})).await.is(200);
        assert_eq!((&on["enabled"], &on["disabled_reason"], &on["secret"]), (&json!(true), &Value::Null, &Value::Null));
        world.register("carol", None).await;
        world.settle().await;
        assert_eq!(heard(world).len(), before + 1);
    });
}

#[test]
fn who_answers_that_it_is_gone_is_disabled_at_once_and_what_is_on_its_way_waits() {
    World::run(async |world| {
        let made = endpoint(world, &["user.registered"]).await;
        world.stack.simulators.answer_events(410, 1);
        world.register("ann", None).await;
        world.settle().await;
        assert_eq!(shown(world, &made).await["disabled_reason"], "gone");
        assert_eq!(later(world, 60).await["left"], 1);
        world.admin().put(&path(&made), json!({"enabled": true})).await.is(200);
        assert_eq!(later(world, 600).await["delivered"], 1, "it waited");
    });
}

#[test]
fn an_endpoint_that_is_down_hears_of_new_events_by_the_schedule() {
    World::run(async |world| {
        let made = endpoint(world, &["user.registered"]).await;
        world.stack.simulators.answer_events(500, 2);
        world.register("ann", None).await;
        world.settle().await;
        later(world, 600).await;
        world.register("bob", None).await;
        world.settle().await;
        assert_eq!(heard(world).len(), 2, "nobody waits for it");
        assert_eq!(later(world, 300).await["delivered"], 2);
        world.sign_in("admin").await;
        assert!(log(world, &made).await.iter().all(|one| one["state"] == "delivered"));
    });
}

#[test]
fn an_endpoint_that_is_switched_off_does_not_keep_another_waiting() {
    World::run(async |world| {
        let down = world
            .admin()
            .post(ENDPOINTS, json!({"url": "https://unknown.example/", "events": ["user.registered"]}))
            .await
            .refused(422, "invalid");
        assert_eq!(down["errors"][0]["pointer"], "/url", "its host can't be found");
        let (one, other) = (endpoint(world, &["user.registered"]).await, endpoint(world, &["user.registered"]).await);
        world.admin().put(&path(&one), json!({"enabled": false})).await.is(200);
        world.register("ann", None).await;
        world.settle().await;
        assert_eq!((log(world, &one).await.len(), log(world, &other).await.len()), (0, 1));
    });
}

#[test]
fn only_addresses_on_the_internet_are_endpoints() {
    World::run(async |world| {
        for url in [
            "http://product.test/",
            "ftp://product.test/",
            "https://user:word@product.test/",
            "https://product.test:22/",
            "https://product.test:0/",
            "https://127.0.0.1/",
            "https://127.0.0.1:3000/_sim/webhook",
            "http://127.0.0.1:3000/_sim/webhook",
            "https://10.1.2.3/",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::1]/",
            "https://[fd00:ec2::254]/",
            "https://[::ffff:10.0.0.1]/",
            "https://private.test/",
            "https://mixed.test/",
            "https://unknown.example/",
            "product.test",
            "",
        ] {
            let body = json!({"url": url, "events": ["order.paid"]});
            let refused = world.admin().post(ENDPOINTS, body).await.refused(422, "invalid");
            assert_eq!(refused["errors"][0]["pointer"], "/url", "{url}");
        }
        let made = endpoint(world, &["order.paid"]).await;
        let moved = world.admin().put(&path(&made), json!({"url": "https://private.test/"})).await;
        assert_eq!(moved.refused(422, "invalid")["errors"][0]["pointer"], "/url");
        assert_eq!(shown(world, &made).await["url"], HOOK);
        for events in [json!([]), json!(["orders.*"]), json!(["order.paid", "order.lost"])] {
            let refused = world.admin().post(ENDPOINTS, json!({"url": HOOK, "events": events})).await;
            assert_eq!(refused.refused(422, "invalid")["errors"][0]["pointer"], "/events");
        }
    });
}

#[test]
fn there_are_at_most_twenty_endpoints() {
    World::run(async |world| {
        for _ in 0..20 {
            endpoint(world, &["order.paid"]).await;
        }
        let body = json!({"url": HOOK, "events": ["order.paid"]});
        let refused = world.admin().post(ENDPOINTS, body).await.refused(422, "invalid");
        assert_eq!(refused["errors"][0]["code"], "too_many");
        let page = world.admin().get(&format!("{ENDPOINTS}?limit=7")).await.is(200);
        assert_eq!(page["items"].as_array().unwrap().len(), 7);
        assert!(page["next_cursor"].is_string());
    });
}

#[test]
fn a_secret_is_told_once_and_rotation_lets_both_sign_for_a_day() {
    World::run(async |world| {
        world.settle().await;
        let body = json!({"url": HOOK, "events": ["user.registered"]});
        let made = world.admin().key("one").post(ENDPOINTS, body.clone()).await.is(201);
        let old = made["secret"].as_str().unwrap().to_owned();
        let again = world.admin().key("one").post(ENDPOINTS, body).await.is(201);
        assert_eq!((&again["id"], &again["secret"]), (&made["id"], &Value::Null));
        assert!(shown(world, &made).await.get("secret").is_none());
        let rotated = world.admin().put(&path(&made), json!({"rotate_secret": true})).await.is(200);
        let new = rotated["secret"].as_str().unwrap().to_owned();
        assert_ne!(old, new);
        world.register("ann", None).await;
        world.settle().await;
        let first = heard(world).remove(0);
        assert_eq!(first.signature, format!("{} {}", signed(&new, &first), signed(&old, &first)));
        world.advance(86_400).await;
        world.register("bob", None).await;
        world.settle().await;
        let second = heard(world).remove(1);
        assert_eq!(second.signature, signed(&new, &second));
        for item in world.stack.dynamo.scan(emulator::stack::TABLE).unwrap() {
            let text = item.to_string();
            assert!(!text.contains(&old) && !text.contains(&new[6..]), "no secret is stored: {text}");
        }
    });
}

#[test]
fn a_deleted_endpoint_hears_nothing_and_is_not_there() {
    World::run(async |world| {
        let made = endpoint(world, &["user.registered"]).await;
        world.stack.simulators.answer_events(500, 1);
        world.register("ann", None).await;
        world.settle().await;
        world.admin().raw("DELETE", &path(&made), "").await.is(204);
        later(world, 60).await;
        world.register("bob", None).await;
        world.settle().await;
        assert_eq!(heard(world).len(), 1);
        assert_eq!(world.admin().get(ENDPOINTS).await.is(200)["items"], json!([]));
        world.admin().get(&format!("{}/deliveries", path(&made))).await.refused(404, "not_found");
        world.admin().raw("DELETE", &path(&made), "").await.refused(404, "not_found");
        world.admin().put(&path(&made), json!({"enabled": true})).await.refused(404, "not_found");
    });
}

#[test]
fn the_log_is_paged_and_a_sheet() {
    World::run(async |world| {
        let made = endpoint(world, &["user.registered"]).await;
        for name in ["ann", "bob", "carol"] {
            world.register(name, None).await;
            world.advance(1).await;
        }
        world.settle().await;
        let path = format!("{}/deliveries?limit=2", path(&made));
        let page = world.admin().get(&path).await.is(200);
        let rest = format!("{path}&cursor={}", page["next_cursor"].as_str().unwrap());
        let rest = world.admin().get(&rest).await.is(200);
        let ids: BTreeSet<&str> = [&page, &rest]
            .into_iter()
            .flat_map(|page| page["items"].as_array().unwrap())
            .map(|item| item["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids.len(), 3);
        let sheet = world.admin().header("accept", "text/csv").get(&path).await;
        assert!(
            sheet.text.starts_with(
                "id,event,state,attempts,last_status,last_error,next_attempt_at,created_at,delivered_at\r\n"
            )
        );
        let sheet = world.admin().header("accept", "text/csv").get(ENDPOINTS).await;
        assert!(sheet.text.starts_with("id,url,events,enabled,"));
    });
}

/// A fault between attempt and commit loses no event: it is delivered again under the same id.
#[test]
fn whatever_goes_wrong_while_delivering_an_event_arrives_under_one_id() {
    for fault in emulator::faults::Fault::ALL {
        for operation in ["TransactWriteItems", "BatchGetItem", "Query", "GetItem"] {
            World::run(async |world| {
                let made = endpoint(world, &["user.registered"]).await;
                world.register("ann", None).await;
                world.stack.faults.script(operation, 1, fault);
                world.settle().await;
                world.stack.faults.clear();
                for _ in 0..3 {
                    later(world, 60).await;
                    world.settle().await;
                }
                let heard = heard(world);
                let ids: BTreeSet<&str> = heard.iter().map(|one| one.id.as_str()).collect();
                assert_eq!(ids.len(), 1, "{fault:?} of {operation}: {heard:?}");
                assert_eq!(only(world, &made).await["state"], "delivered", "{fault:?} of {operation}");
            });
        }
    }
}
