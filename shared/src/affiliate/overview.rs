//! Queries of the affiliate programme, as its users see it (R6.7): terms, totals, commissions.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::account::model::identity::Status;
use crate::account::model::user::{AffiliatePolicy, User};
use crate::affiliate::model::commission::{Commission, CommissionAccount, CommissionHold};
use crate::affiliate::model::settings::AffiliateSettings;
use crate::affiliate::release_holds::{matured, overdue};
use crate::app::App;
use crate::operations::search::{CommissionFilter, commissions as search, users_of};
use crate::referral::invite_code::{Shown, active_keys, found_codes};
use crate::referral::model::counts::ReferralCounts;
use crate::referral::model::referral::ActiveCodes;
use crate::referral::overview::mask;
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::money::LedgerMoney;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::item::Versioned;
use table::key::{Key, owned_by};
use table::list::Window;
use table::read::Keys;
use table::store::{Index, Page, Query, after};

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
    let (found, waiting) = tokio::join!(app.store.read((User::key(user), own_keys(user))), overdue(app, user));
    let ((owner, own), waiting) = (found?, waiting?);
    let owner = owner.ok_or(Refusal::Unauthenticated)?;
    Ok(overview_of(app, &owner, own, &waiting, []).await?.0)
}

/// Keys of what a user's overview is made of, beside the user.
pub type OwnKeys = (Key<ReferralCounts>, Key<CommissionAccount>, Key<ActiveCodes>);

/// Returns the keys of what a user's overview is made of, for one read together with the user.
pub fn own_keys(user: UserId) -> OwnKeys {
    (ReferralCounts::key(user), CommissionAccount::key(user), ActiveCodes::key(user))
}

/// Makes the overview of a user who was read with [`own_keys`], and reads `others` in the call that reads the codes.
///
/// # Errors
/// A fault when the database cannot be reached, an item does not decode, or the holds in `waiting` were released meanwhile.
pub async fn overview_of(
    app: &App,
    owner: &User,
    own: <OwnKeys as Keys>::Found,
    waiting: &[Versioned<CommissionHold>],
    others: impl IntoIterator<Item = UserId>,
) -> Result<(AffiliateOverview, BTreeMap<UserId, Versioned<User>>), Error> {
    let (counts, account, listed) = own;
    let others: BTreeMap<UserId, Key<User>> = others.into_iter().map(|id| (id, User::key(id))).collect();
    let keys = (active_keys(owner, listed.as_deref()), others);
    let account = account.map(|account| *account);
    let (found, account) = tokio::join!(app.store.read(keys), released(app, owner, account, waiting));
    let ((codes, others), account) = (found?, account?);
    let account = account.unwrap_or_else(|| CommissionAccount::none(owner.id, owner.accounts.balance().currency()));
    let overview = AffiliateOverview {
        policy: owner.affiliate,
        earned: account.earned()?,
        account,
        invitees: counts.map_or(0, |counts| counts.invitees),
        codes: found_codes(app, codes).await?,
        programme: app.settings::<AffiliateSettings>().await?.settings,
    };
    Ok((overview, others))
}

/// Account of an active user with the holds in `waiting` released; as it is for others.
async fn released(
    app: &App,
    owner: &User,
    account: Option<CommissionAccount>,
    waiting: &[Versioned<CommissionHold>],
) -> Result<Option<CommissionAccount>, Fault> {
    if owner.status != Status::Active || waiting.is_empty() {
        return Ok(account);
    }
    Ok(matured(app, &Ctx::system(), owner.id, waiting).await?.now.accounts.remove(&owner.id))
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

/// Newest commissions of a user: a page of them, and those that a chart sums.
#[derive(Debug)]
pub struct RecentCommissions {
    pub page: Page<Commission>,
    /// The commissions of the page and older ones, newest first.
    pub all: Vec<Commission>,
    /// True if there are no older ones.
    pub is_whole: bool,
}

/// Most commissions that a chart sums.
const CHARTED: i32 = 400;

/// Reads a user's newest commissions in one call; the page has the first `rows` of them.
///
/// # Errors
/// A fault when the database cannot be reached or an item does not decode.
pub async fn recent_commissions(app: &App, user: UserId, rows: usize) -> Result<RecentCommissions, Fault> {
    let newest = Query::newest(Index::Owner, owned_by("COMMISSIONS", user), CHARTED);
    let found = app.store.list::<Commission>(&newest).await?;
    let all: Vec<Commission> = found.items.into_iter().map(Versioned::into_inner).collect();
    let last = rows.checked_sub(1).and_then(|last| all.get(last)).filter(|_| all.len() > rows);
    let next = last.and_then(|last| after(Index::Owner, last));
    Ok(RecentCommissions {
        page: Page { items: all.iter().take(rows).cloned().collect(), next },
        all,
        is_whole: found.next.is_none(),
    })
}
