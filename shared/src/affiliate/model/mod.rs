//! Nouns and rules, pure.

pub mod commission;
pub mod purchase;
pub mod settings;
pub mod withdrawal;
