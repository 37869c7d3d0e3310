//! The caller's own sessions (R2.11), and all their data as one document (R13.2).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::model::access::{Bearer, Session, SessionKind};
use shared::account::own_sessions::{self, end_session};
use shared::account::view::{Caller, Record};
use shared::affiliate::model::commission::{self, CommissionState};
use shared::affiliate::model::withdrawal::{self, WithdrawalState};
use shared::app::App;
use shared::edge::page::{Listing, Paging, Parameters};
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::search::time;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::{CommissionId, OrderId, RewardId, SessionId, ShopId, WithdrawalId};
use shared::kernel::money::MoneyError;
use shared::kernel::refusal::{Refusal, code};
use shared::notices::view::OwnMails;
use shared::operations::export_account::{AccountExport, export_account};
use shared::payment::view::OrderView;
use shared::redemption::redeem::Redeemed;
use shared::redemption::view::{RedemptionView, SubscriptionView};
use shared::referral::model::referral::{Reward, RewardState, Side, Trigger};
use shared::referral::overview::Invitee;
use shared::table::list::Window;
use utoipa::{IntoParams, ToSchema};

use super::wire::Me;

shared::kernel::text_enum! {
    /// Client that holds a session.
    pub enum SessionClient {
        /// A client of the API, with access and refresh tokens.
        Api = "api",
        /// A browser on the pages.
        Browser = "browser",
    }
}

/// A session of the caller.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OwnSession)]
pub struct SessionView {
    /// Id of the session.
    pub id: SessionId,
    /// Client that holds it: `api` or `browser`.
    pub client: SessionClient,
    /// True if the operator's backend opened it with a service key.
    pub opened_by_service: bool,
    /// Time of the sign-in.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Time of the last refresh; null before the first, and for a browser, which never refreshes.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_seen_at: Option<Timestamp>,
    /// Time when it ends unless it is refreshed.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// True for the session of this request.
    pub current: bool,
}

impl SessionView {
    fn of(session: &Session, by: &Bearer) -> Self {
        Self {
            id: session.id,
            client: match session.kind {
                SessionKind::Api => SessionClient::Api,
                SessionKind::Browser => SessionClient::Browser,
            },
            opened_by_service: session.limited,
            created_at: session.created_at,
            last_seen_at: (session.number > 0).then_some(session.rotated_at),
            expires_at: session.until,
            current: session.id == by.session,
        }
    }
}

/// The caller's sessions
///
/// Those that still stand, newest first.
#[utoipa::path(
    get, path = "/v1/me/sessions", operation_id = "listOwnSessions", tag = "account",
    responses((status = 200, body = Listing<SessionView>)),
)]
pub async fn sessions(
    State(app): State<Arc<App>>,
    list: Paging<Caller>,
) -> Result<Reply<Listing<SessionView>>, Problem> {
    let by = list.by.bearer();
    let page = own_sessions::sessions(&app, &by, &list.window).await?;
    Ok(list.page(&app, page, |of| SessionView::of(&of, &by)))
}

/// End one of the caller's sessions
///
/// Its access tokens move nothing from now on, on whichever device it is.
#[utoipa::path(
    delete, path = "/v1/me/sessions/{id}", operation_id = "endOwnSession", tag = "account",
    responses((status = 204, description = "It has ended."), code::NotFound),
)]
pub async fn end(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(session): Id<SessionId>,
) -> Result<StatusCode, Problem> {
    end_session(&app, &caller.bearer(), session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Range of an export.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportRange {
    /// Earliest time, inclusive, RFC 3339.
    from: Option<String>,
    /// Latest time, inclusive, RFC 3339.
    to: Option<String>,
}

/// Everything that the caller can see of the account, each list newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnData {
    /// Time of the export.
    #[schema(value_type = String, format = DateTime)]
    exported_at: Timestamp,
    /// The account.
    account: Me,
    /// Id in the operator's own product; null without one.
    external_id: Option<String>,
    /// Primary invite code; null before the first use of it.
    invite_code: Option<String>,
    /// Shop that the caller runs; null for none.
    shop_id: Option<ShopId>,
    /// Time since which the account has a second factor; null without one.
    #[schema(value_type = Option<String>, format = DateTime)]
    second_factor_since: Option<Timestamp>,
    /// Mails that tell the caller of their money.
    mails: OwnMails,
    /// Sessions that still stand.
    sessions: Vec<SessionView>,
    /// Statement lines of the balance and its debt.
    balance: Vec<Record>,
    /// Statement lines of the commission account.
    commission: Vec<Record>,
    /// Top-up orders.
    orders: Vec<OrderView>,
    /// Users whom the caller invited, masked.
    invitees: Vec<ExportedInvitee>,
    /// Referral rewards.
    rewards: Vec<ExportedReward>,
    /// Commissions on invitees' orders.
    commissions: Vec<ExportedCommission>,
    /// Withdrawals that the caller asked for, of a shop's commission, too, with the payout accounts.
    withdrawals: Vec<ExportedWithdrawal>,
    /// Redeemed codes.
    redemptions: Vec<RedemptionView>,
    /// Subscriptions.
    subscriptions: Vec<SubscriptionView>,
}

/// A user whom the caller invited.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedInvitee {
    /// The invitee's e-mail address, masked.
    email_masked: String,
    /// Registration time of the invitee.
    #[schema(value_type = String, format = DateTime)]
    registered_at: Timestamp,
    /// The invitee's online payments less refunds.
    paid_total: Amount,
}

/// A referral reward of the caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedReward {
    /// Id of the reward.
    id: RewardId,
    /// Trigger: `registration` or `qualified`.
    trigger: Trigger,
    /// Side of the caller: `inviter` or `invitee`.
    side: Side,
    /// Amount in ledger currency.
    amount: Amount,
    /// State of the reward.
    state: RewardState,
    /// Creation time.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A commission of the caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedCommission {
    /// Id of the commission.
    id: CommissionId,
    /// Order that earned it; null for one posted by the operator without an order.
    order_id: Option<OrderId>,
    /// Reason why the operator posted it; null for one that an order earned.
    posted_for: Option<String>,
    /// Part of the order's credit, 0 to 1.
    rate: String,
    /// Commission earned, before reversals.
    amount: Amount,
    /// Commission left after reversals.
    remaining: Amount,
    /// State of the commission.
    state: CommissionState,
    /// Time of the accrual.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A withdrawal of the caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedWithdrawal {
    /// Id of the withdrawal.
    id: WithdrawalId,
    /// Shop whose commission it is; null for the caller's own.
    shop_id: Option<ShopId>,
    /// Amount in ledger currency; in agency currency for a shop.
    amount: Amount,
    /// State of the withdrawal.
    state: WithdrawalState,
    /// Payout account; null for a withdrawal to the balance.
    payout: Option<ExportedPayout>,
    /// Payment reference of a paid one.
    reference: Option<String>,
    /// Reason of a rejection.
    reason: Option<String>,
    /// Time of the request.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// Payout account that the caller gave.
#[derive(Serialize, ToSchema)]
pub struct ExportedPayout {
    /// Payout method.
    method: String,
    /// Account at the payout method.
    account: String,
    /// Name of the account's owner.
    name: Option<String>,
}

impl std::fmt::Debug for ExportedPayout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExportedPayout").field("method", &self.method).finish_non_exhaustive()
    }
}

impl From<Invitee> for ExportedInvitee {
    fn from(of: Invitee) -> Self {
        Self { email_masked: of.email_masked, registered_at: of.registered_at, paid_total: of.paid_total.into() }
    }
}

impl From<Reward> for ExportedReward {
    fn from(of: Reward) -> Self {
        let Reward { id, trigger, side, state, created_at, .. } = of;
        Self { id, trigger, side, amount: of.amount.into(), state, created_at }
    }
}

impl ExportedCommission {
    fn of(of: &commission::Commission, now: Timestamp) -> Self {
        Self {
            id: of.id,
            order_id: of.about(),
            posted_for: of.posted.as_ref().map(|posted| posted.reason.clone()),
            rate: of.rate.normalize().to_string(),
            amount: of.amount.into(),
            remaining: of.left().into(),
            state: of.state(now),
            created_at: of.created_at,
        }
    }
}

impl From<withdrawal::Withdrawal> for ExportedWithdrawal {
    fn from(of: withdrawal::Withdrawal) -> Self {
        let payout = |of: withdrawal::Payout| ExportedPayout { method: of.method, account: of.account, name: of.name };
        Self {
            id: of.id,
            shop_id: of.shop,
            amount: of.amount.into(),
            state: of.state,
            payout: of.payout.map(payout),
            reference: of.reference,
            reason: of.reason,
            created_at: of.created_at,
        }
    }
}

impl OwnData {
    fn of(of: AccountExport, by: &Bearer, now: Timestamp) -> Result<Self, MoneyError> {
        let user = &of.user;
        let time = |(time, plan): &(_, _)| SubscriptionView::of(time, plan, now);
        Ok(Self {
            exported_at: now,
            account: Me::with_debt(user),
            external_id: user.external_id.as_ref().map(|id| id.as_str().to_owned()),
            invite_code: user.invite_code.as_ref().map(ToString::to_string),
            shop_id: user.shop.as_ref().and_then(|path| path.shop()),
            second_factor_since: user.second_factor_since,
            mails: of.mails.into(),
            sessions: of.sessions.iter().map(|session| SessionView::of(session, by)).collect(),
            balance: of.balance.into_iter().map(Record::from).collect(),
            commission: of.commission.into_iter().map(Record::from).collect(),
            orders: of.orders.iter().map(OrderView::try_from).collect::<Result<_, _>>()?,
            invitees: of.invitees.into_iter().map(ExportedInvitee::from).collect(),
            rewards: of.rewards.into_iter().map(ExportedReward::from).collect(),
            commissions: of.commissions.iter().map(|of| ExportedCommission::of(of, now)).collect(),
            withdrawals: of.withdrawals.into_iter().map(ExportedWithdrawal::from).collect(),
            redemptions: of.redemptions.iter().map(|of| Redeemed::from(of).into()).collect(),
            subscriptions: of.subscriptions.iter().map(time).collect(),
        })
    }
}

/// The problem, with what would fit if there is too much.
fn narrower(error: Error) -> Problem {
    let is_too_much = matches!(error, Error::Refused(Refusal::RangeTooLarge));
    let problem = Problem::from(error);
    if is_too_much { problem.because("An export has 4,000 rows at most; `from` and `to` narrow it.") } else { problem }
}

/// The caller's own data as one document
///
/// Everything that the account's user can see, as a download. Other people's addresses are masked. Above 4,000 rows `from` and
/// `to` narrow it.
#[utoipa::path(
    get, path = "/v1/me/export", operation_id = "exportOwnData", tag = "account",
    responses((status = 200, body = OwnData), code::RangeTooLarge),
)]
pub async fn export(
    State(app): State<Arc<App>>,
    caller: Caller,
    Parameters(range): Parameters<ExportRange>,
) -> Result<Response, Problem> {
    let (from, to) = (time("/from", range.from.as_deref())?, time("/to", range.to.as_deref())?);
    let range = Window { from, to, ..Window::default() };
    let by = caller.bearer();
    let data = export_account(&app, &by, &range).await.map_err(narrower)?;
    let data = OwnData::of(data, &by, app.clock.now()).map_err(Error::from)?;
    let file = [(CONTENT_DISPOSITION, "attachment; filename=\"own-data.json\"")];
    Ok((file, Reply::ok(data)).into_response())
}
