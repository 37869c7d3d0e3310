//! Programmes that run for a time (R10.4).

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{Checks, Settings};

/// Time for which a programme runs: from its start, inclusive, to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
}

impl Period {
    /// Tests whether a time is within the window.
    pub fn includes(&self, at: Timestamp) -> bool {
        self.starts_at.is_none_or(|starts_at| at >= starts_at) && self.ends_at.is_none_or(|ends_at| at < ends_at)
    }

    /// Requires that it ends after its start.
    pub fn check(&self, checks: &mut Checks) {
        if self.starts_at.zip(self.ends_at).is_some_and(|(starts_at, ends_at)| ends_at <= starts_at) {
            checks.add("/ends_at", "out_of_range", "after starts_at");
        }
    }
}

/// Settings of a programme with a switch, a window and a budget. Outside its window it is as if it were switched off.
pub trait ProgrammeSettings: Settings {
    /// The time for which it runs.
    fn window(&self) -> Period;

    /// Its switch.
    fn switch(&mut self) -> &mut bool;

    /// The most that it grants in a calendar month, in ledger currency; 0 is no limit.
    fn budget(&self) -> Decimal;

    /// Requires that it ends after its start.
    fn check_window(&self, checks: &mut Checks) {
        self.window().check(checks);
    }

    /// Returns the settings as they hold at a time outside the window; `None` within it, where they hold as they are.
    fn as_of(&self, now: Timestamp) -> Option<Self> {
        (!self.window().includes(now)).then(|| {
            let mut off = self.clone();
            *off.switch() = false;
            off
        })
    }
}

/// Implements [`ProgrammeSettings`] for settings with the fields `enabled`, `starts_at`, `ends_at` and `budget`.
#[macro_export]
macro_rules! programme {
    ($settings:ty) => {
        impl $crate::settings::ProgrammeSettings for $settings {
            fn window(&self) -> $crate::settings::Period {
                $crate::settings::Period { starts_at: self.starts_at, ends_at: self.ends_at }
            }

            fn switch(&mut self) -> &mut bool {
                &mut self.enabled
            }

            fn budget(&self) -> ::rust_decimal::Decimal {
                self.budget
            }
        }
    };
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// R10.4: a programme runs from its start, inclusive, to its end; without one it runs on.
    #[test]
    fn a_window_includes_its_start_and_not_its_end() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        for (starts, ends, expected) in [
            (None, None, [true, true, true, true]),
            (Some(10), None, [false, true, true, true]),
            (None, Some(20), [true, true, true, false]),
            (Some(10), Some(20), [false, true, true, false]),
        ] {
            let window = Period { starts_at: starts.map(at), ends_at: ends.map(at) };
            assert_eq!([9, 10, 19, 20].map(|second| window.includes(at(second))), expected, "{window:?}");
        }
    }
}
