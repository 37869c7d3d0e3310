//! Concurrent debits, withdrawals and decisions; and one key many times.

use std::time::Duration;

use serde_json::{Value, json};

use super::{CLIENTS, Weight, race, together};
use crate::affiliate::commission::batches;
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

/// Eight withdrawals of 3 that Ann asked for, and a key of the backend that settles them.
async fn eight(world: &World) -> (Vec<String>, String) {
    batches::rich(world).await;
    let mut asked = Vec::new();
    for _ in 0..8 {
        asked.push(batches::cash(world, "3").await);
    }
    (asked, batches::settler(world).await)
}

/// R6.9: makers of batches, cancellations, settlements and drops at once: each withdrawal is in one batch at most, and ends once.
#[test]
fn a_withdrawal_is_in_one_batch_and_ends_once() {
    race("money::a_withdrawal_is_in_one_batch_and_ends_once", Weight::Heavy, async |round| {
        let world = round.world;
        let (asked, key) = eight(world).await;
        let ask = |client: usize| {
            let asked = asked[client / 4 % asked.len()].clone();
            let key = key.clone();
            async move {
                match client % 4 {
                    0 => {
                        let body = json!({"method": "bank", "limit": 3});
                        world.admin().key(&format!("batch-{client}")).post(batches::BATCHES, body).await
                    }
                    1 => world.user("ann").post(&format!("{WITHDRAWALS}/{asked}/cancel"), json!({})).await,
                    2 => batches::settle(world, &key, &asked, json!({"outcome": "paid", "reference": "SEPA 17"})).await,
                    _ => batches::settle(world, &key, &asked, json!({"outcome": "failed", "reason": "no"})).await,
                }
            }
        };
        let told = round.at_once(CLIENTS, ask).await;
        let known = ["nothing_to_gather", "withdrawal_in_batch", "withdrawal_not_in_batch", "withdrawal_closed"];
        assert!(told.refused.values().all(|code| known.contains(&code.as_str())), "{:?}", told.refused);
        let listed = world.user("ann").get(&format!("{WITHDRAWALS}?limit=100")).await.is(200);
        let states =
            |wanted: &str| listed["items"].as_array().unwrap().iter().filter(|one| one["state"] == wanted).count();
        let (paid, open) = (states("paid"), states("requested"));
        let made = world.admin().get(batches::BATCHES).await.is(200);
        let mut gathered = Vec::new();
        for batch in made["items"].as_array().unwrap() {
            let whole =
                world.admin().get(&format!("{}/{}", batches::BATCHES, batch["id"].as_str().unwrap())).await.is(200);
            let lines = whole["lines"].as_array().unwrap().clone();
            gathered.extend(lines.iter().map(|line| line["withdrawal_id"].to_string()));
        }
        let lines = gathered.len();
        gathered.sort();
        gathered.dedup();
        assert_eq!(gathered.len(), lines, "one is in two batches");
        let now = totals(world).await;
        assert_eq!((now[2].as_str(), now[3].as_str()), (&*(3 * open).to_string(), &*(3 * paid).to_string()));
    });
}

/// R6.9: settlements, an end of the whole batch, its drop and cancellations at once: each line ends once, as its withdrawal does.
#[test]
fn a_line_of_a_batch_ends_once() {
    race("money::a_line_of_a_batch_ends_once", Weight::Heavy, async |round| {
        let world = round.world;
        let (asked, key) = eight(world).await;
        let batch = format!("{}/{}", batches::BATCHES, batches::id(&batches::gather(world).await));
        let drops = round.below(2) == 0;
        let ask = |client: usize| {
            let (asked, key, batch) = (asked[client / 4 % asked.len()].clone(), key.clone(), batch.clone());
            async move {
                match (client % 4, client) {
                    (0, 28) if drops => world.admin().post(&format!("{batch}/drop"), json!({"reason": "no"})).await,
                    (0, 32) => {
                        let body = json!({"reference": "SEPA 17"});
                        world.admin().key("close").post(&format!("{batch}/close"), body).await
                    }
                    (0, _) => world.user("ann").post(&format!("{WITHDRAWALS}/{asked}/cancel"), json!({})).await,
                    (1, _) => batches::settle(world, &key, &asked, json!({"outcome": "failed", "reason": "no"})).await,
                    _ => batches::settle(world, &key, &asked, json!({"outcome": "paid", "reference": "SEPA 17"})).await,
                }
            }
        };
        let told = round.at_once(CLIENTS, ask).await;
        let known = ["withdrawal_in_batch", "withdrawal_not_in_batch", "withdrawal_closed", "payout_batch_closed"];
        assert!(told.refused.values().all(|code| known.contains(&code.as_str())), "{:?}", told.refused);
        let listed = world.user("ann").get(&format!("{WITHDRAWALS}?limit=100")).await.is(200);
        let states =
            |wanted: &str| 3 * listed["items"].as_array().unwrap().iter().filter(|one| one["state"] == wanted).count();
        let now = totals(world).await;
        assert_eq!((&now[2], &now[3]), (&states("requested").to_string(), &states("paid").to_string()));
        let batch = world.admin().get(&batch).await.is(200);
        let ended = ["paid", "failed", "dropped", "open"].map(|name| batch[name].as_u64().unwrap());
        assert_eq!(ended.iter().sum::<u64>(), 8, "{batch}");
        assert!(drops || ended[2] + ended[3] == 0, "{batch}");
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

/// R12.3: 64 clients spend while two lots expire: nothing is taken twice, and what is left adds up.
#[test]
fn spending_while_credit_expires_adds_up() {
    race("money::spending_while_credit_expires_adds_up", Weight::Heavy, async |round| {
        let world = round.world;
        world.settings("payment", |payment| payment["grant_expiry_days"] = json!(1)).await;
        let key = world.service_key("billing", &["users:read", "users:write", "ledger:write"]).await;
        world.register("bob", None).await;
        let id = world.user("bob").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let credit = json!({"label": "credit", "count": 2, "credit": "5", "total_uses": 1});
        for code in world.codes(credit).await {
            world.redeem("bob", &code).await.is(201);
        }
        let paid = json!({"amount": "4", "related_id": "sold", "remark": "sold"});
        world.holder(&key).once().post(&format!("/v1/service/users/{id}/credits"), paid).await.is(200);
        world.advance(86_400).await;
        let debit = |client: usize| {
            let body = json!({"amount": "0.5", "related_id": format!("job-{client}"), "remark": "a job"});
            world.holder(&key).key(&format!("debit-{client}")).post(&format!("/v1/service/users/{id}/debits"), body)
        };
        let expire = async {
            for _ in 0..4 {
                world.stack.tick("expire-credit").await.ok();
            }
        };
        let (told, ()) = tokio::join!(round.at_once(CLIENTS, debit), expire);
        round.calm();
        let did = world.stack.tick("expire-credit").await.unwrap();
        assert_eq!(did["failed"], 0, "{did}");
        let spent = told.made_or("insufficient_balance") as u64 * 5;
        round.again(&told, debit).await;
        world.swept().await;
        let user = world.holder(&key).get(&format!("/v1/service/users/{id}")).await.is(200);
        let tenths = |part: &str| {
            let amount: rust_decimal::Decimal = user[part]["amount"].as_str().unwrap().parse().unwrap();
            u64::try_from((amount * rust_decimal::Decimal::TEN).trunc().mantissa()).unwrap()
        };
        world.sign_in("bob").await;
        let records = world.user("bob").get("/v1/balance/records?type=expiry").await.is(200);
        let gone = records["items"].as_array().unwrap().iter().map(|record| {
            let amount: rust_decimal::Decimal = record["amount"]["amount"].as_str().unwrap().parse().unwrap();
            u64::try_from((-amount * rust_decimal::Decimal::TEN).trunc().mantissa()).unwrap()
        });
        assert_eq!(spent + gone.sum::<u64>() + tenths("balance"), 140, "every tenth is somewhere");
        assert_eq!((tenths("granted"), tenths("paid")), (0, tenths("balance")), "nothing is left to expire");
    });
}
