//! Plans, and the subscriptions that redemption codes extend (R7.2–R7.5).
//!
//! A [`Plan`] is a product with time as its unit. A [`Subscription`] is one user's time on it: a permanent identity, an end, a
//! traffic limit and the metered usage. Time is added in the UTC calendar.
//!
//! A plan is one item. Subscriptions are items of their user, numbered from 1 per plan, so that two concurrent first ones
//! conflict.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use kernel::id::{PlanId, SubscriptionId, UserId};
use kernel::text_enum;

/// Plan that grants time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub id: PlanId,
    /// Version, from 1, incremented by every change; the plan's `ETag`.
    pub version: u64,
    /// Display name.
    pub name: String,
    /// Maximum live subscriptions per user; 0 is no limit (R7.5).
    pub quota: u32,
    /// False while the plan cannot be redeemed.
    pub on_sale: bool,
    /// Traffic limit in bytes per extension; `None` is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_bytes: Option<u64>,
    pub created_at: Timestamp,
}

text_enum! {
    /// The state of a subscription.
    pub enum SubscriptionState {
        /// Its time runs.
        Active = "active",
        /// Its time is over.
        Expired = "expired",
    }
}

text_enum! {
    /// A unit of plan time.
    pub enum Unit as PlanUnit {
        /// 24 hours.
        Day = "day",
        /// A calendar month.
        Month = "month",
        /// Three calendar months.
        Quarter = "quarter",
        /// Six calendar months.
        HalfYear = "half_year",
        /// Twelve calendar months.
        Year = "year",
    }
}

impl Unit {
    fn months(self) -> Option<i64> {
        match self {
            Self::Day => None,
            Self::Month => Some(1),
            Self::Quarter => Some(3),
            Self::HalfYear => Some(6),
            Self::Year => Some(12),
        }
    }
}

/// Plan time: a number of units, added in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanTime {
    pub unit: Unit,
    /// Number of units, 1 to 1000.
    pub quantity: u32,
}

impl PlanTime {
    /// Returns `from` plus this time, in UTC.
    ///
    /// Days add 24 hours each. Months keep the day of the month or take the month's last day (R7.4).
    ///
    /// # Rejects
    /// `None` beyond the end of the calendar.
    pub fn after(self, from: Timestamp) -> Option<Timestamp> {
        let quantity = i64::from(self.quantity);
        let span = match self.unit.months() {
            None => Span::new().try_days(quantity),
            Some(months) => Span::new().try_months(months.checked_mul(quantity)?),
        };
        Some(from.to_zoned(TimeZone::UTC).checked_add(span.ok()?).ok()?.timestamp())
    }
}

/// Time of a user on a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Permanent identity.
    pub id: SubscriptionId,
    pub user: UserId,
    pub plan: PlanId,
    /// Number among the user's subscriptions of the plan, from 1.
    pub number: u32,
    /// Start; never changes.
    pub starts_at: Timestamp,
    pub expires_at: Timestamp,
    /// Traffic limit in bytes until the next extension; `None` is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_bytes: Option<u64>,
    /// Traffic in bytes since the latest extension.
    pub traffic_used_bytes: u64,
    /// Number of steps so far: its redemptions and their reversals.
    pub extensions: u64,
}

/// Identity of a new subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscriber {
    pub id: SubscriptionId,
    pub user: UserId,
    /// Number among the user's subscriptions of the plan, from 1.
    pub number: u32,
}

impl Subscription {
    /// Builds a subscription of `plan` that ends `time` after `now`.
    ///
    /// # Rejects
    /// `None` beyond the end of the calendar.
    pub fn begin(by: Subscriber, plan: &Plan, time: PlanTime, now: Timestamp) -> Option<Self> {
        let Subscriber { id, user, number } = by;
        let expires_at = time.after(now)?;
        let traffic_bytes = plan.traffic_bytes;
        let (starts_at, traffic_used_bytes) = (now, 0);
        Some(Self {
            id,
            user,
            plan: plan.id,
            number,
            starts_at,
            expires_at,
            traffic_bytes,
            traffic_used_bytes,
            extensions: 1,
        })
    }

    /// Returns the subscription extended by `time`, from its end or from `now`, whichever is later (R7.4).
    ///
    /// The metered usage restarts; the identity stays.
    ///
    /// # Rejects
    /// `None` beyond the end of the calendar.
    pub fn extended(&self, plan: &Plan, time: PlanTime, now: Timestamp) -> Option<Self> {
        Some(Self {
            expires_at: time.after(self.expires_at.max(now))?,
            traffic_bytes: plan.traffic_bytes,
            traffic_used_bytes: 0,
            extensions: self.extensions.checked_add(1)?,
            ..self.clone()
        })
    }

    /// Tests whether it has not ended.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Its state at `now`.
    pub fn state(&self, now: Timestamp) -> SubscriptionState {
        if self.is_live(now) { SubscriptionState::Active } else { SubscriptionState::Expired }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use ulid::Ulid;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn plan() -> Plan {
        Plan {
            id: PlanId::new(Ulid::from_parts(1, 1)),
            version: 1,
            name: "Pro".to_owned(),
            quota: 0,
            on_sale: true,
            traffic_bytes: Some(100),
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn ann() -> Subscriber {
        let id = SubscriptionId::new(Ulid::from_parts(2, 2));
        Subscriber { id, user: UserId::new(Ulid::from_parts(3, 3)), number: 1 }
    }

    /// R7.4: time is added in the UTC calendar, in one step.
    #[test]
    fn time_is_added_in_the_calendar_at_once() {
        let table = [
            ("2026-01-31T10:00:00Z", Unit::Month, 1, "2026-02-28T10:00:00Z"),
            ("2028-01-31T10:00:00Z", Unit::Month, 1, "2028-02-29T10:00:00Z"),
            ("2026-01-31T10:00:00Z", Unit::Month, 2, "2026-03-31T10:00:00Z"),
            ("2026-11-30T23:59:59Z", Unit::Quarter, 1, "2027-02-28T23:59:59Z"),
            ("2026-08-31T00:00:00Z", Unit::HalfYear, 1, "2027-02-28T00:00:00Z"),
            ("2028-02-29T12:00:00Z", Unit::Year, 1, "2029-02-28T12:00:00Z"),
            ("2028-02-29T12:00:00Z", Unit::Year, 4, "2032-02-29T12:00:00Z"),
            ("2026-02-28T12:00:00Z", Unit::Day, 1, "2026-03-01T12:00:00Z"),
            ("2026-03-28T12:00:00Z", Unit::Day, 1000, "2028-12-22T12:00:00Z"),
            ("2026-01-01T00:00:00Z", Unit::Year, 1000, "3026-01-01T00:00:00Z"),
        ];
        for (from, unit, quantity, until) in table {
            assert_eq!(PlanTime { unit, quantity }.after(at(from)), Some(at(until)), "{from} + {quantity} {unit:?}");
        }
        let far = PlanTime { unit: Unit::Year, quantity: 1000 };
        assert_eq!(far.after(at("9500-01-01T00:00:00Z")), None);
    }

    /// R7.4: an extension starts at the end of a live subscription, or now for an ended one.
    #[test]
    fn an_extension_starts_at_the_later_of_now_and_the_end() {
        let month = PlanTime { unit: Unit::Month, quantity: 1 };
        let begun = Subscription::begin(ann(), &plan(), month, at("2026-01-31T10:00:00Z")).unwrap();
        assert_eq!((begun.starts_at, begun.expires_at), (at("2026-01-31T10:00:00Z"), at("2026-02-28T10:00:00Z")));
        let live = begun.extended(&plan(), month, at("2026-02-01T00:00:00Z")).unwrap();
        assert_eq!(live.expires_at, at("2026-03-28T10:00:00Z"));
        let over = begun.extended(&plan(), month, at("2026-06-15T08:00:00Z")).unwrap();
        assert_eq!(over.expires_at, at("2026-07-15T08:00:00Z"));
        assert!(begun.is_live(at("2026-02-28T09:59:59Z")) && !begun.is_live(at("2026-02-28T10:00:00Z")));
    }

    /// R7.4: the identity stays, the metered usage restarts.
    #[test]
    fn an_extension_keeps_the_identity_and_resets_the_usage() {
        let month = PlanTime { unit: Unit::Month, quantity: 1 };
        let begun = Subscription::begin(ann(), &plan(), month, at("2026-01-31T10:00:00Z")).unwrap();
        let used = Subscription { traffic_used_bytes: 99, ..begun.clone() };
        let more = Plan { traffic_bytes: Some(500), ..plan() };
        let after = used.extended(&more, month, at("2026-02-01T00:00:00Z")).unwrap();
        let identity = |of: &Subscription| (of.id, of.user, of.plan, of.number, of.starts_at);
        assert_eq!(identity(&after), identity(&begun));
        assert_eq!((after.traffic_used_bytes, after.traffic_bytes, after.extensions), (0, Some(500), 2));
    }

    proptest! {
        /// R7.4: added time is always later, and twelve months are a year.
        #[test]
        fn time_moves_forward(seconds in 0_i64..4_000_000_000, quantity in 1_u32..=1000) {
            let from = Timestamp::from_second(seconds).unwrap();
            for unit in Unit::ALL {
                let until = PlanTime { unit, quantity }.after(from).unwrap();
                prop_assert!(until > from);
            }
            let year = PlanTime { unit: Unit::Year, quantity }.after(from);
            let months = PlanTime { unit: Unit::Month, quantity: quantity * 12 }.after(from);
            prop_assert_eq!(year, months);
        }
    }
}
