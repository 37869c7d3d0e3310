//! Faults and errors. A [`Fault`] is our failure, a [`Refusal`] is a business no; they never mix.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::money::MoneyError;
use crate::refusal::Refusal;

/// Source of a fault: the error of the library or system that caused it.
pub type Source = Arc<dyn StdError + Send + Sync>;

/// Failure on our side.
///
/// It carries its source and context for the log. The edge logs it once, as a [`Chain`], and never shows it to a caller.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    /// A call to another system certainly failed and had no effect there.
    #[error("{call}")]
    Unavailable {
        /// Name of the API call, `GetItem`.
        call: &'static str,
        /// Error of the other system.
        #[source]
        why: Source,
    },
    /// A call may or may not have taken effect.
    #[error("{call}: outcome unknown")]
    OutcomeUnknown {
        call: &'static str,
        /// Last error or symptom.
        #[source]
        why: Source,
    },
    /// A stored item does not decode. It stays unchanged.
    #[error("item {key}")]
    Item {
        /// Key of the item, `pk/sk`.
        key: String,
        /// Decoding error.
        #[source]
        why: Source,
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
    /// An environment variable has a value that the function can't work with.
    #[error("{variable} {why}")]
    Misset {
        variable: &'static str,
        /// Rest of the sentence: the mistake, and a value that would do.
        why: &'static str,
    },
    /// A state that the code considers impossible.
    #[error("bug")]
    Bug(#[source] Source),
}

impl Fault {
    /// A [`Fault::Unavailable`] of a call, with its error or a message.
    pub fn unavailable(call: &'static str, why: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable { call, why: why.into().into() }
    }

    /// A [`Fault::OutcomeUnknown`] of a call, with its error or a message.
    pub fn outcome_unknown(call: &'static str, why: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::OutcomeUnknown { call, why: why.into().into() }
    }

    /// A [`Fault::Item`] of the item at `key`, with its error or a message.
    pub fn item(key: impl Into<String>, why: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Item { key: key.into(), why: why.into().into() }
    }

    /// A [`Fault::Bug`] with its error or a message.
    pub fn bug(why: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Bug(why.into().into())
    }

    /// True if a repetition of the request may succeed: what failed passes.
    pub fn passes(&self) -> bool {
        !matches!(self, Self::Bug(_) | Self::Item { .. })
    }
}

/// An error with all its sources, on one line of the log.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a>(pub &'a (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
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
        Self::Fault(Fault::bug(error))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_fault_keeps_the_error_that_caused_it() {
        let fault = Error::from(Fault::bug("x".parse::<u8>().unwrap_err()));
        assert_eq!(fault.source().unwrap().to_string(), "invalid digit found in string");
        assert_eq!(Chain(&fault).to_string(), "bug: invalid digit found in string");
    }

    #[test]
    fn a_chain_has_every_source_once() {
        let inner = Fault::item("USER#1/USER", "no version");
        let outer = Fault::unavailable("GetItem", inner);
        assert_eq!(Chain(&outer).to_string(), "GetItem: item USER#1/USER: no version");
    }
}
