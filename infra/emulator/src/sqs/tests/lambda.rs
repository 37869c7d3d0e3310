//! Tests of the event source mapping.

use serde_json::{Value, json};

use super::*;

fn names(batch: &[Message]) -> Vec<&str> {
    batch.iter().map(|message| message.body.as_str()).collect()
}

fn reply(batch: &[Message], failed: &[&str]) -> FunctionReply {
    let failed = batch.iter().filter(|message| failed.contains(&message.body.as_str()));
    let ids: Vec<Value> = failed.map(|message| json!({ "itemIdentifier": message.message_id })).collect();
    FunctionReply::read(batch, &json!({ "batchItemFailures": ids }))
}

#[tokio::test]
async fn what_succeeded_is_deleted_and_what_failed_comes_back() {
    let (queues, clock) = world();
    for body in ["a", "b", "c"] {
        queues.send(Q, Outgoing::new(body)).unwrap();
    }
    let batch = queues.poll_once(Q, 10).await.unwrap();
    queues.settle(Q, &batch, &reply(&batch, &["b"]), Retry::AtTimeout).await.unwrap();
    assert_eq!(queues.depth(Q).unwrap(), Depth { in_flight: 1, ..Depth::default() });
    clock.advance(seconds(30));
    let batch = queues.poll_once(Q, 10).await.unwrap();
    assert_eq!(names(&batch), ["b"]);
    queues.settle(Q, &batch, &FunctionReply::AllFailed, Retry::AtOnce).await.unwrap();
    assert_eq!(queues.depth(Q).unwrap(), Depth { visible: 1, ..Depth::default() });
}

#[tokio::test]
async fn a_fifo_batch_keeps_group_order_through_failures() {
    let (queues, _) = world();
    for (body, group) in [("a1", "a"), ("a2", "a"), ("b1", "b"), ("a3", "a")] {
        fifo(&queues, body, group);
    }
    let batch = queues.poll_once(F, 3).await.unwrap();
    assert_eq!(names(&batch), ["a1", "a2", "b1"]);
    // Both groups are locked until the batch is settled.
    assert!(queues.poll_once(F, 10).await.unwrap().is_empty());
    queues.settle(F, &batch, &reply(&batch, &["a2"]), Retry::AtOnce).await.unwrap();
    assert_eq!(names(&queues.poll_once(F, 10).await.unwrap()), ["a2", "a3"]);
}

#[tokio::test]
async fn a_batch_above_ten_is_for_standard_queues() {
    let (queues, _) = world();
    for n in 0..12 {
        queues.send(Q, Outgoing::new(n.to_string())).unwrap();
    }
    assert_eq!(queues.poll_once(Q, 100).await.unwrap().len(), 12);
    assert!(queues.poll_once(F, 11).await.is_err());
}

#[tokio::test]
async fn a_message_that_timed_out_meanwhile_is_left_to_its_new_holder() {
    let (queues, clock) = world();
    queues.send(Q, Outgoing::new("a")).unwrap();
    fifo(&queues, "f", "g");
    for queue in [Q, F] {
        let slow = queues.poll_once(queue, 10).await.unwrap();
        clock.advance(seconds(30));
        assert_eq!(queues.poll_once(queue, 10).await.unwrap().len(), 1);
        queues.settle(queue, &slow, &reply(&slow, &[]), Retry::AtOnce).await.unwrap();
        queues.settle(queue, &slow, &FunctionReply::AllFailed, Retry::AtOnce).await.unwrap();
        assert_eq!(queues.depth(queue).unwrap(), Depth { in_flight: 1, ..Depth::default() });
    }
}

#[tokio::test]
async fn a_functions_reply_is_read_as_lambda_reads_it() {
    let (queues, _) = world();
    queues.send(Q, Outgoing::new("a")).unwrap();
    let batch = queues.poll_once(Q, 10).await.unwrap();
    let none = reply(&batch, &[]);
    for success in [json!(null), json!({}), json!({ "batchItemFailures": null }), json!({ "batchItemFailures": [] })] {
        assert_eq!(FunctionReply::read(&batch, &success), none);
    }
    for entry in [json!({}), json!({ "itemIdentifier": "" }), json!({ "itemIdentifier": null }), json!({ "id": "x" })] {
        let returned = json!({ "batchItemFailures": [entry] });
        assert_eq!(FunctionReply::read(&batch, &returned), FunctionReply::AllFailed);
    }
}

#[tokio::test]
async fn a_batch_becomes_the_event_that_lambda_sends() {
    let (queues, clock) = world();
    let mut outgoing = Outgoing::fifo("body", "group", "once");
    outgoing.attributes.insert("kind".to_owned(), Attribute::text("redeemed"));
    let sent = queues.send(F, outgoing).unwrap();
    clock.advance(seconds(1));
    let batch = queues.poll_once(F, 10).await.unwrap();
    let event = event(F, &batch);
    let expected = json!({ "Records": [{
        "messageId": sent.message_id,
        "receiptHandle": batch[0].receipt_handle,
        "body": "body",
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1772366400000",
            "ApproximateFirstReceiveTimestamp": "1772366401000",
            "SenderId": ACCOUNT,
            "MessageGroupId": "group",
            "MessageDeduplicationId": "once",
            "SequenceNumber": "00000000000000000000",
        },
        "messageAttributes": { "kind": {
            "stringValue": "redeemed", "stringListValues": [], "binaryListValues": [], "dataType": "String",
        } },
        "md5OfBody": sent.md5_of_body,
        "md5OfMessageAttributes": sent.md5_of_attributes,
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:work.fifo",
        "awsRegion": "us-east-1",
    }] });
    assert_eq!(event, expected);
    let typed: aws_lambda_events::sqs::SqsEvent = serde_json::from_value(event).unwrap();
    assert_eq!(typed.records[0].attributes["MessageGroupId"], "group");
}
