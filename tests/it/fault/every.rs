//! For each mutating operation and each downstream call: inject one fault and retry.
//! The client retries with the same key, providers and queues redeliver, and the sweeper runs. The final state must equal that of
//! the fault-free run, and the auditor finds nothing.
//!
//! Each call meets one kind of fault; the kind shifts from call to call and with `GUERDON_TURN`. Ten turns in a row cover every
//! kind at every call, as does one run with `GUERDON_FAULTS=all`, which CI uses at night.
//! `GUERDON_OPERATION='POST /v1/redemptions'` plays only that one, and `GUERDON_PAIRS` with a name all ordered pairs of faults in
//! that one. A [`Digest`] describes a final state: the number of items of each type, and every amount. [`PLAYED`] lists the
//! mutating routes; a new one fails [`every_route_that_changes_something_is_played`].

mod asks;
mod imports;
mod money;
mod risk;
mod second_factor;
mod ways_in;

use std::collections::BTreeMap;
use std::panic::catch_unwind;

use aws_sdk_dynamodb::types::AttributeValue;
use emulator::faults::Fault;
use emulator::stack::functions::operations;
use serde_json::json;
use shared::table::item::{Item, text};

use super::{is_every_kind, kinds_at, turn};
use crate::env::wished;
use crate::facts;
use crate::world::{Answer, World};
use asks::{Act, Ask, prepare};

/// POST routes that change nothing.
const READS: &[&str] =
    &["POST /v1/assets/{id}/purchase-check", "POST /v1/assets/{id}/recharge-check", "POST /v1/admin/simulations"];
/// Routes that behave like another route that is played.
const ALIKE: &[&str] = &["POST /v1/webhooks/zpay", "POST /v1/admin/redemption/batches/{id}/resume"];

/// Operations to play: mutating routes, provider events, schedules.
const PLAYED: &[&str] = &[
    "POST /v1/registrations",
    "POST /v1/registrations within a budget",
    "POST /v1/payment/orders",
    "POST /v1/payment/orders/{id}/cancel",
    "POST /v1/payment/orders with a coupon",
    "POST /v1/payment/orders/{id}/cancel with a coupon",
    "POST /v1/referral/inviter",
    "POST /v1/affiliate/codes",
    "DELETE /v1/affiliate/codes/{code}",
    "POST /v1/affiliate/withdrawals",
    "POST /v1/affiliate/withdrawals/{id}/cancel",
    "POST /v1/admin/withdrawals/{id}/approve",
    "POST /v1/admin/withdrawals/{id}/approve as the first of two",
    "POST /v1/admin/withdrawals/{id}/approve as the second of two",
    "POST /v1/admin/withdrawals/{id}/reject",
    "POST /v1/admin/withdrawals/approve",
    "POST /v1/admin/withdrawals/reject",
    "POST /v1/admin/risk/cases/release",
    "POST /v1/admin/risk/cases/reject",
    "POST /v1/admin/risk/cases/{id}/release",
    "POST /v1/admin/risk/cases/{id}/reject",
    "POST /v1/admin/payout-batches",
    "POST /v1/admin/payout-batches/{id}/close",
    "POST /v1/admin/payout-batches/{id}/fail",
    "POST /v1/admin/payout-batches/{id}/drop",
    "POST /v1/service/withdrawals/{id}/settle",
    "POST /v1/service/withdrawals/{id}/settle of one that failed",
    "POST /v1/admin/commissions",
    "POST /v1/admin/commissions/release",
    "POST /v1/admin/commissions/reverse",
    "POST /v1/admin/commissions/{id}/release",
    "POST /v1/admin/commissions/{id}/reverse",
    "POST /v1/redemptions",
    "POST /v1/admin/redemption/batches",
    "PUT /v1/admin/redemption/batches/{id}/status",
    "PUT /v1/admin/redemption/batches/{id}/expiry",
    "POST /v1/admin/redemption/batches/{id}/codes",
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
    "PUT /v1/admin/users/{id}/inviter",
    "POST /v1/admin/users/{id}/adjustments",
    "POST /v1/admin/import/users",
    "POST /v1/admin/import/codes",
    "POST /v1/admin/import/balances",
    "POST /v1/admin/import/referrals",
    "POST /v1/admin/payment/orders/{id}/complete",
    "POST /v1/admin/payment/orders/{id}/bonus/release",
    "POST /v1/admin/payment/orders/{id}/complete/undo",
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
    "POST /v1/service/purchases/{external_order_id}/corrections",
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
    "POST /v1/agency/wallet/withdrawals",
    "POST /v1/agency/wallet/withdrawals/{id}/cancel",
    "POST /v1/admin/withdrawals/{id}/approve of a shop",
    "POST /v1/admin/withdrawals/{id}/reject of a shop",
    "POST /v1/admin/shops/{id}/adjustments",
    "POST /v1/agency/orders",
    "POST /v1/admin/payment/orders/{id}/refunds",
    "POST /v1/admin/payment/orders/{id}/refunds of one made elsewhere",
    "POST /v1/admin/payment/orders/{id}/refunds/{refund_id}/confirm",
    "POST /v1/admin/payment/reviews/{id}/resolve",
    "POST /v1/admin/payment/reviews/{id}/confirm",
    "POST /v1/payment/orders/{id}/verify",
    "POST /v1/payment/orders/{id}/receipt",
    "POST /v1/payment/orders/{id}/verify of a refund that nobody told",
    "POST /v1/admin/payment/orders/{id}/verify",
    "POST /v1/admin/redemption/records/{id}/undo",
    "POST /v1/admin/users/{id}/erase",
    "POST /v1/admin/rewards/{id}/retry",
    "POST /v1/admin/webhook-endpoints/{id}/deliveries/{delivery_id}/replay",
    "POST /v1/registrations/verify",
    "POST /v1/registrations/resend",
    "POST /v1/sessions",
    "POST /v1/sessions of somebody who moved in",
    "POST /v1/sessions/refresh",
    "DELETE /v1/sessions",
    "POST /v1/service/users/{id}/sessions",
    "POST /v1/sessions/challenge",
    "PUT /v1/me",
    "DELETE /v1/me/sessions/{id}",
    "PUT /v1/me/mails",
    "POST /v1/mails/unsubscribe",
    "PUT /v1/me/password",
    "PUT /v1/me/email",
    "POST /v1/me/email/confirm",
    "POST /v1/me/second-factor",
    "POST /v1/me/second-factor/confirm",
    "POST /v1/me/second-factor/verify",
    "POST /v1/me/second-factor/recovery-codes",
    "DELETE /v1/me/second-factor",
    "POST /v1/admin/users/{id}/second-factor/reset",
    "POST /v1/password-resets",
    "POST /v1/password-resets/confirm",
    "POST /v1/webhooks/stripe of a payment",
    "POST /v1/webhooks/stripe of a payment by an invitee",
    "POST /v1/webhooks/stripe of a payment of another amount",
    "POST /v1/webhooks/stripe of a payment after the order expired",
    "POST /v1/webhooks/stripe of a second payment",
    "POST /v1/webhooks/stripe of a delayed payment",
    "POST /v1/webhooks/stripe of a refund",
    "POST /v1/webhooks/stripe of a dispute",
    "POST /v1/webhooks/stripe of a dispute that is won",
    "GET /v1/webhooks/zpay of a payment",
    "GET /v1/webhooks/zpay of a payment by an invitee",
    "GET /v1/webhooks/zpay of a payment of another amount",
    "schedule audit",
    "schedule expire-orders",
    "schedule expire-promotions",
    "schedule expire-credit",
    "schedule erase-traces",
    "schedule mature-commissions",
    "schedule reconcile",
    "schedule sign-heads",
    "schedule poll-payments",
    "schedule poll-payments of a delayed payment of an expired order",
    "schedule deliver-events",
    "schedule sweep-outbox",
];

/// Final state of a world.
#[derive(Debug, PartialEq)]
struct Digest {
    status: u16,
    /// Number of items of each type, and of each amount of an account.
    counts: BTreeMap<String, i32>,
}

impl Digest {
    fn of(operation: &str, status: u16, items: &[Item]) -> Self {
        // These may be lost or doubled without harm, or are spread at random.
        const LEFT_OUT: [&str; 5] = ["statistics", "try", "once", "raw_event", "outbox"];
        let varies: &[&str] = match operation {
            // A total moves between shards; on a retry the rest counts as an edit of its own.
            "PUT /v1/admin/redemption/codes/{code}" => &["audit"],
            // A sign-in repeated after a lost response opens a second session. So does a replay (api.md: replays rebuild
            // secrets).
            "POST /v1/sessions"
            | "POST /v1/sessions of somebody who moved in"
            | "POST /v1/service/users/{id}/sessions"
            | "POST /v1/registrations"
            | "POST /v1/registrations within a budget"
            | "POST /v1/registrations/verify"
            | "PUT /v1/me/password" => &["session"],
            // If the provider can't close a session it stays open, and no event reports its end.
            "POST /v1/payment/orders/{id}/cancel" | "POST /v1/payment/orders/{id}/cancel with a coupon" => &["event"],
            // An order whose provider returns an error has failed, and still counts (R4.3).
            "POST /v1/payment/orders" => &["counted"],
            // Such an order holds no use of its coupon.
            "POST /v1/payment/orders with a coupon" => &["counted", "coupon_uses"],
            _ => &[],
        };
        let mut counts: BTreeMap<String, i32> = BTreeMap::new();
        for item in items {
            let kind = text(item, "type").unwrap().to_owned();
            if LEFT_OUT.contains(&kind.as_str()) || varies.contains(&kind.as_str()) {
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

    /// Difference to the expected state, for the message.
    fn beside(mut self, expected: &Self) -> String {
        for (what, count) in &expected.counts {
            *self.counts.entry(what.clone()).or_default() -= count;
        }
        self.counts.retain(|_, more| *more != 0);
        format!("answers {}, not {}; more or less: {:?}", self.status, expected.status, self.counts)
    }
}

/// Canonical short form of a stored value, with its fields sorted.
///
/// Without the hash of a chain, which covers ids that a retry makes anew; the auditor checks it.
fn sorted(value: &AttributeValue) -> String {
    match value {
        AttributeValue::M(fields) => {
            let fields = fields.iter().filter(|(name, _)| *name != "head");
            let fields: BTreeMap<_, _> = fields.map(|(name, value)| (name, sorted(value))).collect();
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

/// Repeats an act until its outcome is known, and returns the status.
async fn perform(world: &World, operation: &str, act: &Act) -> u16 {
    let method = operation.split(' ').next().unwrap();
    for again in 0..12 {
        let status = match act {
            Act::Ask(ask) => match send(world, method, ask).await {
                answer if answer.is_to_be_repeated() => 0,
                // A deletion whose response was lost is not found on the retry.
                answer if answer.status == 404 && method == "DELETE" && again > 0 => 204,
                answer => answer.status,
            },
            // A payer reloads a page that does not open.
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

/// A fault at the nth call of a service operation.
type At = (String, u32, Fault);

/// Plays one operation with these faults and returns its final state and its calls.
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
            // The next tick completes an interrupted one.
            world.stack.faults.clear();
            world.stack.tick(schedule).await.unwrap();
        }
        played.set((status, calls)).unwrap();
    });
    let (status, calls) = played.into_inner().unwrap();
    (Digest::of(operation, status, &items), calls)
}

/// Every place for a fault: the operation of a call, and its number among those.
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

/// Compares an operation's final state with and without faults.
fn compare(operation: &'static str, faults: &[At], expected: &Digest) -> Option<String> {
    let what = || format!("{operation}: {faults:?}");
    match catch_unwind(|| play(operation, faults).0) {
        Ok(ended) if ended == *expected => None,
        Ok(ended) => Some(format!("{}: {}", what(), ended.beside(expected))),
        Err(_) => Some(format!("{}: see above", what())),
    }
}

/// Plays one part of all operations, each with all its faults.
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

/// R1.8: any ordered pair of faults in an operation has no effect on its end.
/// By default it is a redemption, with one kind of fault each. `GUERDON_PAIRS` takes the named one, with every kind.
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
            // At the same place the second fault meets the repeated call.
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

/// [`PLAYED`] covers every mutating route and every schedule.
#[test]
fn every_route_that_changes_something_is_played() {
    let template = emulator::template::Template::parse(include_str!("../../../template.yaml")).unwrap();
    let played = |name: &str| PLAYED.iter().any(|known| known.split(" of ").next() == Some(name));
    for (method, path) in template.functions.iter().flat_map(|function| operations(&function.binary)) {
        let name = format!("{method} {path}");
        let known = played(&name) != [READS, ALIKE].concat().contains(&name.as_str());
        assert!(known || method == "GET", "{name} is played nowhere, or twice");
    }
    for schedule in template.functions.iter().flat_map(|function| &function.schedules) {
        assert!(played(&format!("schedule {}", schedule.name)), "{} is not played", schedule.name);
    }
}
