//! What goes over the wire.

use jiff::Timestamp;
use serde::Serialize;
use shared::edge::view::Amount;
use shared::kernel::id::RewardId;
use shared::referral::model::referral::RewardState;
use shared::referral::model::referral::{self as domain, InviteCode, Side, Trigger};
use shared::referral::overview as view;
use utoipa::ToSchema;

/// Whether a code would bind somebody who registers with it now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReferralCode {
    /// The code as it was read.
    pub code: String,
    /// Whether it binds.
    pub valid: bool,
}

/// The caller's referral programme.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Referral {
    /// Whether the programme is on.
    pub enabled: bool,
    /// The caller's primary code.
    pub code: String,
    /// The link that brings somebody with this code.
    pub link: String,
    /// What came of it.
    pub stats: Stats,
    /// Who invited the caller.
    pub invited_by: Option<Inviter>,
}

/// What came of an inviter's codes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Stats {
    /// How many registered.
    pub invitees: u64,
    /// How many of those reached the threshold.
    pub qualified: u64,
    /// How many of those brought a granted reward.
    pub rewarded: u64,
    /// Granted rewards.
    pub earned: Amount,
    /// Rewards that are held or failed.
    pub pending: Amount,
}

/// Who invited the caller.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Inviter {
    /// Their e-mail, masked.
    pub email_masked: String,
}

/// One invitee of the caller.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Invitee {
    /// Their e-mail, masked.
    pub email_masked: String,
    /// When they registered.
    #[schema(value_type = String, format = DateTime)]
    pub registered_at: Timestamp,
    /// What they paid online, less refunds, in the threshold's currency.
    pub paid_total: Amount,
    /// Whether they reached the threshold.
    pub qualified: bool,
    /// When they did.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub qualified_at: Option<Timestamp>,
    /// The caller's rewards for them.
    pub rewards: Vec<InviteeReward>,
}

/// A reward of the caller for one invitee.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InviteeReward {
    /// `registration` or `qualified`.
    pub trigger: Trigger,
    /// How much.
    pub amount: Amount,
    /// `pending`, `held`, `granted`, `failed` or `reversed`.
    pub state: RewardState,
    /// When it was granted.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub granted_at: Option<Timestamp>,
}

/// A reward of the caller.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Reward {
    /// Which.
    pub id: RewardId,
    /// `registration` or `qualified`.
    pub trigger: Trigger,
    /// `inviter` or `invitee`: as what the caller got it.
    pub side: Side,
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

/// A code as the API reads it: trimmed and upper-cased; what can't be a code is given back as it came, cut to its longest.
pub fn as_read(code: &str) -> String {
    InviteCode::parse(code).map_or_else(|| code.chars().take(32).collect(), |code| code.to_string())
}

impl From<view::ReferralOverview> for Referral {
    fn from(of: view::ReferralOverview) -> Self {
        let counts = of.counts;
        Self {
            enabled: of.enabled,
            code: of.code.to_string(),
            link: of.link,
            stats: Stats {
                invitees: counts.invitees,
                qualified: counts.qualified,
                rewarded: counts.rewarded,
                earned: counts.earned.into(),
                pending: counts.pending.into(),
            },
            invited_by: of.invited_by.map(|email_masked| Inviter { email_masked }),
        }
    }
}

impl From<view::Invitee> for Invitee {
    fn from(of: view::Invitee) -> Self {
        Self {
            email_masked: of.email_masked,
            registered_at: of.registered_at,
            paid_total: of.paid_total.into(),
            qualified: of.qualified_at.is_some(),
            qualified_at: of.qualified_at,
            rewards: of.rewards.into_iter().map(InviteeReward::from).collect(),
        }
    }
}

impl From<domain::Reward> for InviteeReward {
    fn from(of: domain::Reward) -> Self {
        Self { trigger: of.trigger, amount: of.amount.into(), state: of.state, granted_at: of.granted_at }
    }
}

impl From<domain::Reward> for Reward {
    fn from(of: domain::Reward) -> Self {
        Self {
            id: of.id,
            trigger: of.trigger,
            side: of.side,
            amount: of.amount.into(),
            state: of.state,
            created_at: of.created_at,
            granted_at: of.granted_at,
        }
    }
}
