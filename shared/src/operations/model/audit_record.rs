//! Audit records, append-only: actor, action, reason and time of a change (R9.3).
//!
//! For a movement of money the journal is the audit record.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use kernel::id::AuditId;

/// Audit record of one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    pub id: AuditId,
    /// Actor, `admin:usr_…`, `agent:usr_…` or `system`.
    pub actor: String,
    /// Action, `settings.changed`.
    pub action: String,
    /// Subject of the action, `settings:referral` or `usr_…`.
    pub subject: String,
    /// Subject before the change, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Subject after the change, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Reason given by the actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Id of the request that made the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    pub at: Timestamp,
}
