//! The operator's lists with their filters (R3.10, R4.12, R9.3), all by [`table::list`].

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::account::model::access::EmailClaim;
use crate::account::model::identity::Email;
use crate::account::model::user::User;
use crate::account::session::email_hash;
use crate::account::table::USERS;
use crate::affiliate::model::commission::{Commission, CommissionState};
use crate::affiliate::model::withdrawal::{Withdrawal, WithdrawalState};
use crate::affiliate::table::affiliate;
use crate::affiliate::table::{COMMISSIONS, WITHDRAWALS};
use crate::app::App;
use crate::operations::model::audit_record::AuditRecord;
use crate::operations::table::AUDITS;
use crate::payment::model::coupon::CouponCode;
use crate::payment::model::order::{Order, OrderStatus};
use crate::payment::model::payment::Payment;
use crate::payment::model::reconciliation::{Differences, PaymentDifference, Reconciliation};
use crate::payment::model::review::{Review, ReviewState};
use crate::payment::table::{DIFFERENCES, OPEN, reconciliations_of};
use crate::payment::table::{ORDERS, RECONCILIATIONS, REVIEWS};
use crate::referral::model::referral::{Invite, Reward, RewardState, Side};
use crate::referral::table::REWARDS;
use futures_util::future::try_join_all;
use kernel::fault::Fault;
use kernel::id::{ShopId, UserId};
use kernel::ledger::{JournalEntry, RecordType, StatementLine};
use kernel::provider::Provider;
use table::item::{Item, text};
use table::key::{Key, owned_by};
use table::ledger::{JOURNAL_ENTRIES, POSTINGS};
use table::list::{ListSource, Window, only, walk};
use table::store::{Index, Page, Query};

fn fits<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
    wanted.is_none_or(|wanted| found == Some(wanted))
}

fn nothing<T>() -> Page<T> {
    Page { items: Vec::new(), next: None }
}

/// Finds the account with an e-mail.
///
/// # Errors
/// The database can't be reached.
pub async fn by_email(app: &App, email: &Email) -> Result<Option<UserId>, Fault> {
    let claim = app.store.get::<EmailClaim>(&EmailClaim::key(&email_hash(app, email))).await?;
    Ok(claim.map(|claim| claim.user))
}

/// Reads the existing accounts among some ids.
///
/// # Errors
/// The database can't be reached.
pub async fn users_of(app: &App, ids: impl IntoIterator<Item = UserId>) -> Result<BTreeMap<UserId, User>, Fault> {
    app.store.named(ids.into_iter().map(|id| (id, User::key(id))).collect()).await
}

/// Filter of users.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// E-mail of the one user.
    pub email: Option<Email>,
    /// Beginning of the users' e-mails, in lower case.
    pub begins: Option<String>,
    /// Invite code of the one user, in stored form.
    pub invite: Option<String>,
}

/// Finds the account that an invite code invites for, active or not.
///
/// # Errors
/// The database can't be reached.
pub async fn by_invite(app: &App, code: &str) -> Result<Option<UserId>, Fault> {
    Ok(app.store.get::<Invite>(&Invite::key(code)).await?.map(|invite| invite.owner))
}

/// Lists users, newest first, or the one with an e-mail.
///
/// # Errors
/// The database can't be reached.
pub async fn users(app: &App, filter: &UserFilter, window: &Window) -> Result<Page<User>, Fault> {
    let begins = |user: &User| {
        let email = user.email.as_ref().map(|email| email.as_str().to_lowercase()).unwrap_or_default();
        filter.begins.as_ref().is_none_or(|begin| email.starts_with(begin))
    };
    let (email, invite) = match (&filter.email, &filter.invite) {
        (None, None) => {
            let all = window.walk(ListSource::Platform(USERS), filter.begins.is_some());
            return walk(app, &all, |user: &User| only(begins(user) && window.holds(user.created_at), user)).await;
        }
        (Some(email), None) => (by_email(app, email).await?, None),
        (None, Some(code)) => (None, by_invite(app, code).await?),
        (Some(email), Some(code)) => {
            let both = tokio::try_join!(by_email(app, email), by_invite(app, code))?;
            if both.0 != both.1 { (None, None) } else { both }
        }
    };
    let Some(id) = email.or(invite) else { return Ok(nothing()) };
    let user = app.store.get::<User>(&User::key(id)).await?;
    let found = user.into_iter().map(|user| user.into_inner()).filter(begins);
    Ok(Page { items: found.collect(), next: None })
}

/// Filter of statement lines.
#[derive(Debug, Clone, Default)]
pub struct RecordFilter {
    /// Account owner.
    pub user: Option<UserId>,
    /// True for the user's commission account, else the balance and its debt.
    ///
    /// Without a user, lines of both are listed.
    pub of_commission: bool,
    pub kind: Option<RecordType>,
    /// Id of the order, reward or code they belong to.
    pub related_id: Option<String>,
}

/// Lists statement lines of all users with their account owner.
///
/// # Errors
/// The database can't be reached.
pub async fn records(
    app: &App,
    filter: &RecordFilter,
    window: &Window,
) -> Result<Page<(UserId, StatementLine)>, Fault> {
    let source = match filter.user {
        Some(user) if filter.of_commission => ListSource::Own(affiliate(user), JOURNAL_ENTRIES),
        Some(user) => ListSource::Own(User::key(user).pk, JOURNAL_ENTRIES),
        None => ListSource::Platform(POSTINGS),
    };
    let filtered = filter.kind.is_some() || filter.related_id.is_some();
    walk(app, &window.walk(source, filtered), |posting: &JournalEntry| {
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

/// Filter of referrals and rewards.
#[derive(Debug, Clone, Default)]
pub struct ReferralFilter {
    /// Inviter of the invitees.
    pub inviter: Option<UserId>,
    /// True for qualified invitees only, false for the others only.
    pub qualified: Option<bool>,
    /// State of the rewards.
    pub state: Option<RewardState>,
}

/// Lists referrals: users with an inviter (R3.10).
///
/// # Errors
/// The database can't be reached.
pub async fn referrals(app: &App, filter: &ReferralFilter, window: &Window) -> Result<Page<User>, Fault> {
    let source = match filter.inviter {
        Some(inviter) => ListSource::Owned(owned_by("INVITEES", inviter)),
        None => ListSource::Platform(USERS),
    };
    let filtered = filter.inviter.is_none() || filter.qualified.is_some();
    walk(app, &window.walk(source, filtered), |user: &User| {
        let Some(bond) = &user.attribution else { return Vec::new() };
        let qualified = bond.qualifies();
        only(fits(filter.qualified.as_ref(), Some(&qualified)) && window.holds(bond.bound_at), user)
    })
    .await
}

/// Lists rewards of the referral programme; with an inviter, only those of the inviter's side.
///
/// # Errors
/// The database can't be reached.
pub async fn rewards(app: &App, filter: &ReferralFilter, window: &Window) -> Result<Page<Reward>, Fault> {
    let source = match filter.inviter {
        Some(inviter) => ListSource::Owned(owned_by("REWARDS", inviter)),
        None => ListSource::Platform(REWARDS),
    };
    let filtered = filter.inviter.is_some() || filter.state.is_some();
    walk(app, &window.walk(source, filtered), |reward: &Reward| {
        let of_inviter = filter.inviter.is_none() || reward.side == Side::Inviter;
        let fitting = of_inviter && fits(filter.state.as_ref(), Some(&reward.state));
        only(fitting && window.holds(reward.created_at), reward)
    })
    .await
}

/// Filter of orders.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OrderFilter {
    pub status: Option<OrderStatus>,
    pub provider: Option<Provider>,
    pub method: Option<String>,
    pub user: Option<UserId>,
    /// E-mail of the user.
    pub email: Option<Email>,
    /// Orders with a payment under way, or all others.
    pub processing: Option<bool>,
    /// Code of the orders' coupon.
    pub coupon: Option<CouponCode>,
    /// The provider's id of the payment of the one order.
    pub payment_id: Option<String>,
}

impl OrderFilter {
    fn admits(&self, order: &Order) -> bool {
        fits(self.status.as_ref(), Some(&order.status))
            && fits(self.provider.as_ref(), Some(&order.provider))
            && fits(self.method.as_ref(), Some(&order.method))
            && fits(self.processing.as_ref(), Some(&order.is_processing()))
            && fits(self.coupon.as_ref(), order.coupon.as_ref().map(|coupon| &coupon.code))
    }
}

/// Finds the provider payments with an id, of which each provider may have one.
///
/// # Errors
/// The database can't be reached.
pub async fn payments_named(app: &App, id: &str) -> Result<Vec<Payment>, Fault> {
    let keys = Provider::ALL.map(|provider| Payment::key(provider, id)).to_vec();
    Ok(app.store.read(keys).await?.into_iter().flatten().map(|payment| payment.into_inner()).collect())
}

/// The orders that payments with this id belong to.
async fn orders_paid_by(app: &App, id: &str) -> Result<Vec<Order>, Fault> {
    let orders = payments_named(app, id).await?.iter().filter_map(|payment| payment.order).map(Order::key).collect();
    let orders: Vec<Key<Order>> = orders;
    Ok(app.store.read(orders).await?.into_iter().flatten().map(|order| order.into_inner()).collect())
}

/// Lists orders by creation time (R4.12).
///
/// # Errors
/// The database can't be reached.
pub async fn orders(app: &App, filter: &OrderFilter, window: &Window) -> Result<Page<Order>, Fault> {
    let mut user = filter.user;
    if let Some(email) = &filter.email {
        let found = by_email(app, email).await?;
        if found.is_none() || user.is_some_and(|user| found != Some(user)) {
            return Ok(nothing());
        }
        user = found;
    }
    if let Some(payment) = &filter.payment_id {
        let mut items = orders_paid_by(app, payment).await?;
        items.retain(|order| {
            filter.admits(order) && fits(user.as_ref(), Some(&order.user)) && window.holds(order.created_at)
        });
        return Ok(Page { items, next: None });
    }
    let source = match user {
        Some(user) => ListSource::Owned(owned_by("ORDERS", user)),
        None => ListSource::Platform(ORDERS),
    };
    let filtered =
        filter.status.is_some() || filter.provider.is_some() || filter.method.is_some() || filter.processing.is_some();
    walk(app, &window.walk(source, filtered), |order: &Order| {
        only(filter.admits(order) && window.holds(order.created_at), order)
    })
    .await
}

/// Counts pending orders, since no message is sent when an order is created.
///
/// The due-time list names every order that is still looked at; the count is by the orders themselves (G2).
///
/// # Errors
/// The database can't be reached.
pub async fn pending_orders(app: &App) -> Result<usize, Fault> {
    Ok(try_join_all(OPEN.partitions().map(|partition| pending_in(app, partition))).await?.into_iter().sum())
}

async fn pending_in(app: &App, partition: String) -> Result<usize, Fault> {
    let mut pending = 0_usize;
    let mut ask = Query::newest(Index::Due, partition, 1_000);
    loop {
        let page = app.store.list_items(&ask).await?;
        let key = |item: &Item| Some(Key::<Order>::holding(text(item, "pk")?, text(item, "sk")?));
        let keys: Vec<Key<Order>> = page.items.iter().filter_map(key).collect();
        let orders = app.store.read(keys).await?;
        let open = orders.into_iter().flatten().filter(|order| order.status == OrderStatus::Pending);
        pending = pending.saturating_add(open.count());
        match page.next {
            Some(next) => ask.after = Some(next),
            None => return Ok(pending),
        }
    }
}

/// Lists the review queue (R4.5).
///
/// # Errors
/// The database can't be reached.
pub async fn reviews(app: &App, state: Option<ReviewState>, window: &Window) -> Result<Page<Review>, Fault> {
    walk(app, &window.walk(ListSource::Platform(REVIEWS), state.is_some()), |review: &Review| {
        only(fits(state.as_ref(), Some(&review.state)) && window.holds(review.created_at), review)
    })
    .await
}

/// Lists the daily reconciliation reports (R4.10), by day.
///
/// # Errors
/// The database can't be reached.
pub async fn reconciliations(app: &App, window: &Window) -> Result<Page<Reconciliation>, Fault> {
    walk(app, &window.walk(ListSource::Platform(RECONCILIATIONS), false), |report: &Reconciliation| {
        only(window.holds(report.day()), report)
    })
    .await
}

/// Reads a day's reports with a page of their differing payments, one row per payment.
///
/// # Errors
/// The database can't be reached.
pub async fn reconciliation(
    app: &App,
    date: Date,
    window: &Window,
) -> Result<(Vec<Reconciliation>, Page<(Provider, PaymentDifference)>), Fault> {
    let keys = Provider::ALL.map(|provider| Reconciliation::key(date, provider)).to_vec();
    let reports = app.store.read(keys).await?.into_iter().flatten().map(|report| report.into_inner());
    let reports: Vec<Reconciliation> = reports.collect();
    let all = window.walk(ListSource::Own(reconciliations_of(date), DIFFERENCES), true);
    let current = |page: &Differences| {
        reports.iter().any(|report| report.provider == page.provider && page.page >= report.first_page)
    };
    let lines = walk(app, &all, |page: &Differences| {
        let lines = page.lines.iter().filter(|_| current(page));
        lines.map(|line| (page.provider, line.clone())).collect()
    })
    .await?;
    Ok((reports, lines))
}

/// Filter of commissions.
#[derive(Debug, Clone, Default)]
pub struct CommissionFilter {
    pub beneficiary: Option<UserId>,
    pub state: Option<CommissionState>,
}

/// Lists commissions (R6.7).
///
/// # Errors
/// The database can't be reached.
pub async fn commissions(app: &App, filter: &CommissionFilter, window: &Window) -> Result<Page<Commission>, Fault> {
    let source = match filter.beneficiary {
        Some(user) => ListSource::Owned(owned_by("COMMISSIONS", user)),
        None => ListSource::Platform(COMMISSIONS),
    };
    let now = app.clock.now();
    walk(app, &window.walk(source, filter.state.is_some()), |commission: &Commission| {
        let fitting = fits(filter.state.as_ref(), Some(&commission.state(now)));
        only(fitting && window.holds(commission.created_at), commission)
    })
    .await
}

/// Filter of withdrawals.
#[derive(Debug, Clone, Default)]
pub struct WithdrawalFilter {
    /// User whose own commission it is.
    pub user: Option<UserId>,
    /// Shop whose commission it is; counts instead of a user.
    pub shop: Option<ShopId>,
    pub state: Option<WithdrawalState>,
}

/// Lists withdrawals (R6.7).
///
/// # Errors
/// The database can't be reached.
pub async fn withdrawals(app: &App, filter: &WithdrawalFilter, window: &Window) -> Result<Page<Withdrawal>, Fault> {
    let source = match (filter.shop, filter.user) {
        (Some(shop), _) => ListSource::Owned(owned_by("WITHDRAWALS", shop)),
        (None, Some(user)) => ListSource::Owned(owned_by("WITHDRAWALS", user)),
        (None, None) => ListSource::Platform(WITHDRAWALS),
    };
    walk(app, &window.walk(source, filter.state.is_some()), |withdrawal: &Withdrawal| {
        let fitting = fits(filter.state.as_ref(), Some(&withdrawal.state));
        only(fitting && window.holds(withdrawal.created_at), withdrawal)
    })
    .await
}

/// Filter of audit records.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Actor: `admin:usr_…`, or the bare id of the admin.
    pub actor: Option<String>,
    /// Subject of the action, `settings:referral` or `usr_…`.
    pub subject: Option<String>,
}

/// Lists audit records (R9.3).
///
/// # Errors
/// The database can't be reached.
pub async fn audits(app: &App, filter: &AuditFilter, window: &Window) -> Result<Page<AuditRecord>, Fault> {
    let filtered = filter.actor.is_some() || filter.subject.is_some();
    walk(app, &window.walk(ListSource::Platform(AUDITS), filtered), |record: &AuditRecord| {
        let bare = record.actor.strip_prefix("admin:").unwrap_or(&record.actor);
        let by = filter.actor.as_deref().is_none_or(|actor| actor == record.actor || actor == bare);
        only(by && fits(filter.subject.as_ref(), Some(&record.subject)) && window.holds(record.at), record)
    })
    .await
}
