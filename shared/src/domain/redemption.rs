//! A redemption: one use of a code by one user (R7.3), and what it changed.
//!
//! Its key is user, code and which use of theirs it is, so that the same use cannot happen twice. It is immutable: it says what
//! the code granted then, the subscription's end before and after, or the credit.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::code::{Benefit, CodeRef, CodeText};
use super::id::{PlanId, RedemptionId, SubscriptionId, UserId};
use super::money::LedgerMoney;
use super::plan::{Plan, Subscription};

/// One use of a code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Redemption {
    /// Which.
    pub id: RedemptionId,
    /// Who.
    pub user: UserId,
    /// Which code.
    pub of: CodeRef,
    /// The code.
    pub code: CodeText,
    /// Which of this user's uses of the code, from 1.
    pub number: u32,
    /// How many one user could have then.
    pub per_user_limit: u32,
    /// The code's edition then.
    pub edition: u64,
    /// Where the use was counted.
    pub counted: Counted,
    /// What the code granted then.
    pub benefit: Benefit,
    /// What became of the subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<Extension>,
    /// What was credited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<LedgerMoney>,
    /// When.
    pub redeemed_at: Timestamp,
}

/// Where a use was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Nowhere: the code is unlimited.
    Nowhere,
    /// On the code.
    Code,
    /// On this shard of it.
    Shard(u8),
}

/// What a redemption made of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// Which subscription.
    pub id: SubscriptionId,
    /// Of which plan.
    pub plan: PlanId,
    /// What it was called then.
    pub plan_name: String,
    /// Which of the subscription's redemptions this is, from 1.
    pub step: u64,
    /// When the subscription began.
    pub starts_at: Timestamp,
    /// Its end before, if it was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_expires_at: Option<Timestamp>,
    /// Its end since.
    pub expires_at: Timestamp,
}

impl Extension {
    /// What `after` is against `before`.
    pub fn of(before: Option<&Subscription>, after: &Subscription, plan: &Plan) -> Self {
        Self {
            id: after.id,
            plan: plan.id,
            plan_name: plan.name.clone(),
            step: after.extensions,
            starts_at: after.starts_at,
            previous_expires_at: before.map(|before| before.expires_at),
            expires_at: after.expires_at,
        }
    }
}

/// The cause of the journal of a redemption that credits a balance.
pub fn cause(redemption: RedemptionId) -> String {
    format!("redemption:{redemption}")
}
