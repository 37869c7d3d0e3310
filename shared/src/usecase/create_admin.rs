//! Making an admin: by the local stack for itself, and on AWS by the operator's command. There is no other first admin.

use super::session::email_hash;
use crate::app::App;
use crate::domain::access::EmailClaim;
use crate::domain::audit_record::AuditRecord;
use crate::domain::id::{AuditId, UserId};
use crate::domain::identity::{Email, Password, Role, Status};
use crate::domain::ledger::Accounts;
use crate::domain::settings::{AffiliateSettings, PaymentSettings};
use crate::domain::user::{AffiliatePolicy, User};
use crate::fault::{Error, Fault};
use crate::once::Once;
use crate::password;
use crate::store::key::Key;
use crate::store::tx::Otherwise;
use crate::token::PublicKeys;

/// Makes whoever has this e-mail an admin with this password; who has none gets an account.
///
/// # Errors
/// When it can't be stored.
pub async fn create_admin(app: &App, email: &Email, password: &Password) -> Result<UserId, Error> {
    let email_hash = email_hash(app, email);
    let password_hash = password::hash(app, password)?;
    let (id, now) = (UserId::new(app.ulid()), app.clock.now());
    let ledger = app.settings::<PaymentSettings>().await?.settings.ledger_currency;
    let done = app
        .run(&Once::Natural, || async {
            let mut tx = app.tx();
            let claim = app.store.get::<EmailClaim>(&Key::email(&email_hash)).await?;
            let fresh = || User {
                id,
                email: Some(email.clone()),
                password_hash: None,
                status: Status::Active,
                role: Role::Admin,
                locale: None,
                created_at: now,
                attribution: None,
                promotion: None,
                affiliate: AffiliatePolicy::of(&AffiliateSettings::default()),
                accounts: Accounts::new(ledger),
                invite_code: None,
            };
            let stored = match &claim {
                Some(claim) => app.store.get::<User>(&Key::user(claim.user)).await?,
                None => None,
            };
            let before = stored.as_deref().cloned().unwrap_or_else(fresh);
            if stored.is_some()
                && before.role == Role::Admin
                && before.status == Status::Active
                && password::verify(app, password, before.password_hash.as_deref())?
            {
                return Ok((before.id, tx));
            }
            let password_hash = Some(password_hash.clone());
            let user = User { role: Role::Admin, status: Status::Active, password_hash, ..before };
            if claim.is_none() {
                let claim = EmailClaim {
                    email_hash: email_hash.clone(),
                    user: id,
                    fingerprint: String::new(),
                    not_applied: None,
                    at: now,
                };
                tx.insert(&claim, Otherwise::Again);
            }
            tx.upsert(stored.as_ref(), &user, Otherwise::Again);
            tx.insert(&audit(app, user.id), Otherwise::Again);
            Ok((user.id, tx))
        })
        .await?;
    Ok(done.answer)
}

fn audit(app: &App, subject: UserId) -> AuditRecord {
    AuditRecord {
        id: AuditId::new(app.ulid()),
        actor: "system".to_owned(),
        action: "user.made_admin".to_owned(),
        subject: subject.to_string(),
        before: None,
        after: None,
        reason: None,
        request_id: None,
        at: app.clock.now(),
    }
}

/// Publishes the own signing key's public half, unless it is known; the newest three are kept, so that tokens outlive a change.
///
/// # Errors
/// When it can't be stored.
pub async fn publish_key(app: &App) -> Result<(), Error> {
    let signer = app.signer.as_ref().ok_or_else(|| Fault::bug("this function makes no tokens"))?;
    let done = app
        .run(&Once::Natural, || async {
            let mut tx = app.tx();
            let known = app.store.get::<PublicKeys>(&Key::public_keys()).await?;
            let mut keys = known.as_deref().cloned().unwrap_or_default();
            if keys.keys.contains(signer.public()) {
                return Ok((keys, tx));
            }
            keys.keys.insert(0, signer.public().clone());
            keys.keys.truncate(3);
            tx.upsert(known.as_ref(), &keys, Otherwise::Again);
            Ok((keys, tx))
        })
        .await?;
    app.keys.learn(&done.answer);
    Ok(())
}
