//! Entities and their rules, without I/O.

pub mod code;
pub mod code_text;
pub mod outstanding;
pub mod plan;
pub mod redemption;
pub mod settings;
