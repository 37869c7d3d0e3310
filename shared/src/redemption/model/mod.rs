//! Nouns and rules, pure.

pub mod code;
pub mod plan;
pub mod redemption;
pub mod settings;
