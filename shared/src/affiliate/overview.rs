//! Queries of the affiliate programme, as its users see it (R6.7): terms, totals, commissions.

use crate::account::model::identity::Status;
use std::sync::Arc;

use crate::account::model::user::{AffiliatePolicy, User};
use crate::affiliate::model::commission::{Commission, CommissionAccount};
use crate::affiliate::model::settings::AffiliateSettings;
use crate::affiliate::release_holds::{matured, overdue};
use crate::app::App;
use crate::operations::search::{CommissionFilter, commissions as search, users_of};
use crate::referral::invite_code::{Shown, active};
use crate::referral::model::counts::ReferralCounts;
use crate::referral::overview::mask;
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::money::LedgerMoney;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::list::Window;
use table::store::Page;

/// Overview of the affiliate programme for a user.
#[derive(Debug, Clone)]
pub struct AffiliateOverview {
    /// Terms of the user as an inviter.
    pub policy: AffiliatePolicy,
    /// Commission account, with all overdue holds released.
    pub account: CommissionAccount,
    /// Total of all commission ever earned.
    pub earned: LedgerMoney,
    /// Number of users who signed up with the user's codes.
    pub invitees: u64,
    /// Active codes.
    pub codes: Vec<Shown>,
    /// Programme that orders and withdrawals made now follow.
    pub programme: Arc<AffiliateSettings>,
}

/// Reads the overview for `user`.
///
/// Writes nothing: overdue holds are shown as released, except those of a blocked user.
///
/// # Errors
/// A fault when the database cannot be reached or an item does not decode.
pub async fn overview(app: &App, user: UserId) -> Result<AffiliateOverview, Error> {
    app.view(|| read_overview(app, user)).await
}

async fn read_overview(app: &App, user: UserId) -> Result<AffiliateOverview, Error> {
    let keys = (User::key(user), ReferralCounts::key(user), CommissionAccount::key(user));
    let (found, waiting) = tokio::join!(app.store.read(keys), overdue(app, user));
    let ((owner, counts, account), waiting) = (found?, waiting?);
    let owner = owner.ok_or(Refusal::Unauthenticated)?;
    let mut account = account.map(|account| *account);
    if owner.status == Status::Active && !waiting.is_empty() {
        account = matured(app, &Ctx::system(), user, &waiting).await?.now.accounts.remove(&user);
    }
    let currency = owner.accounts.balance().currency();
    let account = account.unwrap_or_else(|| CommissionAccount::none(user, currency));
    let earned = account.earned()?;
    let codes = active(app, &owner).await?;
    let invitees = counts.map_or(0, |counts| counts.invitees);
    let programme = app.settings::<AffiliateSettings>().await?.settings;
    Ok(AffiliateOverview { policy: owner.affiliate, account, earned, invitees, codes, programme })
}

/// Lists one page of a user's commissions, newest first, with the invitees' masked e-mails.
///
/// # Errors
/// A fault when the database cannot be reached or an item does not decode.
pub async fn commissions(app: &App, user: UserId, window: &Window) -> Result<Page<(Commission, String)>, Fault> {
    let own = CommissionFilter { beneficiary: Some(user), ..CommissionFilter::default() };
    let page = search(app, &own, window).await?;
    let invitees = users_of(app, page.items.iter().map(|commission| commission.invitee)).await?;
    let with = |of: Commission| {
        let email = invitees.get(&of.invitee).map(mask).unwrap_or_default();
        (of, email)
    };
    Ok(Page { items: page.items.into_iter().map(with).collect(), next: page.next })
}
