//! The balance at a past time, from the journal entries (R1.5).

use serde_json::{Value, json};

use crate::world::World;

const HOUR: u64 = 3_600;

async fn at(world: &World, path: &str, time: &str) -> Value {
    world.admin().get(&format!("{path}?at={time}")).await.is(200)
}

/// R1.5: a balance is known at any past time, also before the first entry, between two, and where entries moved only the debt.
#[test]
fn a_balance_is_known_at_any_past_time() {
    World::run(async |world| {
        let id = world.register("bob", None).await["user"]["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/admin/users/{id}/balance");
        let now = || world.stack.clock.now().to_string();
        let mut known = vec![(now(), "0".to_owned(), 0)];
        let amounts = ["5", "-2", "3.5", "-6.5", "-1", "-0.5", "4", "0.00000001"];
        for (number, amount) in (1..).zip(amounts) {
            world.advance(HOUR).await;
            world.sign_in("admin").await;
            let body = json!({"amount": amount, "remark": "of a test", "allow_debt": true});
            world.admin().once().post(&format!("/v1/admin/users/{id}/adjustments"), body).await.is(200);
            world.sign_in("bob").await;
            known.push((now(), world.balance("bob").await, number));
        }
        let balances: Vec<&str> = known.iter().map(|(_, balance, _)| balance.as_str()).collect();
        assert_eq!(balances, ["0", "5", "3", "6.5", "0", "0", "0", "2.5", "2.50000001"]);
        for (time, balance, entries) in &known {
            let later = time.parse::<jiff::Timestamp>().unwrap() + jiff::SignedDuration::from_secs(1_800);
            for time in [time.clone(), later.to_string()] {
                let told = at(world, &path, &time).await;
                let expected =
                    json!({"at": time, "balance": {"amount": balance, "currency": "USD"}, "entries": entries});
                assert_eq!(told, expected);
            }
        }
        let before = at(world, &path, "2020-01-01T00:00:00Z").await;
        assert_eq!((&before["balance"]["amount"], &before["entries"]), (&json!("0"), &json!(0)));
        let own = world.user("bob").get(&format!("/v1/balance?at={}", known[3].0)).await.is(200);
        assert_eq!((&own["balance"]["amount"], &own["entries"]), (&json!("6.5"), &json!(3)));
        assert_eq!(world.user("bob").get("/v1/balance").await.is(200)["balance"]["amount"], "2.50000001");
        let wrong = world.user("bob").get("/v1/balance?at=yesterday").await.refused(422, "invalid");
        assert_eq!(wrong["errors"][0]["pointer"], "/at");
        world.admin().get("/v1/admin/users/usr_01arz3ndektsv4rrffq69g5fav/balance").await.refused(404, "not_found");
        world.user("bob").get(&path).await.refused(403, "forbidden");
    });
}
