//! Storage of webhook endpoints and deliveries.

use jiff::ToSpan;
use kernel::id::{EndpointId, EventId};
use table::records;
use table::spread::{DueList, SOME};

use crate::webhooks::model::delivery::{Delivery, KEPT_HOURS};
use crate::webhooks::model::endpoint::Endpoint;

/// Deliveries, by their next attempt.
pub const DELIVERIES_DUE: DueList = DueList::spread("delivery", SOME);

records! {
    /// A webhook endpoint of the operator's product.
    Endpoint = "endpoint" {
        fn key(id: EndpointId) = "ENDPOINT#{id}", "ENDPOINT";
        at |it| Endpoint::key(it.id);
        owner |it| it.deleted_at.is_none().then(|| (ENDPOINTS.to_owned(), it.id.to_string()));
    }

    /// A webhook delivery: an event for an endpoint, with its attempts.
    Delivery = "delivery" {
        fn key(endpoint: EndpointId, event: EventId) = "ENDPOINT#{endpoint}", "DELIVERY#{event}";
        at |it| Delivery::key(it.endpoint, it.id);
        due |it| it.next_attempt_at.map(|at| DELIVERIES_DUE.entry(it.id, at));
        expires |it| it.begun_at.checked_add(KEPT_HOURS.hours()).ok();
    }
}

/// Partition of the list of all endpoints.
pub const ENDPOINTS: &str = "ENDPOINTS";

/// Prefix of the sort keys of an endpoint's deliveries.
pub const DELIVERIES: &str = "DELIVERY#";

/// Returns the partition of an endpoint and its deliveries.
pub fn endpoint_of(endpoint: EndpointId) -> String {
    format!("ENDPOINT#{endpoint}")
}
