//! The nouns of Guerdon and their rules. Pure: no async, no AWS, no clock, no randomness.

pub mod id;
pub mod money;
pub mod refusal;
