//! Faults and errors: a [`Fault`] is our failure, a [`Refusal`] is the business's no. They never mix.

use crate::money::MoneyError;
use crate::refusal::Refusal;

/// We failed. Keeps context for the log, is logged once at the edge and never shown to a caller.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    /// A call to another system failed for certain: nothing happened there.
    #[error("{call}: {why}")]
    Unavailable {
        /// Which call.
        call: &'static str,
        /// What it said.
        why: String,
    },
    /// A call's outcome is not known: it may have happened.
    #[error("{call}: outcome unknown: {why}")]
    OutcomeUnknown {
        /// Which call.
        call: &'static str,
        /// What was seen.
        why: String,
    },
    /// A stored item does not decode; it is left as it is.
    #[error("item {key}: {why}")]
    Item {
        /// Where it is.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// The work kept moving for the whole time there was.
    #[error("gave up after {attempts} attempts: {last}")]
    Contention {
        /// How often it was tried.
        attempts: u32,
        /// What stood in the way last.
        last: String,
    },
    /// The function lacks a variable that it can't do without.
    #[error("{variable} is not set")]
    Unset {
        /// Which.
        variable: &'static str,
    },
    /// Something that the code holds to be impossible.
    #[error("bug: {0}")]
    Bug(String),
}

impl Fault {
    /// Something that the code holds to be impossible.
    pub fn bug(what: impl Into<String>) -> Self {
        Self::Bug(what.into())
    }
}

/// Why a use case did not answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The business says no; nothing changed.
    #[error("refused: {}", .0.code())]
    Refused(Refusal),
    /// We failed; the same request may be repeated.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Error {
    /// The fault of work that nothing can refuse.
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
    /// Validated input cannot overflow; if it does, nothing was committed.
    fn from(error: MoneyError) -> Self {
        Self::Fault(Fault::bug(error.to_string()))
    }
}
