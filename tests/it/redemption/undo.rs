//! Undo of a redemption (R7.8, R1.7).

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::app::App;
use shared::kernel::id::{RedemptionId, UserId};
use shared::redemption::undo_redemption::{Undo, undo_redemption};
use shared::table::system::Clock;

use super::{credit, pro, time_on};
use crate::race::together;
use crate::world::{Answer, World};
use shared::table::context::Ctx;

const RECORDS: &str = "/v1/admin/redemption/records";

async fn undo(world: &World, redemption: &Value, key: &str) -> Answer {
    let path = format!("{RECORDS}/{}/undo", redemption["id"].as_str().unwrap());
    world.admin().key(key).post(&path, json!({"reason": "sent to the wrong person"})).await
}

/// R1.7, R7.8: an undo takes the credit back once; spent credit becomes debt.
/// The use is free again, also for the same user.
#[test]
fn a_credit_is_taken_back_and_its_use_is_free_again() {
    World::run(async |world| {
        let bob = world.register("bob", None).await["user"]["id"].as_str().unwrap().to_owned();
        world.register("ann", None).await;
        let code = world.codes(credit("5", 1, 1)).await.remove(0);
        let redeemed = world.redeem("bob", &code).await.is(201);
        let spent = json!({"amount": "-2", "remark": "spent"});
        world.admin().once().post(&format!("/v1/admin/users/{bob}/adjustments"), spent).await.is(200);
        let undone = undo(world, &redeemed, "k").await.is(200);
        assert_eq!(undone["undone_because"], "sent to the wrong person");
        assert_eq!(undo(world, &redeemed, "k").await.headers["idempotency-replayed"], "true");
        assert_eq!(undo(world, &redeemed, "other").await.is(200)["undone_at"], undone["undone_at"]);
        let me = world.user("bob").get("/v1/me").await.is(200);
        assert_eq!((&me["balance"]["amount"], &me["debt"]["amount"]), (&json!("0"), &json!("2")));
        let mine = world.user("bob").get("/v1/redemptions").await.is(200);
        assert_eq!(mine["items"][0]["undone_at"], undone["undone_at"]);
        world.settle().await;
        let stats = world.admin().get("/v1/admin/stats").await.is(200);
        assert_eq!((&stats["redemptions"]["balance"], &stats["redemptions"]["undone"]), (&json!(0), &json!(1)));

        world.redeem("bob", &code).await.is(201);
        assert_eq!(world.balance("bob").await, "3");
        world.redeem("bob", &code).await.refused(409, "already_redeemed");
        world.redeem("ann", &code).await.refused(409, "code_used_up");
        let audit = world.admin().get(&format!("/v1/admin/audit?subject={}", redeemed["id"].as_str().unwrap())).await;
        assert_eq!(audit.is(200)["items"].as_array().unwrap().len(), 1);
    });
}

/// R7.8: an undo removes the unused plan time; time added since stays.
#[test]
fn time_that_is_not_over_is_taken_off() {
    World::run(async |world| {
        world.register("bob", None).await;
        let plan = pro(world, 0).await;
        let code = world.codes(time_on(&plan, "day", 30, 200)).await.remove(0);
        let more = world.codes(time_on(&plan, "day", 10, 0)).await.remove(0);
        let first = world.redeem("bob", &code).await.is(201);
        world.redeem("bob", &more).await.is(201);
        world.advance(5 * 86_400).await;
        world.sign_in("admin").await;
        world.sign_in("bob").await;
        let undone = undo(world, &first, "k").await.is(200);
        assert_eq!(undone["user_id"].as_str().unwrap().get(..4), Some("usr_"));
        let held = world.user("bob").get("/v1/subscriptions").await.is(200)["items"][0].clone();
        // 40 days less 25 of the first 30.
        assert_eq!(
            (held["expires_at"].as_str().unwrap().get(..10), &held["state"]),
            (Some("2026-12-05"), &json!("active"))
        );
        let again = world.redeem("bob", &code).await.is(201);
        assert_eq!(again["subscription"]["expires_at"].as_str().unwrap().get(..10), Some("2027-01-04"));
    });
}

/// R7.8: simultaneous undos take effect once; an unknown redemption can't be undone.
#[test]
fn a_redemption_is_taken_back_once() {
    World::run(async |world| {
        world.register("bob", None).await;
        let code = world.codes(credit("5", 1, 0)).await.remove(0);
        let redeemed = world.redeem("bob", &code).await.is(201);
        let path = format!("{RECORDS}/{}/undo", redeemed["id"].as_str().unwrap());
        let asks = (0..32).map(|n| {
            let (path, key) = (path.clone(), format!("k{n}"));
            async move { world.admin().key(&key).post(&path, json!({"reason": "twice"})).await }
        });
        let answers = together(asks.collect()).await;
        assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
        assert_eq!(world.balance("bob").await, "0");
        let missing = format!("{RECORDS}/rdm_01k9zq4r7x8m2v5b3n6c1d0fgh/undo");
        world.admin().once().post(&missing, json!({"reason": "x"})).await.refused(404, "not_found");
        world.admin().once().post(&path, json!({"reason": " "})).await.refused(422, "invalid");
        world.admin().post(&path, json!({"reason": "x"})).await.refused(400, "idempotency_key_required");
    });
}

/// R7.8: an undo computes the unused time at one instant, however long its commit takes.
/// The redemption, the subscription and the auditor agree.
#[test]
fn time_is_taken_off_at_one_instant() {
    World::run(async |world| {
        world.register("bob", None).await;
        let plan = pro(world, 0).await;
        let code = world.codes(time_on(&plan, "day", 30, 1)).await.remove(0);
        let redeemed = world.redeem("bob", &code).await.is(201);
        let app = &world.stack.app;
        let (real, looks) = (app.clock.clone(), AtomicI64::new(0));
        let slow = move || real.now() + SignedDuration::from_secs(looks.fetch_add(1, Ordering::Relaxed));
        let mut late = App::clone(app);
        late.executor.clock = Clock::new(slow);
        let ask = Undo {
            redemption: RedemptionId::parse(redeemed["id"].as_str().unwrap()).unwrap(),
            reason: "slowly".to_owned(),
            admin: UserId::new(ulid::Ulid::from_parts(1, 1)),
        };
        let done = undo_redemption(&late, &Ctx::system(), &ask).await.unwrap().answer;
        let undone = done.undone.unwrap();
        assert_eq!(undone.extension.unwrap().expires_at, undone.at);
    });
}
