//! `audit`, `verify`, `dlq`: commands that access the table and the queues directly.

use emulator::stack::TABLE;
use serde_json::{Value, json};

use super::bench::Bench;
use crate::operations::heads::KEY;
use crate::world::PASSWORD;

/// Adds 1000 to a user's balance without a journal.
fn damage(bench: &Bench, name: &str) -> String {
    let items = bench.stack.dynamo.scan(TABLE).unwrap();
    let email = format!("{name}@example.com");
    let user = items.iter().find(|item| item["type"]["S"] == "user" && item["email"]["S"] == email.as_str()).unwrap();
    let mut damaged = user.clone();
    damaged["accounts"]["M"]["balance"]["M"]["amount"]["M"] = json!({"USD": {"N": "1000"}});
    bench.stack.dynamo.apply("PutItem", &json!({"TableName": TABLE, "Item": damaged})).unwrap();
    user["id"]["S"].as_str().unwrap().to_owned()
}

#[test]
fn the_auditor_finds_nothing_on_a_good_table_and_names_what_is_damaged() {
    Bench::run(async |bench| {
        bench.register("ann", None).await;
        bench.settle().await;
        let good = bench.guerdon("audit").await;
        assert_eq!((good.status, good.out.as_str()), (0, ""), "{}", good.err);
        assert!(good.err.contains("0 findings"), "{}", good.err);
        let ann = damage(bench, "ann");
        let bad = bench.guerdon("audit -o json").await;
        assert_eq!(bad.status, 1);
        let findings: Vec<Value> = serde_json::from_str(&bad.out).unwrap();
        let named = |finding: &Value| finding["invariant"] == "L2" && finding["subject"] == ann.as_str();
        assert!(findings.iter().any(named), "{}", bad.out);
    });
}

#[test]
fn a_verification_lists_what_is_stored_and_what_it_should_be_and_writes_nothing() {
    Bench::run(async |bench| {
        bench.register("ann", None).await;
        bench.settle().await;
        assert_eq!(bench.guerdon("verify").await.status, 0);
        let ann = damage(bench, "ann");
        let before = bench.stack.dynamo.scan(TABLE).unwrap();
        let bad = bench.guerdon("verify -o csv").await;
        assert_eq!(bad.status, 1);
        assert!(bad.out.lines().any(|line| line == format!("{ann},balance,1000,0")), "{}", bad.out);
        assert_eq!(bench.stack.dynamo.scan(TABLE).unwrap(), before);
    });
}

/// R3.6: a redriven dead letter grants its reward, once.
/// This holds within five minutes of the first send too, while the queue still knows the message's own deduplication id.
#[test]
fn a_redriven_dead_letter_takes_effect_once() {
    Bench::run(async |bench| {
        let ann = bench.park_registration().await;
        assert_eq!(bench.balance(&ann).await, "0");
        for _ in 0..2 {
            let listed = bench.guerdon("dlq list -o json").await;
            assert_eq!(listed.status, 1, "a look does not keep it from the next");
            let letters: Vec<Value> = serde_json::from_str(&listed.out).unwrap();
            assert_eq!(letters.len(), 1);
            assert_eq!((&letters[0]["queue"], &letters[0]["what"]), (&json!("reward"), &json!("user_registered")));
            assert!(!listed.out.contains('@'), "no address is shown: {}", listed.out);
        }
        let sent = bench.json("dlq redrive reward").await;
        assert_eq!(sent.as_array().unwrap().len(), 1);
        bench.settle().await;
        assert_eq!(bench.balance(&ann).await, "2");
        assert_eq!(bench.guerdon("dlq list").await.status, 0);
        assert_eq!(bench.json("dlq redrive reward").await, json!([]));
        bench.settle().await;
        assert_eq!(bench.balance(&ann).await, "2");
        assert_eq!(bench.guerdon("audit").await.status, 0);
        assert_eq!(bench.guerdon("verify").await.status, 0);
    });
}

/// A letter leaves the dead-letter queue only after its send was acknowledged.
/// If its deletion is lost, redriving it again still delivers it once.
#[test]
fn a_dead_letter_is_taken_away_only_once_its_sending_was_acknowledged() {
    Bench::run(async |bench| {
        bench.park_registration().await;
        let visible = |name: &str| bench.stack.queues.depth(name).unwrap().visible;
        let depths = || (visible("RewardDeadLetterQueue.fifo"), visible("RewardQueue.fifo"));
        let other = bench.guerdon("dlq redrive reward --id 00000000-0000-0000-0000-000000000000").await;
        assert_eq!((other.status, other.err.contains("guerdon dlq list")), (1, true), "{}", other.err);
        assert_eq!(depths(), (1, 0), "a letter that was not meant is let go");
        for (operation, after) in [("SendMessage", (1, 0)), ("DeleteMessage", (1, 1))] {
            *bench.refused.lock().unwrap() = Some(operation);
            let broken = bench.guerdon("dlq redrive reward").await;
            assert_eq!((broken.status, broken.err.contains(operation)), (3, true), "{}", broken.err);
            assert_eq!(depths(), after, "{operation}");
        }
        *bench.refused.lock().unwrap() = None;
        let letters: Value = serde_json::from_str(&bench.guerdon("dlq list reward -o json").await.out).unwrap();
        let id = letters[0]["id"].as_str().unwrap();
        assert_eq!(bench.guerdon(&format!("dlq redrive reward --id {id}")).await.status, 0);
        assert_eq!(depths(), (0, 1), "its second sending is the same message");
        bench.settle().await;
    });
}

/// R11.2: a statement is checked without a stack, knowing only the public key, and the command says what is wrong where.
#[test]
fn a_statement_is_checked_offline() {
    Bench::run(async |bench| {
        let ann = bench.register("ann", None).await;
        let me = bench.api("GET", "/v1/me", Some(&ann), Value::Null).await["id"].as_str().unwrap().to_owned();
        bench.json(&format!("users adjust {me} 5 --remark welcome")).await;
        bench.settle().await;
        let now = bench.stack.clock.now().to_zoned(jiff::tz::TimeZone::UTC);
        let path = format!("/v1/balance/statements/{}/proof", now.strftime("%Y-%m"));
        let early = bench.api("GET", &path, Some(&ann), Value::Null).await;
        let next = now.date().tomorrow().unwrap().at(2, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap();
        bench.stack.clock.set(next.timestamp());
        bench.stack.tick("sign-heads").await.unwrap();
        let who = json!({"email": "ann@example.com", "password": PASSWORD});
        let session = bench.api("POST", "/v1/sessions", None, who).await;
        let proven = bench.api("GET", &path, session["access_token"].as_str(), Value::Null).await;
        let file = std::env::temp_dir().join(format!("guerdon-statement-{}", std::process::id()));
        let check = async |text: &str, key: &str| {
            std::fs::write(&file, text).unwrap();
            bench.bare(&["verify", file.to_str().unwrap(), "--key", key]).await
        };
        let good = check(&proven.to_string(), KEY).await;
        assert_eq!((good.status, good.out.contains("1 to 1")), (0, true), "{}{}", good.out, good.err);
        let changed = check(&proven.to_string().replacen("\"5\"", "\"6\"", 1), KEY).await;
        assert!(changed.status == 1 && changed.err.contains("entry 1"), "{}", changed.err);
        let foreign = check(&proven.to_string(), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").await;
        assert!(foreign.status == 1 && foreign.err.contains("not by this key"), "{}", foreign.err);
        let unsigned = check(&early.to_string(), KEY).await;
        assert!(unsigned.status == 1 && unsigned.err.contains("no signed heads"), "{}", unsigned.err);
        assert_eq!(check(&proven.to_string(), "x").await.status, 2);
        assert_eq!(check("{}", KEY).await.status, 1);
        std::fs::remove_file(&file).unwrap();
        assert_eq!(bench.bare(&["verify", "no-such-file", "--key", KEY]).await.status, 2);
    });
}
