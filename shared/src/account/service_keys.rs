//! Service keys: create, revoke, list and authenticate (R2.6).

use subtle::ConstantTimeEq;

use crate::account::model::service_key::{ServiceKey, ServiceScope};
use crate::account::table::SERVICE_KEYS;
use crate::app::App;
use crate::operations::audit_log::by_admin;
use kernel::fault::{Error, Fault};
use kernel::id::{ServiceKeyId, UserId};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::list::Window;
use table::list::{ListSource, walk};
use table::store::Page;

/// Request to create a service key.
#[derive(Debug, Clone)]
pub struct IssueKey {
    /// Display name.
    pub name: String,
    pub scopes: std::collections::BTreeSet<ServiceScope>,
    pub admin: UserId,
}

/// Creates a key.
///
/// The second part of the answer is the key itself; it is `None` in a replay, so the key is returned once.
///
/// # Errors
/// A fault when the write fails.
pub async fn issue_key(app: &App, ctx: &Ctx, ask: &IssueKey) -> Result<(Answered<ServiceKey>, Option<String>), Error> {
    let id = ServiceKeyId::new(app.ulid());
    let secret = data_encoding::HEXLOWER.encode(&app.entropy.bytes::<32>());
    let key = ServiceKey {
        id,
        name: ask.name.clone(),
        scopes: ask.scopes.clone(),
        hash: hash(app, id, &secret),
        made_by: ask.admin,
        created_at: app.clock.now(),
        revoked_at: None,
    };
    let scopes: Vec<&str> = ask.scopes.iter().map(|scope| scope.as_str()).collect();
    let audit = by_admin(app, ctx, ask.admin, "service_key.made", id.to_string());
    let audit = audit.change("", format!("{}: {}", ask.name, scopes.join(" ")));
    let plan = || async {
        let mut tx = app.tx();
        tx.insert(&key);
        tx.insert(&audit);
        Ok((key.clone(), tx))
    };
    let done = app.execute(ctx, plan).await?;
    let token = (!done.replayed).then(|| ServiceKey::token(id, &secret));
    Ok((done, token))
}

/// Revokes a key; a no-op for a revoked key.
///
/// # Rejects
/// [`Refusal::NotFound`].
pub async fn revoke_key(app: &App, ctx: &Ctx, id: ServiceKeyId, admin: UserId) -> Result<(), Error> {
    let plan = || async {
        let mut tx = app.tx();
        let key = app.store.get::<ServiceKey>(&ServiceKey::key(id)).await?.ok_or(Refusal::NotFound)?;
        if key.revoked_at.is_none() {
            tx.replace(&key, &ServiceKey { revoked_at: Some(app.clock.now()), ..(*key).clone() });
            let audit = by_admin(app, ctx, admin, "service_key.revoked", id.to_string());
            tx.insert(&audit.change("active", "revoked"));
        }
        Ok(((), tx))
    };
    app.execute(&ctx.unkeyed(), plan).await.map(|_| ())
}

/// Lists all keys, newest first.
///
/// # Errors
/// A fault when the database cannot be reached.
pub async fn keys(app: &App, window: &Window) -> Result<Page<ServiceKey>, Fault> {
    let list = window.walk(ListSource::Platform(SERVICE_KEYS), false);
    walk(app, &list, |key: &ServiceKey| window.only(key.created_at, key)).await
}

/// Authenticates a service key against the table, so that a revocation takes effect at once (R2.6).
///
/// # Rejects
/// [`Refusal::Unauthenticated`] for an unknown, forged or revoked key.
pub async fn recognise(app: &App, id: ServiceKeyId, secret: &str) -> Result<ServiceKey, Error> {
    let shown = hash(app, id, secret);
    let key = app.store.get::<ServiceKey>(&ServiceKey::key(id)).await?.ok_or(Refusal::Unauthenticated)?;
    let right = bool::from(shown.as_bytes().ct_eq(key.hash.as_bytes()));
    if !right || key.revoked_at.is_some() {
        return Err(Refusal::Unauthenticated.into());
    }
    Ok(key.into_inner())
}

fn hash(app: &App, id: ServiceKeyId, secret: &str) -> String {
    app.config.secret.hex("service-key", &[&id.ulid().to_bytes(), secret.as_bytes()])
}
