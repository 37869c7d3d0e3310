//! Entities and their rules, without I/O.

pub mod delivery;
pub mod endpoint;
pub mod format;
pub mod outbound_event;
