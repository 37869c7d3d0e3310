//! Queues in another process, behind the operations that a stack uses.
//! They use real time, so a world whose clock moves independently can't wait for their timeouts.

use serde_json::{Value, json};

use super::contents::Depth;
use super::engine::{MAX_BATCH, Queues};
use super::message::{Attribute, Message, Outgoing, Sent};
use super::refused::Refused;
use super::spec::QueueSpec;
use crate::remote::Remote;

/// One account's queues in the remote service, with names of their own.
#[derive(Clone, Debug)]
pub(super) struct Elsewhere(pub Remote);

impl Queues {
    /// The remote queues, if the queues are not embedded.
    pub(super) fn elsewhere(&self) -> Option<&Elsewhere> {
        self.elsewhere.as_ref()
    }
}

impl Elsewhere {
    fn name(&self, queue: &str) -> String {
        format!("{}-{queue}", self.0.place())
    }

    fn url(&self, queue: &str) -> String {
        format!("http://{}/{}/{}", self.0.host(), super::ACCOUNT, self.name(queue))
    }

    /// Forwards an SDK request about a queue, with the queue's remote URL.
    pub fn forward(&self, target: &str, mut body: Value) -> Result<(u16, String), Refused> {
        let named = body.get("QueueUrl").and_then(Value::as_str).map(super::name_in_url);
        if let (Some(url), Some(fields)) = (named.map(|name| self.url(name)), body.as_object_mut()) {
            fields.insert("QueueUrl".to_owned(), json!(url));
        }
        self.0.ask(target, &body.to_string()).map_err(Refused::Fault)
    }

    fn ask(&self, operation: &str, body: Value) -> Result<Value, Refused> {
        let (status, answer) = self.forward(&format!("AmazonSQS.{operation}"), body)?;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        if status == 200 {
            return Ok(answer);
        }
        let said = answer.to_string();
        match answer.get("__type").and_then(Value::as_str).unwrap_or_default() {
            kind if kind.contains("QueueDoesNotExist") || kind.contains("NonExistentQueue") => {
                Err(Refused::NoSuchQueue)
            }
            kind if kind.contains("ReceiptHandle") => Err(Refused::ReceiptHandle),
            kind if kind.contains("NotInflight") => Err(Refused::NotInFlight),
            _ => Err(Refused::Unreadable(format!("{operation} {said}"))),
        }
    }

    fn make(&self, name: &str, mut attributes: Value) -> Result<(), Refused> {
        if let (true, Some(fields)) = (name.ends_with(".fifo"), attributes.as_object_mut()) {
            fields.insert("FifoQueue".to_owned(), json!("true"));
        }
        self.ask("CreateQueue", json!({"QueueName": self.name(name), "Attributes": attributes})).map(drop)
    }

    /// Creates a queue after its dead-letter queue, which may come later in the template.
    pub fn create(&self, spec: &QueueSpec) -> Result<(), Refused> {
        let known = self.ask("GetQueueUrl", json!({"QueueName": self.name(&spec.name)})).is_ok();
        let mut attributes = json!({
            "VisibilityTimeout": spec.visibility_timeout_seconds.to_string(),
            "DelaySeconds": spec.delay_seconds.to_string(),
        });
        if let (Some(redrive), Some(fields)) = (&spec.redrive, attributes.as_object_mut()) {
            let dead = &redrive.dead_letter_queue;
            if self.ask("GetQueueUrl", json!({"QueueName": self.name(dead)})).is_err() {
                self.make(dead, json!({}))?;
            }
            let arn = super::arn(&self.name(dead));
            let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": redrive.max_receive_count});
            fields.insert("RedrivePolicy".to_owned(), json!(policy.to_string()));
        }
        if known {
            let asked = json!({"QueueUrl": super::url(&spec.name), "Attributes": attributes});
            return self.ask("SetQueueAttributes", asked).map(drop);
        }
        self.make(&spec.name, attributes)
    }

    /// Sends one message.
    pub fn send(&self, queue: &str, outgoing: &Outgoing) -> Result<Sent, Refused> {
        let mut asked = json!({"QueueUrl": super::url(queue), "MessageBody": outgoing.body});
        if let Some(fields) = asked.as_object_mut() {
            fields.extend(outgoing.group.iter().map(|group| ("MessageGroupId".to_owned(), json!(group))));
            fields.extend(outgoing.dedup.iter().map(|dedup| ("MessageDeduplicationId".to_owned(), json!(dedup))));
            fields.extend(outgoing.delay_seconds.iter().map(|delay| ("DelaySeconds".to_owned(), json!(delay))));
        }
        let answer = self.ask("SendMessage", asked)?;
        Ok(Sent {
            message_id: text(&answer, "MessageId"),
            md5_of_body: text(&answer, "MD5OfMessageBody"),
            md5_of_attributes: None,
            sequence_number: answer.get("SequenceNumber").and_then(Value::as_str).map(str::to_owned),
        })
    }

    /// Receives the available messages.
    pub fn take(
        &self,
        queue: &str,
        max: usize,
        visibility_timeout_seconds: Option<u32>,
    ) -> Result<Vec<Message>, Refused> {
        let mut taken: Vec<Message> = Vec::new();
        while let Some(left @ 1..) = max.checked_sub(taken.len()) {
            let mut asked = json!({
                "QueueUrl": super::url(queue), "MaxNumberOfMessages": left.min(MAX_BATCH), "WaitTimeSeconds": 0,
                "AttributeNames": ["All"], "MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"],
            });
            if let (Some(seconds), Some(fields)) = (visibility_timeout_seconds, asked.as_object_mut()) {
                fields.insert("VisibilityTimeout".to_owned(), json!(seconds));
            }
            let answer = self.ask("ReceiveMessage", asked)?;
            let page: Vec<Message> =
                answer.get("Messages").and_then(Value::as_array).into_iter().flatten().map(message).collect();
            if page.is_empty() {
                break;
            }
            taken.extend(page);
        }
        Ok(taken)
    }

    /// Deletes a message by receipt handle.
    pub fn delete(&self, queue: &str, receipt_handle: &str) -> Result<(), Refused> {
        self.ask("DeleteMessage", json!({"QueueUrl": super::url(queue), "ReceiptHandle": receipt_handle})).map(drop)
    }

    /// Hides a received message for a number of seconds.
    pub fn hide(&self, queue: &str, receipt_handle: &str, seconds: u32) -> Result<(), Refused> {
        let asked =
            json!({"QueueUrl": super::url(queue), "ReceiptHandle": receipt_handle, "VisibilityTimeout": seconds});
        self.ask("ChangeMessageVisibility", asked).map(drop)
    }

    /// Deletes all messages of a queue.
    pub fn purge(&self, queue: &str) -> Result<(), Refused> {
        self.ask("PurgeQueue", json!({"QueueUrl": super::url(queue)})).map(drop)
    }

    /// Message counts of a queue.
    pub fn depth(&self, queue: &str) -> Result<Depth, Refused> {
        let answer =
            self.ask("GetQueueAttributes", json!({"QueueUrl": super::url(queue), "AttributeNames": ["All"]}))?;
        let number = |name: &str| {
            let text =
                answer.pointer(&format!("/Attributes/ApproximateNumberOfMessages{name}")).and_then(Value::as_str);
            text.and_then(|text| text.parse().ok()).unwrap_or_default()
        };
        Ok(Depth { visible: number(""), in_flight: number("NotVisible"), delayed: number("Delayed") })
    }
}

fn text(of: &Value, name: &str) -> String {
    of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn message(of: &Value) -> Message {
    let system = of.get("Attributes").and_then(Value::as_object).into_iter().flatten();
    let system: std::collections::BTreeMap<String, String> =
        system.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
    let attributes = of.get("MessageAttributes").and_then(Value::as_object).into_iter().flatten();
    Message {
        message_id: text(of, "MessageId"),
        receipt_handle: text(of, "ReceiptHandle"),
        body: text(of, "Body"),
        attributes: attributes
            .filter_map(|(name, value)| Some((name.clone(), serde_json::from_value::<Attribute>(value.clone()).ok()?)))
            .collect(),
        group: system.get("MessageGroupId").cloned(),
        receive_count: system.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1),
        system,
    }
}
