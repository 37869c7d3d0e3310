//! Invite codes beside the primary one, and the policy that lets them bind (R6.1, R6.2).

use serde_json::{Value, json};

use super::{hundred, invited, totals};
use crate::race::together;
use crate::world::World;

async fn made(world: &World, label: &str) -> String {
    let made = world.user("ann").once().post("/v1/affiliate/codes", json!({"label": label})).await.is(201);
    made["code"].as_str().unwrap().to_owned()
}

async fn codes(world: &World) -> Vec<Value> {
    world.user("ann").get("/v1/affiliate/codes").await.is(200)["items"].as_array().unwrap().clone()
}

async fn registered(world: &World, name: &str, code: &str) -> Value {
    world.register(name, Some(code)).await["referral"].clone()
}

async fn set_policy(world: &World, policy: Value) -> Value {
    let ann = world.user("ann").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
    world.admin().put(&format!("/v1/admin/users/{ann}/affiliate-policy"), policy).await.is(200)
}

/// R6.2: a secondary code binds, and each code counts its own invitees.
#[test]
fn each_code_counts_whom_it_brought() {
    World::run(async |world| {
        invited(world).await;
        let code = made(world, "newsletter").await;
        for name in ["cid", "dan"] {
            assert_eq!(registered(world, name, &code.to_lowercase()).await["applied"], true);
        }
        world.settle().await;
        let shown: Vec<(bool, Value, u64)> = codes(world)
            .await
            .iter()
            .map(|of| (of["primary"] == true, of["label"].clone(), of["invitees"].as_u64().unwrap()))
            .collect();
        assert_eq!(shown.len(), 2);
        assert!(shown.contains(&(false, json!("newsletter"), 2)) && shown.contains(&(true, Value::Null, 1)));
        let overview = world.user("ann").get("/v1/affiliate").await.is(200);
        assert_eq!((&overview["invitees"], overview["codes"].as_array().unwrap().len()), (&json!(3), 2));
        let link = codes(world).await[0]["link"].as_str().unwrap().to_owned();
        assert!(link.contains("/register?ref="), "{link}");
    });
}

/// R3.9, R6.7: a user reads the terms that a referral or order made now would have, so that a page can say them.
#[test]
fn overviews_tell_the_terms_of_their_programmes() {
    World::run(async |world| {
        invited(world).await;
        world
            .settings("affiliate", |settings| {
                settings["hold_hours"] = json!(48);
                settings["cap_per_invitee"] = json!("2.5");
                settings["withdrawal_methods"] = json!(["paypal"]);
            })
            .await;
        world
            .settings("referral", |settings| {
                settings["enabled"] = json!(true);
                settings["max_invitees_per_user"] = json!(7);
                settings["qualified"]["inviter_reward"] = json!("3");
            })
            .await;
        world.advance(61).await;
        let usd = |amount: &str| json!({"amount": amount, "currency": "USD"});
        let affiliate = world.user("ann").get("/v1/affiliate").await.is(200)["terms"].clone();
        let expected = json!({"enabled": true, "hold_hours": 48, "valid_days": 0, "cap_per_invitee": usd("2.5"),
            "min_cash_withdrawal": usd("10"), "min_paying_invitees": 0,
            "withdrawal_methods": ["paypal"], "max_codes": 10});
        assert_eq!(affiliate, expected);
        let referral = world.user("ann").get("/v1/referral").await.is(200)["terms"].clone();
        let expected = json!({"registration": {"inviter": usd("0"), "invitee": usd("0")},
            "qualified": {"inviter": usd("3"), "invitee": usd("0")},
            "threshold": {"amount": "20.00", "currency": "CNY"}, "max_invitees": 7});
        assert_eq!(referral, expected);
    });
}

/// R6.2: of 64 simultaneous requests exactly ten create a secondary code.
/// Deactivating one frees its slot.
#[test]
fn sixty_four_codes_at_once_make_ten() {
    World::run(async |world| {
        invited(world).await;
        let asked = (0..64).map(|number| {
            let body = json!({"label": format!("code {number}")});
            world.user("ann").key(&format!("k{number}")).post("/v1/affiliate/codes", body)
        });
        let answers = together(asked.collect()).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 10);
        let refused = answers.into_iter().find(|answer| answer.status != 201).unwrap();
        refused.refused(409, "invite_code_limit");
        let beside: Vec<String> = codes(world)
            .await
            .iter()
            .filter(|of| of["primary"] == false)
            .map(|of| of["code"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(beside.len(), 10);
        world.user("ann").raw("DELETE", &format!("/v1/affiliate/codes/{}", beside[0]), "").await.is(200);
        made(world, "after").await;
        let one_more = world.user("ann").once().post("/v1/affiliate/codes", json!({})).await;
        one_more.refused(409, "invite_code_limit");
    });
}

/// R6.2: a deactivated code binds nobody and keeps its history. The primary code can't be deactivated.
#[test]
fn a_deactivated_code_binds_nobody_and_keeps_its_history() {
    World::run(async |world| {
        invited(world).await;
        let code = made(world, "old").await;
        registered(world, "cid", &code).await;
        let path = format!("/v1/affiliate/codes/{code}");
        world.user("bob").raw("DELETE", &path, "").await.refused(404, "not_found");
        for _ in 0..2 {
            assert_eq!(world.user("ann").raw("DELETE", &path, "").await.is(200)["active"], false);
        }
        assert_eq!(registered(world, "dan", &code).await, json!({"applied": false, "reason": "inactive"}));
        assert_eq!(world.nobody().get(&format!("/v1/referral-codes/{code}")).await.is(200)["valid"], false);
        world.settle().await;
        let shown = codes(world).await.into_iter().find(|of| of["code"] == code.as_str()).unwrap();
        assert_eq!((&shown["active"], &shown["invitees"]), (&json!(false), &json!(1)));
        let primary = world.code("ann").await;
        let answer = world.user("ann").raw("DELETE", &format!("/v1/affiliate/codes/{primary}"), "").await;
        answer.refused(403, "forbidden");
        world.user("ann").raw("DELETE", "/v1/affiliate/codes/%23", "").await.refused(404, "not_found");
    });
}

/// R6.1: without `can_invite` no codes are created and the existing ones do not bind.
/// Restoring it restores them.
#[test]
fn without_leave_to_invite_codes_bind_nothing() {
    World::run(async |world| {
        invited(world).await;
        let code = made(world, "mine").await;
        let primary = world.code("ann").await;
        set_policy(world, json!({"rate": "0.1", "trigger_limit": 3, "can_invite": false})).await;
        world.user("ann").once().post("/v1/affiliate/codes", json!({})).await.refused(409, "may_not_invite");
        for (name, code) in [("cid", &code), ("dan", &primary)] {
            assert_eq!(registered(world, name, code).await, json!({"applied": false, "reason": "inactive"}));
        }
        let back = set_policy(world, json!({"rate": "0.1", "trigger_limit": 3, "can_invite": true})).await;
        assert_eq!(back["affiliate_policy"]["can_invite"], true);
        for (name, code) in [("eve", &code), ("fay", &primary)] {
            assert_eq!(registered(world, name, code).await["applied"], true);
        }
    });
}

/// R6.1: a changed user rate holds for later orders only, and is audited.
#[test]
fn a_changed_rate_holds_for_later_orders() {
    World::run(async |world| {
        invited(world).await;
        let before = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        world.settings("affiliate", |settings| settings["default_rate"] = json!("0.5")).await;
        set_policy(world, json!({"rate": "0.2", "trigger_limit": 2, "can_invite": true})).await;
        world.pay(&before, json!({})).await;
        world.settle().await;
        assert_eq!(totals(world).await[1], "1.38888888");
        for _ in 0..2 {
            hundred(world).await;
        }
        assert_eq!(totals(world).await[1], "4.16666665", "0.2 of the second order; the third is above the limit");
        let ann = world.user("ann").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let audit = world.admin().get(&format!("/v1/admin/audit?subject={ann}")).await.is(200)["items"][0].clone();
        let shown = ["action", "before", "after"].map(|field| audit[field].as_str().unwrap().to_owned());
        assert_eq!(shown, ["user.affiliate_policy_set", "0.1 of 3", "0.2 of 2"]);
        for (policy, pointer) in [
            (json!({"rate": "1.1", "trigger_limit": 3, "can_invite": true}), "/rate"),
            (json!({"rate": "-0.1", "trigger_limit": 3, "can_invite": true}), "/rate"),
            (json!({"rate": "1e-1", "trigger_limit": 3, "can_invite": true}), "/rate"),
        ] {
            let answer = world.admin().put(&format!("/v1/admin/users/{ann}/affiliate-policy"), policy).await;
            assert_eq!(answer.refused(422, "invalid")["errors"][0]["pointer"], pointer);
        }
    });
}

/// R6.1, R2.8: a code created or deactivated while its owner is being blocked binds nobody.
#[test]
fn a_code_made_while_its_owner_is_blocked_binds_nobody() {
    for seed in 1..=6 {
        World::seeded(seed, async |world| {
            invited(world).await;
            let old = made(world, "old").await;
            let ann = world.user("ann").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
            let block = json!({"status": "blocked", "reason": "odd"});
            type Asked<'a> = std::pin::Pin<Box<dyn Future<Output = crate::world::Answer> + 'a>>;
            let asked: Vec<Asked<'_>> = vec![
                Box::pin(world.user("ann").key("k").post("/v1/affiliate/codes", json!({}))),
                Box::pin(world.admin().put(&format!("/v1/admin/users/{ann}/status"), block)),
                Box::pin(world.user("ann").raw("DELETE", &format!("/v1/affiliate/codes/{old}"), "")),
            ];
            let answers = together(asked).await;
            assert!([201, 403].contains(&answers[0].status) && answers[1].status == 200);
            let items = world.stack.items().unwrap();
            let codes = items.iter().filter(|item| shared::table::item::text(item, "type") == Some("invite"));
            let codes: Vec<String> =
                codes.map(|item| shared::table::item::text(item, "code").unwrap().to_owned()).collect();
            for (number, code) in codes.iter().enumerate() {
                assert_eq!(registered(world, &format!("late{number}"), code).await["applied"], false);
            }
        });
    }
}

/// R6.2, R3.8: a label is one short line; no codes are created while the programme is off.
#[test]
fn what_is_no_label_is_refused() {
    World::run(async |world| {
        invited(world).await;
        for label in ["", "  ", "a\nb", &"x".repeat(101)] {
            let answer = world.user("ann").once().post("/v1/affiliate/codes", json!({"label": label})).await;
            assert_eq!(answer.refused(422, "invalid")["errors"][0]["pointer"], "/label");
        }
        world.settings("affiliate", |settings| settings["enabled"] = json!(false)).await;
        world.user("ann").once().post("/v1/affiliate/codes", json!({})).await.refused(409, "programme_off");
        assert_eq!(codes(world).await.len(), 1, "the primary one");
    });
}
