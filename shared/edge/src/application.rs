//! What the edge asks of the application behind its routes.

use std::sync::Arc;

use kernel::secret::Secret;

/// The application that handlers have as their state.
pub trait Application: Send + Sync + 'static {
    /// The secret that cursors and idempotency keys are sealed with.
    fn secret(&self) -> &Secret;
}

impl<A: Application> Application for Arc<A> {
    fn secret(&self) -> &Secret {
        A::secret(self)
    }
}
