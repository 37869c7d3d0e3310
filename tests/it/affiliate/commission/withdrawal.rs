//! Commission withdrawals, to the balance and as cash (R6.5, R6.6).

use serde_json::{Value, json};

use super::{hundred, invited, totals};
use crate::world::World;

fn bank() -> Value {
    json!({"method": "bank", "account": "DE02 1203 0000 0000 2020 51", "name": "Ann Example"})
}

/// Ann has 1.38888888 of commission; the bank minimum is 0.5.
async fn earned(world: &World) {
    invited(world).await;
    world.settings("affiliate", |settings| settings["min_cash_withdrawal"] = json!("0.5")).await;
    hundred(world).await;
}

async fn request(world: &World, amount: &str) -> String {
    let body = json!({"amount": amount, "to": "cash", "payout": bank()});
    let made = world.user("ann").once().post("/v1/affiliate/withdrawals", body).await.is(201);
    made["id"].as_str().unwrap().to_owned()
}

/// R6.5: one transaction lowers the commission and raises the balance, with a journal line for each.
#[test]
fn a_withdrawal_to_the_balance_is_done_at_once() {
    World::run(async |world| {
        earned(world).await;
        let body = json!({"amount": "1.1", "to": "balance"});
        let made = world.user("ann").key("k").post("/v1/affiliate/withdrawals", body.clone()).await.is(201);
        assert_eq!((&made["state"], &made["amount"]["amount"]), (&json!("done"), &json!("1.1")));
        let again = world.user("ann").key("k").post("/v1/affiliate/withdrawals", body).await;
        assert_eq!(again.headers.get("idempotency-replayed").unwrap(), "true");
        assert_eq!(again.is(201)["id"], made["id"]);
        assert_eq!(totals(world).await, ["0", "0.28888888", "0", "1.1", "0", "0"]);
        assert_eq!(world.balance("ann").await, "1.1");
        for account in ["balance", "commission"] {
            let path = format!("/v1/balance/records?account={account}&type=withdrawal");
            let records = world.user("ann").get(&path).await.is(200);
            assert_eq!(records["items"][0]["related_id"], made["id"], "{account}");
            assert_eq!(records["items"].as_array().unwrap().len(), 1);
        }
        world.settle().await;
    });
}

/// R6.5: splitting gains nothing, and the last digit can be withdrawn, but no more.
#[test]
fn everything_to_the_last_digit_can_be_withdrawn_and_nothing_more() {
    World::run(async |world| {
        earned(world).await;
        for (amount, status) in [("1.38888889", 409), ("1.38888888", 201), ("0.00000001", 409)] {
            let body = json!({"amount": amount, "to": "balance"});
            assert_eq!(world.user("ann").once().post("/v1/affiliate/withdrawals", body).await.status, status);
        }
        assert_eq!(world.balance("ann").await, "1.38888888");
        world.settle().await;
    });
}

/// R6.6: a request holds the amount; approval withdraws it with the payout reference.
#[test]
fn an_approved_withdrawal_leaves_the_account() {
    World::run(async |world| {
        earned(world).await;
        let id = request(world, "1").await;
        assert_eq!(totals(world).await, ["0", "0.38888888", "1", "0", "0", "0"]);
        let path = format!("/v1/admin/withdrawals/{id}/approve");
        for _ in 0..2 {
            let paid = world.admin().post(&path, json!({"reference": "SEPA 17"})).await.is(200);
            assert_eq!((&paid["state"], &paid["reference"]), (&json!("paid"), &json!("SEPA 17")));
        }
        world.admin().post(&path, json!({"reference": "SEPA 18"})).await.refused(409, "withdrawal_closed");
        assert_eq!(totals(world).await, ["0", "0.38888888", "0", "1", "0", "0"]);
        let own = world.user("ann").get("/v1/affiliate/withdrawals").await.is(200)["items"][0].clone();
        assert_eq!((&own["id"], &own["payout"]["account"]), (&json!(id), &json!("****0 51")), "masked");
        let all = world.admin().get("/v1/admin/withdrawals?state=paid").await.is(200)["items"][0].clone();
        assert_eq!(all["payout"], bank(), "an admin has to pay it");
        let audit = world.admin().get(&format!("/v1/admin/audit?subject={id}")).await.is(200);
        assert_eq!(audit["items"][0]["action"], "withdrawal.paid");
        world.settle().await;
    });
}

/// R1.8: a request is repeated with its first answer whatever became of the withdrawal, and also when nothing is left for another.
#[test]
fn a_repeated_withdrawal_has_its_first_answer_in_any_later_state() {
    World::run(async |world| {
        earned(world).await;
        let cash = |amount: &str| json!({"amount": amount, "to": "cash", "payout": bank()});
        let ask =
            async |key: &str, body: Value| world.user("ann").key(key).post("/v1/affiliate/withdrawals", body).await;
        let paid = ask("paid", cash("0.5")).await.is(201);
        let cancelled = ask("cancelled", cash("0.6")).await.is(201);
        let approve = format!("/v1/admin/withdrawals/{}/approve", paid["id"].as_str().unwrap());
        world.admin().post(&approve, json!({"reference": "SEPA 17"})).await.is(200);
        let cancel = format!("/v1/affiliate/withdrawals/{}/cancel", cancelled["id"].as_str().unwrap());
        world.user("ann").post(&cancel, json!({})).await.is(200);
        let rest = json!({"amount": "0.88888888", "to": "balance"});
        let done = ask("done", rest.clone()).await.is(201);
        assert_eq!(totals(world).await, ["0", "0", "0", "1.38888888", "0", "0"]);
        for (key, body, first) in
            [("paid", cash("0.5"), paid), ("cancelled", cash("0.6"), cancelled), ("done", rest, done)]
        {
            let again = ask(key, body).await;
            assert_eq!(again.headers.get("idempotency-replayed").unwrap(), "true", "{key}");
            assert_eq!(again.is(201), first);
            ask(key, cash("0.7")).await.refused(422, "idempotency_key_reused");
        }
        assert_eq!(world.balance("ann").await, "0.88888888");
        world.settle().await;
    });
}

/// R6.6: a rejected or cancelled amount is available again.
#[test]
fn a_rejected_or_cancelled_withdrawal_releases_its_amount() {
    World::run(async |world| {
        earned(world).await;
        let (rejected, cancelled) = (request(world, "0.5").await, request(world, "0.6").await);
        let reject = format!("/v1/admin/withdrawals/{rejected}/reject");
        let answer = world.admin().post(&reject, json!({"reason": "unknown account"})).await.is(200);
        assert_eq!((&answer["state"], &answer["reason"]), (&json!("rejected"), &json!("unknown account")));
        let cancel = format!("/v1/affiliate/withdrawals/{cancelled}/cancel");
        world.user("bob").post(&cancel, json!({})).await.refused(404, "not_found");
        for _ in 0..2 {
            assert_eq!(world.user("ann").post(&cancel, json!({})).await.is(200)["state"], "cancelled");
        }
        let approve = format!("/v1/admin/withdrawals/{cancelled}/approve");
        world.admin().post(&approve, json!({"reference": "x"})).await.refused(409, "withdrawal_closed");
        assert_eq!(totals(world).await, ["0", "1.38888888", "0", "0", "0", "0"]);
        world.settle().await;
    });
}

/// R1.2, R6.6: a bad amount, a bad method or too little is rejected with its pointer. Nothing is held.
#[test]
fn a_withdrawal_that_is_not_right_is_refused_with_pointers() {
    World::run(async |world| {
        earned(world).await;
        let cash = |amount: &str, payout: Value| json!({"amount": amount, "to": "cash", "payout": payout});
        let cases = [
            (json!({"amount": "0", "to": "balance"}), "/amount"),
            (json!({"amount": "-1", "to": "balance"}), "/amount"),
            (json!({"amount": "1e2", "to": "balance"}), "/amount"),
            (json!({"amount": "１", "to": "balance"}), "/amount"),
            (json!({"amount": "0.000000001", "to": "balance"}), "/amount"),
            (json!({"amount": "1", "to": "balance", "payout": bank()}), "/payout"),
            (json!({"amount": "1", "to": "cash"}), "/payout"),
            (cash("0.49", bank()), "/amount"),
            (cash("1", json!({"method": "barrow", "account": "1"})), "/payout/method"),
            (cash("1", json!({"method": "bank", "account": ""})), "/payout/account"),
            (cash("1", json!({"method": "bank", "account": "x".repeat(201)})), "/payout/account"),
        ];
        for (body, pointer) in cases {
            let answer = world.user("ann").once().post("/v1/affiliate/withdrawals", body.clone()).await;
            assert_eq!(answer.refused(422, "invalid")["errors"][0]["pointer"], pointer, "{body}");
        }
        let ask = json!({"amount": "1", "to": "balance"});
        let keyless = world.user("ann").post("/v1/affiliate/withdrawals", ask.clone()).await;
        keyless.refused(400, "idempotency_key_required");
        let nothing = world.user("bob").once().post("/v1/affiliate/withdrawals", ask.clone()).await;
        nothing.refused(409, "insufficient_available");
        let ann = world.user("ann").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let blocked = json!({"status": "blocked", "reason": "looks odd"});
        world.admin().put(&format!("/v1/admin/users/{ann}/status"), blocked).await.is(200);
        let answer = world.user("ann").once().post("/v1/affiliate/withdrawals", ask).await;
        answer.refused(403, "account_blocked");
        world.settle().await;
    });
}

/// R9.2: the platform's totals show affiliate earnings, clawbacks, withdrawals and the open claim.
#[test]
fn totals_tell_of_commissions_and_withdrawals() {
    World::run(async |world| {
        earned(world).await;
        world
            .user("ann")
            .once()
            .post("/v1/affiliate/withdrawals", json!({"amount": "0.3", "to": "balance"}))
            .await
            .is(201);
        request(world, "0.5").await;
        world.settle().await;
        let stats = world.admin().get("/v1/admin/stats").await.is(200);
        let amount = |pointer: &str| stats.pointer(pointer).unwrap()["amount"].as_str().unwrap().to_owned();
        assert_eq!((&stats["commissions"]["count"], amount("/commissions/earned")), (&json!(1), "1.38888888".into()));
        assert_eq!(amount("/commissions/reversed"), "0");
        assert_eq!(
            (&stats["withdrawals"]["done"]["count"], amount("/withdrawals/done/amount")),
            (&json!(1), "0.3".into())
        );
        assert_eq!(amount("/withdrawals/requested/amount"), "0.5");
        assert_eq!(stats["withdrawals"]["paid"]["count"], 0);
        let owed = ["pending", "available", "held", "debt"];
        let owed = owed.map(|part| amount(&format!("/liabilities/commission/{part}")));
        assert_eq!(owed, ["0", "0.58888888", "0.5", "0"]);
    });
}
