//! The movable clock of the local stack and of the tests.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

/// A clock for code that must not read the machine's clock itself.
pub trait Clock: Send + Sync + Debug {
    /// The current time.
    fn now(&self) -> Timestamp;

    /// Time to sleep until this clock shows `at`; `None` if it only gets there by being moved.
    fn until(&self, at: Timestamp) -> Option<Duration> {
        Some(between(self.now(), at))
    }

    /// A counter that changes with each move of the clock, to wake sleepers.
    /// `None` if the clock can't be moved.
    fn jumps(&self) -> Option<watch::Receiver<u64>> {
        None
    }
}

/// The machine's time. All code of this crate that needs it calls this function.
#[allow(clippy::disallowed_methods, reason = "the one place where the emulator looks at the machine's clock")]
pub fn machine_time() -> Timestamp {
    Timestamp::now()
}

/// A clock that can be moved; clones share it.
#[derive(Clone, Debug)]
pub struct MovableClock {
    pace: Pace,
    jumps: Arc<watch::Sender<u64>>,
    base: Arc<Mutex<Base>>,
}

/// The source of a clock's progress between two moves.
#[derive(Clone, Copy, Debug)]
enum Pace {
    Machine,
    Tokio,
    Standing,
}

/// The time shown at the last move, and the reading of the pace then.
#[derive(Clone, Copy, Debug)]
struct Base {
    shown: Timestamp,
    paced: Reading,
}

#[derive(Clone, Copy, Debug)]
enum Reading {
    Machine(Timestamp),
    Tokio(tokio::time::Instant),
    Nothing,
}

impl MovableClock {
    /// A clock on machine time, plus an offset that starts at zero.
    pub fn real() -> Self {
        Self::new(Pace::Machine, machine_time())
    }

    /// A clock that shows `at` until it is moved.
    pub fn standing(at: Timestamp) -> Self {
        Self::new(Pace::Standing, at)
    }

    /// A clock that starts at `at` and follows tokio's time: under paused time, sleeping moves it.
    pub fn with_tokio(at: Timestamp) -> Self {
        Self::new(Pace::Tokio, at)
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        let base = *self.base();
        match base.paced {
            Reading::Machine(then) => shifted(base.shown, machine_time().duration_since(then)),
            Reading::Tokio(then) => shifted(base.shown, signed(then.elapsed())),
            Reading::Nothing => base.shown,
        }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.set(shifted(self.now(), signed(by)));
    }

    /// Sets the clock to `at`, which may be earlier than now; it continues from there.
    pub fn set(&self, at: Timestamp) {
        *self.base() = Base { shown: at, paced: Reading::of(self.pace) };
        self.jumps.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Offset from the machine's clock (negative: behind), to keep across a restart.
    pub fn offset(&self) -> jiff::SignedDuration {
        self.now().duration_since(machine_time())
    }

    fn new(pace: Pace, shown: Timestamp) -> Self {
        let base = Base { shown, paced: Reading::of(pace) };
        Self { pace, jumps: Arc::new(watch::Sender::new(0)), base: Arc::new(Mutex::new(base)) }
    }

    fn base(&self) -> MutexGuard<'_, Base> {
        self.base.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        MovableClock::now(self)
    }

    fn until(&self, at: Timestamp) -> Option<Duration> {
        match self.pace {
            Pace::Standing if at > MovableClock::now(self) => None,
            _ => Some(between(MovableClock::now(self), at)),
        }
    }

    fn jumps(&self) -> Option<watch::Receiver<u64>> {
        Some(self.jumps.subscribe())
    }
}

impl Reading {
    fn of(pace: Pace) -> Self {
        match pace {
            Pace::Machine => Reading::Machine(machine_time()),
            Pace::Tokio => Reading::Tokio(tokio::time::Instant::now()),
            Pace::Standing => Reading::Nothing,
        }
    }
}

/// The time from `earlier` to `later`; zero if they are the other way round.
fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}

fn signed(by: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(by).unwrap_or(jiff::SignedDuration::MAX)
}

/// Adds to a time, capped at the latest representable time.
fn shifted(at: Timestamp, by: jiff::SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn noon() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_standing_clock_moves_only_by_hand() {
        let clock = MovableClock::standing(noon());
        assert_eq!(clock.now(), noon());
        clock.advance(Duration::from_secs(60));
        assert_eq!(clock.now(), noon().saturating_add(jiff::SignedDuration::from_secs(60)).unwrap());
        clock.set(noon());
        assert_eq!(clock.clone().now(), noon());
        assert_eq!(clock.until(noon()), Some(Duration::ZERO));
        clock.set(noon().saturating_sub(jiff::SignedDuration::from_secs(1)).unwrap());
        assert_eq!(clock.until(noon()), None);
    }

    #[test]
    fn a_real_clock_keeps_its_offset() {
        let clock = MovableClock::real();
        clock.advance(Duration::from_secs(3600));
        let offset = clock.offset().as_secs();
        assert!((3599..=3601).contains(&offset), "{offset}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_on_paused_time_moves_with_every_sleep() {
        let clock = MovableClock::with_tokio(noon());
        let mut jumps = clock.jumps().unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(clock.now().duration_since(noon()).as_secs(), 5);
        clock.advance(Duration::from_secs(5));
        assert_eq!(clock.now().duration_since(noon()).as_secs(), 10);
        assert!(jumps.has_changed().unwrap());
        jumps.mark_unchanged();
    }
}
