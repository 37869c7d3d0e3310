//! The context of a request: everything a use case needs to know of its caller beyond what it asks for.

use crate::idempotency::Idempotency;

/// The context in which a use case runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ctx {
    /// How a repeated request is recognised.
    pub idempotency: Idempotency,
    /// The id of the request or message being answered, as the log has it; empty for what time does.
    pub request_id: String,
}

impl Ctx {
    /// The context of a job: nobody asked for it, and its effects have natural guards.
    pub fn system() -> Self {
        Self::natural("")
    }

    /// The context of a request or message whose effect has a natural guard.
    pub fn natural(request_id: impl Into<String>) -> Self {
        Self { idempotency: Idempotency::Natural, request_id: request_id.into() }
    }
}
