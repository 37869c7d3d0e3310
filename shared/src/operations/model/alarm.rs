//! Alarms of the deployment, as CloudWatch last told their states.

use jiff::Timestamp;
use kernel::text_enum;
use serde::{Deserialize, Serialize};

/// Maximum characters kept of a reason.
pub const REASON_MAX: usize = 300;

text_enum! {
    /// State of an alarm; one without data has none of its own.
    pub enum AlarmState {
        /// It stands.
        Alarm = "alarm",
        /// It does not.
        Ok = "ok",
    }
}

/// Alarm with its last state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Name in the template.
    pub name: String,
    pub state: AlarmState,
    /// Time since which it is in that state.
    pub since: Timestamp,
    /// Time of the newest change that was told.
    pub told_at: Timestamp,
    /// Reason that CloudWatch gives, in English.
    pub reason: String,
}

/// Change of an alarm's state that CloudWatch told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmChange {
    /// Name in the template.
    pub name: String,
    pub state: AlarmState,
    /// Time of the change, by CloudWatch's clock.
    pub at: Timestamp,
    pub reason: String,
}

impl AlarmChange {
    /// Reads a change, whose time is one of ISO 8601 with an offset.
    ///
    /// # Errors
    /// The time can't be read.
    pub fn told(name: &str, state: AlarmState, at: &str, reason: &str) -> Result<Self, jiff::Error> {
        Ok(Self { name: name.to_owned(), state, at: at.parse()?, reason: reason.to_owned() })
    }
}

/// Meaning of a change to the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmNews {
    Raised,
    Cleared,
}

impl Alarm {
    /// Returns an alarm after a change, and what is new of it; `None` if the change is older than what is known.
    ///
    /// A repeated state is nothing new, nor is an alarm that was never raised and is fine.
    pub fn after(before: Option<&Self>, change: &AlarmChange) -> Option<(Self, Option<AlarmNews>)> {
        if before.is_some_and(|before| change.at <= before.told_at) {
            return None;
        }
        let is_raised = before.is_some_and(|before| before.state == AlarmState::Alarm);
        let news = match (is_raised, change.state) {
            (false, AlarmState::Alarm) => Some(AlarmNews::Raised),
            (true, AlarmState::Ok) => Some(AlarmNews::Cleared),
            _ => None,
        };
        let same = before.filter(|before| before.state == change.state);
        let after = Self {
            name: change.name.clone(),
            state: change.state,
            since: same.map_or(change.at, |before| before.since),
            told_at: change.at,
            reason: change.reason.chars().take(REASON_MAX).collect(),
        };
        Some((after, news))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn change(state: AlarmState, second: i64) -> AlarmChange {
        let at = Timestamp::from_second(second).unwrap();
        AlarmChange { name: "ApiFails".to_owned(), state, at, reason: "Threshold Crossed".repeat(100) }
    }

    #[test]
    fn a_change_is_news_once_and_an_older_one_changes_nothing() {
        let (fine, news) = Alarm::after(None, &change(AlarmState::Ok, 1)).unwrap();
        assert_eq!(news, None, "it was never raised");
        let (raised, news) = Alarm::after(Some(&fine), &change(AlarmState::Alarm, 10)).unwrap();
        assert_eq!((news, raised.since.as_second()), (Some(AlarmNews::Raised), 10));
        assert_eq!(raised.reason.chars().count(), REASON_MAX);
        assert_eq!(Alarm::after(Some(&raised), &change(AlarmState::Alarm, 10)), None, "the same change");
        assert_eq!(Alarm::after(Some(&raised), &change(AlarmState::Ok, 9)), None, "an older one");
        let (again, news) = Alarm::after(Some(&raised), &change(AlarmState::Alarm, 20)).unwrap();
        assert_eq!((news, again.since.as_second(), again.told_at.as_second()), (None, 10, 20));
        assert_eq!(Alarm::after(Some(&again), &change(AlarmState::Ok, 15)), None, "it was raised again since");
        let (cleared, news) = Alarm::after(Some(&again), &change(AlarmState::Ok, 30)).unwrap();
        assert_eq!((news, cleared.since.as_second()), (Some(AlarmNews::Cleared), 30));
    }
}
