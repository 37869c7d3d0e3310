//! Interface between the edge and the application behind its routes.

use std::sync::Arc;

use kernel::secret::Secret;

/// Application state of the handlers.
pub trait Application: Send + Sync + 'static {
    /// Key of cursor seals and idempotency hashes.
    fn secret(&self) -> &Secret;
}

impl<A: Application> Application for Arc<A> {
    fn secret(&self) -> &Secret {
        A::secret(self)
    }
}
