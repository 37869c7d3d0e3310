//! Guerdon's pure core: money, ids, refusals and the ledger. No clock, randomness or I/O.

// The code of `settings!` names this crate as others do.
extern crate self as kernel;

pub mod as_text;
pub mod content_hash;
pub mod decimal;
pub mod fault;
pub mod id;
pub mod key_part;
pub mod ledger;
pub mod money;
pub mod month;
pub mod network;
pub mod provider;
pub mod refusal;
pub mod secret;
pub mod settings;
pub mod shape;
pub mod text_enum;
pub mod typed;
pub mod year;
