//! Faults and errors. A [`Fault`] is our failure, a [`Refusal`] is a business no; they never mix.

use crate::money::MoneyError;
use crate::refusal::Refusal;

/// Failure on our side.
///
/// It carries context for the log. The edge logs it once and never shows it to a caller.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    /// A call to another system certainly failed and had no effect there.
    #[error("{call}: {why}")]
    Unavailable {
        /// Name of the API call, `GetItem`.
        call: &'static str,
        /// Error message of the other system.
        why: String,
    },
    /// A call may or may not have taken effect.
    #[error("{call}: outcome unknown: {why}")]
    OutcomeUnknown {
        call: &'static str,
        /// Last error or symptom.
        why: String,
    },
    /// A stored item does not decode. It stays unchanged.
    #[error("item {key}: {why}")]
    Item {
        /// Key of the item, `pk/sk`.
        key: String,
        /// Decoding error.
        why: String,
    },
    /// Write conflicts lasted until the retry budget was spent.
    #[error("gave up after {attempts} attempts: {last}")]
    Contention {
        attempts: u32,
        /// Last conflict.
        last: String,
    },
    /// The function lacks an environment variable that it needs.
    #[error("{variable} is not set")]
    Unset { variable: &'static str },
    /// A state that the code considers impossible.
    #[error("bug: {0}")]
    Bug(String),
}

impl Fault {
    /// A [`Fault::Bug`] with this message.
    pub fn bug(what: impl Into<String>) -> Self {
        Self::Bug(what.into())
    }
}

/// Reason why a use case did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A business no. Nothing changed.
    #[error("refused: {}", .0.code())]
    Refused(Refusal),
    /// Our failure. The same request may be repeated.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Error {
    /// The fault; a refusal becomes a bug. For work that cannot be refused.
    pub fn into_fault(self) -> Fault {
        match self {
            Self::Fault(fault) => fault,
            Self::Refused(refusal) => Fault::bug(format!("refused: {}", refusal.code())),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<MoneyError> for Error {
    /// A bug: validated input cannot overflow. Nothing was committed.
    fn from(error: MoneyError) -> Self {
        Self::Fault(Fault::bug(error.to_string()))
    }
}
