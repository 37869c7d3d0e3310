//! Queue properties that the application relies on, checked through the service's own protocol.
//! No test waits, so they hold for any engine (`proof engines` runs them over ElasticMQ).

use emulator::clock::MovableClock;
use emulator::connector::Backend;
use emulator::sqs::{FunctionReply, Message, Outgoing, QueueSpec, Queues, Receive, Retry, SqsBackend, url};
use serde_json::{Value, json};

const FIFO: &str = "Orders.fifo";
const PLAIN: &str = "Plain";

fn queues() -> Queues {
    let queues =
        Queues::in_memory(std::sync::Arc::new(MovableClock::standing("2026-11-20T10:00:00Z".parse().unwrap())));
    queues.create(QueueSpec::new("OrdersDead.fifo")).unwrap();
    queues.create(QueueSpec::new(FIFO).redrive("OrdersDead.fifo", 2)).unwrap();
    queues.create(QueueSpec::new("PlainDead")).unwrap();
    queues.create(QueueSpec::new(PLAIN).redrive("PlainDead", 2)).unwrap();
    queues
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body.as_str()).collect()
}

async fn taken(queues: &Queues, queue: &str) -> Vec<Message> {
    queues.poll_once(queue, 10).await.unwrap()
}

async fn asked(queues: &Queues, operation: &str, body: Value) -> Value {
    let request = http::Request::post("/").header("x-amz-target", format!("AmazonSQS.{operation}"));
    let request = request.body(bytes::Bytes::from(body.to_string())).unwrap();
    let answer = SqsBackend(queues.clone()).call(request).await.unwrap();
    serde_json::from_slice(answer.body()).unwrap()
}

/// faults.md, messages: a group keeps its order and has one batch in flight; other groups go on.
#[tokio::test]
async fn a_group_keeps_its_order_and_waits_for_the_batch_before() {
    let queues = queues();
    for (body, group) in [("a1", "a"), ("b1", "b"), ("a2", "a")] {
        queues.send(FIFO, Outgoing::fifo(body, group, body)).unwrap();
    }
    let first = queues.receive(FIFO, &Receive { max: 1, ..Receive::default() }).await.unwrap();
    assert_eq!(bodies(&first), ["a1"]);
    let second = taken(&queues, FIFO).await;
    assert_eq!(bodies(&second), ["b1"], "a is held");
    queues.delete(FIFO, &first[0].receipt_handle).unwrap();
    assert_eq!(bodies(&taken(&queues, FIFO).await), ["a2"]);
}

/// faults.md, messages: a repeated send within five minutes is dropped.
#[tokio::test]
async fn a_second_message_with_the_same_id_is_accepted_and_dropped() {
    let queues = queues();
    let first = queues.send(FIFO, Outgoing::fifo("x", "a", "same")).unwrap();
    let second = queues.send(FIFO, Outgoing::fifo("x", "a", "same")).unwrap();
    assert_eq!(first.message_id, second.message_id);
    assert_eq!(taken(&queues, FIFO).await.len(), 1);
}

/// faults.md, messages: a failed message comes again in order.
/// After too many failures it is dead-lettered.
#[tokio::test]
async fn what_fails_comes_again_and_ends_as_a_dead_letter() {
    let queues = queues();
    for body in ["bad", "good"] {
        queues.send(PLAIN, Outgoing::new(body)).unwrap();
    }
    for receives in 1..=2 {
        let batch = taken(&queues, PLAIN).await;
        assert!(batch.iter().any(|message| message.body == "bad" && message.receive_count == receives));
        let failed = batch.iter().filter(|message| message.body == "bad").map(|message| message.message_id.clone());
        let reply = FunctionReply::Failed(failed.collect());
        queues.settle(PLAIN, &batch, &reply, Retry::AtOnce).await.unwrap();
    }
    assert!(taken(&queues, PLAIN).await.is_empty());
    assert_eq!(queues.depth("PlainDead").unwrap().visible, 1);
    let dead = taken(&queues, "PlainDead").await;
    assert_eq!(bodies(&dead), ["bad"]);
    assert_eq!(queues.depth("PlainDead").unwrap().in_flight, 1);
    queues.delete("PlainDead", &dead[0].receipt_handle).unwrap();
    assert_eq!(queues.depth("PlainDead").unwrap(), queues.depth(PLAIN).unwrap(), "nothing is anywhere");
}

/// faults.md, messages: poison blocks only its own group, until it is dead-lettered.
#[tokio::test]
async fn poison_holds_up_its_own_group_only() {
    let queues = queues();
    for (body, group) in [("bad", "a"), ("a2", "a"), ("b1", "b")] {
        queues.send(FIFO, Outgoing::fifo(body, group, body)).unwrap();
    }
    let mut done = Vec::new();
    for _ in 0..6 {
        let batch = taken(&queues, FIFO).await;
        let stuck = batch.iter().any(|message| message.body == "bad");
        let failed = |message: &&Message| stuck && message.group.as_deref() == Some("a");
        done.extend(batch.iter().filter(|message| !failed(message)).map(|message| message.body.clone()));
        let reply =
            FunctionReply::Failed(batch.iter().filter(failed).map(|message| message.message_id.clone()).collect());
        queues.settle(FIFO, &batch, &reply, Retry::AtOnce).await.unwrap();
    }
    assert!(done.contains(&"b1".to_owned()), "{done:?}");
    let dead = taken(&queues, "OrdersDead.fifo").await;
    assert_eq!(dead.first().map(|message| message.body.as_str()), Some("bad"));
}

/// faults.md, messages: `SendMessageBatch` accepts or rejects each entry.
#[tokio::test]
async fn a_batch_is_accepted_entry_by_entry() {
    let queues = queues();
    let entries = json!([
        {"Id": "one", "MessageBody": "1", "MessageGroupId": "a", "MessageDeduplicationId": "1"},
        {"Id": "two", "MessageBody": "\u{1}", "MessageGroupId": "a", "MessageDeduplicationId": "2"},
        {"Id": "three", "MessageBody": "3", "MessageGroupId": "a", "MessageDeduplicationId": "3"},
    ]);
    let answer = asked(&queues, "SendMessageBatch", json!({"QueueUrl": url(FIFO), "Entries": entries})).await;
    let ids = |list: &str| -> Vec<String> {
        let list = answer[list].as_array().into_iter().flatten();
        list.map(|entry| entry["Id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        (ids("Successful"), ids("Failed")),
        (vec!["one".into(), "three".into()], vec!["two".into()]),
        "{answer}"
    );
    assert_eq!(bodies(&taken(&queues, FIFO).await), ["1", "3"]);
}
