//! Messages as sent, stored and received, with size limit and checksums.

use std::collections::BTreeMap;

use data_encoding::{BASE64, HEXLOWER};
use jiff::{SignedDuration, Timestamp};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::refused::Refused;

/// Maximum bytes of a message and of a batch: body and attributes together (1 MiB).
pub const MAX_BYTES: usize = 1_048_576;
const MAX_ATTRIBUTES: usize = 10;
const MAX_DELAY_SECONDS: u32 = 900;

/// A message to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// The body, 1 byte to 1 MiB.
    pub body: String,
    /// Message attributes, at most ten.
    pub attributes: BTreeMap<String, Attribute>,
    /// Seconds until the message is visible, 0 to 900.
    /// The queue's own delay if absent. Not for FIFO queues.
    pub delay_seconds: Option<u32>,
    /// FIFO: messages of a group are received in sending order, one batch at a time.
    pub group: Option<String>,
    /// FIFO: within five minutes, another message with the same id is accepted and dropped.
    pub dedup: Option<String>,
}

impl Outgoing {
    /// A message for a standard queue.
    pub fn new(body: impl Into<String>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }

    /// A message for a FIFO queue.
    pub fn fifo(body: impl Into<String>, group: impl Into<String>, dedup: impl Into<String>) -> Self {
        Self { group: Some(group.into()), dedup: Some(dedup.into()), ..Self::new(body) }
    }

    /// Bytes that count towards the limit.
    pub fn bytes(&self) -> usize {
        self.attributes.iter().fold(self.body.len(), |sum, (name, attribute)| {
            sum.saturating_add(name.len()).saturating_add(attribute.bytes())
        })
    }

    /// # Rejects
    /// Empty or oversized content, characters outside XML 1.0, malformed attributes, a delay above 900 seconds.
    pub(super) fn check(&self) -> Result<(), Refused> {
        if self.body.is_empty() {
            return Err(Refused::Missing("MessageBody"));
        }
        if self.bytes() > MAX_BYTES {
            return Err(Refused::invalid("MessageBody", format!("Message must be shorter than {MAX_BYTES} bytes.")));
        }
        if !self.body.chars().all(allowed) {
            return Err(Refused::MessageContents);
        }
        if self.delay_seconds.is_some_and(|seconds| seconds > MAX_DELAY_SECONDS) {
            return Err(Refused::invalid("DelaySeconds", "DelaySeconds must be >= 0 and <= 900."));
        }
        if self.attributes.len() > MAX_ATTRIBUTES {
            return Err(Refused::invalid("MessageAttributes", "Number of message attributes exceeds the limit of 10."));
        }
        self.attributes.iter().try_for_each(|(name, attribute)| attribute.check(name))
    }
}

fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// A message attribute, in SQS's JSON format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Attribute {
    /// `String`, `Number` or `Binary`, with an optional label after a dot.
    pub data_type: String,
    /// The value of a `String` or `Number`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// The value of a `Binary`, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

impl Attribute {
    /// A text value.
    pub fn text(value: impl Into<String>) -> Self {
        Self { data_type: "String".to_owned(), string_value: Some(value.into()), binary_value: None }
    }

    /// The value's transport type (1 text, 2 binary) and its bytes.
    fn value(&self) -> Option<(u8, Vec<u8>)> {
        match self.data_type.split('.').next() {
            Some("String" | "Number") => self.string_value.as_ref().map(|text| (1, text.as_bytes().to_vec())),
            Some("Binary") => Some((2, BASE64.decode(self.binary_value.as_ref()?.as_bytes()).ok()?)),
            _ => None,
        }
    }

    fn bytes(&self) -> usize {
        let value = self.value().map_or(0, |(_, bytes)| bytes.len());
        self.data_type.len().saturating_add(value)
    }

    fn check(&self, name: &str) -> Result<(), Refused> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let reserved = name.to_ascii_lowercase();
        let named = (1..=256).contains(&name.len()) && name.chars().all(plain);
        if !named || reserved.starts_with("aws.") || reserved.starts_with("amazon.") {
            return Err(Refused::invalid("MessageAttributes", format!("The name {name} is not allowed.")));
        }
        match self.value() {
            Some((_, bytes)) if !bytes.is_empty() => Ok(()),
            _ => Err(Refused::invalid("MessageAttributes", format!("The attribute {name} has no value of its type."))),
        }
    }
}

/// Result of a send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The message id; for a dropped duplicate, the id of the first message.
    pub message_id: String,
    /// MD5 of the body in hexadecimal.
    pub md5_of_body: String,
    /// MD5 of the attributes in hexadecimal, if there are any.
    pub md5_of_attributes: Option<String>,
    /// FIFO: 20 digits that increase with every message.
    pub sequence_number: Option<String>,
}

/// A received message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The message id, the same for each delivery.
    pub message_id: String,
    /// Handle for deleting this delivery; each delivery has its own.
    pub receipt_handle: String,
    pub body: String,
    pub attributes: BTreeMap<String, Attribute>,
    /// FIFO: the message group.
    pub group: Option<String>,
    /// Number of receives, including this one.
    pub receive_count: u32,
    /// System attributes: `SentTimestamp`, `ApproximateReceiveCount`, `MessageGroupId` and others.
    pub system: BTreeMap<String, String>,
}

/// A message as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    /// Unique over all queues, in the order of sending.
    pub sequence: u64,
    pub id: String,
    pub body: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Attribute>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedup: Option<String>,
    pub sent_at: Timestamp,
    /// End of the delay before the first receive, or of the visibility timeout after it.
    /// Absent for a visible message, so that a clock that is set back hides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden_until: Option<Timestamp>,
    pub receives: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_received_at: Option<Timestamp>,
    /// In a dead-letter queue: the source queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl Stored {
    pub fn visible(&self, now: Timestamp) -> bool {
        self.hidden_until.is_none_or(|until| until <= now)
    }

    pub fn in_flight(&self, now: Timestamp) -> bool {
        self.receives > 0 && !self.visible(now)
    }

    pub fn expired(&self, retention_seconds: u32, now: Timestamp) -> bool {
        now.duration_since(self.sent_at) >= SignedDuration::from_secs(i64::from(retention_seconds))
    }

    pub fn receipt(&self) -> Receipt {
        Receipt { sequence: self.sequence, delivery: self.receives }
    }

    /// The message as its receiver gets it.
    pub fn message(&self, fifo: bool) -> Message {
        Message {
            message_id: self.id.clone(),
            receipt_handle: self.receipt().to_string(),
            body: self.body.clone(),
            attributes: self.attributes.clone(),
            group: self.group.clone(),
            receive_count: self.receives,
            system: self.system(fifo),
        }
    }

    fn system(&self, fifo: bool) -> BTreeMap<String, String> {
        let first = self.first_received_at.unwrap_or(self.sent_at);
        let entries = [
            ("SenderId", Some(super::ACCOUNT.to_owned())),
            ("SentTimestamp", Some(self.sent_at.as_millisecond().to_string())),
            ("ApproximateReceiveCount", Some(self.receives.to_string())),
            ("ApproximateFirstReceiveTimestamp", Some(first.as_millisecond().to_string())),
            ("MessageGroupId", self.group.clone()),
            ("MessageDeduplicationId", self.dedup.clone()),
            ("SequenceNumber", fifo.then(|| sequence_number(self.sequence))),
            ("DeadLetterQueueSourceArn", self.source.as_deref().map(super::arn)),
        ];
        entries.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// One delivery of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Receipt {
    pub sequence: u64,
    pub delivery: u32,
}

impl std::fmt::Display for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "receipt-{}-{}", self.sequence, self.delivery)
    }
}

impl std::str::FromStr for Receipt {
    type Err = Refused;

    fn from_str(handle: &str) -> Result<Self, Refused> {
        let parse = || {
            let (sequence, delivery) = handle.strip_prefix("receipt-")?.split_once('-')?;
            Some(Receipt { sequence: sequence.parse().ok()?, delivery: delivery.parse().ok()? })
        };
        parse().ok_or(Refused::ReceiptHandle)
    }
}

/// A message id in SQS's format, deterministic across runs.
pub(super) fn message_id(sequence: u64) -> String {
    format!("00000000-0000-4000-8000-{sequence:012x}")
}

pub(super) fn sequence_number(sequence: u64) -> String {
    format!("{sequence:020}")
}

/// MD5 of a body in hexadecimal.
pub fn md5_of_body(body: &str) -> String {
    HEXLOWER.encode(&Md5::digest(body.as_bytes()))
}

/// MD5 over the sorted attributes, each as length-prefixed name, type and value.
/// Absent if there are none.
pub fn md5_of_attributes(attributes: &BTreeMap<String, Attribute>) -> Option<String> {
    let mut hash = Md5::new();
    for (name, attribute) in attributes {
        let (transport, value) = attribute.value()?;
        feed(&mut hash, name.as_bytes());
        feed(&mut hash, attribute.data_type.as_bytes());
        hash.update([transport]);
        feed(&mut hash, &value);
    }
    (!attributes.is_empty()).then(|| HEXLOWER.encode(&hash.finalize()))
}

fn feed(hash: &mut Md5, bytes: &[u8]) {
    hash.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    hash.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values from SQS's documentation and client libraries.
    #[test]
    fn checksums_are_those_of_the_service() {
        assert_eq!(md5_of_body("This is a test message"), "fafb00f5732ab283681e124bf8747ed1");
        assert_eq!(md5_of_attributes(&BTreeMap::new()), None);
        let timestamp = Attribute {
            data_type: "Number".to_owned(),
            string_value: Some("1493147359900".to_owned()),
            binary_value: None,
        };
        let attributes = BTreeMap::from([("timestamp".to_owned(), timestamp)]);
        assert_eq!(md5_of_attributes(&attributes).as_deref(), Some("235c5c510d26fb653d073faed50ae77c"));
    }

    #[test]
    fn a_body_has_one_mebibyte_and_only_allowed_characters() {
        assert!(Outgoing::new("x".repeat(MAX_BYTES)).check().is_ok());
        assert!(matches!(Outgoing::new("x".repeat(MAX_BYTES + 1)).check(), Err(Refused::Invalid { .. })));
        assert!(matches!(Outgoing::new("").check(), Err(Refused::Missing("MessageBody"))));
        assert!(matches!(Outgoing::new("a\u{0}").check(), Err(Refused::MessageContents)));
        let mut late = Outgoing::new("x");
        late.delay_seconds = Some(901);
        assert!(matches!(late.check(), Err(Refused::Invalid { parameter: "DelaySeconds", .. })));
    }

    #[test]
    fn attributes_count_towards_the_size_and_need_a_name_and_a_value() {
        let with = |name: &str, attribute| Outgoing {
            attributes: BTreeMap::from([(name.to_owned(), attribute)]),
            ..Outgoing::new("x")
        };
        assert_eq!(with("name", Attribute::text("value")).bytes(), 1 + 4 + 6 + 5);
        assert!(with("name", Attribute::text("value")).check().is_ok());
        assert!(with("AWS.name", Attribute::text("value")).check().is_err());
        assert!(with("a b", Attribute::text("value")).check().is_err());
        assert!(with("name", Attribute::text("")).check().is_err());
    }
}
