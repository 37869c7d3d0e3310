//! An admin's operations on batches and codes (R7.1, R7.8).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::hashed::never_made;
use super::{credit, pro, time_on};
use crate::world::World;

const BATCHES: &str = "/v1/admin/redemption/batches";

async fn listed(world: &World, query: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.admin().get(&format!("/v1/admin/redemption/codes?{query}{cursor}")).await.is(200);
        items.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

fn shown(items: &[Value]) -> BTreeSet<String> {
    items.iter().map(|item| item["code"].as_str().unwrap().to_owned()).collect()
}

/// R7.1: repeating a batch with its key returns the same codes and makes no more.
#[test]
fn a_batch_made_again_with_its_key_has_the_same_codes() {
    World::run(async |world| {
        for count in [1, 90, 91, 100] {
            let body = credit("1", count, 1);
            let key = format!("batch{count}");
            let first = world.admin().key(&key).post(BATCHES, body.clone()).await.is(201);
            assert_eq!(first["codes"].as_array().unwrap().len(), count as usize);
            let again = world.admin().key(&key).post(BATCHES, body.clone()).await;
            assert_eq!(again.headers["idempotency-replayed"], "true");
            assert_eq!(again.is(201), first);
            world.admin().key(&key).post(BATCHES, credit("2", count, 1)).await.refused(422, "idempotency_key_reused");
        }
        assert_eq!(listed(world, "limit=100").await.len(), 282);
    });
}

/// R7.1: a large batch is made after the response and shows its progress.
/// None of its codes works before all exist.
#[test]
fn a_large_batch_is_redeemable_once_it_is_whole() {
    World::run(async |world| {
        world.register("ann", None).await;
        let begun = world.admin().key("big").post(BATCHES, credit("1", 1_000, 1)).await.is(202);
        assert_eq!(
            (&begun["state"], &begun["created"], &begun["codes"]),
            (&json!("creating"), &json!(0), &Value::Null)
        );
        let path = format!("{BATCHES}/{}", begun["id"].as_str().unwrap());
        // The consumer dies halfway, again and again.
        world.stack.faults.randomly(300, 7);
        for _ in 0..12 {
            world.stack.settle().await.ok();
            world.stack.faults.clear();
            world.sign_in("admin").await;
            world.sign_in("ann").await;
            let batch = world.admin().get(&path).await.is(200);
            if batch["state"] == "creating" && batch["created"] != 0 {
                let half = listed(world, &format!("batch={}", batch["id"].as_str().unwrap())).await;
                world.redeem("ann", half[0]["code"].as_str().unwrap()).await.refused(404, "code_not_found");
            }
            world.advance(200).await;
            world.stack.faults.randomly(300, 11);
        }
        world.stack.faults.clear();
        for _ in 0..8 {
            world.advance(200).await;
            world.settle().await;
        }
        world.sign_in("admin").await;
        let ready = world.admin().get(&path).await.is(200);
        assert_eq!((&ready["state"], &ready["created"]), (&json!("ready"), &json!(1_000)));
        let export = world.admin().get(&format!("{path}/export.csv")).await;
        assert!(export.headers["content-type"].to_str().unwrap().starts_with("text/csv"));
        let lines: Vec<&str> = export.text.lines().collect();
        assert_eq!((lines.len(), lines[0].starts_with("code,benefit.kind")), (1_001, true));
        let codes: BTreeSet<&str> = lines[1..].iter().map(|line| line.split(',').next().unwrap()).collect();
        assert_eq!(codes.len(), 1_000);
        world.sign_in("ann").await;
        world.redeem("ann", codes.first().unwrap()).await.is(201);
        assert_eq!(world.balance("ann").await, "1");
        let again = world.admin().key("big").post(BATCHES, credit("1", 1_000, 1)).await;
        assert_eq!(again.is(202)["id"], begun["id"]);
    });
}

/// R7.8: lists are filtered by batch, plan, unit, status and code prefix.
#[test]
fn codes_are_found_by_what_they_are() {
    World::run(async |world| {
        world.register("ann", None).await;
        let plan = pro(world, 0).await;
        let made = world.admin().once().post(BATCHES, credit("1", 30, 1)).await.is(201);
        let money: Vec<String> = serde_json::from_value(made["codes"].clone()).unwrap();
        let mut body = time_on(&plan, "quarter", 1, 1);
        body["count"] = json!(5);
        let time = world.codes(body).await;
        world.redeem("ann", &money[3]).await.is(201);
        world
            .admin()
            .put(&format!("/v1/admin/redemption/codes/{}/status", money[4]), json!({"enabled": false}))
            .await
            .is(200);
        assert_eq!(listed(world, "limit=7").await.len(), 35);
        assert_eq!(shown(&listed(world, &format!("plan={plan}")).await), time.iter().cloned().collect());
        assert_eq!(listed(world, "unit=quarter&limit=2").await.len(), 5);
        assert_eq!(listed(world, "unit=month").await.len(), 0);
        assert_eq!(shown(&listed(world, "status=used_up").await), [money[3].clone()].into());
        assert_eq!(shown(&listed(world, "status=disabled").await), [money[4].clone()].into());
        assert_eq!(listed(world, "status=active").await.len(), 33);
        assert_eq!(shown(&listed(world, &format!("code={}", money[9])).await), [money[9].clone()].into());
        // What is stored are hashes, so codes with a beginning are looked for in a batch.
        let beginning = format!("code={}", &money[9][..3]);
        let within = format!("{beginning}&batch={}", made["id"].as_str().unwrap());
        let found = shown(&listed(world, &within).await);
        assert!(found.contains(&money[9]) && found.iter().all(|code| code.starts_with(&money[9][..3])), "{found:?}");
        let path = format!("/v1/admin/redemption/codes?{beginning}");
        assert_eq!(world.admin().get(&path).await.refused(422, "invalid")["errors"][0]["pointer"], "/code");
        let id = listed(world, &format!("code={}", money[9])).await[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(shown(&listed(world, &format!("code={id}")).await), [money[9].clone()].into());
        let one = &listed(world, &format!("code={}", money[3])).await[0];
        assert_eq!((&one["used"], &one["remaining"], &one["status"]), (&json!(1), &json!(0), &json!("used_up")));
        world.admin().get("/v1/admin/redemption/codes?status=odd").await.refused(422, "invalid");
        let csv = world.admin().header("accept", "text/csv").get("/v1/admin/redemption/codes?limit=100").await;
        assert_eq!(csv.text.lines().count(), 36);
        let masked = format!("{}-****-****-{}", &money[3][..4], &money[3][15..]);
        for name in [&money[3], one["id"].as_str().unwrap()] {
            let records = world.admin().get(&format!("/v1/admin/redemption/records?code={name}")).await.is(200);
            let items = records["items"].as_array().unwrap();
            assert_eq!((items.len(), &items[0]["code"], &items[0]["code_id"]), (1, &json!(masked), &one["id"]));
        }
    });
}

/// R7.8: pages of any size list every code once, in the same order, whatever batches they end in.
#[test]
fn pages_of_any_size_list_every_code_once() {
    World::run(async |world| {
        for count in [1, 1, 7, 1, 30, 1, 1, 1, 1, 1, 1, 1, 12] {
            world.codes(credit("1", count, if count > 6 { 0 } else { 1 })).await;
        }
        let all = |items: Vec<Value>| items.iter().map(|item| item["code"].clone()).collect::<Vec<_>>();
        let whole = all(listed(world, "limit=100").await);
        assert_eq!(whole.iter().map(Value::to_string).collect::<BTreeSet<_>>().len(), 59);
        for limit in [1, 2, 7, 10, 11, 20, 30, 58, 59] {
            assert_eq!(all(listed(world, &format!("limit={limit}")).await), whole, "{limit} a page");
            assert_eq!(
                all(listed(world, &format!("limit={limit}&status=active")).await),
                whole,
                "{limit} a page, filtered"
            );
        }
    });
}

/// R7.8: a page is of many batches, and of codes whose uses are counted apart, at the cost of few reads.
#[test]
fn a_page_of_codes_is_read_side_by_side() {
    World::run(async |world| {
        for total in [0, 1, 0, 300, 0, 0, 300, 0, 0, 1] {
            world.codes(credit("1", 1, total)).await;
        }
        let path = "/v1/admin/redemption/codes?limit=10";
        world.admin().get(path).await.is(200);
        world.stack.dynamo.reset();
        assert_eq!(world.admin().get(path).await.is(200)["items"].as_array().unwrap().len(), 10);
        let used = world.stack.dynamo.used();
        // Of the admin; of the batches, the codes, and their counters.
        let (items, lists) =
            (used["BatchGetItem"].calls + used.get("GetItem").map_or(0, |used| used.calls), used["Query"].calls);
        assert!(items <= 4 && lists <= 3, "{used:?}");
    });
}

/// R7.8: a total is never below its uses, and grows from the item into shards.
#[test]
fn a_total_is_edited_within_what_was_used() {
    World::run(async |world| {
        for name in ["ann", "bob", "carol", "dave"] {
            world.register(name, None).await;
        }
        for total in [50, 300] {
            let code = world.codes(credit("1", 1, total)).await.remove(0);
            let path = format!("/v1/admin/redemption/codes/{code}");
            world.redeem("ann", &code).await.is(201);
            world.redeem("bob", &code).await.is(201);
            world.admin().put(&path, json!({"total_uses": 1})).await.refused(422, "invalid");
            world.admin().put(&path, json!({"total_uses": 0})).await.refused(422, "invalid");
            let lowered = world.admin().put(&path, json!({"total_uses": 2})).await.is(200);
            assert_eq!(
                (&lowered["total_uses"], &lowered["used"], &lowered["remaining"]),
                (&json!(2), &json!(2), &json!(0))
            );
            world.redeem("carol", &code).await.refused(409, "code_used_up");
            let raised = world.admin().put(&path, json!({"total_uses": 500})).await.is(200);
            assert_eq!((&raised["remaining"], &raised["status"]), (&json!(498), &json!("active")));
            world.redeem("carol", &code).await.is(201);
            let again = world.admin().put(&path, json!({"total_uses": 4})).await.is(200);
            assert_eq!((&again["used"], &again["remaining"]), (&json!(3), &json!(1)));
            world.redeem("dave", &code).await.is(201);
        }
        let unlimited = world.codes(credit("1", 1, 0)).await.remove(0);
        world
            .admin()
            .put(&format!("/v1/admin/redemption/codes/{unlimited}"), json!({"total_uses": 5}))
            .await
            .refused(422, "invalid");
        world.redeem("ann", &unlimited).await.is(201);
        world.settle().await;
        let shown = &listed(world, &format!("code={unlimited}")).await[0];
        assert_eq!((&shown["used"], &shown["remaining"]), (&json!(1), &Value::Null));
    });
}

/// R7.2, R7.8: one write stops a whole batch; codes are deleted all or none.
#[test]
fn a_batch_is_stopped_at_once_and_codes_are_deleted_all_or_none() {
    World::run(async |world| {
        world.register("ann", None).await;
        let made = world.admin().once().post(BATCHES, credit("1", 3, 1)).await.is(201);
        let codes: Vec<String> = serde_json::from_value(made["codes"].clone()).unwrap();
        let status = format!("{BATCHES}/{}/status", made["id"].as_str().unwrap());
        world.admin().put(&status, json!({"enabled": false})).await.is(200);
        world.redeem("ann", &codes[0]).await.refused(409, "code_disabled");
        world.admin().put(&status, json!({"enabled": true})).await.is(200);
        world.redeem("ann", &codes[0]).await.is(201);
        let delete = "/v1/admin/redemption/codes/delete";
        let unknown = json!({"codes": [codes[1], codes[2], never_made(1)]});
        world.admin().post(delete, unknown).await.refused(404, "code_not_found");
        assert_eq!(listed(world, "").await.len(), 3);
        world.admin().post(delete, json!({"codes": []})).await.refused(422, "invalid");
        let deleted = world.admin().post(delete, json!({"codes": codes})).await.is(200);
        assert_eq!(deleted, json!({"deleted": 3}));
        assert_eq!(listed(world, "").await.len(), 0);
        world.redeem("ann", &codes[1]).await.refused(404, "code_not_found");
        let kept = world.user("ann").get("/v1/redemptions").await.is(200);
        assert_eq!(kept["items"].as_array().unwrap().len(), 1);
        let audit = world.admin().get("/v1/admin/audit").await.is(200);
        let actions: Vec<&str> =
            audit["items"].as_array().unwrap().iter().map(|item| item["action"].as_str().unwrap()).collect();
        let count = |name: &str| actions.iter().filter(|action| **action == name).count();
        assert_eq!((count("code.deleted"), count("batch.status_set"), count("batch.created")), (1, 2, 1));
    });
}

/// R7.1, R7.2: an out-of-range value is rejected with its pointer, and nothing is made.
#[test]
fn a_batch_out_of_range_is_refused_with_pointers() {
    World::run(async |world| {
        let plan = pro(world, 0).await;
        let time = |change: Value| {
            let mut body = time_on(&plan, "month", 1, 1);
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            body
        };
        for (change, pointer) in [
            (json!({"count": 0}), "/count"),
            (json!({"count": 10_001}), "/count"),
            (json!({"count": -1}), "/count"),
            (json!({"quantity": 0}), "/quantity"),
            (json!({"quantity": 1_001}), "/quantity"),
            (json!({"unit": "week"}), "/unit"),
            (json!({"unit": null}), "/unit"),
            (json!({"plan_id": "pln_x"}), "/plan_id"),
            (json!({"plan_id": "pln_01arz3ndektsv4rrffq69g5fav"}), "/plan_id"),
            (json!({"credit": "5"}), "/credit"),
            (json!({"plan_id": null, "unit": null, "quantity": null}), "/credit"),
            (json!({"plan_id": null, "unit": null, "quantity": null, "credit": "0"}), "/credit"),
            (json!({"plan_id": null, "unit": null, "quantity": null, "credit": "1e2"}), "/credit"),
            (json!({"total_uses": -1}), "/total_uses"),
            (json!({"total_uses": 1_000_000_001}), "/total_uses"),
            (json!({"per_user_limit": 0}), "/per_user_limit"),
            (json!({"starts_at": "tomorrow"}), "/starts_at"),
            (json!({"expires_at": "2026-11-20T09:00:00Z"}), "/expires_at"),
            (json!({"starts_at": "2027-02-01T00:00:00Z", "expires_at": "2027-01-01T00:00:00Z"}), "/expires_at"),
            (json!({"label": " "}), "/label"),
            (json!({"label": "a\nb"}), "/label"),
        ] {
            let problem = world.admin().once().post(BATCHES, time(change.clone())).await.refused(422, "invalid");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{change}: {problem}");
        }
        world.admin().once().post(BATCHES, time(json!({"count": "5"}))).await.refused(422, "invalid");
        world.admin().once().post(BATCHES, time(json!({"used": 5}))).await.refused(422, "invalid");
        world.admin().post(BATCHES, time(json!({}))).await.refused(400, "idempotency_key_required");
        assert_eq!(world.admin().get(BATCHES).await.is(200)["items"], json!([]));
        let odd = json!({"name": "", "quota": -1, "on_sale": true});
        let problem = world.admin().post("/v1/admin/plans", odd).await.refused(422, "invalid");
        assert_eq!(
            (&problem["errors"][0]["pointer"], &problem["errors"][1]["pointer"]),
            (&json!("/name"), &json!("/quota"))
        );
    });
}

/// R9.2: redemptions and codes are in the totals, once each.
#[test]
fn totals_show_codes_and_redemptions() {
    World::run(async |world| {
        world.register("ann", None).await;
        let plan = pro(world, 0).await;
        let money = world.codes(credit("2.5", 4, 1)).await;
        let time = world.codes(time_on(&plan, "day", 1, 1)).await.remove(0);
        for code in [&money[0], &money[1], &time] {
            world.redeem("ann", code).await.is(201);
        }
        world.settle().await;
        let stats = world.admin().get("/v1/admin/stats").await.is(200);
        let expected = json!({"codes_issued": 5, "plan": 1, "balance": 2, "credit": {"amount": "5", "currency": "USD"}, "undone": 0});
        assert_eq!(stats["redemptions"], expected);
        assert_eq!(stats["liabilities"]["balance"]["amount"], "5");
        assert_eq!(stats["liabilities"]["codes_outstanding"], 2);
        // An edit's additions are outstanding; a deleted code's rest is not. A code with shards counts like the others.
        let many = world.codes(credit("1", 1, 300)).await.remove(0);
        world.redeem("ann", &many).await.is(201);
        let path = |code: &str| format!("/v1/admin/redemption/codes/{code}");
        world.admin().put(&path(&money[2]), json!({"total_uses": 5})).await.is(200);
        world.admin().put(&path(&many), json!({"total_uses": 310})).await.is(200);
        world.settle().await;
        let outstanding = async || -> Value {
            world.admin().get("/v1/admin/stats").await.is(200)["liabilities"]["codes_outstanding"].clone()
        };
        assert_eq!(outstanding().await, 2 + 4 + 309);
        for code in [&money[2], &many] {
            world.admin().raw("DELETE", &path(code), "").await.is(204);
        }
        world.settle().await;
        assert_eq!(outstanding().await, 1);
    });
}

/// R7.1: whoever asks to go on with a batch gets all of its codes, however far they were, and once.
#[test]
fn a_batch_goes_on_where_it_stood_still() {
    World::run(async |world| {
        let batch = json!({"label": "many", "count": 200, "credit": "1", "total_uses": 1});
        let made = world.admin().once().post("/v1/admin/redemption/batches", batch).await.is(202);
        let path = format!("/v1/admin/redemption/batches/{}", made["id"].as_str().unwrap());
        for _ in 0..2 {
            let done = world.admin().post(&format!("{path}/resume"), json!({})).await.is(200);
            assert_eq!((&done["state"], &done["created"]), (&json!("ready"), &json!(200)));
        }
        world.swept().await;
        let none = "/v1/admin/redemption/batches/bat_01m7w6c38029x193xqrjx9657c/resume";
        world.admin().post(none, json!({})).await.refused(404, "not_found");
    });
}
