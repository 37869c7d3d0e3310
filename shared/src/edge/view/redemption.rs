//! A redemption as its user and the operator see it (R7.3, R7.8).

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Amount;
use crate::domain::code;
use crate::domain::redemption::Extension;
use crate::usecase::redeem::Redeemed;

/// What a code grants.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Benefit {
    /// Time on a plan.
    Plan {
        /// Which.
        plan_id: String,
        /// `day`, `month`, `quarter`, `half_year` or `year`.
        unit: String,
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

impl From<code::Benefit> for Benefit {
    fn from(of: code::Benefit) -> Self {
        match of {
            code::Benefit::Plan { plan, unit, quantity } => {
                Self::Plan { plan_id: plan.to_string(), unit: unit.as_str().to_owned(), quantity }
            }
            code::Benefit::Balance { credit } => Self::Balance { credit: credit.normalize().to_string() },
        }
    }
}

/// A plan by its name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NamedPlan {
    /// Which.
    pub id: String,
    /// What it is called.
    pub name: String,
}

/// What a redemption made of a subscription.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExtendedSubscription {
    /// Which.
    pub id: String,
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
            id: of.id.to_string(),
            plan: NamedPlan { id: of.plan.to_string(), name: of.plan_name },
            starts_at: of.starts_at,
            expires_at: of.expires_at,
            previous_expires_at: of.previous_expires_at,
        }
    }
}

/// A redemption.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Redemption {
    /// Which.
    pub id: String,
    /// The code's ends.
    #[schema(example = "ABCD-****-****-WXYZ")]
    pub code: String,
    /// What the code granted.
    pub benefit: Benefit,
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

impl From<Redeemed> for Redemption {
    fn from(of: Redeemed) -> Self {
        Self {
            id: of.id.to_string(),
            code: of.code,
            benefit: of.benefit.into(),
            subscription: of.extension.map(ExtendedSubscription::from),
            credit: of.credit.map(Amount::from),
            redeemed_at: of.redeemed_at,
            undone_at: of.undone_at,
        }
    }
}
