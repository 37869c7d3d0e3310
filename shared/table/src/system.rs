//! Time and randomness, the two inputs that a use case cannot compute.

use std::sync::Arc;

use jiff::Timestamp;

/// Source of time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

/// Source of cryptographic randomness.
#[derive(Clone)]
pub struct Entropy(Arc<Fill>);

type Fill = dyn Fn(&mut [u8]) + Send + Sync;

impl Clock {
    /// A clock that returns `now()`.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The system clock.
    pub fn system() -> Self {
        #[allow(clippy::disallowed_methods, reason = "the one place where time comes from")]
        Self::new(Timestamp::now)
    }

    /// Current time, truncated to milliseconds.
    pub fn now(&self) -> Timestamp {
        let now = (self.0)();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}

impl Entropy {
    /// Randomness from `fill`.
    pub fn new(fill: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    /// The operating system's randomness.
    ///
    /// Panics if there is none, which ends the invocation: without it no secret can be made.
    pub fn system() -> Self {
        Self::new(|bytes| {
            #[allow(clippy::disallowed_methods, reason = "the one place where randomness comes from")]
            if let Err(error) = getrandom::fill(bytes) {
                panic!("no randomness: {error}");
            }
        })
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entropy")
    }
}
