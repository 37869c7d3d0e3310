//! An inviter who is named after the sign-up (R3.12).

use serde_json::{Value, json};

use crate::agency::id;
use crate::fixtures::refund;
use crate::world::{Answer, World};

const DAY: u64 = 24 * 3_600;

/// Ann has a code and Bob has none; an inviter can be named for seven days. A registration is worth 1 to both, ¥20 are worth 3 to
/// the inviter and 2 to the invitee.
async fn open(world: &World) {
    world.open().await;
    world
        .settings("referral", |settings| {
            settings["late_bind_days"] = json!(7);
            settings["registration"] = json!({"inviter_reward": "1", "invitee_reward": "1"});
            settings["qualified"]["invitee_reward"] = json!("2");
        })
        .await;
    world.settings("promotion", |settings| settings["enabled"] = json!(false)).await;
    world.settings("affiliate", |settings| settings["enabled"] = json!(true)).await;
    world.register("ann", None).await;
    world.register("bob", None).await;
    world.settle().await;
}

async fn name(world: &World, user: &str, code: &str) -> Answer {
    world.user(user).once().post("/v1/referral/inviter", json!({"referral_code": code})).await
}

/// Reason for which a code names no inviter.
fn reason(answer: Answer) -> String {
    assert_eq!(answer.status, 422, "{}", answer.text);
    let problem: Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!((&problem["code"], &problem["errors"][0]["pointer"]), (&json!("invalid"), &json!("/referral_code")));
    problem["errors"][0]["code"].as_str().unwrap().to_owned()
}

async fn order(world: &World, user: &str) -> Value {
    world.order(user, json!({"offer_id": "o100", "provider": "stripe"})).await
}

/// An order of ¥100, paid.
async fn paid(world: &World, user: &str) -> Value {
    let made = order(world, user).await;
    world.pay(&made, json!({})).await;
    world.settle().await;
    made
}

/// Bob's payments that count, the invitees of Ann, and her balance and commission.
async fn counted(world: &World) -> (String, u64, String, String) {
    let list = world.user("ann").get("/v1/referral/invitees").await.is(200);
    let total = list["items"][0]["paid_total"]["amount"].as_str().unwrap_or("none").to_owned();
    let invitees = world.user("ann").get("/v1/referral").await.is(200)["stats"]["invitees"].as_u64().unwrap();
    let earned = world.user("ann").get("/v1/affiliate").await.is(200)["totals"]["earned"]["amount"].clone();
    (total, invitees, world.balance("ann").await, earned.as_str().unwrap().to_owned())
}

fn is(total: &str, invitees: u64, balance: &str, earned: &str) -> (String, u64, String, String) {
    (total.to_owned(), invitees, balance.to_owned(), earned.to_owned())
}

/// R3.12: the named inviter gets nothing for the registration and for what was paid before, and all of what comes later.
#[test]
fn an_inviter_is_named_after_the_sign_up_and_only_later_payments_count() {
    World::run(async |world| {
        open(world).await;
        let before = paid(world, "bob").await;
        let seen = world.user("bob").get("/v1/referral").await.is(200);
        assert_eq!((&seen["invited_by"], &seen["late_bind_until"]), (&Value::Null, &json!("2026-11-27T10:00:00Z")));
        let code = world.code("ann").await;
        let named = name(world, "bob", &format!(" {} ", code.to_lowercase())).await.is(200);
        let expected = json!({"email_masked": "a***@e***.com", "code": code, "named_at": named["named_at"]});
        assert_eq!(named, expected);
        world.settle().await;
        assert_eq!(counted(world).await, is("0.00", 1, "0", "0"), "neither the sign-up nor the first order counts");
        let seen = world.user("bob").get("/v1/referral").await.is(200);
        assert_eq!(seen["invited_by"], json!({"email_masked": "a***@e***.com"}));
        assert_eq!(seen["late_bind_until"], Value::Null);
        assert_eq!(world.user("bob").get("/v1/referral/rewards").await.is(200)["items"], json!([]));

        let later = paid(world, "bob").await;
        assert_eq!(counted(world).await, is("100.00", 1, "3", "1.38888888"));
        assert_eq!(world.balance("bob").await, "29.77777776", "two orders, and 2 for the threshold");
        refund(world, &before, 10_000).await;
        assert_eq!(counted(world).await, is("100.00", 1, "3", "1.38888888"), "a refund of what did not count");
        refund(world, &later, 10_000).await;
        assert_eq!(counted(world).await.0, "0.00");
        assert_eq!(world.balance("ann").await, "0", "a refund of what counted takes the reward back");
    });
}

/// R3.12, R4.1: an order carries the inviter that it was made under: paid after the naming, it counts for nobody.
#[test]
fn an_order_that_was_made_before_and_paid_later_counts_for_nobody() {
    World::run(async |world| {
        open(world).await;
        let before = order(world, "bob").await;
        name(world, "bob", &world.code("ann").await).await.is(200);
        world.pay(&before, json!({})).await;
        world.settle().await;
        assert_eq!(counted(world).await, is("0.00", 1, "0", "0"));
        let path = format!("/v1/admin/payment/orders/{}/explain", id(&before));
        let why = world.admin().get(&path).await.is(200);
        let outcomes = why["decisions"].as_array().unwrap().iter().filter(|one| one["outcome"] == "no_inviter").count();
        assert_eq!(outcomes, 3, "{why}");
        refund(world, &before, 10_000).await;
        assert_eq!(counted(world).await, is("0.00", 1, "0", "0"));
    });
}

/// R3.12, R2.6: of purchases that the backend reports, those paid since the naming count.
#[test]
fn a_purchase_paid_before_the_naming_does_not_count() {
    World::run(async |world| {
        open(world).await;
        let key = world.service_key("shop", &["purchases:write"]).await;
        let user = world.user("bob").get("/v1/me").await.is(200)["id"].clone();
        let report = async |number: &str, paid_at: &str| {
            let body = json!({"user_id": user, "external_order_id": number, "amount": "100", "currency": "CNY", "paid_at": paid_at});
            world.holder(&key).once().post("/v1/service/purchases", body).await.is(201);
            world.settle().await;
        };
        report("1", "2026-11-20T10:00:00Z").await;
        world.advance(3_600).await;
        for user in ["ann", "bob"] {
            world.sign_in(user).await;
        }
        name(world, "bob", &world.code("ann").await).await.is(200);
        report("2", "2026-11-20T10:30:00Z").await;
        assert_eq!(counted(world).await, is("0.00", 1, "0", "0"));
        world.advance(60).await;
        report("3", "2026-11-20T11:01:00Z").await;
        assert_eq!(counted(world).await, is("100.00", 1, "3", "1.38888888"));
    });
}

/// R3.12: off by default, over after the days; nobody with an inviter names another one.
#[test]
fn an_inviter_is_named_in_time_and_once() {
    World::run(async |world| {
        open(world).await;
        let (ann, bob) = (world.code("ann").await, world.code("bob").await);
        world.register("cid", Some(&ann)).await;
        name(world, "cid", &bob).await.refused(409, "already_bound");
        name(world, "cid", &ann).await.refused(409, "already_bound");
        world.settings("referral", |settings| settings["late_bind_days"] = json!(0)).await;
        name(world, "bob", &ann).await.refused(409, "late_bind_over");
        assert_eq!(world.user("bob").get("/v1/referral").await.is(200)["late_bind_until"], Value::Null);
        world.settings("referral", |settings| settings["late_bind_days"] = json!(7)).await;
        world.advance(7 * DAY - 1).await;
        world.sign_in("bob").await;
        world.sign_in("ann").await;
        let first = world.user("bob").key("first").post("/v1/referral/inviter", json!({"referral_code": ann})).await;
        let first = first.is(200);
        let again = world.user("bob").key("first").post("/v1/referral/inviter", json!({"referral_code": ann})).await;
        assert_eq!(again.headers["idempotency-replayed"], "true");
        assert_eq!(again.is(200), first);
        world.advance(60).await;
        assert_eq!(name(world, "bob", &ann).await.is(200), first, "a repetition under another key changes nothing");
        world.register("dan", None).await;
        name(world, "bob", &world.code("dan").await).await.refused(409, "already_bound");
        world.settle().await;
        assert_eq!(counted(world).await.1, 2);
        name(world, "ann", &bob).await.refused(409, "late_bind_over");
    });
}

/// R3.12: a code that bound nothing at the sign-up was not used.
#[test]
fn whoever_mistyped_the_code_may_name_the_inviter() {
    World::run(async |world| {
        open(world).await;
        let told = world.register("cid", Some("MISTYPED")).await;
        assert_eq!(told["referral"]["reason"], "unknown");
        name(world, "cid", &world.code("ann").await).await.is(200);
    });
}

/// R3.12, R3.4: a code names no inviter for the reasons for which it does not apply at a sign-up, and nobody comes under
/// somebody whom they invited.
#[test]
fn a_code_that_would_not_apply_names_nobody() {
    World::run(async |world| {
        open(world).await;
        let (ann, bob) = (world.code("ann").await, world.code("bob").await);
        for text in ["UNKNOWN2", "x", "#\u{0}💥"] {
            assert_eq!(reason(name(world, "bob", text).await), "unknown", "{text:?}");
        }
        assert_eq!(reason(name(world, "bob", &bob).await), "own");
        let made = world.user("ann").once().post("/v1/affiliate/codes", json!({})).await.is(201);
        let second = made["code"].as_str().unwrap();
        world.user("ann").raw("DELETE", &format!("/v1/affiliate/codes/{second}"), "").await.is(200);
        assert_eq!(reason(name(world, "bob", second).await), "inactive");
        let status = format!("/v1/admin/users/{}/status", id(&world.user("ann").get("/v1/me").await.is(200)));
        world.admin().put(&status, json!({"status": "blocked", "reason": "fraud"})).await.is(200);
        assert_eq!(reason(name(world, "bob", &ann).await), "inviter_blocked");
        assert_eq!(name(world, "ann", &bob).await.is_problem(), "account_blocked");
        world.admin().put(&status, json!({"status": "active", "reason": "no fraud"})).await.is(200);
        world.sign_in("ann").await;
        world.settings("referral", |settings| settings["max_invitees_per_user"] = json!(1)).await;
        world.register("cid", Some(&ann)).await;
        assert_eq!(reason(name(world, "bob", &ann).await), "limit");
        world.settings("referral", |settings| settings["max_invitees_per_user"] = json!(0)).await;
        let cid = world.code("cid").await;
        assert_eq!(reason(name(world, "ann", &cid).await), "circle");
        name(world, "bob", &cid).await.is(200);
        assert_eq!(reason(name(world, "ann", &bob).await), "circle", "along a chain of two");
        for area in ["referral", "affiliate"] {
            world.settings(area, |settings| settings["enabled"] = json!(false)).await;
        }
        world.register("dan", None).await;
        assert_eq!(reason(name(world, "dan", &ann).await), "programme_off");
        assert_eq!(world.user("dan").get("/v1/referral").await.is(200)["late_bind_until"], Value::Null);
    });
}

/// R3.4, R3.12: who names an inviter counts under the limit of invitees.
#[test]
fn a_named_inviter_counts_under_the_limit() {
    World::run(async |world| {
        open(world).await;
        world.settings("referral", |settings| settings["max_invitees_per_user"] = json!(1)).await;
        let ann = world.code("ann").await;
        name(world, "bob", &ann).await.is(200);
        assert_eq!(world.register("cid", Some(&ann)).await["referral"]["reason"], "limit");
        assert_eq!(reason(name(world, "cid", &ann).await), "limit");
    });
}

/// R3.12: a user has thirty attempts a minute; then 429, whatever the code.
#[test]
fn attempts_to_name_an_inviter_are_limited_per_user() {
    World::run(async |world| {
        open(world).await;
        for _ in 0..30 {
            assert_eq!(reason(name(world, "bob", "UNKNOWN2").await), "unknown");
        }
        let ann = world.code("ann").await;
        let refused = name(world, "bob", &ann).await;
        assert_eq!(refused.headers["retry-after"], "60");
        assert_eq!(refused.is_problem(), "rate_limited");
        world.advance(60).await;
        name(world, "bob", &ann).await.is(200);
    });
}

/// R3.12, R9.2: totals and the code's count have who named an inviter, on the day of the naming.
#[test]
fn who_named_an_inviter_is_counted_on_the_day_of_the_naming() {
    World::run(async |world| {
        open(world).await;
        world.advance(DAY).await;
        for user in ["ann", "bob", "admin"] {
            world.sign_in(user).await;
        }
        name(world, "bob", &world.code("ann").await).await.is(200);
        world.settle().await;
        assert_eq!(world.admin().get("/v1/admin/stats").await.is(200)["referrals"]["relations"], 1);
        let days = world.admin().get("/v1/admin/stats/daily?from=2026-11-20&to=2026-11-21").await.is(200);
        let relations = |date: &str| {
            let day = days["items"].as_array().unwrap().iter().find(|day| day["date"] == date).unwrap();
            day["invitees"].clone()
        };
        assert_eq!((relations("2026-11-20"), relations("2026-11-21")), (json!(0), json!(1)));
        let codes = world.user("ann").get("/v1/affiliate/codes").await.is(200);
        assert_eq!(codes["items"][0]["invitees"], 1);
    });
}
