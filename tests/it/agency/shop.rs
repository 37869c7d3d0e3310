//! The tree of shops and its visibility (R8.1).

use serde_json::{Value, json};

use super::{chain, fixed, grant, id, open, series, shop};
use crate::race::together;
use crate::world::World;

async fn names(world: &World, user: &str) -> Vec<String> {
    let shops = world.user(user).get("/v1/shops").await.is(200);
    let mut names: Vec<String> =
        shops["items"].as_array().unwrap().iter().map(|shop| shop["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

async fn read(world: &World, shop: &str) -> (Value, String) {
    let answer = world.admin().get(&format!("/v1/shops/{shop}")).await;
    let tag = answer.headers["etag"].to_str().unwrap().to_owned();
    (answer.is(200), tag)
}

/// R8.1: a shop sees itself and its descendants; any other shop is not found. The platform sees all.
#[test]
fn a_shop_sees_itself_and_its_descendants_only() {
    World::run(async |world| {
        open(world).await;
        let [a, b, c] = chain(world).await;
        let other = shop(world, "x", None).await;
        assert_eq!(names(world, "a").await, ["a", "b", "c"]);
        assert_eq!(names(world, "b").await, ["b", "c"]);
        assert_eq!(names(world, "c").await, ["c"]);
        assert_eq!(names(world, "admin").await, ["a", "b", "c", "x"]);
        for (user, seen, hidden) in [("b", &c, &a), ("x", &other, &c), ("c", &c, &b)] {
            world.user(user).get(&format!("/v1/shops/{seen}")).await.is(200);
            world.user(user).get(&format!("/v1/shops/{hidden}")).await.refused(404, "not_found");
            let change = json!({"name": "mine"});
            let change = world.user(user).header("if-match", "\"1\"").put(&format!("/v1/shops/{hidden}"), change).await;
            change.refused(404, "not_found");
            let below = json!({"name": "n", "parent_id": hidden});
            world.user(user).post("/v1/shops", below).await.refused(404, "not_found");
        }
        assert_eq!(read(world, &c).await.0["level"], 3);
    });
}

/// R8.1: an agent creates shops below its own; an admin creates level 1; a plain user can't.
#[test]
fn an_agent_makes_shops_below_its_own() {
    World::run(async |world| {
        open(world).await;
        let a = shop(world, "a", None).await;
        let told = world.register("new", None).await;
        let body = json!({"name": "below", "user_id": told["user"]["id"]});
        let made = world.user("a").key("k").post("/v1/shops", body.clone()).await.is(201);
        assert_eq!((&made["parent_id"], &made["level"]), (&json!(a), &json!(2)));
        let again = world.user("a").key("k").post("/v1/shops", body).await;
        assert_eq!(again.headers["idempotency-replayed"], "true");
        assert_eq!(again.is(201), made);
        world.sign_in("new").await;
        assert_eq!(names(world, "new").await, ["below"]);
        let top = json!({"name": "top", "parent_id": null});
        world.user("a").post("/v1/shops", top).await.refused(403, "forbidden");
        world.register("bob", None).await;
        world.user("bob").get("/v1/shops").await.refused(403, "forbidden");
        for (body, pointer) in [
            (json!({"name": " "}), "/name"),
            (json!({"name": "n", "user_id": "usr_x"}), "/user_id"),
            (json!({"name": "n", "parent_id": "x"}), "/parent_id"),
        ] {
            assert_eq!(
                world.admin().post("/v1/shops", body).await.refused(422, "invalid")["errors"][0]["pointer"],
                pointer
            );
        }
        world.admin().post("/v1/shops", json!({"name": "n", "depth": 3})).await.refused(422, "invalid");
        let taken = json!({"name": "n", "user_id": told["user"]["id"]});
        world.admin().post("/v1/shops", taken).await.refused(409, "user_has_shop");
    });
}

/// R8.1: the tree has at most ten levels.
#[test]
fn the_tree_is_ten_levels_deep_at_most() {
    World::run(async |world| {
        open(world).await;
        let mut parent: Option<String> = None;
        for level in 1..=10 {
            let body = json!({"name": format!("level {level}"), "parent_id": parent});
            parent = Some(id(&world.admin().post("/v1/shops", body).await.is(201)));
        }
        let body = json!({"name": "level 11", "parent_id": parent});
        let refused = world.admin().post("/v1/shops", body).await.refused(422, "invalid");
        assert_eq!(
            (&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]),
            (&json!("/parent_id"), &json!("too_deep"))
        );
    });
}

/// R8.1: only a shop without children, grants or sales can be moved.
#[test]
fn only_a_shop_on_which_nothing_rests_can_be_moved() {
    World::run(async |world| {
        open(world).await;
        let [a, b, c] = chain(world).await;
        let other = shop(world, "x", None).await;
        let move_to = async |shop: &str, parent: Value, tag: &str| {
            let body = json!({"name": "moved", "parent_id": parent});
            world.admin().header("if-match", tag).put(&format!("/v1/shops/{shop}"), body).await
        };
        move_to(&b, json!(other), &read(world, &b).await.1).await.refused(409, "shop_in_use");
        let user = read(world, &c).await.0["user_id"].clone();
        let tag = read(world, &c).await.1;
        let body = json!({"name": "c", "parent_id": other, "user_id": user});
        let moved = world.admin().header("if-match", &tag).put(&format!("/v1/shops/{c}"), body.clone()).await.is(200);
        assert_eq!((&moved["parent_id"], &moved["level"]), (&json!(other), &json!(2)));
        // A repeat finds its own write; an older version does not.
        assert_eq!(world.admin().header("if-match", &tag).put(&format!("/v1/shops/{c}"), body).await.is(200), moved);
        move_to(&c, json!(a), &tag).await.refused(412, "version_mismatch");
        assert_eq!(names(world, "x").await, ["c", "x"]);
        assert_eq!(names(world, "c").await, ["c"], "its agent moved with it");
        assert_eq!(names(world, "a").await, ["a", "b"]);
        let (b_now, tag) = read(world, &b).await;
        assert_eq!(b_now["children"], 0);
        let cards = series(world, fixed("100")).await;
        grant(world, &a, &cards, json!({})).await;
        grant(world, &b, &cards, json!({})).await;
        move_to(&b, json!(other), &read(world, &b).await.1).await.refused(409, "shop_in_use");
        assert_ne!(read(world, &b).await.1, "", "{tag}");
        let own = json!({"name": "a", "parent_id": other});
        world.user("a").header("if-match", "\"1\"").put(&format!("/v1/shops/{a}"), own).await.refused(403, "forbidden");
        let missing = world.admin().put(&format!("/v1/shops/{c}"), json!({"name": "c"})).await;
        missing.refused(428, "precondition_required");
    });
}

/// R8.1: two simultaneous moves below each other never make a cycle.
#[test]
fn moves_at_once_make_no_cycle() {
    World::run(async |world| {
        open(world).await;
        for round in 0..16 {
            let one = shop(world, &format!("one{round}"), None).await;
            let other = shop(world, &format!("two{round}"), None).await;
            let moved = |shop: &str, parent: &str| {
                let body = json!({"name": "m", "parent_id": parent});
                let (path, parent) = (format!("/v1/shops/{shop}"), body);
                async move { world.admin().header("if-match", "\"1\"").put(&path, parent).await }
            };
            let answers = together(vec![moved(&one, &other), moved(&other, &one)]).await;
            let done = answers.iter().filter(|answer| answer.status == 200).count();
            assert_eq!(done, 1, "{answers:?}");
            let levels = [read(world, &one).await.0["level"].as_u64(), read(world, &other).await.0["level"].as_u64()];
            assert!(levels.contains(&Some(1)) && levels.contains(&Some(2)), "{levels:?}");
        }
    });
}
