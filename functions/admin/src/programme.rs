//! The referral programme as the operator sees it (R3.7, R3.10).

use shared::kernel::id::UserId;
use shared::referral::model::referral::Side;
use shared::referral::model::referral::Trigger;
use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::model::user::User;
use shared::account::view::{Admin, AdminSearch};
use shared::app::App;
use shared::edge::idempotency::Idempotent;
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::view::Amount;
use shared::kernel::id::RewardId;
use shared::kernel::refusal::{Refusal, code};
use shared::operations::search::{self, ReferralFilter};
use shared::referral::model::referral::{self, RewardState};
use shared::referral::retry_reward::{Retry, retry_reward};
use utoipa::{IntoParams, ToSchema};

use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::search::{given, user as user_filter};

/// Who is meant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Person {
    /// Their id.
    pub id: String,
    /// Their e-mail.
    pub email: Option<String>,
}

/// The bond of an invitee to its inviter.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminReferral {
    /// Who was invited.
    pub invitee: Person,
    /// Who invited.
    pub inviter: Person,
    /// With which code.
    pub code: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub bound_at: Timestamp,
    /// What the invitee paid online, less refunds.
    pub paid_total: Amount,
    /// Whether that reached the threshold.
    pub qualified: bool,
    /// When it did.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub qualified_at: Option<Timestamp>,
}

impl CsvRow for AdminReferral {
    const COLUMNS: &'static [&'static str] = &[
        "bound_at",
        "invitee.id",
        "invitee.email",
        "inviter.id",
        "inviter.email",
        "code",
        "paid_total.amount",
        "paid_total.currency",
        "qualified",
        "qualified_at",
    ];
}

impl Person {
    /// Somebody by id, with the e-mail of an account that is there.
    pub fn new(id: impl ToString, user: Option<&User>) -> Self {
        let email = user.and_then(|user| user.email.as_ref()).map(|email| email.as_str().to_owned());
        Self { id: id.to_string(), email }
    }
}

impl AdminReferral {
    fn new(invitee: &User, bond: &referral::Referral, inviter: Option<&User>) -> Self {
        Self {
            invitee: Person::new(invitee.id, Some(invitee)),
            inviter: Person::new(bond.inviter, inviter),
            code: bond.code.to_string(),
            bound_at: bond.bound_at,
            paid_total: bond.online_total.into(),
            qualified: bond.qualifies(),
            qualified_at: bond.qualified(),
        }
    }
}

/// Filters of the referrals.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Referrals {
    /// `registered` or `qualified`.
    state: Option<String>,
    /// Whose invitees, by id.
    #[param(inline, value_type = Option<UserId>)]
    inviter: Option<String>,
}

/// All referrals
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/admin/referrals", operation_id = "listReferrals", tag = "admin",
    responses((status = 200, content((Listing<AdminReferral> = "application/json"), (String = "text/csv")))),
)]
pub async fn referrals(
    State(app): State<Arc<App>>,
    search: AdminSearch<Referrals>,
) -> Result<JsonOrCsv<AdminReferral>, Problem> {
    let filter = search.filters.read()?;
    let mut page = search::referrals(&app, &filter, &search.window).await?;
    let bonds: Vec<_> = page.items.drain(..).filter_map(|user| Some((user.attribution.clone()?, user))).collect();
    let inviters = search::users_of(&app, bonds.iter().map(|(bond, _)| bond.inviter)).await?;
    let view = |(bond, user): (referral::Referral, User)| AdminReferral::new(&user, &bond, inviters.get(&bond.inviter));
    Ok(search.found(&app, shared::table::store::Page { items: bonds, next: page.next }, view))
}

impl Referrals {
    fn read(&self) -> Result<ReferralFilter, Refusal> {
        let qualified = given("/state", self.state.as_deref(), |state| match state {
            "qualified" => Some(true),
            "registered" => Some(false),
            _ => None,
        })?;
        let inviter = user_filter("/inviter", self.inviter.as_deref())?;
        Ok(ReferralFilter { inviter, qualified, state: None })
    }
}

/// A reward as the operator sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminReward {
    /// Which.
    pub id: RewardId,
    /// `registration` or `qualified`.
    pub trigger: Trigger,
    /// `inviter` or `invitee`.
    pub side: Side,
    /// Who gets it.
    pub beneficiary: UserId,
    /// Whose referral it is.
    pub invitee: UserId,
    /// How much.
    pub amount: Amount,
    /// `pending`, `held`, `granted`, `failed` or `reversed`.
    pub state: RewardState,
    /// When it came to be.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was granted.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub granted_at: Option<Timestamp>,
}

impl CsvRow for AdminReward {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "trigger",
        "side",
        "beneficiary",
        "invitee",
        "amount.amount",
        "amount.currency",
        "state",
        "granted_at",
    ];
}

impl From<referral::Reward> for AdminReward {
    fn from(of: referral::Reward) -> Self {
        Self {
            id: of.id,
            trigger: of.trigger,
            side: of.side,
            beneficiary: of.beneficiary,
            invitee: of.invitee,
            amount: of.amount.into(),
            state: of.state,
            created_at: of.created_at,
            granted_at: of.granted_at,
        }
    }
}

/// Filters of the rewards.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Rewards {
    /// `pending`, `held`, `granted`, `failed` or `reversed`.
    #[param(inline, value_type = Option<RewardState>)]
    state: Option<String>,
    /// Of which inviter, by id: the inviter's side.
    #[param(inline, value_type = Option<UserId>)]
    inviter: Option<String>,
}

/// All rewards
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/admin/rewards", operation_id = "listAllRewards", tag = "admin",
    responses((status = 200, content((Listing<AdminReward> = "application/json"), (String = "text/csv")))),
)]
pub async fn rewards(
    State(app): State<Arc<App>>,
    search: AdminSearch<Rewards>,
) -> Result<JsonOrCsv<AdminReward>, Problem> {
    let filter = search.filters.read()?;
    let page = search::rewards(&app, &filter, &search.window).await?;
    Ok(search.found(&app, page, AdminReward::from))
}

impl Rewards {
    fn read(&self) -> Result<ReferralFilter, Refusal> {
        use RewardState::{Failed, Granted, Held, Pending, Reversed};
        let all = [Pending, Held, Granted, Failed, Reversed];
        let state = |text: &str| all.into_iter().find(|state| state.as_str() == text);
        let state = given("/state", self.state.as_deref(), state)?;
        let inviter = user_filter("/inviter", self.inviter.as_deref())?;
        Ok(ReferralFilter { inviter, qualified: None, state })
    }
}

/// Try a failed or held reward again
#[utoipa::path(
    post, path = "/v1/admin/rewards/{id}/retry", operation_id = "retryReward", tag = "admin",
    responses((status = 200, body = AdminReward), code::RewardNotFailed),
)]
pub async fn retry(
    State(app): State<Arc<App>>,
    admin: Admin,
    Id(reward): Id<RewardId>,
    key: Idempotent,
) -> Result<Reply<AdminReward>, Problem> {
    let ctx = key.bind(&app, &admin, &());
    let done = retry_reward(&app, &ctx, &Retry { reward, admin: admin.id }).await?;
    Ok(Reply::ok(AdminReward::from(done.answer)).replayed(done.replayed))
}
