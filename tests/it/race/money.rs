//! Concurrent debits, withdrawals and decisions; and one key many times.

use std::time::Duration;

use serde_json::{Value, json};

use super::{CLIENTS, Weight, race, together};
use crate::affiliate::commission::payouts::above_the_limit;
use crate::affiliate::commission::{hundred, invited, totals};
use crate::world::World;

/// Ann has 1.38888888 of commission; the bank minimum is 0.5.
async fn earned(world: &World) {
    invited(world).await;
    world.settings("affiliate", |affiliate| affiliate["min_cash_withdrawal"] = json!("0.5")).await;
    hundred(world).await;
}

const WITHDRAWALS: &str = "/v1/affiliate/withdrawals";

/// R1.7, R1.8: of simultaneous debits ⌊balance ÷ amount⌋ succeed.
#[test]
fn as_many_debits_succeed_as_fit() {
    race("money::as_many_debits_succeed_as_fit", Weight::Heavy, async |round| {
        let world = round.world;
        let key = world.service_key("billing", &["users:read", "users:write", "ledger:write"]).await;
        let made = world.holder(&key).post("/v1/service/users", json!({"external_id": "c-1"})).await.is(201);
        let path = |verb: &str| format!("/v1/service/users/{}/{verb}", made["id"].as_str().unwrap());
        let credit = json!({"amount": "10", "related_id": "gift", "remark": "a gift"});
        world.holder(&key).once().post(&path("credits"), credit).await.is(200);
        let (amount, fit, left) = [("0.7", 14, "0.2"), ("3", 3, "1"), ("0.3", 33, "0.1")][round.seed as usize % 3];
        let ask = |client: usize| {
            let body = json!({"amount": amount, "related_id": format!("job-{client}"), "remark": "a job"});
            world.holder(&key).key(&format!("debit-{client}")).post(&path("debits"), body)
        };
        let told = round.at_once(CLIENTS, ask).await;
        assert_eq!(told.made_or("insufficient_balance"), fit);
        round.again(&told, ask).await;
        let shown =
            world.holder(&key).get(&format!("/v1/service/users/{}", made["id"].as_str().unwrap())).await.is(200);
        assert_eq!(shown["balance"]["amount"], left);
    });
}

/// R6.5: of simultaneous withdrawals as many succeed as fit.
/// From many small ones to two that each want more than half.
#[test]
fn withdrawals_never_exceed_what_is_available() {
    race("money::withdrawals_never_exceed_what_is_available", Weight::Light, async |round| {
        let world = round.world;
        earned(world).await;
        let (amount, fit, left) =
            [("0.7", 1, "0.68888888"), ("0.1", 13, "0.08888888"), ("1.38888888", 1, "0")][round.seed as usize % 3];
        let ask = |client: usize| {
            let body = json!({"amount": amount, "to": "balance"});
            world.user("ann").key(&format!("tab-{client}")).post(WITHDRAWALS, body)
        };
        let told = round.at_once(CLIENTS, ask).await;
        assert_eq!(told.made_or("insufficient_available"), fit);
        round.again(&told, ask).await;
        assert_eq!(totals(world).await[1], left);
        let listed = world.user("ann").get(&format!("{WITHDRAWALS}?limit=100")).await.is(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), fit);
    });
}

/// R6.5: a few overlapping withdrawals all succeed at once: a conflict re-plans from the new state.
#[test]
fn withdrawals_that_meet_are_all_made_at_the_first_asking() {
    World::run(async |world| {
        earned(world).await;
        world.stack.dynamo.transactions_take(Duration::from_millis(5));
        let body = json!({"amount": "0.1", "to": "balance"});
        let ask = |tab: usize| world.user("ann").key(&format!("tab-{tab}")).post(WITHDRAWALS, body.clone());
        for answer in together((0..4).map(ask).collect()).await {
            answer.is(201);
        }
        assert!(world.stack.dynamo.conflicts() > 0, "they never met");
        assert_eq!(totals(world).await[1], "0.98888888");
    });
}

/// R6.6: simultaneous approve, reject and cancel make one transition, and every response is true.
#[test]
fn a_withdrawal_is_decided_once() {
    race("money::a_withdrawal_is_decided_once", Weight::Light, async |round| {
        let world = round.world;
        earned(world).await;
        let payout = json!({"method": "bank", "account": "DE02 1203 0000 0000 2020 51"});
        let cash = json!({"amount": "1", "to": "cash", "payout": payout});
        let asked = world.user("ann").once().post(WITHDRAWALS, cash).await.is(201);
        let id = asked["id"].as_str().unwrap();
        let path = |verb: &str| format!("/v1/admin/withdrawals/{id}/{verb}");
        let turn = round.below(3) as usize;
        let kind = |client: usize| (client + turn) % 3;
        let ask = |client: usize| match kind(client) {
            0 => world.admin().post(&path("approve"), json!({"reference": "SEPA 17"})),
            1 => world.admin().post(&path("reject"), json!({"reason": "no"})),
            _ => world.user("ann").post(&format!("{WITHDRAWALS}/{id}/cancel"), json!({})),
        };
        let told = round.at_once(CLIENTS, ask).await;
        assert!(told.made_or("withdrawal_closed") >= 1);
        let state = told.one("/state");
        let won = ["paid", "rejected", "cancelled"].iter().position(|name| state == *name).unwrap();
        assert!(told.made.keys().all(|client| kind(*client) == won), "{state}: {:?}", told.made);
        let listed = world.user("ann").get(WITHDRAWALS).await.is(200);
        assert_eq!(listed["items"][0]["state"], state);
        let (available, withdrawn) = if won == 0 { ("0.38888888", "1") } else { ("1.38888888", "0") };
        assert_eq!(totals(world).await, ["0", available, "0", withdrawn, "0", "0"]);
    });
}

/// R6.9: of simultaneous approvals by two admins the payment takes one of each.
#[test]
fn two_different_admins_pay_what_needs_two() {
    race("money::two_different_admins_pay_what_needs_two", Weight::Light, async |round| {
        let world = round.world;
        let id = above_the_limit(world).await;
        let turn = round.below(2) as usize;
        let by = |client: usize| ["admin", "eve"][(client + turn) % 2];
        let ask = |client: usize| {
            let path = format!("/v1/admin/withdrawals/{id}/approve");
            world.user(by(client)).post(&path, json!({"reference": format!("SEPA {}", by(client))}))
        };
        let told = round.at_once(CLIENTS, ask).await;
        let first = world.admin().get("/v1/admin/withdrawals").await.is(200)["items"][0].clone();
        let payer = if first["first_approval"]["reference"] == "SEPA admin" { "eve" } else { "admin" };
        assert_eq!((&first["state"], &first["reference"]), (&json!("paid"), &json!(format!("SEPA {payer}"))));
        let paid = told.made.iter().filter(|(_, body)| body["state"] == "paid");
        assert!(paid.clone().count() >= 1 && paid.clone().all(|(client, _)| by(*client) == payer), "{:?}", told.made);
        assert_eq!(told.made.values().filter(|body| body["state"] == "requested").count(), 1, "one first approval");
        assert_eq!(totals(world).await, ["0", "0.38888888", "0", "1", "0", "0"]);
    });
}

/// R1.6: one key 32 times at once takes effect once, and every response reports it.
#[test]
fn one_key_many_times_is_one_effect() {
    race("money::one_key_many_times_is_one_effect", Weight::Heavy, async |round| {
        let world = round.world;
        earned(world).await;
        let bob = world.user("bob").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let codes = world.codes(json!({"label": "x", "count": 1, "credit": "2", "total_uses": 100})).await;
        let before: f64 = world.balance("bob").await.parse().unwrap();
        let adjust = format!("/v1/admin/users/{bob}/adjustments");
        let asks: [(&str, &str, Value); 5] = [
            ("ann", WITHDRAWALS, json!({"amount": "0.3", "to": "balance"})),
            ("bob", "/v1/payment/orders", json!({"amount": "5", "provider": "stripe"})),
            ("bob", "/v1/payment/orders", json!({"amount": "5", "provider": "zpay"})),
            ("bob", "/v1/redemptions", json!({"code": codes[0]})),
            ("admin", &adjust, json!({"amount": "1.5", "remark": "by hand"})),
        ];
        for (number, (who, path, body)) in asks.iter().enumerate() {
            let ask = |_| world.user(who).key(&format!("same-{number}")).post(path, body.clone());
            let told = round.at_once(CLIENTS / 2, ask).await;
            assert_eq!(told.made_or("none is refused"), CLIENTS / 2, "{path}");
            if *who != "admin" {
                told.one("/id");
            }
        }
        assert_eq!(totals(world).await[3], "0.3");
        let after: f64 = world.balance("bob").await.parse().unwrap();
        assert!((after - before - 3.5).abs() < 1e-9, "{before} {after}");
        let orders = world.user("bob").get("/v1/payment/orders").await.is(200);
        assert_eq!(orders["items"].as_array().unwrap().len(), 3);
    });
}
