//! The referral programme for the operator (R3.7, R3.10).

use shared::kernel::id::UserId;
use shared::referral::model::referral::Side;
use shared::referral::model::referral::Trigger;
use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::model::user::User;
use shared::account::view::{Admin, AdminSearch, Dangerous, Person};
use shared::app::App;
use shared::edge::idempotency::Idempotent;
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::view::Amount;
use shared::kernel::id::RewardId;
use shared::kernel::refusal::{Refusal, code};
use shared::operations::model::budget::HoldReason;
use shared::operations::search::{self, ReferralFilter};
use shared::referral::model::referral::{self, RewardState};
use shared::referral::retry_reward::{Retry, retry_reward};
use utoipa::{IntoParams, ToSchema};

use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::search::{named, user as user_filter};

/// The referral of an invitee by its inviter.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminReferral {
    /// User who was invited.
    pub invitee: Person,
    /// User who invited.
    pub inviter: Person,
    /// Invite code used.
    pub code: String,
    /// Time of the referral.
    #[schema(value_type = String, format = DateTime)]
    pub bound_at: Timestamp,
    /// Online payments of the invitee less refunds.
    pub paid_total: Amount,
    /// True if they reached the threshold.
    pub qualified: bool,
    /// Time the threshold was reached.
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

shared::kernel::text_enum! {
    /// State of a referral.
    pub enum ReferralState {
        /// The invitee signed up.
        Registered = "registered",
        /// The invitee reached the threshold.
        Qualified = "qualified",
    }
}

/// Filters of the referrals.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Referrals {
    /// State of the referral: `registered` or `qualified`.
    #[param(inline, value_type = Option<ReferralState>)]
    state: Option<String>,
    /// Id of the inviter.
    #[param(inline, value_type = Option<UserId>)]
    inviter: Option<String>,
}

/// List referrals
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
    let mut page = search.rows(async |window| search::referrals(&app, &filter, &window).await).await?;
    let bonds: Vec<_> = page.items.drain(..).filter_map(|user| Some((user.attribution.clone()?, user))).collect();
    let inviters = search::users_of(&app, bonds.iter().map(|(bond, _)| bond.inviter)).await?;
    let view = |(bond, user): (referral::Referral, User)| AdminReferral::new(&user, &bond, inviters.get(&bond.inviter));
    Ok(search.found(&app, shared::table::store::Page { items: bonds, next: page.next }, view))
}

impl Referrals {
    fn read(&self) -> Result<ReferralFilter, Refusal> {
        let state: Option<ReferralState> = named("/state", self.state.as_deref())?;
        let qualified = state.map(|state| state == ReferralState::Qualified);
        let inviter = user_filter("/inviter", self.inviter.as_deref())?;
        Ok(ReferralFilter { inviter, qualified, state: None })
    }
}

/// A reward for the operator.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminReward {
    /// Id of the reward.
    pub id: RewardId,
    /// Trigger: `registration` or `qualified`.
    pub trigger: Trigger,
    /// Side that is rewarded: `inviter` or `invitee`.
    pub side: Side,
    /// Id of the user who receives it.
    pub beneficiary: UserId,
    /// Id of the invitee of the referral.
    pub invitee: UserId,
    /// Amount of the reward, in ledger currency.
    pub amount: Amount,
    /// State: `pending`, `held`, `granted`, `failed`, `reversed` or `rejected`.
    pub state: RewardState,
    /// Reason for holding it: `blocked`, `budget` or `risk`; null if it is not held.
    pub hold: Option<HoldReason>,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Time it was granted.
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
        "hold",
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
            hold: of.held(),
            created_at: of.created_at,
            granted_at: of.granted_at,
        }
    }
}

/// Filters of the rewards.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Rewards {
    /// State: `pending`, `held`, `granted`, `failed`, `reversed` or `rejected`.
    #[param(inline, value_type = Option<RewardState>)]
    state: Option<String>,
    /// Id of the inviter; lists rewards of the inviter's side.
    #[param(inline, value_type = Option<UserId>)]
    inviter: Option<String>,
}

/// List rewards
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
    let page = search.rows(async |window| search::rewards(&app, &filter, &window).await).await?;
    Ok(search.found(&app, page, AdminReward::from))
}

impl Rewards {
    fn read(&self) -> Result<ReferralFilter, Refusal> {
        let state = named("/state", self.state.as_deref())?;
        let inviter = user_filter("/inviter", self.inviter.as_deref())?;
        Ok(ReferralFilter { inviter, qualified: None, state })
    }
}

/// Retry a failed or held reward
#[utoipa::path(
    post, path = "/v1/admin/rewards/{id}/retry", operation_id = "retryReward", tag = "admin",
    responses((status = 200, body = AdminReward), code::RewardNotFailed),
)]
pub async fn retry(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(reward): Id<RewardId>,
    key: Idempotent,
) -> Result<Reply<AdminReward>, Problem> {
    let ctx = key.bind(&app, &admin, &());
    let done = retry_reward(&app, &ctx, &Retry { reward, admin: admin.id }).await?;
    Ok(Reply::ok(AdminReward::from(done.answer)).replayed(done.replayed))
}
