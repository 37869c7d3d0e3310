//! Every operation that changes something × every call that it makes, and that what follows from it makes × a fault: the client
//! repeats with the same key, providers and queues deliver again, the sweeper sweeps, and the world ends as it does without the
//! fault, and the auditor finds nothing.
//!
//! Each call meets one kind of fault, another from call to call and from one `GUERDON_TURN` to the next: ten turns in a row play every
//! kind at every call, which `GUERDON_FAULTS=all` does in one run, as CI does at night.
//! `GUERDON_OPERATION='POST /v1/redemptions'` plays that one only, `GUERDON_PAIRS` all ordered pairs of faults in it. How a world ends is told by [`Digest`]:
//! how many items of each type there are, and every amount that anybody has. A route that changes something is in [`PLAYED`]; a new
//! one fails [`every_route_that_changes_something_is_played`].

mod asks;
mod money;
mod ways_in;

use std::collections::BTreeMap;
use std::panic::catch_unwind;

use aws_sdk_dynamodb::types::AttributeValue;
use emulator::faults::Fault;
use serde_json::json;
use shared::table::item::{Item, text};

use super::{is_every_kind, kinds_at, turn};
use crate::env::wished;
use crate::facts;
use crate::world::{Answer, World};
use asks::{Act, Ask, prepare};

/// What changes nothing, though it is asked for by POST.
const READS: &[&str] = &["POST /v1/assets/{id}/purchase-check", "POST /v1/assets/{id}/recharge-check"];
/// What does as another does, which is played.
const ALIKE: &[&str] = &["POST /v1/webhooks/zpay"];

/// What is played: routes that change something, what providers tell, schedules.
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
    "POST /v1/agency/orders",
    "POST /v1/admin/payment/orders/{id}/refunds",
    "POST /v1/admin/payment/orders/{id}/refunds/{refund_id}/confirm",
    "POST /v1/admin/payment/reviews/{id}/resolve",
    "POST /v1/payment/orders/{id}/verify",
    "POST /v1/admin/payment/orders/{id}/verify",
    "POST /v1/admin/redemption/records/{id}/undo",
    "POST /v1/admin/users/{id}/erase",
    "POST /v1/admin/rewards/{id}/retry",
    "POST /v1/admin/webhook-endpoints/{id}/deliveries/{delivery_id}/replay",
    "POST /v1/registrations/verify",
    "POST /v1/registrations/resend",
    "POST /v1/sessions",
    "POST /v1/sessions/refresh",
    "DELETE /v1/sessions",
    "POST /v1/service/users/{id}/sessions",
    "POST /v1/password-resets",
    "POST /v1/password-resets/confirm",
    "POST /v1/webhooks/stripe of a payment",
    "POST /v1/webhooks/stripe of a payment by an invitee",
    "POST /v1/webhooks/stripe of a payment of another amount",
    "POST /v1/webhooks/stripe of a payment after the order expired",
    "POST /v1/webhooks/stripe of a second payment",
    "POST /v1/webhooks/stripe of a refund",
    "POST /v1/webhooks/stripe of a dispute",
    "POST /v1/webhooks/stripe of a dispute that is won",
    "GET /v1/webhooks/zpay of a payment",
    "GET /v1/webhooks/zpay of a payment by an invitee",
    "GET /v1/webhooks/zpay of a payment of another amount",
    "schedule expire-orders",
    "schedule expire-promotions",
    "schedule erase-traces",
    "schedule mature-commissions",
    "schedule reconcile",
    "schedule poll-payments",
    "schedule deliver-events",
    "schedule sweep-outbox",
];

/// How a world ended.
#[derive(Debug, PartialEq)]
struct Digest {
    status: u16,
    /// How many there are of each: items of a type, amounts of an account.
    counts: BTreeMap<String, i32>,
}

impl Digest {
    fn of(operation: &str, status: u16, items: &[Item]) -> Self {
        // What may be lost or doubled without harm, or is spread at random.
        const LEFT_OUT: [&str; 5] = ["statistics", "try", "once", "raw_event", "outbox"];
        let varies = match operation {
            // A total moves from shard to shard; what was left of it is an edit of its own when it is asked for again.
            "PUT /v1/admin/redemption/codes/{code}" => "audit",
            // Who signs in again because no answer came has two sessions; so has who gets a first answer again (api.md: replays
            // rebuild what is secret).
            "POST /v1/sessions"
            | "POST /v1/service/users/{id}/sessions"
            | "POST /v1/registrations"
            | "POST /v1/registrations/verify" => "session",
            // A provider that can't be asked to close a session leaves it open, and does not tell of its end.
            "POST /v1/payment/orders/{id}/cancel" => "event",
            // An order whose provider answers with an error has failed, which is counted (R4.3).
            "POST /v1/payment/orders" => "counted",
            _ => "",
        };
        let mut counts: BTreeMap<String, i32> = BTreeMap::new();
        for item in items {
            let kind = text(item, "type").unwrap().to_owned();
            if LEFT_OUT.contains(&kind.as_str()) || kind == varies {
                continue;
            }
            for field in
                ["accounts", "main", "commission", "pending", "available", "held", "withdrawn", "own_uses", "used"]
            {
                if let Some(value) = item.get(field) {
                    *counts.entry(format!("{kind} {field} {}", sorted(value))).or_default() += 1;
                }
            }
            *counts.entry(kind).or_default() += 1;
        }
        Self { status, counts }
    }

    /// What there is more or less of than expected.
    fn beside(mut self, expected: &Self) -> String {
        for (what, count) in &expected.counts {
            *self.counts.entry(what.clone()).or_default() -= count;
        }
        self.counts.retain(|_, more| *more != 0);
        format!("answers {}, not {}; more or less: {:?}", self.status, expected.status, self.counts)
    }
}

/// A stored value in short, its fields in order.
fn sorted(value: &AttributeValue) -> String {
    match value {
        AttributeValue::M(fields) => {
            let fields: BTreeMap<_, _> = fields.iter().map(|(name, value)| (name, sorted(value))).collect();
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("({})", fields.join(" "))
        }
        AttributeValue::N(text) | AttributeValue::S(text) => text.clone(),
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
    let body = if method == "DELETE" && ask.body.is_null() { String::new() } else { ask.body.to_string() };
    caller.key("the-key").raw(method, &ask.path, &body).await
}

/// Does it until somebody knows what came of it; answers that.
async fn perform(world: &World, operation: &str, act: &Act) -> u16 {
    let method = operation.split(' ').next().unwrap();
    for again in 0..12 {
        let status = match act {
            Act::Ask(ask) => match send(world, method, ask).await {
                answer if answer.is_to_be_repeated() => 0,
                // What is deleted without an answer is gone when it is asked for again.
                answer if answer.status == 404 && method == "DELETE" && again > 0 => 204,
                answer => answer.status,
            },
            // A payer whose page does not open opens it again.
            Act::Provider(order, more) => match world.try_to_pay(order, more.clone()).await {
                200..400 => 200,
                _ => 0,
            },
            Act::Deliveries => 200,
            Act::Tick(schedule) => world.stack.tick(schedule).await.map_or(0, |_| 200),
        };
        if status > 0 {
            return status;
        }
        world.advance(2).await;
    }
    panic!("{operation} is never done");
}

/// A fault at the nth call of an operation of a service.
type At = (String, u32, Fault);

/// Plays one operation with these faults; answers how it ended and which calls it made.
fn play(operation: &'static str, faults: &[At]) -> (Digest, Vec<String>) {
    let played = std::sync::OnceLock::new();
    let items = World::left_by(async |world| {
        let act = Box::pin(prepare(world, operation)).await;
        if !matches!(act, Act::Deliveries) {
            world.settle().await;
        }
        world.stack.faults.calls();
        for (of, nth, fault) in faults {
            world.stack.faults.script(of, *nth, *fault);
        }
        let status = perform(world, operation, &act).await;
        world.stack.settle().await.ok();
        let calls = world.stack.faults.calls();
        world.advance(400).await;
        for schedule in ["sweep-outbox", "deliver-events"] {
            world.stack.tick(schedule).await.ok();
        }
        world.stack.settle().await.ok();
        if let Act::Tick(schedule) = act {
            // What a tick left undone, the next one does.
            world.stack.faults.clear();
            world.stack.tick(schedule).await.unwrap();
        }
        played.set((status, calls)).unwrap();
    });
    let (status, calls) = played.into_inner().unwrap();
    (Digest::of(operation, status, &items), calls)
}

/// Every place where an operation can meet a fault: which call, and the how manieth of its kind.
fn places(calls: &[String]) -> Vec<(String, u32)> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let mut places = Vec::new();
    for operation in calls {
        let count = counts.entry(operation).or_default();
        places.push((operation.clone(), *count));
        *count += 1;
    }
    places
}

/// Compares how an operation ends with faults and without.
fn compare(operation: &'static str, faults: &[At], expected: &Digest) -> Option<String> {
    let what = || format!("{operation}: {faults:?}");
    match catch_unwind(|| play(operation, faults).0) {
        Ok(ended) if ended == *expected => None,
        Ok(ended) => Some(format!("{}: {}", what(), ended.beside(expected))),
        Err(_) => Some(format!("{}: see above", what())),
    }
}

/// Plays a part of all operations, each with all its combinations.
fn exhaust(part: usize, parts: usize) {
    let (mut met, mut played, mut wrong) = (0, 0, Vec::new());
    let only = wished::<String>("GUERDON_OPERATION");
    let wanted =
        |row: usize, operation: &str| row % parts == part && only.as_deref().is_none_or(|only| only == operation);
    for (row, operation) in PLAYED.iter().enumerate().filter(|(row, operation)| wanted(*row, operation)) {
        let (expected, calls) = play(operation, &[]);
        assert!((200..300).contains(&expected.status), "{operation} answers {}", expected.status);
        assert!(!calls.is_empty(), "{operation} calls nothing");
        for (call, (of, nth)) in places(&calls).into_iter().enumerate() {
            met += 1;
            for kind in kinds_at(row + call) {
                wrong.extend(compare(operation, &[(of.clone(), nth, *kind)], &expected));
                played += 1;
            }
        }
    }
    let every_kind = is_every_kind();
    let facts =
        json!({"operations": PLAYED, "calls": met, "combinations": played, "every_kind": every_kind, "wrong": wrong});
    facts::note(&format!("faults-{part}"), &facts);
    assert!(played > 200 || only.is_some(), "only {played} combinations");
    assert!(wrong.is_empty(), "{} of {played}, played again by GUERDON_TURN={}: {wrong:#?}", wrong.len(), turn());
}

/// R1.8: a quarter of the operations.
#[test]
fn any_single_fault_in_any_operation_of_the_first_quarter_has_no_effect_on_its_end() {
    exhaust(0, 4);
}

/// R1.8: a quarter of the operations.
#[test]
fn any_single_fault_in_any_operation_of_the_second_quarter_has_no_effect_on_its_end() {
    exhaust(1, 4);
}

/// R1.8: a quarter of the operations.
#[test]
fn any_single_fault_in_any_operation_of_the_third_quarter_has_no_effect_on_its_end() {
    exhaust(2, 4);
}

/// R1.8: a quarter of the operations.
#[test]
fn any_single_fault_in_any_operation_of_the_last_quarter_has_no_effect_on_its_end() {
    exhaust(3, 4);
}

/// R1.8: two faults, one after the other, in one operation: every ordered pair of places; without a wish one kind each of a redemption.
#[test]
fn any_ordered_pair_of_faults_in_an_operation_has_no_effect_on_its_end() {
    let wish = wished::<String>("GUERDON_PAIRS");
    let wanted = wish.as_deref().unwrap_or("POST /v1/redemptions");
    let operation = PLAYED.iter().find(|known| **known == wanted).unwrap_or_else(|| panic!("{wanted} is not played"));
    let (expected, calls) = play(operation, &[]);
    let places = places(&calls);
    let (mut played, mut wrong) = (0, Vec::new());
    for (index, (first, nth)) in places.iter().enumerate() {
        for (second, later) in &places[index..] {
            // The same place again is the repeated call.
            let later = later + u32::from(first == second && nth == later);
            let place = played + turn();
            let some = |kinds: &[Fault]| if wish.is_some() { kinds.to_vec() } else { vec![kinds[place % kinds.len()]] };
            for one in some(&Fault::ALL) {
                for other in some(Fault::SEEN) {
                    let faults = [(first.clone(), *nth, one), (second.clone(), later, other)];
                    wrong.extend(compare(operation, &faults, &expected));
                    played += 1;
                }
            }
        }
    }
    facts::note("pairs", &json!({"operation": operation, "combinations": played, "wrong": wrong}));
    assert!(played >= places.len(), "only {played} pairs");
    assert!(wrong.is_empty(), "{} of {played}: {wrong:#?}", wrong.len());
}

/// No route that changes something is forgotten, and no schedule.
#[test]
fn every_route_that_changes_something_is_played() {
    let template = emulator::template::Template::parse(include_str!("../../../template.yaml")).unwrap();
    let played = |name: &str| PLAYED.iter().any(|known| known.split(" of ").next() == Some(name));
    for route in template.functions.iter().flat_map(|function| &function.routes) {
        let name = format!("{} {}", route.method, route.path);
        let known = played(&name) != [READS, ALIKE].concat().contains(&name.as_str());
        assert!(known || route.method == "GET" || route.path == "$default", "{name} is played nowhere, or twice");
    }
    for schedule in template.functions.iter().flat_map(|function| &function.schedules) {
        assert!(played(&format!("schedule {}", schedule.name)), "{} is not played", schedule.name);
    }
}
