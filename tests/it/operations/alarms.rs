//! Alarms of the deployment: what CloudWatch tells of them is kept, shown and told.

use serde_json::{Value, json};

use crate::webhooks::events::endpoint;
use crate::webhooks::events::kinds::{once, told};
use crate::world::World;

/// AWS's documented event of an alarm, of a stack's alarm and another state.
pub fn event(alarm: &str, state: &str, at: &str) -> Value {
    let mut event: Value = serde_json::from_str(include_str!("../../fixtures/aws/alarm-state-change.json")).unwrap();
    event["detail"]["alarmName"] = json!(alarm);
    event["detail"]["state"]["value"] = json!(state);
    event["detail"]["state"]["timestamp"] = json!(at);
    event
}

/// Delivers an event as the rule of the template does; the reports of the functions that took it.
async fn deliver(world: &World, event: &Value) -> Vec<Value> {
    let taken = world.stack.event(event).await.unwrap();
    world.settle().await;
    taken
}

async fn standing(world: &World) -> Vec<Value> {
    world.admin().get("/v1/admin/waiting").await.is(200)["alarms"].as_array().unwrap().clone()
}

const OWN: &str = "guerdon-ReviewsOpened-1AB2CD3EF4GH";
const RAISED: &str = "2026-11-20T10:00:01.989+0000";

#[test]
fn an_alarm_is_shown_while_it_stands_and_told_when_it_is_raised_and_cleared() {
    World::run(async |world| {
        endpoint(world, &["alarm.*"]).await;
        assert_eq!(deliver(world, &event(OWN, "OK", "2026-11-20T09:00:00.000+0000")).await.len(), 1);
        assert!(told(world, "alarm.cleared").is_empty(), "it was never raised");
        let raised = deliver(world, &event(OWN, "ALARM", RAISED)).await;
        assert_eq!(raised, [json!({"alarm": "ReviewsOpened", "news": "raised"})]);
        let said = once(world, "alarm.raised");
        assert_eq!((&said["name"], &said["state"]), (&json!("ReviewsOpened"), &json!("alarm")));
        assert_eq!(said["since"], "2026-11-20T10:00:01.989Z");
        assert!(said["reason"].as_str().unwrap().starts_with("Threshold Crossed: 1 out of"), "{said}");
        let shown = standing(world).await;
        assert_eq!((&shown[0]["name"], &shown[0]["since"], shown.len()), (&said["name"], &said["since"], 1));
        deliver(world, &event(OWN, "INSUFFICIENT_DATA", "2026-11-20T10:01:00.000+0000")).await;
        assert_eq!(standing(world).await.len(), 1, "no data is neither");
        let cleared = deliver(world, &event(OWN, "OK", "2026-11-20T10:02:00.000+0000")).await;
        assert_eq!(cleared[0]["news"], "cleared");
        assert_eq!(once(world, "alarm.cleared")["state"], "ok");
        once(world, "alarm.raised");
        assert_eq!(standing(world).await, Vec::<Value>::new());
    });
}

/// EventBridge delivers at least once and in any order.
#[test]
fn a_repeated_or_older_change_of_an_alarm_changes_nothing() {
    World::run(async |world| {
        endpoint(world, &["alarm.*"]).await;
        for _ in 0..2 {
            deliver(world, &event(OWN, "ALARM", RAISED)).await;
        }
        deliver(world, &event(OWN, "OK", "2026-11-20T10:00:01.988+0000")).await;
        assert_eq!(standing(world).await.len(), 1, "the older change came later");
        deliver(world, &event(OWN, "ALARM", "2026-11-20T10:05:00.000+0000")).await;
        deliver(world, &event(OWN, "OK", "2026-11-20T10:03:00.000+0000")).await;
        once(world, "alarm.raised");
        assert!(told(world, "alarm.cleared").is_empty());
        assert_eq!(standing(world).await[0]["since"], "2026-11-20T10:00:01.989Z");
    });
}

/// The rule takes the documented event only of alarms with the stack's name, and the function only those of this stack.
#[test]
fn alarms_of_others_are_not_taken() {
    World::run(async |world| {
        for name in ["ServerCpuTooHigh", "guerdon2-ReviewsOpened-1AB2CD3EF4GH"] {
            assert_eq!(deliver(world, &event(name, "ALARM", RAISED)).await, Vec::<Value>::new(), "{name}");
        }
        let mut other = event(OWN, "ALARM", RAISED);
        other["detail-type"] = json!("CloudWatch Alarm Configuration Change");
        assert_eq!(deliver(world, &other).await, Vec::<Value>::new());
        let another = deliver(world, &event("guerdon-staging-ReviewsOpened-1AB2CD3EF4GH", "ALARM", RAISED)).await;
        assert_eq!(another, [json!({"alarm": null, "news": "of another stack"})]);
        assert_eq!(standing(world).await, Vec::<Value>::new());
    });
}

/// Every alarm of the template has a generated name, which the rule's prefix takes.
#[test]
fn the_rule_takes_every_alarm_of_the_template() {
    World::run(async |world| {
        let resources = world.stack.template.raw["Resources"].as_object().unwrap();
        let alarms: Vec<&String> =
            resources.iter().filter(|(_, of)| of["Type"] == "AWS::CloudWatch::Alarm").map(|(id, _)| id).collect();
        assert!(alarms.len() > 10);
        for id in &alarms {
            assert!(resources[*id]["Properties"]["AlarmName"].is_null(), "{id}");
            let taken = deliver(world, &event(&format!("guerdon-{id}-1AB2CD3EF4GH"), "ALARM", RAISED)).await;
            assert_eq!(taken, [json!({"alarm": id, "news": "raised"})]);
        }
        assert_eq!(standing(world).await.len(), alarms.len());
    });
}
