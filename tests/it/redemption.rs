//! Redemption codes (R7): batches, redeeming, and an admin's changes to codes.

mod admin;
mod brought;
pub mod hashed;
mod undo;

use serde_json::{Value, json};

use crate::world::World;

/// Redeems a code and returns the subscription's new end, which the list of subscriptions must match.
async fn end_after(world: &World, name: &str, code: &str) -> String {
    let redeemed = world.redeem(name, code).await.is(201);
    let end = redeemed["subscription"]["expires_at"].clone();
    let listed = world.user(name).get("/v1/subscriptions").await.is(200);
    let ours = listed["items"].as_array().unwrap().iter().find(|item| item["id"] == redeemed["subscription"]["id"]);
    assert_eq!(ours.unwrap()["expires_at"], end);
    end.as_str().unwrap().to_owned()
}

pub async fn pro(world: &World, quota: u32) -> String {
    world.plan(json!({"name": "Pro", "quota": quota, "on_sale": true, "traffic_bytes": 1_000_000})).await
}

pub fn time_on(plan: &str, unit: &str, quantity: u32, total_uses: u32) -> Value {
    json!({"label": "time", "count": 1, "plan_id": plan, "unit": unit, "quantity": quantity, "total_uses": total_uses})
}

pub fn credit(amount: &str, count: u32, total_uses: u32) -> Value {
    json!({"label": "credit", "count": count, "credit": amount, "total_uses": total_uses})
}

/// G5: a pasted code is read whatever its white space, dashes, width and case; so is an invite code.
#[test]
fn pasted_codes_are_read() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let batch = json!({"label": "x", "count": 1, "credit": "1", "total_uses": 0, "per_user_limit": 100});
        let code = world.codes(batch).await.remove(0);
        let plain: String = code.chars().filter(|symbol| *symbol != '-').collect();
        let wide = |text: &str| -> String {
            text.chars().map(|symbol| char::from_u32(u32::from(symbol) + 0xfee0).unwrap()).collect()
        };
        let pasted = [
            format!("{code}\n"),
            format!("\t{}\u{a0}", code.to_lowercase()),
            code.replace('-', "\u{2013}"),
            code.replace('-', "\u{3000}\u{2212} "),
            wide(&plain),
            format!("\u{feff}{plain}\u{200b}"),
        ];
        for (number, text) in pasted.iter().enumerate() {
            world.redeem("bob", text).await.is(201);
            assert_eq!(world.balance("bob").await, (number + 1).to_string(), "{text:?}");
        }
        let invite = world.code("bob").await;
        let half = format!(" {}\u{2014}{}\r\n", wide(&invite[..4]), invite[4..].to_lowercase());
        for (name, text) in [("ann", half), ("cid", wide(&invite))] {
            assert_eq!(world.register(name, Some(&text)).await["referral"], json!({"applied": true}), "{text:?}");
        }
        let adjust = json!({"amount": "\u{a0}2.5\n", "remark": "pasted"});
        let me = world.user("bob").get("/v1/me").await.is(200);
        let path = format!("/v1/admin/users/{}/adjustments", me["id"].as_str().unwrap());
        assert_eq!(world.admin().once().post(&path, adjust).await.is(200)["amount"]["amount"], "2.5");
        let inside = json!({"amount": "2 5", "remark": "pasted"});
        world.admin().once().post(&path, inside).await.refused(422, "invalid");
    });
}

/// R7.4: redeeming extends the expiry by calendar months in UTC; the subscription keeps its id.
#[test]
fn redeeming_moves_the_expiry_by_calendar_months() {
    World::run(async |world| {
        world.register("ann", None).await;
        let plan = pro(world, 0).await;
        let month = world.codes(time_on(&plan, "month", 1, 10)).await.remove(0);
        // Now is 2026-11-20T10:00:00Z and some milliseconds.
        let first = world.redeem("ann", &month).await.is(201);
        assert!(first["subscription"]["expires_at"].as_str().unwrap().starts_with("2026-12-20T10:00:0"), "{first}");
        assert_eq!(first["subscription"]["previous_expires_at"], Value::Null);
        assert_eq!(first["subscription"]["plan"]["name"], "Pro");
        assert_eq!(first["benefit"], json!({"kind": "plan", "plan_id": plan, "unit": "month", "quantity": 1}));
        let two = world.codes(time_on(&plan, "month", 2, 1)).await.remove(0);
        let second = world.redeem("ann", &two).await.is(201);
        assert_eq!(second["subscription"]["id"], first["subscription"]["id"]);
        assert_eq!(second["subscription"]["starts_at"], first["subscription"]["starts_at"]);
        assert_eq!(second["subscription"]["previous_expires_at"], first["subscription"]["expires_at"]);
        assert!(second["subscription"]["expires_at"].as_str().unwrap().starts_with("2027-02-20T10:00:0"), "{second}");
    });
}

/// R7.4: an expired subscription is extended from now.
/// The units are one day, three months for a quarter, six for a half year, twelve for a year.
#[test]
fn an_expired_subscription_goes_on_from_now() {
    World::run(async |world| {
        world.register("ann", None).await;
        let plan = pro(world, 0).await;
        let day = world.codes(time_on(&plan, "day", 1, 1)).await.remove(0);
        assert!(end_after(world, "ann", &day).await.starts_with("2026-11-21T10:00:0"));
        world.advance(72 * 3_600).await;
        world.sign_in("ann").await;
        world.sign_in("admin").await;
        let listed = world.user("ann").get("/v1/subscriptions").await.is(200);
        assert_eq!(listed["items"][0]["state"], "expired");
        for (unit, until) in
            [("quarter", "2027-02-23T10:00:0"), ("half_year", "2027-08-23T10:00:0"), ("year", "2028-08-23T10:00:0")]
        {
            let code = world.codes(time_on(&plan, unit, 1, 1)).await.remove(0);
            let end = end_after(world, "ann", &code).await;
            assert!(end.starts_with(until), "{unit}: {end}");
        }
        assert_eq!(world.user("ann").get("/v1/subscriptions").await.is(200)["items"].as_array().unwrap().len(), 1);
    });
}

/// R7.4: `new_subscription` starts another one; without it the one that ends last is extended.
#[test]
fn a_new_subscription_is_begun_when_it_is_wanted() {
    World::run(async |world| {
        world.register("ann", None).await;
        let plan = pro(world, 0).await;
        let year = world.codes(time_on(&plan, "year", 1, 1)).await.remove(0);
        let month = world
            .codes(json!({"label": "m", "count": 2, "plan_id": plan, "unit": "month", "quantity": 1, "total_uses": 1}))
            .await;
        let long = world.redeem("ann", &year).await.is(201);
        let wanted = json!({"code": month[0], "new_subscription": true});
        let short = world.user("ann").once().post("/v1/redemptions", wanted).await.is(201);
        assert_ne!(short["subscription"]["id"], long["subscription"]["id"]);
        let extended = world.redeem("ann", &month[1]).await.is(201);
        assert_eq!(extended["subscription"]["id"], long["subscription"]["id"]);
        assert!(extended["subscription"]["expires_at"].as_str().unwrap().starts_with("2027-12-20T10:00:0"));
    });
}

/// R7.3, R1.6: a code for balance credits once, with a statement line of type `redeem`.
/// A repeat replays the first response.
#[test]
fn a_code_for_balance_credits_once() {
    World::run(async |world| {
        world.register("ann", None).await;
        let code = world.codes(credit("5.5", 1, 1)).await.remove(0);
        let body = json!({"code": code.to_lowercase().replace('-', " ")});
        let first = world.user("ann").key("k").post("/v1/redemptions", body.clone()).await.is(201);
        assert_eq!(first["credit"], json!({"amount": "5.5", "currency": "USD"}));
        assert_eq!(world.balance("ann").await, "5.5");
        let again = world.user("ann").key("k").post("/v1/redemptions", body).await;
        assert_eq!(again.headers["idempotency-replayed"], "true");
        assert_eq!(again.is(201), first);
        world
            .user("ann")
            .key("k")
            .post("/v1/redemptions", json!({"code": "AAAA"}))
            .await
            .refused(404, "code_not_found");
        assert_eq!(world.balance("ann").await, "5.5");
        let records = world.user("ann").get("/v1/balance/records").await.is(200);
        assert_eq!(
            (&records["items"][0]["type"], &records["items"][0]["related_id"]),
            (&json!("redeem"), &first["id"])
        );
        let shown = first["code"].as_str().unwrap();
        assert!(shown.contains("****") && !first.to_string().contains(&code), "{first}");
        let mine = world.user("ann").get("/v1/redemptions").await.is(200);
        assert_eq!(mine["items"], json!([first]));
    });
}

/// R7.2: a per-user limit counts one user's uses, not those of others.
#[test]
fn one_user_may_redeem_as_often_as_the_limit_says() {
    World::run(async |world| {
        world.register("ann", None).await;
        world.register("bob", None).await;
        let mut body = credit("1", 1, 0);
        body["per_user_limit"] = json!(3);
        let code = world.codes(body).await.remove(0);
        for _ in 0..3 {
            world.redeem("ann", &code).await.is(201);
        }
        world.redeem("ann", &code).await.refused(409, "already_redeemed");
        world.redeem("bob", &code).await.is(201);
        assert_eq!((world.balance("ann").await, world.balance("bob").await), ("3".to_owned(), "1".to_owned()));
    });
}

/// R7.5: the quota refuses a new subscription and never an extension; a plan off sale refuses both.
#[test]
fn the_plan_quota_refuses_a_new_subscription_only() {
    World::run(async |world| {
        world.register("ann", None).await;
        let plan = pro(world, 1).await;
        let code = |label: &str| json!({"label": label, "count": 1, "plan_id": plan, "unit": "day", "quantity": 1, "total_uses": 1});
        let first = world.codes(code("one")).await.remove(0);
        world.redeem("ann", &first).await.is(201);
        let second = world.codes(code("two")).await.remove(0);
        let new = json!({"code": second, "new_subscription": true});
        world.user("ann").once().post("/v1/redemptions", new.clone()).await.refused(409, "plan_quota");
        world.redeem("ann", &second).await.is(201);
        let third = world.codes(code("three")).await.remove(0);
        let path = format!("/v1/admin/plans/{plan}");
        let off = json!({"name": "Pro", "quota": 1, "on_sale": false});
        world.admin().put(&path, off.clone()).await.refused(428, "precondition_required");
        world.admin().header("if-match", "\"9\"").put(&path, off.clone()).await.refused(412, "version_mismatch");
        world.admin().header("if-match", "\"1\"").put(&path, off).await.is(200);
        world.redeem("ann", &third).await.refused(409, "plan_off_sale");
        let subscriptions = world.user("ann").get("/v1/subscriptions").await.is(200);
        assert!(subscriptions["items"][0]["expires_at"].as_str().unwrap().starts_with("2026-11-22T10:00:0"));
    });
}

/// R7.6: a redemption is no purchase: no qualification, no reward, no use of the promotion.
#[test]
fn a_redemption_is_not_a_purchase() {
    World::run(async |world| {
        world.open().await;
        world.register("ann", None).await;
        world.register("bob", Some(&world.code("ann").await)).await;
        let code = world.codes(credit("1000", 1, 1)).await.remove(0);
        world.redeem("bob", &code).await.is(201);
        world.settle().await;
        assert_eq!(world.user("bob").get("/v1/promotion").await.is(200)["status"], "active");
        let referral = world.user("ann").get("/v1/referral").await.is(200);
        assert_eq!((&referral["stats"]["qualified"], &referral["stats"]["earned"]["amount"]), (&json!(0), &json!("0")));
        let order = world.order("bob", json!({"amount": "20", "provider": "zpay"})).await;
        world.pay(&order, json!({})).await;
        world.settle().await;
        assert_eq!(world.balance("ann").await, "3");
    });
}

/// R7.7: a real code that fails gets the exact reason.
#[test]
fn a_real_code_says_why_it_fails() {
    World::run(async |world| {
        world.register("ann", None).await;
        world.register("bob", None).await;
        let codes = world.codes(credit("1", 6, 1)).await;
        let put = async |code: &str, body: Value| {
            world.admin().put(&format!("/v1/admin/redemption/codes/{code}"), body).await.is(200);
        };
        world.redeem("bob", &codes[0]).await.is(201);
        put(&codes[1], json!({"starts_at": "2026-11-20T11:00:00Z"})).await;
        put(&codes[2], json!({"expires_at": "2026-11-20T10:00:00Z"})).await;
        world
            .admin()
            .put(&format!("/v1/admin/redemption/codes/{}/status", codes[3]), json!({"enabled": false}))
            .await
            .is(200);
        world.admin().raw("DELETE", &format!("/v1/admin/redemption/codes/{}", codes[4]), "").await.is(204);
        for (index, status, code) in [
            (0, 409, "code_used_up"),
            (1, 409, "code_not_yet_valid"),
            (2, 409, "code_expired"),
            (3, 409, "code_disabled"),
            (4, 404, "code_not_found"),
        ] {
            world.redeem("ann", &codes[index]).await.refused(status, code);
        }
        world.redeem("bob", &codes[0]).await.refused(409, "already_redeemed");
        assert_eq!(world.balance("ann").await, "0");
        world.advance(3_600).await;
        world.sign_in("ann").await;
        world.redeem("ann", &codes[1]).await.is(201);
        assert_eq!(world.balance("ann").await, "1");
        world.sign_in("admin").await;
        world.settings("redemption", |settings| settings["enabled"] = json!(false)).await;
        world.redeem("ann", &codes[5]).await.refused(409, "programme_off");
    });
}

/// R7.7: malformed codes never reach the database.
/// Unknown and deleted codes count as guesses: twenty in an hour from the first.
#[test]
fn guessing_codes_ends_after_twenty_in_an_hour_from_the_first() {
    World::run(async |world| {
        world.register("ann", None).await;
        let good = world.codes(credit("1", 1, 1)).await.remove(0);
        world.stack.dynamo.reset();
        let long = "A".repeat(33);
        for bad in ["", "AAAA", "AAAAA", &long, "AAAA-AAAA-AAAA-AAA_", "'; DROP TABLE codes"] {
            world.redeem("ann", bad).await.refused(404, "code_not_found");
        }
        assert_eq!(world.stack.dynamo.used().values().map(|usage| usage.calls).sum::<u64>(), 0);
        // Start the window between full hours.
        world.advance(1_800).await;
        world.sign_in("ann").await;
        for _ in 0..20 {
            world.redeem("ann", &hashed::never_made(1)).await.refused(404, "code_not_found");
        }
        let limited = world.redeem("ann", &good).await;
        let wait: u64 = limited.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((3_590..=3_600).contains(&wait), "{wait}");
        limited.refused(429, "rate_limited");
        world.advance(3_500).await;
        world.sign_in("ann").await;
        world.redeem("ann", &good).await.refused(429, "rate_limited");
        world.advance(101).await;
        world.redeem("ann", &good).await.is(201);
    });
}

/// R2.8: a blocked user can't redeem.
#[test]
fn a_blocked_user_redeems_nothing() {
    World::run(async |world| {
        let ann = world.register("ann", None).await["user"]["id"].as_str().unwrap().to_owned();
        let code = world.codes(credit("1", 1, 1)).await.remove(0);
        let status = format!("/v1/admin/users/{ann}/status");
        world.admin().put(&status, json!({"status": "blocked", "reason": "fraud"})).await.is(200);
        world.redeem("ann", &code).await.refused(403, "account_blocked");
        world.admin().put(&status, json!({"status": "active", "reason": "no fraud"})).await.is(200);
        world.sign_in("ann").await;
        world.redeem("ann", &code).await.is(201);
        assert_eq!(world.balance("ann").await, "1");
    });
}

/// performance.md: a redemption for time is three round trips and at most 12 units.
/// A balance redemption also writes the user's item and the statement line.
#[test]
fn redeeming_costs_what_its_budget_says() {
    World::run(async |world| {
        for name in ["ann", "bob"] {
            world.register(name, None).await;
        }
        let plan = pro(world, 0).await;
        let time = world.codes(time_on(&plan, "month", 1, 200)).await.remove(0);
        let money = world.codes(credit("5", 1, 10)).await.remove(0);
        world.redeem("bob", &money).await.is(201);
        world.settle().await;
        let cost = async |code: &str| {
            world.stack.dynamo.reset();
            world.redeem("ann", code).await.is(201);
            let used = world.stack.dynamo.used();
            let calls: Vec<(String, u64)> = used.iter().map(|(name, usage)| (name.clone(), usage.calls)).collect();
            (calls, used.values().map(|usage| usage.write_units).sum::<u64>())
        };
        let calls = |query: u64| {
            let all = [("BatchGetItem", 2), ("DeleteItem", 1), ("Query", query), ("TransactWriteItems", 1)];
            let made = all.into_iter().filter(|(_, calls)| *calls > 0);
            made.map(|(name, calls)| (name.to_owned(), calls)).collect::<Vec<_>>()
        };
        // One unit of each is the deletion of the outbox item, after the commit.
        assert_eq!(cost(&time).await, (calls(1), 12 + 1));
        assert_eq!(cost(&money).await, (calls(0), 15 + 1));
    });
}
