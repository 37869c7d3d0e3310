//! One account with everything that the operator asks about it: payments, commission, promotion, subscriptions, codes (R2.5).

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use shared::account::balance_at::balance_at;
use shared::account::balance_at::view::{PastBalance, PastTime};
use shared::account::model::user::User;
use shared::account::register_external::overview;
use shared::account::view::Admin;
use shared::affiliate::overview::{self as affiliate, AffiliateOverview};
use shared::app::App;
use shared::edge::page::Parameters;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::{OrderId, UserId};
use shared::kernel::refusal::Refusal;
use shared::operations::order_summary::order_sums;
use shared::operations::search::OrderFilter;
use shared::payment::model::promotion::{Promotion, PromotionStatus};
use shared::payment::model::settings::PaymentSettings;
use shared::redemption::view::SubscriptionView;
use shared::referral::invite_code::Shown;
use shared::table::list::Window;
use utoipa::ToSchema;

use super::order::OrderSummary;
use super::user::AdminUser;
use shared::account::view::Person;

/// An account with its payments, commission, promotion, subscriptions, inviter and codes.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminUserFile {
    /// The account.
    #[serde(flatten)]
    pub user: AdminUser,
    /// The operator's backend's id of the account; null if it registered here.
    pub external_id: Option<String>,
    /// Preferred language of e-mails; null for none.
    pub locale: Option<String>,
    /// User who invited the account; null if nobody did.
    pub invited_by: Option<Person>,
    /// Totals of its paid orders; null above 5,000 orders.
    pub payments: Option<OrderSummary>,
    /// Commission account of the account as an inviter.
    pub commission: CommissionFile,
    /// New-user promotion of the account; null if it was never enrolled.
    pub promotion: Option<PromotionFile>,
    /// Subscriptions, grouped by plan, latest first.
    pub subscriptions: Vec<SubscriptionView>,
    /// Active invite codes, the primary one first.
    pub codes: Vec<AdminInviteCode>,
}

/// Commission account of an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommissionFile {
    /// Number of users who registered with one of its codes.
    pub invitees: u64,
    /// All commission ever earned.
    pub earned: Amount,
    /// Commission whose hold has not ended.
    pub pending: Amount,
    /// Commission that can be withdrawn.
    pub available: Amount,
    /// Commission held for open cash withdrawals.
    pub held: Amount,
    /// Commission withdrawn to the balance or paid out as cash.
    pub withdrawn: Amount,
    /// Commission clawed back so far, less the part that was restored.
    pub clawed_back: Amount,
    /// Debt that later commission pays off first.
    pub debt: Amount,
}

/// New-user promotion of an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct PromotionFile {
    /// State: `active`, `used` or `expired`.
    pub status: PromotionStatus,
    /// Start of its window.
    #[schema(value_type = String, format = DateTime)]
    pub activated_at: Timestamp,
    /// End of its window.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Order that used it; null until it is used.
    pub order_id: Option<OrderId>,
    /// Bonus credited, in ledger currency; null until it is used.
    pub bonus: Option<Amount>,
}

/// An invite code for the operator.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminInviteCode {
    /// The code as users enter it.
    pub code: String,
    /// The owner's label for the code; null if it has none.
    pub label: Option<String>,
    /// True for the primary code.
    pub primary: bool,
    /// Number of users who registered with the code.
    pub invitees: u64,
    /// Commission on these users' orders, less what was taken back; updated within moments.
    pub earned: Amount,
    /// Creation time.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// Get one account
///
/// With the totals of its paid orders, its commission account, promotion, subscriptions, inviter and active invite codes.
#[utoipa::path(
    get, path = "/v1/admin/users/{id}", operation_id = "getUser", tag = "admin",
    responses((status = 200, body = AdminUserFile)),
)]
pub async fn user(State(app): State<Arc<App>>, _: Admin, Id(id): Id<UserId>) -> Result<Reply<AdminUserFile>, Problem> {
    let (user, time) = overview(&app, id).await?;
    let programme = affiliate::overview(&app, id).await?;
    let inviter = match user.attribution.as_ref().map(|bond| bond.inviter) {
        Some(inviter) => app.store.get::<User>(&User::key(inviter)).await?,
        None => None,
    };
    let (payments, now) = (payments(&app, id).await?, app.clock.now());
    Ok(Reply::ok(AdminUserFile {
        external_id: user.external_id.as_ref().map(|id| id.as_str().to_owned()),
        locale: user.locale.clone(),
        invited_by: inviter.map(|inviter| Person {
            id: inviter.id.to_string(),
            email: inviter.email.as_ref().map(|email| email.as_str().to_owned()),
        }),
        payments,
        commission: CommissionFile::of(&programme),
        promotion: user.promotion.as_ref().map(|promotion| PromotionFile::of(promotion, now)),
        subscriptions: time.iter().map(|(time, plan)| SubscriptionView::of(time, plan, now)).collect(),
        codes: programme.codes.into_iter().map(AdminInviteCode::from).collect(),
        user: user.into(),
    }))
}

/// Get one account's balance at a past time
///
/// It is read from the journal entries. Without a time it is that of now.
#[utoipa::path(
    get, path = "/v1/admin/users/{id}/balance", operation_id = "getUserBalance", tag = "admin",
    responses((status = 200, body = PastBalance)),
)]
pub async fn balance(
    State(app): State<Arc<App>>,
    _: Admin,
    Id(id): Id<UserId>,
    Parameters(time): Parameters<PastTime>,
) -> Result<Reply<PastBalance>, Problem> {
    let at = time.read(app.clock.now())?;
    Ok(Reply::ok(balance_at(&app, id, at).await?.into()))
}

async fn payments(app: &App, user: UserId) -> Result<Option<OrderSummary>, Error> {
    let settings = app.settings::<PaymentSettings>().await?.settings;
    let own = OrderFilter { user: Some(user), ..OrderFilter::default() };
    match order_sums(app, settings.ledger_currency, &own, &Window::default()).await {
        Ok(sums) => Ok(Some(OrderSummary::of(sums, settings.pay_currency))),
        Err(Error::Refused(Refusal::RangeTooLarge)) => Ok(None),
        Err(error) => Err(error),
    }
}

impl CommissionFile {
    fn of(of: &AffiliateOverview) -> Self {
        let account = &of.account;
        Self {
            invitees: of.invitees,
            earned: of.earned.into(),
            pending: account.pending.into(),
            available: account.available.into(),
            held: account.held.into(),
            withdrawn: account.withdrawn.into(),
            clawed_back: account.clawed_back.into(),
            debt: account.owed().into(),
        }
    }
}

impl PromotionFile {
    fn of(of: &Promotion, now: Timestamp) -> Self {
        Self {
            status: of.status(now),
            activated_at: of.activated_at,
            expires_at: of.ends_at,
            order_id: of.used.map(|used| used.order_id),
            bonus: of.used.map(|used| used.bonus.into()),
        }
    }
}

impl From<Shown> for AdminInviteCode {
    fn from(of: Shown) -> Self {
        Self {
            code: of.invite.code.to_string(),
            label: of.invite.label,
            primary: of.invite.primary,
            invitees: of.invitees,
            earned: of.earned.into(),
            created_at: of.invite.created_at,
        }
    }
}
