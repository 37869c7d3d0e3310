//! Wrong inputs: each refusal names its code, the field, and what would be right (api.md, *Conventions*).

use serde_json::{Value, json};

use crate::world::{Answer, World};

const ORDERS: &str = "/v1/payment/orders";
const PAYMENT: &str = "/v1/admin/settings/payment";

/// Expected: status, code, pointers of the errors, and a part of a detail.
type Expected<'a> = (u16, &'a str, &'a [&'a str], &'a str);

#[track_caller]
fn check(what: &str, answer: Answer, (status, code, pointers, detail): Expected<'_>) -> Value {
    let problem = answer.refused(status, code);
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    let named: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert!(pointers.iter().all(|pointer| named.contains(pointer)), "{what}: {problem}");
    let said = errors.iter().map(|error| &error["detail"]).chain([&problem["detail"], &problem["title"]]);
    let said: Vec<&str> = said.filter_map(Value::as_str).collect();
    assert!(said.iter().any(|text| text.contains(detail)), "{what}: {problem}");
    problem
}

/// Missing, unknown and mistyped fields, and what is no JSON.
#[test]
fn a_wrong_body_is_told_which_field_and_what_would_be_right() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let rows: [(&str, Expected<'_>); 11] = [
            ("", (400, "malformed_request", &[], "empty")),
            ("{", (400, "malformed_request", &[], "not JSON")),
            ("[]", (422, "invalid", &[""], "Expected")),
            ("{}", (422, "invalid", &["/provider"], "required")),
            (r#"{"amount": 100, "provider": "zpay"}"#, (422, "invalid", &["/amount"], "a string")),
            (r#"{"amount": "100", "provider": "paypal"}"#, (422, "invalid", &["/provider"], "zpay")),
            (r#"{"amount": "1", "amount": "2", "provider": "zpay"}"#, (422, "invalid", &["/amount"], "more than once")),
            (r#"{"amount": "1", "provider": "zpay", "tip": 1}"#, (422, "invalid", &["/tip"], "`amount`")),
            (r#"{"amount": "1e2", "provider": "zpay"}"#, (422, "invalid", &["/amount"], "digits")),
            (r#"{"offer_id": "nope", "provider": "zpay"}"#, (422, "invalid", &["/offer_id"], "o10, o50")),
            (r#"{"amount": "10000000", "provider": "zpay"}"#, (422, "invalid", &["/amount"], "10000")),
        ];
        for (body, expected) in rows {
            check(body, world.user("bob").once().raw("POST", ORDERS, body).await, expected);
        }
        let none = world.user("bob").post(ORDERS, json!({"amount": "1", "provider": "zpay"})).await;
        check("no key", none, (400, "idempotency_key_required", &[], "Idempotency-Key"));
        let order =
            |amount: &str| world.user("bob").key("k").post(ORDERS, json!({"amount": amount, "provider": "zpay"}));
        order("10").await.is(201);
        check("reused key", order("11").await, (422, "idempotency_key_reused", &[], "another request"));
        for _ in 0..2 {
            world.order("bob", json!({"amount": "10", "provider": "zpay"})).await;
        }
        let fourth = world.user("bob").once().post(ORDERS, json!({"amount": "10", "provider": "zpay"})).await;
        let wait = fourth.headers["retry-after"].to_str().unwrap().to_owned();
        let problem = check("fourth order", fourth, (429, "rate_limited", &[], "3 orders in a minute"));
        assert!(problem["detail"].as_str().unwrap().contains(&format!("{wait} seconds")), "{problem}");
    });
}

/// R9.1: settings documents and the version that they are based on.
#[test]
fn a_wrong_settings_document_is_told_what_is_missing() {
    World::run(async |world| {
        let whole = world.admin().get(PAYMENT).await.is(200)["settings"].clone();
        let put = async |tag: &str, document: Value| world.admin().header("if-match", tag).put(PAYMENT, document).await;
        let partial = put("\"0\"", json!({"enabled": true, "discount_rate": "1"})).await;
        check("partial", partial, (422, "invalid", &["/pay_currency", "/min_amount", "/offers"], "whole document"));
        let mut typed = whole.clone();
        typed["exchange_rate"] = json!(7.2);
        check("mistyped", put("\"0\"", typed).await, (422, "invalid", &["/exchange_rate"], "a string"));
        let mut more = whole.clone();
        more["nonsense"] = json!(1);
        check("unknown", put("\"0\"", more).await, (422, "invalid", &["/nonsense"], "no such field"));
        check(
            "no tag",
            world.admin().put(PAYMENT, whole.clone()).await,
            (428, "precondition_required", &[], "If-Match"),
        );
        check("stale", put("7", whole.clone()).await, (412, "version_mismatch", &[], "ETag"));
        let area = world.admin().get("/v1/admin/settings/nonsense").await;
        check("area", area, (404, "not_found", &[], "identity, referral"));
        // Any spelling of a version: unquoted, quoted, weak.
        for tag in ["0", "\"1\"", "W/\"2\""] {
            put(tag, whole.clone()).await.is(200);
        }
    });
}

/// Lists: parameters, filters and cursors.
#[test]
fn a_wrong_query_is_told_what_there_is() {
    World::run(async |world| {
        world.open().await;
        let rows: [(&str, Expected<'_>); 9] = [
            ("payment/orders?state=paid", (422, "invalid", &["/state"], "status")),
            ("payment/orders?status=lost", (422, "invalid", &["/status"], "partially_refunded")),
            ("payment/orders?provider=paypal", (422, "invalid", &["/provider"], "stripe, zpay")),
            ("payment/orders?from=yesterday", (422, "invalid", &["/from"], "2026-11-20")),
            ("payment/orders?limit=0", (422, "invalid", &["/limit"], "1 to 100")),
            ("payment/orders?cursor=AAAA", (400, "forged_cursor", &[], "first page")),
            ("rewards?state=odd", (422, "invalid", &["/state"], "granted")),
            ("rewards?inviter=bob", (422, "invalid", &["/inviter"], "usr_")),
            ("stats/daily?from=soon", (422, "invalid", &["/from"], "A day")),
        ];
        for (path, expected) in rows {
            check(path, world.admin().get(&format!("/v1/admin/{path}")).await, expected);
        }
    });
}

/// 401 that can be told apart, each with `WWW-Authenticate`; a malformed code is told how a code looks, an unknown one too.
#[test]
fn identity_and_codes_say_what_would_be_right() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let challenge = |answer: &Answer| answer.headers["www-authenticate"].to_str().unwrap().to_owned();
        let none = world.nobody().get("/v1/me").await;
        assert_eq!(challenge(&none), "Bearer realm=\"guerdon\"");
        check("no token", none, (401, "unauthenticated", &[], "Sign in first"));
        let unreadable = world.nobody().header("authorization", "Bearer x").get("/v1/me").await;
        assert!(challenge(&unreadable).starts_with("Bearer"));
        check("unreadable token", unreadable, (401, "unauthenticated", &[], "Sign in first"));
        let wrong = json!({"email": "bob@example.com", "password": "not the password"});
        let credentials = world.nobody().post("/v1/sessions", wrong).await;
        assert!(challenge(&credentials).starts_with("Bearer"));
        check("credentials", credentials, (401, "bad_credentials", &[], "not right"));
        let guess = json!({"email": "eve@example.com", "password": "not the password"});
        for number in 0..11 {
            let stranger = world.nobody().from(&format!("10.7.{number}.9"));
            stranger.post("/v1/sessions", guess.clone()).await.refused(401, "bad_credentials");
        }
        let challenged = world.nobody().post("/v1/sessions", guess).await;
        assert!(challenge(&challenged).starts_with("Bearer"));
        check("challenge", challenged, (401, "challenge_required", &[], "mailed code"));
        let said = async |code: &str| world.redeem("bob", code).await.refused(404, "code_not_found")["detail"].clone();
        let (malformed, unknown) = (said("what").await, said("ABCD-EFGH-2345-WXYZ").await);
        assert!(malformed.as_str().unwrap().contains("16 letters and digits"), "{malformed}");
        assert_eq!(malformed, unknown);
        world.advance(16 * 60).await;
        let late = world.user("bob").get("/v1/me").await;
        assert!(challenge(&late).contains("expired"));
        check("expired token", late, (401, "token_expired", &[], "refresh"));
        world.sign_in("admin").await;
    });
}
