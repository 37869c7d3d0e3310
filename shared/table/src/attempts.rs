//! What the SDK's own repetitions hide: a try that was carried out though its reply was lost, followed by one that is turned away.
//! The caller is told of the last try alone, which says truly that it did nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodb::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::{BoxError, ProvideErrorMetadata};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError as CommitError;

/// Whether a try of a commit may have been carried out without saying so.
#[derive(Debug, Clone, Default)]
pub(super) struct AmbiguousAttempts(Arc<AtomicBool>);

impl AmbiguousAttempts {
    /// Whether any of the tries until now was such a one.
    pub fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Intercept for AmbiguousAttempts {
    fn name(&self) -> &'static str {
        "Doubt"
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

/// Whether the database says that it did nothing, for a reason that passes or that stands in the cancellation.
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
