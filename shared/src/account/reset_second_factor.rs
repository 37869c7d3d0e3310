//! Reset of somebody's second factor by another admin (R2.12), for whoever lost the app and the recovery codes.

use crate::account::model::second_factor::SecondFactor;
use crate::account::model::user::User;
use crate::account::second_factor::tell;
use crate::app::App;
use crate::message::MailKind;
use crate::operations::audit_log::{by_admin, must_be_another};
use kernel::fault::Error;
use kernel::id::UserId;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Request to reset a second factor.
#[derive(Debug, Clone)]
pub struct ResetSecondFactor {
    pub user: UserId,
    pub reason: String,
    pub admin: UserId,
}

/// Removes somebody's second factor, and ends all of their sessions; a no-op without one.
///
/// Whoever has their password signs in without a code from then on, so the sessions that a code opened do not outlive it.
///
/// # Rejects
/// [`Refusal::NotFound`]; [`Refusal::Forbidden`] for the admin's own account.
pub async fn reset_second_factor(app: &App, ctx: &Ctx, ask: &ResetSecondFactor) -> Result<Answered<User>, Error> {
    app.execute(&ctx.unkeyed(), || plan(app, ctx, ask)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &ResetSecondFactor) -> Result<(User, Tx), Error> {
    must_be_another(ask.user, ask.admin)?;
    let (user, factor) = app.store.read((User::key(ask.user), SecondFactor::key(ask.user))).await?;
    let user = user.ok_or(Refusal::NotFound)?;
    let mut tx = app.tx();
    if user.second_factor_since.is_none() {
        return Ok((user.into_inner(), tx));
    }
    let after = User { second_factor_since: None, ..User::clone(&user) }.without_sessions();
    tx.replace(&user, &after);
    if let Some(factor) = &factor {
        tx.remove(factor);
    }
    tx.insert(
        &by_admin(app, ctx, ask.admin, "user.second_factor_reset", ask.user.to_string()).because(ask.reason.clone()),
    );
    tell(app, &mut tx, &user, MailKind::SecondFactorRemoved);
    Ok((after, tx))
}
