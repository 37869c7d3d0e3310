//! Commissions that an admin posts, and acts on several commissions or withdrawals (R6.8).

use serde_json::{Value, json};

use super::{hundred, invited, totals};
use crate::agency::id;
use crate::operations::budget::budget;
use crate::world::{Answer, World};

const COMMISSIONS: &str = "/v1/admin/commissions";
const WITHDRAWALS: &str = "/v1/admin/withdrawals";

async fn me(world: &World, name: &str) -> String {
    id(&world.user(name).get("/v1/me").await.is(200))
}

async fn post(world: &World, amount: &str) -> Answer {
    let body = json!({"user_id": me(world, "ann").await, "amount": amount, "reason": "a campaign"});
    world.admin().once().post(COMMISSIONS, body).await
}

/// Cash that Ann asked for: an amount each.
async fn asked(world: &World, amounts: &[&str]) -> Vec<String> {
    world.settings("affiliate", |settings| settings["min_cash_withdrawal"] = json!("0.1")).await;
    let mut ids = Vec::new();
    for amount in amounts {
        let body = json!({"amount": amount, "to": "cash", "payout": {"method": "bank", "account": "DE0012345678"}});
        ids.push(id(&world.user("ann").once().post("/v1/affiliate/withdrawals", body).await.is(201)));
    }
    ids
}

/// Outcomes: each id with `done` or the code of its refusal.
fn outcomes(body: &Value) -> Vec<(String, String)> {
    let of = |one: &Value| {
        let outcome = if one["done"] == true { "done" } else { one["refusal"].as_str().unwrap() };
        (one["id"].as_str().unwrap().to_owned(), outcome.to_owned())
    };
    body["outcomes"].as_array().unwrap().iter().map(of).collect()
}

/// R6.8: a posted commission is held like any other, its user reads why, and it is withdrawn once its hold is over.
#[test]
fn a_posted_commission_is_an_entry_like_any_other() {
    World::run(async |world| {
        invited(world).await;
        world.settings("affiliate", |settings| settings["hold_hours"] = json!(24)).await;
        let order = hundred(world).await;
        let body =
            json!({"user_id": me(world, "ann").await, "amount": "5", "reason": "a campaign", "order_id": order["id"]});
        let made = world.admin().key("k").post(COMMISSIONS, body.clone()).await.is(201);
        let again = world.admin().key("k").post(COMMISSIONS, body.clone()).await;
        assert_eq!(again.headers["idempotency-replayed"], "true");
        assert_eq!(again.is(201), made);
        assert_eq!((&made["state"], &made["available_at"]), (&json!("pending"), &json!("2026-11-21T10:00:00Z")));
        assert_eq!((&made["order_id"], &made["posted_for"]), (&order["id"], &json!("a campaign")));
        assert_eq!(totals(world).await, ["6.38888888", "0", "0", "0", "0", "0"]);
        let own = world.user("ann").get("/v1/affiliate/commissions").await.is(200);
        let own = own["items"].as_array().unwrap().iter().find(|own| own["id"] == made["id"]).unwrap().clone();
        let shown = ["id", "order_id", "invitee", "posted_for"].map(|field| own[field].clone());
        assert_eq!(shown, [made["id"].clone(), order["id"].clone(), json!("b***@e***.com"), json!("a campaign")]);
        let audits = world.admin().get("/v1/admin/audit").await.is(200);
        let posted = |one: &&Value| one["action"] == "commission.posted" && one["reason"] == "a campaign";
        assert_eq!(audits["items"].as_array().unwrap().iter().filter(posted).count(), 1);
        world.advance(24 * 3_600).await;
        for user in ["ann", "admin"] {
            world.sign_in(user).await;
        }
        let all = json!({"amount": "6.38888888", "to": "balance"});
        world.user("ann").once().post("/v1/affiliate/withdrawals", all).await.is(201);
        assert_eq!(totals(world).await, ["0", "0", "0", "6.38888888", "0", "0"]);
        let path = format!("{COMMISSIONS}/{}/reverse", made["id"].as_str().unwrap());
        let reversed = world.admin().once().post(&path, json!({"reason": "twice"})).await.is(200);
        assert_eq!((&reversed["state"], &reversed["remaining"]["amount"]), (&json!("reversed"), &json!("0")));
        assert_eq!(totals(world).await, ["0", "0", "0", "6.38888888", "0", "5"], "what was withdrawn is owed");
        world.settle().await;
    });
}

/// R6.8, R1.7: below zero it takes what is available, the rest is debt, which later commission pays; reversed it is given back.
#[test]
fn a_commission_below_zero_takes_what_is_there_and_the_rest_is_debt() {
    World::run(async |world| {
        invited(world).await;
        post(world, "3").await.is(201);
        let taken = post(world, "-5").await.is(201);
        assert_eq!((&taken["amount"]["amount"], &taken["order_id"]), (&json!("-5"), &Value::Null));
        assert_eq!(totals(world).await, ["0", "0", "0", "0", "3", "2"]);
        post(world, "4").await.is(201);
        assert_eq!(totals(world).await, ["0", "2", "0", "0", "5", "0"]);
        world.settle().await;
        let path = format!("{COMMISSIONS}/{}/reverse", taken["id"].as_str().unwrap());
        for _ in 0..2 {
            world.admin().once().post(&path, json!({"reason": "a mistake"})).await.is(200);
        }
        assert_eq!(totals(world).await, ["0", "7", "0", "0", "0", "0"]);
        world.register("cid", None).await;
        let body = json!({"user_id": me(world, "cid").await, "amount": "-0.00000001", "reason": "a test"});
        world.admin().once().post(COMMISSIONS, body).await.is(201);
        let cid = world.user("cid").get("/v1/affiliate").await.is(200);
        assert_eq!(cid["totals"]["debt"]["amount"], "0.00000001", "nobody's first entry may be a debt");
        let sums = {
            world.settle().await;
            world.admin().get("/v1/admin/stats").await.is(200)["commissions"].clone()
        };
        assert_eq!((&sums["count"], &sums["earned"]["amount"]), (&json!(4), &json!("7")));
    });
}

/// R6.8, R10.4: it counts in the month's budget, and what would exceed it is held until it is released.
#[test]
fn a_posted_commission_above_the_budget_is_held() {
    World::run(async |world| {
        invited(world).await;
        budget(world, "affiliate", "4").await;
        let held = post(world, "5").await.is(201);
        assert_eq!((&held["state"], &held["hold"]), (&json!("held"), &json!("budget")));
        post(world, "-1").await.is(201);
        assert_eq!(totals(world).await, ["5", "0", "0", "0", "0", "1"]);
        budget(world, "affiliate", "9").await;
        let body = json!({"ids": [held["id"]], "reason": "a good month"});
        let done = world.admin().once().post(&format!("{COMMISSIONS}/release"), body).await.is(200);
        assert_eq!(outcomes(&done)[0].1, "done");
        assert_eq!(totals(world).await, ["0", "4", "0", "0", "1", "0"]);
        world.settle().await;
    });
}

/// R6.8, R2.8: a blocked user's posted commission waits for them; an erased one gets none.
#[test]
fn a_posted_commission_waits_for_a_blocked_user() {
    World::run(async |world| {
        invited(world).await;
        let user = format!("/v1/admin/users/{}", me(world, "ann").await);
        let status = |to: &str| json!({"status": to, "reason": "a test"});
        let id = me(world, "ann").await;
        world.admin().put(&format!("{user}/status"), status("blocked")).await.is(200);
        let body = json!({"user_id": id, "amount": "5", "reason": "a test"});
        let held = world.admin().once().post(COMMISSIONS, body.clone()).await.is(201);
        assert_eq!((&held["state"], &held["hold"]), (&json!("held"), &json!("blocked")));
        world.admin().put(&format!("{user}/status"), status("active")).await.is(200);
        world.sign_in("ann").await;
        assert_eq!(totals(world).await, ["0", "5", "0", "0", "0", "0"]);
        let erase = json!({"reason": "asked for it", "acknowledge_balance": true});
        world.admin().post(&format!("{user}/erase"), erase).await.is(200);
        world.admin().once().post(COMMISSIONS, body).await.refused(409, "account_erased");
        world.settle().await;
    });
}

/// R6.8: what cannot be posted is refused at its field, and nothing changes.
#[test]
fn a_commission_that_cannot_be_posted_is_refused() {
    World::run(async |world| {
        invited(world).await;
        let (ann, nobody) = (me(world, "ann").await, "usr_01arz3ndektsv4rrffq69g5fav");
        let nothing = "ord_01arz3ndektsv4rrffq69g5fav";
        for (body, pointer) in [
            (json!({"user_id": nobody, "amount": "5", "reason": "x"}), "/user_id"),
            (json!({"user_id": ann, "amount": "5", "reason": "x", "order_id": nothing}), "/order_id"),
            (json!({"user_id": ann, "amount": "0", "reason": "x"}), "/amount"),
            (json!({"user_id": ann, "amount": "1e3", "reason": "x"}), "/amount"),
            (json!({"user_id": ann, "amount": "5", "reason": " "}), "/reason"),
        ] {
            let problem = world.admin().once().post(COMMISSIONS, body).await.refused(422, "invalid");
            assert_eq!(problem["errors"][0]["pointer"], pointer);
        }
        let body = json!({"user_id": ann, "amount": "5", "reason": "x"});
        world.admin().post(COMMISSIONS, body).await.refused(400, "idempotency_key_required");
        assert_eq!(totals(world).await, ["0", "0", "0", "0", "0", "0"]);
    });
}

/// R6.8: withdrawals are paid and rejected together, with an outcome for each in their order; a repetition answers the same.
#[test]
fn withdrawals_are_paid_and_rejected_together() {
    World::run(async |world| {
        invited(world).await;
        post(world, "10").await.is(201);
        let ids = asked(world, &["1", "2", "3", "4"]).await;
        let reject = format!("{WITHDRAWALS}/{}/reject", ids[1]);
        world.admin().once().post(&reject, json!({"reason": "unknown"})).await.is(200);
        let unknown = "wdr_01arz3ndektsv4rrffq69g5fav".to_owned();
        let body = json!({"ids": [ids[2], unknown, ids[1], ids[0]], "reference": "SEPA 17"});
        let pay = format!("{WITHDRAWALS}/approve");
        let first = world.admin().key("pay").post(&pay, body.clone()).await.is(200);
        let expected = [(&ids[2], "done"), (&unknown, "not_found"), (&ids[1], "withdrawal_closed"), (&ids[0], "done")];
        assert_eq!(outcomes(&first), expected.map(|(id, outcome)| (id.clone(), outcome.to_owned())));
        assert_eq!(totals(world).await, ["0", "2", "4", "4", "0", "0"]);
        let again = world.admin().key("pay").post(&pay, body).await;
        assert!(!again.headers.contains_key("idempotency-replayed"), "the refused ones were judged anew");
        assert_eq!(again.is(200), first);
        let other = json!({"ids": [ids[3]], "reference": "SEPA 17"});
        world.admin().key("pay").post(&pay, other).await.refused(422, "idempotency_key_reused");
        let rest = json!({"ids": [ids[3]], "reason": "unknown"});
        let done = world.admin().key("no").post(&format!("{WITHDRAWALS}/reject"), rest.clone()).await.is(200);
        assert_eq!(outcomes(&done), [(ids[3].clone(), "done".to_owned())]);
        let again = world.admin().key("no").post(&format!("{WITHDRAWALS}/reject"), rest).await;
        assert_eq!(again.headers["idempotency-replayed"], "true");
        assert_eq!(totals(world).await, ["0", "6", "0", "4", "0", "0"]);
        world.settle().await;
    });
}

/// R6.8: commissions are reversed together, and a second time is no second reversal.
#[test]
fn commissions_are_reversed_together() {
    World::run(async |world| {
        invited(world).await;
        hundred(world).await;
        let posted = id(&post(world, "5").await.is(201));
        let list = world.admin().get(COMMISSIONS).await.is(200);
        let ids: Vec<&Value> = list["items"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
        assert!(ids.len() == 2 && ids.contains(&&json!(posted)), "{ids:?}");
        let body = json!({"ids": ids, "reason": "their own accounts"});
        for _ in 0..2 {
            let done = world.admin().once().post(&format!("{COMMISSIONS}/reverse"), body.clone()).await.is(200);
            assert!(outcomes(&done).iter().all(|(_, outcome)| outcome == "done"), "{done}");
            assert_eq!(totals(world).await, ["0", "0", "0", "0", "6.38888888", "0"]);
        }
        let release = world.admin().once().post(&format!("{COMMISSIONS}/release"), body).await.is(200);
        assert!(outcomes(&release).iter().all(|(_, outcome)| outcome == "not_held"), "{release}");
        world.settle().await;
    });
}

/// R6.8: a request has 1 to 100 ids, each once.
#[test]
fn a_request_has_at_most_a_hundred_ids_each_once() {
    World::run(async |world| {
        let some = |number: u32| format!("cms_01arz3ndektsv4rrffq69{number:05}");
        let ids = |number: u32| (0..number).map(some).collect::<Vec<_>>();
        let path = format!("{COMMISSIONS}/reverse");
        let ask =
            async |ids: Vec<String>| world.admin().once().post(&path, json!({"ids": ids, "reason": "a test"})).await;
        let done = ask(ids(100)).await.is(200);
        assert_eq!(outcomes(&done).iter().filter(|(_, outcome)| outcome == "not_found").count(), 100);
        for (wrong, pointer) in [(ids(0), "/ids"), (ids(101), "/ids"), (vec![some(1), some(2), some(1)], "/ids/2")] {
            let problem = ask(wrong).await.refused(422, "invalid");
            assert_eq!(problem["errors"][0]["pointer"], pointer);
        }
    });
}
