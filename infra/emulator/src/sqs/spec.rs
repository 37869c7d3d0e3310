//! A queue's settings.

use super::refused::Refused;

/// The settings of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSpec {
    /// Name; that of a FIFO queue ends in `.fifo`.
    pub name: String,
    /// FIFO: keeps order and deduplicates.
    pub fifo: bool,
    /// Seconds that a received message is hidden, 0 to 43 200.
    pub visibility_timeout_seconds: u32,
    /// Seconds that a new message is hidden, 0 to 900.
    pub delay_seconds: u32,
    /// Dead-letter queue for messages received too often.
    pub redrive: Option<Redrive>,
    /// Seconds until a message is dropped, 60 to 1 209 600.
    pub retention_seconds: u32,
    /// FIFO: the body's SHA-256 replaces an absent deduplication id.
    pub content_based_dedup: bool,
}

/// A redrive policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// Name of the dead-letter queue.
    pub dead_letter_queue: String,
    /// Maximum number of receives, 1 to 1000; the next one moves the message.
    pub max_receive_count: u32,
}

impl QueueSpec {
    /// SQS's defaults: 30 seconds of visibility timeout, four days of retention.
    /// FIFO if the name ends in `.fifo`.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            fifo: name.ends_with(".fifo"),
            name,
            visibility_timeout_seconds: 30,
            delay_seconds: 0,
            redrive: None,
            retention_seconds: 345_600,
            content_based_dedup: false,
        }
    }

    /// The same queue with a dead-letter queue.
    pub fn redrive(mut self, dead_letter_queue: impl Into<String>, max_receive_count: u32) -> Self {
        self.redrive = Some(Redrive { dead_letter_queue: dead_letter_queue.into(), max_receive_count });
        self
    }

    /// # Rejects
    /// An invalid name, or a setting out of range.
    pub(super) fn check(&self) -> Result<(), Refused> {
        let stem = self.name.strip_suffix(".fifo").unwrap_or(&self.name);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if stem.is_empty() || self.name.len() > 80 || !stem.chars().all(plain) {
            return Err(Refused::invalid(
                "QueueName",
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
            ));
        }
        if self.fifo != self.name.ends_with(".fifo") {
            return Err(Refused::invalid("QueueName", "The name of a FIFO queue, and only that, ends in .fifo."));
        }
        in_range("VisibilityTimeout", self.visibility_timeout_seconds, 0, 43_200)?;
        in_range("DelaySeconds", self.delay_seconds, 0, 900)?;
        in_range("MessageRetentionPeriod", self.retention_seconds, 60, 1_209_600)?;
        match &self.redrive {
            None => Ok(()),
            Some(redrive) if self.fifo != redrive.dead_letter_queue.ends_with(".fifo") => {
                Err(Refused::invalid("RedrivePolicy", "Dead-letter queue must be same type of queue as the source."))
            }
            Some(redrive) => in_range("maxReceiveCount", redrive.max_receive_count, 1, 1000),
        }
    }
}

/// # Rejects
/// A number outside `least..=most`.
pub(super) fn in_range(parameter: &'static str, value: u32, least: u32, most: u32) -> Result<(), Refused> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Refused::invalid(parameter, format!("Must be between {least} and {most}.")))
}
