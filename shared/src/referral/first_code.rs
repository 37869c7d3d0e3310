//! Creation of a user's primary invite code on first need (R3.2).

use crate::account::model::network::Network;
use crate::account::model::user::User;
use crate::app::App;
use crate::referral::model::referral::{Invite, InviteCode};
use crate::risk::compare::see_inviter;
use kernel::fault::Error;
use kernel::id::UserId;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::tx::Tx;

/// Returns a user's primary code, and creates it if there is none.
///
/// Concurrent first calls return the same code: the second write conflicts, re-plans and reads the first code. A code that is
/// taken already is drawn again (R3.1). The network of the request is compared with those of invitees (R10.1).
///
/// # Rejects
/// [`Refusal::AccountBlocked`] for an inactive account without a code.
pub async fn first_code(app: &App, user: UserId, from: &Network) -> Result<InviteCode, Error> {
    Ok(app.execute(&Ctx::system(), || plan(app, user, from)).await?.answer)
}

async fn plan(app: &App, user: UserId, from: &Network) -> Result<(InviteCode, Tx), Error> {
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
    see_inviter(app, user.id, from, &mut tx).await?;
    Ok((code, tx))
}
