//! Reads of several items together: any shape of keys, a hundred in one call.

use std::collections::BTreeMap;

use serde_json::Value;
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
