//! The first need of a primary invite code makes it (R3.2).

use crate::account::model::user::User;
use crate::app::App;
use crate::referral::model::referral::{Invite, InviteCode};
use kernel::fault::Error;
use kernel::id::UserId;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::tx::Tx;

/// A user's primary code, made now if there is none. Two first needs at once get the same code: the second finds the account
/// changed and reads the code of the first. A code that is somebody's already is drawn again (R3.1).
///
/// # Refuses
/// [`Refusal::AccountBlocked`] for an account that is not active and has no code.
pub async fn first_code(app: &App, user: UserId) -> Result<InviteCode, Error> {
    Ok(app.execute(&Ctx::system(), || plan(app, user)).await?.answer)
}

async fn plan(app: &App, user: UserId) -> Result<(InviteCode, Tx), Error> {
    let user = app.store.get::<User>(&User::key(user)).await?.ok_or(Refusal::Unauthenticated)?;
    let mut tx = app.tx();
    if let Some(code) = &user.invite_code {
        return Ok((code.clone(), tx));
    }
    user.must_be_active()?;
    let code = InviteCode::from_entropy(app.entropy.bytes());
    let after = User { invite_code: Some(code.clone()), ..User::clone(&user) };
    tx.replace(&user, &after);
    tx.insert(&Invite::primary(code.clone(), &after, app.clock.now()));
    Ok((code, tx))
}
