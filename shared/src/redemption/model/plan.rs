//! Plans, and the subscriptions that redemption codes extend (R7.2–R7.5).
//!
//! A [`Plan`] is what an operator sells time of. A [`Subscription`] is one user's time on it: an identity of its own that no
//! extension changes, an end, a traffic limit and the usage metered against it. Time is added in the calendar of UTC.
//!
//! Stored: a plan as an item of its own; subscriptions with their user, numbered from 1 per plan, so that two first ones cannot
//! come to be at once.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use kernel::id::{PlanId, SubscriptionId, UserId};
use kernel::text_enum;

/// What time is sold of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Which.
    pub id: PlanId,
    /// Counts its changes, from 1; its `ETag`.
    pub version: u64,
    /// What people call it.
    pub name: String,
    /// Most live subscriptions of it per user; 0 is no limit (R7.5).
    pub quota: u32,
    /// Whether it can be had.
    pub on_sale: bool,
    /// What a subscription may transfer per extension; absent is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_bytes: Option<u64>,
    /// When it was made.
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

/// Plan time: so many units, added at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanTime {
    /// Of what.
    pub unit: Unit,
    /// How many, 1 to 1000.
    pub quantity: u32,
}

impl PlanTime {
    /// That time after `from`, in UTC: days add days; months keep the day of the month or take the last one there is (R7.4).
    ///
    /// # Refuses
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

/// One user's time on a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Which; never changes.
    pub id: SubscriptionId,
    /// Whose.
    pub user: UserId,
    /// Of which plan.
    pub plan: PlanId,
    /// Which of the user's on that plan, from 1.
    pub number: u32,
    /// When it began; never changes.
    pub starts_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What may be transferred until the next extension; absent is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_bytes: Option<u64>,
    /// What was transferred since the last extension.
    pub traffic_used_bytes: u64,
    /// How many redemptions made it what it is: the number of the last one.
    pub extensions: u64,
}

/// Who begins a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscriber {
    /// The subscription's identity.
    pub id: SubscriptionId,
    /// Whose it is.
    pub user: UserId,
    /// Which of theirs on that plan, from 1.
    pub number: u32,
}

impl Subscription {
    /// A new one of `plan`, which ends `time` from now.
    ///
    /// # Refuses
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

    /// It with `time` more, from max(now, its end); metered usage starts anew, its identity stays (R7.4).
    ///
    /// # Refuses
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

    /// Whether it has not ended.
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

    /// R7.4: calendar time in UTC, the quantity added at once.
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

    /// R7.4: from the end of a live one, from now for one that is over.
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

    /// R7.4: identity stays, metered usage starts anew.
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
        /// R7.4: time never runs backwards, and twelve months are a year.
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
