//! Prefixes, brought codes, extensions and top-ups of batches (R7.10).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::credit;
use super::hashed::never_made;
use crate::race::{CLIENTS, Weight, race};
use crate::world::World;

const BATCHES: &str = "/v1/admin/redemption/batches";

/// A batch of these texts, each for 1 USD, once.
fn brought(codes: &[String]) -> Value {
    json!({"label": "from the old shop", "codes": codes, "credit": "1", "total_uses": 1})
}

fn texts(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}-{number:05}")).collect()
}

fn id(batch: &Value) -> String {
    batch["id"].as_str().unwrap().to_owned()
}

async fn exported(world: &World, batch: &str) -> Vec<String> {
    let file = world.admin().get(&format!("{BATCHES}/{batch}/export.csv")).await;
    file.text.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect()
}

/// R7.10: a prefix stands before each code, is found with it, and is checked with it.
#[test]
fn a_prefix_stands_before_each_code_and_is_checked_with_it() {
    World::run(async |world| {
        world.register("ann", None).await;
        let mut body = credit("1", 2, 1);
        body["prefix"] = json!("vip-0");
        let made = world.admin().once().post(BATCHES, body.clone()).await.is(201);
        let code = made["codes"][0].as_str().unwrap().to_owned();
        assert!(code.starts_with("VIP0-") && code.len() == 24, "{code}");
        assert_eq!(made["prefix"], "VIP0");
        world.stack.dynamo.reset();
        world.redeem("ann", &code.replace("VIP0", "VIP1")).await.refused(404, "code_not_found");
        assert!(world.stack.dynamo.used().is_empty());
        world.redeem("ann", &code.to_lowercase()).await.is(201);
        let path = format!("/v1/admin/redemption/codes?batch={}&code=VIP0", id(&made));
        assert_eq!(world.admin().get(&path).await.is(200)["items"].as_array().unwrap().len(), 2);
        for bad in ["V", "TOOLONG", "VI_P", ""] {
            body["prefix"] = json!(bad);
            let problem = world.admin().once().post(BATCHES, body.clone()).await.refused(422, "invalid");
            assert_eq!(problem["errors"][0]["pointer"], "/prefix", "{bad}");
        }
    });
}

/// R7.10: codes are brought all or none, each once, and none that another batch has.
#[test]
fn codes_are_brought_all_or_none() {
    World::run(async |world| {
        world.register("ann", None).await;
        let ours = world.codes(credit("1", 1, 1)).await.remove(0);
        let some = ["launch-2026-a".to_owned(), "Launch 2026 b".to_owned(), "OLD0001".to_owned()];
        let first = world.admin().once().post(BATCHES, brought(&some)).await.is(201);
        assert_eq!((&first["state"], &first["brought"]), (&json!("ready"), &json!(true)));
        assert_eq!(first["codes"], json!(["LAUNCH2026A", "LAUNCH2026B", "OLD0001"]));
        for (codes, pointer) in [
            (vec!["NEW00001".to_owned(), "old-0001".to_owned()], "/codes/1"),
            (vec!["NEW00001".to_owned(), "new 00001".to_owned()], "/codes/1"),
            (vec![ours.clone()], "/codes/0"),
            (vec!["AAAA-AAAA-AAAA-AAAA".to_owned()], "/codes/0"),
            (vec!["SHORT".to_owned()], "/codes/0"),
            (vec!["A".repeat(33)], "/codes/0"),
            (vec!["NEW00001".to_owned(), "A_B_C_D_E".to_owned()], "/codes/1"),
            (Vec::new(), "/codes"),
        ] {
            let problem = world.admin().once().post(BATCHES, brought(&codes)).await.refused(422, "invalid");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{codes:?}");
        }
        let mut both = brought(&["NEW00001".to_owned()]);
        both["count"] = json!(1);
        world.admin().once().post(BATCHES, both).await.refused(422, "invalid");
        world.redeem("ann", "NEW00001").await.refused(404, "code_not_found");
        world.redeem("ann", "old-0001").await.is(201);
        world.redeem("ann", "launch 2026-A").await.is(201);
        world.redeem("ann", "launch 2026-A").await.refused(409, "already_redeemed");
        assert_eq!(exported(world, &id(&first)).await, ["LAUNCH2026A", "LAUNCH2026B", "OLD0001"]);
        let records = world.admin().get("/v1/admin/redemption/records").await.is(200);
        assert_eq!(records["items"][0]["code"], "L-****-****-A", "little of a short code is shown");
        let path = format!("{BATCHES}/{}/codes", id(&first));
        world.admin().once().post(&path, json!({"count": 1})).await.refused(422, "invalid");
    });
}

/// R7.10: a text with the right check of ours may be brought: it was made here once. Another one of that form may not.
#[test]
fn a_code_of_ours_may_be_brought_back() {
    World::run(async |world| {
        world.register("ann", None).await;
        let code = never_made(5);
        let made = world.admin().once().post(BATCHES, brought(std::slice::from_ref(&code))).await.is(201);
        assert_eq!(made["codes"], json!([code]));
        world.redeem("ann", &code).await.is(201);
    });
}

/// R7.10: up to 10 000 codes are brought at once, are kept encrypted, and come out as they came in.
#[test]
fn many_codes_are_brought_at_once_and_kept_encrypted() {
    World::run(async |world| {
        world.register("ann", None).await;
        let all = texts("A-LONG-PREFIX-OF-THE-OLD-SHOP", 10_000);
        let begun = world.admin().once().post(BATCHES, brought(&all)).await.is(202);
        world.redeem("ann", &all[0]).await.refused(404, "code_not_found");
        world.settle().await;
        let batch = world.admin().get(&format!("{BATCHES}/{}", id(&begun))).await.is(200);
        assert_eq!((&batch["state"], &batch["created"]), (&json!("ready"), &json!(10_000)));
        let expected: Vec<String> = all.iter().map(|text| text.replace('-', "")).collect();
        assert_eq!(exported(world, &id(&begun)).await, expected);
        for item in world.stack.items().unwrap() {
            assert!(!format!("{item:?}").contains("LONGPREFIX"), "a text is in the table");
        }
        world.redeem("ann", &all[9_999]).await.is(201);
        let too_many = texts("B", 10_001);
        let problem = world.admin().once().post(BATCHES, brought(&too_many)).await.refused(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/codes");
    });
}

/// R7.10: of two batches that bring the same code at once one gets it; the other has failed, has no codes, and leaves none behind.
#[test]
fn of_two_batches_with_one_code_at_most_one_has_it() {
    World::run(async |world| {
        world.register("ann", None).await;
        let (mut left, mut right) = (texts("LEFT", 150), texts("RIGHT", 150));
        left.push("IN-BOTH".to_owned());
        right.push("in both".to_owned());
        let first = world.admin().once().post(BATCHES, brought(&left)).await.is(202);
        let second = world.admin().once().post(BATCHES, brought(&right)).await.is(202);
        world.settle().await;
        let batch = async |of: &Value| world.admin().get(&format!("{BATCHES}/{}", id(of))).await.is(200);
        let (first, second) = (batch(&first).await, batch(&second).await);
        let states: BTreeSet<&str> = [&first, &second].iter().map(|one| one["state"].as_str().unwrap()).collect();
        assert_eq!(states, BTreeSet::from(["failed", "ready"]));
        let failed = if first["state"] == "failed" { (&first, &left) } else { (&second, &right) };
        assert_eq!((&failed.0["created"], exported(world, &id(failed.0)).await.len()), (&json!(0), 0));
        world.redeem("ann", &failed.1[0]).await.refused(404, "code_not_found");
        world.redeem("ann", "INBOTH").await.is(201);
        let some = failed.1[..150].to_vec();
        world.admin().once().post(BATCHES, brought(&some)).await.is(202);
        world.settle().await;
        world.redeem("ann", &failed.1[149]).await.is(201);
    });
}

/// R7.10: a lapsed batch is extended in one write; codes with an end of their own keep it, and its end is never an earlier one.
#[test]
fn a_lapsed_batch_is_extended() {
    World::run(async |world| {
        world.register("ann", None).await;
        let mut body = credit("1", 3, 1);
        body["expires_at"] = json!("2026-11-21T00:00:00Z");
        let made = world.admin().once().post(BATCHES, body).await.is(201);
        let codes: Vec<String> = serde_json::from_value(made["codes"].clone()).unwrap();
        let of = |code: &str| format!("/v1/admin/redemption/codes/{code}");
        world.admin().put(&of(&codes[2]), json!({"expires_at": "2026-11-22T00:00:00Z"})).await.is(200);
        world.advance(3 * 86_400).await;
        for name in ["admin", "ann"] {
            world.sign_in(name).await;
        }
        world.redeem("ann", &codes[0]).await.refused(409, "code_expired");
        let path = format!("{BATCHES}/{}/expiry", id(&made));
        let to = |time: &str| json!({"expires_at": time});
        for bad in ["2026-11-20T00:00:00Z", "2026-11-22T00:00:00Z", "soon"] {
            let problem = world.admin().put(&path, to(bad)).await.refused(422, "invalid");
            assert_eq!(problem["errors"][0]["pointer"], "/expires_at", "{bad}");
        }
        for _ in 0..2 {
            let longer = world.admin().put(&path, to("2026-12-31T00:00:00Z")).await.is(200);
            assert_eq!(longer["expires_at"], "2026-12-31T00:00:00Z");
        }
        world.redeem("ann", &codes[0]).await.is(201);
        world.redeem("ann", &codes[2]).await.refused(409, "code_expired");
        let shown = world.admin().get(&format!("/v1/admin/redemption/codes?code={}", codes[1])).await.is(200);
        assert_eq!(
            (&shown["items"][0]["expires_at"], &shown["items"][0]["status"]),
            (&json!("2026-12-31T00:00:00Z"), &json!("active"))
        );
        let audit = world.admin().get("/v1/admin/audit").await.is(200);
        let times = audit["items"].as_array().unwrap().iter().filter(|item| item["action"] == "batch.extended").count();
        assert_eq!(times, 1);
        let endless = world.admin().once().post(BATCHES, credit("1", 1, 1)).await.is(201);
        let path = format!("{BATCHES}/{}/expiry", id(&endless));
        world.admin().put(&path, to("2027-12-31T00:00:00Z")).await.refused(422, "invalid");
    });
}

/// R7.10: a batch gets more codes, whose text and terms are the batch's; those it had go on working meanwhile.
#[test]
fn a_batch_is_topped_up_while_its_codes_work() {
    World::run(async |world| {
        world.register("ann", None).await;
        let made = world.admin().once().post(BATCHES, credit("1", 2, 1)).await.is(201);
        let old: Vec<String> = serde_json::from_value(made["codes"].clone()).unwrap();
        let path = format!("{BATCHES}/{}/codes", id(&made));
        let few = world.admin().key("few").post(&path, json!({"count": 3})).await.is(201);
        assert_eq!((&few["count"], few["codes"].as_array().unwrap().len()), (&json!(5), 3));
        assert_eq!(world.admin().key("few").post(&path, json!({"count": 3})).await.is(201), few);
        let many = world.admin().once().post(&path, json!({"count": 200})).await.is(202);
        assert_eq!((&many["state"], &many["count"], &many["created"]), (&json!("creating"), &json!(205), &json!(5)));
        world.admin().once().post(&path, json!({"count": 1})).await.refused(409, "change_under_way");
        world.redeem("ann", &old[0]).await.is(201);
        world.settle().await;
        let all = exported(world, &id(&made)).await;
        assert_eq!((all.len(), &all[..2]), (205, &old[..]));
        world.redeem("ann", &all[204]).await.is(201);
        world.settle().await;
        let stats = world.admin().get("/v1/admin/stats").await.is(200);
        assert_eq!(
            (&stats["redemptions"]["codes_issued"], &stats["liabilities"]["codes_outstanding"]),
            (&json!(205), &json!(203))
        );
        for bad in [0, -1, 9_796] {
            world.admin().once().post(&path, json!({"count": bad})).await.refused(422, "invalid");
        }
    });
}

/// R7.10: 64 top-ups at once never take a batch above its maximum, and each that succeeds has its codes.
#[test]
fn top_ups_at_once_never_exceed_a_batch() {
    race("redemption::top_ups_at_once_never_exceed_a_batch", Weight::Heavy, async |round| {
        let world = round.world;
        let made = world.admin().once().post(BATCHES, credit("1", 9_900, 1)).await.is(202);
        let batch = format!("{BATCHES}/{}", id(&made));
        world.settle().await;
        let path = format!("{batch}/codes");
        let ask = |client: usize| world.admin().key(&format!("more{client}")).post(&path, json!({"count": 10}));
        let told = round.at_once(CLIENTS, ask).await;
        round.again(&told, ask).await;
        let shown = world.admin().get(&batch).await.is(200);
        assert_eq!((told.made.len(), &shown["count"], &shown["state"]), (10, &json!(10_000), &json!("ready")));
        let full = told.refused.values().filter(|code| *code == "invalid").count();
        assert_eq!(full, CLIENTS - 10, "{:?}", told.refused);
        let new: BTreeSet<String> = told
            .made
            .values()
            .flat_map(|made| serde_json::from_value::<Vec<String>>(made["codes"].clone()).unwrap())
            .collect();
        assert_eq!(new.len(), 100);
    });
}
