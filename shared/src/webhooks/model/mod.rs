//! Nouns and rules, pure.

pub mod delivery;
pub mod endpoint;
pub mod outbound_event;
