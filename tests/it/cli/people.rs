//! `users`, `plans`, `rewards`, `webhooks`, `keys`, `shops`, `admin`: each command has its effect.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use shared::account::create_admin::create_admin;
use shared::account::model::identity::{Email, Password};
use shared::account::model::second_factor::SecondFactor;
use shared::account::model::totp::STEP_SECONDS;
use shared::kernel::id::UserId;

use super::bench::Bench;

async fn user(bench: &Bench, name: &str) -> String {
    let found = bench.json(&format!("users list --email {name}@example.com")).await;
    found[0]["id"].as_str().unwrap().to_owned()
}

/// R7.5: an adjustment is a journal of its own, and may take.
#[test]
fn a_balance_is_adjusted_by_amounts_of_both_signs_once_each() {
    Bench::run(async |bench| {
        let ann = bench.register("ann", None).await;
        let id = user(bench, "ann").await;
        for _ in 0..2 {
            bench.words(&["users", "adjust", &id, "10", "--remark", "welcome"]).await;
            let taken = bench.words(&["users", "adjust", &id, "-2.50", "--remark", "a mistake"]).await;
            assert_eq!(taken.status, 0, "{}", taken.err);
        }
        assert_eq!(bench.balance(&ann).await, "7.5");
        bench.words(&["users", "adjust", &id, "-2.50", "--remark", "a mistake", "--key", "another"]).await;
        assert_eq!(bench.balance(&ann).await, "5");
        let refused = bench.words(&["users", "adjust", &id, "-100", "--remark", "too much"]).await;
        assert_eq!((refused.status, refused.err.contains("insufficient_balance")), (1, true), "{}", refused.err);
        bench.settle().await;
        assert_eq!((bench.guerdon("audit").await.status, bench.guerdon("verify").await.status), (0, 0));
    });
}

#[test]
fn a_user_is_shown_blocked_unblocked_and_erased() {
    Bench::run(async |bench| {
        bench.register("ann", None).await;
        let id = user(bench, "ann").await;
        for (command, status) in [("block", "blocked"), ("unblock", "active"), ("erase", "erased")] {
            let ran = bench.words(&["users", command, &id, "--reason", "as they asked"]).await;
            assert_eq!(ran.status, 0, "{command}: {}", ran.err);
            assert_eq!(bench.json(&format!("users show {id}")).await["status"], status);
        }
    });
}

/// R2.5: an admin's limits are seen and set from the command line.
#[test]
fn an_admin_is_limited_to_scopes_and_freed_again() {
    Bench::run(async |bench| {
        let made = bench.json("admin create olga@example.com").await;
        let (id, password) = (made["id"].as_str().unwrap(), made["password"].as_str().unwrap());
        let scopes = bench.json("admin scopes").await;
        assert!(scopes.as_array().unwrap().contains(&json!({"scope": "orders:read"})));
        bench.json(&format!("admin scopes {id} orders:read stats:read")).await;
        assert_eq!(bench.json(&format!("admin scopes {id}")).await[0]["scopes"], json!(["orders:read", "stats:read"]));
        let as_olga = format!("--admin-email olga@example.com --admin-password {password}");
        let refused = bench.guerdon(&format!("users list {as_olga}")).await;
        assert_eq!((refused.status, refused.err.contains("forbidden")), (1, true), "{}", refused.err);
        bench.json(&format!("admin scopes {id} --everything")).await;
        assert_eq!(bench.guerdon(&format!("users list {as_olga}")).await.status, 0);
    });
}

#[test]
fn a_plan_is_created_once_and_changed_field_by_field() {
    Bench::run(async |bench| {
        let made = bench.json("plans create Pro --quota 5").await;
        assert_eq!(bench.json("plans create Pro --quota 5").await["id"], made["id"]);
        let id = made["id"].as_str().unwrap();
        let set = bench.guerdon(&format!("plans set {id} quota=7 on_sale=false -o json")).await;
        assert_eq!(set.err, "on_sale: true → false\nquota: 5 → 7\n");
        let shown = bench.json(&format!("plans show {id}")).await;
        assert_eq!((&shown["name"], &shown["quota"], &shown["on_sale"]), (&json!("Pro"), &json!(7), &json!(false)));
        assert_eq!(bench.json("plans list").await.as_array().unwrap().len(), 1);
    });
}

#[test]
fn an_endpoint_is_made_switched_rotated_and_deleted() {
    Bench::run(async |bench| {
        let made = bench.json("webhooks create https://product.test/_sim/webhook user.registered").await;
        let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
        assert!(secret.starts_with("whsec_"));
        for (command, enabled) in [("disable", false), ("enable", true)] {
            bench.json(&format!("webhooks {command} {id}")).await;
            assert_eq!(bench.json("webhooks list").await[0]["enabled"], enabled);
        }
        assert_ne!(bench.json(&format!("webhooks rotate {id}")).await["secret"], secret);
        bench.register("ann", None).await;
        bench.settle().await;
        let log = bench.json(&format!("webhooks deliveries {id}")).await;
        assert_eq!((&log[0]["event"], &log[0]["state"]), (&json!("user.registered"), &json!("delivered")), "{log}");
        let delivery = log[0]["id"].as_str().unwrap();
        let replayed = bench.json(&format!("webhooks replay {id} {delivery}")).await;
        assert_eq!(replayed["id"], delivery);
        assert_eq!(bench.guerdon(&format!("webhooks delete {id}")).await.status, 0);
        assert_eq!(bench.json("webhooks list").await, json!([]));
    });
}

#[test]
fn an_endpoint_of_a_chat_is_made_by_its_format_and_has_no_secret() {
    Bench::run(async |bench| {
        let made =
            bench.json("webhooks create https://chat.test/_sim/webhook/T0P review.* alarm.* --format slack").await;
        assert_eq!((&made["format"], &made["secret"]), (&json!("slack"), &Value::Null));
        let said = bench.guerdon("webhooks create https://chat.test/_sim/webhook/T0P case.* --format slack").await;
        assert_eq!(said.status, 0);
        let listed = bench.json("webhooks list").await;
        assert_eq!((listed.as_array().unwrap().len(), &listed[0]["url"]), (2, &json!("https://chat.test/…")));
        let id = made["id"].as_str().unwrap();
        assert_ne!(bench.guerdon(&format!("webhooks rotate {id}")).await.status, 0);
    });
}

#[test]
fn a_service_key_works_until_it_is_revoked() {
    Bench::run(async |bench| {
        let made = bench.json("keys create shop users:write users:read").await;
        let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
        bench.api("POST", "/v1/service/users", Some(key), json!({"external_id": "ann"})).await;
        assert_eq!(bench.json("keys list").await[0]["scopes"], json!(["users:write", "users:read"]));
        assert_eq!(bench.guerdon(&format!("keys revoke {id}")).await.status, 0);
        assert_eq!(bench.json("keys list").await[0]["state"], "revoked");
    });
}

#[test]
fn a_shops_wallet_is_adjusted_by_amounts_of_both_signs() {
    Bench::run(async |bench| {
        bench.json("settings set agency enabled=true").await;
        let body = json!({"email": "admin@localhost", "password": "correct horse battery"});
        let token = bench.api("POST", "/v1/sessions", None, body).await["access_token"].as_str().unwrap().to_owned();
        bench.api("POST", "/v1/shops", Some(&token), json!({"name": "North"})).await;
        let id = bench.json("shops list").await[0]["id"].as_str().unwrap().to_owned();
        for amount in ["20", "-7.5"] {
            let done = bench.words(&["shops", "adjust", &id, amount, "--remark", "by hand", "-o", "json"]).await;
            assert_eq!(done.status, 0, "{}", done.err);
            let after = serde_json::from_str::<Value>(&done.out).unwrap()["balance_after"]["amount"].clone();
            assert_eq!(after, json!(if amount == "20" { "20" } else { "12.5" }));
        }
        assert_eq!(bench.json(&format!("shops show {id}")).await["name"], "North");
    });
}

/// R3.1: a reward that waits is tried again from the command line, and only while it waits.
#[test]
fn a_held_reward_is_tried_again() {
    Bench::run(async |bench| {
        bench.json("settings set referral enabled=true registration.inviter_reward=2").await;
        let ann = bench.register("ann", None).await;
        let code = bench.api("GET", "/v1/referral", Some(&ann), Value::Null).await["code"].as_str().unwrap().to_owned();
        bench.register("bob", Some(&code)).await;
        let id = user(bench, "ann").await;
        bench.words(&["users", "block", &id, "--reason", "looked into"]).await;
        bench.settle().await;
        let held = bench.json("rewards list --state held").await;
        let reward = held[0]["id"].as_str().unwrap();
        assert_eq!(bench.json(&format!("rewards retry {reward}")).await["state"], "pending");
        let again = bench.guerdon(&format!("rewards retry {reward}")).await;
        assert_eq!((again.status, again.err.contains("reward_not_failed")), (1, true), "{}", again.err);
        bench.words(&["users", "unblock", &id, "--reason", "fine"]).await;
        bench.settle().await;
        assert_eq!(bench.json(&format!("rewards list --inviter {id}")).await[0]["state"], "granted");
    });
}

/// R6.12: what a year's affiliates earned is listed, and written as a sheet.
#[test]
fn a_years_affiliates_are_listed() {
    Bench::run(async |bench| {
        bench.json("settings set payment enabled=true").await;
        bench.json("settings set affiliate enabled=true").await;
        let ann = bench.register("ann", None).await;
        let code = bench.api("GET", "/v1/referral", Some(&ann), Value::Null).await["code"].as_str().unwrap().to_owned();
        let bob = bench.register("bob", Some(&code)).await;
        let order = json!({"offer_id": "o100", "provider": "stripe"});
        let made = bench.api("POST", "/v1/payment/orders", Some(&bob), order).await;
        bench.words(&["orders", "complete", made["id"].as_str().unwrap(), "--reason", "paid by wire"]).await;
        bench.settle().await;
        let year = &made["created_at"].as_str().unwrap()[..4];
        let listed = bench.json(&format!("affiliates year {year}")).await;
        assert_eq!(listed[0]["affiliate"]["email"], "ann@example.com");
        assert_eq!(listed[0]["totals"]["earned"]["amount"], "1.38888888");
        let sheet = bench.guerdon(&format!("affiliates year {year} -o csv")).await;
        assert!(sheet.out.contains(",ann@example.com,1.38888888,0,0,0,0,USD"), "{}", sheet.out);
        let wrong = bench.guerdon("affiliates year soon").await;
        assert_eq!((wrong.status, wrong.err.contains("not_found")), (1, true), "{}", wrong.err);
    });
}

/// R10.2, R12.4, R12.5: cases are decided, what is owed is listed, and a month is tried under other settings.
#[test]
fn cases_liabilities_and_simulations_have_commands() {
    Bench::run(async |bench| {
        bench.json("settings set payment enabled=true").await;
        bench.json("settings set affiliate enabled=true").await;
        bench.json("settings set referral enabled=true registration.invitee_reward=1").await;
        bench.json("settings set risk email_alias=hold").await;
        let ann = bench.register("ann", None).await;
        let code = bench.api("GET", "/v1/referral", Some(&ann), Value::Null).await["code"].as_str().unwrap().to_owned();
        let bob = bench.register("bob", Some(&code)).await;
        bench.settle().await;
        bench.register("bob+1", Some(&code)).await;
        bench.settle().await;
        let held = bench.json("risk list --state held").await;
        let case = held[0]["invitee"]["id"].as_str().unwrap();
        let released = bench.words(&["risk", "release", case, "--reason", "a family", "-o", "json"]).await;
        assert_eq!(serde_json::from_str::<Value>(&released.out).unwrap()["state"], "released", "{}", released.err);
        let again = bench.words(&["risk", "reject", case, "--reason", "no"]).await;
        assert_eq!((again.status, again.err.contains("not_held")), (1, true), "{}", again.err);
        let order = json!({"offer_id": "o100", "provider": "stripe"});
        let made = bench.api("POST", "/v1/payment/orders", Some(&bob), order).await;
        bench.words(&["orders", "complete", made["id"].as_str().unwrap(), "--reason", "paid by wire"]).await;
        bench.settle().await;
        let owed = bench.json("liabilities").await;
        let commission = owed.as_array().unwrap().iter().find(|line| line["kind"] == "commission_available").unwrap();
        assert_eq!(commission["amount"]["amount"], "1.38888888");
        let month = &made["created_at"].as_str().unwrap()[..7];
        let tried = bench.json(&format!("simulate affiliate {month} default_rate=0.2")).await;
        assert_eq!((&tried[0]["real"]["amount"], tried.as_array().unwrap().len()), (&json!("1.38888888"), 1));
        let wrong = bench.guerdon(&format!("simulate affiliate {month} rate=0.2")).await;
        assert_eq!((wrong.status, wrong.err.contains("default_rate")), (2, true), "{}", wrong.err);
    });
}

/// Asks the API as the command line does not, and returns the answer.
async fn asked(bench: &Bench, path: &str, token: Option<&str>, body: Value) -> Value {
    let request = Request::post(path).header("host", "127.0.0.1").header("content-type", "application/json");
    let request =
        token.into_iter().fold(request, |request, token| request.header("authorization", format!("Bearer {token}")));
    let answer = bench.stack.http(request.body(Bytes::from(body.to_string())).unwrap(), "127.0.0.1").await;
    assert!(answer.status().is_success(), "{path}: {}", String::from_utf8_lossy(answer.body()));
    serde_json::from_slice(answer.body()).unwrap()
}

/// R2.12: an admin with a second factor gives a code with each command, of the app or for recovery; another admin resets it.
#[test]
fn a_command_takes_a_code_of_the_admins_second_factor() {
    Bench::run(async |bench| {
        let own = json!({"email": "admin@localhost", "password": "correct horse battery"});
        let session = asked(bench, "/v1/sessions", None, own.clone()).await;
        let token = session["access_token"].as_str();
        let begun = json!({"password": own["password"]});
        asked(bench, "/v1/me/second-factor", token, begun).await;
        let (app, user) = (&bench.stack.app, UserId::parse(session["user"]["id"].as_str().unwrap()).unwrap());
        let factor = app.store.get::<SecondFactor>(&SecondFactor::key(user)).await.unwrap().unwrap();
        let step = app.clock.now().as_second().div_euclid(STEP_SECONDS);
        let first = json!({"totp": factor.totp_key(&app.config.secret).code(step)});
        let on = asked(bench, "/v1/me/second-factor/confirm", token, first).await;
        let code = |number: usize| on["recovery_codes"][number].as_str().unwrap().to_owned();

        let refused = bench.guerdon("admin list").await;
        assert_eq!((refused.status, refused.err.contains("totp_required")), (1, true), "{}", refused.err);
        assert!(refused.err.contains("--totp"), "{}", refused.err);
        let wrong = bench.words(&["admin", "list", "--totp", "AAAAA-AAAAA"]).await;
        assert_eq!((wrong.status, wrong.err.contains("totp_invalid")), (1, true), "{}", wrong.err);
        let listed = bench.words(&["admin", "list", "--totp", &code(0), "-o", "json"]).await;
        let admins: Value = serde_json::from_str(&listed.out).unwrap();
        assert!(admins[0]["second_factor_since"].is_string(), "{admins}");

        let key = ["admin", "reset-second-factor", session["user"]["id"].as_str().unwrap(), "--reason", "lost"];
        let own = bench.words(&[&key[..], &["--totp", &code(1)]].concat()).await;
        assert_eq!((own.status, own.err.contains("forbidden")), (1, true), "nobody resets their own: {}", own.err);
        let email = Email::parse("eve@localhost").unwrap();
        create_admin(app, &email, &Password::parse("correct horse battery").unwrap()).await.unwrap();
        let reset = bench.words(&[&key[..], &["--admin-email", "eve@localhost"]].concat()).await;
        assert_eq!(reset.status, 0, "{}", reset.err);
        assert_eq!(bench.guerdon("admin list").await.status, 0, "the password alone signs in");
    });
}
