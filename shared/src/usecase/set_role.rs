//! An admin changes what somebody may do (R2.5).

use super::audit::by_admin;
use crate::app::{App, Done};
use crate::domain::id::UserId;
use crate::domain::identity::Role;
use crate::domain::refusal::Refusal;
use crate::domain::user::User;
use crate::fault::Error;
use crate::once::Once;
use crate::store::key::Key;
use crate::store::tx::{Otherwise, Tx};

/// What is to be set.
#[derive(Debug, Clone, Copy)]
pub struct SetRole {
    /// Whose.
    pub user: UserId,
    /// To what.
    pub role: Role,
    /// Who.
    pub admin: UserId,
}

/// Sets a role. Admin routes look at the table, so it holds from the next request on.
///
/// # Refuses
/// [`Refusal::NotFound`].
pub async fn set_role(app: &App, ask: &SetRole) -> Result<Done<User>, Error> {
    app.run(&Once::Natural, || plan(app, ask)).await
}

async fn plan(app: &App, ask: &SetRole) -> Result<(User, Tx), Error> {
    let user = app.store.get::<User>(&Key::user(ask.user)).await?.ok_or(Refusal::NotFound)?;
    let mut tx = app.tx();
    let after = User { role: ask.role, ..User::clone(&user) };
    if user.role != ask.role {
        tx.replace(&user, &after, Otherwise::Again);
        let audit = by_admin(app, ask.admin, "user.role_set", user.id.to_string());
        tx.insert(&audit.change(user.role.as_str(), ask.role.as_str()), Otherwise::Again);
    }
    Ok((after, tx))
}
