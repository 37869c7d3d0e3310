//! Redemptions and subscriptions as the API shows them.

use crate::redemption::model::code;
use crate::redemption::model::plan;
use crate::redemption::model::plan::{SubscriptionState, Unit};
use crate::redemption::model::redemption::Extension;
use crate::redemption::redeem::Redeemed;
use edge::view::Amount;
use jiff::Timestamp;
use kernel::id::{PlanId, RedemptionId, SubscriptionId};
use serde::Serialize;
use utoipa::ToSchema;

/// What a code grants.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schema(as = Benefit)]
pub enum BenefitView {
    /// Time on a plan.
    Plan {
        /// Which.
        plan_id: PlanId,
        /// `day`, `month`, `quarter`, `half_year` or `year`.
        unit: Unit,
        /// How many.
        quantity: u32,
    },
    /// Balance.
    Balance {
        /// How much, in ledger currency.
        #[schema(example = "5")]
        credit: String,
    },
}

impl From<code::Benefit> for BenefitView {
    fn from(of: code::Benefit) -> Self {
        match of {
            code::Benefit::Plan { plan, unit, quantity } => Self::Plan { plan_id: plan, unit, quantity },
            code::Benefit::Balance { credit } => Self::Balance { credit: credit.normalize().to_string() },
        }
    }
}

/// A plan by its name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NamedPlan {
    /// Which.
    pub id: PlanId,
    /// What it is called.
    pub name: String,
}

/// What a redemption made of a subscription.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExtendedSubscription {
    /// Which.
    pub id: SubscriptionId,
    /// Its plan.
    pub plan: NamedPlan,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Timestamp,
    /// When it ends since then.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// When it would have ended; null for one that began with this redemption.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub previous_expires_at: Option<Timestamp>,
}

impl From<Extension> for ExtendedSubscription {
    fn from(of: Extension) -> Self {
        Self {
            id: of.id,
            plan: NamedPlan { id: of.plan, name: of.plan_name },
            starts_at: of.starts_at,
            expires_at: of.expires_at,
            previous_expires_at: of.previous_expires_at,
        }
    }
}

/// A redemption.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Redemption)]
pub struct RedemptionView {
    /// Which.
    pub id: RedemptionId,
    /// The code's ends.
    #[schema(example = "ABCD-****-****-WXYZ")]
    pub code: String,
    /// What the code granted.
    pub benefit: BenefitView,
    /// What became of the subscription, of a code for plan time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription: Option<ExtendedSubscription>,
    /// What was credited, of a code for balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit: Option<Amount>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub redeemed_at: Timestamp,
    /// When it was taken back, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub undone_at: Option<Timestamp>,
}

impl From<Redeemed> for RedemptionView {
    fn from(of: Redeemed) -> Self {
        Self {
            id: of.id,
            code: of.code,
            benefit: of.benefit.into(),
            subscription: of.extension.map(ExtendedSubscription::from),
            credit: of.credit.map(Amount::from),
            redeemed_at: of.redeemed_at,
            undone_at: of.undone_at,
        }
    }
}

/// A user's time on a plan.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Subscription)]
pub struct SubscriptionView {
    /// Which.
    pub id: SubscriptionId,
    /// Its plan.
    pub plan: NamedPlan,
    /// Whether its time runs.
    pub state: SubscriptionState,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Timestamp,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// What may be transferred until the next extension; null is no limit.
    pub traffic_bytes: Option<u64>,
    /// What was transferred since the last extension.
    pub traffic_used_bytes: u64,
}

impl SubscriptionView {
    /// A subscription as it is at `now`.
    pub fn of(subscription: &plan::Subscription, plan: &plan::Plan, now: Timestamp) -> Self {
        Self {
            id: subscription.id,
            plan: NamedPlan { id: plan.id, name: plan.name.clone() },
            state: subscription.state(now),
            starts_at: subscription.starts_at,
            expires_at: subscription.expires_at,
            traffic_bytes: subscription.traffic_bytes,
            traffic_used_bytes: subscription.traffic_used_bytes,
        }
    }
}
