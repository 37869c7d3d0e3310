//! Assignment of a vanity code to a user by an admin (R3.1); it becomes the primary code.
//!
//! A user has one primary code (R3.2), so the previous one is deactivated. Its item and its history stay (R6.2), and it stays
//! the user's: no one else can take it, and assigning it again reactivates it.

use crate::account::model::user::User;
use crate::app::App;
use crate::operations::audit_log::by_admin;
use crate::referral::model::referral::{ActiveCodes, Invite, InviteCode};
use kernel::fault::Error;
use kernel::id::UserId;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Request to set a user's primary code.
#[derive(Debug, Clone)]
pub struct SetInviteCode {
    pub user: UserId,
    pub code: InviteCode,
    pub admin: UserId,
}

/// Makes a code the user's primary one.
///
/// # Rejects
/// [`Refusal::NotFound`]; [`Refusal::InviteCodeTaken`] for another user's code.
pub async fn set_invite_code(app: &App, ctx: &Ctx, ask: &SetInviteCode) -> Result<Answered<User>, Error> {
    app.execute(&ctx.unkeyed(), || plan(app, ctx, ask)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &SetInviteCode) -> Result<(User, Tx), Error> {
    let keys = (User::key(ask.user), Invite::key(ask.code.as_str()), ActiveCodes::key(ask.user));
    let (user, known, others) = app.store.read(keys).await?;
    let user = user.ok_or(Refusal::NotFound)?;
    let mut tx = app.tx();
    let after = User { invite_code: Some(ask.code.clone()), ..User::clone(&user) };
    if user.invite_code == after.invite_code {
        return Ok((after, tx));
    }
    if known.as_ref().is_some_and(|known| known.owner != user.id) {
        return Err(Refusal::InviteCodeTaken.into());
    }
    tx.replace(&user, &after);
    let fresh = Invite::primary(ask.code.clone(), &user, app.clock.now());
    let created_at = known.as_ref().map_or(fresh.created_at, |known| known.created_at);
    let invite = Invite { created_at, ..fresh };
    // A code beside the primary one becomes the primary one and leaves the list.
    if let Some(others) = others.filter(|others| others.codes.contains(&ask.code)) {
        let mut left = ActiveCodes::clone(&others);
        left.codes.retain(|code| *code != ask.code);
        tx.replace(&others, &left);
    }
    tx.upsert(known.as_ref(), &invite);
    let mut before = String::new();
    if let Some(code) = &user.invite_code {
        before = code.to_string();
        if let Some(old) = app.store.get::<Invite>(&Invite::key(code.as_str())).await? {
            let retired = Invite { primary: false, active: false, ..Invite::clone(&old) };
            tx.replace(&old, &retired);
        }
    }
    let audit = by_admin(app, ctx, ask.admin, "user.invite_code_set", user.id.to_string());
    tx.insert(&audit.change(before, ask.code.as_str()));
    Ok((after, tx))
}
