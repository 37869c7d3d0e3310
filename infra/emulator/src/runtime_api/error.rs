//! What an invocation ends with instead of an answer.

/// Why an invocation has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// The function reported an error.
    #[error("the function failed: {kind}: {message}")]
    Function {
        /// `errorType`.
        kind: String,
        /// `errorMessage`.
        message: String,
    },
    /// The function reported that it could not start.
    #[error("the function could not start: {kind}: {message}")]
    Init {
        /// `errorType`.
        kind: String,
        /// `errorMessage`.
        message: String,
    },
    /// No answer before the deadline.
    #[error("the function timed out")]
    TimedOut,
    /// The process ended before it answered, or had ended before.
    #[error("the function's process ended: {0}")]
    Exited(String),
    /// Another invocation is under way.
    #[error("the function is busy")]
    Busy,
    /// The answer is not JSON.
    #[error("the function's answer is not JSON: {0}")]
    Unreadable(String),
}
