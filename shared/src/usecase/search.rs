//! Searching: the operator's lists with their filters (R3.10, R4.12, R9.3). All stand on [`super::listing`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::listing::{Source, Walk, walk};
use super::session::email_hash;
use crate::app::App;
use crate::domain::access::EmailClaim;
use crate::domain::audit_record::AuditRecord;
use crate::domain::commission::{Commission, CommissionState};
use crate::domain::id::UserId;
use crate::domain::identity::Email;
use crate::domain::ledger::{Posting, Record, RecordType};
use crate::domain::order::{Order, OrderStatus, Provider};
use crate::domain::reconciliation::{Difference, Differences, Reconciliation};
use crate::domain::referral::{Reward, RewardState, Side};
use crate::domain::review::{Review, ReviewState};
use crate::domain::user::User;
use crate::domain::withdrawal::{Withdrawal, WithdrawalState};
use crate::fault::Fault;
use crate::store::key::{DIFFERENCES, Key, POSTINGS, SHARDS, affiliate, due_shard, owned_by, reconciliations_of};
use crate::store::{Ask, List, Page, Position};

/// A page that is asked for, and the time it is about.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Not after.
    pub to: Option<Timestamp>,
    /// Most rows.
    pub limit: i32,
    /// Where the page before ended.
    pub after: Option<Position>,
}

impl Window {
    /// The walk that reads this page of a list; `filtered` when filters leave items out.
    pub(in crate::usecase) fn walk(&self, source: Source, filtered: bool) -> Walk {
        let filtered = filtered || self.from.is_some() || self.to.is_some();
        Walk { source, filtered, from: self.from, to: self.to, limit: self.limit, after: self.after.clone() }
    }

    /// An item of this time, if the window holds it.
    pub(super) fn only<T: Clone>(&self, at: Timestamp, item: &T) -> Vec<T> {
        only(self.holds(at), item)
    }

    /// Whether it holds a time.
    pub(super) fn holds(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at <= to)
    }
}

fn fits<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
    wanted.is_none_or(|wanted| found == Some(wanted))
}

/// An item, if it fits.
pub(super) fn only<T: Clone>(fits: bool, item: &T) -> Vec<T> {
    fits.then(|| item.clone()).into_iter().collect()
}

fn nothing<T>() -> Page<T> {
    Page { items: Vec::new(), next: None }
}

/// Whose account an e-mail is.
///
/// # Errors
/// When the database can't be reached.
pub async fn by_email(app: &App, email: &Email) -> Result<Option<UserId>, Fault> {
    let claim = app.store.get::<EmailClaim>(&Key::email(&email_hash(app, email))).await?;
    Ok(claim.map(|claim| claim.user))
}

/// The accounts of some ids, those that are there.
///
/// # Errors
/// When the database can't be reached.
pub async fn users_of(app: &App, ids: impl IntoIterator<Item = UserId>) -> Result<BTreeMap<UserId, User>, Fault> {
    app.store.named(ids.into_iter().map(|id| (id, Key::user(id))).collect()).await
}

/// Users: the one with an e-mail, or all, newest first.
///
/// # Errors
/// When the database can't be reached.
pub async fn users(app: &App, email: Option<&Email>, window: &Window) -> Result<Page<User>, Fault> {
    let Some(email) = email else {
        let all = window.walk(Source::Platform("USERS"), false);
        return walk(app, &all, |user: &User| only(window.holds(user.created_at), user)).await;
    };
    let Some(id) = by_email(app, email).await? else { return Ok(nothing()) };
    let user = app.store.get::<User>(&Key::user(id)).await?;
    Ok(Page { items: user.into_iter().map(|user| user.into_inner()).collect(), next: None })
}

/// Which records.
#[derive(Debug, Clone, Default)]
pub struct RecordFilter {
    /// Whose.
    pub user: Option<UserId>,
    /// Those of the commission account, when it is one user's; of nobody in particular both accounts' are shown.
    pub of_commission: bool,
    /// Of this type.
    pub kind: Option<RecordType>,
    /// That belong to this order, reward or code.
    pub related_id: Option<String>,
}

/// Records of all accounts, with whose they are.
///
/// # Errors
/// When the database can't be reached.
pub async fn records(app: &App, filter: &RecordFilter, window: &Window) -> Result<Page<(UserId, Record)>, Fault> {
    let source = match filter.user {
        Some(user) if filter.of_commission => Source::Own(affiliate(user), POSTINGS),
        Some(user) => Source::Own(Key::user(user).pk, POSTINGS),
        None => Source::Platform("POSTINGS"),
    };
    let filtered = filter.kind.is_some() || filter.related_id.is_some();
    walk(app, &window.walk(source, filtered), |posting: &Posting| {
        let Some(user) = posting.user().filter(|_| window.holds(posting.header.at)) else { return Vec::new() };
        let mut records = posting.records();
        records.retain(|record| {
            fits(filter.kind.as_ref(), Some(&record.kind))
                && fits(filter.related_id.as_ref(), record.related_id.as_ref())
        });
        records.into_iter().rev().map(|record| (user, record)).collect()
    })
    .await
}

/// Which referrals or rewards.
#[derive(Debug, Clone, Default)]
pub struct ReferralFilter {
    /// Of whose invitees.
    pub inviter: Option<UserId>,
    /// Only qualified invitees, or only others.
    pub qualified: Option<bool>,
    /// Rewards in this state.
    pub state: Option<RewardState>,
}

/// Referrals: the users that somebody invited (R3.10).
///
/// # Errors
/// When the database can't be reached.
pub async fn referrals(app: &App, filter: &ReferralFilter, window: &Window) -> Result<Page<User>, Fault> {
    let source = match filter.inviter {
        Some(inviter) => Source::Owned(owned_by("INVITEES", inviter)),
        None => Source::Platform("USERS"),
    };
    let filtered = filter.inviter.is_none() || filter.qualified.is_some();
    walk(app, &window.walk(source, filtered), |user: &User| {
        let Some(bond) = &user.attribution else { return Vec::new() };
        let qualified = bond.qualifies();
        only(fits(filter.qualified.as_ref(), Some(&qualified)) && window.holds(bond.bound_at), user)
    })
    .await
}

/// Rewards of the referral programme; of an inviter those of the inviter's side.
///
/// # Errors
/// When the database can't be reached.
pub async fn rewards(app: &App, filter: &ReferralFilter, window: &Window) -> Result<Page<Reward>, Fault> {
    let source = match filter.inviter {
        Some(inviter) => Source::Owned(owned_by("REWARDS", inviter)),
        None => Source::Platform("REWARDS"),
    };
    let filtered = filter.inviter.is_some() || filter.state.is_some();
    walk(app, &window.walk(source, filtered), |reward: &Reward| {
        let of_inviter = filter.inviter.is_none() || reward.side == Side::Inviter;
        let fitting = of_inviter && fits(filter.state.as_ref(), Some(&reward.state));
        only(fitting && window.holds(reward.created_at), reward)
    })
    .await
}

/// Which orders.
#[derive(Debug, Clone, Default)]
pub struct OrderFilter {
    /// In this state.
    pub status: Option<OrderStatus>,
    /// By this provider.
    pub provider: Option<Provider>,
    /// By this method.
    pub method: Option<String>,
    /// Of this user.
    pub user: Option<UserId>,
    /// Of the user with this e-mail.
    pub email: Option<Email>,
}

/// Orders by their creation (R4.12).
///
/// # Errors
/// When the database can't be reached.
pub async fn orders(app: &App, filter: &OrderFilter, window: &Window) -> Result<Page<Order>, Fault> {
    let mut user = filter.user;
    if let Some(email) = &filter.email {
        let found = by_email(app, email).await?;
        if found.is_none() || user.is_some_and(|user| found != Some(user)) {
            return Ok(nothing());
        }
        user = found;
    }
    let source = match user {
        Some(user) => Source::Owned(owned_by("ORDERS", user)),
        None => Source::Platform("ORDERS"),
    };
    let filtered = filter.status.is_some() || filter.provider.is_some() || filter.method.is_some();
    walk(app, &window.walk(source, filtered), |order: &Order| {
        let fitting = fits(filter.status.as_ref(), Some(&order.status))
            && fits(filter.provider.as_ref(), Some(&order.provider))
            && fits(filter.method.as_ref(), Some(&order.method));
        only(fitting && window.holds(order.created_at), order)
    })
    .await
}

/// How many orders are pending: those that stand in the list of what expires, as nothing is counted when an order is made.
///
/// # Errors
/// When the database can't be reached.
pub async fn pending_orders(app: &App) -> Result<usize, Fault> {
    let mut pending = 0_usize;
    for shard in 0..SHARDS {
        let mut ask = Ask::newest(List::Due, due_shard("order", shard), 1_000);
        loop {
            let page = app.store.list_items(&ask).await?;
            pending = pending.saturating_add(page.items.len());
            match page.next {
                Some(next) => ask.after = Some(next),
                None => break,
            }
        }
    }
    Ok(pending)
}

/// The review queue (R4.5).
///
/// # Errors
/// When the database can't be reached.
pub async fn reviews(app: &App, state: Option<ReviewState>, window: &Window) -> Result<Page<Review>, Fault> {
    walk(app, &window.walk(Source::Platform("REVIEWS"), state.is_some()), |review: &Review| {
        only(fits(state.as_ref(), Some(&review.state)) && window.holds(review.created_at), review)
    })
    .await
}

/// The daily reports about the providers' books (R4.10), by their day.
///
/// # Errors
/// When the database can't be reached.
pub async fn reconciliations(app: &App, window: &Window) -> Result<Page<Reconciliation>, Fault> {
    walk(app, &window.walk(Source::Platform("RECONCILIATIONS"), false), |report: &Reconciliation| {
        only(window.holds(report.day()), report)
    })
    .await
}

/// A day's reports, and a page of the payments that differ, a row for each with its provider.
///
/// # Errors
/// When the database can't be reached.
pub async fn reconciliation(
    app: &App,
    date: Date,
    window: &Window,
) -> Result<(Vec<Reconciliation>, Page<(Provider, Difference)>), Fault> {
    let keys = Provider::ALL.map(|provider| Key::reconciliation(date, provider.as_str()));
    let mut batch = app.store.get_many(&keys).await?;
    let reports = keys.iter().map(|key| batch.take::<Reconciliation>(key)).collect::<Result<Vec<_>, _>>()?;
    let reports = reports.into_iter().flatten().map(|report| report.into_inner()).collect();
    let all = window.walk(Source::Own(reconciliations_of(date), DIFFERENCES), true);
    let lines =
        walk(app, &all, |page: &Differences| page.lines.iter().map(|line| (page.provider, line.clone())).collect())
            .await?;
    Ok((reports, lines))
}

/// Which commissions.
#[derive(Debug, Clone, Default)]
pub struct CommissionFilter {
    /// Whose.
    pub beneficiary: Option<UserId>,
    /// In this state.
    pub state: Option<CommissionState>,
}

/// Commissions (R6.7).
///
/// # Errors
/// When the database can't be reached.
pub async fn commissions(app: &App, filter: &CommissionFilter, window: &Window) -> Result<Page<Commission>, Fault> {
    let source = match filter.beneficiary {
        Some(user) => Source::Owned(owned_by("COMMISSIONS", user)),
        None => Source::Platform("COMMISSIONS"),
    };
    let now = app.clock.now();
    walk(app, &window.walk(source, filter.state.is_some()), |commission: &Commission| {
        let fitting = fits(filter.state.as_ref(), Some(&commission.state(now)));
        only(fitting && window.holds(commission.created_at), commission)
    })
    .await
}

/// Which withdrawals.
#[derive(Debug, Clone, Default)]
pub struct WithdrawalFilter {
    /// Whose.
    pub user: Option<UserId>,
    /// In this state.
    pub state: Option<WithdrawalState>,
}

/// Withdrawals (R6.7).
///
/// # Errors
/// When the database can't be reached.
pub async fn withdrawals(app: &App, filter: &WithdrawalFilter, window: &Window) -> Result<Page<Withdrawal>, Fault> {
    let source = match filter.user {
        Some(user) => Source::Owned(owned_by("WITHDRAWALS", user)),
        None => Source::Platform("WITHDRAWALS"),
    };
    walk(app, &window.walk(source, filter.state.is_some()), |withdrawal: &Withdrawal| {
        let fitting = fits(filter.state.as_ref(), Some(&withdrawal.state));
        only(fitting && window.holds(withdrawal.created_at), withdrawal)
    })
    .await
}

/// Which audit records.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// By whom: `admin:usr_…`, or the bare id of the admin.
    pub actor: Option<String>,
    /// About what.
    pub subject: Option<String>,
}

/// Audit records (R9.3).
///
/// # Errors
/// When the database can't be reached.
pub async fn audits(app: &App, filter: &AuditFilter, window: &Window) -> Result<Page<AuditRecord>, Fault> {
    let filtered = filter.actor.is_some() || filter.subject.is_some();
    walk(app, &window.walk(Source::Platform("AUDITS"), filtered), |record: &AuditRecord| {
        let bare = record.actor.strip_prefix("admin:").unwrap_or(&record.actor);
        let by = filter.actor.as_deref().is_none_or(|actor| actor == record.actor || actor == bare);
        only(by && fits(filter.subject.as_ref(), Some(&record.subject)) && window.holds(record.at), record)
    })
    .await
}
