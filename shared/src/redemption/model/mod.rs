//! Entities and their rules, without I/O.

pub mod code;
pub mod plan;
pub mod redemption;
pub mod settings;
