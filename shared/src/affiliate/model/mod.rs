//! Entities and their rules, without I/O.

pub mod commission;
pub mod iban;
pub mod payout_account;
pub mod payout_batch;
pub mod purchase;
pub mod settings;
pub mod simulation;
pub mod terms;
pub mod withdrawal;
pub mod year;
