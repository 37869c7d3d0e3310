//! Own data of an account as one document (R13.2).

use crate::account::model::access::{Bearer, Session};
use crate::account::model::user::User;
use crate::account::own_sessions::sessions;
use crate::account::records::{StatementFilter, records};
use crate::affiliate::model::commission::Commission;
use crate::affiliate::model::withdrawal::Withdrawal;
use crate::app::App;
use crate::notices::model::mail_preferences::MailPreferences;
use crate::notices::preferences::MailChoices;
use crate::operations::search::{self, CommissionFilter, OrderFilter, WithdrawalFilter};
use crate::payment::model::order::Order;
use crate::redemption::codes::{RedemptionFilter, redemptions, subscriptions};
use crate::redemption::model::plan::{Plan, Subscription};
use crate::redemption::model::redemption::Redemption;
use crate::referral::model::referral::Reward;
use crate::referral::overview::{Invitee, invitees, rewards};
use kernel::fault::{Error, Fault};
use kernel::ledger::{AccountKind, AccountOwner, StatementLine};
use kernel::refusal::Refusal;
use table::list::{Rows, Window};
use table::store::Page;

/// Most rows of one export, so that its document fits into a response.
const ROWS_MAX: usize = 4_000;

/// Everything that an account's user can see, each list newest first.
#[derive(Debug)]
pub struct AccountExport {
    pub user: User,
    pub mails: MailChoices,
    pub sessions: Vec<Session>,
    /// Statement lines of the balance.
    pub balance: Vec<StatementLine>,
    /// Statement lines of the commission account.
    pub commission: Vec<StatementLine>,
    pub orders: Vec<Order>,
    /// Invitees, with their e-mails masked.
    pub invitees: Vec<Invitee>,
    pub rewards: Vec<Reward>,
    pub commissions: Vec<Commission>,
    pub withdrawals: Vec<Withdrawal>,
    pub redemptions: Vec<Redemption>,
    pub subscriptions: Vec<(Subscription, Plan)>,
}

/// Exports the caller's account, with what happened in the range.
///
/// # Rejects
/// [`Refusal::Unauthenticated`] for a token of an ended session; [`Refusal::RangeTooLarge`] above 4,000 rows.
pub async fn export_account(app: &App, by: &Bearer, range: &Window) -> Result<AccountExport, Error> {
    let (user, mails) = app.store.read((User::key(by.user), MailPreferences::key(by.user))).await?;
    let user = user.ok_or(Refusal::Unauthenticated)?.into_inner();
    user.must_honour(by)?;
    let mut rows = Rows::of(range, ROWS_MAX);
    let id = Some(by.user);
    let orders = &OrderFilter { user: id, ..OrderFilter::default() };
    let commissions = &CommissionFilter { beneficiary: id, ..CommissionFilter::default() };
    let withdrawals = &WithdrawalFilter { user: id, ..WithdrawalFilter::default() };
    let redeemed = &RedemptionFilter { user: id, ..RedemptionFilter::default() };
    let held = |at| range.holds(at);
    let mut invited = rows.all(|window| async move { invitees(app, by.user, &window).await }).await?;
    invited.retain(|one| held(one.registered_at));
    let mut withdrawn = rows.all(|window| async move { search::withdrawals(app, withdrawals, &window).await }).await?;
    for shop in user.shops() {
        let filter = &WithdrawalFilter { shop: Some(shop), ..WithdrawalFilter::default() };
        let all = rows.all(|window| async move { search::withdrawals(app, filter, &window).await }).await?;
        withdrawn.extend(all.into_iter().filter(|one| one.user == by.user));
    }
    let mut rewarded = rows.all(|window| async move { rewards(app, by.user, &window).await }).await?;
    rewarded.retain(|one| held(one.created_at));
    Ok(AccountExport {
        mails: MailChoices::of(app, &user, mails.as_deref()).await?,
        sessions: rows.all(|window| async move { sessions(app, by, &window).await }).await?,
        balance: rows.all(|window| async move { lines(app, by, window, AccountKind::Balance).await }).await?,
        commission: rows.all(|window| async move { lines(app, by, window, AccountKind::Commission).await }).await?,
        orders: rows.all(|window| async move { search::orders(app, orders, &window).await }).await?,
        invitees: invited,
        rewards: rewarded.into_iter().map(|reward| reward.into_inner()).collect(),
        commissions: rows.all(|window| async move { search::commissions(app, commissions, &window).await }).await?,
        withdrawals: withdrawn,
        redemptions: rows.all(|window| async move { redemptions(app, redeemed, &window).await }).await?,
        subscriptions: rows.all(|window| async move { subscriptions(app, by.user, &window).await }).await?,
        user,
    })
}

/// Reads one page of statement lines.
async fn lines(app: &App, by: &Bearer, window: Window, account: AccountKind) -> Result<Page<StatementLine>, Fault> {
    let Window { from, to, limit, after } = window;
    records(app, AccountOwner::User(by.user), &StatementFilter { account, kind: None, from, to, limit, after }).await
}
