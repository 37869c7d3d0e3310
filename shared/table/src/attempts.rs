//! Detection of ambiguous attempts among the SDK's internal retries.
//!
//! The SDK retries internally. An earlier attempt may have committed with its response lost; we only see the last error, which
//! truly says that the last attempt did nothing. So track the attempts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodb::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::{BoxError, ProvideErrorMetadata};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError as CommitError;

/// Record of attempts that may have committed without a response.
#[derive(Debug, Clone, Default)]
pub(super) struct AmbiguousAttempts(Arc<AtomicBool>);

impl AmbiguousAttempts {
    /// True if any attempt so far was ambiguous.
    pub fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Intercept for AmbiguousAttempts {
    fn name(&self) -> &'static str {
        "AmbiguousAttempts"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(Err(error)) = context.output_or_error() {
            let said = error.as_operation_error().and_then(|error| error.downcast_ref::<CommitError>());
            if !said.is_some_and(definitely_not_applied) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

/// True if the database reports that nothing was written, as a transient error or a cancellation.
pub(super) fn definitely_not_applied(error: &CommitError) -> bool {
    matches!(error, CommitError::TransactionCanceledException(_))
        || matches!(
            error.code().unwrap_or_default(),
            "ThrottlingException"
                | "RequestLimitExceeded"
                | "ProvisionedThroughputExceededException"
                | "TransactionConflictException"
        )
}
