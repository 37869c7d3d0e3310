//! Record of a notice that was sent, so that a repeated message sends no second mail.

use jiff::Timestamp;
use kernel::id::UserId;
use serde::{Deserialize, Serialize};

use crate::notices::model::notice::Notice;

/// Retention in hours, longer than a message can be repeated: fourteen days in a queue and as long among its dead letters.
pub const KEPT_HOURS: i64 = 30 * 24;

/// Notice that was sent for a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentNotice {
    pub user: UserId,
    /// Id of the message.
    pub message: String,
    pub notice: Notice,
    pub at: Timestamp,
}
