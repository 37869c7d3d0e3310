//! Entities and their rules, without I/O.

pub mod commission;
pub mod payout_account;
pub mod purchase;
pub mod settings;
pub mod withdrawal;
