//! Audit records of admin actions, written in the transaction of the action (R9.3).

use crate::account::model::user::User;
use crate::agency::model::shop::{Reach, Seller};
use crate::app::App;
use crate::operations::model::audit_record::AuditRecord;
use kernel::id::{AuditId, UserId};
use kernel::refusal::Refusal;
use table::context::Ctx;

/// Audit record of an admin's `action` on `subject` in the current request.
pub fn by_admin(app: &App, ctx: &Ctx, admin: UserId, action: &str, subject: impl Into<String>) -> AuditRecord {
    by(app, ctx, format!("admin:{admin}"), action, subject)
}

/// Audit record of what a user does to their own account.
pub(crate) fn by_holder(app: &App, ctx: &Ctx, user: &User, action: &str) -> AuditRecord {
    by(app, ctx, format!("{}:{}", user.role, user.id), action, user.id.to_string())
}

/// Checks that an admin acts on another account, so that none locks itself out.
///
/// # Rejects
/// [`Refusal::Forbidden`] for the admin's own account.
pub(crate) fn must_be_another(user: UserId, admin: UserId) -> Result<(), Refusal> {
    if user == admin { Err(Refusal::Forbidden) } else { Ok(()) }
}

/// Audit record of an admin's or agent's `action` on `subject` in the agency.
pub fn by_seller(app: &App, ctx: &Ctx, seller: &Seller, action: &str, subject: impl Into<String>) -> AuditRecord {
    let role = if seller.reach == Reach::Platform { "admin" } else { "agent" };
    by(app, ctx, format!("{role}:{}", seller.id), action, subject)
}

/// Audit record of an `action` on `subject` by the operator's backend, with the service key's name.
pub fn by_service(app: &App, ctx: &Ctx, name: &str, action: &str, subject: impl Into<String>) -> AuditRecord {
    by(app, ctx, format!("service:{name}"), action, subject)
}

/// Audit record of an `action` on `subject` by a job.
pub fn by_system(app: &App, ctx: &Ctx, action: &str, subject: impl Into<String>) -> AuditRecord {
    by(app, ctx, "system".to_owned(), action, subject)
}

fn by(app: &App, ctx: &Ctx, actor: String, action: &str, subject: impl Into<String>) -> AuditRecord {
    AuditRecord {
        id: AuditId::new(app.ulid()),
        actor,
        action: action.to_owned(),
        subject: subject.into(),
        before: None,
        after: None,
        reason: None,
        request_id: Some(ctx.request_id.clone()).filter(|id| !id.is_empty()),
        at: app.clock.now(),
    }
}

impl AuditRecord {
    /// Adds the subject before and after the change.
    pub fn change(self, before: impl Into<String>, after: impl Into<String>) -> Self {
        Self { before: Some(before.into()), after: Some(after.into()), ..self }
    }

    /// Adds the given reason.
    pub fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }
}
