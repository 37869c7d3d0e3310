//! Entities and their rules, without I/O.

pub mod access;
pub mod credit_lot;
pub mod external;
pub mod foreign_hash;
pub mod identity;
pub mod import;
pub mod network;
pub mod scope;
pub mod second_factor;
pub mod service_key;
pub mod settings;
pub mod symbols;
pub mod totp;
pub mod user;
