//! SQS's protocol, AWS JSON 1.0, as the SDKs use it.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::engine::{Queues, Receive, fits};
use super::message::{Attribute, Message, Outgoing, Sent, md5_of_attributes, md5_of_body};
use super::refused::Refused;
use super::spec::{QueueSpec, Redrive};
use crate::connector::{Backend, BoxFuture, ConnectFault};

/// A backend that exposes the queues to an SDK client.
#[derive(Clone, Debug)]
pub struct SqsBackend(pub Queues);

impl Backend for SqsBackend {
    fn call(&self, req: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, ConnectFault>> {
        Box::pin(async move {
            let target = req.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
            let answer = match serde_json::from_slice(req.body()) {
                Ok(body) if self.0.elsewhere().is_some() => return self.elsewhere(target.unwrap_or_default(), body),
                Ok(body) => self.0.answer(target.unwrap_or_default(), &body).await,
                Err(error) => Err(Refused::Unreadable(error.to_string())),
            };
            Ok(response(answer))
        })
    }
}

impl SqsBackend {
    fn elsewhere(&self, target: &str, body: Value) -> Result<http::Response<Bytes>, ConnectFault> {
        let (status, answer) =
            self.0.elsewhere().ok_or(ConnectFault::Refused)?.forward(target, body).map_err(|_| ConnectFault::Reset)?;
        let response = http::Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
        response.body(Bytes::from(answer)).map_err(|_| ConnectFault::Reset)
    }
}

fn response(answer: Result<Value, Refused>) -> http::Response<Bytes> {
    // Clients identify the error by this header; the body's `__type` is for newer ones.
    let error = answer
        .as_ref()
        .err()
        .map(|refused| format!("{};{}", refused.code(), if refused.senders_fault() { "Sender" } else { "Receiver" }));
    let (status, body) = body(answer);
    let mut response = http::Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/x-amz-json-1.0"));
    if let Some(error) = error.and_then(|error| http::HeaderValue::from_str(&error).ok()) {
        headers.insert("x-amzn-query-error", error);
    }
    response
}

fn body(answer: Result<Value, Refused>) -> (u16, Value) {
    match answer {
        Ok(body) => (200, body),
        Err(refused) => (refused.status(), json!({ "__type": refused.kind(), "message": refused.to_string() })),
    }
}

/// The fields of all requests; each operation reads its own.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Ask {
    queue_url: Option<String>,
    queue_name: Option<String>,
    queue_name_prefix: Option<String>,
    attributes: BTreeMap<String, String>,
    attribute_names: Vec<String>,
    message_attribute_names: Vec<String>,
    message_system_attribute_names: Vec<String>,
    max_number_of_messages: Option<usize>,
    visibility_timeout: Option<u32>,
    wait_time_seconds: Option<u64>,
    receipt_handle: Option<String>,
    source_arn: Option<String>,
}

impl Ask {
    fn queue(&self) -> Result<&str, Refused> {
        self.queue_url.as_deref().map(super::name_in_url).ok_or(Refused::Missing("QueueUrl"))
    }

    fn receipt_handle(&self) -> Result<&str, Refused> {
        self.receipt_handle.as_deref().ok_or(Refused::Missing("ReceiptHandle"))
    }

    fn visibility_timeout(&self) -> Result<u32, Refused> {
        self.visibility_timeout.ok_or(Refused::Missing("VisibilityTimeout"))
    }
}

/// A message to send, alone or as a batch entry.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AskSend {
    message_body: String,
    message_attributes: BTreeMap<String, Attribute>,
    delay_seconds: Option<u32>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

impl From<AskSend> for Outgoing {
    fn from(ask: AskSend) -> Self {
        Outgoing {
            body: ask.message_body,
            attributes: ask.message_attributes,
            delay_seconds: ask.delay_seconds,
            group: ask.message_group_id,
            dedup: ask.message_deduplication_id,
        }
    }
}

impl Queues {
    /// Handles one request; `target` is the `X-Amz-Target` header, such as `AmazonSQS.SendMessage`.
    /// An error's body has `__type` and `message`, and its status is SQS's.
    pub async fn json(&self, target: &str, body: &Value) -> (u16, Value) {
        self::body(self.answer(target, body).await)
    }

    async fn answer(&self, target: &str, body: &Value) -> Result<Value, Refused> {
        let ask: Ask = read(body)?;
        match target.rsplit('.').next().unwrap_or_default() {
            "CreateQueue" => self.create_json(&ask),
            "SetQueueAttributes" => self.change(with(self.spec(ask.queue()?)?, &ask.attributes)?).map(nothing),
            "DeleteQueue" => self.remove(ask.queue()?).map(nothing),
            "GetQueueUrl" => {
                let name = ask.queue_name.as_deref().ok_or(Refused::Missing("QueueName"))?;
                self.spec(name).map(|spec| json!({ "QueueUrl": super::url(&spec.name) }))
            }
            "ListQueues" => {
                let prefix = ask.queue_name_prefix.unwrap_or_default();
                let names = self.list().into_iter().filter(|name| name.starts_with(&prefix));
                Ok(json!({ "QueueUrls": names.map(|name| super::url(&name)).collect::<Vec<_>>() }))
            }
            "GetQueueAttributes" => {
                let mut attributes = self.get_attributes(ask.queue()?)?;
                attributes.retain(|name, _| wanted(&ask.attribute_names, name));
                Ok(json!({ "Attributes": attributes }))
            }
            "PurgeQueue" => self.purge(ask.queue()?).map(nothing),
            "SendMessage" => self.send(ask.queue()?, read::<AskSend>(body)?.into()).map(sent),
            "SendMessageBatch" => self.send_batch_json(ask.queue()?, body),
            "ReceiveMessage" => self.receive_json(&ask).await,
            "DeleteMessage" => self.delete(ask.queue()?, ask.receipt_handle()?).map(nothing),
            "DeleteMessageBatch" => self.delete_batch_json(ask.queue()?, body),
            "ChangeMessageVisibility" => {
                self.change_visibility(ask.queue()?, ask.receipt_handle()?, ask.visibility_timeout()?).map(nothing)
            }
            "ChangeMessageVisibilityBatch" => self.change_visibility_batch_json(ask.queue()?, body),
            "StartMessageMoveTask" => {
                let source = ask.source_arn.as_deref().ok_or(Refused::Missing("SourceArn"))?;
                self.redrive(name_in_arn(source)).map(|_| json!({ "TaskHandle": source }))
            }
            other => Err(Refused::Unsupported(other.to_owned())),
        }
    }

    fn create_json(&self, ask: &Ask) -> Result<Value, Refused> {
        let name = ask.queue_name.clone().ok_or(Refused::Missing("QueueName"))?;
        let mut spec = QueueSpec::new(name);
        // Only the attribute makes a queue FIFO; the name must agree.
        spec.fifo = ask.attributes.get("FifoQueue").is_some_and(|value| value == "true");
        let spec = with(spec, &ask.attributes)?;
        let url = super::url(&spec.name);
        self.create(spec).map(|()| json!({ "QueueUrl": url }))
    }

    async fn receive_json(&self, ask: &Ask) -> Result<Value, Refused> {
        let receive = Receive {
            max: ask.max_number_of_messages.unwrap_or(1),
            visibility_timeout_seconds: ask.visibility_timeout,
            wait: Duration::from_secs(ask.wait_time_seconds.unwrap_or(0)),
        };
        let messages = self.receive(ask.queue()?, &receive).await?;
        let messages: Vec<Value> = messages.into_iter().map(|message| received(message, ask)).collect();
        Ok(if messages.is_empty() { json!({}) } else { json!({ "Messages": messages }) })
    }

    fn send_batch_json(&self, queue: &str, body: &Value) -> Result<Value, Refused> {
        let (ids, entries) = entries::<AskSend>(body)?;
        let results = self.send_batch(queue, entries.into_iter().map(Outgoing::from).collect())?;
        Ok(batch_answer(&ids, results.into_iter().map(|result| result.map(sent))))
    }

    fn delete_batch_json(&self, queue: &str, body: &Value) -> Result<Value, Refused> {
        let (ids, entries) = entries::<Ask>(body)?;
        let handles: Vec<String> = entries.into_iter().map(|ask| ask.receipt_handle.unwrap_or_default()).collect();
        let results = self.delete_batch(queue, &handles)?;
        Ok(batch_answer(&ids, results.into_iter().map(|result| result.map(nothing))))
    }

    fn change_visibility_batch_json(&self, queue: &str, body: &Value) -> Result<Value, Refused> {
        let (ids, entries) = entries::<Ask>(body)?;
        self.spec(queue)?;
        let change = |ask: &Ask| self.change_visibility(queue, ask.receipt_handle()?, ask.visibility_timeout()?);
        Ok(batch_answer(&ids, entries.iter().map(|ask| change(ask).map(nothing))))
    }
}

fn read<T: DeserializeOwned>(body: &Value) -> Result<T, Refused> {
    T::deserialize(body).map_err(|error| Refused::Unreadable(error.to_string()))
}

fn nothing((): ()) -> Value {
    json!({})
}

/// A batch's ids and entries.
///
/// # Rejects
/// No entries, more than ten, or malformed or repeated ids.
fn entries<T: DeserializeOwned>(body: &Value) -> Result<(Vec<String>, Vec<T>), Refused> {
    let entries = body.get("Entries").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    fits(entries.len())?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut seen = HashSet::new();
    let mut ids = Vec::new();
    for entry in entries {
        let id = entry.get("Id").and_then(Value::as_str).ok_or(Refused::Missing("Id"))?;
        if !(1..=80).contains(&id.len()) || !id.chars().all(plain) {
            return Err(Refused::EntryId);
        }
        if !seen.insert(id) {
            return Err(Refused::IdsNotDistinct(id.to_owned()));
        }
        ids.push(id.to_owned());
    }
    Ok((ids, entries.iter().map(read).collect::<Result<_, _>>()?))
}

/// `Successful` and `Failed` results with the entries' ids; the SDK requires both lists.
fn batch_answer(ids: &[String], results: impl Iterator<Item = Result<Value, Refused>>) -> Value {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (id, result) in ids.iter().zip(results) {
        match result {
            Ok(mut value) => {
                if let Some(value) = value.as_object_mut() {
                    value.insert("Id".to_owned(), json!(id));
                }
                successful.push(value);
            }
            Err(refused) => failed.push(json!({
                "Id": id,
                "SenderFault": refused.senders_fault(),
                "Code": refused.code(),
                "Message": refused.to_string(),
            })),
        }
    }
    json!({ "Successful": successful, "Failed": failed })
}

fn sent(sent: Sent) -> Value {
    object([
        ("MessageId", Some(json!(sent.message_id))),
        ("MD5OfMessageBody", Some(json!(sent.md5_of_body))),
        ("MD5OfMessageAttributes", sent.md5_of_attributes.map(Value::from)),
        ("SequenceNumber", sent.sequence_number.map(Value::from)),
    ])
}

/// A message with the requested attributes; the checksum covers the returned attributes.
fn received(message: Message, ask: &Ask) -> Value {
    let Message { mut attributes, mut system, .. } = message;
    attributes.retain(|name, _| wanted(&ask.message_attribute_names, name));
    system.retain(|name, _| wanted(&ask.attribute_names, name) || wanted(&ask.message_system_attribute_names, name));
    object([
        ("MessageId", Some(json!(message.message_id))),
        ("ReceiptHandle", Some(json!(message.receipt_handle))),
        ("MD5OfBody", Some(json!(md5_of_body(&message.body)))),
        ("MD5OfMessageAttributes", md5_of_attributes(&attributes).map(Value::from)),
        ("MessageAttributes", (!attributes.is_empty()).then(|| json!(attributes))),
        ("Attributes", (!system.is_empty()).then(|| json!(system))),
        ("Body", Some(json!(message.body))),
    ])
}

fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(fields.collect::<Map<_, _>>())
}

/// Reports if a list of names selects `name`: exactly, by `All`, or by a prefix with `.*`.
fn wanted(asked: &[String], name: &str) -> bool {
    let matches = |asked: &String| {
        asked == "All" || asked == name || asked.strip_suffix(".*").is_some_and(|prefix| name.starts_with(prefix))
    };
    asked.iter().any(matches)
}

fn name_in_arn(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

/// The settings, changed by SQS attributes.
fn with(mut spec: QueueSpec, attributes: &BTreeMap<String, String>) -> Result<QueueSpec, Refused> {
    for (name, value) in attributes {
        match name.as_str() {
            "VisibilityTimeout" => spec.visibility_timeout_seconds = number("VisibilityTimeout", value)?,
            "DelaySeconds" => spec.delay_seconds = number("DelaySeconds", value)?,
            "MessageRetentionPeriod" => spec.retention_seconds = number("MessageRetentionPeriod", value)?,
            "ContentBasedDeduplication" => spec.content_based_dedup = value == "true",
            "RedrivePolicy" if value.is_empty() => spec.redrive = None,
            "RedrivePolicy" => spec.redrive = Some(policy(value)?),
            // FifoQueue is fixed at creation; other attributes have no visible effect here.
            _ => {}
        }
    }
    Ok(spec)
}

fn number(name: &'static str, value: &str) -> Result<u32, Refused> {
    value.parse().map_err(|_| Refused::invalid(name, "Not a number."))
}

/// `maxReceiveCount` may be a number or a string.
fn policy(text: &str) -> Result<Redrive, Refused> {
    let wrong = || Refused::invalid("RedrivePolicy", "Needs deadLetterTargetArn and maxReceiveCount.");
    let policy: Value = serde_json::from_str(text).map_err(|_| wrong())?;
    let target = policy.get("deadLetterTargetArn").and_then(Value::as_str).ok_or_else(wrong)?;
    let count = match policy.get("maxReceiveCount").ok_or_else(wrong)? {
        Value::String(count) => count.parse().ok(),
        count => count.as_u64().and_then(|count| u32::try_from(count).ok()),
    };
    Ok(Redrive { dead_letter_queue: name_in_arn(target).to_owned(), max_receive_count: count.ok_or_else(wrong)? })
}
