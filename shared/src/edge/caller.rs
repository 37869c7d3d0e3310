//! Callers: the authorization that a handler's signature shows.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::problem::Problem;
use crate::app::App;
use crate::domain::agency::shop::{Reach, Seller};
use crate::domain::id::{ServiceKeyId, UserId};
use crate::domain::identity::{Role, Status};
use crate::domain::refusal::Refusal;
use crate::domain::service_key::{Scope, ServiceKey};
use crate::domain::user::User;
use crate::store::key::Key;
use crate::token::{Claims, KeyRing};
use crate::usecase::service_key::recognise;

/// Somebody with a valid access token. What they may do to money is decided by their account, which the use case reads.
#[derive(Debug, Clone)]
pub struct Caller(pub Claims);

/// An active admin, by the table's word and not the token's (R2.5).
#[derive(Debug, Clone)]
pub struct Admin {
    /// Who.
    pub id: UserId,
}

impl FromRequestParts<Arc<App>> for Seller {
    type Rejection = Problem;

    /// An active admin or agent with a shop, by the table's word (R2.5, R8.1).
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let user = app.store.get::<User>(&Key::user(caller.id())).await?.ok_or(Refusal::Unauthenticated)?.into_inner();
        user.must_be_active()?;
        let reach = match (user.role, user.shop) {
            (Role::Admin, _) => Reach::Platform,
            (Role::Agent, Some(shop)) => Reach::Below(shop),
            _ => return Err(Refusal::Forbidden.into()),
        };
        Ok(Self { id: user.id, reach })
    }
}

/// The operator's backend, by the table's word, with a service key that carries the scope `S` (R2.6).
#[derive(Debug, Clone)]
pub struct Backend<S> {
    /// Its key.
    pub key: ServiceKeyId,
    /// The key's name.
    pub name: String,
    scope: PhantomData<S>,
}

/// A scope in a handler's signature.
pub trait Scoped {
    /// Which.
    const SCOPE: Scope;
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl Scoped for $name {
            const SCOPE: Scope = Scope::$name;
        }
    )*};
}

scopes! {
    /// May register users.
    UsersWrite
    /// May read users.
    UsersRead
    /// May open sessions.
    SessionsCreate
    /// May credit and debit.
    LedgerWrite
    /// May report purchases.
    PurchasesWrite
}

impl Caller {
    /// Who calls.
    pub fn id(&self) -> UserId {
        self.0.sub
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = bearer(parts).ok_or(Refusal::Unauthenticated)?;
        let kid = KeyRing::names(token).ok_or(Refusal::Unauthenticated)?;
        app.learn_key(&kid).await?;
        let claims = app.keys.verify(token, &app.config.public_base_url, app.clock.now());
        Ok(Self(claims.ok_or(Refusal::Unauthenticated)?))
    }
}

impl FromRequestParts<Arc<App>> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let user = app.store.get::<User>(&Key::user(caller.id())).await?.ok_or(Refusal::Unauthenticated)?;
        if user.status == Status::Blocked {
            return Err(Refusal::AccountBlocked.into());
        }
        if user.role != Role::Admin {
            return Err(Refusal::Forbidden.into());
        }
        Ok(Self { id: user.id })
    }
}

impl<S: Scoped> FromRequestParts<Arc<App>> for Backend<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = bearer(parts).ok_or(Refusal::Unauthenticated)?;
        let Some((id, secret)) = ServiceKey::read(token) else {
            // A person is known, and may not do what only the backend may.
            Caller::from_request_parts(parts, app).await?;
            return Err(Refusal::Forbidden.into());
        };
        let key = recognise(app, id, secret).await?;
        if !key.scopes.contains(&S::SCOPE) {
            return Err(Refusal::Forbidden.into());
        }
        Ok(Self { key: key.id, name: key.name, scope: PhantomData })
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let mut all = parts.headers.get_all(AUTHORIZATION).iter();
    let (scheme, token) = all.next()?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && all.next().is_none()).then_some(token)
}
