//! Errors of the queue service.

use super::message::MAX_BYTES;

/// A rejected request, or a fault of the engine itself.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is no queue of that name.
    #[error("The specified queue does not exist.")]
    NoSuchQueue,
    /// A queue of that name exists with other attributes.
    #[error("A queue already exists with the same name and a different value for attribute {0}")]
    QueueNameExists(&'static str),
    /// A parameter is missing.
    #[error("The request must contain the parameter {0}.")]
    Missing(&'static str),
    /// A parameter has an invalid value.
    #[error("Value for parameter {parameter} is invalid. Reason: {reason}")]
    Invalid {
        /// Name of the parameter.
        parameter: &'static str,
        /// Reason for rejecting the value.
        reason: String,
    },
    /// A body holds characters that XML 1.0 does not allow.
    #[error(
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
    )]
    MessageContents,
    /// The receipt handle is malformed.
    #[error("The input receipt handle is invalid.")]
    ReceiptHandle,
    /// The message is not in flight, so its visibility can't be changed.
    #[error("The message referred to isn't in flight.")]
    NotInFlight,
    /// A batch without entries.
    #[error("There should be at least one entry in the request.")]
    EmptyBatch,
    /// A batch with more than ten entries.
    #[error("Maximum number of entries per request are 10. You have sent {0}.")]
    TooManyEntries(usize),
    /// Two entries with one id.
    #[error("Id {0} repeated.")]
    IdsNotDistinct(String),
    /// An entry's id is empty, longer than 80 characters or has others than letters, digits, `-` and `_`.
    #[error(
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
    )]
    EntryId,
    /// The entries together are above the size limit.
    #[error("Batch requests cannot be longer than {MAX_BYTES} bytes. You have sent {0} bytes.")]
    BatchTooLong(usize),
    /// The operation is unknown, or not supported by this engine.
    #[error("The operation {0} is not supported.")]
    Unsupported(String),
    /// The request is not JSON of the expected shape.
    #[error("The request could not be read: {0}")]
    Unreadable(String),
    /// The engine failed to write its journal.
    #[error("The queues could not be written: {0}")]
    Fault(#[from] std::io::Error),
}

impl Refused {
    /// An invalid value of a parameter.
    pub(super) fn invalid(parameter: &'static str, reason: impl Into<String>) -> Self {
        Refused::Invalid { parameter, reason: reason.into() }
    }

    /// `__type` of the error body in the JSON protocol.
    pub fn kind(&self) -> &'static str {
        match self {
            Refused::NoSuchQueue => "com.amazonaws.sqs#QueueDoesNotExist",
            Refused::QueueNameExists(_) => "com.amazonaws.sqs#QueueNameExists",
            Refused::Missing(_) => "com.amazon.coral.service#MissingRequiredParameterException",
            Refused::Invalid { .. } => "com.amazon.coral.service#InvalidParameterValueException",
            Refused::MessageContents => "com.amazonaws.sqs#InvalidMessageContents",
            Refused::ReceiptHandle => "com.amazonaws.sqs#ReceiptHandleIsInvalid",
            Refused::NotInFlight => "com.amazonaws.sqs#MessageNotInflight",
            Refused::EmptyBatch => "com.amazonaws.sqs#EmptyBatchRequest",
            Refused::TooManyEntries(_) => "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
            Refused::IdsNotDistinct(_) => "com.amazonaws.sqs#BatchEntryIdsNotDistinct",
            Refused::EntryId => "com.amazonaws.sqs#InvalidBatchEntryId",
            Refused::BatchTooLong(_) => "com.amazonaws.sqs#BatchRequestTooLong",
            Refused::Unsupported(_) => "com.amazonaws.sqs#UnsupportedOperation",
            Refused::Unreadable(_) => "com.amazon.coral.service#SerializationException",
            Refused::Fault(_) => "com.amazon.coral.service#InternalFailure",
        }
    }

    /// Error code of the older query protocol.
    /// A batch's failed entries contain it, and clients read it from the header `x-amzn-query-error`.
    pub fn code(&self) -> &'static str {
        match self {
            Refused::NoSuchQueue => "AWS.SimpleQueueService.NonExistentQueue",
            Refused::QueueNameExists(_) => "QueueAlreadyExists",
            Refused::Missing(_) => "MissingParameter",
            Refused::Invalid { .. } => "InvalidParameterValue",
            Refused::MessageContents => "InvalidMessageContents",
            Refused::ReceiptHandle => "ReceiptHandleIsInvalid",
            Refused::NotInFlight => "AWS.SimpleQueueService.MessageNotInflight",
            Refused::EmptyBatch => "AWS.SimpleQueueService.EmptyBatchRequest",
            Refused::TooManyEntries(_) => "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            Refused::IdsNotDistinct(_) => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            Refused::EntryId => "AWS.SimpleQueueService.InvalidBatchEntryId",
            Refused::BatchTooLong(_) => "AWS.SimpleQueueService.BatchRequestTooLong",
            Refused::Unsupported(_) => "AWS.SimpleQueueService.UnsupportedOperation",
            Refused::Unreadable(_) => "SerializationException",
            Refused::Fault(_) => "InternalFailure",
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Refused::ReceiptHandle => 404,
            Refused::Fault(_) => 500,
            _ => 400,
        }
    }

    /// Reports if the sender is at fault, and not the service.
    pub fn senders_fault(&self) -> bool {
        !matches!(self, Refused::Fault(_))
    }
}
