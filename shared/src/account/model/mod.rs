//! Entities and their rules, without I/O.

pub mod access;
pub mod external;
pub mod foreign_hash;
pub mod identity;
pub mod import;
pub mod network;
pub mod scope;
pub mod service_key;
pub mod settings;
pub mod user;
