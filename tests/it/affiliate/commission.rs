//! Commissions and withdrawals, end to end (R6.3–R6.7).

pub mod batches;
mod by_hand;
mod code;
pub mod payouts;
mod second;
mod statement;
mod withdrawal;
mod years;

use serde_json::{Value, json};

use crate::fixtures::refund;
use crate::world::World;

/// Sets up Bob as Ann's invitee with the affiliate programme on, at ten per cent.
pub async fn invited(world: &World) {
    world
        .settings("payment", |settings| {
            settings["enabled"] = json!(true);
            settings["max_orders_per_minute"] = json!(100);
        })
        .await;
    world.settings("affiliate", |settings| settings["enabled"] = json!(true)).await;
    world.register("ann", None).await;
    let code = world.code("ann").await;
    world.register("bob", Some(&code)).await;
}

/// Bob pays ¥100: 13.88888888 USD of credit, 1.38888888 of commission.
pub async fn hundred(world: &World) -> Value {
    let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
    world.pay(&order, json!({"times": 2})).await;
    world.settle().await;
    order
}

/// Ann's totals: pending, available, held, withdrawn, clawed back, debt.
pub async fn totals(world: &World) -> [String; 6] {
    let of = world.user("ann").get("/v1/affiliate").await.is(200)["totals"].clone();
    ["pending", "available", "held", "withdrawn", "clawed_back", "debt"]
        .map(|name| of[name]["amount"].as_str().unwrap().to_owned())
}

async fn commissions(world: &World) -> Vec<Value> {
    world.user("ann").get("/v1/affiliate/commissions").await.is(200)["items"].as_array().unwrap().clone()
}

/// R6.3: three orders of an invitee each earn ten per cent of the credit without bonus.
/// Redelivery earns nothing more.
#[test]
fn three_orders_of_an_invitee_earn_ten_per_cent_each() {
    World::run(async |world| {
        invited(world).await;
        world.settings("promotion", |settings| settings["enabled"] = json!(true)).await;
        for _ in 0..4 {
            hundred(world).await;
        }
        assert_eq!(totals(world).await, ["0", "4.16666664", "0", "0", "0", "0"]);
        let list = commissions(world).await;
        assert_eq!(list.len(), 3);
        let money = |amount: &str| json!({"amount": amount, "currency": "USD"});
        let shown = ["invitee", "base", "rate", "amount", "state"].map(|field| list[0][field].clone());
        assert_eq!(
            shown,
            [json!("b***@e***.com"), money("13.88888888"), json!("0.1"), money("1.38888888"), json!("available")]
        );
        let records = world.user("ann").get("/v1/balance/records?account=commission").await.is(200);
        let seqs: Vec<u64> =
            records["items"].as_array().unwrap().iter().map(|of| of["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, [3, 2, 1]);
        assert_eq!(records["items"][0]["part"], "available");
        assert_eq!(world.balance("ann").await, "0", "a commission is not on the balance");
    });
}

/// G17, R6.4: a refunded order gives its part of the cap back.
#[test]
fn a_refunded_order_gives_its_part_of_the_cap_back() {
    World::run(async |world| {
        invited(world).await;
        world.settings("affiliate", |settings| settings["cap_per_invitee"] = json!("1.5")).await;
        let first = hundred(world).await;
        hundred(world).await;
        assert_eq!(totals(world).await[1], "1.5", "the second is cut to the rest");
        refund(world, &first, 10_000).await;
        world.settle().await;
        assert_eq!(totals(world).await[1], "0.11111112");
        hundred(world).await;
        assert_eq!(totals(world).await, ["0", "1.5", "0", "0", "1.38888888", "0"]);
    });
}

/// G17, R6.4: an order above the cap earns nothing, also once a refund of an earlier one has made room; the auditor knows why.
#[test]
fn an_order_above_the_cap_earns_nothing_when_room_is_made_later() {
    World::run(async |world| {
        invited(world).await;
        world.settings("affiliate", |settings| settings["cap_per_invitee"] = json!("1.5")).await;
        let first = hundred(world).await;
        hundred(world).await;
        hundred(world).await;
        assert_eq!(totals(world).await[1], "1.5", "nothing is left for the third");
        refund(world, &first, 10_000).await;
        world.settle().await;
        assert_eq!(totals(world).await[1], "0.11111112");
    });
}

/// R6.10: the base is the credit, what was paid, or what the provider's fee leaves of that; an order keeps the one it was made under.
#[test]
fn the_base_of_a_commission_is_pinned_with_its_order() {
    World::run(async |world| {
        invited(world).await;
        world
            .settings("affiliate", |settings| {
                settings["base"] = json!("paid_net_of_fee");
                settings["provider_fee"] = json!("10%");
            })
            .await;
        let waiting = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        world.settings("affiliate", |settings| settings["base"] = json!("paid")).await;
        world.pay(&waiting, json!({})).await;
        world.settle().await;
        let [net] = &commissions(world).await[..] else { panic!("one commission") };
        assert_eq!((net["base"]["amount"].as_str(), net["amount"]["amount"].as_str()), (Some("12.5"), Some("1.25")));
        world.settings("payment", |settings| settings["discount_rate"] = json!("0.8")).await;
        let second = hundred(world).await;
        let both = commissions(world).await;
        let paid = both.iter().find(|one| one["order_id"] == second["id"]).unwrap();
        assert_eq!(paid["base"]["amount"], "11.11111111", "¥80 were paid for a credit of 13.88888888");
        refund(world, &waiting, 5_000).await;
        world.settle().await;
        assert_eq!(totals(world).await[1], "1.73611111", "half of the one, all of the other");
    });
}

/// R6.10: an order that the cap refused is not refused for good. Told again once a refund has made room, it begins its commission
/// within that room, once.
#[test]
fn an_order_that_the_cap_refused_begins_in_the_room_that_a_refund_made() {
    World::run(async |world| {
        invited(world).await;
        world.settings("affiliate", |settings| settings["cap_per_invitee"] = json!("1.5")).await;
        let first = hundred(world).await;
        hundred(world).await;
        let third = hundred(world).await;
        refund(world, &first, 10_000).await;
        world.settle().await;
        assert_eq!(totals(world).await[1], "0.11111112", "nobody has told of the third meanwhile");
        // 0.11111112, and of 1.38888888 nine tenths, then eight.
        for earned in ["1.36111111", "1.22222222"] {
            refund(world, &third, 1_000).await;
            world.settle().await;
            assert_eq!(totals(world).await[1], earned);
        }
    });
}

/// G6, R2.8: a blocked inviter's commission is held, also what was under its hold already, and is released when they are active
/// again.
#[test]
fn a_blocked_inviters_commission_is_held_until_they_are_active_again() {
    World::run(async |world| {
        invited(world).await;
        world.settings("affiliate", |settings| settings["hold_hours"] = json!(24)).await;
        hundred(world).await;
        let under_hold = async |hours: u32| {
            world.settings("affiliate", |settings| settings["hold_hours"] = json!(hours)).await;
        };
        under_hold(0).await;
        let ann = world.user("ann").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let status = async |status: &str| {
            let body = json!({"status": status, "reason": "a look"});
            world.admin().put(&format!("/v1/admin/users/{ann}/status"), body).await.is(200)
        };
        status("blocked").await;
        hundred(world).await;
        under_hold(48).await;
        hundred(world).await;
        world.advance(30 * 3_600).await;
        world.sign_in("admin").await;
        world.stack.tick("mature-commissions").await.unwrap();
        world.settle().await;
        let listed = async |filter: &str| {
            let page = world.admin().get(&format!("/v1/admin/commissions?state={filter}")).await.is(200);
            page["items"].as_array().unwrap().len()
        };
        assert_eq!((listed("held").await, listed("available").await), (3, 0));
        world.stack.tick("mature-commissions").await.unwrap();
        status("active").await;
        world.sign_in("ann").await;
        assert_eq!(totals(world).await[..2], ["1.38888888", "2.77777776"]);
        let states = (listed("held").await, listed("pending").await, listed("available").await);
        assert_eq!(states, (0, 1, 2));
        world.advance(24 * 3_600).await;
        world.stack.tick("mature-commissions").await.unwrap();
        world.sign_in("ann").await;
        assert_eq!(totals(world).await[..2], ["0", "4.16666664"]);
    });
}

/// G6: an erased inviter earns nothing, neither on orders under way nor on later ones.
#[test]
fn an_erased_inviter_earns_nothing() {
    World::run(async |world| {
        invited(world).await;
        let under_way = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        let ann = world.user("ann").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let reason = json!({"reason": "they asked for it", "acknowledge_balance": true});
        world.admin().post(&format!("/v1/admin/users/{ann}/erase"), reason).await.is(200);
        world.pay(&under_way, json!({})).await;
        let later = hundred(world).await;
        let all = world.admin().get("/v1/admin/commissions").await.is(200);
        assert_eq!(all["items"], json!([]));
        let why = format!("/v1/admin/payment/orders/{}/explain", later["id"].as_str().unwrap());
        let why = world.admin().get(&why).await.is(200).to_string();
        assert!(why.contains("no_terms"), "{why}");
    });
}

/// R6.3: the limit is exact when 64 orders are paid at the same instant.
#[test]
fn sixty_four_orders_at_once_make_three_commissions() {
    World::run(async |world| {
        invited(world).await;
        let mut orders = Vec::new();
        for _ in 0..64 {
            orders.push(world.order("bob", json!({"offer_id": "o10", "provider": "stripe"})).await);
        }
        for order in &orders {
            world.pay(order, json!({})).await;
        }
        world.settle().await;
        assert_eq!(commissions(world).await.len(), 3);
        assert_eq!(totals(world).await[1], "0.41666664");
        assert_eq!(world.balance("bob").await, "88.88888832");
    });
}

/// R6.3: only online payments earn; a completion by hand counts as one.
#[test]
fn only_online_payments_earn() {
    World::run(async |world| {
        invited(world).await;
        let code = world.codes(json!({"label": "x", "count": 1, "credit": "100", "total_uses": 1})).await.remove(0);
        world.redeem("bob", &code).await.is(201);
        let bob = world.user("bob").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let body = json!({"amount": "50", "remark": "sorry"});
        world.admin().once().post(&format!("/v1/admin/users/{bob}/adjustments"), body).await.is(200);
        world.settle().await;
        assert_eq!(totals(world).await[1], "0");
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        let complete = format!("/v1/admin/payment/orders/{}/complete", order["id"].as_str().unwrap());
        world.admin().once().post(&complete, json!({"reason": "seen in the bank"})).await.is(200);
        world.settle().await;
        assert_eq!(totals(world).await[1], "1.38888888");
    });
}

/// R6.3, R3.8: the terms are those of the order's creation.
/// An order made while the programme was off earns nothing.
#[test]
fn the_terms_are_those_of_the_orders_creation() {
    World::run(async |world| {
        invited(world).await;
        let on = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        world.settings("affiliate", |settings| settings["enabled"] = json!(false)).await;
        let off = world.order("bob", json!({"offer_id": "o500", "provider": "stripe"})).await;
        for order in [&on, &off] {
            world.pay(order, json!({})).await;
        }
        world.settle().await;
        let list = commissions(world).await;
        assert_eq!((list.len(), &list[0]["order_id"]), (1, &on["id"]));
        let withdraw = json!({"amount": "1", "to": "balance"});
        world.user("ann").once().post("/v1/affiliate/withdrawals", withdraw).await.is(201);
        assert_eq!(world.balance("ann").await, "1", "what was earned can be withdrawn while it is off");
        world.settle().await;
    });
}

/// R6.4: the cap per invitee cuts the commission that reaches it.
/// Nothing is earned after the validity period.
#[test]
fn cap_and_validity_end_what_an_invitee_earns() {
    World::run(async |world| {
        invited(world).await;
        world
            .settings("affiliate", |settings| {
                settings["cap_per_invitee"] = json!("2");
                settings["valid_days"] = json!(2);
            })
            .await;
        for _ in 0..2 {
            hundred(world).await;
        }
        assert_eq!(totals(world).await[1], "2");
        world.settings("affiliate", |settings| settings["cap_per_invitee"] = json!("0")).await;
        world.advance(2 * 86_400 + 1).await;
        for name in ["admin", "ann", "bob"] {
            world.sign_in(name).await;
        }
        hundred(world).await;
        assert_eq!(totals(world).await[1], "2");
    });
}

/// R4.11, R6.4: refunding ¥30 of ¥100 leaves 0.97222221 of 1.38888888; a full refund leaves nothing.
#[test]
fn a_refund_takes_its_part_of_the_commission_back() {
    World::run(async |world| {
        invited(world).await;
        let order = hundred(world).await;
        refund(world, &order, 3_000).await;
        assert_eq!(totals(world).await, ["0", "0.97222221", "0", "0", "0.41666667", "0"]);
        assert_eq!(commissions(world).await[0]["state"], "partially_reversed");
        refund(world, &order, 7_000).await;
        assert_eq!(totals(world).await, ["0", "0", "0", "0", "1.38888888", "0"]);
        assert_eq!(commissions(world).await[0]["state"], "reversed");
    });
}

/// R6.4, R1.7: refunding an order whose commission was withdrawn makes debt, never a negative amount.
/// The next commission pays the debt.
#[test]
fn a_refund_after_the_withdrawal_makes_debt_that_the_next_commission_pays() {
    World::run(async |world| {
        invited(world).await;
        let order = hundred(world).await;
        let withdraw = json!({"amount": "1", "to": "balance"});
        world.user("ann").once().post("/v1/affiliate/withdrawals", withdraw).await.is(201);
        refund(world, &order, 10_000).await;
        assert_eq!(totals(world).await, ["0", "0", "0", "1", "0.38888888", "1"]);
        hundred(world).await;
        assert_eq!(totals(world).await, ["0", "0.38888888", "0", "1", "1.38888888", "0"]);
        assert_eq!(world.balance("ann").await, "1");
        let records = world.user("ann").get("/v1/balance/records?account=commission").await.is(200);
        let kinds: Vec<&str> =
            records["items"].as_array().unwrap().iter().map(|of| of["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["debt", "commission", "refund", "withdrawal", "commission"]);
    });
}

/// R4.11: commission and refund in flight together end consistent in either order of arrival.
#[test]
fn a_refund_that_overtakes_the_commission_leaves_the_same() {
    World::run(async |world| {
        invited(world).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        world.pay(&order, json!({"notify": "never"})).await;
        refund(world, &order, 3_000).await;
        let verify = format!("/v1/payment/orders/{}/verify", order["id"].as_str().unwrap());
        world.user("bob").post(&verify, json!({})).await.is(200);
        world.settle().await;
        assert_eq!(totals(world).await, ["0", "0.97222221", "0", "0", "0.41666667", "0"]);
    });
}

/// R6.4: a held commission is pending until its hold ends by time; the job is not needed.
#[test]
fn a_held_commission_can_be_withdrawn_when_its_time_is_over() {
    World::run(async |world| {
        invited(world).await;
        world.settings("affiliate", |settings| settings["hold_hours"] = json!(48)).await;
        hundred(world).await;
        assert_eq!(totals(world).await, ["1.38888888", "0", "0", "0", "0", "0"]);
        let withdraw = json!({"amount": "1", "to": "balance"});
        let asked = world.user("ann").once().post("/v1/affiliate/withdrawals", withdraw.clone()).await;
        asked.refused(409, "insufficient_available");
        world.advance(48 * 3_600).await;
        for name in ["admin", "ann"] {
            world.sign_in(name).await;
        }
        assert_eq!(totals(world).await, ["0", "1.38888888", "0", "0", "0", "0"], "no job has run");
        assert_eq!(commissions(world).await[0]["state"], "available");
        world.user("ann").once().post("/v1/affiliate/withdrawals", withdraw).await.is(201);
        world.settle().await;
        assert_eq!(totals(world).await, ["0", "0.38888888", "0", "1", "0", "0"]);
    });
}

/// R6.4: the job releases each ended hold once; a second run does nothing.
#[test]
fn the_job_matures_what_is_due_once() {
    World::run(async |world| {
        invited(world).await;
        world.settings("affiliate", |settings| settings["hold_hours"] = json!(1)).await;
        hundred(world).await;
        assert_eq!(world.stack.tick("mature-commissions").await.unwrap()["expired"], 0);
        world.advance(3_600).await;
        assert_eq!(world.stack.tick("mature-commissions").await.unwrap()["expired"], 1);
        assert_eq!(world.stack.tick("mature-commissions").await.unwrap()["expired"], 0);
        world.settle().await;
        for name in ["admin", "ann"] {
            world.sign_in(name).await;
        }
        assert_eq!(totals(world).await[..2], ["0", "1.38888888"]);
        let stats = world.stack.items().unwrap();
        assert!(!stats.iter().any(|item| shared::table::item::text(item, "type") == Some("maturing")));
    });
}

/// R9.3: an admin reverses a commission once, with a reason.
/// A later refund of its order takes nothing more.
#[test]
fn an_admin_takes_a_commission_back_for_good() {
    World::run(async |world| {
        invited(world).await;
        let order = hundred(world).await;
        let id = commissions(world).await[0]["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/admin/commissions/{id}/reverse");
        for _ in 0..2 {
            let reversed = world.admin().post(&path, json!({"reason": "own account"})).await.is(200);
            assert_eq!((&reversed["state"], &reversed["reason"]), (&json!("reversed"), &json!("own account")));
        }
        refund(world, &order, 3_000).await;
        assert_eq!(totals(world).await, ["0", "0", "0", "0", "1.38888888", "0"]);
        let list = world.admin().get("/v1/admin/commissions?state=reversed").await.is(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        let audit = world.admin().get(&format!("/v1/admin/audit?subject={id}")).await.is(200);
        assert_eq!(audit["items"].as_array().unwrap().len(), 1);
        let nothing = format!("/v1/admin/commissions/{}/reverse", "cms_01arz3ndektsv4rrffq69g5fav");
        world.admin().post(&nothing, json!({"reason": "x"})).await.refused(404, "not_found");
        world.admin().post(&path, json!({"reason": ""})).await.refused(422, "invalid");
    });
}

/// R6.3: concurrent workers and three deliveries make each commission once.
#[test]
fn workers_at_once_make_each_commission_once() {
    World::run(async |world| {
        invited(world).await;
        world.register("cid", Some(&world.code("ann").await)).await;
        for name in ["bob", "cid"] {
            for _ in 0..2 {
                let order = world.order(name, json!({"offer_id": "o100", "provider": "stripe"})).await;
                world.pay(&order, json!({"times": 3})).await;
            }
        }
        world.settle().await;
        assert_eq!(totals(world).await[1], "5.55555552");
    });
}
