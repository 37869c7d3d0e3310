//! Concurrent redemptions: never one use too many, and none refused while uses remain (R7.3).

use std::collections::BTreeMap;

use serde_json::json;

use super::{CLIENTS, Weight, race, together};
use crate::redemption::{credit, pro, time_on};
use crate::world::{Answer, World};

/// Redeems under every token at once; returns the number of each outcome.
async fn all_at_once(world: &World, names: &[String], code: &str) -> BTreeMap<String, usize> {
    let asked: Vec<_> =
        names.iter().map(|name| world.user(name).key("crowd").post("/v1/redemptions", json!({"code": code}))).collect();
    let mut outcomes = BTreeMap::new();
    for answer in together(asked).await {
        let outcome = if answer.status == 201 { "redeemed".to_owned() } else { answer.is_problem() };
        *outcomes.entry(outcome).or_insert(0) += 1;
    }
    outcomes
}

async fn crowd(world: &World, size: usize) -> Vec<String> {
    let names: Vec<String> = (0..size).map(|number| format!("user{number}")).collect();
    for name in &names {
        world.register(name, None).await;
    }
    names
}

fn outcomes(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

/// R7.3: a code with 100 uses serves exactly 100 of 1 000.
#[test]
fn a_code_with_a_hundred_uses_serves_exactly_a_hundred_of_a_thousand() {
    World::run(async |world| {
        let names = crowd(world, 1_000).await;
        let code = world.codes(credit("1", 1, 100)).await.remove(0);
        let expected = outcomes(&[("redeemed", 100), ("code_used_up", 900)]);
        assert_eq!(all_at_once(world, &names, &code).await, expected);
    });
}

/// R7.3: with shards, too, every use is found and none is taken twice.
#[test]
fn a_code_with_shards_serves_exactly_its_total() {
    World::run(async |world| {
        let names = crowd(world, 200).await;
        let code = world.codes(credit("1", 1, 120)).await.remove(0);
        let expected = outcomes(&[("redeemed", 120), ("code_used_up", 80)]);
        assert_eq!(all_at_once(world, &names, &code).await, expected);
    });
}

/// R7.3: a code serves exactly its uses of 64 clients, with and without shards.
/// Every success has its effect.
#[test]
fn a_code_serves_as_many_as_it_has_uses() {
    race("redeem::a_code_serves_as_many_as_it_has_uses", Weight::Heavy, async |round| {
        let world = round.world;
        let names = crowd(world, CLIENTS).await;
        let uses = 1 + round.below(60);
        let code = world.codes(credit("1", 1, uses)).await.remove(0);
        let body = json!({"code": code});
        let ask = |client: usize| world.user(&names[client]).key("crowd").post("/v1/redemptions", body.clone());
        let told = round.at_once(CLIENTS, ask).await;
        assert_eq!(told.made_or("code_used_up"), uses as usize);
        round.again(&told, ask).await;
        for (client, name) in names.iter().enumerate() {
            let has = if told.made.contains_key(&client) { "1" } else { "0" };
            assert_eq!(world.balance(name).await, has, "{name}");
        }
    });
}

/// R7.3: the same user 64 times at once redeems once.
#[test]
fn one_user_in_parallel_redeems_once() {
    race("redeem::one_user_in_parallel_redeems_once", Weight::Heavy, async |round| {
        let world = round.world;
        world.register("ann", None).await;
        for total in [1, 500, 0] {
            let code = world.codes(credit("1", 1, total)).await.remove(0);
            let body = json!({"code": code});
            let ask = |client: usize| {
                world.user("ann").key(&format!("{total}.{client}")).post("/v1/redemptions", body.clone())
            };
            let told = round.at_once(CLIENTS, ask).await;
            assert_eq!(told.made.len(), 1, "{:?}", told.refused);
            round.again(&told, ask).await;
        }
        assert_eq!(world.balance("ann").await, "3");
    });
}

/// R7.4: two first codes at once make one subscription with the time of both.
#[test]
fn two_first_codes_at_once_make_one_subscription() {
    World::run(async |world| {
        world.register("ann", None).await;
        let plan = pro(world, 0).await;
        let mut codes = Vec::new();
        for _ in 0..8 {
            codes.extend(world.codes(time_on(&plan, "month", 1, 1)).await);
        }
        let asked = codes.iter().map(|code| world.user("ann").key(code).post("/v1/redemptions", json!({"code": code})));
        assert!(together(asked.collect()).await.iter().all(|answer| answer.status == 201));
        let subscriptions = world.user("ann").get("/v1/subscriptions").await.is(200);
        assert_eq!(subscriptions["items"].as_array().unwrap().len(), 1);
        assert!(subscriptions["items"][0]["expires_at"].as_str().unwrap().starts_with("2027-07-20T10:00:0"));
    });
}

/// R7.5: the quota is exact for simultaneous new subscriptions.
#[test]
fn new_subscriptions_at_once_stay_within_the_quota() {
    World::run(async |world| {
        world.register("ann", None).await;
        let plan = pro(world, 3).await;
        let mut codes = Vec::new();
        for _ in 0..8 {
            codes.extend(world.codes(time_on(&plan, "month", 1, 1)).await);
        }
        let new = |code: &String| json!({"code": code, "new_subscription": true});
        let asked = codes.iter().map(|code| world.user("ann").key(code).post("/v1/redemptions", new(code)));
        let answers = together(asked.collect()).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 3);
        for answer in answers.into_iter().filter(|answer| answer.status != 201) {
            answer.refused(409, "plan_quota");
        }
    });
}

/// R7.8: during an edit, a switch and a deletion, every redemption is before or after it.
#[test]
fn a_code_is_edited_before_or_after_a_redemption_and_never_between() {
    World::run(async |world| {
        let names = crowd(world, 60).await;
        for total in [50, 400, 0] {
            let code = world.codes(credit("1", 1, total)).await.remove(0);
            let path = format!("/v1/admin/redemption/codes/{code}");
            let mut asked: Vec<std::pin::Pin<Box<dyn Future<Output = Answer>>>> = Vec::new();
            for name in &names[..30] {
                asked.push(Box::pin(world.user(name).key(&path).post("/v1/redemptions", json!({"code": code}))));
            }
            asked.push(Box::pin(world.admin().put(&path, json!({"credit": "2"}))));
            for name in &names[30..] {
                asked.push(Box::pin(world.user(name).key(&path).post("/v1/redemptions", json!({"code": code}))));
            }
            asked.push(Box::pin(world.admin().put(&format!("{path}/status"), json!({"enabled": false}))));
            let answers = together(asked).await;
            for answer in answers {
                if answer.status == 409 {
                    assert!(["code_disabled", "code_used_up"].contains(&answer.is_problem().as_str()));
                } else {
                    assert!([200, 201].contains(&answer.status), "{}", answer.text);
                }
            }
            world.register(&format!("late{total}"), None).await;
            world.redeem(&format!("late{total}"), &code).await.refused(409, "code_disabled");
        }
    });
}
