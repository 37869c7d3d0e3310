//! Programmes that run for a time (R10.4).

use serde_json::{Value, json};

use crate::affiliate::commission::totals;
use crate::world::World;

/// Runs a programme from 12:00 to 14:00; the test begins at 10:00.
async fn from_noon(world: &World, area: &str) {
    let window = |settings: &mut Value| {
        settings["enabled"] = json!(true);
        settings["starts_at"] = json!("2026-11-20T12:00:00Z");
        settings["ends_at"] = json!("2026-11-20T14:00:00Z");
    };
    world.settings(area, window).await;
}

/// Moves the clock to so many seconds before or after a full hour, and signs everybody in again.
async fn until(world: &World, hour: &str, names: &[&str]) {
    let wanted: jiff::Timestamp = format!("2026-11-20T{hour}Z").parse().unwrap();
    let now = world.stack.app.clock.now();
    world.advance(u64::try_from(wanted.duration_since(now).as_secs()).unwrap()).await;
    for name in names {
        world.sign_in(name).await;
    }
}

/// R10.4, R3.8: referrals promise rewards from the start of the programme, inclusive, to its end. What was promised is granted after.
#[test]
fn a_referral_programme_runs_from_its_start_to_its_end() {
    World::run(async |world| {
        world.register("ann", None).await;
        let code = world.code("ann").await;
        from_noon(world, "referral").await;
        world.settings("referral", |settings| settings["registration"]["inviter_reward"] = json!("1")).await;
        let shown = world.admin().get("/v1/admin/settings/referral").await.is(200);
        assert_eq!(shown["settings"]["enabled"], json!(true), "what an admin edits is the document");
        let rewards = async || {
            world.settle().await;
            let list = world.user("ann").get("/v1/referral/rewards").await.is(200);
            list["items"].as_array().unwrap().len()
        };
        for (hour, name, expected) in
            [("11:59:59", "bob", 0), ("12:00:00", "carol", 1), ("13:59:59", "dave", 2), ("14:00:00", "eve", 2)]
        {
            until(world, hour, &["admin", "ann"]).await;
            world.register(name, Some(&code)).await;
            assert_eq!(rewards().await, expected, "{hour}");
        }
        assert_eq!(world.balance("ann").await, "2");
    });
}

/// R10.4: orders earn commission while the affiliate programme runs; the promotion enrols while it runs.
#[test]
fn affiliates_and_the_promotion_run_for_their_time() {
    World::run(async |world| {
        world.settings("payment", |settings| settings["enabled"] = json!(true)).await;
        world.settings("referral", |settings| settings["enabled"] = json!(true)).await;
        for area in ["affiliate", "promotion"] {
            from_noon(world, area).await;
        }
        world.register("ann", None).await;
        let code = world.code("ann").await;
        world.register("bob", Some(&code)).await;
        let promotion = async |name: &str| {
            world.user(name).get("/v1/promotion").await.is(200)["status"].as_str().unwrap().to_owned()
        };
        assert_eq!(promotion("bob").await, "none");
        for (hour, name, enrolled, earned) in [
            ("11:59:59", "carol", "none", "0"),
            ("12:00:00", "dave", "active", "1.38888888"),
            ("14:00:00", "eve", "none", "1.38888888"),
        ] {
            until(world, hour, &["admin", "ann", "bob"]).await;
            world.register(name, None).await;
            assert_eq!(promotion(name).await, enrolled, "{hour}");
            let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
            world.pay(&order, json!({})).await;
            world.settle().await;
            assert_eq!(totals(world).await[1], earned, "{hour}");
        }
    });
}

/// R10.4: a programme ends after it starts, and its times are times.
#[test]
fn a_window_that_ends_before_it_starts_is_refused() {
    World::run(async |world| {
        for area in ["referral", "affiliate", "promotion"] {
            let path = format!("/v1/admin/settings/{area}");
            let read = world.admin().get(&path).await.is(200);
            assert_eq!((&read["settings"]["starts_at"], &read["settings"]["ends_at"]), (&Value::Null, &Value::Null));
            for (field, value, pointer) in [
                ("ends_at", json!("2026-11-20T12:00:00Z"), "/ends_at"),
                ("starts_at", json!("at noon"), "/starts_at"),
                ("starts_at", json!(12), "/starts_at"),
            ] {
                let mut settings = read["settings"].clone();
                settings["starts_at"] = json!("2026-11-20T12:00:00Z");
                settings[field] = value;
                let put = world.admin().header("if-match", "0").put(&path, settings).await;
                assert_eq!(put.refused(422, "invalid")["errors"][0]["pointer"], pointer, "{area}");
            }
        }
    });
}
