//! Reads of several items together: any shape of keys, a hundred in one call.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use emulator::stack::TABLE;
use serde_json::{Value, json};
use shared::account::model::user::User;
use shared::kernel::id::UserId;
use shared::table::key::Key;

use crate::world::World;

fn id_of(user: &Value) -> UserId {
    UserId::parse(user["user"]["id"].as_str().unwrap()).unwrap()
}

#[test]
fn keys_of_any_shape_are_read_in_one_call_and_a_key_asked_for_twice_is_answered_twice() {
    World::run(async |world| {
        let bob = id_of(&world.register("bob", None).await);
        let app = &world.stack.app;
        let nobody = UserId::new(app.ulid());
        let key = || User::key(bob);
        let listed = vec![User::key(nobody), key()];
        let named = BTreeMap::from([("bob", key()), ("nobody", User::key(nobody))]);
        world.stack.faults.calls();
        let found = app.store.read((key(), key(), None::<Key<User>>, listed, named, key().any())).await.unwrap();
        assert_eq!(world.stack.faults.calls(), ["BatchGetItem"]);
        let (one, again, none, listed, named, raw) = found;
        assert_eq!((one.unwrap().id, again.unwrap().id), (bob, bob));
        assert!(none.is_none());
        assert_eq!(listed.iter().map(|user| user.as_ref().map(|user| user.id)).collect::<Vec<_>>(), [None, Some(bob)]);
        assert_eq!(named.into_keys().collect::<Vec<_>>(), ["bob"]);
        assert!(raw.unwrap().contains_key("rev"));
    });
}

#[test]
fn more_than_a_hundred_keys_are_several_calls_and_none_is_no_call() {
    World::run(async |world| {
        let bob = id_of(&world.register("bob", None).await);
        let app = &world.stack.app;
        let mut keys: Vec<Key<User>> = (0..100).map(|_| User::key(UserId::new(app.ulid()))).collect();
        keys.push(User::key(bob));
        world.stack.faults.calls();
        let found = app.store.read(keys).await.unwrap();
        assert_eq!(world.stack.faults.calls(), ["BatchGetItem"; 2]);
        assert_eq!(found.iter().position(Option::is_some), Some(100));
        assert!(app.store.read(Vec::<Key<User>>::new()).await.unwrap().is_empty());
        assert!(world.stack.faults.calls().is_empty());
    });
}

/// An index has keys only: what leaves a list between the two reads of a page is left out, and the page goes on after it.
#[test]
fn a_page_leaves_out_what_leaves_the_list_while_it_is_read() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        for _ in 0..3 {
            world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
            world.advance(1).await;
        }
        let ask = "/v1/payment/orders?limit=2";
        let whole = world.user("bob").get("/v1/payment/orders").await.is(200);
        let ids: Vec<&str> = whole["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        let item = |id: &str| json!({"pk": {"S": format!("ORDER#{id}")}, "sk": {"S": "ORDER"}});
        let gone = json!({"TableName": TABLE, "Key": item(ids[0])});
        let moved = json!({"TableName": TABLE, "Key": item(ids[1]), "UpdateExpression": "SET gsi1pk = :to",
            "ExpressionAttributeValues": {":to": {"S": "ORDERS#another"}}});
        // Each call takes ten milliseconds; the items change when the keys are read and the items are not.
        world.stack.dynamo.calls_take(Duration::from_millis(10));
        let change = async {
            tokio::time::sleep(Duration::from_millis(15)).await;
            world.stack.dynamo.apply("DeleteItem", &gone).unwrap();
            world.stack.dynamo.apply("UpdateItem", &moved).unwrap();
        };
        let (page, ()) = tokio::join!(world.user("bob").get(ask), change);
        world.stack.dynamo.calls_take(Duration::ZERO);
        let page = page.is(200);
        assert_eq!(page["items"], json!([]), "both have left the list");
        let next = page["next_cursor"].as_str().expect("there is one more");
        let rest = world.user("bob").get(&format!("{ask}&cursor={next}")).await.is(200);
        assert_eq!(rest["items"][0]["id"], ids[2]);
        // The auditor knows that no order belongs in another's list.
        let moved = json!({"TableName": TABLE, "Key": item(ids[1])});
        world.stack.dynamo.apply("DeleteItem", &moved).unwrap();
    });
}

/// Items keep their sort keys until they are written again, so a page goes on behind the key that an item has, not one made anew.
#[test]
fn pages_go_through_items_that_an_earlier_release_put_elsewhere_in_the_list() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let mut made = BTreeSet::new();
        for _ in 0..6 {
            let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
            made.insert(order["id"].as_str().unwrap().to_owned());
            world.advance(30).await;
        }
        let put = |id: &str, sort: &str| {
            let change = json!({"TableName": TABLE, "Key": {"pk": {"S": format!("ORDER#{id}")}, "sk": {"S": "ORDER"}},
                "UpdateExpression": "SET gsi2sk = :sort", "ExpressionAttributeValues": {":sort": {"S": sort}},
                "ReturnValues": "UPDATED_OLD"});
            let before = world.stack.dynamo.apply("UpdateItem", &change).unwrap();
            before["Attributes"]["gsi2sk"]["S"].as_str().unwrap().to_owned()
        };
        let own: BTreeMap<&String, String> = made.iter().map(|id| (id, put(id, id))).collect();
        let ask = "/v1/admin/payment/orders?status=pending&limit=1";
        let (mut next, mut shown) = (String::new(), Vec::new());
        while shown.len() <= made.len() {
            let page = world.admin().get(&format!("{ask}{next}")).await.is(200);
            shown.extend(page["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            next = format!("&cursor={cursor}");
        }
        assert!(shown.iter().eq(made.iter().rev()), "each once, by the keys they have: {shown:?}");
        // The auditor wants them where this release puts them.
        for (id, sort) in own {
            put(id, &sort);
        }
    });
}
