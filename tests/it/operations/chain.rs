//! Hash chains of journal entries (R11.1). That a changed entry is named, `audit` shows; that no race or fault forks a chain, every test
//! does, since each ends with the auditor.

use emulator::stack::TABLE;
use serde_json::{Value, json};

use crate::world::World;

/// Journal entries of a type of account, oldest first.
fn entries(world: &World, partition: &str) -> Vec<Value> {
    let items = world.stack.dynamo.scan(TABLE).unwrap();
    let own = |item: &Value| item["type"]["S"] == "posting" && item["pk"]["S"].as_str().unwrap().starts_with(partition);
    let mut all: Vec<Value> = items.into_iter().filter(own).collect();
    all.sort_by_key(|entry| entry["sk"]["S"].as_str().unwrap().to_owned());
    all
}

fn user(world: &World) -> Value {
    let items = world.stack.dynamo.scan(TABLE).unwrap();
    items.into_iter().find(|item| item["email"]["S"] == "ann@example.com").unwrap()
}

async fn adjust(world: &World, amount: &str) {
    let id = user(world)["id"]["S"].as_str().unwrap().to_owned();
    let body = json!({"amount": amount, "remark": "by hand"});
    world.admin().once().post(&format!("/v1/admin/users/{id}/adjustments"), body).await.is(200);
}

/// R11.1: the account has the hash of its last entry, and each entry another one.
#[test]
fn an_account_has_the_hash_of_its_last_entry() {
    World::run(async |world| {
        world.open().await;
        world.register("ann", None).await;
        for amount in ["5", "-1", "5"] {
            adjust(world, amount).await;
        }
        let hashes: Vec<String> =
            entries(world, "USER#").iter().map(|entry| entry["hash"]["S"].as_str().unwrap().to_owned()).collect();
        assert!(hashes.len() == 3 && hashes[0] != hashes[2], "{hashes:?}");
        assert_eq!(user(world)["accounts"]["M"]["head"]["S"], hashes[2].as_str());
    });
}

/// R11.1: entries that an earlier release wrote have no hash; the chain begins after them, and the auditor takes them as they are.
#[test]
fn a_chain_begins_after_the_entries_of_an_earlier_release() {
    World::run(async |world| {
        world.open().await;
        world.register("ann", None).await;
        adjust(world, "5").await;
        world.stack.settle().await.unwrap();
        let put = |item: &Value| {
            world.stack.dynamo.apply("PutItem", &json!({"TableName": TABLE, "Item": item})).unwrap();
        };
        let (mut entry, mut account) = (entries(world, "USER#")[0].clone(), user(world));
        entry.as_object_mut().unwrap().remove("hash").unwrap();
        account["accounts"]["M"].as_object_mut().unwrap().remove("head").unwrap();
        put(&entry);
        put(&account);
        assert_eq!(world.stack.audit().unwrap(), []);
        adjust(world, "2").await;
        adjust(world, "3").await;
        world.stack.settle().await.unwrap();
        assert_eq!(world.stack.audit().unwrap(), []);
        let hashed: Vec<bool> = entries(world, "USER#").iter().map(|entry| !entry["hash"].is_null()).collect();
        assert_eq!(hashed, [false, true, true]);
        // Whoever takes the hash away again is found, since the next entry follows it.
        let mut stripped = entries(world, "USER#")[1].clone();
        let whole = stripped.clone();
        stripped.as_object_mut().unwrap().remove("hash").unwrap();
        put(&stripped);
        let found: Vec<_> = world.stack.audit().unwrap().into_iter().map(|finding| finding.invariant).collect();
        assert_eq!(found, ["L7"]);
        put(&whole);
    });
}
