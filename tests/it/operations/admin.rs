//! Views and actions of the operator's staff: R1.6, R2.8, R3.1, R3.7, R3.10, R4.12, R9.1, R9.3.

use serde_json::{Value, json};
use shared::app::App;
use shared::kernel::fault::Fault;
use shared::operations::model::settings::Area;
use shared::operations::settings::{SettingsCache, SettingsRecord};
use shared::payment::model::settings::PromotionSettings;
use shared::referral::model::settings::ReferralSettings;
use shared::table::context::Ctx;

use crate::world::World;

fn items(page: &Value) -> Vec<Value> {
    page["items"].as_array().unwrap().clone()
}

pub async fn id_of(world: &World, name: &str) -> String {
    let path = format!("/v1/admin/users?email={name}%40example.com");
    let page = world.admin().get(&path).await.is(200);
    page["items"][0]["id"].as_str().unwrap().to_owned()
}

/// All pages of a list, joined.
pub async fn all(world: &World, path: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let mark = if path.contains('?') { '&' } else { '?' };
        let page = world.admin().get(&format!("{path}{mark}cursor={cursor}")).await;
        let page = if cursor.is_empty() { world.admin().get(path).await.is(200) } else { page.is(200) };
        found.extend(items(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return found,
        }
    }
}

async fn audit_of(world: &World, subject: &str) -> Vec<Value> {
    items(&world.admin().get(&format!("/v1/admin/audit?subject={subject}")).await.is(200))
}

/// R9.1: changed settings reach another process within a minute, and not before its cache ends.
#[test]
fn changed_settings_reach_another_process_within_a_minute() {
    World::run(async |world| {
        let other = App { settings: SettingsCache::default(), ..App::clone(&world.stack.app) };
        let on = async || other.settings::<ReferralSettings>().await.unwrap().settings.enabled;
        assert!(!on().await);
        world.settings("referral", |settings| settings["enabled"] = json!(true)).await;
        assert!(!on().await, "it has just read them");
        world.advance(60).await;
        assert!(on().await);
    });
}

/// R9.1: what is stored of an area and does not decode is a fault of that area; the others go on.
#[test]
fn an_area_that_does_not_decode_takes_no_other_with_it() {
    World::run(async |world| {
        let app = &world.stack.app;
        world.settings("referral", |settings| settings["enabled"] = json!(true)).await;
        let broken =
            SettingsRecord { area: Area::Promotion, version: 1, document: json!({"enabled": "perhaps"}).to_string() };
        let plan = || async {
            let mut tx = app.tx();
            tx.insert(&broken);
            Ok(((), tx))
        };
        app.execute(&Ctx::system(), plan).await.unwrap();
        app.settings.forget();
        let promotion = app.settings::<PromotionSettings>().await;
        assert!(matches!(&promotion, Err(Fault::Item { key, .. }) if key == "SETTINGS#promotion"), "{promotion:?}");
        assert!(app.settings::<ReferralSettings>().await.unwrap().settings.enabled);
        let answer = world.admin().get("/v1/admin/settings/promotion").await;
        assert!(!answer.headers.contains_key("retry-after"), "a repetition does not help");
        answer.refused(500, "internal_error");
        world.admin().get("/v1/admin/settings/referral").await.is(200);
    });
}

/// R9.1: a settings change needs the current version, and is audited with before and after.
#[test]
fn settings_are_changed_under_their_version_and_audited() {
    World::run(async |world| {
        let path = "/v1/admin/settings/referral";
        let read = world.admin().get(path).await;
        assert_eq!(read.headers["etag"], "\"0\"");
        let mut document = read.is(200)["settings"].clone();
        document["enabled"] = json!(true);
        world.admin().put(path, document.clone()).await.refused(428, "precondition_required");
        let put = async |version: &str, document: &Value| {
            world.admin().header("if-match", version).put(path, document.clone()).await
        };
        put("\"1\"", &document).await.refused(412, "version_mismatch");
        let changed = put("\"0\"", &document).await;
        assert_eq!(changed.headers["etag"], "\"1\"");
        assert_eq!(changed.is(200), json!({"area": "referral", "version": 1, "warnings": [], "settings": document}));
        // A repeat finds its own write; another body with the old version does not.
        assert_eq!(put("\"0\"", &document).await.is(200)["version"], 1);
        document["max_invitees_per_user"] = json!(5);
        put("\"0\"", &document).await.refused(412, "version_mismatch");
        let public = world.nobody().get("/v1/settings/public").await.is(200);
        assert_eq!(public["referral"]["enabled"], true);
        assert_eq!(public["payment"]["providers"], json!(["stripe", "zpay"]), "without a secret of theirs");
        let audit = audit_of(world, "settings:referral").await;
        assert_eq!(audit.len(), 1);
        assert_eq!(
            (audit[0]["action"].as_str(), audit[0]["actor"].as_str().unwrap().starts_with("admin:usr_")),
            (Some("settings.changed"), true)
        );
        let side = |side: &str| serde_json::from_str::<Value>(audit[0][side].as_str().unwrap()).unwrap();
        assert_eq!((side("before")["enabled"].clone(), side("after")["enabled"].clone()), (json!(false), json!(true)));
        assert!(audit[0]["request_id"].is_string());
    });
}

/// R9.1: invalid settings are rejected with their pointers, and nothing changes.
#[test]
fn settings_that_break_a_rule_change_nothing() {
    World::run(async |world| {
        let path = "/v1/admin/settings/payment";
        let before = world.admin().get(path).await.is(200);
        let put = async |document: Value| world.admin().header("if-match", "\"0\"").put(path, document).await;
        let mut document = before["settings"].clone();
        document["discount_rate"] = json!("1.1");
        let problem = put(document.clone()).await.refused(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/discount_rate");
        document["discount_rate"] = json!(1);
        put(document.clone()).await.refused(422, "invalid");
        document["discount_rate"] = json!("1");
        document["nonsense"] = json!(1);
        put(document).await.refused(422, "invalid");
        put(json!([])).await.refused(422, "invalid");
        world.admin().get("/v1/admin/settings/nonsense").await.refused(404, "not_found");
        assert_eq!(world.admin().get(path).await.is(200), before);
    });
}

/// R9.1: the ledger currency is free until the first journal and fixed from then on.
#[test]
fn the_ledger_currency_is_fixed_by_the_first_journal() {
    World::run(async |world| {
        world.register("ann", None).await;
        world.settings("payment", |settings| settings["ledger_currency"] = json!("EUR")).await;
        let path = format!("/v1/admin/users/{}/adjustments", id_of(world, "ann").await);
        let record = world.admin().once().post(&path, json!({"amount": "5", "remark": "welcome"})).await.is(200);
        assert_eq!(record["amount"], json!({"amount": "5", "currency": "EUR"}));
        let read = world.admin().get("/v1/admin/settings/payment").await.is(200);
        let mut document = read["settings"].clone();
        document["ledger_currency"] = json!("USD");
        let put = async |document: &Value| {
            let path = "/v1/admin/settings/payment";
            world.admin().header("if-match", "\"1\"").put(path, document.clone()).await
        };
        put(&document).await.refused(409, "currency_in_use");
        document["ledger_currency"] = json!("EUR");
        document["enabled"] = json!(true);
        put(&document).await.is(200);
    });
}

/// R1.6, R1.7, R1.8: an adjustment is one journal of type `admin` per key, and never goes below zero.
#[test]
fn an_adjustment_is_made_once_and_never_below_zero() {
    World::run(async |world| {
        world.register("ann", None).await;
        let ann = id_of(world, "ann").await;
        let path = format!("/v1/admin/users/{ann}/adjustments");
        let credit = json!({"amount": "5.00", "remark": "sorry for the wait"});
        world.admin().post(&path, credit.clone()).await.refused(400, "idempotency_key_required");
        let first = world.admin().key("k").post(&path, credit.clone()).await.is(200);
        assert_eq!(first["type"], "admin");
        assert_eq!(first["operator"], "admin");
        assert_eq!(
            (first["balance_before"]["amount"].as_str(), first["balance_after"]["amount"].as_str()),
            (Some("0"), Some("5"))
        );
        let again = world.admin().key("k").post(&path, credit).await;
        assert_eq!(again.headers["idempotency-replayed"], "true");
        assert_eq!(again.is(200), first);
        let other = json!({"amount": "6", "remark": "sorry for the wait"});
        world.admin().key("k").post(&path, other).await.refused(422, "idempotency_key_reused");
        let debit =
            async |amount: &str| world.admin().once().post(&path, json!({"amount": amount, "remark": "taken"})).await;
        debit("-5.00000001").await.refused(409, "insufficient_balance");
        debit("-1.5").await.is(200);
        for bad in ["0", "1e3", "+1", "NaN", "0.000000001", "９"] {
            assert_eq!(debit(bad).await.refused(422, "invalid")["errors"][0]["pointer"], "/amount", "{bad}");
        }
        assert_eq!(world.balance("ann").await, "3.5");
        let records = all(world, &format!("/v1/admin/records?user={ann}&type=admin")).await;
        let amounts: Vec<_> = records.iter().map(|record| record["amount"]["amount"].as_str().unwrap()).collect();
        assert_eq!(amounts, ["-1.5", "5"]);
        assert_eq!(audit_of(world, &ann).await.len(), 2);
        world.settle().await;
        assert_eq!(world.admin().get("/v1/admin/stats").await.is(200)["liabilities"]["balance"]["amount"], "3.5");
        let nobody = "/v1/admin/users/usr_01arz3ndektsv4rrffq69g5fav/adjustments";
        world.admin().once().post(nobody, json!({"amount": "1", "remark": "x"})).await.refused(404, "not_found");
    });
}

/// R2.8, R3.7: a blocked user's rewards are held, and granted once the user is active again.
#[test]
fn rewards_held_while_blocked_are_granted_once_active_again() {
    World::run(async |world| {
        world.open().await;
        world.settings("referral", |settings| settings["registration"]["inviter_reward"] = json!("2")).await;
        world.register("ann", None).await;
        let (ann, code) = (id_of(world, "ann").await, world.code("ann").await);
        world.register("bob", Some(&code)).await;
        let path = format!("/v1/admin/users/{ann}/status");
        let set =
            async |status: &str| world.admin().put(&path, json!({"status": status, "reason": "looked into"})).await;
        set("gone").await.refused(422, "invalid");
        assert_eq!(set("blocked").await.is(200)["status"], "blocked");
        world.settle().await;
        let rewards = all(world, &format!("/v1/admin/rewards?inviter={ann}")).await;
        assert_eq!((rewards.len(), rewards[0]["state"].as_str()), (1, Some("held")));
        assert_eq!(world.register("cid", Some(&code)).await["referral"]["reason"], "inviter_blocked");
        let retry = format!("/v1/admin/rewards/{}/retry", rewards[0]["id"].as_str().unwrap());
        assert_eq!(world.admin().post(&retry, Value::Null).await.is(200)["state"], "pending");
        world.admin().post(&retry, Value::Null).await.refused(409, "reward_not_failed");
        world.settle().await;
        assert_eq!(all(world, "/v1/admin/rewards?state=held").await.len(), 1);
        world.advance(1).await;
        assert_eq!(set("active").await.is(200)["status"], "active");
        world.sign_in("ann").await;
        world.settle().await;
        let rewards = all(world, &format!("/v1/admin/rewards?inviter={ann}")).await;
        assert_eq!((rewards.len(), rewards[0]["state"].as_str()), (1, Some("granted")));
        assert_eq!(world.balance("ann").await, "2");
        world.admin().post(&retry, Value::Null).await.refused(409, "reward_not_failed");
        assert_eq!(world.register("dan", Some(&code)).await["referral"]["applied"], true);
        let actions: Vec<_> = audit_of(world, &ann).await.iter().map(|record| record["after"].clone()).collect();
        assert_eq!(actions, [json!("active"), json!("blocked")]);
    });
}

/// G10, R3.1, R3.11: a vanity code is unique and becomes the primary code; the codes before it go on binding.
#[test]
fn a_vanity_code_is_added_to_the_codes_that_were_shared() {
    World::run(async |world| {
        world.open().await;
        world.register("ann", None).await;
        world.register("bob", None).await;
        let (ann, bob, old) = (id_of(world, "ann").await, id_of(world, "bob").await, world.code("ann").await);
        let set = async |user: &str, code: &str| {
            let path = format!("/v1/admin/users/{user}/invite-code");
            world.admin().put(&path, json!({"code": code})).await
        };
        for bad in ["abc", "with ünder", "", &"A".repeat(33), "ÄÖÜ1"] {
            set(&ann, bad).await.refused(422, "invalid");
        }
        assert_eq!(set(&ann, " welcome10 ").await.is(200)["invite_code"], "WELCOME10");
        assert_eq!(set(&ann, "WELCOME10").await.is(200)["invite_code"], "WELCOME10");
        set(&bob, "welcome10").await.refused(409, "invite_code_taken");
        set(&bob, &old).await.refused(409, "invite_code_taken");
        assert_eq!(world.code("ann").await, "WELCOME10");
        assert_eq!(world.register("cid", Some(&old)).await["referral"], json!({"applied": true}));
        assert_eq!(set(&ann, "SUMMER10").await.is(200)["invite_code"], "SUMMER10");
        assert_eq!(world.register("dan", Some("welcome10")).await["referral"]["applied"], true);
        assert_eq!(set(&ann, &old).await.is(200)["invite_code"], old.as_str());
        assert_eq!(world.register("eve", Some(&old)).await["referral"]["applied"], true);
        let codes = world.user("ann").get("/v1/affiliate").await.is(200)["codes"].clone();
        let shown = |index: usize| (codes[index]["code"].clone(), codes[index]["primary"].clone());
        assert_eq!(shown(0), (json!(old), json!(true)));
        assert_eq!((shown(1), shown(2)), ((json!("WELCOME10"), json!(false)), (json!("SUMMER10"), json!(false))));
        let path = "/v1/affiliate/codes/WELCOME10";
        world.user("ann").raw("DELETE", path, "").await.refused(403, "forbidden");
        let blocked = json!({"status": "blocked", "reason": "a look"});
        world.admin().put(&format!("/v1/admin/users/{ann}/status"), blocked).await.is(200);
        for (name, code) in [("fay", old.as_str()), ("gus", "welcome10"), ("hal", "summer10")] {
            assert_eq!(world.register(name, Some(code)).await["referral"]["reason"], "inviter_blocked", "{code}");
        }
        world.settle().await;
    });
}

/// R2.5: a role takes effect with the next request.
#[test]
fn a_role_holds_at_once() {
    World::run(async |world| {
        world.register("ann", None).await;
        let path = format!("/v1/admin/users/{}/role", id_of(world, "ann").await);
        world.admin().put(&path, json!({"role": "king"})).await.refused(422, "invalid");
        assert_eq!(world.admin().put(&path, json!({"role": "admin", "scopes": []})).await.is(200)["role"], "admin");
        world.user("ann").get("/v1/admin/users").await.refused(401, "unauthenticated");
        world.sign_in("ann").await;
        world.user("ann").get("/v1/admin/users").await.is(200);
        world.admin().put(&path, json!({"role": "user"})).await.is(200);
        world.user("ann").get("/v1/admin/users").await.refused(403, "forbidden");
    });
}

/// R4.12, R3.10: the operator's lists show all activity, with filters and totals that add up.
#[test]
fn the_operator_sees_orders_referrals_and_totals() {
    World::run(async |world| {
        world.open().await;
        world.register("ann", None).await;
        let code = world.code("ann").await;
        world.register("bob", Some(&code)).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        world.advance(1).await;
        let open = world.order("bob", json!({"amount": "10", "provider": "stripe"})).await;
        world.pay(&order, json!({})).await;
        world.settle().await;
        let (ann, bob) = (id_of(world, "ann").await, id_of(world, "bob").await);
        let ids = async |query: &str| -> Vec<String> {
            let found = all(world, &format!("/v1/admin/payment/orders{query}")).await;
            found.iter().map(|order| order["id"].as_str().unwrap().to_owned()).collect()
        };
        let (order, open) = (order["id"].as_str().unwrap(), open["id"].as_str().unwrap());
        assert_eq!(ids("").await, [open, order]);
        assert_eq!(ids("?limit=1").await, [open, order]);
        assert_eq!(ids("?status=paid").await, [order]);
        assert_eq!(ids("?provider=stripe&status=").await, [open]);
        assert_eq!(ids(&format!("?user={bob}&from=2026-11-20&to=2026-11-20")).await, [open, order]);
        assert_eq!(ids("?email=BOB%40example.com&method=card").await, [open]);
        assert!(ids("?email=nobody%40example.com").await.is_empty());
        let file = world.admin().get(&format!("/v1/admin/payment/orders/{order}")).await.is(200);
        let payment = file["provider_payment_id"].as_str().unwrap();
        assert_eq!(ids(&format!("?payment_id={payment}")).await, [order]);
        assert!(ids(&format!("?payment_id={payment}&status=expired")).await.is_empty());
        assert!(ids("?payment_id=none").await.is_empty());
        let named = all(world, &format!("/v1/admin/users?invite_code={}", code.to_lowercase())).await;
        assert_eq!((named.len(), &named[0]["id"]), (1, &json!(ann)));
        assert!(all(world, "/v1/admin/users?invite_code=NOSUCHCO").await.is_empty());
        assert!(ids("?to=2026-11-19").await.is_empty());
        assert!(ids(&format!("?user={ann}")).await.is_empty());
        world.admin().get("/v1/admin/payment/orders?status=lost").await.refused(422, "invalid");

        let file = world.admin().get(&format!("/v1/admin/payment/orders/{order}")).await.is(200);
        assert_eq!(file["user"], json!({"id": bob, "email": "bob@example.com"}));
        assert_eq!((file["client_ip"].as_str(), file["promotion_used"].as_bool()), (Some("203.0.113.7"), Some(true)));
        assert_eq!(file["events"][0]["outcome"], "credited");
        assert!(file["events"][0]["raw"].as_str().unwrap().contains(order));
        let states: Vec<_> =
            items(&json!({"items": file["transitions"]})).iter().map(|at| at["status"].clone()).collect();
        assert_eq!(states, [json!("pending"), json!("paid")]);

        let summary = world.admin().get("/v1/admin/payment/orders/summary").await.is(200);
        assert_eq!((summary["orders"].as_u64(), summary["charge"]["amount"].as_str()), (Some(1), Some("100.00")));
        assert_eq!(
            (summary["credit"]["amount"].as_str(), summary["bonus"]["amount"].as_str()),
            (Some("13.88888888"), Some("4.16666666"))
        );
        let stats = world.admin().get("/v1/admin/stats").await.is(200);
        assert_eq!(stats["referrals"]["granted_to_inviters"]["amount"], "3");
        assert_eq!(
            (stats["referrals"]["relations"].as_u64(), stats["orders"]["by_status"]["pending"].as_u64()),
            (Some(1), Some(1))
        );

        let referrals = all(world, &format!("/v1/admin/referrals?inviter={ann}&state=qualified")).await;
        assert_eq!((referrals.len(), referrals[0]["invitee"]["email"].as_str()), (1, Some("bob@example.com")));
        assert_eq!(referrals[0]["inviter"], json!({"id": ann, "email": "ann@example.com"}));
        assert_eq!(all(world, "/v1/admin/referrals").await, referrals);
        assert!(all(world, "/v1/admin/referrals?state=registered").await.is_empty());
    });
}

/// R4.12: every list is also available as CSV, and no cell is a formula.
#[test]
fn a_sheet_holds_no_formula() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let evil = "=HYPERLINK(\"http://evil.test\")";
        world
            .user("bob")
            .once()
            .header("user-agent", evil)
            .post("/v1/payment/orders", json!({"offer_id": "o10", "provider": "zpay"}))
            .await
            .is(201);
        let sheet = world.admin().header("accept", "text/csv").get("/v1/admin/payment/orders").await;
        assert!(sheet.headers["content-type"].to_str().unwrap().starts_with("text/csv"));
        assert_eq!(sheet.headers["cache-control"], "no-store");
        let lines: Vec<&str> = sheet.text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("id,created_at,status,user.id,user.email,"));
        assert!(
            lines[1].contains(",bob@example.com,zpay,alipay,10.00,")
                && lines[1].ends_with(",\"'=HYPERLINK(\"\"http://evil.test\"\")\""),
            "{}",
            lines[1]
        );
        for path in ["users", "records", "referrals", "rewards", "payment/reviews", "audit"] {
            let sheet = world.admin().header("accept", "text/csv").get(&format!("/v1/admin/{path}?limit=1")).await;
            assert_eq!(sheet.status, 200);
            let json = world.admin().get(&format!("/v1/admin/{path}?limit=1")).await.is(200);
            assert_eq!(sheet.headers.contains_key("next-cursor"), json["next_cursor"].is_string(), "{path}");
            assert_eq!(sheet.text.lines().count(), 1 + items(&json).len(), "{path}");
        }
        world.settle().await;
    });
}

/// R4.12: an order completed by hand is credited once; the provider's later event changes nothing.
#[test]
fn an_order_completed_by_hand_is_credited_once() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        let path = format!("/v1/admin/payment/orders/{}/complete", order["id"].as_str().unwrap());
        let body = json!({"reason": "seen on the bank statement"});
        world.admin().post(&path, body.clone()).await.refused(400, "idempotency_key_required");
        world.admin().once().post(&path, json!({"reason": " "})).await.refused(422, "invalid");
        let done = world.admin().key("k").post(&path, body.clone()).await.is(200);
        assert_eq!((done["status"].as_str(), done["total"]["amount"].as_str()), (Some("paid"), Some("18.05555554")));
        let again = world.admin().key("k").post(&path, body.clone()).await;
        assert_eq!(again.headers["idempotency-replayed"], "true");
        world.admin().once().post(&path, body).await.refused(409, "order_already_paid");
        world.pay(&order, json!({"notify": "twice"})).await;
        world.settle().await;
        assert_eq!(world.balance("bob").await, "18.05555554");
        let file = world.admin().get(path.strip_suffix("/complete").unwrap()).await.is(200);
        assert!(file["provider_payment_id"].is_string(), "{file}");
        assert!(all(world, "/v1/admin/payment/reviews").await.is_empty());
    });
}

/// R4.5: unmatched money waits in the review queue, visible to the operator.
#[test]
fn money_that_does_not_fit_is_in_the_review_queue() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        world.pay(&order, json!({"amount": "99.00"})).await;
        world.settle().await;
        let reviews = all(world, "/v1/admin/payment/reviews?state=open").await;
        assert_eq!(reviews.len(), 1);
        assert_eq!(reviews[0]["reason"], "amount_mismatch");
        assert_eq!(reviews[0]["received"], json!({"amount": "99.00", "currency": "CNY"}));
        assert_eq!(reviews[0]["order_id"], order["id"]);
        assert_eq!(world.balance("bob").await, "0");
    });
}

/// R2.5, R7.2, R4.10: a user, a plan and an order are read by id, and the order is polled by id.
#[test]
fn single_things_are_read_by_their_ids() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let bob = id_of(world, "bob").await;
        assert_eq!(world.admin().get(&format!("/v1/admin/users/{bob}")).await.is(200)["email"], "bob@example.com");
        let plan = world.plan(json!({"name": "Pro", "quota": 1, "on_sale": true})).await;
        assert_eq!(world.admin().get(&format!("/v1/admin/plans/{plan}")).await.is(200)["name"], "Pro");
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        world.pay(&order, json!({"notify": "never"})).await;
        let verify = format!("/v1/admin/payment/orders/{}/verify", order["id"].as_str().unwrap());
        assert_eq!(world.admin().post(&verify, json!({})).await.is(200)["status"], "paid");
        assert_eq!(world.balance("bob").await, "18.05555554");
        let session = json!({"email": "bob@example.com", "password": crate::world::PASSWORD});
        let session = world.nobody().post("/v1/sessions", session).await.is(200);
        let end = json!({"refresh_token": session["refresh_token"]});
        world.nobody().raw("DELETE", "/v1/sessions", &end.to_string()).await.is(204);
        world.nobody().post("/v1/sessions/refresh", end).await.refused(401, "bad_credentials");
    });
}
