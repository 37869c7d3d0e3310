//! Change of a user's affiliate policy by an admin (R6.1).
//!
//! Orders snapshot the terms at creation, so the change affects later orders only.

use crate::account::model::user::{AffiliatePolicy, User};
use crate::app::App;
use crate::operations::audit_log::by_admin;
use crate::referral::invite_code::tell_codes;
use kernel::fault::Error;
use kernel::id::UserId;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Request to set a policy.
#[derive(Debug, Clone, Copy)]
pub struct SetPolicy {
    pub user: UserId,
    pub policy: AffiliatePolicy,
    pub admin: UserId,
}

/// Sets a user's policy.
///
/// Without `can_invite` their codes no longer apply.
///
/// # Rejects
/// [`Refusal::NotFound`].
pub async fn set_policy(app: &App, ctx: &Ctx, ask: &SetPolicy) -> Result<Answered<User>, Error> {
    app.execute(&ctx.unkeyed(), || plan(app, ctx, ask)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &SetPolicy) -> Result<(User, Tx), Error> {
    let user = app.store.get::<User>(&User::key(ask.user)).await?.ok_or(Refusal::NotFound)?;
    let mut tx = app.tx();
    let after = User { affiliate: ask.policy, ..User::clone(&user) };
    if user.affiliate != ask.policy {
        tx.replace(&user, &after);
        tell_codes(app, &after, &mut tx).await?;
        let audit = by_admin(app, ctx, ask.admin, "user.affiliate_policy_set", user.id.to_string());
        tx.insert(&audit.change(user.affiliate, ask.policy));
    }
    Ok((after, tx))
}
