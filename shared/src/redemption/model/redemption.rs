//! Redemptions: one use of a code by one user (R7.3), with its effect.
//!
//! The key is user, code and number of the use, so the same use cannot happen twice. A redemption records the benefit of its
//! time and the subscription's end before and after, or the credit. It changes at most once, when an admin takes it back
//! ([`Undone`]). Its use is then free again, for its user under the next number.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::redemption::model::code::Benefit;
use crate::redemption::model::code_text::{CodeHash, CodeRef};
use crate::redemption::model::plan::{Plan, Subscription};
use kernel::id::{JournalId, PlanId, RedemptionId, SubscriptionId, UserId};
use kernel::money::LedgerMoney;

/// Use of a code by a user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Redemption {
    pub id: RedemptionId,
    pub user: UserId,
    /// Reference to the code.
    pub of: CodeRef,
    /// Hash of the code's text.
    pub code: CodeHash,
    /// Ends of the code's text, as it is shown.
    pub masked: String,
    /// Number among the user's uses of the code, from 1.
    pub number: u32,
    /// Maximum uses by one user at the time of the redemption.
    pub per_user_limit: u32,
    /// Edition of the code at the time of the redemption.
    pub edition: u64,
    /// Place where the use was counted.
    pub counted: CountedOn,
    /// Benefit at the time of the redemption.
    pub benefit: Benefit,
    /// Effect on the subscription, for plan time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<Extension>,
    /// Credit, for balance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<LedgerMoney>,
    /// Journal of the credit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalId>,
    pub redeemed_at: Timestamp,
    /// Reversal by an admin, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone: Option<Undone>,
}

/// Reversal of a redemption.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undone {
    pub admin: UserId,
    pub reason: String,
    /// Effect on the subscription, for plan time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<Extension>,
    pub at: Timestamp,
}

impl Extension {
    /// Returns the end of a subscription after this extension is taken back at `now`.
    ///
    /// `expires_at` is its current end. It becomes earlier by the unexpired part of the extension, but not earlier than `now`
    /// unless it has ended already.
    pub fn taken_off(&self, expires_at: Timestamp, redeemed_at: Timestamp, now: Timestamp) -> Timestamp {
        let began = self.previous_expires_at.map_or(redeemed_at, |before| before.max(redeemed_at));
        let left = self.expires_at.duration_since(began.max(now)).max(SignedDuration::ZERO);
        let shorter = expires_at.checked_sub(left).unwrap_or(Timestamp::MIN);
        shorter.max(expires_at.min(now))
    }
}

/// Place where a use is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountedOn {
    /// Not counted: the code is unlimited.
    Nowhere,
    /// The code's item.
    Code,
    /// The shard with this number.
    Shard(u8),
}

/// Effect of a redemption on a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    pub id: SubscriptionId,
    pub plan: PlanId,
    /// Name of the plan at that time.
    pub plan_name: String,
    /// Number of the step, from 1.
    pub step: u64,
    /// Start of the subscription.
    pub starts_at: Timestamp,
    /// End before; `None` for a new subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_expires_at: Option<Timestamp>,
    /// End after.
    pub expires_at: Timestamp,
}

impl Extension {
    /// Builds the difference between `before` and `after`.
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

/// Returns the journal cause of a redemption that credits a balance.
pub fn cause(redemption: RedemptionId) -> String {
    format!("redemption:{redemption}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ulid::Ulid;

    /// R7.8: a reversal removes the unexpired time of the code, whatever came before or after it.
    #[test]
    fn what_is_left_of_an_extension_is_taken_off() {
        let day = |day: i64| Timestamp::from_second(day * 86_400).unwrap();
        let extension = |previous: Option<i64>, until: i64| Extension {
            id: SubscriptionId::new(Ulid::from_parts(1, 1)),
            plan: PlanId::new(Ulid::from_parts(2, 2)),
            plan_name: "Pro".to_owned(),
            step: 1,
            starts_at: day(0),
            previous_expires_at: previous.map(day),
            expires_at: day(until),
        };
        // (end before, its end, subscription's end, redeemed, now) → end
        let table = [
            ((None, 30, 30, 0, 10), 10),
            ((Some(50), 80, 80, 0, 10), 50),
            ((None, 30, 60, 0, 10), 40),
            ((Some(30), 60, 60, 5, 45), 45),
            ((None, 30, 130, 0, 110), 130),
            ((None, 30, 30, 0, 40), 30),
            ((Some(20), 130, 130, 100, 100), 100),
        ];
        for ((before, until, end, redeemed, now), expected) in table {
            let after = extension(before, until).taken_off(day(end), day(redeemed), day(now));
            assert_eq!(after, day(expected), "{before:?} {until} {end} {redeemed} {now}");
        }
    }
}
