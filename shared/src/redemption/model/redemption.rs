//! A redemption: one use of a code by one user (R7.3), and what it changed.
//!
//! Its key is user, code and which use of theirs it is, so that the same use cannot happen twice. It says what the code granted
//! then, the subscription's end before and after, or the credit, and never changes but once: when an admin takes it back
//! ([`Undone`]). Then its use is free again, for its user under the next number.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::redemption::model::code::{Benefit, CodeRef, CodeText};
use crate::redemption::model::plan::{Plan, Subscription};
use kernel::id::{JournalId, PlanId, RedemptionId, SubscriptionId, UserId};
use kernel::money::LedgerMoney;

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
    pub counted: CountedOn,
    /// What the code granted then.
    pub benefit: Benefit,
    /// What became of the subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<Extension>,
    /// What was credited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<LedgerMoney>,
    /// The journal of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalId>,
    /// When.
    pub redeemed_at: Timestamp,
    /// How it was taken back, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone: Option<Undone>,
}

/// How a redemption was taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undone {
    /// By which admin.
    pub admin: UserId,
    /// Why.
    pub reason: String,
    /// What it made of the subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<Extension>,
    /// When.
    pub at: Timestamp,
}

impl Extension {
    /// When a subscription that ends at `expires_at` ends without this extension, taken back at `now`: sooner by what of its time is
    /// not over yet, and not before `now` unless it had ended.
    pub fn taken_off(&self, expires_at: Timestamp, redeemed_at: Timestamp, now: Timestamp) -> Timestamp {
        let began = self.previous_expires_at.map_or(redeemed_at, |before| before.max(redeemed_at));
        let left = self.expires_at.duration_since(began.max(now)).max(SignedDuration::ZERO);
        let shorter = expires_at.checked_sub(left).unwrap_or(Timestamp::MIN);
        shorter.max(expires_at.min(now))
    }
}

/// Where a use was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountedOn {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ulid::Ulid;

    /// R7.8: the time that a code gave and that is not over goes, whatever came before or after it.
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
