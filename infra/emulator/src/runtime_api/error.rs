//! Errors of invocations.

/// The reason that an invocation has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// The function returned an error.
    #[error("the function failed: {kind}: {message}")]
    Function {
        /// `errorType` of the report.
        kind: String,
        /// `errorMessage` of the report.
        message: String,
    },
    /// The function failed to initialise.
    #[error("the function could not start: {kind}: {message}")]
    Init {
        /// `errorType` of the report.
        kind: String,
        /// `errorMessage` of the report.
        message: String,
    },
    /// No result before the deadline.
    #[error("the function timed out")]
    TimedOut,
    /// The process ended before it responded, or had ended before the invocation.
    #[error("the function's process ended: {0}")]
    Exited(String),
    /// Another invocation is in progress.
    #[error("the function is busy")]
    Busy,
    /// The result is not JSON.
    #[error("the function's answer is not JSON: {0}")]
    Unreadable(String),
}
