//! Change of a user's role and scopes by an admin (R2.5).

use std::collections::BTreeSet;

use crate::account::model::identity::Role;
use crate::account::model::scope::AdminScope;
use crate::account::model::user::User;
use crate::app::App;
use crate::operations::audit_log::{by_admin, must_be_another};
use kernel::fault::Error;
use kernel::id::UserId;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Request to set a role.
#[derive(Debug, Clone)]
pub struct SetRole {
    pub user: UserId,
    pub role: Role,
    /// Scopes of an admin; empty means no limit.
    pub scopes: BTreeSet<AdminScope>,
    pub admin: UserId,
}

/// Sets a role; more rights end all sessions (R2.11).
///
/// Admin routes read the account from the table, so the change holds from the next request on.
///
/// # Rejects
/// [`Refusal::NotFound`]; [`Refusal::Forbidden`] for the admin's own account, to prevent a lock-out.
pub async fn set_role(app: &App, ctx: &Ctx, ask: &SetRole) -> Result<Answered<User>, Error> {
    app.execute(&ctx.unkeyed(), || plan(app, ctx, ask)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &SetRole) -> Result<(User, Tx), Error> {
    must_be_another(ask.user, ask.admin)?;
    let user = app.store.get::<User>(&User::key(ask.user)).await?.ok_or(Refusal::NotFound)?;
    let mut tx = app.tx();
    let after = User::clone(&user).with_rights(ask.role, ask.scopes.clone());
    if (user.role, &user.scopes) != (ask.role, &ask.scopes) {
        tx.replace(&user, &after);
        let audit = by_admin(app, ctx, ask.admin, "user.role_set", user.id.to_string());
        tx.insert(&audit.change(shown(&user), shown(&after)));
    }
    Ok((after, tx))
}

/// Formats the role with its scopes: `admin: orders:read, stats:read`.
fn shown(user: &User) -> String {
    let scopes: Vec<&str> = user.scopes.iter().map(|scope| scope.as_str()).collect();
    let role = user.role.as_str();
    if scopes.is_empty() { role.to_owned() } else { format!("{role}: {}", scopes.join(", ")) }
}
