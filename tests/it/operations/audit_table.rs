//! The auditor on AWS: the whole table in slices of a day, each within a scheduler's memory.

use emulator::stack::TABLE;
use serde_json::{Value, json};

use crate::agency;
use crate::world::World;

/// Plays the schedule for a day; returns items read, and violations found.
async fn a_day(world: &World) -> (usize, u64) {
    let (mut items, mut findings) = (0, 0);
    for _ in 0..shared::operations::audit_table::SLICES {
        let report = world.stack.tick("audit").await.unwrap();
        assert_eq!(report["finished"], true, "{report}");
        items += report["items"].as_u64().unwrap() as usize;
        findings += report["findings"].as_u64().unwrap();
        world.advance(300).await;
    }
    (items, findings)
}

fn put(world: &World, item: &Value) {
    world.stack.dynamo.apply("PutItem", &json!({"TableName": TABLE, "Item": item})).unwrap();
}

/// L1–L4, D1–D3: within a day each item is read once, and what does not fit its partition is found.
#[test]
fn a_day_of_slices_reads_every_item_once_and_finds_what_is_wrong() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        world.pay(&order, json!({})).await;
        world.settle().await;
        let items = world.stack.dynamo.scan(TABLE).unwrap();
        assert_eq!(a_day(world).await, (items.len(), 0));

        let of = |kind: &str| items.iter().find(|item| item["type"]["S"] == kind).unwrap();
        let (line, paid) = (of("posting"), of("order"));
        let mut moved = line.clone();
        moved["entries"] = json!({"S": "nothing"});
        let mut misplaced = paid.clone();
        misplaced["gsi1sk"] = json!({"S": "elsewhere"});
        put(world, &moved);
        put(world, &misplaced);
        let (read, findings) = a_day(world).await;
        assert_eq!(read, items.len());
        // The line does not decode, the account has one line less than it counts and another amount; the order's entry moved.
        assert!(findings >= 3, "{findings}");
        put(world, line);
        put(world, paid);
        assert_eq!(a_day(world).await, (items.len(), 0));
    });
}

/// L7: shops' wallets stand elsewhere than their entries; the slices find nothing wrong with sound ones, and name a changed entry.
#[test]
fn a_day_of_slices_checks_the_chains_of_wallets() {
    World::run(async |world| {
        agency::open(world).await;
        let shop = agency::shop(world, "ann", None).await;
        agency::fund(world, &shop, "100").await;
        agency::fund(world, &shop, "5").await;
        world.settle().await;
        let items = world.stack.dynamo.scan(TABLE).unwrap();
        assert_eq!(a_day(world).await, (items.len(), 0));
        let of_the_wallet =
            |item: &&Value| item["type"]["S"] == "posting" && item["pk"]["S"].as_str().unwrap().starts_with("WALLET#");
        let first = items.iter().find(of_the_wallet).unwrap();
        let mut changed = first.clone();
        changed["at"] = json!({"S": "2026-11-20T10:00:00.5Z"});
        put(world, &changed);
        assert_eq!(a_day(world).await, (items.len(), 1));
        put(world, first);
    });
}
