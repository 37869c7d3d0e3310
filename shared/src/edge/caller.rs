//! Callers: the authorization that a handler's signature shows.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::problem::Problem;
use crate::app::App;
use crate::domain::id::UserId;
use crate::domain::identity::{Role, Status};
use crate::domain::refusal::Refusal;
use crate::domain::user::User;
use crate::store::key::Key;
use crate::token::{Claims, KeyRing};

/// Somebody with a valid access token. What they may do to money is decided by their account, which the use case reads.
#[derive(Debug, Clone)]
pub struct Caller(pub Claims);

/// An active admin, by the table's word and not the token's (R2.5).
#[derive(Debug, Clone)]
pub struct Admin {
    /// Who.
    pub id: UserId,
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

fn bearer(parts: &Parts) -> Option<&str> {
    let mut all = parts.headers.get_all(AUTHORIZATION).iter();
    let (scheme, token) = all.next()?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && all.next().is_none()).then_some(token)
}
