//! An admin blocks an account or makes it active again (R2.8).
//!
//! Blocked: no sign-in or refresh, no writes, its codes bind nothing, rewards are held, money stays. The items of its codes say it
//! too, so that a sign-up need not read their owner. Made active again, the rewards that were held are tried again.

use crate::account::model::identity::Status;
use crate::account::model::user::User;
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

/// Most messages of one transaction, so that its outbox item stays far below the size an item may have.
const TOGETHER: usize = 500;

/// What is to be set.
#[derive(Debug, Clone)]
pub struct SetStatus {
    /// Whose account.
    pub user: UserId,
    /// [`Status::Active`] or [`Status::Blocked`].
    pub status: Status,
    /// Why.
    pub reason: String,
    /// Who.
    pub admin: UserId,
}

/// Sets an account's state. Setting `active` again tries rewards again that are still held: the list of them may be a moment old.
///
/// # Refuses
/// [`Refusal::NotFound`]; [`Refusal::AccountErased`]; [`Refusal::Forbidden`] for one's own: nobody locks themselves out.
pub async fn set_status(app: &App, ctx: &Ctx, ask: &SetStatus) -> Result<Answered<User>, Error> {
    let held = if ask.status == Status::Active { held(app, ask.user).await? } else { Vec::new() };
    let mut chunks = held.chunks(TOGETHER);
    let first = chunks.next().unwrap_or_default();
    let done = app.execute(ctx, || plan(app, ctx, ask, first)).await?;
    for more in chunks {
        app.execute(ctx, || plan(app, ctx, ask, more)).await?;
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
    let after = User { status: ask.status, ..User::clone(&user) };
    if user.status != ask.status {
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
