//! Every operation that changes something × every call that it makes × a fault: the client repeats, the queues deliver again, the
//! sweeper sweeps, and the world ends as it does without the fault. `GUERDON_FAULTS=all` plays every fault, and also at the calls of what
//! follows from the operation: some ten thousand worlds.
//!
//! How it ends is told by [`Digest`]: how many items of each type there are, and every amount that anybody has. A route that changes
//! something is here, or in [`ELSEWHERE`] with the test that plays it; a new one fails [`every_route_that_changes_something_is_played`].

mod asks;

use std::collections::BTreeMap;

use emulator::faults::Fault;
use serde_json::json;
use shared::store::item::text;

use crate::facts;
use crate::world::{Answer, World};
use asks::{Ask, prepare};

/// What is played by other tests, and what changes nothing that lasts.
const ELSEWHERE: &[&str] = &[
    // fault.rs: the main job, refunds, decisions, redemptions that are taken back, erasures.
    "POST /v1/admin/payment/orders/{id}/refunds",
    "POST /v1/admin/payment/orders/{id}/refunds/{refund_id}/confirm",
    "POST /v1/admin/payment/reviews/{id}/resolve",
    "POST /v1/admin/redemption/records/{id}/undo",
    "POST /v1/admin/users/{id}/erase",
    "POST /v1/webhooks/stripe",
    "GET /v1/webhooks/zpay",
    "POST /v1/webhooks/zpay",
    // agency/random.rs: sales.
    "POST /v1/agency/orders",
    // heal.rs: asking a provider again.
    "POST /v1/payment/orders/{id}/verify",
    "POST /v1/admin/payment/orders/{id}/verify",
    // events.rs: deliveries come again by themselves.
    "POST /v1/admin/webhook-endpoints/{id}/deliveries/{delivery_id}/replay",
    // reward.rs: retries.
    "POST /v1/admin/rewards/{id}/retry",
    // registration/: ways in, each with its own retries.
    "POST /v1/registrations/verify",
    "POST /v1/registrations/resend",
    "POST /v1/sessions",
    "POST /v1/sessions/refresh",
    "DELETE /v1/sessions",
    "POST /v1/service/users/{id}/sessions",
    "POST /v1/password-resets",
    "POST /v1/password-resets/confirm",
    // They read.
    "POST /v1/assets/{id}/purchase-check",
    "POST /v1/assets/{id}/recharge-check",
];

/// What is played here.
const PLAYED: &[&str] = &[
    "POST /v1/registrations",
    "POST /v1/payment/orders",
    "POST /v1/payment/orders/{id}/cancel",
    "POST /v1/affiliate/codes",
    "DELETE /v1/affiliate/codes/{code}",
    "POST /v1/affiliate/withdrawals",
    "POST /v1/affiliate/withdrawals/{id}/cancel",
    "POST /v1/admin/withdrawals/{id}/approve",
    "POST /v1/admin/withdrawals/{id}/reject",
    "POST /v1/admin/commissions/{id}/reverse",
    "POST /v1/redemptions",
    "POST /v1/admin/redemption/batches",
    "PUT /v1/admin/redemption/batches/{id}/status",
    "PUT /v1/admin/redemption/codes/{code}",
    "PUT /v1/admin/redemption/codes/{code}/status",
    "DELETE /v1/admin/redemption/codes/{code}",
    "POST /v1/admin/redemption/codes/delete",
    "POST /v1/admin/plans",
    "PUT /v1/admin/plans/{id}",
    "PUT /v1/admin/settings/{area}",
    "PUT /v1/admin/users/{id}/status",
    "PUT /v1/admin/users/{id}/role",
    "PUT /v1/admin/users/{id}/affiliate-policy",
    "PUT /v1/admin/users/{id}/invite-code",
    "POST /v1/admin/users/{id}/adjustments",
    "POST /v1/admin/payment/orders/{id}/complete",
    "POST /v1/admin/service-keys",
    "DELETE /v1/admin/service-keys/{id}",
    "POST /v1/admin/webhook-endpoints",
    "PUT /v1/admin/webhook-endpoints/{id}",
    "DELETE /v1/admin/webhook-endpoints/{id}",
    "POST /v1/service/users",
    "POST /v1/service/users/{id}/debits",
    "POST /v1/service/users/{id}/credits",
    "POST /v1/service/purchases",
    "POST /v1/service/purchases/{external_order_id}/refunds",
    "POST /v1/shops",
    "PUT /v1/shops/{id}",
    "POST /v1/series",
    "PUT /v1/series/{id}",
    "POST /v1/series/{id}/packages",
    "PUT /v1/series/{id}/packages/{package_id}",
    "POST /v1/shop-series-grants",
    "PUT /v1/shop-series-grants/{id}",
    "DELETE /v1/shop-series-grants/{id}",
    "PUT /v1/shop-series-grants/{id}/packages",
    "PUT /v1/shop-series-grants/{id}/packages/{package_id}/retail",
    "POST /v1/assets",
    "PUT /v1/assets/{id}",
    "POST /v1/agency/wallet/transfers",
    "POST /v1/admin/shops/{id}/adjustments",
];

/// How a world ended.
#[derive(Debug, PartialEq)]
struct Digest {
    status: u16,
    items: BTreeMap<String, usize>,
    amounts: Vec<String>,
}

fn digest(world: &World, status: u16) -> Digest {
    // What may be lost or doubled without harm, or is spread at random.
    const LEFT_OUT: [&str; 5] = ["statistics", "try", "once", "raw_event", "outbox"];
    let (mut items, mut amounts) = (BTreeMap::new(), Vec::new());
    for item in world.stack.items().unwrap() {
        let kind = text(&item, "type").unwrap().to_owned();
        if LEFT_OUT.contains(&kind.as_str()) {
            continue;
        }
        for field in ["accounts", "main", "commission", "pending", "available", "held", "withdrawn", "own_uses", "used"]
        {
            if let Some(value) = item.get(field) {
                amounts.push(format!("{kind} {field} {}", sorted(value)));
            }
        }
        *items.entry(kind).or_default() += 1;
    }
    amounts.sort();
    Digest { status, items, amounts }
}

/// A stored value, its fields in order.
fn sorted(value: &aws_sdk_dynamodb::types::AttributeValue) -> String {
    use aws_sdk_dynamodb::types::AttributeValue;
    match value {
        AttributeValue::M(fields) => {
            let fields: BTreeMap<_, _> = fields.iter().map(|(name, value)| (name, sorted(value))).collect();
            format!("{fields:?}")
        }
        other => format!("{other:?}"),
    }
}

async fn send(world: &World, method: &str, ask: &Ask) -> Answer {
    let caller = match ask.by.as_str() {
        "" => world.nobody(),
        key if key.starts_with("gdn_") => world.holder(key),
        name => world.user(name),
    };
    let caller = match ask.version {
        Some(version) => caller.header("if-match", &format!("\"{version}\"")),
        None => caller,
    };
    let body = if method == "DELETE" { String::new() } else { ask.body.to_string() };
    caller.key("the-key").raw(method, &ask.path, &body).await
}

/// Plays one route, with a fault at one of its calls or with none; answers how it ended and which calls it made.
fn play(route: &str, fault: Option<(&str, u32, Fault)>) -> (Digest, Vec<String>) {
    let method = route.split(' ').next().unwrap();
    let played = std::sync::OnceLock::new();
    World::run(async |world| {
        let ask = prepare(world, route).await;
        world.settle().await;
        world.stack.faults.calls();
        if let Some((operation, nth, fault)) = fault {
            world.stack.faults.script(operation, nth, fault);
        }
        let mut answer = send(world, method, &ask).await;
        for _ in 0..12 {
            if answer.status != 503 {
                break;
            }
            world.advance(2).await;
            answer = send(world, method, &ask).await;
        }
        let mut calls = world.stack.faults.calls();
        world.stack.settle().await.ok();
        if everything() {
            calls.extend(world.stack.faults.calls());
        }
        for _ in 0..2 {
            world.advance(400).await;
            world.stack.tick("sweep-outbox").await.ok();
            world.stack.settle().await.ok();
        }
        world.stack.faults.clear();
        world.settle().await;
        let mut ended = digest(world, answer.status);
        if route == "PUT /v1/admin/redemption/codes/{code}" {
            // A total moves from shard to shard; what was left of it is an edit of its own in the audit when it is asked for again.
            ended.items.remove("audit");
        }
        played.set((ended, calls)).ok().unwrap();
    });
    played.into_inner().unwrap()
}

/// Whether every fault at every call is wanted, those of the consequences included.
fn everything() -> bool {
    std::env::var("GUERDON_FAULTS").is_ok_and(|wanted| wanted == "all")
}

/// The faults of a call: all of them, or one, another for each call and route.
fn faults(turn: usize) -> Vec<Fault> {
    if everything() { Fault::ALL.to_vec() } else { vec![Fault::ALL[turn % Fault::ALL.len()]] }
}

/// Plays a part of the routes with faults at each of their calls.
fn exhaust(part: usize, parts: usize) {
    let (mut played, mut wrong) = (0, Vec::new());
    for (number, route) in PLAYED.iter().enumerate().skip(part).step_by(parts) {
        let (expected, calls) = play(route, None);
        assert!((200..300).contains(&expected.status), "{route} answers {}", expected.status);
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for (turn, operation) in calls.iter().enumerate() {
            let count = counts.entry(operation).or_default();
            let nth = *count;
            *count += 1;
            for fault in faults(number + turn) {
                let ended = std::panic::catch_unwind(|| play(route, Some((operation, nth, fault))).0);
                played += 1;
                match ended {
                    Ok(ended) if ended == expected => {}
                    Ok(ended) => {
                        wrong.push(format!("{route}: {fault:?} at {operation} {nth}: {ended:?}, not {expected:?}"))
                    }
                    Err(_) => wrong.push(format!("{route}: {fault:?} at {operation} {nth}: see above")),
                }
            }
        }
    }
    facts::note(&format!("faults-{part}"), &json!({"combinations": played, "wrong": wrong}));
    assert!(played > 25, "only {played} combinations");
    assert!(wrong.is_empty(), "{} of {played}: {wrong:#?}", wrong.len());
}

/// R1.8: a quarter of the routes.
#[test]
fn any_single_fault_in_any_operation_of_the_first_quarter_has_no_effect_on_its_end() {
    exhaust(0, 4);
}

/// R1.8: a quarter of the routes.
#[test]
fn any_single_fault_in_any_operation_of_the_second_quarter_has_no_effect_on_its_end() {
    exhaust(1, 4);
}

/// R1.8: a quarter of the routes.
#[test]
fn any_single_fault_in_any_operation_of_the_third_quarter_has_no_effect_on_its_end() {
    exhaust(2, 4);
}

/// R1.8: a quarter of the routes.
#[test]
fn any_single_fault_in_any_operation_of_the_last_quarter_has_no_effect_on_its_end() {
    exhaust(3, 4);
}

/// No route that changes something is forgotten.
#[test]
fn every_route_that_changes_something_is_played() {
    let template = emulator::template::Template::parse(include_str!("../../../template.yaml")).unwrap();
    for route in template.functions.iter().flat_map(|function| &function.routes) {
        let name = format!("{} {}", route.method, route.path);
        let known = PLAYED.contains(&name.as_str()) != ELSEWHERE.contains(&name.as_str());
        assert!(known || route.method == "GET" || route.path == "$default", "{name} is played nowhere, or twice");
    }
}
