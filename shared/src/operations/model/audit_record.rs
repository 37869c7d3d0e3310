//! Audit records: who changed what, why and when; append-only (R9.3). For a movement of money the journal is the record.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use kernel::id::AuditId;

/// One change by an admin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Which.
    pub id: AuditId,
    /// Who did it: `admin:usr_…`, `system`.
    pub actor: String,
    /// What was done, `settings.changed`.
    pub action: String,
    /// To what, `settings:referral`, `usr_…`.
    pub subject: String,
    /// What it was before, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it is now, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The request that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// When.
    pub at: Timestamp,
}
