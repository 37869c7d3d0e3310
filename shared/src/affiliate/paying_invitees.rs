//! Invitees who have to have paid before the first cash withdrawal (R6.9).

use crate::account::model::user::User;
use crate::affiliate::model::withdrawal::{Withdrawal, WithdrawalState};
use crate::app::App;
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::refusal::Refusal;
use table::item::Entity;
use table::key::owned_by;
use table::store::{Index, Query};

/// Items of one page.
const PAGE: i32 = 100;
/// Most pages of a list that are read: only the newest 5,000 invitees are looked at.
const PAGES: usize = 50;

/// Requires `needed` invitees whose online payments, less refunds, are above zero.
///
/// Nothing is required any more once a cash withdrawal of the user was paid. What was reported as a purchase elsewhere counts too.
/// The lists may lag behind by a moment; no amount depends on them.
///
/// # Rejects
/// [`Refusal::TooFewPayingInvitees`] with the numbers.
pub async fn must_have_paying_invitees(app: &App, user: UserId, needed: u32) -> Result<(), Error> {
    if needed == 0 || is_paid_before(app, user).await? {
        return Ok(());
    }
    let has_paid =
        |invitee: &User| invitee.attribution.as_ref().is_some_and(|referral| referral.online_total.is_positive());
    let paying = count(app, "INVITEES", user, needed, has_paid).await?;
    if paying < needed { Err(Refusal::TooFewPayingInvitees { paying, needed }.into()) } else { Ok(()) }
}

/// Tests whether a cash withdrawal of the user was paid.
async fn is_paid_before(app: &App, user: UserId) -> Result<bool, Fault> {
    let is_paid = |one: &Withdrawal| one.state == WithdrawalState::Paid;
    Ok(count(app, "WITHDRAWALS", user, 1, is_paid).await? > 0)
}

/// Counts what fits in a user's list, newest first, up to `enough`.
async fn count<T: Entity>(
    app: &App,
    list: &str,
    user: UserId,
    enough: u32,
    fits: impl Fn(&T) -> bool,
) -> Result<u32, Fault> {
    let mut ask = Query::newest(Index::Owner, owned_by(list, user), PAGE);
    let mut found = 0_u32;
    for _ in 0..PAGES {
        let page = app.store.list::<T>(&ask).await?;
        let fitting = page.items.iter().filter(|item| fits(item)).fold(0_u32, |sum, _| sum.saturating_add(1));
        found = found.saturating_add(fitting);
        if found >= enough || page.next.is_none() {
            break;
        }
        ask.after = page.next;
    }
    Ok(found.min(enough))
}
