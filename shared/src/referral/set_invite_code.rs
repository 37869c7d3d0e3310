//! Assignment of a vanity code to a user by an admin (R3.1); it becomes the primary code, which is shown first.
//!
//! The previous primary code was shared, so it goes on binding (R3.11). It stays the user's: no one else can take it, and
//! assigning it again makes it the primary one again.

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

/// Maximum earlier primary codes of a user; a change of their state writes all of them.
pub(crate) const KEPT_MAX: usize = 20;

/// Makes a code the user's primary one.
///
/// # Rejects
/// [`Refusal::NotFound`]; [`Refusal::InviteCodeTaken`] for another user's code; [`Refusal::InviteCodeLimit`] after twenty others.
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
    tx.upsert(known.as_ref(), &invite);
    // A code from the list becomes the primary one; the previous primary one joins the list.
    let listed = others;
    let mut list = listed.as_deref().cloned().unwrap_or_else(|| ActiveCodes::none(user.id));
    list.codes.retain(|code| *code != ask.code);
    list.kept.retain(|code| *code != ask.code);
    let mut before = String::new();
    if let Some(code) = &user.invite_code {
        before = code.to_string();
        if list.kept.len() >= KEPT_MAX {
            return Err(Refusal::InviteCodeLimit.into());
        }
        list.kept.push(code.clone());
        if let Some(old) = app.store.get::<Invite>(&Invite::key(code.as_str())).await? {
            tx.replace(&old, &Invite { primary: false, ..Invite::clone(&old) });
        }
    }
    if listed.as_deref() != Some(&list) && !(listed.is_none() && list == ActiveCodes::none(user.id)) {
        tx.upsert(listed.as_ref(), &list);
    }
    let audit = by_admin(app, ctx, ask.admin, "user.invite_code_set", user.id.to_string());
    tx.insert(&audit.change(before, ask.code.as_str()));
    Ok((after, tx))
}
