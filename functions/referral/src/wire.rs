//! Responses of the referral routes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::edge::view::Amount;
use shared::kernel::id::RewardId;
use shared::kernel::money::MoneyError;
use shared::referral::model::referral::RewardState;
use shared::referral::model::referral::{self as domain, InviteCode, RewardTerms, Side, Trigger};
use shared::referral::name_inviter;
use shared::referral::overview as view;
use utoipa::ToSchema;

/// Result of checking a referral code.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReferralCode {
    /// The code in normal form: trimmed and upper-cased.
    pub code: String,
    /// True if a registration may use the code now.
    pub valid: bool,
}

/// The caller's referral programme.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Referral {
    /// True if the referral programme is switched on.
    pub enabled: bool,
    /// The caller's primary referral code.
    pub code: String,
    /// Registration link that carries the code.
    pub link: String,
    /// Results of the caller's codes.
    pub stats: Stats,
    /// The user who invited the caller; null if nobody did.
    pub invited_by: Option<Inviter>,
    /// Time until which the caller may name an inviter; null if they may not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub late_bind_until: Option<Timestamp>,
    /// Terms of a referral made now. A referral keeps the terms of its registration.
    pub terms: Terms,
}

/// Rewards that the referral programme promises; all 0 while it is off.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ReferralTerms)]
pub struct Terms {
    /// Rewards for a registration with a code.
    pub registration: Rewards,
    /// Rewards when an invitee's payments reach the threshold.
    pub qualified: Rewards,
    /// Sum of an invitee's online payments less refunds at which it qualifies.
    pub threshold: Amount,
    /// Number of invitees after which the caller's codes stop applying; null means no limit.
    pub max_invitees: Option<u64>,
}

/// Rewards of both sides; an amount of 0 makes no reward.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ReferralRewardAmounts)]
pub struct Rewards {
    /// Reward of the inviter.
    pub inviter: Amount,
    /// Reward of the invitee.
    pub invitee: Amount,
}

/// Results of an inviter's codes.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ReferralStats)]
pub struct Stats {
    /// Number of users who registered with one of the codes.
    pub invitees: u64,
    /// Number of invitees who reached the reward threshold.
    pub qualified: u64,
    /// Number of invitees who brought a granted reward.
    pub rewarded: u64,
    /// Sum of the granted rewards.
    pub earned: Amount,
    /// Sum of the rewards that are held or failed.
    pub pending: Amount,
}

/// The user who invited the caller.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Inviter {
    /// The inviter's e-mail address, masked.
    pub email_masked: String,
}

/// Naming of an inviter.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInviter {
    /// Invite code of the inviter, in any case, with or without spaces and hyphens.
    #[schema(example = "ABCD2345")]
    pub referral_code: String,
}

/// The inviter whom the caller named.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NamedInviter {
    /// The inviter's e-mail address, masked.
    pub email_masked: String,
    /// The invite code.
    pub code: String,
    /// Time of the naming.
    #[schema(value_type = String, format = DateTime)]
    pub named_at: Timestamp,
}

impl From<name_inviter::NamedInviter> for NamedInviter {
    fn from(of: name_inviter::NamedInviter) -> Self {
        Self { email_masked: of.email_masked, code: of.code.to_string(), named_at: of.at }
    }
}

/// One invitee of the caller.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Invitee {
    /// The invitee's e-mail address, masked.
    pub email_masked: String,
    /// Registration time of the invitee.
    #[schema(value_type = String, format = DateTime)]
    pub registered_at: Timestamp,
    /// The invitee's online payments less refunds, in the threshold's currency.
    pub paid_total: Amount,
    /// True if the invitee has reached the reward threshold.
    pub qualified: bool,
    /// Time at which the invitee reached the threshold; null before.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub qualified_at: Option<Timestamp>,
    /// The caller's rewards for this invitee.
    pub rewards: Vec<InviteeReward>,
}

/// A reward of the caller for one invitee.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InviteeReward {
    /// Trigger of the reward: `registration` or `qualified`.
    pub trigger: Trigger,
    /// Amount of the reward.
    pub amount: Amount,
    /// State of the reward: `pending`, `held`, `granted`, `failed` or `reversed`.
    pub state: RewardState,
    /// Time of the grant; null before.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub granted_at: Option<Timestamp>,
}

/// A reward of the caller.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Reward {
    /// Id of the reward.
    pub id: RewardId,
    /// Trigger of the reward: `registration` or `qualified`.
    pub trigger: Trigger,
    /// The caller's side of the referral: `inviter` or `invitee`.
    pub side: Side,
    /// Amount of the reward.
    pub amount: Amount,
    /// State of the reward: `pending`, `held`, `granted`, `failed` or `reversed`.
    pub state: RewardState,
    /// Creation time of the reward.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Time of the grant; null before.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub granted_at: Option<Timestamp>,
}

/// Normalize a code: trim and upper-case it.
///
/// Text that cannot be a code is returned unchanged, cut to 32 characters.
pub fn as_read(code: &str) -> String {
    InviteCode::parse(code).map_or_else(|| code.chars().take(32).collect(), |code| code.to_string())
}

impl Terms {
    fn of(terms: &RewardTerms, max_invitees: Option<u64>) -> Result<Self, MoneyError> {
        let rewards = |trigger| -> Result<Rewards, MoneyError> {
            let amount = |side| terms.amount(trigger, side).map(Amount::from);
            Ok(Rewards { inviter: amount(Side::Inviter)?, invitee: amount(Side::Invitee)? })
        };
        Ok(Self {
            registration: rewards(Trigger::Registration)?,
            qualified: rewards(Trigger::Qualified)?,
            threshold: terms.threshold.into(),
            max_invitees,
        })
    }
}

impl Referral {
    /// Shows the caller's programme with its terms.
    ///
    /// # Rejects
    /// A reward with more digits than the ledger has, which settings do not accept.
    pub fn of(of: view::ReferralOverview) -> Result<Self, MoneyError> {
        let counts = of.counts;
        Ok(Self {
            terms: Terms::of(&of.terms, of.max_invitees)?,
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
            late_bind_until: of.late_bind_until,
        })
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
