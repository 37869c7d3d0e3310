//! Tests of the protocol through the real SDK client.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry,
};
use serde_json::json;

use super::*;

fn client(queues: &Queues) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
        .region(aws_sdk_sqs::config::Region::new(REGION))
        .credentials_provider(aws_credential_types::Credentials::new("id", "secret", None, None, "test"))
        .http_client(crate::connector::client(Arc::new(SqsBackend(queues.clone()))))
        .build();
    Client::from_conf(config)
}

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    let entry = SendMessageBatchRequestEntry::builder().id(id).message_body(body);
    entry.message_group_id("g").message_deduplication_id(id).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_sdk_sends_receives_and_deletes_in_batches() {
    let (queues, _) = world();
    let client = client(&queues);
    let url = client.get_queue_url().queue_name(F).send().await.unwrap().queue_url.unwrap();
    let entries = vec![entry("1", "one"), entry("2", "two"), entry("3", "\u{0}")];
    let sent = client.send_message_batch().queue_url(&url).set_entries(Some(entries)).send().await.unwrap();
    assert_eq!(sent.successful().len(), 2);
    assert_eq!(sent.successful()[0].md5_of_message_body(), md5_of_body("one"));
    assert_eq!(
        (sent.failed()[0].id(), sent.failed()[0].code(), sent.failed()[0].sender_fault()),
        ("3", "InvalidMessageContents", true)
    );
    let received = client.receive_message().queue_url(&url).max_number_of_messages(10);
    let received = received.message_system_attribute_names(MessageSystemAttributeName::All).wait_time_seconds(20);
    let messages = received.send().await.unwrap().messages.unwrap();
    assert_eq!(messages.iter().filter_map(|message| message.body()).collect::<Vec<_>>(), ["one", "two"]);
    let system = messages[0].attributes().unwrap();
    assert_eq!(system[&MessageSystemAttributeName::MessageGroupId], "g");
    assert_eq!(system[&MessageSystemAttributeName::ApproximateReceiveCount], "1");
    let handles = messages.iter().enumerate().map(|(n, message)| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(n.to_string());
        entry.receipt_handle(message.receipt_handle().unwrap()).build().unwrap()
    });
    let deleted = client.delete_message_batch().queue_url(&url).set_entries(Some(handles.collect())).send().await;
    assert_eq!(deleted.unwrap().successful().len(), 2);
    assert_eq!(queues.depth(F).unwrap(), Depth::default());
}

#[tokio::test(start_paused = true)]
async fn the_sdk_carries_attributes_and_changes_visibility() {
    let (queues, _) = world();
    let client = client(&queues);
    // Only the last segment of a queue's address counts.
    let url = "http://localhost:3000/somewhere/work";
    let text = MessageAttributeValue::builder().data_type("String").string_value("v").build().unwrap();
    let bytes = MessageAttributeValue::builder().data_type("Binary").binary_value(Blob::new([0, 255])).build().unwrap();
    let send = client.send_message().queue_url(url).message_body("a");
    let sent = send.message_attributes("t", text.clone()).message_attributes("b", bytes.clone()).send().await.unwrap();
    assert!(sent.md5_of_message_attributes().is_some());
    let receive = client.receive_message().queue_url(url).message_attribute_names("All");
    let message = receive.clone().send().await.unwrap().messages.unwrap().remove(0);
    assert_eq!(message.md5_of_message_attributes(), sent.md5_of_message_attributes());
    let attributes = message.message_attributes().unwrap();
    assert_eq!((&attributes["t"], &attributes["b"]), (&text, &bytes));
    let change = client.change_message_visibility().queue_url(url).visibility_timeout(0);
    change.set_receipt_handle(message.receipt_handle).send().await.unwrap();
    let again = receive.send().await.unwrap().messages.unwrap().remove(0);
    client.delete_message().queue_url(url).set_receipt_handle(again.receipt_handle).send().await.unwrap();
    assert_eq!(queues.depth(Q).unwrap(), Depth::default());
}

#[tokio::test(start_paused = true)]
async fn the_sdk_knows_our_errors_as_the_services() {
    let (queues, _) = world();
    let client = client(&queues);
    let error = client.send_message().queue_url(url("none")).message_body("a").send().await.unwrap_err();
    assert!(error.into_service_error().is_queue_does_not_exist());
    let error = client.send_message().queue_url(url(F)).message_body("a").send().await.unwrap_err();
    assert_eq!(error.code(), Some("MissingParameter"));
    let error = client.delete_message().queue_url(url(Q)).receipt_handle("x").send().await.unwrap_err();
    assert_eq!(error.raw_response().map(|response| response.status().as_u16()), Some(404));
    assert!(error.into_service_error().is_receipt_handle_is_invalid());
    let twice = vec![entry("1", "one"), entry("1", "two")];
    let error = client.send_message_batch().queue_url(url(F)).set_entries(Some(twice)).send().await.unwrap_err();
    assert!(error.into_service_error().is_batch_entry_ids_not_distinct());
}

#[tokio::test(start_paused = true)]
async fn the_sdk_creates_lists_describes_and_purges_queues() {
    let (queues, _) = world();
    let client = client(&queues);
    // maxReceiveCount as a string and as a number.
    for (name, count) in [("made-1", json!("3")), ("made-2", json!(3))] {
        let policy = json!({ "deadLetterTargetArn": arn("dead"), "maxReceiveCount": count }).to_string();
        let create = client.create_queue().queue_name(name).attributes(QueueAttributeName::RedrivePolicy, policy);
        create.attributes(QueueAttributeName::VisibilityTimeout, "60").send().await.unwrap();
        let redrive = Redrive { dead_letter_queue: "dead".to_owned(), max_receive_count: 3 };
        assert_eq!(queues.spec(name).unwrap().redrive, Some(redrive));
    }
    let listed = client.list_queues().queue_name_prefix("made").send().await.unwrap();
    assert_eq!(listed.queue_urls(), [url("made-1"), url("made-2")]);
    queues.send("made-1", Outgoing::new("a")).unwrap();
    let attributes = client.get_queue_attributes().queue_url(url("made-1")).attribute_names(QueueAttributeName::All);
    let attributes = attributes.send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes[&QueueAttributeName::ApproximateNumberOfMessages], "1");
    assert_eq!(attributes[&QueueAttributeName::VisibilityTimeout], "60");
    client.purge_queue().queue_url(url("made-1")).send().await.unwrap();
    assert_eq!(queues.depth("made-1").unwrap(), Depth::default());
    let set = client.set_queue_attributes().queue_url(url("made-1"));
    set.attributes(QueueAttributeName::VisibilityTimeout, "90").send().await.unwrap();
    assert_eq!(queues.spec("made-1").unwrap().visibility_timeout_seconds, 90);
    client.delete_queue().queue_url(url("made-1")).send().await.unwrap();
    assert_eq!(queues.list().len(), 5);
}

#[tokio::test]
async fn json_answers_with_the_services_status_and_type() {
    let (queues, _) = world();
    let body = json!({ "QueueUrl": url("none"), "MessageBody": "a" });
    let (status, answer) = queues.json("AmazonSQS.SendMessage", &body).await;
    assert_eq!((status, &answer["__type"]), (400, &json!("com.amazonaws.sqs#QueueDoesNotExist")));
    let (status, answer) = queues.json("AmazonSQS.TagQueue", &body).await;
    assert_eq!((status, &answer["__type"]), (400, &json!("com.amazonaws.sqs#UnsupportedOperation")));
    let (status, answer) = queues.json("AmazonSQS.ReceiveMessage", &json!({ "QueueUrl": url(Q) })).await;
    assert_eq!((status, answer), (200, json!({})));
}
