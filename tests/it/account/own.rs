//! Own sessions (R2.11), and own data as one document (R13.2).

use serde_json::{Value, json};

use crate::affiliate::commission::{hundred, invited};
use crate::agency::cash;
use crate::world::{PASSWORD, World};

const SESSIONS: &str = "/v1/me/sessions";

/// Signs a user in once more and returns the session.
async fn another(world: &World, name: &str) -> Value {
    let body = json!({"email": format!("{name}@example.com"), "password": PASSWORD});
    world.nobody().post("/v1/sessions", body).await.is(200)
}

fn token(session: &Value) -> &str {
    session["access_token"].as_str().unwrap()
}

async fn listed(world: &World, token: &str) -> Vec<Value> {
    world.holder(token).get(SESSIONS).await.is(200)["items"].as_array().unwrap().clone()
}

/// R2.11: the sessions that stand are listed newest first, this one is marked, and no token or secret is in them.
#[test]
fn own_sessions_are_listed_and_this_one_is_marked() {
    World::run(async |world| {
        world.register("bob", None).await;
        world.register("eve", None).await;
        world.advance(60).await;
        let phone = another(world, "bob").await;
        world.advance(60).await;
        let body = json!({"refresh_token": phone["refresh_token"]});
        let phone = world.nobody().post("/v1/sessions/refresh", body).await.is(200);
        let key = world.service_key("front", &["sessions:create"]).await;
        let bob = world.user("bob").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let opened = format!("/v1/service/users/{bob}/sessions");
        world.holder(&key).post(&opened, json!({})).await.is(200);
        let all = listed(world, token(&phone)).await;
        let of = |field: &str| all.iter().map(|one| one[field].clone()).collect::<Vec<_>>();
        assert_eq!(of("current"), [false, true, false], "{all:#?}");
        assert_eq!(of("opened_by_service"), [true, false, false]);
        assert_eq!(of("client"), ["api", "api", "api"]);
        assert!(all[1]["last_seen_at"].as_str() > all[1]["created_at"].as_str(), "it was refreshed");
        assert_eq!((&all[0]["last_seen_at"], &all[2]["last_seen_at"]), (&Value::Null, &Value::Null));
        let text = format!("{all:?}");
        assert!(!text.contains("refresh_token") && !text.contains(phone["refresh_token"].as_str().unwrap()));
        let first = world.user("bob").get(&format!("{SESSIONS}?limit=2")).await.is(200);
        assert_eq!(first["items"].as_array().unwrap().len(), 2);
        let next = format!("{SESSIONS}?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
        assert_eq!(world.user("bob").get(&next).await.is(200)["items"][0]["id"], all[2]["id"]);
        assert_eq!(world.user("eve").get(SESSIONS).await.is(200)["items"].as_array().unwrap().len(), 1);
    });
}

/// R2.11: ending one session ends its access and its refresh token at once, and no other session.
#[test]
fn one_own_session_ends_alone() {
    World::run(async |world| {
        world.register("bob", None).await;
        world.register("eve", None).await;
        let phone = another(world, "bob").await;
        let all = listed(world, token(&phone)).await;
        let own = all.iter().find(|one| one["current"] == true).unwrap();
        let id = own["id"].as_str().unwrap().to_owned();
        let path = format!("{SESSIONS}/{id}");
        world.user("eve").raw("DELETE", &path, "").await.refused(404, "not_found");
        world.user("bob").raw("DELETE", &format!("{SESSIONS}/ses_x"), "").await.refused(404, "not_found");
        listed(world, token(&phone)).await;
        for _ in 0..2 {
            world.user("bob").raw("DELETE", &path, "").await.is(204);
        }
        world.holder(token(&phone)).get("/v1/me").await.refused(401, "unauthenticated");
        world.holder(token(&phone)).get(SESSIONS).await.refused(401, "unauthenticated");
        let refresh = json!({"refresh_token": phone["refresh_token"]});
        world.nobody().post("/v1/sessions/refresh", refresh).await.refused(401, "bad_credentials");
        let left = world.user("bob").get(SESSIONS).await.is(200);
        assert_eq!((left["items"].as_array().unwrap().len(), &left["items"][0]["current"]), (1, &json!(true)));
        // A session may end itself, and a lost answer is asked for again.
        let own = format!("{SESSIONS}/{}", left["items"][0]["id"].as_str().unwrap());
        for _ in 0..2 {
            world.user("bob").raw("DELETE", &own, "").await.is(204);
        }
        world.user("bob").get("/v1/me").await.refused(401, "unauthenticated");
        assert_eq!(listed(world, token(&another(world, "bob").await)).await.len(), 1, "what ended is not listed");
    });
}

/// R13.2: the file has what the lists show, whole, with the caller's own payout account and nobody else's address.
#[test]
fn own_data_is_one_document_of_everything() {
    World::run(async |world| {
        invited(world).await;
        hundred(world).await;
        world.settings("affiliate", |affiliate| affiliate["min_cash_withdrawal"] = json!("0.5")).await;
        let bank = json!({"method": "bank", "account": "DE02120300000000202051", "name": "Ann Example"});
        let ask = json!({"amount": "1", "to": "cash", "payout": bank});
        world.user("ann").once().post("/v1/affiliate/withdrawals", ask).await.is(201);
        let code = world.codes(json!({"label": "x", "count": 1, "credit": "2", "total_uses": 1})).await.remove(0);
        world.redeem("ann", &code).await.is(201);
        world.settle().await;
        let answer = world.user("ann").get("/v1/me/export").await;
        let name = answer.headers["content-disposition"].to_str().unwrap().to_owned();
        assert_eq!(name, "attachment; filename=\"own-data.json\"");
        assert_eq!(answer.headers["cache-control"], "no-store");
        let text = answer.text.clone();
        let data = answer.is(200);
        let me = world.user("ann").get("/v1/me").await.is(200);
        assert_eq!((&data["account"], &data["invite_code"]), (&me, &json!(world.code("ann").await)));
        for (list, path) in [
            ("balance", "/v1/balance/records"),
            ("commission", "/v1/balance/records?account=commission"),
            ("orders", "/v1/payment/orders"),
            ("sessions", SESSIONS),
            ("redemptions", "/v1/redemptions"),
            ("subscriptions", "/v1/subscriptions"),
        ] {
            assert_eq!(data[list], world.user("ann").get(path).await.is(200)["items"], "{list}");
        }
        let amount = |list: &str| data[list][0]["amount"]["amount"].clone();
        assert_eq!((amount("commissions"), amount("withdrawals")), (json!("1.38888888"), json!("1")));
        assert_eq!(data["withdrawals"][0]["payout"], bank);
        assert_eq!(data["invitees"][0]["email_masked"], "b***@e***.com");
        assert!(!text.contains("bob@example.com"), "{text}");
        let none = world.user("ann").get("/v1/me/export?to=2020-01-01T00:00:00Z").await.is(200);
        assert_eq!((&none["balance"], &none["invitees"]), (&json!([]), &json!([])));
        let bad = world.user("ann").get("/v1/me/export?from=soon").await.refused(422, "invalid");
        assert_eq!(bad["errors"][0]["pointer"], "/from");
    });
}

/// R13.2: an agent's file has the cash that they asked for, and not what another agent of the shop asked for.
#[test]
fn own_data_of_an_agent_has_their_cash() {
    World::run(async |world| {
        let [a, ..] = cash::sold(world).await;
        cash::cash(world, "a", "5").await;
        let data = world.user("a").get("/v1/me/export").await.is(200);
        let own = &data["withdrawals"][0];
        assert_eq!((&own["shop_id"], &own["payout"], &data["shop_id"]), (&json!(a), &cash::bank(), &json!(a)));
        world.register("bea", None).await;
        let bea = world.user("bea").get("/v1/me").await.is(200)["id"].clone();
        let version = world.admin().get(&format!("/v1/shops/{a}")).await.is(200)["version"].to_string();
        let body = json!({"name": "a", "user_id": bea});
        world.admin().header("if-match", &version).put(&format!("/v1/shops/{a}"), body).await.is(200);
        world.sign_in("bea").await;
        assert_eq!(world.user("bea").get("/v1/me/export").await.is(200)["withdrawals"], json!([]));
        let former = world.user("a").get("/v1/me/export").await.is(200);
        assert_eq!(former["withdrawals"][0]["payout"], cash::bank());
    });
}
