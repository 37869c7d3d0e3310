//! One row per refusal code: those that one story meets are here, for the others the file is named whose test meets them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use shared::kernel::refusal::Refusal;

use crate::redemption::{credit, pro, time_on};
use crate::world::{Answer, World};

/// Codes that need a set-up of their own, with the file of the test that meets each.
const ELSEWHERE: [(&str, &str); 50] = [
    ("account_erased", "account/erasure.rs"),
    ("allocator_not_granted", "agency/grant.rs"),
    ("already_bound", "referral/late.rs"),
    ("already_granted", "agency/grant.rs"),
    ("bad_credentials", "operations/wrong_inputs.rs"),
    ("balance_left", "account/erasure.rs"),
    ("budget_exceeded", "operations/budget.rs"),
    ("ceiling_exceeded", "agency/grant.rs"),
    ("challenge_required", "operations/wrong_inputs.rs"),
    ("change_under_way", "agency/grant.rs"),
    ("children_above", "agency/grant.rs"),
    ("cost_below_parent", "agency/grant.rs"),
    ("currency_in_use", "operations/admin.rs"),
    ("forced_recharge_required", "agency/order.rs"),
    ("fresh_password_required", "page/admin/session.rs"),
    ("forged_cursor", "operations/wrong_inputs.rs"),
    ("grant_disabled", "agency/order.rs"),
    ("grant_has_children", "agency/grant.rs"),
    ("idempotency_key_required", "operations/wrong_inputs.rs"),
    ("idempotency_key_reused", "operations/wrong_inputs.rs"),
    ("identifier_taken", "agency/order.rs"),
    ("invalid", "operations/wrong_inputs.rs"),
    ("malformed_request", "operations/wrong_inputs.rs"),
    ("late_bind_over", "referral/late.rs"),
    ("not_completed_by_hand", "payment/by_hand.rs"),
    ("not_held", "operations/budget.rs"),
    ("package_not_granted", "agency/grant.rs"),
    ("package_not_in_series", "agency/grant.rs"),
    ("payment_differs", "payment/facts.rs"),
    ("payment_under_way", "payment/under_way.rs"),
    ("precondition_required", "operations/wrong_inputs.rs"),
    ("range_too_large", "operations/refusals.rs"),
    ("rate_limited", "operations/wrong_inputs.rs"),
    ("refund_closed", "payment/refunds.rs"),
    ("refund_not_due", "payment/told_elsewhere.rs"),
    ("review_closed", "payment/told_elsewhere.rs"),
    ("reward_not_failed", "operations/admin.rs"),
    ("second_factor_enrolment_required", "account/second_factor/asked.rs"),
    ("second_factor_on", "account/second_factor.rs"),
    ("second_factor_required", "account/second_factor/asked.rs"),
    ("series_code_taken", "agency/order.rs"),
    ("series_in_use", "agency/grant.rs"),
    ("shop_in_use", "agency/shop.rs"),
    ("tiers_mismatch", "agency/grant.rs"),
    ("token_expired", "operations/wrong_inputs.rs"),
    ("totp_invalid", "account/second_factor.rs"),
    ("totp_required", "account/second_factor.rs"),
    ("user_has_shop", "agency/shop.rs"),
    ("version_mismatch", "operations/wrong_inputs.rs"),
    ("withdrawal_open", "account/erasure.rs"),
];

/// A code that was met.
type Met = BTreeSet<&'static str>;

/// Status, code, and what the title or the detail says of what would be right.
fn row(met: &mut Met, answer: Answer, status: u16, code: &'static str, says: &str) {
    let problem = answer.refused(status, code);
    let said = [&problem["title"], &problem["detail"]].map(|text| text.as_str().unwrap_or_default());
    assert!(said.iter().any(|text| text.contains(says)), "{problem}");
    met.insert(code);
}

/// api.md, *Conventions*: every code is met, and says what would be right.
#[test]
fn every_refusal_code_has_its_row() {
    World::run(async |world| {
        let mut met = Met::new();
        off(world, &mut met).await;
        doors(world, &mut met).await;
        orders(world, &mut met).await;
        codes(world, &mut met).await;
        commission(world, &mut met).await;
        for (code, file) in ELSEWHERE {
            let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("it").join(file)).unwrap();
            let status =
                Refusal::ALL.iter().find(|(_, known, _)| *known == code).map(|(status, ..)| status.to_string());
            let wanted = format!("{}, \"{code}\"", status.unwrap_or_else(|| panic!("{code} is no code")));
            assert!(text.contains(&wanted), "{file} meets no {code}");
            assert!(met.insert(code), "{code} has two rows");
        }
        let without: Vec<&str> =
            Refusal::ALL.iter().map(|(_, code, _)| *code).filter(|code| !met.contains(code)).collect();
        assert!(without.is_empty(), "without a row: {without:?}");
    });
}

/// Programmes that are off.
async fn off(world: &World, met: &mut Met) {
    world.register("bob", None).await;
    let order = json!({"amount": "10", "provider": "zpay"});
    row(met, world.user("bob").once().post("/v1/payment/orders", order).await, 409, "programme_off", "switched off");
    world.open().await;
    world.settings("affiliate", |settings| settings["enabled"] = json!(true)).await;
}

/// Callers and requests that no route takes.
async fn doors(world: &World, met: &mut Met) {
    let email = json!({"email": "bob@example.com", "password": "another password"});
    row(met, world.nobody().post("/v1/registrations", email).await, 409, "email_taken", "already");
    row(met, world.nobody().get("/v1/me").await, 401, "unauthenticated", "Sign in");
    row(met, world.user("bob").get("/v1/admin/users").await, 403, "forbidden", "may not");
    row(met, world.nobody().get("/v1/nothing").await, 404, "no_such_route", "no such route");
    row(met, world.user("bob").raw("DELETE", "/v1/me", "").await, 405, "method_not_allowed", "method");
    let text = world.user("bob").header("content-type", "text/plain").once();
    row(met, text.raw("POST", "/v1/redemptions", "x").await, 415, "unsupported_media_type", "content type");
    let long = json!({"email": "x".repeat(70_000), "password": "p"});
    row(met, world.nobody().post("/v1/sessions", long).await, 413, "body_too_large", "too large");
    let unsigned =
        world.nobody().header("stripe-signature", "t=1,v1=00").raw("POST", "/v1/webhooks/stripe", "{}").await;
    row(met, unsigned, 400, "bad_signature", "signature");
    let eve = world.register("eve", None).await["user"]["id"].as_str().unwrap().to_owned();
    let block = json!({"status": "blocked", "reason": "spam"});
    world.admin().put(&format!("/v1/admin/users/{eve}/status"), block).await.is(200);
    let credentials = json!({"email": "eve@example.com", "password": crate::world::PASSWORD});
    row(met, world.nobody().post("/v1/sessions", credentials).await, 403, "account_blocked", "blocked");
}

async fn orders(world: &World, met: &mut Met) {
    let (bob, admin) = (world.user("bob"), "/v1/admin/payment/orders");
    let ask = json!({"offer_id": "o10", "provider": "stripe"});
    let open = world.order("bob", ask.clone()).await["id"].as_str().unwrap().to_owned();
    bob.post(&format!("/v1/payment/orders/{open}/cancel"), json!({})).await.is(200);
    let paid = world.order("bob", ask).await;
    world.pay(&paid, json!({})).await;
    world.settle().await;
    let paid = paid["id"].as_str().unwrap().to_owned();
    let nothing = "/v1/payment/orders/ord_01m7w6c38029x193xqrjx9657c";
    row(met, bob.get(nothing).await, 404, "not_found", "no such thing");
    let cancel = bob.post(&format!("/v1/payment/orders/{paid}/cancel"), json!({})).await;
    row(met, cancel, 409, "order_not_pending", "not pending");
    let receipt = bob.post(&format!("/v1/payment/orders/{open}/receipt"), json!({})).await;
    row(met, receipt, 409, "order_not_paid", "not paid");
    let by_hand = json!({"reason": "paid in cash"});
    let again = world.admin().once().post(&format!("{admin}/{paid}/complete"), by_hand).await;
    row(met, again, 409, "order_already_paid", "paid already");
    let refund = json!({"reason": "asked for it"});
    let none = world.admin().once().post(&format!("{admin}/{open}/refunds"), refund).await;
    row(met, none, 409, "nothing_to_refund", "Nothing is left");
    let id = bob.get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
    let debit = json!({"amount": "-1000000", "remark": "x"});
    let debit = world.admin().once().post(&format!("/v1/admin/users/{id}/adjustments"), debit).await;
    row(met, debit, 409, "insufficient_balance", "too low");
}

async fn codes(world: &World, met: &mut Met) {
    let code = async |body: Value| world.codes(body).await.remove(0);
    let with = |field: &str, value: &str| {
        let mut batch = credit("1", 1, 5);
        batch[field] = json!(value);
        batch
    };
    world.register("amy", None).await;
    let once = code(credit("1", 1, 1)).await;
    world.redeem("bob", &once).await.is(201);
    row(met, world.redeem("amy", &once).await, 409, "code_used_up", "used up");
    let shared = code(credit("1", 1, 5)).await;
    world.redeem("bob", &shared).await.is(201);
    row(met, world.redeem("bob", &shared).await, 409, "already_redeemed", "already");
    row(met, world.redeem("bob", "ABCD-EFGH-2345-WXYZ").await, 404, "code_not_found", "16 letters and digits");
    let later = code(with("starts_at", "2030-01-01T00:00:00Z")).await;
    row(met, world.redeem("bob", &later).await, 409, "code_not_yet_valid", "not valid yet");
    let short = code(with("expires_at", "2026-11-20T10:05:00Z")).await;
    let closed = code(credit("1", 1, 5)).await;
    let path = format!("/v1/admin/redemption/codes/{closed}/status");
    world.admin().put(&path, json!({"enabled": false})).await.is(200);
    row(met, world.redeem("bob", &closed).await, 409, "code_disabled", "switched off");
    let plan = pro(world, 1).await;
    for (number, wanted) in [(0, 201), (1, 409)] {
        let code = code(time_on(&plan, "month", 1, 1)).await;
        let body = json!({"code": code, "new_subscription": true});
        let answer = world.user("bob").once().post("/v1/redemptions", body).await;
        assert_eq!(answer.status, wanted, "{number}: {}", answer.text);
        if wanted == 409 {
            row(met, answer, 409, "plan_quota", "as many subscriptions");
        }
    }
    let held = code(time_on(&plan, "month", 1, 1)).await;
    let read = world.admin().get(&format!("/v1/admin/plans/{plan}")).await;
    let tag = read.headers["etag"].to_str().unwrap().to_owned();
    let stopped = json!({"name": "Pro", "quota": 1, "on_sale": false});
    world.admin().header("if-match", &tag).put(&format!("/v1/admin/plans/{plan}"), stopped).await.is(200);
    row(met, world.redeem("amy", &held).await, 409, "plan_off_sale", "not on sale");
    world.advance(10 * 60).await;
    row(met, world.redeem("bob", &short).await, 409, "code_expired", "expired");
}

async fn commission(world: &World, met: &mut Met) {
    let amy = || world.user("amy");
    let cash = |amount: &str| json!({"amount": amount, "to": "balance"});
    let much = amy().once().post("/v1/affiliate/withdrawals", cash("5")).await;
    row(met, much, 409, "insufficient_available", "Nothing can be withdrawn");
    let ann = world.code("amy").await;
    let id = |answer: Value| answer["id"].as_str().unwrap().to_owned();
    let (amys, bobs) = (id(amy().get("/v1/me").await.is(200)), id(world.user("bob").get("/v1/me").await.is(200)));
    let taken = world.admin().put(&format!("/v1/admin/users/{bobs}/invite-code"), json!({"code": ann})).await;
    row(met, taken, 409, "invite_code_taken", "taken");
    world.settings("affiliate", |settings| settings["max_codes_per_user"] = json!(0)).await;
    row(met, amy().post("/v1/affiliate/codes", json!({})).await, 409, "invite_code_limit", "as many");
    let policy = json!({"rate": "0.5", "trigger_limit": 0, "can_invite": false});
    world.admin().put(&format!("/v1/admin/users/{amys}/affiliate-policy"), policy).await.is(200);
    row(met, amy().post("/v1/affiliate/codes", json!({})).await, 409, "may_not_invite", "may not invite");
    let rich = world.code("bob").await;
    world.register("dan", Some(&rich)).await;
    let order = world.order("dan", json!({"offer_id": "o100", "provider": "stripe"})).await;
    world.pay(&order, json!({})).await;
    world.settle().await;
    let account = json!({"method": "bank", "account": "DE02120300000000202051"});
    world.settings("affiliate", |settings| settings["min_cash_withdrawal"] = json!("1")).await;
    let ask = json!({"amount": "1", "to": "cash", "payout": account});
    world.settings("affiliate", |settings| settings["min_paying_invitees"] = json!(2)).await;
    world.advance(61).await;
    let early = world.user("bob").once().post("/v1/affiliate/withdrawals", ask.clone()).await;
    row(met, early, 409, "too_few_paying_invitees", "1 of the 2 invitees");
    world.settings("affiliate", |settings| settings["min_paying_invitees"] = json!(0)).await;
    world.advance(61).await;
    let asked = id(world.user("bob").once().post("/v1/affiliate/withdrawals", ask).await.is(201));
    let rest = world.user("bob").once().post("/v1/affiliate/withdrawals", cash("1")).await;
    row(met, rest, 409, "insufficient_available", "At most 0.38888888 USD");
    world.settings("affiliate", |settings| settings["second_approval_above"] = json!("0.5")).await;
    world.advance(61).await;
    let approve = format!("/v1/admin/withdrawals/{asked}/approve");
    world.admin().post(&approve, json!({"reference": "TX 7"})).await.is(200);
    let again = world.admin().post(&approve, json!({"reference": "TX 7"})).await;
    row(met, again, 409, "second_admin_required", "Another admin");
    world.user("bob").post(&format!("/v1/affiliate/withdrawals/{asked}/cancel"), json!({})).await.is(200);
    let late = world.admin().post(&approve, json!({"reference": "TX 7"})).await;
    row(met, late, 409, "withdrawal_closed", "not open");
    payouts(world, met).await;
}

/// Refusals of payout batches (R6.9).
async fn payouts(world: &World, met: &mut Met) {
    let batches = "/v1/admin/payout-batches";
    let gather = || world.admin().once().post(batches, json!({"method": "bank"}));
    row(met, gather().await, 409, "nothing_to_gather", "No requested withdrawal");
    let payout = json!({"method": "bank", "account": "DE02120300000000202051"});
    let ask = json!({"amount": "1", "to": "cash", "payout": payout});
    world.settings("affiliate", |settings| settings["second_approval_above"] = json!("0")).await;
    world.advance(61).await;
    let asked = world.user("bob").once().post("/v1/affiliate/withdrawals", ask).await.is(201)["id"].clone();
    let asked = asked.as_str().unwrap();
    let key = world.service_key("payer", &["withdrawals:settle"]).await;
    let settle = format!("/v1/service/withdrawals/{asked}/settle");
    let paid = json!({"outcome": "paid", "reference": "TX 7"});
    let early = world.holder(&key).post(&settle, paid.clone()).await;
    row(met, early, 409, "withdrawal_not_in_batch", "not in the payout batch");
    let batch = gather().await.is(201)["id"].as_str().unwrap().to_owned();
    let cancel = world.user("bob").post(&format!("/v1/affiliate/withdrawals/{asked}/cancel"), json!({})).await;
    row(met, cancel, 409, "withdrawal_in_batch", "in a payout batch");
    let file = world.admin().get(&format!("{batches}/{batch}/file.xml")).await;
    row(met, file, 409, "payout_file_unavailable", "no such file");
    world.holder(&key).post(&settle, paid).await.is(200);
    let drop = world.admin().post(&format!("{batches}/{batch}/drop"), json!({"reason": "too late"})).await;
    row(met, drop, 409, "payout_batch_closed", "No line");
}

/// G14: a CSV is whole or refused.
#[test]
fn a_csv_of_too_many_rows_is_refused() {
    World::run(async |world| {
        world.admin().once().post("/v1/admin/redemption/batches", credit("1", 10_000, 1)).await.is(202);
        world.settle().await;
        let whole = async || world.admin().header("accept", "text/csv").get("/v1/admin/redemption/codes").await;
        assert_eq!(whole().await.text.lines().count(), 10_001);
        world.codes(credit("1", 1, 1)).await;
        let problem = whole().await.refused(422, "range_too_large");
        assert!(problem["title"].as_str().unwrap().contains("10,000 rows"), "{problem}");
    });
}
