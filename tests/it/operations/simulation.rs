//! Replay of a month under draft settings (R12.5).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::risk;
use crate::affiliate::commission::{hundred, invited};
use crate::fixtures::refund;
use crate::world::World;

const SIMULATIONS: &str = "/v1/admin/simulations";

async fn run(world: &World, programme: &str, draft: Value) -> Value {
    let asked = json!({"programme": programme, "month": "2026-11", "settings": draft});
    world.admin().post(SIMULATIONS, asked).await.is(200)
}

/// Sums of a page or amounts of a row: real, simulated, difference.
fn sums(of: &Value) -> [&str; 3] {
    ["real", "simulated", "difference"].map(|name| of[name]["amount"].as_str().unwrap())
}

/// Rows of a page: whose, for whom, real, simulated, difference.
fn rows(page: &Value) -> Vec<(&Value, &Value, [&str; 3])> {
    page["users"].as_array().unwrap().iter().map(|row| (&row["user_id"], &row["invitee_id"], sums(row))).collect()
}

async fn id_of(world: &World, name: &str) -> Value {
    world.user(name).get("/v1/me").await.is(200)["id"].clone()
}

async fn pay(world: &World, name: &str, offer: &str) -> Value {
    let order = world.order(name, json!({"offer_id": offer, "provider": "stripe"})).await;
    world.pay(&order, json!({})).await;
    world.settle().await;
    world.advance(61).await;
    order
}

/// R12.5: a draft shows what each affiliate would have earned, and writes nothing.
#[test]
fn a_draft_shows_what_affiliates_would_have_earned_and_writes_nothing() {
    World::run(async |world| {
        invited(world).await;
        for _ in 0..4 {
            hundred(world).await;
        }
        let before = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
        let page = run(world, "affiliate", json!({"default_rate": "0.2", "default_trigger_limit": 0})).await;
        let expected = ["4.16666664", "11.11111108", "6.94444444"];
        assert_eq!(sums(&page), expected);
        let (ann, bob) = (id_of(world, "ann").await, id_of(world, "bob").await);
        assert_eq!(rows(&page), [(&ann, &bob, expected)]);
        assert_eq!((page["programme"].as_str(), &page["next_cursor"]), (Some("affiliate"), &Value::Null));
        assert!(!page["limits"].as_array().unwrap().is_empty());
        for draft in [json!({"enabled": false}), json!({"ends_at": "2026-01-01T00:00:00Z"})] {
            assert_eq!(sums(&run(world, "affiliate", draft).await), ["4.16666664", "0", "-4.16666664"]);
        }
        let capped = run(world, "affiliate", json!({"cap_per_invitee": "2"})).await;
        assert_eq!(sums(&capped), ["4.16666664", "2", "-2.16666664"]);
        let net = run(world, "affiliate", json!({"base": "paid_net_of_fee", "provider_fee": "10%"})).await;
        assert_eq!(sums(&net), ["4.16666664", "3.75", "-0.41666664"]);
        let second = run(world, "affiliate", json!({"second_level_rate": "0.5"})).await;
        assert_eq!(sums(&second)[1], "4.16666664", "Ann has no inviter");
        let after = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
        assert!(before == after, "something was written");
        world.settle().await;
    });
}

/// R12.5: under its own settings the past of the affiliate programme is as it was, with limits, caps, refunds and two levels.
#[test]
fn commissions_of_the_past_under_their_own_settings_are_the_past() {
    World::run(async |world| {
        invited(world).await;
        world
            .settings("affiliate", |settings| {
                settings["cap_per_invitee"] = json!("3");
                settings["second_level_rate"] = json!("0.05");
                settings["default_trigger_limit"] = json!(4);
            })
            .await;
        world.advance(61).await;
        for (name, inviter) in [("cid", "bob"), ("dan", "cid"), ("eve", "ann")] {
            world.register(name, Some(&world.code(inviter).await)).await;
        }
        for name in ["cid", "dan", "eve", "cid"] {
            pay(world, name, "o100").await;
        }
        let back = pay(world, "dan", "o100").await;
        refund(world, &back, 5_000).await;
        world.settle().await;
        for name in ["dan", "cid", "dan", "eve", "dan", "cid", "cid"] {
            pay(world, name, "o100").await;
        }
        for draft in [json!({}), json!({"hold_hours": 5})] {
            let page = run(world, "affiliate", draft).await;
            let [real, simulated, difference] = sums(&page);
            assert!(real != "0" && real == simulated && difference == "0", "{page}");
            assert!(rows(&page).len() > 3 && rows(&page).iter().all(|(_, _, sums)| sums[2] == "0"), "{page}");
        }
        world.settle().await;
    });
}

/// R12.5: the sums of a month's pages are those of the month; each invitee is on one page.
#[test]
fn a_month_is_the_sum_of_its_pages() {
    World::run(async |world| {
        invited(world).await;
        let code = world.code("ann").await;
        for number in 0..9 {
            world.register(&format!("friend{number}"), Some(&code)).await;
        }
        for turn in 0..4 {
            for number in 0..9 {
                let order = json!({"offer_id": "o100", "provider": "stripe"});
                let order = world.order(&format!("friend{}", (number * 2 + turn) % 9), order).await;
                world.pay(&order, json!({})).await;
            }
            world.settle().await;
            world.advance(61).await;
        }
        let mut body = json!({"programme": "affiliate", "month": "2026-11", "settings": {"default_rate": "0.2"}});
        let mut users = Vec::new();
        let mut pages = 0;
        loop {
            let page = world.admin().post(SIMULATIONS, body.clone()).await.is(200);
            pages += 1;
            users.extend(page["users"].as_array().unwrap().clone());
            if page["next_cursor"].is_null() {
                break;
            }
            body["cursor"] = page["next_cursor"].clone();
        }
        assert!(pages > 1, "36 orders, 25 on a page");
        let invitees: BTreeSet<&str> = users.iter().map(|user| user["invitee_id"].as_str().unwrap()).collect();
        assert_eq!((users.len(), invitees.len()), (9, 9), "each invitee once");
        assert!(users.iter().all(|user| sums(user) == ["4.16666664", "8.33333331", "4.16666667"]), "{users:?}");
        body["settings"] = json!({"default_rate": "0.3"});
        world.admin().post(SIMULATIONS, body).await.refused(400, "forged_cursor");
        world.settle().await;
    });
}

/// R12.5: a draft shows which rewards the month's sign-ups would have made; under its own settings the past is the past.
#[test]
fn a_draft_shows_which_rewards_there_would_have_been() {
    World::run(async |world| {
        world.open().await;
        let rewards = |settings: &mut Value| {
            settings["registration"] = json!({"inviter_reward": "1", "invitee_reward": "0.5"});
            settings["qualified"] = json!({"threshold": "150", "inviter_reward": "4", "invitee_reward": "2"});
        };
        world.settings("referral", rewards).await;
        world.advance(61).await;
        world.register("ann", None).await;
        let code = world.code("ann").await;
        for name in ["bob", "cid"] {
            world.register(name, Some(&code)).await;
        }
        world.settle().await;
        pay(world, "bob", "o100").await;
        pay(world, "bob", "o100").await;
        pay(world, "cid", "o100").await;
        let page = run(world, "referral", json!({})).await;
        assert_eq!(sums(&page), ["9", "9", "0"], "two sign-ups, and Bob has paid enough: {page}");
        let qualified = json!({"threshold": "90", "inviter_reward": "4", "invitee_reward": "0"});
        let page = run(world, "referral", json!({"qualified": qualified})).await;
        let [ann, bob, cid] = [id_of(world, "ann").await, id_of(world, "bob").await, id_of(world, "cid").await];
        let mut found = rows(&page);
        found.sort_by_key(|(user, invitee, _)| (user.to_string(), invitee.to_string()));
        let mut expected = vec![
            (&ann, &bob, ["5", "5", "0"]),
            (&ann, &cid, ["1", "5", "4"]),
            (&bob, &bob, ["2.5", "0.5", "-2"]),
            (&cid, &cid, ["0.5", "0.5", "0"]),
        ];
        expected.sort_by_key(|(user, invitee, _)| (user.to_string(), invitee.to_string()));
        assert_eq!(found, expected);
        assert_eq!(sums(&run(world, "referral", json!({"enabled": false})).await), ["9", "0", "-9"]);
        world.settle().await;
    });
}

/// R12.5, R10.2: rewards that were rejected for risk are not simulated, whatever a draft promises.
#[test]
fn what_was_rejected_is_not_simulated() {
    World::run(async |world| {
        let code = risk::programmes(world).await;
        world.settings("risk", |settings| settings["email_alias"] = json!("hold")).await;
        for name in ["bob", "bob+1"] {
            world.register(name, Some(&code)).await;
        }
        world.settle().await;
        let id = id_of(world, "bob+1").await;
        let path = format!("/v1/admin/risk/cases/{}/reject", id.as_str().unwrap());
        world.admin().post(&path, json!({"reason": "the same person"})).await.is(200);
        world.settle().await;
        // The other trigger holds by then, and rests on the same case.
        pay(world, "bob+1", "o100").await;
        let draft = json!({
            "registration": {"inviter_reward": "9", "invitee_reward": "1"},
            "qualified": {"threshold": "0.01", "inviter_reward": "9", "invitee_reward": "9"},
        });
        let page = run(world, "referral", draft).await;
        let (ann, bob) = (id_of(world, "ann").await, id_of(world, "bob").await);
        let mut found = rows(&page);
        found.sort_by_key(|(user, _, _)| *user == &bob);
        assert_eq!(found, [(&ann, &bob, ["2", "9", "7"]), (&bob, &bob, ["1", "1", "0"])]);
    });
}

/// R12.5: a draft shows which bonuses the month's sign-ups would have had; under its own settings the past is the past.
#[test]
fn a_draft_shows_which_bonuses_there_would_have_been() {
    World::run(async |world| {
        world.open().await;
        for name in ["ann", "bob", "eve"] {
            world.register(name, None).await;
        }
        pay(world, "ann", "o100").await;
        pay(world, "ann", "o100").await;
        world.advance(30 * 3_600).await;
        for name in ["admin", "ann", "bob"] {
            world.sign_in(name).await;
        }
        pay(world, "bob", "o100").await;
        let page = run(world, "promotion", json!({})).await;
        let [real, simulated, difference] = sums(&page);
        assert!(real != "0" && real == simulated && difference == "0", "{page}");
        assert_eq!(rows(&page).len(), 2, "Eve has not paid");
        assert!(rows(&page).iter().all(|(_, invitee, sums)| invitee.is_null() && sums[2] == "0"));
        let flat = json!({"tiers": [{"hours": 20, "percent": "100"}], "duration_hours": 20});
        let page = run(world, "promotion", flat).await;
        let ann = id_of(world, "ann").await;
        let of_ann = rows(&page).into_iter().find(|(user, _, _)| **user == ann).unwrap();
        assert_eq!(of_ann.2[1], "13.88888888", "all of the first order's credit, once: {page}");
        assert_eq!(sums(&page)[1], "13.88888888", "Bob paid too late for it");
        let unreached = run(world, "promotion", json!({"min_amount": "1000"})).await;
        assert_eq!(sums(&unreached)[1], "0");
        world.settle().await;
    });
}

/// R12.5: a draft obeys the rules of the settings, with a pointer to each field that breaks one.
#[test]
fn a_draft_obeys_the_rules_of_the_settings() {
    World::run(async |world| {
        let ask =
            |month: &str, settings: Value| json!({"programme": "affiliate", "month": month, "settings": settings});
        let wrong = [
            (json!({"programme": "payment", "month": "2026-11", "settings": {}}), "/programme"),
            (ask("2027-01", json!({})), "/month"),
            (ask("soon", json!({})), "/month"),
            (ask("2026-11", json!([])), "/settings"),
            (ask("2026-11", json!({"default_rate": "2"})), "/settings/default_rate"),
            (ask("2026-11", json!({"rate": "0.2"})), "/settings/rate"),
        ];
        for (body, pointer) in wrong {
            let refused = world.admin().post(SIMULATIONS, body.clone()).await.refused(422, "invalid");
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}");
        }
        assert_eq!(sums(&run(world, "affiliate", json!({})).await), ["0", "0", "0"]);
    });
}
