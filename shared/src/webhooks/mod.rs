//! Webhooks: events for the operator's product, their endpoints and deliveries.

pub mod audit;
pub mod deliver;
pub mod endpoints;
pub mod model;
pub mod table;
pub mod webhook_sender;
