//! Redemptions and subscriptions on the wire.

use crate::app::App;
use crate::redemption::model::code;
use crate::redemption::model::code_text::CodeText;
use crate::redemption::model::plan;
use crate::redemption::model::plan::{SubscriptionState, Unit};
use crate::redemption::model::redemption::Extension;
use crate::redemption::redeem::Redeemed;
use edge::export::csv;
use edge::sealed;
use edge::view::Amount;
use jiff::Timestamp;
use kernel::id::{PlanId, RedemptionId, SubscriptionId};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// Benefit of a code.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schema(as = Benefit)]
pub enum BenefitView {
    /// Time on a plan.
    Plan {
        /// Id of the plan.
        plan_id: PlanId,
        /// Unit of time: `day`, `month`, `quarter`, `half_year` or `year`.
        unit: Unit,
        /// Number of units, 1 to 1000.
        quantity: u32,
    },
    /// Credit on the balance.
    Balance {
        /// Amount in ledger currency, a decimal.
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

/// Encrypts the texts of brought codes under the deployment's secret (R7.10).
pub(super) fn seal_texts(app: &App, lines: &str) -> Option<String> {
    sealed::seal(&app.config.secret, "codes", app.entropy.bytes(), lines.as_bytes())
}

/// Decrypts what [`seal_texts`] made.
pub(super) fn open_texts(app: &App, sealed: &str) -> Option<String> {
    String::from_utf8(sealed::open(&app.config.secret, "codes", sealed)?).ok()
}

/// Columns of the file of a batch's codes.
const EXPORTED: &[&str] = &[
    "code",
    "benefit.kind",
    "benefit.plan_id",
    "benefit.unit",
    "benefit.quantity",
    "benefit.credit",
    "total_uses",
    "per_user_limit",
    "starts_at",
    "expires_at",
    "enabled",
];

/// The codes of a batch as a sheet: a header and a line per code.
pub fn code_sheet(codes: &[(CodeText, code::Code)]) -> String {
    let line = |(text, code): &(CodeText, code::Code)| {
        json!({
            "code": text.to_string(),
            "benefit": BenefitView::from(code.terms.benefit),
            "total_uses": code.terms.total_uses,
            "per_user_limit": code.terms.per_user_limit,
            "starts_at": code.terms.starts_at,
            "expires_at": code.terms.expires_at,
            "enabled": code.enabled,
        })
    };
    csv(EXPORTED, codes.iter().map(line))
}

/// Plan with its name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NamedPlan {
    /// Id of the plan.
    pub id: PlanId,
    /// Display name of the plan.
    pub name: String,
}

/// Effect of a redemption on a subscription.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExtendedSubscription {
    /// Id of the subscription.
    pub id: SubscriptionId,
    /// Plan of the subscription; the name is that at the time of the redemption.
    pub plan: NamedPlan,
    /// Start of the subscription.
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Timestamp,
    /// End of the subscription after the redemption.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// End before the redemption; null for a new subscription.
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

/// Redemption of a code.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Redemption)]
pub struct RedemptionView {
    /// Id of the redemption.
    pub id: RedemptionId,
    /// Masked code: its first and last four symbols.
    #[schema(example = "ABCD-****-****-WXYZ")]
    pub code: String,
    /// Benefit of the code at the time of the redemption.
    pub benefit: BenefitView,
    /// Effect on the subscription; only for plan time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub subscription: Option<ExtendedSubscription>,
    /// Credited amount; only for balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub credit: Option<Amount>,
    /// Time of the redemption.
    #[schema(value_type = String, format = DateTime)]
    pub redeemed_at: Timestamp,
    /// Time when an admin took the redemption back; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
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

/// Subscription of a user to a plan.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Subscription)]
pub struct SubscriptionView {
    /// Id of the subscription.
    pub id: SubscriptionId,
    /// Plan of the subscription.
    pub plan: NamedPlan,
    /// State: `active` or `expired`.
    pub state: SubscriptionState,
    /// Start of the subscription.
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Timestamp,
    /// End of the subscription.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Traffic limit in bytes until the next extension; null means no limit.
    pub traffic_bytes: Option<u64>,
    /// Traffic in bytes since the latest extension.
    pub traffic_used_bytes: u64,
}

impl SubscriptionView {
    /// Builds the view of a subscription at `now`.
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
