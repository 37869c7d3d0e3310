//! Guerdon's pure core: money, ids, refusals and the ledger. No clock, no randomness, no input or output.

pub mod decimal;
pub mod fault;
pub mod id;
pub mod key_part;
pub mod ledger;
pub mod money;
pub mod provider;
pub mod refusal;
pub mod secret;
pub mod text_enum;
