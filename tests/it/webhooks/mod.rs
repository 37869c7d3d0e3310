//! Webhooks: events for the operator's product.

pub mod events;
