//! Lists of the whole platform: months, partitions, pages.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::admin::{all, id_of};
use crate::world::World;

/// Lists continue month by month, and a cursor works only for its own list.
#[test]
fn a_list_walks_back_through_the_months() {
    World::run(async |world| {
        for name in ["ann", "bob", "cid", "dan", "eve"] {
            world.advance(1).await;
            world.register(name, None).await;
            // A queue keeps messages for days, not weeks.
            world.settle().await;
            world.advance(20 * 86_400).await;
        }
        world.sign_in("admin").await;
        let emails = |users: Vec<Value>| -> Vec<String> {
            let name = |user: &Value| user["email"].as_str().unwrap().split('@').next().unwrap().to_owned();
            users.iter().map(name).collect()
        };
        let expected = ["eve", "dan", "cid", "bob", "ann", "admin"];
        assert_eq!(emails(all(world, "/v1/admin/users").await), expected);
        assert_eq!(emails(all(world, "/v1/admin/users?limit=2").await), expected);
        assert_eq!(emails(all(world, "/v1/admin/users?from=2026-12-01&to=2026-12-31").await), ["cid", "bob"]);
        let first = world.admin().get("/v1/admin/users?limit=1").await.is(200);
        let cursor = first["next_cursor"].as_str().unwrap();
        for other in ["users?from=2026-12-01&", "audit?", "payment/orders?"] {
            world.admin().get(&format!("/v1/admin/{other}cursor={cursor}")).await.refused(400, "forged_cursor");
        }
        world.admin().get("/v1/admin/users?limit=0").await.refused(422, "invalid");
        world.admin().get("/v1/admin/users?limit=1&limit=2").await.refused(400, "malformed_request");
    });
}

/// R1.6: a journal of two lines is two statement lines, and a page may end between them.
#[test]
fn a_page_of_records_may_end_within_a_journal() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        world.pay(&order, json!({})).await;
        world.settle().await;
        let bob = id_of(world, "bob").await;
        for path in ["/v1/admin/records".to_owned(), format!("/v1/admin/records?user={bob}")] {
            let whole = all(world, &path).await;
            let kinds: Vec<_> = whole.iter().map(|record| record["type"].as_str().unwrap()).collect();
            assert_eq!(kinds, ["promotion", "payment"]);
            let mark = if path.contains('?') { '&' } else { '?' };
            assert_eq!(all(world, &format!("{path}{mark}limit=1")).await, whole);
        }
        let of_order = format!("/v1/admin/records?related_id={}", order["id"].as_str().unwrap());
        assert_eq!(all(world, &of_order).await.len(), 2);
    });
}

/// performance.md, *Scale*: a list over many partitions has everything once, the newest first, also where one partition holds most.
#[test]
fn a_page_goes_on_where_one_partition_has_more_than_its_part() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let bob = id_of(world, "bob").await;
        for amount in 1..=20 {
            let adjusted = json!({"amount": amount.to_string(), "remark": "a gift"});
            world.admin().once().post(&format!("/v1/admin/users/{bob}/adjustments"), adjusted).await.is(200);
        }
        world.settle().await;
        let entries = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
        let mut entries: Vec<Value> = entries.into_iter().filter(|item| item["type"]["S"] == "posting").collect();
        let mut made = Vec::new();
        // Newer ones, all in the partition of the first.
        for number in 0..40 {
            let mut item = entries[0].clone();
            item["pk"]["S"] = json!(format!("JOURNAL#{number}"));
            item["gsi2sk"]["S"] = json!(format!("jrn_09{number:024}"));
            item["journal"] = item["gsi2sk"].clone();
            put(world, &item);
            made.push(item);
        }
        entries.extend(made.clone());
        entries.sort_by_key(|item| Reverse(item["gsi2sk"]["S"].as_str().unwrap().to_owned()));
        let expected: Vec<Value> = entries.iter().map(|item| item["journal"]["S"].clone()).collect();
        for limit in [1, 3, 10, 50] {
            let listed = all(world, &format!("/v1/admin/records?limit={limit}")).await;
            let journal = |record: &Value| json!(record["id"].as_str().unwrap().split('.').next().unwrap());
            let listed: Vec<Value> = listed.iter().map(journal).collect();
            assert_eq!(listed, expected, "{limit} a page");
        }
        for item in made {
            let key = json!({"pk": item["pk"], "sk": item["sk"]});
            let delete = json!({"TableName": emulator::stack::TABLE, "Key": key});
            world.stack.dynamo.apply("DeleteItem", &delete).unwrap();
        }
    });
}

fn put(world: &World, item: &Value) {
    let request = json!({"TableName": emulator::stack::TABLE, "Item": item});
    world.stack.dynamo.apply("PutItem", &request).unwrap();
}
