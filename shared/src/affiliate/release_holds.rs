//! Releases commission holds (R6.4): moves the remaining amount from pending to available.
//!
//! A hold ends by time; the release is journaled lazily, by the user's next withdrawal or by the job. Overdue holds are read
//! consistently from the table itself, and each release is one conditional write. The commission of a blocked user stays
//! pending: the job parks its holds, and their activation releases them (R2.8). What a case holds by then waits for its decision, and what
//! a case rejected is taken back (R10.2).

use std::collections::BTreeMap;

use crate::account::model::identity::Status;
use crate::account::model::user::User;
use crate::affiliate::accrual::{AccrualState, by_worker};
use crate::affiliate::model::commission::{Commission, CommissionAccount, CommissionHold};
use crate::affiliate::reverse_commission::reject_held;
use crate::affiliate::table::COMMISSION;
use crate::affiliate::table::maturing;
use crate::app::App;
use crate::payment::expire::{ExpiryReport, due, each};
use crate::risk::model::case::{CaseState, HeldCommission, RiskCase};
use kernel::fault::{Error, Fault};
use kernel::id::{JournalId, UserId};
use table::context::Ctx;
use table::item::Versioned;
use table::key::{Key, due_until};
use table::store::{Index, Query};
use table::tx::Tx;

/// Maximum commissions of one transaction; each writes three items, and one that is held for a case relies on that, too.
const TOGETHER: usize = 20;

/// Releases a user's overdue holds and returns their number.
///
/// # Errors
/// A fault; earlier releases of this call stay.
pub async fn mature(app: &App, ctx: &Ctx, user: UserId) -> Result<usize, Error> {
    let mut matured = 0_usize;
    loop {
        let (some, rejected) = app.execute(&ctx.unkeyed(), || plan(app, ctx, user)).await?.answer;
        matured = matured.saturating_add(some);
        // Nothing is left of these, so they end with the next part.
        for (held, reason) in &rejected {
            reject_held(app, ctx, held, reason.clone()).await?;
        }
        if some < TOGETHER && rejected.is_empty() {
            return Ok(matured);
        }
    }
}

/// Lists a user's overdue holds, earliest first.
///
/// # Errors
/// A fault when the database cannot be reached.
pub async fn overdue(app: &App, user: UserId) -> Result<Vec<Versioned<CommissionHold>>, Fault> {
    let limit = i32::try_from(TOGETHER).unwrap_or(i32::MAX);
    let ask = Query { list: Index::Table, ..Query::due(maturing(user), due_until(app.clock.now()), limit) };
    Ok(app.store.list::<CommissionHold>(&ask).await?.items)
}

/// Number of ended holds, and commissions that a case rejected, with the reason.
type Ended = (usize, Vec<(HeldCommission, String)>);

async fn plan(app: &App, ctx: &Ctx, user: UserId) -> Result<(Ended, Tx), Error> {
    let mut tx = app.tx();
    let waiting = overdue(app, user).await?;
    if waiting.is_empty() {
        return Ok((Ended::default(), tx));
    }
    if !is_active(app, user).await? {
        return Ok((Ended::default(), park(app, user).await?));
    }
    let settled = matured(app, ctx, user, &waiting).await?;
    settled.write(&mut tx);
    let is_rejected = |hold: &&Versioned<CommissionHold>| settled.case_of(hold.order) == Some(CaseState::Rejected);
    let (rejected, ended): (Vec<_>, Vec<_>) = waiting.iter().partition(is_rejected);
    for hold in &ended {
        tx.remove(hold);
    }
    if !tx.is_empty() {
        // Conflict with a concurrent decision, whose message releases what it finds held.
        settled
            .cases
            .values()
            .filter(|case| case.state == CaseState::Held)
            .for_each(|case| tx.unchanged(case).or_retry());
    }
    Ok(((ended.len(), rejected.iter().filter_map(|hold| settled.rejection(hold.order)).collect()), tx))
}

async fn is_active(app: &App, user: UserId) -> Result<bool, Fault> {
    let user = app.store.get::<User>(&User::key(user)).await?;
    Ok(user.is_some_and(|user| user.status == Status::Active))
}

/// Takes some of a blocked user's overdue holds out of the due list and marks their commissions as held.
async fn park(app: &App, user: UserId) -> Result<Tx, Fault> {
    let overdue = Query { list: Index::Table, ..Query::due(maturing(user), due_until(app.clock.now()), 100) };
    let waiting = app.store.all::<CommissionHold>(overdue).await?;
    Ok(set_parked(app, &waiting, true).await?.1)
}

/// Releases what was held while the user was blocked: puts their holds back into the due list and ends the overdue ones.
///
/// # Errors
/// A fault; earlier releases of this call stay.
pub async fn release_parked(app: &App, ctx: &Ctx, user: UserId) -> Result<(), Error> {
    loop {
        let some = app.execute(&ctx.unkeyed(), || plan_unpark(app, user)).await?.answer;
        if some < TOGETHER {
            break;
        }
    }
    mature(app, ctx, user).await.map(|_| ())
}

async fn plan_unpark(app: &App, user: UserId) -> Result<(usize, Tx), Error> {
    if !is_active(app, user).await? {
        return Ok((0, app.tx()));
    }
    let waiting = app.store.all::<CommissionHold>(Query::newest(Index::Table, maturing(user), 100)).await?;
    Ok(set_parked(app, &waiting, false).await?)
}

/// Parks or unparks some holds with their commissions; returns the number of holds.
async fn set_parked(app: &App, waiting: &[Versioned<CommissionHold>], parked: bool) -> Result<(usize, Tx), Fault> {
    let mut tx = app.tx();
    let some: Vec<_> = waiting.iter().filter(|hold| hold.parked != parked).take(TOGETHER).collect();
    for hold in &some {
        tx.replace(hold, &CommissionHold { parked, ..CommissionHold::clone(hold) });
        let found = app.store.get::<Commission>(&Commission::key(Commission::id_of(hold.order))).await?;
        if let Some(found) = found.filter(|found| found.withheld != parked) {
            tx.replace(&found, &Commission { withheld: parked, ..Commission::clone(&found) });
        }
    }
    Ok((some.len(), tx))
}

/// Returns a user's account and commissions with the holds in `waiting` released.
///
/// # Errors
/// A fault when the database cannot be reached or amounts do not add up.
pub(crate) async fn matured(
    app: &App,
    ctx: &Ctx,
    user: UserId,
    waiting: &[Versioned<CommissionHold>],
) -> Result<AccrualState, Fault> {
    let commissions: BTreeMap<_, _> =
        waiting.iter().map(|one| (one.order, Commission::key(Commission::id_of(one.order)))).collect();
    let (account, mut commissions) = app.store.read((CommissionAccount::key(user), commissions)).await?;
    let mut settled = AccrualState { accounts: BTreeMap::new(), ..AccrualState::default() };
    if let Some(account) = account {
        settled.now.accounts.insert(user, *account);
        settled.accounts.insert(user, account);
    }
    let invitees = commissions.values().map(|one| (one.invitee, RiskCase::key(one.invitee))).collect();
    settled.cases = app.store.read::<BTreeMap<UserId, Key<RiskCase>>>(invitees).await?;
    for one in waiting {
        if let Some(found) = commissions.remove(&one.order) {
            settled.now.commissions.insert(one.order, Commission::clone(&found));
            settled.commissions.insert(one.order, found);
        }
        match settled.case_of(one.order) {
            Some(CaseState::Held) => {
                settled.now.review(one.order).map_err(Fault::bug)?;
                continue;
            }
            Some(CaseState::Rejected) => continue,
            Some(CaseState::Flagged | CaseState::Released) | None => {}
        }
        let by = by_worker(app, &ctx.request_id);
        let moved = settled.now.mature(one.order, &by, JournalId::new(app.ulid()));
        moved.map_err(Fault::bug)?;
    }
    Ok(settled)
}

/// Releases all overdue holds, user by user.
///
/// If a run is missed or cut short, the next one continues.
///
/// # Errors
/// A fault when the due list cannot be read.
pub async fn mature_commissions(app: &App, ctx: &Ctx) -> Result<ExpiryReport, Fault> {
    let mut users = due(app, COMMISSION, UserId::parse).await?;
    users.dedup();
    Ok(each(users, async |user| Ok(mature(app, ctx, user).await? > 0)).await.into())
}
