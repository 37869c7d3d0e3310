//! Creation of an admin, by the local stack at start or by the operator's command on AWS.
//!
//! This is the only way to get the first admin.

use std::collections::BTreeSet;

use crate::account::model::access::EmailClaim;
use crate::account::model::identity::{Email, Password, Role, Status};
use crate::account::model::second_factor::SecondFactor;
use crate::account::model::user::User;
use crate::account::password;
use crate::account::session::email_hash;
use crate::account::token::PublicKeys;
use crate::affiliate::model::settings::AffiliateSettings;
use crate::app::App;
use crate::message::Message;
use crate::operations::model::audit_record::AuditRecord;
use crate::payment::model::settings::PaymentSettings;
use kernel::fault::{Error, Fault};
use kernel::id::{AuditId, UserId};
use kernel::ledger::Accounts;
use table::context::Ctx;
use table::item::Versioned;
use table::tx::Tx;

/// Makes the user with this e-mail an admin without scopes, with this password.
///
/// Creates the account if there is none. The new password ends all sessions, and a second factor is removed: whoever has the table
/// helps an admin who has lost it (R2.12). A repeat with the same password changes nothing.
///
/// # Errors
/// A fault when the write fails.
pub async fn create_admin(app: &App, email: &Email, password: &Password) -> Result<UserId, Error> {
    let email_hash = email_hash(app, email);
    let newcomer = UserId::new(app.ulid());
    let password_hash = password::hash(app, password)?;
    let plan = || async {
        match app.store.get::<EmailClaim>(&EmailClaim::key(&email_hash)).await? {
            Some(claim) => promote(app, &claim, password, &password_hash).await,
            None => create(app, newcomer, email, &password_hash).await,
        }
    };
    Ok(app.execute(&Ctx::system(), plan).await?.answer)
}

/// Finds the account with this e-mail.
///
/// # Errors
/// A fault when the read fails.
pub async fn account_of(app: &App, email: &Email) -> Result<Option<User>, Error> {
    let Some(claim) = app.store.get::<EmailClaim>(&EmailClaim::key(&email_hash(app, email))).await? else {
        return Ok(None);
    };
    let missing = || Fault::bug(format!("{} has a claim and no account", claim.user));
    let user = app.store.get::<User>(&User::key(claim.user)).await?.ok_or_else(missing)?;
    Ok(Some(user.into_inner()))
}

async fn create(app: &App, id: UserId, email: &Email, password_hash: &str) -> Result<(UserId, Tx), Error> {
    let now = app.clock.now();
    let claim = EmailClaim {
        email_hash: email_hash(app, email),
        user: id,
        password_hash: Some(password_hash.to_owned()),
        password_number: 0,
        fingerprint: String::new(),
        not_applied: None,
        at: now,
    };
    let accounts = Accounts::new(app.settings::<PaymentSettings>().await?.settings.ledger_currency);
    let user = User {
        email: Some(email.clone()),
        role: Role::Admin,
        ..User::new(id, now, &AffiliateSettings::default(), accounts)
    };
    let mut tx = app.tx();
    tx.insert(&claim);
    tx.insert(&user);
    tx.insert(&audit(app, id));
    tx.send(Message::UserRegistered { user: id, inviter: None, signals: None });
    if app.store.get::<PublicKeys>(&PublicKeys::key()).await?.is_none() {
        tx.upsert(None, &PublicKeys::begun(now));
    }
    Ok((id, tx))
}

async fn promote(
    app: &App,
    claim: &Versioned<EmailClaim>,
    password: &Password,
    password_hash: &str,
) -> Result<(UserId, Tx), Error> {
    let missing = || Fault::bug(format!("{} has a claim and no account", claim.user));
    let user = app.store.get::<User>(&User::key(claim.user)).await?.ok_or_else(missing)?;
    let mut tx = app.tx();
    let is_one = user.must_be_admin(None).is_ok();
    if is_one && password::verify(app, password, claim.password_hash.as_deref())? {
        return Ok((user.id, tx));
    }
    let changed = claim.with_password(password_hash.to_owned()).ok_or_else(|| Fault::bug("passwords ran out"))?;
    let password_number = changed.password_number;
    let (role, status, scopes) = (Role::Admin, Status::Active, BTreeSet::new());
    let after = User { role, status, scopes, password_number, second_factor_since: None, ..User::clone(&user) };
    tx.replace(claim, &changed);
    tx.replace(&user, &after);
    if let Some(factor) = app.store.get::<SecondFactor>(&SecondFactor::key(user.id)).await? {
        tx.remove(&factor);
    }
    tx.insert(&audit(app, user.id));
    Ok((user.id, tx))
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

/// Publishes the public half of this function's signing key, unless it is published already.
///
/// Keeps the newest three keys, so that existing tokens stay valid after a key change.
///
/// # Errors
/// A fault when the write fails.
pub async fn publish_key(app: &App) -> Result<(), Error> {
    let signer = app.signer.as_ref().ok_or_else(|| Fault::bug("this function makes no tokens"))?;
    let done = app
        .execute(&Ctx::system(), || async {
            let mut tx = app.tx();
            let known = app.store.get::<PublicKeys>(&PublicKeys::key()).await?;
            let mut keys = known.as_deref().cloned().unwrap_or_else(|| PublicKeys::begun(app.clock.now()));
            if keys.keys.contains(signer.public()) {
                return Ok((keys, tx));
            }
            keys.keys.insert(0, signer.public().clone());
            keys.keys.truncate(3);
            tx.upsert(known.as_ref(), &keys);
            Ok((keys, tx))
        })
        .await?;
    app.learn_keys(&done.answer);
    Ok(())
}
