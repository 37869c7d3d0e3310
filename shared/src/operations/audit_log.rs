//! Audit records of what admins do, written in the transaction that does it (R9.3).

use crate::agency::model::shop::{Reach, Seller};
use crate::app::App;
use crate::operations::model::audit_record::AuditRecord;
use kernel::id::{AuditId, UserId};
use kernel::refusal::Refusal;

/// That `admin` did `action` to `subject` in the request being answered.
pub fn by_admin(app: &App, admin: UserId, action: &str, subject: impl Into<String>) -> AuditRecord {
    by(app, format!("admin:{admin}"), action, subject)
}

/// That an admin does something to somebody else: nobody takes their own way in away.
///
/// # Rejects
/// [`Refusal::Forbidden`].
pub(crate) fn must_be_another(user: UserId, admin: UserId) -> Result<(), Refusal> {
    if user == admin { Err(Refusal::Forbidden) } else { Ok(()) }
}

/// That whoever acts in the agency did `action` to `subject`: an admin, or an agent.
pub fn by_seller(app: &App, seller: &Seller, action: &str, subject: impl Into<String>) -> AuditRecord {
    let role = if seller.reach == Reach::Platform { "admin" } else { "agent" };
    by(app, format!("{role}:{}", seller.id), action, subject)
}

/// That nobody but time did `action` to `subject`.
pub fn by_system(app: &App, action: &str, subject: impl Into<String>) -> AuditRecord {
    by(app, "system".to_owned(), action, subject)
}

fn by(app: &App, actor: String, action: &str, subject: impl Into<String>) -> AuditRecord {
    AuditRecord {
        id: AuditId::new(app.ulid()),
        actor,
        action: action.to_owned(),
        subject: subject.into(),
        before: None,
        after: None,
        reason: None,
        request_id: table::request::request_id(),
        at: app.clock.now(),
    }
}

impl AuditRecord {
    /// With what the subject was and what it is now.
    pub fn change(self, before: impl Into<String>, after: impl Into<String>) -> Self {
        Self { before: Some(before.into()), after: Some(after.into()), ..self }
    }

    /// With the reason that was given.
    pub fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }
}
