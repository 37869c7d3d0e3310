//! `orders`, `codes`, `reviews`, `withdrawals`, `reconcile`: each command takes effect once.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::bench::Bench;

/// Temporary file, removed with its test.
struct Scrap(PathBuf);

impl Scrap {
    fn new(name: &str) -> Self {
        let name = format!("guerdon-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Scrap {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

async fn order(bench: &Bench, token: &str, body: Value) -> Value {
    bench.api("POST", "/v1/payment/orders", Some(token), body).await
}

/// R4.12, R1.1: repeating a command replays the first response; a different one is refused.
#[test]
fn an_order_completed_by_hand_is_credited_once_however_often_the_command_runs() {
    Bench::run(async |bench| {
        bench.json("settings set payment enabled=true").await;
        let ann = bench.register("ann", None).await;
        let made = order(bench, &ann, json!({"offer_id": "o100", "provider": "stripe"})).await;
        let id = made["id"].as_str().unwrap();
        for _ in 0..2 {
            let done = bench.words(&["orders", "complete", id, "--reason", "paid by wire", "-o", "json"]).await;
            assert_eq!(done.status, 0, "{}", done.err);
            assert_eq!(serde_json::from_str::<Value>(&done.out).unwrap()["status"], "paid");
        }
        assert_eq!(bench.balance(&ann).await, "13.88888888");
        let again = bench.words(&["orders", "complete", id, "--reason", "another"]).await;
        assert_eq!(again.status, 1);
        assert!(again.err.contains("order_already_paid") && again.err.contains("hint: nothing is left to do"));
        bench.settle().await;
        let listed = bench.guerdon("orders list --status paid --email ann@example.com -o csv").await;
        assert_eq!((listed.status, listed.out.matches(id).count()), (0, 1), "{}", listed.out);
        let shown = bench.guerdon(&format!("orders show {id}")).await;
        for part in ["ann@example.com", "pending", "BECAUSE", "13.88888888"] {
            assert!(shown.out.contains(part), "{part} is not in\n{}", shown.out);
        }
        assert_eq!(bench.json(&format!("orders show {id}")).await["explain"]["order_id"], id);
        assert_eq!(bench.guerdon("audit").await.status, 0);
    });
}

/// R7.1: a repeated batch command continues the batch, under the key derived from its arguments.
#[test]
fn codes_that_are_asked_for_twice_are_one_batch() {
    Bench::run(async |bench| {
        let file = Scrap::new("codes.csv");
        let create = "codes create --label launch --count 150 --credit 5";
        let begun = bench.json(&format!("{create} --no-wait")).await;
        assert_eq!(begun["state"], "creating");
        bench.settle().await;
        let ready = bench.json(&format!("{create} --export {}", file.0.display())).await;
        assert_eq!((&ready["id"], &ready["state"]), (&begun["id"], &json!("ready")));
        assert!(ready["codes"].is_null(), "codes are worth money: only an export shows them");
        let written = std::fs::read_to_string(&file.0).unwrap();
        assert_eq!((written.lines().count(), written.lines().next().unwrap().starts_with("code,")), (151, true));
        let batch = begun["id"].as_str().unwrap();
        assert_eq!(bench.guerdon(&format!("codes export {batch}")).await.out, written);
        assert_eq!(bench.json("codes list").await.as_array().unwrap().len(), 1);
        bench.json(&format!("{create} --no-wait --key another")).await;
        assert_eq!(bench.json("codes list").await.as_array().unwrap().len(), 2);
        let refused = bench.guerdon("codes create --label launch --count 7 --credit 5 --key another").await;
        assert_eq!((refused.status, refused.err.contains("idempotency_key_reused")), (1, true), "{}", refused.err);
        assert_eq!(bench.guerdon(&format!("codes export {batch} --to /no/such/folder/x")).await.status, 1);
    });
}

/// R7.10: a batch is topped up once by a command run twice, and its end is moved.
#[test]
fn a_batch_is_topped_up_once_and_extended() {
    Bench::run(async |bench| {
        let create = "codes create --label spring --count 1 --credit 5 --expires-at 2099-01-01T00:00:00Z";
        let made = bench.json(create).await;
        let batch = made["id"].as_str().unwrap();
        for _ in 0..2 {
            let more = bench.json(&format!("codes top-up {batch} --count 100")).await;
            assert_eq!((&more["count"], &more["state"], &more["codes"]), (&json!(101), &json!("ready"), &json!(null)));
        }
        assert_eq!(bench.json(&format!("codes top-up {batch} --count 100 --key more")).await["count"], 201);
        assert_eq!(bench.guerdon(&format!("codes export {batch}")).await.out.lines().count(), 202);
        let later = bench.json(&format!("codes extend {batch} --to 2099-02-01T00:00:00Z")).await;
        assert_eq!(later["expires_at"], "2099-02-01T00:00:00Z");
        assert_eq!(bench.guerdon(&format!("codes extend {batch} --to 2099-01-15T00:00:00Z")).await.status, 1);
        assert_eq!(bench.guerdon(&format!("codes top-up {batch} --count 10000")).await.status, 1);
    });
}

/// R7.10: codes from elsewhere are brought from a file, and new ones have a prefix.
#[test]
fn codes_are_brought_from_a_file() {
    Bench::run(async |bench| {
        let (from, to) = (Scrap::new("old.txt"), Scrap::new("brought.csv"));
        std::fs::write(&from.0, "old-shop-1\n\n old-shop-2 \n").unwrap();
        let bring = format!("codes create --label old --credit 5 --bring {}", from.0.display());
        let made = bench.json(&format!("{bring} --export {}", to.0.display())).await;
        assert_eq!((&made["count"], &made["brought"], &made["state"]), (&json!(2), &json!(true), &json!("ready")));
        let written = std::fs::read_to_string(&to.0).unwrap();
        assert!(written.contains("OLDSHOP1,") && written.contains("OLDSHOP2,"), "{written}");
        let made = bench.json("codes create --label new --count 1 --prefix vip --credit 5 --key new").await;
        assert_eq!(made["prefix"], "VIP");
        for both in ["--count 1", "--prefix vip"] {
            assert_eq!(bench.guerdon(&format!("{bring} {both}")).await.status, 2, "{both}");
        }
    });
}

/// R4.5, R4.12, R4.10: money in review is listed and resolved once, and the next day's report shows it.
#[test]
fn money_in_review_is_listed_and_resolved_and_the_daily_report_is_shown() {
    Bench::run(async |bench| {
        bench.json("settings set payment enabled=true").await;
        let ann = bench.register("ann", None).await;
        let made = order(bench, &ann, json!({"offer_id": "o100", "provider": "zpay"})).await;
        bench.pay(&made, json!({"amount": "1.00"})).await;
        bench.settle().await;
        let open = bench.json("reviews list --state open").await;
        assert_eq!((open.as_array().unwrap().len(), &open[0]["reason"]), (1, &json!("amount_mismatch")));
        let id = open[0]["id"].as_str().unwrap();
        for _ in 0..2 {
            let words = ["reviews", "resolve", id, "--action", "refund_due", "--reason", "give it back", "-o", "json"];
            let done = bench.words(&words).await;
            assert_eq!(done.status, 0, "{}", done.err);
            assert_eq!(serde_json::from_str::<Value>(&done.out).unwrap()["state"], "refund_due");
        }
        let other = bench.words(&["reviews", "resolve", id, "--action", "ignore", "--reason", "no"]).await;
        assert_eq!((other.status, other.err.contains("review_closed")), (1, true), "{}", other.err);
        bench.stack.clock.advance(Duration::from_secs(25 * 3600));
        bench.stack.tick("reconcile").await.unwrap();
        let reports = bench.json("reconcile").await;
        let report = reports.as_array().unwrap().iter().find(|report| report["provider"] == "zpay").unwrap();
        assert_eq!((&report["agrees"], &report["checked"]), (&json!(true), &json!(1)), "{report}");
        let lines = bench.json(&format!("reconcile {}", report["date"].as_str().unwrap())).await;
        assert_eq!(lines[0]["verdict"], "total");
    });
}

/// Ann has a commission on a payment of Bob's, and may take 0.5 in cash; returns her token.
async fn earning(bench: &Bench) -> String {
    bench.json("settings set payment enabled=true").await;
    bench.json("settings set affiliate enabled=true min_cash_withdrawal=0.5").await;
    let ann = bench.register("ann", None).await;
    let code = bench.api("GET", "/v1/referral", Some(&ann), Value::Null).await["code"].as_str().unwrap().to_owned();
    let bob = bench.register("bob", Some(&code)).await;
    let made = order(bench, &bob, json!({"offer_id": "o100", "provider": "stripe"})).await;
    bench.pay(&made, json!({})).await;
    bench.settle().await;
    ann
}

/// R6.9: a batch is made, shown and closed on the command line, and a second one dropped.
#[test]
fn payout_batches_are_made_closed_and_dropped() {
    Bench::run(async |bench| {
        let ann = earning(bench).await;
        let payout = json!({"method": "bank", "account": "DE02120300000000202051", "name": "Ann"});
        let ask = async |amount: &str| {
            let body = json!({"amount": amount, "to": "cash", "payout": payout});
            bench.api("POST", "/v1/affiliate/withdrawals", Some(&ann), body).await;
        };
        ask("0.5").await;
        let batch = bench.json("payout-batches make --method bank --format csv --limit 5").await;
        let id = batch["id"].as_str().unwrap().to_owned();
        assert_eq!(bench.json(&format!("payout-batches show {id}")).await["lines"].as_array().unwrap().len(), 1);
        let closed = bench.words(&["payout-batches", "close", &id, "--reference", "SEPA 17"]).await;
        assert_eq!(closed.status, 0, "{}", closed.err);
        let late = bench.words(&["payout-batches", "drop", &id, "--reason", "too late"]).await;
        assert_eq!((late.status, late.err.contains("payout_batch_closed")), (1, true), "{}", late.err);
        ask("0.6").await;
        let next = bench.json("payout-batches make --method bank").await["id"].as_str().unwrap().to_owned();
        assert_eq!(bench.words(&["payout-batches", "drop", &next, "--reason", "not yet"]).await.status, 0);
        let states: Vec<Value> = bench
            .json("payout-batches list")
            .await
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["state"].clone())
            .collect();
        assert_eq!(states, ["dropped", "closed"]);
        bench.settle().await;
        assert_eq!(bench.guerdon("audit").await.status, 0);
    });
}

/// R6.6: a withdrawal is paid once, and rejecting it afterwards is refused.
#[test]
fn withdrawals_are_listed_approved_and_rejected_once() {
    Bench::run(async |bench| {
        let ann = earning(bench).await;
        let payout = json!({"method": "bank", "account": "=DE02120300000000202051", "name": "Ann"});
        for amount in ["0.5", "0.6"] {
            let body = json!({"amount": amount, "to": "cash", "payout": payout});
            bench.api("POST", "/v1/affiliate/withdrawals", Some(&ann), body).await;
        }
        let sheet = bench.guerdon("withdrawals list --state requested -o csv").await;
        assert!(sheet.out.contains("\"'=DE02120300000000202051\""), "a cell is no formula: {}", sheet.out);
        let asked = bench.json("withdrawals list --state requested").await;
        assert_eq!(asked.as_array().unwrap().len(), 2);
        let (small, large) = (asked[1]["id"].as_str().unwrap(), asked[0]["id"].as_str().unwrap());
        for _ in 0..2 {
            let paid = bench.words(&["withdrawals", "approve", small, "--reference", "SEPA 17"]).await;
            assert_eq!(paid.status, 0, "{}", paid.err);
        }
        let late = bench.words(&["withdrawals", "reject", small, "--reason", "too late"]).await;
        assert_eq!((late.status, late.err.contains("withdrawal_closed")), (1, true), "{}", late.err);
        assert_eq!(bench.words(&["withdrawals", "reject", large, "--reason", "who is that"]).await.status, 0);
        let states: Vec<Value> =
            bench.json("withdrawals list").await.as_array().unwrap().iter().map(|one| one["state"].clone()).collect();
        assert_eq!(states, ["rejected", "paid"]);
        bench.settle().await;
        assert_eq!(bench.guerdon("audit").await.status, 0);
        assert_eq!(bench.guerdon("verify").await.status, 0);
    });
}

/// R4.6, R4.9: a refund is made once however often its command runs, and an order is explained and verified.
#[test]
fn an_order_is_refunded_in_parts_explained_and_verified() {
    Bench::run(async |bench| {
        bench.json("settings set payment enabled=true").await;
        let ann = bench.register("ann", None).await;
        let made = order(bench, &ann, json!({"offer_id": "o100", "provider": "stripe"})).await;
        let id = made["id"].as_str().unwrap();
        assert_eq!(bench.json(&format!("orders verify {id}")).await["status"], "pending");
        bench.pay(&made, json!({})).await;
        bench.settle().await;
        for _ in 0..2 {
            let part = bench.words(&["orders", "refund", id, "--amount", "40", "--reason", "a part"]).await;
            assert_eq!(part.status, 0, "{}", part.err);
        }
        bench.settle().await;
        assert_eq!(bench.balance(&ann).await, "8.33333332");
        let explained = bench.guerdon(&format!("orders explain {id}")).await;
        assert!(explained.status == 0 && explained.out.contains("BECAUSE"), "{}{}", explained.out, explained.err);
        let refused = bench.words(&["orders", "refund", id, "--amount", "-1", "--reason", "negative"]).await;
        assert_eq!((refused.status, refused.err.contains("/amount")), (1, true), "{}", refused.err);
        assert_eq!(bench.words(&["orders", "refund", id, "--reason", "the rest"]).await.status, 0);
        bench.settle().await;
        assert_eq!(bench.balance(&ann).await, "0");
        assert_eq!(bench.json("payouts list").await, json!([]), "payouts are withdrawals");
        let shop = bench.json("payouts list --shop shp_01k9zq4r7x8m2v5b3n6c1d0fgh").await;
        assert_eq!(shop, json!([]));
        assert_eq!((bench.guerdon("audit").await.status, bench.guerdon("verify").await.status), (0, 0));
    });
}
