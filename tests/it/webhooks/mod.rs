//! Webhooks: events for the operator's product.

mod chat;
pub mod events;
