//! Keys of what the operator's product is told.

use super::Key;
use crate::domain::id::{EndpointId, ToldId};

/// The list of all endpoints.
pub const ENDPOINTS: &str = "ENDPOINTS";

/// What the sort keys of an endpoint's deliveries begin with.
pub const DELIVERIES: &str = "DELIVERY#";

/// The partition of an endpoint, its deliveries included.
pub fn endpoint_of(endpoint: EndpointId) -> String {
    format!("ENDPOINT#{endpoint}")
}

impl Key {
    /// An endpoint of the operator's product.
    pub fn endpoint(endpoint: EndpointId) -> Self {
        Self::of(endpoint_of(endpoint), "ENDPOINT")
    }

    /// The delivery of an event to an endpoint.
    pub fn delivery(endpoint: EndpointId, event: ToldId) -> Self {
        Self::of(endpoint_of(endpoint), format!("{DELIVERIES}{event}"))
    }
}
