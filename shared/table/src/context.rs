//! Context of a request: caller-dependent input of a use case besides its arguments.

use crate::idempotency::Idempotency;

/// Context in which a use case runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ctx {
    /// Recognition of a repeated request.
    pub idempotency: Idempotency,
    /// Id of the request or message in the log; empty for jobs.
    pub request_id: String,
}

impl Ctx {
    /// Context of a job, whose effects have natural guards.
    pub fn system() -> Self {
        Self::natural("")
    }

    /// Context of a request or message whose effect has a natural guard.
    pub fn natural(request_id: impl Into<String>) -> Self {
        Self { idempotency: Idempotency::Natural, request_id: request_id.into() }
    }

    /// Fingerprint of a request with a key, for a thing that is its guard; see [`Guard`](crate::idempotency::Guard).
    pub fn fingerprint(&self) -> Option<String> {
        self.idempotency.key().map(|key| key.fingerprint.clone())
    }

    /// The same request for the thing at `place` of those that it names; its key is scoped to that.
    pub fn part(&self, place: usize) -> Self {
        let idempotency = match &self.idempotency {
            Idempotency::Natural => Idempotency::Natural,
            Idempotency::Key(key) => Idempotency::Key(key.part(place)),
        };
        Self { idempotency, request_id: self.request_id.clone() }
    }

    /// The same request without its key, for an effect with a guard of its own beside the one that the key stands for.
    pub fn unkeyed(&self) -> Self {
        Self::natural(self.request_id.clone())
    }
}
