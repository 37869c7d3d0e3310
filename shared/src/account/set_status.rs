//! Block and reactivation of an account by an admin (R2.8).
//!
//! A blocked user has no sign-in, no refresh and no writes; the block ends all sessions for good (R2.11). Their codes do not apply,
//! their rewards are held, their money stays. The codes' items carry the block, so that a sign-up need not read the owner.
//! Reactivation retries the held rewards and releases the commission whose hold ended meanwhile.

use crate::account::model::identity::Status;
use crate::account::model::user::User;
use crate::affiliate::release_holds::release_parked;
use crate::app::App;
use crate::message::Message;
use crate::operations::audit_log::{by_admin, must_be_another};
use crate::referral::invite_code::tell_codes;
use crate::referral::model::referral::{Reward, RewardState};
use kernel::fault::{Error, Fault};
use kernel::id::{RewardId, UserId};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::key::owned_by;
use table::store::{Index, Query};
use table::tx::Tx;

/// Maximum messages of one transaction; keeps its outbox item far below the item size limit.
const TOGETHER: usize = 500;

/// Request to set an account's status.
#[derive(Debug, Clone)]
pub struct SetStatus {
    pub user: UserId,
    /// [`Status::Active`] or [`Status::Blocked`].
    pub status: Status,
    pub reason: String,
    pub admin: UserId,
}

/// Sets an account's status.
///
/// Setting `active` again also retries rewards that are still held, since the index of held rewards is eventually consistent.
///
/// # Rejects
/// [`Refusal::NotFound`]; [`Refusal::AccountErased`]; [`Refusal::Forbidden`] for the admin's own account, to prevent a
/// lock-out.
pub async fn set_status(app: &App, ctx: &Ctx, ask: &SetStatus) -> Result<Answered<User>, Error> {
    let held = if ask.status == Status::Active { held(app, ask.user).await? } else { Vec::new() };
    let mut chunks = held.chunks(TOGETHER);
    let first = chunks.next().unwrap_or_default();
    let done = app.execute(&ctx.unkeyed(), || plan(app, ctx, ask, first)).await?;
    for more in chunks {
        app.execute(&ctx.unkeyed(), || plan(app, ctx, ask, more)).await?;
    }
    if ask.status == Status::Active {
        release_parked(app, ctx, ask.user).await?;
    }
    Ok(done)
}

async fn plan(app: &App, ctx: &Ctx, ask: &SetStatus, held: &[RewardId]) -> Result<(User, Tx), Error> {
    must_be_another(ask.user, ask.admin)?;
    let user = app.store.get::<User>(&User::key(ask.user)).await?.ok_or(Refusal::NotFound)?;
    if user.status == Status::Erased {
        return Err(Refusal::AccountErased.into());
    }
    let mut tx = app.tx();
    let mut after = User { status: ask.status, ..User::clone(&user) };
    if user.status != ask.status {
        if ask.status == Status::Blocked {
            after = after.without_sessions();
        }
        tx.replace(&user, &after);
        tell_codes(app, &after, &mut tx).await?;
        let audit = by_admin(app, ctx, ask.admin, "user.status_set", user.id.to_string());
        let audit = audit.change(user.status.as_str(), ask.status.as_str());
        tx.insert(&audit.because(ask.reason.clone()));
    } else if !held.is_empty() {
        tx.unchanged(&user);
    }
    for reward in held {
        tx.send(Message::RewardRetried { reward: *reward, beneficiary: user.id });
    }
    Ok((after, tx))
}

async fn held(app: &App, user: UserId) -> Result<Vec<RewardId>, Fault> {
    let mut ask = Query::newest(Index::Owner, owned_by("REWARDS", user), 100);
    let mut held = Vec::new();
    loop {
        let page = app.store.list::<Reward>(&ask).await?;
        let waiting = page.items.iter().filter(|reward| reward.state == RewardState::Held);
        held.extend(waiting.map(|reward: &Versioned<Reward>| reward.id));
        match page.next {
            Some(next) => ask.after = Some(next),
            None => return Ok(held),
        }
    }
}
