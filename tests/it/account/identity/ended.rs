//! Tokens from before a sign-out, a reset, a block or a change of rights (R2.5, R2.11, G3).

use serde_json::{Value, json};

use crate::affiliate::commission::{hundred, invited};
use crate::redemption::credit;
use crate::world::{PASSWORD, World};

/// Routes on which money moves, with bodies that would be accepted, one of them with this code, or find nothing.
fn money(code: &str) -> Vec<(&'static str, String, Value)> {
    let withdrawal = "/v1/affiliate/withdrawals";
    vec![
        ("POST", withdrawal.into(), json!({"amount": "1", "to": "balance"})),
        (
            "POST",
            withdrawal.into(),
            json!({"amount": "10", "to": "cash", "payout": {"method": "paypal", "account": "thief@example.com"}}),
        ),
        ("POST", format!("{withdrawal}/wdr_01k9zq4r7x8m2v5b3n6c1d0fgh/cancel"), json!({})),
        ("POST", "/v1/redemptions".into(), json!({"code": code})),
        ("POST", "/v1/payment/orders".into(), json!({"offer_id": "o100", "provider": "zpay"})),
        ("POST", "/v1/payment/orders/ord_01k9zq4r7x8m2v5b3n6c1d0fgh/cancel".into(), json!({})),
        ("POST", "/v1/affiliate/codes".into(), json!({})),
        ("DELETE", "/v1/affiliate/codes/ABCDEFGH".into(), json!({})),
        ("POST", "/v1/agency/wallet/transfers".into(), json!({"amount": "1"})),
        (
            "POST",
            "/v1/agency/wallet/withdrawals".into(),
            json!({"amount": "10", "payout": {"method": "paypal", "account": "thief@example.com"}}),
        ),
        ("POST", "/v1/agency/wallet/withdrawals/wdr_01k9zq4r7x8m2v5b3n6c1d0fgh/cancel".into(), json!({})),
        ("POST", "/v1/agency/orders".into(), json!({"asset_id": "x", "kind": "recharge", "amount": "1"})),
        ("GET", "/v1/agency/wallet".into(), json!({})),
        ("GET", "/v1/admin/users".into(), json!({})),
        ("POST", "/v1/admin/users/usr_x/adjustments".into(), json!({"amount": "100", "remark": "mine"})),
        ("GET", "/v1/me".into(), json!({})),
        ("GET", "/v1/me/sessions".into(), json!({})),
        ("DELETE", "/v1/me/sessions/ses_01k9zq4r7x8m2v5b3n6c1d0fgh".into(), json!({})),
        ("GET", "/v1/me/export".into(), json!({})),
    ]
}

/// Requires that a token moves nothing, on any route of money, agents or admins.
async fn moves_nothing(world: &World, token: &str, why: &str) {
    world.sign_in("admin").await;
    let code = world.codes(credit("1", 1, 1)).await.remove(0);
    for (method, path, body) in money(&code) {
        let answer = world.holder(token).once().raw(method, &path, &body.to_string()).await;
        assert_eq!((answer.status, answer.is_problem().as_str()), (401, "unauthenticated"), "{why}: {method} {path}");
    }
}

/// Ann with commission, and a token and refresh token of hers.
async fn ann(world: &World) -> (Value, String) {
    invited(world).await;
    hundred(world).await;
    session(world).await
}

async fn session(world: &World) -> (Value, String) {
    let body = json!({"email": "ann@example.com", "password": PASSWORD});
    let session = world.nobody().post("/v1/sessions", body).await.is(200);
    let token = session["access_token"].as_str().unwrap().to_owned();
    (session, token)
}

async fn put(world: &World, session: &Value, what: &str, body: Value) {
    let path = format!("/v1/admin/users/{}/{what}", session["user"]["id"].as_str().unwrap());
    world.admin().put(&path, body).await.is(200);
}

/// R2.5, G3: the access token of a session that was signed out, or whose refresh token was reused, moves nothing. Another
/// session of the same user goes on.
#[test]
fn a_token_from_before_a_sign_out_moves_nothing() {
    World::run(async |world| {
        let (session_one, one) = ann(world).await;
        let (session_two, two) = session(world).await;
        world
            .holder(&one)
            .once()
            .post("/v1/affiliate/withdrawals", json!({"amount": "0.5", "to": "balance"}))
            .await
            .is(201);
        let refresh = json!({"refresh_token": session_one["refresh_token"]}).to_string();
        for _ in 0..2 {
            world.nobody().raw("DELETE", "/v1/sessions", &refresh).await.is(204);
        }
        moves_nothing(world, &one, "signed out").await;
        world
            .holder(&two)
            .once()
            .post("/v1/affiliate/withdrawals", json!({"amount": "0.5", "to": "balance"}))
            .await
            .is(201);
        let first = json!({"refresh_token": session_two["refresh_token"]});
        let next = world.nobody().post("/v1/sessions/refresh", first.clone()).await.is(200);
        world.advance(31).await;
        world.nobody().post("/v1/sessions/refresh", first).await.refused(401, "bad_credentials");
        moves_nothing(world, &two, "its family was revoked").await;
        moves_nothing(world, next["access_token"].as_str().unwrap(), "its family was revoked").await;
        let two = world.holder(next["access_token"].as_str().unwrap()).get("/v1/me").await;
        two.refused(401, "unauthenticated");
        world.sign_in("ann").await;
        assert_eq!(world.balance("ann").await, "1");
    });
}

/// R2.8, R2.11, G3: a block ends all sessions for good: while it lasts writes are 403, and after it the old tokens are 401.
#[test]
fn a_token_from_before_a_block_moves_nothing_after_it() {
    World::run(async |world| {
        let (session, token) = ann(world).await;
        put(world, &session, "status", json!({"status": "blocked", "reason": "a stolen telephone"})).await;
        let ask = json!({"amount": "1", "to": "balance"});
        world.holder(&token).once().post("/v1/affiliate/withdrawals", ask).await.refused(403, "account_blocked");
        put(world, &session, "status", json!({"status": "active", "reason": "found again"})).await;
        moves_nothing(world, &token, "blocked meanwhile").await;
        let refresh = json!({"refresh_token": session["refresh_token"]});
        world.nobody().post("/v1/sessions/refresh", refresh).await.refused(401, "bad_credentials");
        let (_, new) = self::session(world).await;
        world.holder(&new).get("/v1/me").await.is(200);
    });
}

/// R2.11: a session from before a promotion does not outlive it, so whoever holds one does not become an admin with it.
#[test]
fn a_session_does_not_outlive_a_promotion() {
    World::run(async |world| {
        let (mut session, mut token) = ann(world).await;
        for (role, scopes) in [("admin", json!(["stats:read"])), ("admin", json!(["stats:read", "orders:read"]))] {
            put(world, &session, "role", json!({"role": role, "scopes": scopes})).await;
            moves_nothing(world, &token, "from before the promotion").await;
            let refresh = json!({"refresh_token": session["refresh_token"]});
            world.nobody().post("/v1/sessions/refresh", refresh).await.refused(401, "bad_credentials");
            (session, token) = self::session(world).await;
            world.holder(&token).get("/v1/admin/stats").await.is(200);
        }
        // Fewer rights end no session: they hold at once.
        put(world, &session, "role", json!({"role": "user", "scopes": []})).await;
        world.holder(&token).get("/v1/admin/stats").await.refused(403, "forbidden");
        world.holder(&token).get("/v1/me").await.is(200);
    });
}

/// R2.11: `?all=true` ends every session of the caller, on all devices.
#[test]
fn all_sessions_end_at_once_when_their_user_says_so() {
    World::run(async |world| {
        let (session_one, one) = ann(world).await;
        let (session_two, two) = session(world).await;
        world.nobody().raw("DELETE", "/v1/sessions?all=true", "").await.refused(401, "unauthenticated");
        world.holder(&one).raw("DELETE", "/v1/sessions?all=true", "").await.is(204);
        for (session, token) in [(session_one, one), (session_two, two)] {
            moves_nothing(world, &token, "all ended").await;
            let refresh = json!({"refresh_token": session["refresh_token"]});
            world.nobody().post("/v1/sessions/refresh", refresh).await.refused(401, "bad_credentials");
        }
        let (_, new) = self::session(world).await;
        world.holder(&new).get("/v1/me").await.is(200);
    });
}

/// R2.11: a session that a service key opened has the rights of a user, whatever the account may do.
#[test]
fn a_session_of_a_service_key_is_never_an_agents() {
    World::run(async |world| {
        crate::agency::open(world).await;
        crate::agency::shop(world, "ann", None).await;
        let key = world.service_key("front", &["sessions:create"]).await;
        let id = world.user("ann").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/service/users/{id}/sessions");
        let opened = world.holder(&key).post(&path, json!({})).await.is(200);
        world.user("ann").get("/v1/agency/wallet").await.is(200);
        let refresh = json!({"refresh_token": opened["refresh_token"]});
        let refreshed = world.nobody().post("/v1/sessions/refresh", refresh).await.is(200);
        for session in [opened, refreshed] {
            let token = session["access_token"].as_str().unwrap();
            world.holder(token).get("/v1/me").await.is(200);
            world.holder(token).get("/v1/agency/wallet").await.refused(403, "forbidden");
            let transfer = json!({"amount": "1"});
            world.holder(token).once().post("/v1/agency/wallet/transfers", transfer).await.refused(403, "forbidden");
        }
    });
}
