//! Where endpoints and deliveries are stored.

use jiff::ToSpan;
use kernel::id::{EndpointId, EventId};
use table::key::due;
use table::records;

use crate::webhooks::model::delivery::{Delivery, KEPT_HOURS};
use crate::webhooks::model::endpoint::Endpoint;

records! {
    /// An endpoint of the operator's product: where events go.
    Endpoint = "endpoint" {
        fn key(id: EndpointId) = "ENDPOINT#{id}", "ENDPOINT";
        at |it| Endpoint::key(it.id);
        owner |it| it.deleted_at.is_none().then(|| (ENDPOINTS.to_owned(), it.id.to_string()));
    }

    /// An event on its way to an endpoint, and the log of it.
    Delivery = "delivery" {
        fn key(endpoint: EndpointId, event: EventId) = "ENDPOINT#{endpoint}", "DELIVERY#{event}";
        at |it| Delivery::key(it.endpoint, it.id);
        due |it| it.next_attempt_at.map(|at| due("delivery", it.id, at));
        expires |it| it.begun_at.checked_add(KEPT_HOURS.hours()).ok();
    }
}

/// The list of all endpoints.
pub const ENDPOINTS: &str = "ENDPOINTS";

/// Prefix of the sort keys of an endpoint's deliveries.
pub const DELIVERIES: &str = "DELIVERY#";

/// The partition of an endpoint, its deliveries included.
pub fn endpoint_of(endpoint: EndpointId) -> String {
    format!("ENDPOINT#{endpoint}")
}
