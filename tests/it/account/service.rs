//! The operator's backend: service keys, users, balances and outside purchases (R2.6, R1.6, R1.8).

mod purchase;

use serde_json::{Value, json};

use crate::race::together;
use crate::world::{Answer, World};

const ALL: [&str; 6] =
    ["users:write", "users:read", "sessions:create", "ledger:write", "purchases:write", "withdrawals:settle"];

async fn backend(world: &World) -> String {
    world.service_key("billing", &ALL).await
}

async fn register(world: &World, key: &str, body: Value) -> Answer {
    world.holder(key).post("/v1/service/users", body).await
}

/// Registers a user of the backend under Ann's code and returns their id.
async fn anns_invitee(world: &World, key: &str) -> String {
    world.register("ann", None).await;
    let code = world.code("ann").await;
    let made = register(world, key, json!({"external_id": "c-1", "referral_code": code})).await.is(201);
    assert_eq!(made["referral"], json!({"applied": true}), "{made}");
    made["id"].as_str().unwrap().to_owned()
}

fn bought(user: &str, order: &str, amount: &str) -> Value {
    json!({
        "user_id": user, "external_order_id": order, "amount": amount, "currency": "CNY",
        "paid_at": "2026-11-20T10:05:00Z",
    })
}

async fn balance_of(world: &World, key: &str, user: &str) -> String {
    let shown = world.holder(key).get(&format!("/v1/service/users/{user}")).await.is(200);
    shown["balance"]["amount"].as_str().unwrap().to_owned()
}

/// R2.6: a service key is shown only at its creation; the table does not hold it.
#[test]
fn a_service_key_is_shown_once() {
    World::run(async |world| {
        let path = "/v1/admin/service-keys";
        let body = json!({"name": "billing", "scopes": ["users:read", "users:write", "users:read"]});
        let made = world.admin().key("k").post(path, body.clone()).await.is(201);
        let key = made["key"].as_str().unwrap().to_owned();
        assert!(key.starts_with("gdn_") && key.len() > 60, "{key}");
        assert_eq!((&made["state"], &made["scopes"]), (&json!("active"), &json!(["users:write", "users:read"])));
        let again = world.admin().key("k").post(path, body).await;
        assert_eq!(again.headers.get("idempotency-replayed").unwrap(), "true");
        let again = again.is(201);
        assert_eq!((&again["key"], &again["id"]), (&Value::Null, &made["id"]));
        let listed = world.admin().get(path).await.is(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
        assert_eq!(listed["items"][0].get("key"), None);
        let secret = key.rsplit('_').next().unwrap();
        let stored = format!("{:?}", world.stack.items().unwrap());
        assert!(!stored.contains(secret), "the secret is stored");
        let audit = world.admin().get("/v1/admin/audit").await.is(200);
        let made_it = |item: &&Value| item["action"] == "service_key.made" && item["subject"] == made["id"];
        assert_eq!(audit["items"].as_array().unwrap().iter().filter(made_it).count(), 1, "{audit}");
        register(world, &key, json!({"external_id": "c-1"})).await.is(201);
    });
}

/// R2.6: a key needs a valid name and known scopes.
#[test]
fn a_service_key_has_a_name_and_scopes_that_exist() {
    World::run(async |world| {
        for body in [
            json!({"name": " ", "scopes": ["users:read"]}),
            json!({"name": "a\nb", "scopes": ["users:read"]}),
            json!({"name": "x", "scopes": []}),
            json!({"name": "x", "scopes": ["users:read", "everything"]}),
        ] {
            world.admin().post("/v1/admin/service-keys", body).await.refused(422, "invalid");
        }
        let csv = world.admin().header("accept", "text/csv").get("/v1/admin/service-keys").await;
        assert_eq!(csv.text.lines().count(), 1, "{}", csv.text);
    });
}

/// R2.6: a revoked key is unauthenticated at once, in every process; it stays in the list.
#[test]
fn a_revoked_key_is_nobodys() {
    World::run(async |world| {
        let key = backend(world).await;
        register(world, &key, json!({"external_id": "c-1"})).await.is(201);
        let listed = world.admin().get("/v1/admin/service-keys").await.is(200);
        let path = format!("/v1/admin/service-keys/{}", listed["items"][0]["id"].as_str().unwrap());
        for _ in 0..2 {
            world.admin().raw("DELETE", &path, "").await.is(204);
        }
        register(world, &key, json!({"external_id": "c-2"})).await.refused(401, "unauthenticated");
        let listed = world.admin().get("/v1/admin/service-keys").await.is(200);
        assert_eq!(listed["items"][0]["state"], "revoked");
        let audit = world.admin().get("/v1/admin/audit").await.is(200);
        let actions: Vec<&Value> = audit["items"].as_array().unwrap().iter().map(|item| &item["action"]).collect();
        assert_eq!(actions.iter().filter(|action| **action == "service_key.revoked").count(), 1, "{actions:?}");
        let unknown = path.replace("svk_0", "svk_1");
        world.admin().raw("DELETE", &unknown, "").await.refused(404, "not_found");
    });
}

/// R2.6: a key without the scope gets 403.
/// Forged and foreign keys get 401, and so does a key on a user's route.
#[test]
fn a_key_may_do_what_its_scopes_say() {
    World::run(async |world| {
        let whole = backend(world).await;
        let made = register(world, &whole, json!({"external_id": "c-1"})).await.is(201);
        let user = made["id"].as_str().unwrap();
        let movement = json!({"amount": "1", "related_id": "j", "remark": "r"});
        let routes = [
            ("users:write", "POST", "/v1/service/users".to_owned(), json!({"external_id": "c-1"})),
            ("users:read", "GET", format!("/v1/service/users/{user}"), Value::Null),
            ("sessions:create", "POST", format!("/v1/service/users/{user}/sessions"), json!({})),
            ("ledger:write", "POST", format!("/v1/service/users/{user}/credits"), movement.clone()),
            ("ledger:write", "POST", format!("/v1/service/users/{user}/debits"), movement),
            ("purchases:write", "POST", "/v1/service/purchases".to_owned(), bought(user, "o-1", "10")),
            (
                "purchases:write",
                "POST",
                "/v1/service/purchases/o-1/refunds".to_owned(),
                json!({"amount": "1", "refund_id": "r"}),
            ),
        ];
        for (scope, method, path, body) in routes {
            let others: Vec<&str> = ALL.into_iter().filter(|other| *other != scope).collect();
            let without = world.service_key("less", &others).await;
            let only = world.service_key("just", &[scope]).await;
            let ask = |key: &str| world.holder(key).once().raw(method, &path, &body.to_string());
            ask(&without).await.refused(403, "forbidden");
            let status = ask(&only).await.status;
            assert!(status == 200 || status == 201, "{path} answers {status}");
            let forged = format!("{}0", &only[..only.len() - 1]);
            let forged = if forged == only { format!("{}1", &only[..only.len() - 1]) } else { forged };
            ask(&forged).await.refused(401, "unauthenticated");
            let elsewhere = only.replacen("gdn_0", "gdn_1", 1);
            ask(&elsewhere).await.refused(401, "unauthenticated");
        }
        for path in ["/v1/me", "/v1/admin/users"] {
            world.holder(&whole).get(path).await.refused(401, "unauthenticated");
        }
        world.register("bob", None).await;
        let bobs = world.user("bob").get(&format!("/v1/service/users/{user}")).await;
        bobs.refused(403, "forbidden");
    });
}

/// R2.6: concurrent registrations of one external id create one user, by whichever key.
/// All sign-up effects happen once.
#[test]
fn an_external_id_registered_64_times_at_once_is_one_user() {
    World::run(async |world| {
        world.open().await;
        world
            .settings("referral", |settings| {
                settings["registration"] = json!({"inviter_reward": "2", "invitee_reward": "0.5"});
            })
            .await;
        let keys = [backend(world).await, world.service_key("shop", &ALL).await];
        world.register("ann", None).await;
        let body = json!({
            "external_id": "c-1", "email": "bob@example.com", "referral_code": world.code("ann").await,
        });
        let asks = (0..64).map(|number| register(world, &keys[number % 2], body.clone()));
        let answers = together(asks.collect()).await;
        let created = answers.iter().filter(|answer| answer.status == 201).count();
        let ids: std::collections::BTreeSet<String> = answers
            .into_iter()
            .map(|answer| serde_json::from_str::<Value>(&answer.text).unwrap()["id"].to_string())
            .collect();
        assert_eq!((created, ids.len()), (1, 1), "{ids:?}");
        world.settle().await;
        let user = ids.first().unwrap().trim_matches('"').to_owned();
        assert_eq!(balance_of(world, &keys[0], &user).await, "0.5");
        assert_eq!(world.balance("ann").await, "2");
        let shown = world.admin().get("/v1/admin/users?email=bob@example.com").await.is(200);
        assert_eq!(shown["items"][0]["id"], json!(user));
    });
}

/// R2.6, R2.1: a backend user has no password until they set one; the address alone does not sign in.
#[test]
fn a_user_of_the_backends_works_without_e_mail_and_password() {
    World::run(async |world| {
        world.open().await;
        let key = backend(world).await;
        let bare = register(world, &key, json!({"external_id": "c-1"})).await.is(201);
        assert_eq!((&bare["email"], &bare["subscriptions"]), (&Value::Null, &json!([])));
        let mail = json!({"external_id": "c-2", "email": "Bob@Example.com"});
        let bob = register(world, &key, mail).await.is(201);
        assert_eq!(bob["email"], "bob@example.com");
        for password in ["correct horse battery", ""] {
            let shown = json!({"email": "bob@example.com", "password": password});
            world.nobody().post("/v1/sessions", shown).await.refused(401, "bad_credentials");
        }
        let taken = json!({"email": "bob@example.com", "password": "correct horse battery"});
        world.nobody().post("/v1/registrations", taken).await.refused(409, "email_taken");
        let path = format!("/v1/service/users/{}/sessions", bare["id"].as_str().unwrap());
        let session = world.holder(&key).post(&path, json!({})).await.is(200);
        let token = session["access_token"].as_str().unwrap();
        let me = world.holder(token).get("/v1/me").await.is(200);
        assert_eq!((&me["id"], &me["email"]), (&bare["id"], &Value::Null));
        for path in ["/v1/referral", "/v1/promotion", "/v1/balance/records", "/v1/subscriptions", "/v1/affiliate"] {
            world.holder(token).get(path).await.is(200);
        }
        let refresh = json!({"refresh_token": session["refresh_token"]});
        world.nobody().post("/v1/sessions/refresh", refresh).await.is(200);
        let order = json!({"offer_id": "o100", "provider": "stripe"});
        let order = world.holder(token).once().post("/v1/payment/orders", order).await.is(201);
        world.pay(&order, json!({})).await;
        world.settle().await;
        assert_eq!(balance_of(world, &key, bare["id"].as_str().unwrap()).await, "18.05555554");
    });
}

/// R2.6, R2.3: another user's address is refused and registers nobody.
/// A bad referral code refuses nothing.
/// The same id finds the same user, whatever the other fields are.
#[test]
fn an_address_is_one_users_and_a_bad_code_never_blocks() {
    World::run(async |world| {
        world.open().await;
        let key = backend(world).await;
        world.register("ann", None).await;
        let ann = json!({"external_id": "c-1", "email": "ANN@example.com"});
        register(world, &key, ann).await.refused(409, "email_taken");
        let coded = json!({"external_id": "c-1", "referral_code": "NOSUCHCODE"});
        let made = register(world, &key, coded.clone()).await.is(201);
        assert_eq!(made["referral"], json!({"applied": false, "reason": "unknown"}));
        let again =
            json!({"external_id": "c-1", "email": "else@example.com", "referral_code": world.code("ann").await});
        let found = register(world, &key, again).await.is(200);
        assert_eq!((&found["id"], &found["email"]), (&made["id"], &Value::Null));
        assert_eq!(found["referral"], made["referral"]);
        let once = world.holder(&key).key("k");
        let first = once.post("/v1/service/users", json!({"external_id": "c-9"})).await.is(201);
        let second = once.post("/v1/service/users", json!({"external_id": "c-9"})).await;
        assert_eq!(second.headers.get("idempotency-replayed").unwrap(), "true");
        assert_eq!(second.is(201), first);
        for bad in
            [json!({"external_id": ""}), json!({"external_id": "a b"}), json!({"external_id": "c", "email": "x"})]
        {
            register(world, &key, bad).await.refused(422, "invalid");
        }
    });
}

/// G9: each `applied: false` has its reason, also without a code and for a code that comes after the registration.
#[test]
fn every_code_that_does_not_apply_has_a_reason() {
    World::run(async |world| {
        world.open().await;
        let key = backend(world).await;
        world.register("ann", None).await;
        let made = register(world, &key, json!({"external_id": "c-1"})).await.is(201);
        assert_eq!(made["referral"], json!({"applied": false, "reason": "no_code"}));
        let coded = json!({"external_id": "c-1", "referral_code": world.code("ann").await});
        let again = register(world, &key, coded).await.is(200);
        assert_eq!(again["referral"], json!({"applied": false, "reason": "already_bound"}));
        assert_eq!(world.register("bob", None).await["referral"], json!({"applied": false, "reason": "no_code"}));
    });
}

/// R3.4: an invited user keeps the first inviter, whatever code a later call with the same id carries.
#[test]
fn a_second_code_moves_nobody_to_another_inviter() {
    World::run(async |world| {
        world.open().await;
        let key = backend(world).await;
        world.register("ann", None).await;
        world.register("carol", None).await;
        let coded = async |inviter: &str| {
            register(world, &key, json!({"external_id": "c-1", "referral_code": world.code(inviter).await})).await
        };
        let made = coded("ann").await.is(201);
        assert_eq!(made["referral"]["applied"], true);
        // G9: the answer says why the second code did not apply.
        let again = coded("carol").await.is(200);
        assert_eq!(again["id"], made["id"]);
        assert_eq!(again["referral"], json!({"applied": false, "reason": "already_bound"}));
        assert_eq!(coded("ann").await.is(200)["referral"]["applied"], true);
        world.settle().await;
        let invited = async |inviter: &str| {
            let list = world.user(inviter).get("/v1/referral/invitees").await.is(200);
            list["items"].as_array().unwrap().len()
        };
        assert_eq!((invited("ann").await, invited("carol").await), (1, 0));
    });
}

/// R2.8, R2.5: a service key opens no session for a blocked user or an admin.
#[test]
fn no_session_is_opened_for_a_blocked_user_or_an_admin() {
    World::run(async |world| {
        let key = backend(world).await;
        let made = register(world, &key, json!({"external_id": "c-1"})).await.is(201);
        let user = made["id"].as_str().unwrap();
        let status = format!("/v1/admin/users/{user}/status");
        world.admin().put(&status, json!({"status": "blocked", "reason": "fraud"})).await.is(200);
        let open = |user: &str| world.holder(&key).post(&format!("/v1/service/users/{user}/sessions"), json!({}));
        open(user).await.refused(403, "account_blocked");
        let admin = world.admin().get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        open(&admin).await.refused(403, "forbidden");
        open("usr_x").await.refused(404, "not_found");
    });
}

/// R1.6, R1.7: the backend's debits and credits are statement lines that name its key.
/// A credit pays debt first.
#[test]
fn debits_and_credits_are_records_of_the_service() {
    World::run(async |world| {
        let key = backend(world).await;
        let made = register(world, &key, json!({"external_id": "c-1"})).await.is(201);
        let user = made["id"].as_str().unwrap();
        let path = |verb: &str| format!("/v1/service/users/{user}/{verb}");
        let credit = json!({"amount": "5.50", "related_id": "ord_01k9zq4r7x8m2v5b3n6c1d0fgh", "remark": "welcome"});
        let record = world.holder(&key).key("a").post(&path("credits"), credit.clone()).await.is(200);
        assert_eq!((&record["type"], &record["operator"]), (&json!("admin"), &json!("service:billing")));
        assert_eq!((&record["amount"]["amount"], &record["remark"]), (&json!("5.5"), &json!("welcome")));
        assert_eq!(record["related_id"], credit["related_id"]);
        let again = world.holder(&key).key("a").post(&path("credits"), credit).await;
        assert_eq!(again.headers.get("idempotency-replayed").unwrap(), "true");
        assert_eq!(again.is(200), record);
        let debit = json!({"amount": "2", "related_id": "job-1", "remark": "a job"});
        let record = world.holder(&key).once().post(&path("debits"), debit.clone()).await.is(200);
        assert_eq!((&record["type"], &record["amount"]["amount"]), (&json!("deduct"), &json!("-2")));
        assert_eq!(balance_of(world, &key, user).await, "3.5");
        let much = json!({"amount": "3.50000001", "related_id": "job-2", "remark": "a job"});
        world.holder(&key).once().post(&path("debits"), much).await.refused(409, "insufficient_balance");
        world.holder(&key).post(&path("debits"), debit.clone()).await.refused(400, "idempotency_key_required");
        let gone = json!({"amount": "-2", "related_id": "j", "remark": "r"});
        world.holder(&key).once().post(&path("debits"), gone).await.refused(422, "invalid");
        let nobody = "/v1/service/users/usr_01k9zq4r7x8m2v5b3n6c1d0fgj/debits";
        world.holder(&key).once().post(nobody, debit).await.refused(404, "not_found");
        let listed = world.admin().get(&format!("/v1/admin/records?user={user}&type=deduct")).await.is(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    });
}
