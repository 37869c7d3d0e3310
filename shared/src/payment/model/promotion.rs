//! The new-user promotion: a bonus that falls with the time since sign-up, used at most once (R5).
//!
//! Ladder, window and minimum are snapshotted at enrolment. The user keeps the terms promised at sign-up; changed settings
//! apply to later users only (as in R3.5 and R6.1), and crediting a payment needs no settings. Switching the promotion off
//! stops enrolment only. Expiry is decided by time (R5.5). Stored on the user's item.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::payment::model::bonus::AmountOrPercent;
use crate::payment::model::settings::{PromotionSettings, PromotionTier};
use kernel::id::OrderId;
use kernel::money::{Currency, LedgerMoney, MoneyError, PayMoney, Rounding};
use kernel::text_enum;

/// Time from the reminder to the end of the window.
const REMINDER: SignedDuration = SignedDuration::from_hours(24);

/// Promotion of one user: the terms at enrolment, and its use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promotion {
    /// Sign-up time; the tiers' hours count from here.
    pub activated_at: Timestamp,
    /// Last instant of the window, inclusive.
    pub ends_at: Timestamp,
    /// True while the user is still to be reminded of it, at [`Promotion::reminder`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reminds: bool,
    /// Tiers by rising hours.
    #[serde(with = "ladder")]
    pub tiers: Vec<PromotionTier>,
    /// Smallest order amount that earns a bonus.
    pub min_amount: PayMoney,
    /// Set by the payment that used it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Used>,
    /// True once the hourly job is done with it (R5.5); read by statistics only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
}

/// Compact stored form of a ladder, `24:30 36:20`.
///
/// Every movement of money writes the user's item, and a write costs by item size.
mod ladder {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::PromotionTier;

    pub(super) fn serialize<S: Serializer>(tiers: &[PromotionTier], to: S) -> Result<S::Ok, S::Error> {
        let tiers: Vec<String> = tiers.iter().map(|tier| format!("{}:{}", tier.hours, tier.percent)).collect();
        to.serialize_str(&tiers.join(" "))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PromotionTier>, D::Error> {
        let text = String::deserialize(from)?;
        let tier = |tier: &str| {
            let (hours, percent) = tier.split_once(':')?;
            Some(PromotionTier { hours: hours.parse().ok()?, percent: Decimal::from_str_exact(percent).ok()? })
        };
        let tiers = text.split_whitespace().map(tier).collect::<Option<Vec<_>>>();
        tiers.ok_or_else(|| de::Error::custom("not a ladder"))
    }
}

/// The payment that used a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Used {
    pub order_id: OrderId,
    /// Index of the tier earned, from 0.
    pub tier: u32,
    pub amount: PayMoney,
    pub bonus: LedgerMoney,
    /// Capture time.
    pub at: Timestamp,
}

/// Snapshot of a tier on an order: its index and percent (R5.2).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OrderTier {
    /// Position in the ladder, from 0.
    pub index: u32,
    /// Bonus in percent of the credit.
    #[serde(with = "kernel::decimal")]
    pub percent: Decimal,
}

impl OrderTier {
    /// Bonus on a credit, rounded down to eight digits (R5.3).
    ///
    /// # Rejects
    /// Overflow.
    pub fn bonus(self, credit: LedgerMoney) -> Result<LedgerMoney, MoneyError> {
        AmountOrPercent::Percent(self.percent).on(credit)
    }
}

/// Times that decide which tier a payment earns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// Capture time by the provider's clock, if known.
    pub took_at: Option<Timestamp>,
    /// Time at which the event was received.
    pub received_at: Timestamp,
}

impl Moments {
    /// Capture time: the provider's, clamped to creation and receipt; without one, receipt (R5.2).
    pub fn paid_at(self) -> Timestamp {
        let latest = self.received_at.max(self.created_at);
        self.took_at.unwrap_or(latest).min(latest).max(self.created_at)
    }

    /// True if the money was taken before the order expired.
    pub fn in_time(self) -> bool {
        self.paid_at() < self.expires_at
    }
}

impl Promotion {
    /// Enrols a user who signs up now; `None` while the promotion is off (R5.1).
    ///
    /// # Rejects
    /// A minimum that does not fit the pay currency.
    pub fn enrol(settings: &PromotionSettings, pay: Currency, now: Timestamp) -> Result<Option<Self>, MoneyError> {
        if !settings.enabled {
            return Ok(None);
        }
        let min_amount = PayMoney::proportional(settings.min_amount, Decimal::ONE, Decimal::ONE, pay, Rounding::Up)?;
        let ends_at = after_hours(now, settings.duration_hours);
        Ok(Some(Self {
            activated_at: now,
            ends_at,
            reminds: true,
            tiers: settings.tiers.clone(),
            min_amount,
            used: None,
            closed: false,
        }))
    }

    /// Enrols a user who signed up at `signed_up` without a promotion; `None` unless the settings allow it and the window is open.
    ///
    /// # Rejects
    /// A minimum that does not fit the pay currency.
    pub fn enrol_late(
        settings: &PromotionSettings,
        pay: Currency,
        signed_up: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Self>, MoneyError> {
        if !settings.enrol_existing {
            return Ok(None);
        }
        let enrolled = Self::enrol(settings, pay, signed_up)?.filter(|promotion| now <= promotion.ends_at);
        Ok(enrolled.map(|promotion| Self { reminds: now < promotion.reminder(), ..promotion }))
    }

    /// Returns the terms alone, as they were at enrolment.
    pub fn terms(&self) -> Self {
        Self { used: None, closed: false, reminds: false, ..self.clone() }
    }

    /// Time of the reminder: a day before the end, or half of the window before that of a window of less than two days.
    pub fn reminder(&self) -> Timestamp {
        let window = self.ends_at.duration_since(self.activated_at).as_secs();
        let before = REMINDER.as_secs().min(window / 2);
        self.ends_at.checked_sub(SignedDuration::from_secs(before)).unwrap_or(self.ends_at)
    }

    /// Returns the next time at which the job looks at it; `None` once its end was seen.
    pub fn due_at(&self) -> Option<Timestamp> {
        (!self.closed).then(|| if self.reminds { self.reminder() } else { self.ends_at })
    }

    /// Returns what the job does at `now`; `None` while nothing is due.
    pub fn step(&self, now: Timestamp) -> Option<PromotionStep> {
        let is_reminded = self.reminds && self.reminder() <= now;
        if self.closed {
            None
        } else if self.ends_at < now || (is_reminded && self.used.is_some()) {
            Some(PromotionStep::Closed(Self { closed: true, reminds: false, ..self.clone() }))
        } else {
            is_reminded.then(|| PromotionStep::Reminded(Self { reminds: false, ..self.clone() }))
        }
    }

    /// Tier at an instant, used or not; upper bounds are inclusive (R5.2).
    pub fn tier_at(&self, time: Timestamp) -> Option<OrderTier> {
        self.step_at(time).map(|(tier, _)| tier)
    }

    fn step_at(&self, time: Timestamp) -> Option<(OrderTier, Timestamp)> {
        let ends_at = |tier: &PromotionTier| after_hours(self.activated_at, tier.hours).min(self.ends_at);
        let (index, tier) = (0_u32..).zip(&self.tiers).find(|(_, tier)| time <= ends_at(tier))?;
        Some((OrderTier { index, percent: tier.percent }, ends_at(tier)))
    }

    /// Tier for an order of `amount` made at `time`; `None` if used, over, or below the minimum.
    pub fn tier_for(&self, amount: PayMoney, time: Timestamp) -> Option<OrderTier> {
        let enough = amount.compare(self.min_amount).is_ok_and(|order| order.is_ge());
        if self.used.is_some() || !enough { None } else { self.tier_at(time) }
    }

    /// Tier earned by a payment (R5.2).
    ///
    /// If the money was taken before the order expired, the order's own tier; otherwise the tier at capture time.
    pub fn tier_paid(&self, amount: PayMoney, on_order: Option<OrderTier>, moments: Moments) -> Option<OrderTier> {
        if self.used.is_some() {
            None
        } else if moments.in_time() {
            on_order
        } else {
            self.tier_for(amount, moments.paid_at())
        }
    }
}

/// Step of the hourly job for a promotion, with the promotion after it.
#[derive(Debug, Clone, PartialEq)]
pub enum PromotionStep {
    /// The window is over, or it is used and nobody is reminded of it.
    Closed(Promotion),
    /// The user is reminded that it is unused.
    Reminded(Promotion),
}

fn after_hours(start: Timestamp, hours: u32) -> Timestamp {
    start.checked_add(SignedDuration::from_hours(i64::from(hours))).unwrap_or(Timestamp::MAX)
}

text_enum! {
    /// State of a user's promotion (R5.4).
    pub enum PromotionStatus {
        /// Not enrolled.
        None = "none",
        /// Can still be used.
        Active = "active",
        /// Used.
        Used = "used",
        /// The window is over.
        Expired = "expired",
    }
}

/// The tier in force now.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurrentTier {
    /// Position in the ladder, from 0.
    pub index: u32,
    /// Bonus in percent of the credit.
    #[serde(with = "kernel::decimal")]
    pub percent: Decimal,
    /// Last instant of the tier.
    pub ends_at: Timestamp,
}

/// A user's view of the promotion (R5.4).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PromotionView {
    /// True if new users are enrolled now.
    pub enabled: bool,
    /// State of the user's own promotion.
    pub status: PromotionStatus,
    /// Start of the window: sign-up.
    pub activated_at: Option<Timestamp>,
    /// Last instant of the window.
    pub expires_at: Option<Timestamp>,
    /// Tier in force; present while active.
    pub current_tier: Option<CurrentTier>,
    /// Whole seconds until that tier ends; 0 unless active.
    pub tier_seconds_left: u64,
    /// Whole seconds until the window ends; 0 unless active.
    pub window_seconds_left: u64,
    /// The user's own ladder, or the settings' if not enrolled.
    pub tiers: Vec<PromotionTier>,
    /// Smallest order amount that earns a bonus.
    pub min_amount: PayMoney,
    /// The payment that used it, if any.
    pub used: Option<Used>,
}

impl PromotionView {
    /// View at `now` of a user's promotion, or of the settings if the user has none.
    ///
    /// # Rejects
    /// A minimum in the settings that does not fit the pay currency.
    pub fn of(
        promotion: Option<&Promotion>,
        settings: &PromotionSettings,
        pay: Currency,
        now: Timestamp,
    ) -> Result<Self, MoneyError> {
        let enabled = settings.enabled;
        let Some(own) = promotion else {
            let shown = Promotion::enrol(&PromotionSettings { enabled: true, ..settings.clone() }, pay, now)?;
            let min_amount = shown.map_or(PayMoney::zero(pay), |shown| shown.min_amount);
            let (tiers, status) = (settings.tiers.clone(), PromotionStatus::None);
            return Ok(Self {
                enabled,
                status,
                activated_at: None,
                expires_at: None,
                current_tier: None,
                tier_seconds_left: 0,
                window_seconds_left: 0,
                tiers,
                min_amount,
                used: None,
            });
        };
        let status = own.status(now);
        let active = status == PromotionStatus::Active;
        let step = if active { own.step_at(now) } else { None };
        Ok(Self {
            enabled,
            status,
            activated_at: Some(own.activated_at),
            expires_at: Some(own.ends_at),
            current_tier: step.map(|(tier, ends_at)| CurrentTier { index: tier.index, percent: tier.percent, ends_at }),
            tier_seconds_left: step.map_or(0, |(_, ends_at)| seconds(now, ends_at)),
            window_seconds_left: if active { seconds(now, own.ends_at) } else { 0 },
            tiers: own.tiers.clone(),
            min_amount: own.min_amount,
            used: own.used,
        })
    }
}

impl Promotion {
    /// Status at `now`, by time and not by any job (R5.5).
    pub fn status(&self, now: Timestamp) -> PromotionStatus {
        match self.used {
            Some(_) => PromotionStatus::Used,
            None if now > self.ends_at => PromotionStatus::Expired,
            None => PromotionStatus::Active,
        }
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn at(hours: i64, seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hours * 3600 + seconds).unwrap()
    }
    fn cny(units: i64) -> PayMoney {
        PayMoney::from_minor_units(units, Currency::CNY).unwrap()
    }
    fn settings() -> PromotionSettings {
        PromotionSettings { enabled: true, ..PromotionSettings::default() }
    }
    fn enrolled() -> Promotion {
        Promotion::enrol(&settings(), Currency::CNY, at(0, 0)).unwrap().unwrap()
    }
    fn used() -> Promotion {
        let credit = LedgerMoney::zero(Currency::USD);
        let used =
            Used { order_id: OrderId::new(ulid::Ulid::nil()), tier: 0, amount: cny(1), bonus: credit, at: at(1, 0) };
        Promotion { used: Some(used), ..enrolled() }
    }
    fn index(tier: Option<OrderTier>) -> Option<u32> {
        tier.map(|tier| tier.index)
    }

    /// R5.5: the job reminds of an unused promotion once, a day before its end or halfway, and is done with a used one by then.
    #[test]
    fn the_job_reminds_of_an_unused_promotion_once_and_closes_a_used_one() {
        let promotion = enrolled();
        assert_eq!((promotion.due_at(), promotion.step(at(47, 3_599))), (Some(at(48, 0)), None));
        let Some(PromotionStep::Reminded(reminded)) = promotion.step(at(48, 0)) else { panic!("not reminded") };
        assert_eq!((reminded.due_at(), reminded.step(at(72, 0))), (Some(at(72, 0)), None));
        let Some(PromotionStep::Closed(closed)) = reminded.step(at(72, 1)) else { panic!("not closed") };
        assert_eq!((closed.due_at(), closed.step(at(100, 0))), (None, None));
        assert!(matches!(used().step(at(48, 0)), Some(PromotionStep::Closed(_))));
        assert!(matches!(promotion.step(at(73, 0)), Some(PromotionStep::Closed(_))), "the job slept");
        let short = PromotionSettings { duration_hours: 10, enrol_existing: true, ..settings() };
        let short_one = Promotion::enrol(&short, Currency::CNY, at(0, 0)).unwrap().unwrap();
        assert_eq!(short_one.due_at(), Some(at(5, 0)));
        let late = Promotion::enrol_late(&short, Currency::CNY, at(0, 0), at(6, 0)).unwrap().unwrap();
        assert_eq!(late.due_at(), Some(at(10, 0)), "enrolled too late to be reminded");
    }

    /// R5.3
    #[test]
    fn a_hundred_yuan_earns_the_documented_bonuses() {
        let credit = LedgerMoney::exact(Decimal::new(1_388_888_888, 8), Currency::USD).unwrap();
        for (hours, bonus) in [(24, "4.16666666"), (30, "2.77777777"), (40, "1.38888888"), (60, "0.69444444")] {
            let tier = enrolled().tier_for(cny(10_000), at(hours, 0)).unwrap();
            assert_eq!(tier.bonus(credit).unwrap().amount().to_string(), bonus, "{hours}");
        }
        assert_eq!(enrolled().tier_for(cny(10_000), at(80, 0)), None);
    }

    /// R5.2
    #[test]
    fn a_tiers_upper_bound_is_inclusive() {
        for (hours, tier) in [(24, 0), (36, 1), (48, 2), (72, 3)] {
            assert_eq!(index(enrolled().tier_at(at(hours, 0))), Some(tier));
            assert_eq!(index(enrolled().tier_at(at(hours, 1))), (tier < 3).then_some(tier + 1));
        }
        assert_eq!(index(enrolled().tier_at(at(-1, 0))), Some(0), "a clock that stepped back");
    }

    /// R5.2
    #[test]
    fn the_tier_on_the_order_holds_if_the_money_was_taken_before_the_order_expired() {
        let promotion = enrolled();
        let on_order = promotion.tier_for(cny(100), at(23, 3000));
        let paid = |took_at, received_at| {
            let moments = Moments { created_at: at(23, 3000), expires_at: at(24, 1200), took_at, received_at };
            index(promotion.tier_paid(cny(100), on_order, moments))
        };
        assert_eq!(paid(Some(at(24, 1199)), at(90, 0)), Some(0), "late news of money taken in time");
        assert_eq!(paid(Some(at(24, 1200)), at(90, 0)), Some(1), "taken when the order was over");
        assert_eq!(paid(None, at(47, 0)), Some(2), "without the provider's time, receipt counts");
        assert_eq!(paid(Some(at(99, 0)), at(24, 1199)), Some(0), "not after receipt");
        assert_eq!(paid(Some(at(0, 0)), at(90, 0)), Some(0), "not before creation");
        assert_eq!(paid(Some(at(73, 0)), at(90, 0)), None, "taken after the window");
    }

    /// R5.1, R5.2
    #[test]
    fn a_used_promotion_or_too_small_an_order_earns_nothing() {
        let moments = Moments { created_at: at(1, 0), expires_at: at(2, 0), took_at: None, received_at: at(1, 1) };
        let tier = enrolled().tier_at(at(1, 0));
        assert_eq!(used().tier_for(cny(100), at(1, 0)), None);
        assert_eq!(used().tier_paid(cny(100), tier, moments), None);
        let above = PromotionSettings { min_amount: Decimal::TEN, ..settings() };
        let above = Promotion::enrol(&above, Currency::CNY, at(0, 0)).unwrap().unwrap();
        assert_eq!(above.tier_for(cny(999), at(1, 0)), None);
        assert_eq!(index(above.tier_for(cny(1000), at(1, 0))), Some(0));
        assert_eq!(Promotion::enrol(&PromotionSettings::default(), Currency::CNY, at(0, 0)), Ok(None));
    }

    /// R5.4
    #[test]
    fn the_status_tells_tier_and_time_left() {
        let view = |own: Option<&Promotion>, now| PromotionView::of(own, &settings(), Currency::CNY, now).unwrap();
        let active = view(Some(&enrolled()), at(30, 0));
        assert_eq!((active.status, active.enabled), (PromotionStatus::Active, true));
        assert_eq!(active.current_tier.map(|tier| (tier.index, tier.ends_at)), Some((1, at(36, 0))));
        assert_eq!((active.tier_seconds_left, active.window_seconds_left), (6 * 3600, 42 * 3600));
        assert_eq!((active.activated_at, active.expires_at), (Some(at(0, 0)), Some(at(72, 0))));
        let over = view(Some(&enrolled()), at(72, 1));
        assert_eq!((over.status, over.current_tier, over.window_seconds_left), (PromotionStatus::Expired, None, 0));
        let spent = view(Some(&used()), at(30, 0));
        assert_eq!((spent.status, spent.current_tier, spent.tier_seconds_left), (PromotionStatus::Used, None, 0));
        assert!(spent.used.is_some());
        let none = view(None, at(30, 0));
        assert_eq!((none.status, none.tiers.len(), none.min_amount), (PromotionStatus::None, 4, cny(0)));
        let shown = serde_json::to_value(&active).unwrap();
        assert_eq!(shown.pointer("/current_tier/percent").unwrap(), "20");
    }

    /// R5.1: a stored promotion survives, and never without its window.
    #[test]
    fn a_promotion_survives_storage() {
        for promotion in [enrolled(), used()] {
            let text = serde_json::to_string(&promotion).unwrap();
            assert_eq!(serde_json::from_str::<Promotion>(&text).unwrap(), promotion);
            assert!(serde_json::from_str::<Promotion>(&text.replace("ends_at", "ended_at")).is_err());
        }
    }

    proptest! {
        /// R5.2: waiting never helps.
        #[test]
        fn a_later_payment_never_earns_more(early in 0_i64..400_000, wait in 0_i64..400_000) {
            let percent = |seconds| enrolled().tier_at(at(0, seconds)).map_or(Decimal::ZERO, |tier| tier.percent);
            prop_assert!(percent(early + wait) <= percent(early));
        }
    }
}
